/**
 * Jumping straight to time t.
 */
import { tf } from "../engine";
import { perExample } from "./batch";
import type { Sde } from "./sde";

/**
 * A draw of x(t) given x(0) = x0 in one step: mean(x0, t) + std(t) z, eq. (7). No simulation is
 * needed, and that is what makes training cheap.
 *
 * @param x0 data, `[B, …D]`
 * @param t times in [0, 1], `[B]`
 * @param z standard normal noise of the shape of `x0`
 * @returns x(t), of the shape of `x0`
 * @throws RangeError where shapes do not fit or a time lies outside [0, 1]
 */
export function perturb(sde: Sde, x0: tf.Tensor, t: tf.Tensor1D, z: tf.Tensor): tf.Tensor {
  if (!tf.util.arraysEqual(x0.shape, z.shape)) {
    throw new RangeError(
      `z must have the shape of x0, [${x0.shape.join(", ")}]; got [${z.shape.join(", ")}].`,
    );
  }
  return tf.tidy(() => {
    const { mean, std } = sde.marginal(x0, t);
    return mean.add(z.mul(perExample(std, z)));
  });
}
