/**
 * Denoising score matching: the loss that the article trains with.
 */
import { tf } from "../engine";
import { requireSigmaData } from "../models";
import { perExample, perturb, requireTimes, type Score, type Sde } from "../sde";

/** λ(t): `t` and std(t), both `[B]`, → positive weights, `[B]`. */
export type Weighting = (t: tf.Tensor1D, std: tf.Tensor1D) => tf.Tensor1D;

/**
 * λ(t) = std(t)², so that every time counts about alike: the score's square is of the order of
 * 1 / std², and without it the smallest times would drown the rest.
 */
export const varianceWeighting: Weighting = (_t, std) => std.square();

/** λ(t) = 1: eq. (4) as it stands. */
export const unitWeighting: Weighting = (t) => tf.onesLike(t);

/**
 * EDM's λ (Karras et al. 2022, table 1) for a score: λ(t) = std² (1 + σ² / σ_d²) with σ = std / α, the noise in
 * units of the data.
 *
 * EDM writes its loss for the denoised image, (σ² + σ_d²) / (σ σ_d)² · ‖D − x(0)‖². With D = x̂ + σ² ∇ log p̂
 * that is this λ in eq. (5). It makes the loss of an untrained network the same at every noise level; which of
 * them are learnt is then left to how often they are drawn.
 *
 * @param sigmaData σ_d, standard deviation of the data, > 0
 * @throws RangeError for anything else
 */
export function edmWeighting(sde: Sde, sigmaData: number): Weighting {
  requireSigmaData(sigmaData);
  return (t, std) =>
    tf.tidy(() => {
      const { mean } = sde.marginal(tf.ones([t.shape[0], 1]), t);
      const sigma: tf.Tensor1D = std.div(mean.reshape<tf.Tensor1D>([-1]));
      return std.square().mul<tf.Tensor1D>(sigma.div(sigmaData).square().add(1));
    });
}

/** What the loss is a function of. */
export interface DenoisingOptions {
  sde: Sde;
  score: Score;
  /** Data, `[B, …D]`. */
  x0: tf.Tensor;
  /** Times in (0, 1], `[B]`. */
  t: tf.Tensor1D;
  /** Standard normal noise of the shape of `x0`. */
  z: tf.Tensor;
  /** λ(t); default λ = std². */
  weighting?: Weighting;
}

/**
 * The denoising score matching loss of each example (Vincent 2011; eq. 3–5), summed over the data
 * dimensions: λ(t) ‖s(x(t), t) − ∇ log p(x(t) | x(0))‖² with x(t) = mean + std z.
 *
 * As x(t) given x(0) is Gaussian, the gradient is −z / std, so with λ = std² the loss is
 * ‖std s + z‖²: the network is asked which noise was added.
 *
 * It goes through `score`, so that any score can be measured: the exact one of a mixture too.
 *
 * @returns one loss an example, `[B]`; owned by the caller
 * @throws RangeError where shapes do not fit or a time lies outside (0, 1]
 */
export function denoisingLosses(options: DenoisingOptions): tf.Tensor1D {
  const { sde, score, x0, t, z, weighting = varianceWeighting } = options;
  requireTimes(t, { excludeZero: true });
  return tf.tidy(() => {
    const { std } = sde.marginal(x0, t);
    const x = perturb(sde, x0, t, z);
    // std · (s + z/std), whose square needs no division by a small std.
    const residual = score(x, t).mul(perExample(std, z)).add(z);
    const squares = residual
      .square()
      .reshape([x0.shape[0] ?? 0, -1])
      .sum<tf.Tensor1D>(1);
    return squares.mul<tf.Tensor1D>(weighting(t, std)).div<tf.Tensor1D>(std.square());
  });
}

/** The mean of `denoisingLosses` over the batch: eq. (5) as a Monte Carlo estimate. Scalar. */
export function denoisingLoss(options: DenoisingOptions): tf.Scalar {
  return tf.tidy(() => denoisingLosses(options).mean<tf.Scalar>());
}
