/**
 * The reverse SDE with the accuracy of a solver of second order.
 */
import { descend, type NoiseLevelOptions } from "./noise-levels";
import type { SamplerStep } from "./sampler";

/**
 * SDE-DPM-Solver++ (2M) (Lu et al. 2022b), in noise levels. In λ = −log σ the reverse SDE is
 * dx = 2 (D − x) dλ + √2 σ dw. Its linear part is solved exactly, noise included: over a step of length
 * h = log(σ / σ′)
 *
 *     x′ = (σ′ / σ) e^−h x + (1 − e^−2h) D̄ + σ′ √(1 − e^−2h) z,
 *
 * with D̄ = D + (h / 2 h₀) (D − D_before), as in DPM-Solver++ (2M): D in the middle of the step, on the
 * straight line through the last two.
 *
 * A step replaces the part 1 − e^−2h of the noise's variance by new noise, and the network's earlier errors go
 * with the old.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export function sdeDpmSolver2m(
  options: NoiseLevelOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  return descend(options, ({ x, sigma, next, previous, denoise, noise }) => {
    const denoised = denoise(x, sigma);
    const h = Math.log(sigma / next);
    const renewed = -Math.expm1(-2 * h);
    let middle = denoised;
    if (previous) {
      const before = Math.log(previous.sigma / sigma);
      middle = denoised.add(denoised.sub(previous.denoised).mul(h / (2 * before)));
    }
    const mean = x.mul((next / sigma) * Math.exp(-h)).add(middle.mul(renewed));
    return { x: mean.add(noise().mul(next * Math.sqrt(renewed))), denoised };
  });
}
