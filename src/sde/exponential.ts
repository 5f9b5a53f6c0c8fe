/**
 * The article's forward process: dx = βᵗ dw.
 */
import { tf } from "../engine";
import { affineSde } from "./affine";
import type { Sde } from "./sde";

/** The SDE dx = βᵗ dw with its one parameter. */
export interface ExponentialSde extends Sde {
  readonly beta: number;
}

/**
 * dx = βᵗ dw: no drift, and noise whose strength grows exponentially with time. It is a "variance
 * exploding" SDE (Song et al. 2021, §3.4): nothing pulls x back, so its variance only grows.
 *
 * - drift f = 0, diffusion g(t) = βᵗ
 * - eq. (7): x(t) | x(0) ~ N(x(0), σ(t)² I) with **standard deviation** σ(t) = √((β²ᵗ − 1) / (2 ln β))
 * - eq. (8): x(1) ~ N(0, σ(1)² I), nearly, once σ(1) is far wider than the data
 *
 * @param options.beta β > 1, default 25 as in the article (there called σ in the code)
 * @throws RangeError for β ≤ 1: at β = 1 the formula is 0/0, below it the noise shrinks
 */
export function exponentialSde(options: { beta?: number } = {}): ExponentialSde {
  const { beta = 25 } = options;
  if (!(beta > 1) || !Number.isFinite(beta)) {
    throw new RangeError(`exponentialSde: beta must be a finite number > 1; got ${beta}.`);
  }
  const logBeta = Math.log(beta);

  // expm1 keeps the digits that β²ᵗ − 1 would lose to cancellation when t is near 0.
  const stdAt = (t: number): number => Math.sqrt(Math.expm1(2 * t * logBeta) / (2 * logBeta));

  const sde = affineSde({
    name: `dx = βᵗ dw, β = ${beta}`,
    parameters: { kind: "exponential", beta },
    rate: (t) => tf.zerosLike(t),
    diffusion: (t) => t.mul<tf.Tensor1D>(logBeta).exp(),
    kernel: (t) => ({
      scale: tf.onesLike(t),
      std: t
        .mul<tf.Tensor1D>(2 * logBeta)
        .expm1()
        .div<tf.Tensor1D>(2 * logBeta)
        .sqrt(),
    }),
    kernelAt: (t) => ({ scale: 1, std: stdAt(t) }),
    timeAt: (level) => Math.log1p(2 * logBeta * level ** 2) / (2 * logBeta),
    priorStd: stdAt(1),
  });
  return { ...sde, beta };
}
