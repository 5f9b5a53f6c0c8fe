/**
 * The article's time-conditioned U-Net.
 */
import { Random, tf } from "../engine";
import { perExample, requireTimes, type Score, type Sde } from "../sde";
import { groupNormSwish, type GroupNormSwish } from "./group-norm-swish";
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
  CHANNELS,
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
  private readonly norms: readonly GroupNormSwish[];
  private blocks: tf.Tensor[];

  constructor(options: ScoreNetOptions) {
    const { sde, seed = 0 } = options;
    this.sde = sde;
    const random = new Random(seed);
    const [c1, c2, c3, c4] = CHANNELS;
    this.vector = makeVariable(initialVector(random));
    this.frequencies = makeVariable(
      tf.tidy(() => random.normal([EMBEDDING / 2]).mul(FOURIER_SCALE)),
    );
    this.norms = [
      groupNormSwish({ channels: c1, groups: 4, size: 26 }),
      groupNormSwish({ channels: c2, groups: 32, size: 12 }),
      groupNormSwish({ channels: c3, groups: 32, size: 5 }),
      groupNormSwish({ channels: c4, groups: 32, size: 2 }),
      groupNormSwish({ channels: c3, groups: 32, size: 5 }),
      groupNormSwish({ channels: c2, groups: 32, size: 12 }),
      groupNormSwish({ channels: c1, groups: 32, size: 26 }),
    ];
    this.blocks = toBlocks(this.vector as unknown as tf.Tensor1D).map((block) => tf.keep(block));
  }

  /** The score s_θ(x, t): `x` `[B, 28, 28, 1]`, `t` `[B]` in (0, 1] → `[B, 28, 28, 1]`. */
  readonly score: Score = (x, t) => {
    requireTimes(t, { excludeZero: true });
    return this.apply(this.blocks, x, t);
  };

  /**
   * The same with the network's tensors given, so that a gradient can be taken by them.
   *
   * @param blocks as `toBlocks` gives them
   * @throws RangeError unless `x` is `[B, 28, 28, 1]`
   */
  apply(blocks: readonly tf.Tensor[], x: tf.Tensor, t: tf.Tensor1D): tf.Tensor4D {
    if (x.rank !== 4 || x.shape[1] !== 28 || x.shape[2] !== 28 || x.shape[3] !== 1) {
      throw new RangeError(
        `ScoreNet takes x of shape [B, 28, 28, 1]; got [${x.shape.join(", ")}].`,
      );
    }
    return tf.tidy(() => {
      const weights = Object.fromEntries(BLOCK_NAMES.map((name, i) => [name, blocks[i]]));
      const { mean, std } = this.sde.marginal(x, t);
      mean.dispose();
      const raw = this.unet(weights as unknown as UNetWeights, x as tf.Tensor4D, t);
      return raw.div(perExample(std, x));
    });
  }

  /** A copy of all trainable numbers, `[1 115 297]`. The caller owns it. */
  getVector(): tf.Tensor1D {
    return this.vector.clone() as tf.Tensor1D;
  }

  /** Sets all trainable numbers at once. Takes a copy: the caller keeps what it gave. */
  setVector(vector: tf.Tensor1D): void {
    this.vector.assign(vector);
    tf.dispose(this.blocks);
    // Kept: they belong to the network, also when it is set within somebody's tf.tidy.
    this.blocks = toBlocks(vector).map((block) => tf.keep(block));
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
    for (const norm of this.norms) norm.dispose();
  }

  private unet(w: UNetWeights, x: tf.Tensor4D, t: tf.Tensor1D): tf.Tensor4D {
    const features = fourierFeatures(t, this.frequencies as unknown as tf.Tensor1D);
    const embedding = swish(linear(features, w.embedWeight, w.embedBias));
    const time = tf.split(linear(embedding, w.timeWeight, w.timeBias), [...TIME_CHANNELS], 1);
    const norm = (i: number, h: tf.Tensor4D, scale: tf.Tensor1D, shift: tf.Tensor1D): tf.Tensor4D =>
      (this.norms[i] as GroupNormSwish).apply(h, time[i] as tf.Tensor2D, scale, shift);

    const h1 = norm(0, conv(x, w.conv1, 1), w.gnorm1Scale, w.gnorm1Shift); // 26 × 26
    const h2 = norm(1, conv(h1, w.conv2, 2), w.gnorm2Scale, w.gnorm2Shift); // 12 × 12
    const h3 = norm(2, conv(h2, w.conv3, 2), w.gnorm3Scale, w.gnorm3Shift); // 5 × 5
    const h4 = norm(3, conv(h3, w.conv4, 2), w.gnorm4Scale, w.gnorm4Shift); // 2 × 2

    const u4 = norm(4, convTranspose(h4, w.tconv4, 5), w.tgnorm4Scale, w.tgnorm4Shift);
    const s3 = tf.concat([u4, h3], 3);
    const u3 = norm(5, convTranspose(s3, w.tconv3, 12), w.tgnorm3Scale, w.tgnorm3Shift);
    const s2 = tf.concat([u3, h2], 3);
    const u2 = norm(6, convTranspose(s2, w.tconv2, 26), w.tgnorm2Scale, w.tgnorm2Shift);
    return convTransposeToOneChannel([u2, h1], w.tconv1).add(w.tconv1Bias);
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
