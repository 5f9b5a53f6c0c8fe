/**
 * What a forward process is, and what a score is: the two ideas that everything else stands on.
 */
import type { Random, tf } from "../engine";

/**
 * A forward SDE dx = f(x, t) dt + g(t) dw on t ∈ [0, 1] whose drift f is affine in x, so that x(t)
 * given x(0) is Gaussian with a mean and a standard deviation in closed form.
 *
 * Shapes: `x` is `[B, …D]` with any number of data dimensions, `t` is `[B]`, one time an example.
 */
export interface Sde {
  /** For messages and captions. */
  readonly name: string;
  /** What it was made with; none of an SDE that is not of this library. A checkpoint holds it. */
  readonly parameters?: SdeParameters;
  /** f(x, t), of the shape of `x`. */
  drift(x: tf.Tensor, t: tf.Tensor1D): tf.Tensor;
  /** g(t), `[B]`. */
  diffusion(t: tf.Tensor1D): tf.Tensor1D;
  /** α(t) for one time: the mean of x(t) given x(0) is α(t) x(0). α(0) = 1. */
  scaleAt(t: number): number;
  /** σ(t) for one time: the standard deviation of x(t) given x(0). */
  stdAt(t: number): number;
  /**
   * The time at which the noise, in units of the data, has a level: the inverse of t ↦ σ(t) / α(t), which
   * grows with t. A sampler that thinks in noise levels finds its times with it.
   */
  timeAt(noiseLevel: number): number;
  /** Mean (shape of `x0`) and standard deviation (`[B]`) of x(t) given x(0) = x0: eq. (7). */
  marginal(x0: tf.Tensor, t: tf.Tensor1D): { mean: tf.Tensor; std: tf.Tensor1D };
  /** A draw from the distribution that x(1) is taken to have, of the given shape: eq. (8). */
  prior(shape: readonly number[], random: Random): tf.Tensor;
  /** log of that distribution's density at each example, in nats: `[B, …D]` → `[B]`. */
  priorLogDensity(x: tf.Tensor): tf.Tensor1D;
}

/** An SDE of this library as plain data: `sdeFrom` makes it anew. */
export type SdeParameters =
  | { readonly kind: "exponential"; readonly beta: number }
  | {
      readonly kind: "variance-exploding";
      readonly sigmaMin: number;
      readonly sigmaMax: number;
    }
  | {
      readonly kind: "variance-preserving" | "sub-vp";
      readonly betaMin: number;
      readonly betaMax: number;
    };

/** σ(t) / α(t): how much noise x(t) / α(t) = x(0) + level · z carries. `sde.timeAt` is the inverse. */
export function noiseLevelAt(sde: Sde, t: number): number {
  return sde.stdAt(t) / sde.scaleAt(t);
}

/**
 * A score: s(x, t) = ∇ₓ log pₜ(x), with `x` `[B, …D]` and `t` `[B]`, giving the shape of `x`.
 *
 * A trained ScoreNet is one; the exact score of a Gaussian mixture is another. Samplers cannot tell
 * them apart, and so they are tested on distributions whose answer is known.
 */
export type Score = (x: tf.Tensor, t: tf.Tensor1D) => tf.Tensor;
