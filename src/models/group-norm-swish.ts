/**
 * swish(GroupNorm(x + d)) in one step: seven of these are most of ScoreNet.
 */
import { nativeOp, tf } from "../engine";

/** Added to the variance under the square root, as in PyTorch. */
const EPSILON = 1e-5;

/** The layer for one size of feature map. Owns a small constant: dispose it with the network. */
export interface GroupNormSwish {
  /**
   * @param x feature map, `[B, H, W, C]`
   * @param d time bias, one number an example and channel, `[B, C]`
   * @param gamma scale, `[C]`
   * @param beta shift, `[C]`
   * @returns `[B, H, W, C]`
   */
  apply(x: tf.Tensor4D, d: tf.Tensor2D, gamma: tf.Tensor1D, beta: tf.Tensor1D): tf.Tensor4D;
  dispose(): void;
}

/**
 * Makes y = swish(γ · (x + d − μ) / √(v + ε) + β), where the mean μ and the variance v are those of
 * x + d over the pixels and the channels of a group, for each example (Wu & He 2018).
 *
 * Written step by step with tfjs this passes over the feature map about thirty times, forward and
 * back, and memory traffic is what it costs. Three observations bring that down to fifteen.
 *
 * 1. x + d is never formed. With n = HW pixels, Σ(x + d) = Σx + n d and
 *    Σ(x + d)² = Σx² + 2d Σx + n d², and these sums are small, `[B, C]`. Averaging them over the
 *    channels of a group, and handing each channel its group's value, is one product with a constant
 *    `[C, C]` matrix M of blocks.
 * 2. Forward, all of normalising, scaling and shifting is then one scale and one shift a channel:
 *    y = a x + s, with r = 1/√(v + ε), a = γ r, s = β + (d − μ) a.
 * 3. Backward, with p = ∂L/∂y, x̂ = (x + d − μ) r, and ⟨·⟩ the mean over a group,
 *      ∂L/∂β = Σp,  ∂L/∂γ = Σ p x̂,
 *      ∂L/∂x = r (γp − ⟨γp⟩ − x̂ ⟨γp x̂⟩) = a p + k x + k₀,
 *      k = −r² ⟨γp x̂⟩,  k₀ = −r ⟨γp⟩ + k (d − μ),
 *    so everything but p itself comes from two sums, Σp and Σpx; and ∂L/∂d = Σ ∂L/∂x needs no pass.
 *
 * The plain form that this is checked against is in tests/models/group-norm-swish.test.ts.
 *
 * @throws RangeError where the groups do not divide the channels
 */
export function groupNormSwish(options: {
  channels: number;
  groups: number;
  size: number;
}): GroupNormSwish {
  const { channels, groups, size } = options;
  if (!Number.isInteger(channels / groups)) {
    throw new RangeError(
      `groups must divide channels; got ${groups} groups, ${channels} channels.`,
    );
  }
  const pixels = size * size;
  const groupMean = tf.keep(groupMeanMatrix(channels, groups, pixels));

  const layer = tf.customGrad((...inputs) => {
    const [x, d, gamma, beta] = inputs as unknown as Inputs;
    const save = inputs[inputs.length - 1] as unknown as tf.GradSaveFunc;
    const sumX = x.sum<tf.Tensor2D>([1, 2]);
    const sumXX = sumOfSquares(x);
    const nd = d.mul<tf.Tensor2D>(pixels);
    const mean = tf.matMul(sumX.add<tf.Tensor2D>(nd), groupMean);
    const meanSquare = tf.matMul(sumXX.add(d.mul(sumX.mul(2).add(nd))), groupMean);
    const r = meanSquare.sub(mean.square()).add(EPSILON).rsqrt() as tf.Tensor2D;
    const a = r.mul<tf.Tensor2D>(gamma);
    const centre = d.sub<tf.Tensor2D>(mean);
    const y = x.mul(perChannel(a)).add(perChannel(centre.mul(a).add(beta)));
    const gate = y.sigmoid();
    const out = y.mul<tf.Tensor4D>(gate);
    save([x, gamma, sumX, r, a, centre, gate, out]);
    return { value: out, gradFunc: (dOut, saved) => backward(dOut, saved as Saved) };
  });

  function backward(dOut: tf.Tensor, saved: Saved): tf.Tensor[] {
    const [x, gamma, sumX, r, a, centre, gate, out] = saved;
    // swish′(y) = σ + yσ(1 − σ), and out = yσ.
    const p = dOut.mul(gate.add(out.sub(out.mul(gate))));
    const sumP = p.sum<tf.Tensor2D>([1, 2]);
    const sumPX = p.mul(x).sum<tf.Tensor2D>([1, 2]);
    const sumPXhat = sumPX.add(centre.mul(sumP)).mul<tf.Tensor2D>(r);
    const meanP = tf.matMul(sumP.mul(gamma), groupMean);
    const meanPXhat = tf.matMul(sumPXhat.mul(gamma), groupMean);
    const k = r.square().mul(meanPXhat).neg() as tf.Tensor2D;
    const k0 = k.mul(centre).sub<tf.Tensor2D>(r.mul(meanP));
    const dX = p.mul(perChannel(a)).add(x.mul(perChannel(k)).add(perChannel(k0)));
    const dD = a.mul(sumP).add(k.mul(sumX)).add(k0.mul(pixels));
    return [dX, dD, sumPXhat.sum(0), sumP.sum(0)];
  }

  return {
    apply: (x, d, gamma, beta) => layer(x, d, gamma, beta) as tf.Tensor4D,
    dispose: () => groupMean.dispose(),
  };
}

type Inputs = [tf.Tensor4D, tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
type Saved = [
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  sumX: tf.Tensor2D,
  r: tf.Tensor2D,
  a: tf.Tensor2D,
  centre: tf.Tensor2D,
  gate: tf.Tensor4D,
  out: tf.Tensor4D,
];

/** `[C, C]`: times a row of sums over pixels, gives each channel the mean over its whole group. */
function groupMeanMatrix(channels: number, groups: number, pixels: number): tf.Tensor2D {
  const width = channels / groups;
  const weight = 1 / (pixels * width);
  const sameGroup = (i: number, j: number): boolean =>
    Math.floor(i / width) === Math.floor(j / width);
  const values = new Float32Array(channels * channels).map((_, index) =>
    sameGroup(Math.floor(index / channels), index % channels) ? weight : 0,
  );
  return tf.tensor2d(values, [channels, channels]);
}

/**
 * Σx² over the pixels, `[B, H, W, C]` → `[B, C]`. TensorFlow's norm reads x once; x.square().sum() would
 * write all the squares first. No gradient: the layer has its own.
 */
function sumOfSquares(x: tf.Tensor4D): tf.Tensor2D {
  const [norm] = nativeOp("EuclideanNorm", [x, tf.tensor1d([1, 2], "int32")], {
    T: { type: "dtype", value: "float32" },
    Tidx: { type: "dtype", value: "int32" },
    keep_dims: { type: "bool", value: false },
  });
  return (norm as tf.Tensor2D).square();
}

/** `[B, C]` → `[B, 1, 1, C]`. */
function perChannel(values: tf.Tensor): tf.Tensor4D {
  return values.reshape([-1, 1, 1, values.shape[1] ?? 1]);
}
