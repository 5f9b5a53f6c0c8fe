/**
 * Sliced score matching (Song et al. 2019): the implicit loss with the trace seen along one direction.
 */
import { tf } from "../engine";
import { perExampleSum } from "../sde";
import { requireShapeOf } from "./explicit";

/** What the loss is a function of. */
export interface SlicedOptions {
  /** The score to judge, s(x): `[B, …D]` → `[B, …D]`, each row from its own row alone. */
  score: (x: tf.Tensor) => tf.Tensor;
  /** Draws from p, `[B, …D]`. */
  x: tf.Tensor;
  /**
   * A random direction for each example, of the shape of `x`, with mean 0 and covariance I: standard
   * normal numbers, for one.
   */
  v: tf.Tensor;
}

/**
 * The sliced loss of each example: ½ ‖s(x)‖² + vᵀ ∇s(x) v.
 *
 * As E[v vᵀ] = I, the second term's mean over v is tr(∇s), so the loss is right on average for
 * `implicitLosses`: same minimum, more noise, and one gradient whatever the dimension. (This is the
 * paper's variant with reduced variance, "SSM-VR": it leaves ‖s‖² as it is instead of
 * slicing it too.)
 *
 * @returns one loss an example, `[B]`; owned by the caller
 * @throws RangeError unless x is `[B, …D]` and the score and v have its shape
 */
export function slicedLosses(options: SlicedOptions): tf.Tensor1D {
  const { score, x, v } = options;
  return tf.tidy(() => {
    requireShapeOf(x, { v });
    const { value: s, grad: row } = tf.valueAndGrad(score)(x, v); // s and vᵀ ∇s in one pass
    requireShapeOf(x, { score: s });
    return perExampleSum(s.square())
      .mul(0.5)
      .add<tf.Tensor1D>(perExampleSum(row.mul(v)));
  });
}

/** The mean of `slicedLosses` over the batch, a Monte Carlo estimate. Scalar. */
export function slicedLoss(options: SlicedOptions): tf.Scalar {
  return tf.tidy(() => slicedLosses(options).mean<tf.Scalar>());
}
