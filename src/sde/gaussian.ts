/**
 * The density that every prior has.
 */
import { tf } from "../engine";

/** log N(x; 0, std² I) of each example, `[B, …D]` → `[B]`, in nats; owned by the caller. */
export function gaussianLogDensity(x: tf.Tensor, std: number): tf.Tensor1D {
  return tf.tidy(() => {
    const rows = x.reshape([x.shape[0] ?? 0, -1]);
    const size = rows.shape[1] ?? 0;
    const logNorm = size * Math.log(std * Math.sqrt(2 * Math.PI));
    return rows
      .square()
      .sum(1)
      .mul(-1 / (2 * std ** 2))
      .sub<tf.Tensor1D>(logNorm);
  });
}
