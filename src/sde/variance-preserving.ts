/**
 * DDPM as an SDE.
 */
import { tf } from "../engine";
import { affineSde } from "./affine";
import { linearBeta, type BetaOptions } from "./linear-beta";
import type { Sde } from "./sde";

/**
 * The VP SDE (Song et al. 2021, §3.4, appendices B and C), of which DDPM (Ho et al. 2020) is the discrete form:
 * with β(t) = β_min + (β_max − β_min) t and B(t) = ∫₀ᵗ β
 *
 *     dx = −½ β(t) x dt + √β(t) dw,   x(t) | x(0) ~ N(e^(−B/2) x(0), (1 − e^−B) I).
 *
 * Data shrink as noise grows, so that data of variance 1 keep it all the way; the prior is N(0, I). The noise
 * in units of the data is √(e^B − 1).
 *
 * @throws RangeError unless 0 < betaMin ≤ betaMax
 */
export function variancePreservingSde(options: BetaOptions = {}): Sde {
  const beta = linearBeta("variancePreservingSde", options);
  return affineSde({
    name: `VP, β from ${beta.min} to ${beta.max}`,
    parameters: { kind: "variance-preserving", betaMin: beta.min, betaMax: beta.max },
    rate: (t) => beta.at(t).mul(-0.5),
    diffusion: (t) => beta.at(t).sqrt(),
    kernel: (t) => {
      const integral = beta.integral(t);
      return {
        scale: integral.mul<tf.Tensor1D>(-0.5).exp(),
        std: integral.neg().expm1().neg().sqrt(),
      };
    },
    kernelAt: (t) => {
      const integral = beta.integralAt(t);
      return { scale: Math.exp(-integral / 2), std: Math.sqrt(-Math.expm1(-integral)) };
    },
    timeAt: (level) => beta.timeAt(Math.log1p(level ** 2)),
    priorStd: 1,
  });
}
