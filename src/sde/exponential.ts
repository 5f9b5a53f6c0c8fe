/**
 * The article's forward process: dx = βᵗ dw.
 */
import { tf, type Random } from "../engine";
import { requireBatch, requireTimes } from "./batch";
import { gaussianLogDensity } from "./gaussian";
import { requireNoiseLevel, requireTime } from "./numbers";
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

  return {
    name: `dx = βᵗ dw, β = ${beta}`,
    beta,

    scaleAt(t) {
      requireTime(t);
      return 1;
    },

    stdAt(t) {
      requireTime(t);
      return stdAt(t);
    },

    timeAt(noiseLevel) {
      requireNoiseLevel(noiseLevel, stdAt(1));
      return Math.min(1, Math.log1p(2 * logBeta * noiseLevel ** 2) / (2 * logBeta));
    },

    drift(x, t) {
      requireBatch(x, t);
      requireTimes(t);
      return tf.zerosLike(x);
    },

    diffusion(t) {
      requireTimes(t);
      return tf.tidy(() => t.mul<tf.Tensor1D>(logBeta).exp());
    },

    marginal(x0, t) {
      requireBatch(x0, t);
      requireTimes(t);
      const std = tf.tidy(() =>
        t
          .mul<tf.Tensor1D>(2 * logBeta)
          .expm1()
          .div<tf.Tensor1D>(2 * logBeta)
          .sqrt(),
      );
      return { mean: x0.clone(), std };
    },

    prior(shape: readonly number[], random: Random) {
      return tf.tidy(() => random.normal([...shape]).mul(stdAt(1)));
    },

    priorLogDensity(x) {
      return gaussianLogDensity(x, stdAt(1));
    },
  };
}
