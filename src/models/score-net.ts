/**
 * The article's time-conditioned U-Net.
 */
import { graphFunction, Random, tf, type GraphFunction } from "../engine";
import { requireBatch, requireTimes, type Score, type Sde } from "../sde";
import { groupNormSwish } from "./group-norm-swish";
import {
  conv,
  convTranspose,
  convTransposeToOneChannel,
  fourierFeatures,
  linear,
  swish,
} from "./layers";
import { makeVariable, NetworkWeights } from "./network-weights";
import {
  EMBEDDING,
  FOURIER_SCALE,
  SCORE_NET_LAYOUT,
  TIME_CHANNELS,
  type Weights,
} from "./parameters";
import { noisePreconditioning, type Preconditioning } from "./preconditioning";
import { requireImages, type ScoreModel } from "./score-model";

/** How to make a ScoreNet. */
export interface ScoreNetOptions {
  /** The forward process: the network divides its output by std(t) of it. */
  sde: Sde;
  /** Governs the first weights and the fixed frequencies of time. Default 0. */
  seed?: number;
  /** What makes a score of the layers. Default the article's: s = F(x, t) / std(t). */
  preconditioning?: Preconditioning;
}

/**
 * A U-Net s_θ(x, t) for 28 × 28 images (Ronneberger et al. 2015), told the time by Gaussian Fourier
 * features.
 *
 * Sizes 28 → 26 → 12 → 5 → 2 on the way down, 2 → 5 → 12 → 26 → 28 on the way up; at each size the
 * way up also sees what the way down saw. 1 115 297 trainable parameters, 128 fixed frequencies.
 *
 * The last thing it does is to divide by std(t), since the true score of a perturbed image is −z / std
 * with z ~ N(0, I): the layers before only have to predict something of the size of z. (The score's
 * variance is then about 1 / std², not 1, as the article has it.)
 */
export class ScoreNet implements ScoreModel {
  readonly sde: Sde;
  readonly layout = SCORE_NET_LAYOUT;
  readonly numClasses = 0;
  /** Frequencies of the time features, fixed, `[128]`. */
  readonly frequencies: tf.Variable;
  readonly preconditioning: Preconditioning;
  private readonly weights: NetworkWeights;
  /** `apply` with the network's own numbers as one graph, for batches at one time and at many. */
  private readonly graphs: { readonly oneTime: GraphFunction; readonly manyTimes: GraphFunction };

  constructor(options: ScoreNetOptions) {
    const { sde, seed = 0, preconditioning = noisePreconditioning } = options;
    this.sde = sde;
    this.preconditioning = preconditioning;
    const random = new Random(seed);
    this.weights = new NetworkWeights(this.layout, random);
    this.frequencies = makeVariable(
      tf.tidy(() => random.normal([EMBEDDING / 2]).mul(FOURIER_SCALE)),
    );
    const graph = (oneTime: boolean): GraphFunction =>
      graphFunction((x, t) => [this.forward(this.weights.blocks(), x, t as tf.Tensor1D, oneTime)]);
    this.graphs = { oneTime: graph(true), manyTimes: graph(false) };
  }

  readonly score: Score = (x, t) => {
    const times = requireTimes(t, { excludeZero: true });
    requireImages(x, "ScoreNet");
    requireBatch(x, t);
    const oneTime = times.length > 0 && times.every((time) => time === times[0]);
    const [score] = this.graphs[oneTime ? "oneTime" : "manyTimes"](x, t);
    return score as tf.Tensor;
  };

  apply(blocks: readonly tf.Tensor[], x: tf.Tensor, t: tf.Tensor1D): tf.Tensor4D {
    requireImages(x, "ScoreNet");
    return this.forward(blocks, x, t, false);
  }

  getVector(): tf.Tensor1D {
    return this.weights.getVector();
  }

  setVector(vector: tf.Tensor1D): void {
    this.weights.setVector(vector);
  }

  /** A copy of every trainable parameter under its PyTorch name, in the network's layout. */
  parameters(): Map<string, tf.Tensor> {
    const vector = this.getVector();
    const parts = this.layout.toParameters(vector);
    vector.dispose();
    return new Map(this.layout.parameters.map(({ name }, i) => [name, parts[i] as tf.Tensor]));
  }

  clone(): ScoreNet {
    const copy = new ScoreNet({ sde: this.sde, preconditioning: this.preconditioning });
    tf.tidy(() => copy.setVector(this.getVector()));
    copy.frequencies.assign(this.frequencies);
    return copy;
  }

  /** Frees every tensor. The network cannot be used after. */
  dispose(): void {
    this.weights.dispose();
    this.frequencies.dispose();
    this.graphs.oneTime.dispose();
    this.graphs.manyTimes.dispose();
  }

  /** @param oneTime promises that all of `t` are equal: the time is then embedded once */
  private forward(
    blocks: readonly tf.Tensor[],
    x: tf.Tensor,
    t: tf.Tensor1D,
    oneTime: boolean,
  ): tf.Tensor4D {
    const named = Object.fromEntries(this.layout.blockNames.map((name, i) => [name, blocks[i]]));
    const w = named as unknown as UNetWeights;
    const score = this.preconditioning.score((input, noise) => {
      const time = this.timeBiases(w, oneTime ? noise.slice(0, 1) : noise);
      return unet(w, input, time.broadcastTo([noise.shape[0], time.shape[1]]));
    }, this.sde);
    return score(x, t) as tf.Tensor4D;
  }

  /** What the time adds to each channel of each feature map, side by side: `[B]` → `[B, 704]`. */
  private timeBiases(w: UNetWeights, t: tf.Tensor1D): tf.Tensor2D {
    const features = fourierFeatures(t, this.frequencies as unknown as tf.Tensor1D);
    const embedding = swish(linear(features, w.embedWeight, w.embedBias));
    return linear(embedding, w.timeWeight, w.timeBias);
  }
}

/** `x` `[B, 28, 28, 1]`, `biases` `[B, 704]` → `[B, 28, 28, 1]`. */
function unet(w: UNetWeights, x: tf.Tensor4D, biases: tf.Tensor2D): tf.Tensor4D {
  const [d1, d2, d3, d4, d5, d6, d7] = tf.split(
    biases,
    [...TIME_CHANNELS],
    1,
  ) as Seven<tf.Tensor2D>;

  const h1 = groupNormSwish(conv(x, w.conv1, 1), d1, w.gnorm1Scale, w.gnorm1Shift, 4); // 26 × 26
  const h2 = groupNormSwish(conv(h1, w.conv2, 2), d2, w.gnorm2Scale, w.gnorm2Shift, 32); // 12 × 12
  const h3 = groupNormSwish(conv(h2, w.conv3, 2), d3, w.gnorm3Scale, w.gnorm3Shift, 32); // 5 × 5
  const h4 = groupNormSwish(conv(h3, w.conv4, 2), d4, w.gnorm4Scale, w.gnorm4Shift, 32); // 2 × 2

  const up4 = convTranspose(h4, w.tconv4, 5);
  const u4 = groupNormSwish(up4, d5, w.tgnorm4Scale, w.tgnorm4Shift, 32);
  const up3 = convTranspose(tf.concat([u4, h3], 3), w.tconv3, 12);
  const u3 = groupNormSwish(up3, d6, w.tgnorm3Scale, w.tgnorm3Shift, 32);
  const up2 = convTranspose(tf.concat([u3, h2], 3), w.tconv2, 26);
  const u2 = groupNormSwish(up2, d7, w.tgnorm2Scale, w.tgnorm2Shift, 32);
  return convTransposeToOneChannel([u2, h1], w.tconv1).add(w.tconv1Bias);
}

type Seven<T> = [T, T, T, T, T, T, T];

/** The weights with the ranks that the layers ask for. */
type UNetWeights = {
  readonly [K in keyof Weights]: K extends `${string}conv${1 | 2 | 3 | 4}`
    ? tf.Tensor4D
    : K extends `${string}Weight`
      ? tf.Tensor2D
      : tf.Tensor1D;
};
