/**
 * What the tests of Langevin chains share.
 */
import { gaussianMixture, tf } from "../../src";

/** Two modes close enough for chains to change between them. */
export const mixture = gaussianMixture({
  means: [
    [-1, 0],
    [1, 0.5],
  ],
  stds: [0.5, 0.7],
  weights: [0.3, 0.7],
});

/** Mean and variance of all the numbers of a tensor, which is freed. */
export function pooledMoments(x: tf.Tensor): { mean: number; variance: number } {
  const [mean = NaN, variance = NaN] = tf.tidy(() => {
    const moments = tf.moments(x);
    return [moments.mean.dataSync()[0], moments.variance.dataSync()[0]];
  });
  x.dispose();
  return { mean, variance };
}

/** Four relative standard errors of the variance of n independent Gaussian numbers. */
export function varianceError(n: number): number {
  return 4 * Math.sqrt(2 / n);
}
