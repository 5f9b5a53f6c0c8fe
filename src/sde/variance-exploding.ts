/**
 * SMLD as an SDE.
 */
import { tf } from "../engine";
import { affineSde } from "./affine";
import type { Sde } from "./sde";

/** The variance exploding SDE with its two parameters. */
export interface VarianceExplodingSde extends Sde {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/**
 * The VE SDE (Song et al. 2021, §3.4, appendices B and C), of which noise-conditional score networks (SMLD; Song &
 * Ermon 2019) are the discrete form: with s(t) = σ_min (σ_max / σ_min)ᵗ
 *
 *     dx = s(t) √(2 ln(σ_max / σ_min)) dw,   x(t) | x(0) ~ N(x(0), (s(t)² − σ_min²) I).
 *
 * The article's dx = βᵗ dw is the one with σ_max / σ_min = β and σ_min = 1 / √(2 ln β).
 *
 * @param options.sigmaMin default 0.01
 * @param options.sigmaMax default 50
 * @throws RangeError unless 0 < sigmaMin < sigmaMax
 */
export function varianceExplodingSde(
  options: { sigmaMin?: number; sigmaMax?: number } = {},
): VarianceExplodingSde {
  const { sigmaMin = 0.01, sigmaMax = 50 } = options;
  if (!(sigmaMin > 0 && sigmaMin < sigmaMax && Number.isFinite(sigmaMax))) {
    throw new RangeError(
      `varianceExplodingSde: needs 0 < sigmaMin < sigmaMax; got ${sigmaMin} and ${sigmaMax}.`,
    );
  }
  const growth = Math.log(sigmaMax / sigmaMin);
  const stdAt = (t: number): number => sigmaMin * Math.sqrt(Math.expm1(2 * growth * t));
  const sde = affineSde({
    name: `VE, σ from ${sigmaMin} to ${sigmaMax}`,
    parameters: { kind: "variance-exploding", sigmaMin, sigmaMax },
    rate: (t) => tf.zerosLike(t),
    diffusion: (t) =>
      t
        .mul<tf.Tensor1D>(growth)
        .exp()
        .mul(sigmaMin * Math.sqrt(2 * growth)),
    kernel: (t) => ({
      scale: tf.onesLike(t),
      // expm1 keeps the digits that e²ᵗ − 1 would lose to cancellation when t is near 0.
      std: t
        .mul<tf.Tensor1D>(2 * growth)
        .expm1()
        .sqrt()
        .mul(sigmaMin),
    }),
    kernelAt: (t) => ({ scale: 1, std: stdAt(t) }),
    timeAt: (level) => Math.log1p((level / sigmaMin) ** 2) / (2 * growth),
    priorStd: stdAt(1),
  });
  return { ...sde, sigmaMin, sigmaMax };
}
