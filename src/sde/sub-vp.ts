/**
 * The VP SDE with less noise on the way.
 */
import { tf } from "../engine";
import { affineSde } from "./affine";
import { linearBeta, type BetaOptions } from "./linear-beta";
import type { Sde } from "./sde";

/**
 * The sub-VP SDE (Song et al. 2021, §3.4, appendices B and C): the drift of the VP SDE with noise that starts from
 * nothing,
 *
 *     dx = −½ β(t) x dt + √(β(t) (1 − e^−2B(t))) dw,   x(t) | x(0) ~ N(e^(−B/2) x(0), (1 − e^−B)² I),
 *
 * so that its variance stays below that of the VP SDE at every time: better likelihoods. The noise in units of
 * the data is (1 − e^−B) e^(B/2) = 2 sinh(B/2).
 *
 * @throws RangeError unless 0 < betaMin ≤ betaMax
 */
export function subVpSde(options: BetaOptions = {}): Sde {
  const beta = linearBeta("subVpSde", options);
  return affineSde({
    name: `sub-VP, β from ${beta.min} to ${beta.max}`,
    parameters: { kind: "sub-vp", betaMin: beta.min, betaMax: beta.max },
    rate: (t) => beta.at(t).mul(-0.5),
    diffusion: (t) => beta.at(t).mul<tf.Tensor1D>(beta.integral(t).mul(-2).expm1().neg()).sqrt(),
    kernel: (t) => {
      const integral = beta.integral(t);
      return { scale: integral.mul<tf.Tensor1D>(-0.5).exp(), std: integral.neg().expm1().neg() };
    },
    kernelAt: (t) => {
      const integral = beta.integralAt(t);
      return { scale: Math.exp(-integral / 2), std: -Math.expm1(-integral) };
    },
    timeAt: (level) => beta.timeAt(2 * Math.asinh(level / 2)),
    priorStd: 1,
  });
}
