/**
 * Random numbers that can be repeated and resumed.
 */
import { isRecording } from "./graph";
import { nativeOp } from "./native-op";
import { tf } from "./tensorflow";

/** Where a stream of random numbers stands: all that is needed to carry it on later. */
export interface RandomState {
  readonly seed: number;
  readonly counter: number;
}

/**
 * A stream of random tensors, the same on every machine for the same seed.
 *
 * The n-th draw is a pure function of (seed, n): TensorFlow's stateless generator (Philox; Salmon et
 * al. 2011, "Parallel random numbers: as easy as 1, 2, 3") hashes the pair. So the whole state is two
 * integers, and a training run that saves them goes on exactly as if it had never stopped.
 */
export class Random {
  readonly seed: number;
  private counter: number;

  /**
   * @param seed an integer, −2³¹ … 2³¹ − 1
   * @param counter how many draws were taken before, 0 … 2³¹ − 1
   * @throws RangeError for anything else
   */
  constructor(seed: number, counter = 0) {
    requireInt32(seed, "seed", -(2 ** 31));
    requireInt32(counter, "counter", 0);
    this.seed = seed;
    this.counter = counter;
  }

  /** Where the stream stands; `new Random(state.seed, state.counter)` goes on from there. */
  get state(): RandomState {
    return { seed: this.seed, counter: this.counter };
  }

  /** Goes back to where the stream stood: the draws since then come again. */
  rewind(state: RandomState): void {
    requireInt32(state.counter, "counter", 0);
    this.counter = state.counter;
  }

  /** Independent draws from N(0, 1), float32, of the shape asked for. The caller owns the tensor. */
  normal<S extends number[]>(shape: readonly [...S]): TensorOfRank<S> {
    return this.draw("StatelessRandomNormal", shape) as TensorOfRank<S>;
  }

  /** Independent draws from U[low, high), float32, of the shape asked for. The caller owns the tensor. */
  uniform<S extends number[]>(shape: readonly [...S], low = 0, high = 1): TensorOfRank<S> {
    if (!(low <= high)) {
      throw new RangeError(
        `uniform(): low must not exceed high; got low = ${low}, high = ${high}.`,
      );
    }
    return tf.tidy(() => {
      const unit = this.draw("StatelessRandomUniform", shape);
      return unit.mul(high - low).add<TensorOfRank<S>>(low);
    });
  }

  /** The numbers 0 … n − 1 in random order, every order equally likely (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    requireInt32(n, "n", 0);
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    const uniform = this.uniform([Math.max(n, 1)]);
    const picks = uniform.dataSync();
    uniform.dispose();
    for (let i = n - 1; i > 0; i--) {
      const j = Math.min(i, Math.floor((picks[i] ?? 0) * (i + 1)));
      const swapped = order[i] ?? 0;
      order[i] = order[j] ?? 0;
      order[j] = swapped;
    }
    return order;
  }

  private draw(op: string, shape: readonly number[]): tf.Tensor {
    if (shape.some((size) => !Number.isInteger(size) || size < 0)) {
      throw new RangeError(`A shape is a list of whole numbers ≥ 0; got [${shape.join(", ")}].`);
    }
    if (isRecording()) {
      throw new Error(
        "This function is being recorded as a graph, which would repeat one and the same random draw in " +
          "each run: draw before, and pass the numbers in.",
      );
    }
    const drawn = tf.tidy(() => {
      const shapeInput = tf.tensor1d([...shape], "int32");
      const seedInput = tf.tensor1d([this.seed, this.counter], "int32");
      const [values] = nativeOp(op, [shapeInput, seedInput], {
        dtype: { type: "dtype", value: "float32" },
        T: { type: "dtype", value: "int32" },
        Tseed: { type: "dtype", value: "int32" },
      });
      return values as tf.Tensor;
    });
    this.counter++;
    return drawn;
  }
}

/** `[B]` gives a Tensor1D, `[B, D]` a Tensor2D …; a shape of unknown length a Tensor. */
export type TensorOfRank<S extends number[]> = number extends S["length"]
  ? tf.Tensor
  : S["length"] extends 1
    ? tf.Tensor1D
    : S["length"] extends 2
      ? tf.Tensor2D
      : S["length"] extends 3
        ? tf.Tensor3D
        : S["length"] extends 4
          ? tf.Tensor4D
          : tf.Tensor;

function requireInt32(value: number, name: string, min: number): void {
  if (!Number.isInteger(value) || value < min || value >= 2 ** 31) {
    throw new RangeError(
      `${name} must be a whole number from ${min} to ${2 ** 31 - 1}; got ${value}.`,
    );
  }
}
