/**
 * The times that a batch is perturbed to.
 */
import { tf, type Random } from "../engine";

/**
 * How the times of a batch are drawn: each by itself, or one from each of as many equal parts of the
 * interval, so that no batch has too many early ones. A mean over the batch has the same expectation with
 * both, and scatters less with the second (stratified sampling).
 */
export type TimeSampling = "independent" | "stratified";

/**
 * Times uniform on (eps, 1), `[B]`; stratified ones in rising order. They go with images in random order, so
 * that which image has which time is left to chance all the same.
 */
export function drawTimes(
  random: Random,
  batch: number,
  { eps, times }: { eps: number; times: TimeSampling },
): tf.Tensor1D {
  if (times === "independent") return random.uniform([batch], eps, 1);
  return tf.tidy(() => {
    const parts = tf.range(0, batch).add(random.uniform([batch]));
    return parts.mul((1 - eps) / batch).add<tf.Tensor1D>(eps);
  });
}
