/**
 * Two-dimensional distributions whose samples can be looked at.
 */
import { tf, type Random } from "../engine";
import { gaussianMixture, type GaussianMixture } from "./gaussian-mixture";

/**
 * Round Gaussians spaced evenly on a circle: the standard test of whether a sampler finds every mode,
 * with a score that is known exactly.
 *
 * @param options.modes how many, default 8
 * @param options.radius of the circle, default 1
 * @param options.std of each, default 0.1
 * @param options.weights default all equal
 */
export function ringOfGaussians(
  options: { modes?: number; radius?: number; std?: number; weights?: readonly number[] } = {},
): GaussianMixture {
  const { modes = 8, radius = 1, std = 0.1, weights } = options;
  if (!Number.isInteger(modes) || modes < 1) {
    throw new RangeError(`ringOfGaussians: modes must be a whole number ≥ 1; got ${modes}.`);
  }
  const means = Array.from({ length: modes }, (_, k) => {
    const angle = (2 * Math.PI * k) / modes;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return gaussianMixture(weights ? { means, stds: std, weights } : { means, stds: std });
}

/**
 * A spiral, x = θ (cos θ, sin θ) / 4.5π + noise with θ from 1.5π to 4.5π: one thin curve, whose
 * outer end is at distance 1.
 *
 * @param options.noiseStd standard deviation of the noise, default 0.02
 * @returns `[n, 2]`, owned by the caller
 */
export function swissRoll(
  n: number,
  random: Random,
  options: { noiseStd?: number } = {},
): tf.Tensor2D {
  const { noiseStd = 0.02 } = options;
  return tf.tidy(() => {
    const theta = random.uniform([n], 1.5 * Math.PI, 4.5 * Math.PI);
    const curve = tf.stack([theta.cos(), theta.sin()], 1).mul(theta.expandDims(1));
    return curve.div(4.5 * Math.PI).add<tf.Tensor2D>(random.normal([n, 2]).mul(noiseStd));
  });
}

/**
 * Two half circles of radius 1 that reach into each other, half of the points on each: the upper one
 * (cos θ, sin θ), the lower one (1 − cos θ, ½ − sin θ), θ from 0 to π, plus noise.
 *
 * @param options.noiseStd standard deviation of the noise, default 0.05
 * @returns `[n, 2]`, owned by the caller
 */
export function twoMoons(
  n: number,
  random: Random,
  options: { noiseStd?: number } = {},
): tf.Tensor2D {
  const { noiseStd = 0.05 } = options;
  return tf.tidy(() => {
    const theta = random.uniform([n], 0, Math.PI);
    const isLower = random.uniform([n]).less(0.5);
    const x = tf.where(isLower, tf.sub(1, theta.cos()), theta.cos());
    const y = tf.where(isLower, tf.sub(0.5, theta.sin()), theta.sin());
    return tf.stack([x, y], 1).add<tf.Tensor2D>(random.normal([n, 2]).mul(noiseStd));
  });
}
