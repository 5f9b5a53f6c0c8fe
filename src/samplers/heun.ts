/**
 * The probability flow with a second look at each step's end.
 */
import { descend, type NoiseLevelOptions } from "./noise-levels";
import type { SamplerStep } from "./sampler";

/**
 * Heun's method on the probability flow in noise levels, dx / dσ = (x − D(x; σ)) / σ (Karras et al. 2022,
 * Algorithm 1): an Euler step, then the same step again with the mean of the slopes at its two ends. Second
 * order: half the step, a quarter of the error.
 *
 * Two score evaluations a step, one in the last: 2 numSteps − 1 in all.
 *
 * @throws RangeError for options out of range
 */
export function heun(options: NoiseLevelOptions): AsyncGenerator<SamplerStep, void, undefined> {
  return descend(options, ({ x, sigma, next, denoise }) => {
    const denoised = denoise(x, sigma);
    const slope = x.sub(denoised).div(sigma);
    const euler = x.add(slope.mul(next - sigma));
    const slopeThere = euler.sub(denoise(euler, next)).div(next);
    return { x: x.add(slope.add(slopeThere).mul((next - sigma) / 2)), denoised };
  });
}
