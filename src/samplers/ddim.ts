/**
 * DDIM: the probability flow in straight pieces.
 */
import { descend, type NoiseLevelOptions } from "./noise-levels";
import type { SamplerStep } from "./sampler";

/**
 * DDIM (Song, Meng & Ermon 2021, eq. 12 with η = 0), written in noise levels: keep the noise that the
 * network sees in x, (x − D) / σ, and only make less of it,
 *
 *     x′ = D(x; σ) + (σ′ / σ) (x − D(x; σ)).
 *
 * Given the first noise nothing is left to chance. It is Euler's method in σ for the probability flow
 * dx / dσ = (x − D) / σ, and so of first order: half the step, half the error.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export function ddim(options: NoiseLevelOptions): AsyncGenerator<SamplerStep, void, undefined> {
  return descend(options, ({ x, sigma, next, denoise }) => {
    const denoised = denoise(x, sigma);
    return { x: denoised.add(x.sub(denoised).mul(next / sigma)), denoised };
  });
}
