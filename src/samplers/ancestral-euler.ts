/**
 * Euler steps that go too far down and are topped up with new noise.
 */
import { descend, type NoiseLevelOptions } from "./noise-levels";
import type { SamplerStep } from "./sampler";

/**
 * Ancestral Euler: the posterior of the next state were D(x; σ) the clean image (Ho et al. 2020, eq. 6–7;
 * DDIM with η = 1). A step of DDIM to a level below σ′, then new noise that makes it σ′:
 *
 *     σ_new² = σ′² (σ² − σ′²) / σ²,   σ_down² = σ′² − σ_new²,
 *     x′ = D(x; σ) + (σ_down / σ) (x − D(x; σ)) + σ_new z.
 *
 * It is also the exact solution of the reverse SDE over the step, were D constant, just as DDIM is that of the
 * probability flow: of first order, but the network's errors are forgotten along with the old noise.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export function ancestralEuler(
  options: NoiseLevelOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  return descend(options, ({ x, sigma, next, denoise, noise }) => {
    const denoised = denoise(x, sigma);
    const fresh = (next * Math.sqrt(sigma ** 2 - next ** 2)) / sigma;
    const down = next ** 2 / sigma; // √(next² − fresh²)
    const mean = denoised.add(x.sub(denoised).mul(down / sigma));
    return { x: mean.add(noise().mul(fresh)), denoised };
  });
}
