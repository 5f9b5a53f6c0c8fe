/**
 * Distributions whose flow and likelihood have a closed form.
 */
import { gaussianMixture, type GaussianMixture, type tf } from "../../src";

/**
 * Three modes in the plane, 6 standard deviations or more apart, with mean 0: a prior about 0 then differs
 * from p₁ to second order only, by the ratio of the variances.
 */
export const mixture = gaussianMixture({
  means: [
    [-1.5, -1.1],
    [1.5, -1.1],
    [0, 1.1],
  ],
  stds: 0.3,
  weights: [0.25, 0.25, 0.5],
});

/** N(0, variance I) in so many dimensions. */
export function gaussian(variance: number, dim = 2): GaussianMixture {
  return gaussianMixture({ means: [new Array<number>(dim).fill(0)], stds: Math.sqrt(variance) });
}

/** The last of the steps, with its numbers and not its tensor. */
export async function lastOf<T extends { readonly x: tf.Tensor }>(
  steps: AsyncIterable<T>,
): Promise<Omit<T, "x"> & { values: number[]; shape: number[] }> {
  let last: (Omit<T, "x"> & { values: number[]; shape: number[] }) | undefined;
  for await (const s of steps) {
    last = { ...s, values: Array.from(s.x.dataSync()), shape: s.x.shape };
  }
  if (!last) throw new Error("There was no step.");
  return last;
}
