/**
 * A small network for scores in few dimensions: points in the plane rather than images.
 */
import { Random, tf } from "../engine";
import { linear } from "./layers";
import { smoothSwish } from "./smooth";

/** How to make a ScoreMlp. */
export interface ScoreMlpOptions {
  /** Dimension of x. Default 2. */
  dim?: number;
  /** Width of each of the two hidden layers. Default 64. */
  width?: number;
  /** Governs the first weights. Default 0. */
  seed?: number;
}

/**
 * s_θ(x) without a time: dim → width → width → dim with swish between, which is smooth, so that the
 * trace of ∇s exists and can itself be differentiated (ReLU's second derivative is 0 almost
 * everywhere). With the defaults 4,482 parameters.
 *
 * As in ScoreNet, all trainable numbers lie in one vector.
 */
export class ScoreMlp {
  readonly dim: number;
  readonly width: number;
  private readonly vector: tf.Variable;

  /** @throws RangeError unless dim and width are whole numbers ≥ 1 */
  constructor(options: ScoreMlpOptions = {}) {
    const { dim = 2, width = 64, seed = 0 } = options;
    for (const [name, value] of Object.entries({ dim, width })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(`ScoreMlp: ${name} must be a whole number ≥ 1; got ${value}.`);
      }
    }
    this.dim = dim;
    this.width = width;
    const initial = this.initialVector(new Random(seed));
    this.vector = tf.variable(initial, false);
    initial.dispose();
  }

  /** How many trainable numbers there are. */
  get parameterCount(): number {
    return this.vector.size;
  }

  /** The score s_θ(x): `[B, dim]` → `[B, dim]`. */
  readonly score = (x: tf.Tensor): tf.Tensor2D =>
    this.apply(this.vector as unknown as tf.Tensor1D, x);

  /**
   * The same with the parameters given, so that a gradient can be taken by them.
   *
   * @param vector `[parameterCount]`
   * @param x `[B, dim]`
   * @throws RangeError for other shapes
   */
  apply(vector: tf.Tensor1D, x: tf.Tensor): tf.Tensor2D {
    if (x.rank !== 2 || x.shape[1] !== this.dim) {
      throw new RangeError(
        `ScoreMlp takes x of shape [B, ${this.dim}]; got [${x.shape.join(", ")}].`,
      );
    }
    if (vector.size !== this.vector.size) {
      throw new RangeError(
        `ScoreMlp has ${this.vector.size} parameters; got a vector of ${vector.size}.`,
      );
    }
    return tf.tidy(() => {
      const layers = this.layers();
      const parts = tf.split(
        vector,
        layers.flatMap(([fanIn, fanOut]) => [fanIn * fanOut, fanOut]),
      );
      return layers.reduce((h, [fanIn, fanOut], i) => {
        const weight = (parts[2 * i] as tf.Tensor1D).reshape<tf.Tensor2D>([fanOut, fanIn]);
        const y = linear(h, weight, parts[2 * i + 1] as tf.Tensor1D);
        return i < layers.length - 1 ? smoothSwish(y) : y;
      }, x as tf.Tensor2D);
    });
  }

  /** A copy of all trainable numbers, `[parameterCount]`. The caller owns it. */
  getVector(): tf.Tensor1D {
    return this.vector.clone() as tf.Tensor1D;
  }

  /** Sets all trainable numbers at once. Takes a copy: the caller keeps what it gave. */
  setVector(vector: tf.Tensor1D): void {
    this.vector.assign(vector);
  }

  /** Frees every tensor. The network cannot be used after. */
  dispose(): void {
    this.vector.dispose();
  }

  /** Inputs and outputs of each layer. */
  private layers(): [number, number][] {
    const { dim, width } = this;
    return [
      [dim, width],
      [width, width],
      [width, dim],
    ];
  }

  /** Weights and biases uniform in ±1/√inputs, as in PyTorch. */
  private initialVector(random: Random): tf.Tensor1D {
    return tf.tidy(() =>
      tf.concat1d(
        this.layers().map(([fanIn, fanOut]) => {
          const bound = 1 / Math.sqrt(fanIn);
          return random.uniform([fanIn * fanOut + fanOut], -bound, bound);
        }),
      ),
    );
  }
}
