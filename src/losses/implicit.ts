/**
 * Implicit score matching (Hyvärinen 2005): the Fisher divergence without the true score.
 */
import { tf } from "../engine";
import { perExampleSum } from "../sde";
import { requireShapeOf } from "./explicit";

/** What the loss is a function of. */
export interface ImplicitOptions {
  /** The score to judge, s(x): `[B, …D]` → `[B, …D]`, each row from its own row alone. */
  score: (x: tf.Tensor) => tf.Tensor;
  /** Draws from p, `[B, …D]`. */
  x: tf.Tensor;
}

/**
 * The implicit loss of each example: ½ ‖s(x)‖² + tr(∇s(x)), half of what stands in eq. (18).
 *
 * Its mean over p is the Fisher divergence less a constant, ½ E‖∇ log p‖², that no choice of s changes:
 * E[s · ∇ log p] = ∫ s · ∇p = −∫ p tr(∇s) by parts (Hyvärinen 2005, Theorem 1), for p that vanishes far
 * out. So it needs draws of p and nothing else, and its minimum is the same. It can be negative.
 *
 * The trace takes one gradient for each of the D dimensions: fine in the plane, 784 for a digit. It can
 * itself be differentiated by a network's weights, if all its functions can be differentiated twice:
 * tfjs's sigmoid, tanh and exp cannot, and err in silence (see src/models/smooth.ts).
 *
 * @returns one loss an example, `[B]`; owned by the caller
 * @throws RangeError unless x is `[B, …D]` and the score has its shape
 */
export function implicitLosses(options: ImplicitOptions): tf.Tensor1D {
  const { score, x } = options;
  return tf.tidy(() => {
    const s = score(x);
    requireShapeOf(x, { score: s });
    return perExampleSum(s.square()).mul(0.5).add<tf.Tensor1D>(scoreTrace(score, x));
  });
}

/** The mean of `implicitLosses` over the batch, a Monte Carlo estimate. Scalar. */
export function implicitLoss(options: ImplicitOptions): tf.Scalar {
  return tf.tidy(() => implicitLosses(options).mean<tf.Scalar>());
}

/**
 * tr(∇s(x)) = Σᵢ ∂sᵢ/∂xᵢ, the divergence of the field s, exactly: one gradient a dimension.
 *
 * @param score each row from its own row of x alone
 * @param x `[B, …D]`
 * @returns `[B]`, owned by the caller
 */
export function scoreTrace(score: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): tf.Tensor1D {
  return tf.tidy(() => {
    const batch = x.shape[0];
    const dim = x.size / batch;
    const row = tf.grad(score); // (x, v) → vᵀ ∇s(x)
    const terms = Array.from({ length: dim }, (_, i) => {
      const unit = tf.buffer([1, ...x.shape.slice(1)]);
      unit.values[i] = 1;
      const direction = unit.toTensor().broadcastTo(x.shape);
      return perExampleSum(row(x, direction).mul(direction));
    });
    return tf.addN(terms);
  });
}
