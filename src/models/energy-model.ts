/**
 * Energy-based models: a distribution given by any function of x, p(x) = e^(−E(x)) / Z, eq. (13).
 */
import { tf } from "../engine";

/** An energy E: `[B, …D]` → `[B]`, low where x is likely. Each row's from that row alone. */
export type Energy = (x: tf.Tensor) => tf.Tensor1D;

/**
 * The score of an energy model, s(x) = ∇ log p(x) = −∇E(x), eq. (15). By eq. (14), log p = −E − log Z,
 * and log Z does not depend on x: the score never sees it.
 *
 * @returns `[B, …D]` → `[B, …D]`; each result owned by its caller
 */
export function energyScore(energy: Energy): (x: tf.Tensor) => tf.Tensor {
  const gradient = tf.grad((x) => energy(x).sum());
  return (x) => tf.tidy(() => gradient(x).neg());
}

/** Where to integrate, and how finely. */
export interface QuadratureOptions {
  /** From where to where, the same on both axes; outside it e^(−E) must not count. */
  range: readonly [number, number];
  /** Points on each axis, a whole number ≥ 1. Default 200, so 40,000 energies. */
  size?: number;
}

/**
 * log Z = log ∫ e^(−E(x)) dx of an energy on the plane, by the midpoint rule: the Z of eq. (13).
 *
 * It costs size² evaluations here, and size^D in D dimensions: two or three is where it ends.
 *
 * @throws RangeError for a range that is not finite and increasing, or a size below 1
 */
export function logPartition(energy: Energy, options: QuadratureOptions): number {
  const {
    range: [low, high],
    size = 200,
  } = options;
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
    throw new RangeError(`range must be two increasing numbers; got [${low}, ${high}].`);
  }
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`size must be a whole number ≥ 1; got ${size}.`);
  }
  const step = (high - low) / size;
  const logSum = tf.tidy(() => {
    const axis = tf.range(0, size).add(0.5).mul(step).add(low);
    const [x1, x2] = tf.meshgrid(axis, axis) as [tf.Tensor, tf.Tensor];
    const points = tf.stack([x1.flatten(), x2.flatten()], 1);
    return tf.logSumExp(energy(points).neg()).dataSync()[0] as number;
  });
  return logSum + 2 * Math.log(step);
}
