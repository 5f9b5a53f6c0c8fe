/**
 * Explicit score matching: the distance between two scores, where the true one is known.
 */
import { tf } from "../engine";
import { perExampleSum } from "../sde";

/** What the loss is a function of. Scores without time: one distribution, not one for each t. */
export interface ExplicitOptions {
  /** The score to judge, s(x): `[B, …D]` → `[B, …D]`. */
  score: (x: tf.Tensor) => tf.Tensor;
  /** The true score ∇ log p(x), of the same shapes. */
  trueScore: (x: tf.Tensor) => tf.Tensor;
  /** Draws from p, `[B, …D]`. */
  x: tf.Tensor;
}

/**
 * Half the squared distance of two scores at each example: ½ ‖∇ log p(x) − s(x)‖².
 *
 * Its mean over p is the Fisher divergence, eq. (17), that score matching is about. Data alone do not
 * give ∇ log p, and so it cannot be trained with; where p is known, it measures what the other losses
 * have learned.
 *
 * @returns one value an example, ≥ 0, `[B]`; owned by the caller
 * @throws RangeError unless x is `[B, …D]` and both scores have its shape
 */
export function explicitLosses(options: ExplicitOptions): tf.Tensor1D {
  const { score, trueScore, x } = options;
  return tf.tidy(() => {
    const learned = score(x);
    const exact = trueScore(x);
    requireShapeOf(x, { score: learned, trueScore: exact });
    return perExampleSum(exact.sub(learned).square()).mul<tf.Tensor1D>(0.5);
  });
}

/** The mean of `explicitLosses`: the Fisher divergence of eq. (17) as a Monte Carlo estimate. Scalar. */
export function explicitLoss(options: ExplicitOptions): tf.Scalar {
  return tf.tidy(() => explicitLosses(options).mean<tf.Scalar>());
}

/** @throws RangeError unless x is `[B, …D]` and every value has its shape */
export function requireShapeOf(x: tf.Tensor, values: Readonly<Record<string, tf.Tensor>>): void {
  if (x.rank < 2 || x.size === 0) {
    throw new RangeError(`x must be [B, …D] and not empty; got [${x.shape.join(", ")}].`);
  }
  for (const [name, value] of Object.entries(values)) {
    if (!tf.util.arraysEqual(value.shape, x.shape)) {
      throw new RangeError(
        `${name} must have the shape of x, [${x.shape.join(", ")}]; got [${value.shape.join(", ")}].`,
      );
    }
  }
}
