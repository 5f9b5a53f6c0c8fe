/**
 * What samplers share that go down a ladder of noise levels and look at a denoised image on every rung.
 */
import { tf, yieldToEventLoop, type Random } from "../engine";
import { constantTime, noiseLevelAt, type Score, type Sde } from "../sde";
import { samplerOptions, type SamplerOptions, type SamplerStep } from "./sampler";

/** What a sampler over noise levels takes. */
export interface NoiseLevelOptions extends SamplerOptions {
  /** Steps, of which the last is the denoising one; a whole number ≥ 1. Default 20. */
  numSteps?: number;
  /** How far the levels crowd towards the small ones, ≥ 1. Default 7 (Karras et al. 2022). */
  rho?: number;
}

/** Where such a sampler stands before a step, in units of the data: x = x(0) + σ z. */
export interface NoiseLevelState {
  /** x(t) / α(t), of the shape asked for. */
  readonly x: tf.Tensor;
  /** The noise level σ that `x` has. */
  readonly sigma: number;
  /** The level to go to, 0 < next < σ. */
  readonly next: number;
  /** What the step before saw; none at the first. */
  readonly previous?: { readonly denoised: tf.Tensor; readonly sigma: number };
  /** D(x; σ), the expected clean image: one score evaluation. */
  readonly denoise: (x: tf.Tensor, sigma: number) => tf.Tensor;
  /** Standard normal noise of the shape of `x`. */
  readonly noise: () => tf.Tensor;
}

/** What a step makes of it. */
export interface NoiseLevelMove {
  /** The state at level `next`. */
  readonly x: tf.Tensor;
  /** D(x; σ) where the step began: handed to the next step as `previous`. */
  readonly denoised: tf.Tensor;
}

/**
 * `numSteps` noise levels from `sigmaMax` down to `sigmaMin` (Karras et al. 2022, eq. 5):
 *
 *     σᵢ = (σ_max^(1/ρ) + i / (n − 1) (σ_min^(1/ρ) − σ_max^(1/ρ)))^ρ.
 *
 * ρ = 1 spaces them evenly; the larger ρ, the more of them lie at the small end, where details are made.
 *
 * @throws RangeError for levels that are not 0 < sigmaMin < sigmaMax, numSteps < 1, rho < 1
 */
export function karrasLevels(
  numSteps: number,
  { sigmaMin, sigmaMax, rho = 7 }: { sigmaMin: number; sigmaMax: number; rho?: number },
): number[] {
  if (!Number.isInteger(numSteps) || numSteps < 1) {
    throw new RangeError(`numSteps must be a whole number ≥ 1; got ${numSteps}.`);
  }
  if (!(sigmaMin > 0 && sigmaMin < sigmaMax && Number.isFinite(sigmaMax))) {
    throw new RangeError(
      `Noise levels go from sigmaMax down to 0 < sigmaMin < sigmaMax; got ${sigmaMax} and ${sigmaMin}.`,
    );
  }
  if (!(rho >= 1) || !Number.isFinite(rho)) {
    throw new RangeError(`rho must be a number ≥ 1; got ${rho}. Try 7.`);
  }
  const [top, bottom] = [sigmaMax ** (1 / rho), sigmaMin ** (1 / rho)];
  return Array.from({ length: numSteps }, (_, i) => {
    // At both ends the power of a root would be off by a rounding.
    if (i === 0) return sigmaMax;
    if (i === numSteps - 1) return sigmaMin;
    return (top + (i / (numSteps - 1)) * (bottom - top)) ** rho;
  });
}

/**
 * D(x; σ) = E[x(0) | x(0) + σ z = x], from a score: Tweedie's formula (Efron 2011). With x = x(t) / α(t)
 *
 *     D = x + σ² ∇ log p̂(x) = (x(t) + std(t)² s(x(t), t)) / α(t).
 */
export function denoiser(sde: Sde, score: Score): (x: tf.Tensor, sigma: number) => tf.Tensor {
  return (x, sigma) =>
    tf.tidy(() => {
      const t = sde.timeAt(sigma);
      const xt = x.mul(sde.scaleAt(t));
      const correction = score(xt, constantTime(x, t)).mul(sde.stdAt(t) ** 2);
      return xt.add(correction).div(sde.scaleAt(t));
    });
}

/**
 * Runs a sampler that is given by one step of it: from σ_max = σ(1) / α(1) over Karras' levels down to
 * σ_min, that of `eps`, and from there to D(x; σ_min), without noise, in the last step.
 *
 * Times and the SDE's shrinking of the data, α(t), are dealt with here, so that a sampler sees noise
 * levels alone: for dx = βᵗ dw α is 1 and x is x(t).
 *
 * @param move makes a step; every tensor that it makes, but for what it returns, is freed after it
 * @throws RangeError for options out of range
 */
export async function* descend(
  options: NoiseLevelOptions,
  move: (state: NoiseLevelState) => NoiseLevelMove,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { sde, score, shape, numSteps, random, eps, signal } = samplerOptions({
    ...options,
    numSteps: options.numSteps ?? 20,
  });
  const [sigmaMax, sigmaMin] = [noiseLevelAt(sde, 1), noiseLevelAt(sde, eps)];
  const levels = karrasLevels(numSteps, { sigmaMin, sigmaMax, rho: options.rho });
  const { denoise, evaluations } = counted(denoiser(sde, score));

  let x = tf.tidy(() => sde.prior(shape, random).div(sde.scaleAt(1)));
  let previous: NoiseLevelState["previous"];
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const sigma = levels[i] as number;
      const next = levels[i + 1] ?? 0;
      const moved: Partial<NoiseLevelMove> & { x: tf.Tensor } = tf.tidy(() => {
        if (next === 0) return { x: denoise(x, sigma) };
        const to = move({ x, sigma, next, previous, denoise, noise: noiseLike(x, random) });
        // Clones share the numbers: a move may then return a tensor that it was given, too.
        return { x: to.x.clone(), denoised: to.denoised.clone() };
      });
      tf.dispose([x, previous?.denoised ?? []]);
      x = moved.x;
      previous = moved.denoised && { denoised: moved.denoised, sigma };
      const t = next === 0 ? 0 : sde.timeAt(next);
      const xt = tf.tidy(() => x.mul(sde.scaleAt(t)));
      try {
        yield { step: i + 1, numSteps, t, x: xt, nfe: evaluations() };
      } finally {
        xt.dispose();
      }
      await yieldToEventLoop();
    }
  } finally {
    tf.dispose([x, previous?.denoised ?? []]);
  }
}

function noiseLike(x: tf.Tensor, random: Random): () => tf.Tensor {
  return () => random.normal([...x.shape]);
}

function counted<A extends unknown[], R>(
  f: (...args: A) => R,
): { denoise: (...args: A) => R; evaluations: () => number } {
  let count = 0;
  const denoise = (...args: A): R => {
    count++;
    return f(...args);
  };
  return { denoise, evaluations: () => count };
}
