/**
 * Second order at the price of first: the step before is remembered.
 */
import { descend, type NoiseLevelOptions } from "./noise-levels";
import type { SamplerStep } from "./sampler";

/**
 * DPM-Solver++ (2M) (Lu et al. 2022b, Algorithm 2), in noise levels. In λ = −log σ the probability flow is
 * dx / dλ = D − x, whose linear part has an exact solution: over a step of length h = log(σ / σ′)
 *
 *     x′ = (σ′ / σ) x + (1 − e^−h) D̄,
 *
 * exactly, were D constant and D̄ = D (that is DDIM). For second order D̄ is D in the middle of the step, on
 * the straight line through D here and D one step ago (h₀ long):
 *
 *     D̄ = D + (h / 2 h₀) (D − D_before).
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export function dpmSolver2m(
  options: NoiseLevelOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  return descend(options, ({ x, sigma, next, previous, denoise }) => {
    const denoised = denoise(x, sigma);
    const h = Math.log(sigma / next);
    let middle = denoised;
    if (previous) {
      const before = Math.log(previous.sigma / sigma);
      middle = denoised.add(denoised.sub(previous.denoised).mul(h / (2 * before)));
    }
    return { x: x.mul(next / sigma).add(middle.mul(-Math.expm1(-h))), denoised };
  });
}
