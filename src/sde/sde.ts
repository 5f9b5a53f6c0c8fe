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
  /** f(x, t), of the shape of `x`. */
  drift(x: tf.Tensor, t: tf.Tensor1D): tf.Tensor;
  /** g(t), `[B]`. */
  diffusion(t: tf.Tensor1D): tf.Tensor1D;
  /** Mean (shape of `x0`) and standard deviation (`[B]`) of x(t) given x(0) = x0: eq. (7). */
  marginal(x0: tf.Tensor, t: tf.Tensor1D): { mean: tf.Tensor; std: tf.Tensor1D };
  /** A draw from the distribution that x(1) is taken to have, of the given shape: eq. (8). */
  prior(shape: readonly number[], random: Random): tf.Tensor;
}

/**
 * A score: s(x, t) = ∇ₓ log pₜ(x), with `x` `[B, …D]` and `t` `[B]`, giving the shape of `x`.
 *
 * A trained ScoreNet is one; the exact score of a Gaussian mixture is another. Samplers cannot tell
 * them apart, and so they are tested on distributions whose answer is known.
 */
export type Score = (x: tf.Tensor, t: tf.Tensor1D) => tf.Tensor;
