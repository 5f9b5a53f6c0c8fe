/**
 * The density that every prior has.
 */
import { tf } from "../engine";
import { perExampleSum } from "./batch";

/** log N(x; 0, std² I) of each example, `[B, …D]` → `[B]`, in nats; owned by the caller. */
export function gaussianLogDensity(x: tf.Tensor, std: number): tf.Tensor1D {
  return tf.tidy(() => {
    const size = tf.util.sizeFromShape(x.shape.slice(1));
    const logNorm = size * Math.log(std * Math.sqrt(2 * Math.PI));
    return perExampleSum(x.square())
      .mul(-1 / (2 * std ** 2))
      .sub<tf.Tensor1D>(logNorm);
  });
}
