/**
 * swish(GroupNorm(x + d)) in one step: seven of these are most of ScoreNet.
 */
import { tf } from "../engine";

/** Added to the variance under the square root, as in PyTorch. */
const EPSILON = 1e-5;

/**
 * y = swish(γ · (x + d − μ) / √(v + ε) + β), where the mean μ and the variance v are those of x + d over
 * the pixels and the channels of a group, for each example (Wu & He 2018).
 *
 * Written step by step with tfjs this passes over the feature map about thirty times, forward and
 * back, and memory traffic is what it costs. Three observations bring that down to fifteen.
 *
 * 1. x + d is never formed. With m and q the means of x and x² over the pixels, those of x + d and
 *    (x + d)² are m + d and q + 2dm + d². All these are small, `[B, C]`; seen as
 *    `[B, groups, channels of a group]`, their means over the last axis give μ and v + μ².
 * 2. Forward, all of normalising, scaling and shifting is then one scale and one shift a channel:
 *    y = a x + s, with r = 1/√(v + ε), a = γ r, s = β + (d − μ) a.
 * 3. Backward, with p = ∂L/∂y, x̂ = (x + d − μ) r, and ⟨·⟩ the mean over a group,
 *      ∂L/∂β = Σp,  ∂L/∂γ = Σ p x̂,
 *      ∂L/∂x = r (γp − ⟨γp⟩ − x̂ ⟨γp x̂⟩) = a p + k x + k₀,
 *      k = −r² ⟨γp x̂⟩,  k₀ = k (d − μ) − r ⟨γp⟩,
 *    so everything but p itself comes from the means over the pixels of p and p x; and ∂L/∂d = Σ ∂L/∂x
 *    needs no pass.
 *
 * The plain form that this is checked against is in tests/models/group-norm-swish.test.ts.
 *
 * @param x feature map, `[B, H, W, C]`
 * @param d time bias, one number an example and channel, `[B, C]`
 * @param gamma scale, `[C]`
 * @param beta shift, `[C]`
 * @param groups how many groups the channels are cut into
 * @returns `[B, H, W, C]`
 * @throws RangeError where the groups do not divide the channels
 */
export function groupNormSwish(
  x: tf.Tensor4D,
  d: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  groups: number,
): tf.Tensor4D {
  const channels = x.shape[3];
  if (!Number.isInteger(channels / groups)) {
    throw new RangeError(
      `groups must divide channels; got ${groups} groups, ${channels} channels.`,
    );
  }
  const layer = tf.customGrad<tf.Tensor4D>((...inputs) => {
    const [x, d, gamma, beta, save] = inputs as unknown as [...Inputs, tf.GradSaveFunc];
    const { out, saved } = forward(x, d, gamma, beta, groups);
    save(saved);
    return { value: out, gradFunc: (dOut, saved) => backward(dOut, saved as Saved, groups) };
  });
  return layer(x, d, gamma, beta);
}

type Inputs = [tf.Tensor4D, tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
type Saved = [
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  m: tf.Tensor3D,
  r: tf.Tensor3D,
  a: tf.Tensor3D,
  centre: tf.Tensor3D,
  gate: tf.Tensor4D,
  out: tf.Tensor4D,
];

/** Observations 1 and 2: y = a x + s, then swish. */
function forward(...[x, d1, gamma1, beta1, groups]: [...Inputs, number]): {
  out: tf.Tensor4D;
  saved: Saved;
} {
  const d = grouped(d1, groups);
  const gamma = grouped(gamma1, groups);
  const m = grouped(pixelMean(x), groups);
  const q = grouped(pixelMean(x.square()), groups);
  const mean = m.add(d).mean(2, true);
  const meanSquare = q.add(d.mul(m.mul(2).add(d))).mean(2, true);
  const r = meanSquare.sub(mean.square()).add<tf.Tensor3D>(EPSILON).rsqrt();
  const a = r.mul<tf.Tensor3D>(gamma);
  const centre = d.sub<tf.Tensor3D>(mean);
  const shift = centre.mul(a).add<tf.Tensor3D>(grouped(beta1, groups));
  const y = x.mul(perChannel(a)).add<tf.Tensor4D>(perChannel(shift));
  const gate = y.sigmoid();
  const out = y.mul<tf.Tensor4D>(gate);
  return { out, saved: [x, gamma1, m, r, a, centre, gate, out] };
}

/** Observation 3: the gradients by x, d, γ and β. */
function backward(dOut: tf.Tensor4D, saved: Saved, groups: number): tf.Tensor[] {
  const [x, gamma1, m, r, a, centre, gate, out] = saved;
  const gamma = grouped(gamma1, groups);
  const pixels = x.shape[1] * x.shape[2];
  // swish′(y) = σ + yσ(1 − σ), and out = yσ.
  const p = dOut.mul<tf.Tensor4D>(gate.add(out.sub(out.mul(gate))));
  const meanP = grouped(pixelMean(p), groups);
  const meanPX = grouped(pixelMean(p.mul(x)), groups);
  const meanPXhat = meanPX.add(centre.mul(meanP)).mul<tf.Tensor3D>(r);
  const groupP = meanP.mul(gamma).mean(2, true);
  const groupPXhat = meanPXhat.mul(gamma).mean(2, true);
  const k: tf.Tensor3D = r.square().mul(groupPXhat).neg().broadcastTo(m.shape);
  const k0 = k.mul(centre).sub<tf.Tensor3D>(r.mul(groupP));
  const dX = p.mul(perChannel(a)).add(x.mul(perChannel(k)).add(perChannel(k0)));
  const dD = a.mul(meanP).add(k.mul(m)).add(k0).mul(pixels);
  return [
    dX,
    perExample(dD),
    perExample(meanPXhat).sum(0).mul(pixels),
    perExample(meanP).sum(0).mul(pixels),
  ];
}

/** The mean over the pixels, `[B, H, W, C]` → `[B, C]`. */
function pixelMean(x: tf.Tensor4D): tf.Tensor2D {
  return x.mean([1, 2]);
}

/** `[B, C]` → `[B, groups, C / groups]`; `[C]` counts as one example. */
function grouped(values: tf.Tensor1D | tf.Tensor2D, groups: number): tf.Tensor3D {
  return values.reshape([-1, groups, (values.shape.at(-1) ?? groups) / groups]);
}

/** `[B, groups, C / groups]` → `[B, C]`. */
function perExample(values: tf.Tensor): tf.Tensor2D {
  const [batch = 0, groups = 0, width = 0] = values.shape;
  return values.reshape([batch, groups * width]);
}

/** `[B, groups, C / groups]` → `[B, 1, 1, C]`. */
function perChannel(values: tf.Tensor3D): tf.Tensor4D {
  const [batch, groups, width] = values.shape;
  return values.reshape([batch, 1, 1, groups * width]);
}
