/**
 * A network that reads digits: what sees, in place of a person, how good samples are.
 */
import { graphFunction, Random, tf, type GraphFunction } from "../engine";
import { linear } from "../models/layers";
import { initialClassifierVector, toClassifierWeights } from "./classifier-parameters";

/** What the classifier makes of a batch. */
export interface Classification {
  /** What it knows of each image just before it decides, ≥ 0, `[B, 128]`. */
  readonly features: tf.Tensor2D;
  /** Log probabilities of the ten digits, up to a constant for each image, `[B, 10]`. */
  readonly logits: tf.Tensor2D;
}

/**
 * A small convolutional network for MNIST's digits, after LeNet-5 (LeCun et al. 1998): two 5 × 5
 * convolutions, each with relu and 2 × 2 max pooling, 28 → 24 → 12 → 8 → 4, then two dense layers. 184 586
 * parameters.
 *
 * The Fréchet distance of natural images is measured on the features of Inception, a network trained on
 * photographs: it has nothing to say about digits. This one takes its place, and so distances measured
 * with it compare with each other, not with published FIDs.
 */
export class DigitClassifier {
  /** Every trainable number, `[184 586]`. Change it through `setVector`. */
  private readonly vector: tf.Variable;
  /** `apply` with the network's own numbers as one graph. */
  private readonly graph: GraphFunction;

  /** @param options.seed governs the first weights. Default 0 */
  constructor(options: { seed?: number } = {}) {
    const initial = initialClassifierVector(new Random(options.seed ?? 0));
    this.vector = tf.variable(initial, false);
    initial.dispose();
    this.graph = graphFunction((x) => {
      const { features, logits } = this.apply(this.vector as unknown as tf.Tensor1D, x);
      return [features, logits];
    });
  }

  /**
   * Features and logits in one pass. The caller owns both.
   *
   * @param x images, `[B, 28, 28, 1]`, in 0 … 1 as in training
   * @throws RangeError for another shape
   */
  classify(x: tf.Tensor): Classification {
    requireImages(x);
    const [features, logits] = this.graph(x);
    return { features: features as tf.Tensor2D, logits: logits as tf.Tensor2D };
  }

  /** The features alone: `[B, 28, 28, 1]` → `[B, 128]`, owned by the caller. */
  features(x: tf.Tensor): tf.Tensor2D {
    return tf.tidy(() => this.classify(x).features);
  }

  /** The logits alone: `[B, 28, 28, 1]` → `[B, 10]`, owned by the caller. */
  logits(x: tf.Tensor): tf.Tensor2D {
    return tf.tidy(() => this.classify(x).logits);
  }

  /**
   * The same with the network's numbers given, so that a gradient can be taken by them.
   *
   * @param vector `[184 586]`
   * @throws RangeError unless `x` is `[B, 28, 28, 1]`
   */
  apply(vector: tf.Tensor1D, x: tf.Tensor): Classification {
    requireImages(x);
    return tf.tidy(() => {
      const w = toClassifierWeights(vector);
      const h1 = convReluPool(x, ...w.conv1); // 12 × 12
      const h2 = convReluPool(h1, ...w.conv2); // 4 × 4
      // Channels first, as PyTorch flattens: the file's dense weights are then the same in both.
      const flat = h2.transpose([0, 3, 1, 2]).reshape<tf.Tensor2D>([h2.shape[0], -1]);
      const features = linear(flat, ...w.dense1).relu<tf.Tensor2D>();
      return { features, logits: linear(features, ...w.dense2) };
    });
  }

  /** A copy of all trainable numbers, `[184 586]`. The caller owns it. */
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
    this.graph.dispose();
  }
}

/** `x` `[B, H, W, I]` → `[B, (H − 4) / 2, (W − 4) / 2, O]`. */
function convReluPool(x: tf.Tensor, filter: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D {
  const h = tf.conv2d(x as tf.Tensor4D, filter, 1, "valid").add<tf.Tensor4D>(bias);
  return tf.maxPool<tf.Tensor4D>(h.relu<tf.Tensor4D>(), 2, 2, "valid");
}

function requireImages(x: tf.Tensor): void {
  if (x.rank !== 4 || x.shape[1] !== 28 || x.shape[2] !== 28 || x.shape[3] !== 1) {
    throw new RangeError(
      `The digit classifier takes images of shape [B, 28, 28, 1]; got [${x.shape.join(", ")}].`,
    );
  }
}
