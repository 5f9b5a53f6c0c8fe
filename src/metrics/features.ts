/**
 * What the measures ask of the features they are given.
 */
import { tf } from "../engine";

/**
 * @param name what the rows are, for messages: "samples"
 * @param minRows the fewest rows that will do
 * @throws RangeError unless it is `[N, D]` with D ≥ 1, N ≥ `minRows`, and every number finite
 */
export function requireRows(rows: tf.Tensor, name: string, minRows: number): void {
  const [count = 0, width = 0] = rows.shape;
  if (rows.rank !== 2 || width < 1) {
    throw new RangeError(`The ${name} must be rows, [N, D]; got [${rows.shape.join(", ")}].`);
  }
  if (count < minRows) {
    throw new RangeError(`The ${name} have ${count} rows; at least ${minRows} are needed.`);
  }
  requireFinite(rows, name);
}

/** @throws RangeError unless both have rows of the same width */
export function requireSameWidth(a: tf.Tensor, b: tf.Tensor): void {
  if (a.shape[1] !== b.shape[1]) {
    throw new RangeError(
      `Both sets must have features of the same width; got ${a.shape[1]} and ${b.shape[1]}.`,
    );
  }
}

/** @throws RangeError where a number is NaN or infinite */
export function requireFinite(tensor: tf.Tensor, name: string): void {
  const finite = tf.tidy(() => tf.isFinite(tensor).all());
  const [yes] = finite.dataSync();
  finite.dispose();
  if (!yes) {
    throw new RangeError(`The ${name} hold NaN or infinity: did the sampler or the loss diverge?`);
  }
}
