/**
 * An SDE whose mean shrinks, for the tests: everything that dx = βᵗ dw leaves at 1 is another number in it.
 */
import { perExample, tf, type Sde } from "../../src";

/**
 * dx = −½ b x dt + √b dw, a "variance preserving" SDE (Song et al. 2021, §3.4) of constant rate b = 9:
 * α(t) = e^(−bt/2), σ(t)² = 1 − α(t)², and so (σ / α)² = e^(bt) − 1.
 */
export function variancePreservingSde(): Sde {
  const rate = 9;
  const scaleAt = (t: number): number => Math.exp((-rate * t) / 2);
  const stdAt = (t: number): number => Math.sqrt(-Math.expm1(-rate * t));
  return {
    name: "dx = −½ b x dt + √b dw",
    scaleAt,
    stdAt,
    timeAt: (noiseLevel) => Math.min(1, Math.log1p(noiseLevel ** 2) / rate),
    drift: (x) => x.mul(-rate / 2),
    diffusion: (t) => tf.fill([t.shape[0]], Math.sqrt(rate)),
    marginal: (x0, t) =>
      tf.tidy(() => {
        const scale = t.mul<tf.Tensor1D>(-rate / 2).exp<tf.Tensor1D>();
        const std = t
          .mul<tf.Tensor1D>(-rate)
          .expm1<tf.Tensor1D>()
          .neg<tf.Tensor1D>()
          .sqrt<tf.Tensor1D>();
        return { mean: x0.mul(perExample(scale, x0)), std };
      }),
    prior: (shape, random) => random.normal([...shape]),
    priorLogDensity: (x) =>
      tf.tidy(() => {
        const rows: tf.Tensor2D = x.reshape([x.shape[0], -1]);
        const constant = (rows.shape[1] / 2) * Math.log(2 * Math.PI);
        return rows.square().sum(1).mul(-0.5).sub<tf.Tensor1D>(constant);
      }),
  };
}
