/**
 * A classifier that reads digits through noise.
 */
import type { ImageDataset } from "../data";
import { graphFunction, Random, tf, type GraphFunction } from "../engine";
import { groupNormSwish } from "../models/group-norm-swish";
import { requireLabels, requireOneLabelEach } from "../models/labels";
import { linear, swish } from "../models/layers";
import {
  constant,
  filter,
  linearBias,
  linearWeight,
  parameterLayout,
  single,
  stacked,
} from "../models/layout";
import { NetworkWeights } from "../models/network-weights";
import { noiseWaves } from "../models/noise-waves";
import { toPatches } from "../models/patches";
import { noiseLevels } from "../models/preconditioning";
import { MNIST_STD } from "../models/residual-net";
import { requireImages } from "../models/score-model";
import { constantTime, perExample, perturb, requireBatch, requireTimes, type Sde } from "../sde";

/** Channels at 14 × 14 and at 7 × 7 pixels. */
const [WIDE, DEEP] = [32, 64];
/** Width of the embedding of the noise level, and how many sines and cosines go into it. */
const [EMBEDDING, WAVES] = [64, 64];
/** Channels that a norm takes together. */
const GROUP = 8;
/** Ten digits. */
const CLASSES = 10;
/** Images at a time where many are classified. */
const CHUNK = 500;

/** How the classifier's parameters lie in its vector. */
export const NOISE_CLASSIFIER_LAYOUT = parameterLayout({
  noiseWeight: single(linearWeight("noise", EMBEDDING, WAVES)),
  noiseBias: single(linearBias("noise", EMBEDDING, WAVES)),
  embeddingWeight: stacked(
    [WIDE, DEEP, DEEP].map((out, i) => linearWeight(`embedding${i + 1}`, out, EMBEDDING)),
  ),
  embeddingBias: stacked(
    [WIDE, DEEP, DEEP].map((out, i) => linearBias(`embedding${i + 1}`, out, EMBEDDING)),
  ),
  conv1: single(filter("conv1", [3, 4, WIDE])),
  norm1Scale: single(constant("norm1.weight", WIDE, 1)),
  norm1Shift: single(constant("norm1.bias", WIDE, 0)),
  conv2: single(filter("conv2", [3, WIDE, DEEP])),
  norm2Scale: single(constant("norm2.weight", DEEP, 1)),
  norm2Shift: single(constant("norm2.bias", DEEP, 0)),
  conv3: single(filter("conv3", [3, DEEP, DEEP])),
  norm3Scale: single(constant("norm3.weight", DEEP, 1)),
  norm3Shift: single(constant("norm3.bias", DEEP, 0)),
  denseWeight: single(linearWeight("dense", CLASSES, DEEP * 16)),
  denseBias: single(linearBias("dense", CLASSES, DEEP * 16)),
});

/**
 * p(y | x(t)): which digit an image shows, whatever noise lies over it. Three convolutions, told the noise
 * level as ResidualNet is, and one dense layer; 14 → 7 → 4 pixels.
 *
 * What it sees is x(t) / α(t) scaled to variance 1 (EDM's c_in), so that it serves for every SDE.
 */
export class NoiseClassifier {
  readonly sde: Sde;
  readonly layout = NOISE_CLASSIFIER_LAYOUT;
  readonly numClasses = CLASSES;
  private readonly weights: NetworkWeights;
  private readonly graph: GraphFunction;
  private readonly gradientGraph: GraphFunction;

  /** @param options.seed governs the first weights. Default 0 */
  constructor(options: { sde: Sde; seed?: number }) {
    this.sde = options.sde;
    this.weights = new NetworkWeights(this.layout, new Random(options.seed ?? 0));
    this.graph = graphFunction((x, t) => [
      this.forward(this.weights.blocks(), x, t as tf.Tensor1D),
    ]);
    this.gradientGraph = graphFunction((x, t, classes) => {
      const logProbability = (x: tf.Tensor): tf.Scalar => {
        const logits = this.forward(this.weights.blocks(), x, t as tf.Tensor1D);
        return tf.logSoftmax(logits).mul(classes).sum();
      };
      return [tf.grad(logProbability)(x)];
    });
  }

  /**
   * Log probabilities up to a constant: `x` `[B, 28, 28, 1]`, `t` `[B]` in (0, 1] → `[B, 10]`, owned by the
   * caller.
   *
   * @throws RangeError for other shapes or times
   */
  logits(x: tf.Tensor, t: tf.Tensor1D): tf.Tensor2D {
    requireTimes(t, { excludeZero: true });
    requireBatch(x, t);
    requireImages(x, "NoiseClassifier");
    return this.graph(x, t)[0] as tf.Tensor2D;
  }

  /**
   * ∇ₓ log p(y | x(t)): which way each image becomes more like its class. Shapes as for `logits`.
   *
   * It cannot be differentiated once more: the layers' gradients are right once only.
   *
   * @param labels y, one an example, 0 … 9
   * @returns of the shape of `x`, owned by the caller
   * @throws RangeError for other shapes or labels, Error where a gradient is being taken through it
   */
  logProbabilityGradient(x: tf.Tensor, t: tf.Tensor1D, labels: readonly number[]): tf.Tensor4D {
    requireTimes(t, { excludeZero: true });
    requireBatch(x, t);
    requireImages(x, "NoiseClassifier");
    requireLabels(labels, CLASSES);
    requireOneLabelEach(x, labels);
    if (tf.engine().state.gradientDepth > 0) {
      throw new Error(
        "The gradient of a NoiseClassifier cannot be differentiated again, as a likelihood would have to: its " +
          "second derivatives are wrong (tensorflow/tfjs #3252).",
      );
    }
    return tf.tidy(() => {
      const classes = tf.oneHot([...labels], CLASSES).toFloat();
      return this.gradientGraph(x, t, classes)[0] as tf.Tensor4D;
    });
  }

  /** The logits with the network's numbers given, `[P]`, so that a gradient can be taken by them. */
  apply(vector: tf.Tensor1D, x: tf.Tensor, t: tf.Tensor1D): tf.Tensor2D {
    return this.forward(this.layout.toBlocks(vector), x, t);
  }

  /** A copy of all trainable numbers, `[P]`. The caller owns it. */
  getVector(): tf.Tensor1D {
    return this.weights.getVector();
  }

  /** Sets all trainable numbers at once. Takes a copy: the caller keeps what it gave. */
  setVector(vector: tf.Tensor1D): void {
    this.weights.setVector(vector);
  }

  /** Frees every tensor. The network cannot be used after. */
  dispose(): void {
    this.weights.dispose();
    this.graph.dispose();
    this.gradientGraph.dispose();
  }

  private forward(blocks: readonly tf.Tensor[], x: tf.Tensor, t: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => {
      const named = Object.fromEntries(this.layout.blockNames.map((name, i) => [name, blocks[i]]));
      const w = <T extends tf.Tensor>(name: string): T => named[name] as T;
      const { scale, sigma } = noiseLevels(this.sde, t);
      const cIn = sigma
        .square()
        .add<tf.Tensor1D>(MNIST_STD ** 2)
        .rsqrt();
      const input = x.mul<tf.Tensor4D>(perExample(cIn.div(scale), x));
      const waves = noiseWaves(sigma.log().mul(0.25), WAVES / 2);
      const hidden = swish(linear(waves, w("noiseWeight"), w("noiseBias")));
      const all = linear(hidden, w("embeddingWeight"), w("embeddingBias"));
      const [d1, d2, d3] = tf.split(all, [WIDE, DEEP, DEEP], 1) as [
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const layer = (h: tf.Tensor4D, i: number, stride: number, d: tf.Tensor2D): tf.Tensor4D => {
        const out = tf.conv2d(h, w<tf.Tensor4D>(`conv${i}`), stride, "same");
        return groupNormSwish(out, d, w(`norm${i}Scale`), w(`norm${i}Shift`), d.shape[1] / GROUP);
      };
      const h1 = layer(toPatches(input), 1, 1, d1); // 14 × 14
      const h2 = layer(h1, 2, 2, d2); // 7 × 7
      const h3 = layer(h2, 3, 2, d3); // 4 × 4
      return linear(h3.reshape([x.shape[0] ?? 0, -1]), w("denseWeight"), w("denseBias"));
    });
  }
}

/**
 * The part of a dataset's images, with noise of one level on them, whose largest logit is that of their label.
 *
 * @param sigma noise level, std(t) / α(t), in the SDE's range
 * @param seed governs the noise. Default 0
 */
export function noiseAccuracy(
  classifier: NoiseClassifier,
  data: ImageDataset,
  sigma: number,
  seed = 0,
): number {
  const { sde } = classifier;
  const random = new Random(seed);
  const time = sde.timeAt(sigma);
  let right = 0;
  for (let start = 0; start < data.size; start += CHUNK) {
    const chunk = data.slice(start, Math.min(start + CHUNK, data.size));
    right += tf.tidy(() => {
      const x0 = chunk.images();
      const t = constantTime(x0, time);
      const digits = classifier
        .logits(perturb(sde, x0, t, random.normal([...x0.shape])), t)
        .argMax(1)
        .dataSync();
      return chunk.labels.filter((label, i) => label === digits[i]).length;
    });
  }
  return right / data.size;
}
