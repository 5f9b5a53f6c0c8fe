/**
 * The article's time-conditioned U-Net.
 */
import { graphFunction, isRecording, Random, tf, type GraphFunction } from "../engine";
import { perExample, requireBatch, requireTimes, type Score, type Sde } from "../sde";
import { groupNormSwish } from "./group-norm-swish";
import {
  conv,
  convTranspose,
  convTransposeToOneChannel,
  fourierFeatures,
  linear,
  swish,
} from "./layers";
import {
  BLOCK_NAMES,
  EMBEDDING,
  FOURIER_SCALE,
  initialVector,
  TIME_CHANNELS,
  toBlocks,
  toParameters,
  PARAMETERS,
  type Weights,
} from "./parameters";

/** How to make a ScoreNet. */
export interface ScoreNetOptions {
  /** The forward process: the network divides its output by std(t) of it. */
  sde: Sde;
  /** Governs the first weights and the fixed frequencies of time. Default 0. */
  seed?: number;
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
export class ScoreNet {
  readonly sde: Sde;
  /** Frequencies of the time features, fixed, `[128]`. */
  readonly frequencies: tf.Variable;
  /** Every trainable number, `[1 115 297]`. Change it through `setVector`. */
  private readonly vector: tf.Variable;
  /** The same numbers as the tensors that the network uses, cut anew when they are first asked for. */
  private readonly blocks: readonly tf.Variable[];
  private blocksAreCurrent = true;
  /** `apply` with the network's own numbers as one graph, for batches at one time and at many. */
  private readonly graphs: { readonly oneTime: GraphFunction; readonly manyTimes: GraphFunction };

  constructor(options: ScoreNetOptions) {
    const { sde, seed = 0 } = options;
    this.sde = sde;
    const random = new Random(seed);
    this.vector = makeVariable(initialVector(random));
    this.frequencies = makeVariable(
      tf.tidy(() => random.normal([EMBEDDING / 2]).mul(FOURIER_SCALE)),
    );
    this.blocks = toBlocks(this.vector as unknown as tf.Tensor1D).map(makeVariable);
    const graph = (oneTime: boolean): GraphFunction =>
      graphFunction((x, t) => [this.forward(this.blocks, x, t as tf.Tensor1D, oneTime)]);
    this.graphs = { oneTime: graph(true), manyTimes: graph(false) };
  }

  /** The score s_θ(x, t): `x` `[B, 28, 28, 1]`, `t` `[B]` in (0, 1] → `[B, 28, 28, 1]`. */
  readonly score: Score = (x, t) => {
    const times = requireTimes(t, { excludeZero: true });
    requireImages(x);
    requireBatch(x, t);
    // A graph that someone else records outlives these weights and these times: it has to cut the vector itself.
    if (isRecording()) return this.apply(toBlocks(this.vector as unknown as tf.Tensor1D), x, t);
    this.bringBlocksUpToDate();
    const oneTime = times.every((time) => time === times[0]);
    const [score] = this.graphs[oneTime ? "oneTime" : "manyTimes"](x, t);
    return score as tf.Tensor;
  };

  /**
   * The same with the network's tensors given, so that a gradient can be taken by them.
   *
   * @param blocks as `toBlocks` gives them
   * @throws RangeError unless `x` is `[B, 28, 28, 1]`
   */
  apply(blocks: readonly tf.Tensor[], x: tf.Tensor, t: tf.Tensor1D): tf.Tensor4D {
    requireImages(x);
    return this.forward(blocks, x, t, false);
  }

  /** A copy of all trainable numbers, `[1 115 297]`. The caller owns it. */
  getVector(): tf.Tensor1D {
    return this.vector.clone() as tf.Tensor1D;
  }

  /** Sets all trainable numbers at once. Takes a copy: the caller keeps what it gave. */
  setVector(vector: tf.Tensor1D): void {
    this.vector.assign(vector);
    this.blocksAreCurrent = false;
  }

  /** A copy of every trainable parameter under its PyTorch name, in the network's layout. */
  parameters(): Map<string, tf.Tensor> {
    const parts = toParameters(this.vector as unknown as tf.Tensor1D);
    return new Map(PARAMETERS.map(({ name }, i) => [name, parts[i] as tf.Tensor]));
  }

  /** Another network with the same numbers. */
  clone(): ScoreNet {
    const copy = new ScoreNet({ sde: this.sde });
    tf.tidy(() => copy.setVector(this.getVector()));
    copy.frequencies.assign(this.frequencies);
    return copy;
  }

  /** Frees every tensor. The network cannot be used after. */
  dispose(): void {
    tf.dispose([this.vector, this.frequencies, ...this.blocks]);
    this.graphs.oneTime.dispose();
    this.graphs.manyTimes.dispose();
  }

  private bringBlocksUpToDate(): void {
    if (this.blocksAreCurrent) return;
    tf.tidy(() => {
      const parts = toBlocks(this.vector as unknown as tf.Tensor1D);
      this.blocks.forEach((block, i) => block.assign(parts[i] as tf.Tensor));
    });
    this.blocksAreCurrent = true;
  }

  /** @param oneTime promises that all of `t` are equal: the time is then embedded once */
  private forward(
    blocks: readonly tf.Tensor[],
    x: tf.Tensor,
    t: tf.Tensor1D,
    oneTime: boolean,
  ): tf.Tensor4D {
    return tf.tidy(() => {
      const weights = Object.fromEntries(BLOCK_NAMES.map((name, i) => [name, blocks[i]]));
      const { mean, std } = this.sde.marginal(x, t);
      mean.dispose();
      const time = this.timeBiases(weights as unknown as UNetWeights, oneTime ? t.slice(0, 1) : t);
      const biases: tf.Tensor2D = time.broadcastTo([t.shape[0], time.shape[1]]);
      const raw = unet(weights as unknown as UNetWeights, x as tf.Tensor4D, biases);
      return raw.div(perExample(std, x));
    });
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

function requireImages(x: tf.Tensor): void {
  if (x.rank !== 4 || x.shape[1] !== 28 || x.shape[2] !== 28 || x.shape[3] !== 1) {
    throw new RangeError(`ScoreNet takes x of shape [B, 28, 28, 1]; got [${x.shape.join(", ")}].`);
  }
}

/** The weights with the ranks that the layers ask for. */
type UNetWeights = {
  readonly [K in keyof Weights]: K extends `${string}conv${1 | 2 | 3 | 4}`
    ? tf.Tensor4D
    : K extends `${string}Weight`
      ? tf.Tensor2D
      : tf.Tensor1D;
};

function makeVariable(initial: tf.Tensor): tf.Variable {
  const variable = tf.variable(initial, false);
  initial.dispose();
  return variable;
}
