/**
 * What stands between the layers of a network and the score: how large the numbers are that go in and come
 * out, and in which terms the layers are told how much noise there is.
 */
import { tf } from "../engine";
import { perExample, type Score, type Sde } from "../sde";

/** Layers F: images `[B, 28, 28, 1]` and a number for the noise, `[B]`, → `[B, 28, 28, 1]`. */
export type Layers = (x: tf.Tensor4D, noise: tf.Tensor1D) => tf.Tensor4D;

/** Makes a score of layers. */
export interface Preconditioning {
  /** What a checkpoint calls it. */
  readonly name: "noise" | "edm";
  /** EDM's only: the standard deviation that it takes the data to have. */
  readonly sigmaData?: number;
  score(layers: Layers, sde: Sde): Score;
}

/**
 * The article's: s(x, t) = F(x, t) / std(t).
 *
 * The true score of a perturbed image is −z / std with z ~ N(0, I), so that F only has to predict something
 * of the size of z. But x comes in with whatever size the noise gives it, from 0.3 to 10, and where there is
 * much noise F must reproduce nearly all of its input to the last digit.
 */
export const noisePreconditioning: Preconditioning = {
  name: "noise",
  score: (layers, sde) => (x, t) =>
    tf.tidy(() => {
      const { mean, std } = sde.marginal(x, t);
      mean.dispose();
      return layers(x as tf.Tensor4D, t).div(perExample(std, x));
    }),
};

/**
 * EDM's (Karras et al. 2022, §5 and table 1): with x̂ = x / α(t) = x(0) + σ z and σ = std(t) / α(t),
 *
 *     D(x̂; σ) = c_skip x̂ + c_out F(c_in x̂, c_noise),
 *     c_skip = σ_d² / (σ² + σ_d²),  c_out = σ σ_d / √(σ² + σ_d²),  c_in = 1 / √(σ² + σ_d²),  c_noise = ¼ ln σ.
 *
 * F's input has variance 1 at every noise level, and so has what it should give: the part of x(0) that the
 * best linear guess c_skip x̂ leaves open. As only σ and x̂ enter, the layers learn the same for every SDE.
 *
 * The score follows by Tweedie's formula, ∇ log p̂ = (D − x̂) / σ². With D put in, what would cancel there
 * does so on paper:
 *
 *     ∇ log p̂ = −x̂ / (σ² + σ_d²) + F σ_d / (σ √(σ² + σ_d²)),  s(x, t) = ∇ log p̂ / α(t).
 *
 * @param sigmaData σ_d, standard deviation of the data, > 0
 * @throws RangeError for anything else
 */
export function edmPreconditioning(sigmaData: number): Preconditioning {
  requireSigmaData(sigmaData);
  return {
    name: "edm",
    sigmaData,
    score: (layers, sde) => (x, t) =>
      tf.tidy(() => {
        const { scale, sigma } = noiseLevels(sde, t);
        const total = sigma.square().add<tf.Tensor1D>(sigmaData ** 2);
        const cIn = total.rsqrt();
        const cNoise = sigma.log().mul<tf.Tensor1D>(0.25);
        const unscaled = x.div(perExample(scale, x));
        const raw = layers(unscaled.mul(perExample(cIn, x)), cNoise);
        const linear = unscaled.div(perExample(total.neg(), x));
        const learned = raw.mul(perExample(cIn.div(sigma).mul(sigmaData), x));
        return linear.add(learned).div(perExample(scale, x));
      }),
  };
}

/** α(t) and σ = std(t) / α(t), for each example: `[B]`. */
export function noiseLevels(sde: Sde, t: tf.Tensor1D): { scale: tf.Tensor1D; sigma: tf.Tensor1D } {
  const { mean, std } = sde.marginal(tf.ones([t.shape[0], 1]), t);
  const scale: tf.Tensor1D = mean.reshape([-1]);
  return { scale, sigma: std.div(scale) };
}

/** @throws RangeError unless it is a standard deviation that data can have */
export function requireSigmaData(sigmaData: number): void {
  if (!(sigmaData > 0) || !Number.isFinite(sigmaData)) {
    throw new RangeError(`sigmaData must be a number > 0; got ${sigmaData}.`);
  }
}
