/**
 * A better network under the same interface: residual blocks, EDM's preconditioning, and classes.
 */
import { graphFunction, Random, tf, type GraphFunction } from "../engine";
import { requireBatch, requireTimes, type Score, type Sde } from "../sde";
import { groupNormSwish } from "./group-norm-swish";
import { requireLabels, requireOneLabelEach } from "./labels";
import { linear, swish } from "./layers";
import { NetworkWeights } from "./network-weights";
import { noiseWaves } from "./noise-waves";
import { toPatches, toPixels } from "./patches";
import { edmPreconditioning, type Preconditioning } from "./preconditioning";
import {
  EMBEDDING_CHANNELS,
  FREQUENCIES,
  NUM_CLASSES,
  RESIDUAL_BLOCK_NAMES,
  RESIDUAL_LAYOUT,
  type ResidualBlockName,
  type ResidualWeights,
} from "./residual-layout";
import { requireImages, type ScoreModel } from "./score-model";

/** How to make a ResidualNet. */
export interface ResidualNetOptions {
  /** The forward process whose scores it is to give. */
  sde: Sde;
  /** Standard deviation of the data. Default 0.3081, that of MNIST's pixels. */
  sigmaData?: number;
  /** Whether it is to be trained with classes, and can be asked for one. Default true. */
  classes?: boolean;
  /** Governs the first weights. Default 0. */
  seed?: number;
}

/** Standard deviation of MNIST's pixels about their mean. */
export const MNIST_STD = 0.3081;
/** Channels that a norm takes together. */
const GROUP = 8;

/**
 * A U-Net of residual blocks (He et al. 2016) with EDM's preconditioning, which can be asked for a digit.
 */
export class ResidualNet implements ScoreModel {
  readonly sde: Sde;
  readonly preconditioning: Preconditioning;
  readonly layout = RESIDUAL_LAYOUT;
  readonly numClasses: number;
  private readonly weights: NetworkWeights;
  private readonly graph: GraphFunction;

  constructor(options: ResidualNetOptions) {
    const { sde, sigmaData = MNIST_STD, classes = true, seed = 0 } = options;
    this.sde = sde;
    this.numClasses = classes ? NUM_CLASSES : 0;
    this.preconditioning = edmPreconditioning(sigmaData);
    this.weights = new NetworkWeights(this.layout, new Random(seed));
    this.graph = graphFunction((x, t, classes) => [
      this.forward(this.weights.blocks(), x, t as tf.Tensor1D, classes as tf.Tensor2D),
    ]);
  }

  /** The score of images of any class. */
  readonly score: Score = (x, t) => this.evaluate(x, t, undefined);

  /**
   * The score of the images of given classes, s_θ(x, t | y).
   *
   * @param labels one an example, 0 … 9
   * @throws RangeError for other labels, or a network that was trained without classes; of the score: for a batch
   * of another size than labels
   */
  scoreOf(labels: readonly number[]): Score {
    if (this.numClasses === 0) {
      throw new RangeError("This ResidualNet was trained without classes: it has no score of one.");
    }
    requireLabels(labels, NUM_CLASSES);
    return (x, t) => this.evaluate(x, t, labels);
  }

  private evaluate(x: tf.Tensor, t: tf.Tensor1D, labels: readonly number[] | undefined): tf.Tensor {
    requireTimes(t, { excludeZero: true });
    requireImages(x, "ResidualNet");
    requireBatch(x, t);
    if (labels) requireOneLabelEach(x, labels);
    return tf.tidy(() => {
      const classes = labels
        ? tf.oneHot([...labels], NUM_CLASSES).toFloat()
        : tf.zeros([t.shape[0], NUM_CLASSES]);
      return this.graph(x, t, classes)[0] as tf.Tensor;
    });
  }

  apply(
    blocks: readonly tf.Tensor[],
    x: tf.Tensor,
    t: tf.Tensor1D,
    classes?: tf.Tensor2D,
  ): tf.Tensor4D {
    requireImages(x, "ResidualNet");
    return this.forward(blocks, x, t, classes ?? tf.zeros([t.shape[0], NUM_CLASSES]));
  }

  getVector(): tf.Tensor1D {
    return this.weights.getVector();
  }

  setVector(vector: tf.Tensor1D): void {
    this.weights.setVector(vector);
  }

  clone(): ResidualNet {
    const { sde, preconditioning, numClasses } = this;
    const { sigmaData } = preconditioning;
    const copy = new ResidualNet({ sde, sigmaData, classes: numClasses > 0 });
    tf.tidy(() => copy.setVector(this.getVector()));
    return copy;
  }

  dispose(): void {
    this.weights.dispose();
    this.graph.dispose();
  }

  private forward(
    blocks: readonly tf.Tensor[],
    x: tf.Tensor,
    t: tf.Tensor1D,
    classes: tf.Tensor2D,
  ): tf.Tensor4D {
    const named = Object.fromEntries(this.layout.blockNames.map((name, i) => [name, blocks[i]]));
    const w = named as ResidualWeights;
    const score = this.preconditioning.score(
      (input, noise) => residualUNet(w, input, embeddings(w, noise, classes)),
      this.sde,
    );
    return score(x, t) as tf.Tensor4D;
  }
}

type Embeddings = Readonly<Record<ResidualBlockName, tf.Tensor2D>>;

/** What noise level and class add to each channel of each block, `[B, C]`. */
function embeddings(w: ResidualWeights, noise: tf.Tensor1D, classes: tf.Tensor2D): Embeddings {
  const hidden = linear(
    noiseWaves(noise, FREQUENCIES),
    w["noiseWeight"] as tf.Tensor2D,
    w["noiseBias"] as tf.Tensor1D,
  );
  const classed = hidden.add<tf.Tensor2D>(
    tf.matMul(classes, w["classWeight"] as tf.Tensor2D, false, true),
  );
  const all = linear(
    swish(classed),
    w["embeddingWeight"] as tf.Tensor2D,
    w["embeddingBias"] as tf.Tensor1D,
  );
  const parts = tf.split(all, EMBEDDING_CHANNELS, 1);
  return Object.fromEntries(RESIDUAL_BLOCK_NAMES.map((name, i) => [name, parts[i]])) as Embeddings;
}

/** `x` `[B, 28, 28, 1]` → `[B, 28, 28, 1]`. */
function residualUNet(w: ResidualWeights, x: tf.Tensor4D, d: Embeddings): tf.Tensor4D {
  const block = (name: ResidualBlockName, x: tf.Tensor4D): tf.Tensor4D =>
    residualBlock(w, name, x, d[name]);
  const filter = (name: string): tf.Tensor4D => w[name] as tf.Tensor4D;

  const patches = toPatches(x); // 14 × 14
  const h14 = block("down14", tf.conv2d(patches, filter("input"), 1, "same"));
  const h7 = block("down7", tf.conv2d(h14, filter("shrink"), 2, "valid")); // 7 × 7
  const m7 = block("middle7", h7);
  const u7 = block("up7", tf.concat([m7, h7], 3));
  const u14 = block("up14", tf.concat([grow(u7, w["grow"] as tf.Tensor2D), h14], 3));
  const [B] = u14.shape;
  const zero: tf.Tensor2D = tf.zeros([B, u14.shape[3]]);
  const last = groupNormSwish(
    u14,
    zero,
    w["normScale"] as tf.Tensor1D,
    w["normShift"] as tf.Tensor1D,
    u14.shape[3] / GROUP,
  );
  return toPixels(tf.conv2d(last, filter("output"), 1, "same"));
}

/** x + what two convolutions make of it. `x` `[B, H, W, I]`, `d` `[B, O]` → `[B, H, W, O]`. */
function residualBlock(
  w: ResidualWeights,
  name: ResidualBlockName,
  x: tf.Tensor4D,
  d: tf.Tensor2D,
): tf.Tensor4D {
  const part = <T extends tf.Tensor>(p: string): T => w[`${name}.${p}`] as T;
  const norm = (x: tf.Tensor4D, d: tf.Tensor2D, p: string): tf.Tensor4D =>
    groupNormSwish(x, d, part(`${p}Scale`), part(`${p}Shift`), x.shape[3] / GROUP);
  const zero: tf.Tensor2D = tf.zeros([x.shape[0], x.shape[3]]);
  const h1 = tf.conv2d(norm(x, zero, "norm1"), part<tf.Tensor4D>("conv1"), 1, "same");
  const h2 = tf.conv2d(norm(h1, d, "norm2"), part<tf.Tensor4D>("conv2"), 1, "same");
  const skip = w[`${name}.skip`] as tf.Tensor4D | undefined;
  return h2.add(skip ? tf.conv2d(x, skip, 1, "same") : x);
}

/** Twice as high and as wide: each pixel's channels become those of 2 × 2 pixels. */
function grow(x: tf.Tensor4D, weight: tf.Tensor2D): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  const spread = tf.matMul(x.reshape([-1, C]), weight, false, true);
  return toPixels(spread.reshape([B, H, W, weight.shape[0]]));
}
