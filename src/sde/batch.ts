/**
 * What SDEs, losses and samplers share: checks of their arguments, and times for a batch.
 */
import { isRecording, tf } from "../engine";

/**
 * Checks times, and hands out their numbers. (While a graph is recorded there are none yet: who runs it
 * has to check.)
 *
 * @throws RangeError unless `t` is `[B]` with every time in [0, 1], or in (0, 1] with `excludeZero`
 * (at t = 0 the perturbation kernel has no density and so no score)
 */
export function requireTimes(t: tf.Tensor, options: { excludeZero?: boolean } = {}): Float32Array {
  if (t.rank !== 1) {
    throw new RangeError(
      `t must have shape [B], one time an example; got [${t.shape.join(", ")}].`,
    );
  }
  const { excludeZero = false } = options;
  const times = isRecording() ? new Float32Array() : t.dataSync<"float32">();
  for (const time of times) {
    const tooSmall = excludeZero ? !(time > 0) : !(time >= 0);
    if (tooSmall || time > 1) {
      const range = excludeZero ? "(0, 1]" : "[0, 1]";
      throw new RangeError(`t must lie in ${range}; got ${time}.`);
    }
  }
  return times;
}

/** @throws RangeError unless `x` is `[B, …D]` and `t` is `[B]` with the same B */
export function requireBatch(x: tf.Tensor, t: tf.Tensor): void {
  if (x.rank < 2) {
    throw new RangeError(
      `x must have shape [B, …D] with at least one data dimension; got [${x.shape.join(", ")}].`,
    );
  }
  if (t.rank === 1 && t.shape[0] !== x.shape[0]) {
    throw new RangeError(
      `x and t must have one row an example; got ${x.shape[0]} rows of x and ${t.shape[0]} of t.`,
    );
  }
}

/** The time `t` for every example of `x`, `[B]`: a sampler moves the whole batch at once. */
export function constantTime(x: tf.Tensor, t: number): tf.Tensor1D {
  return tf.tensor1d(new Float32Array(x.shape[0] ?? 0).fill(t));
}

/** `[B]` → `[B, 1, …1]`, so that one number an example multiplies a whole example of `like`. */
export function perExample(values: tf.Tensor1D, like: tf.Tensor): tf.Tensor {
  return values.reshape([-1, ...like.shape.slice(1).map(() => 1)]);
}

/** `[B, …D]` → `[B]`: the sum over the data dimensions. */
export function perExampleSum(x: tf.Tensor): tf.Tensor1D {
  return x.reshape([x.shape[0] ?? 0, -1]).sum<tf.Tensor1D>(1);
}
