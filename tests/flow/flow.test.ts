import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exponentialSde, flow, flowSlope, gaussianMixture, Random, tf, type Sde } from "../../src";
import { gaussian, lastOf, mixture } from "./support";

const sde = exponentialSde();
const eps = 1e-3;

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("flowSlope", () => {
  it("is f − ½ g² s, with g at each example's time", () => {
    const drifting: Sde = { ...sde, drift: (x) => x.mul(-0.7) };
    const values = tf.tidy(() => {
      const slope = flowSlope(drifting, (x) => x.add(1));
      const x = tf.tensor2d([
        [1, 2],
        [3, -4],
      ]);
      return Array.from(slope(x, tf.tensor1d([0.5, 0.25])).dataSync());
    });
    // g² = 25²ᵗ is 25 and 5.
    const expected = [
      [1, 25],
      [2, 25],
      [3, 5],
      [-4, 5],
    ].map(([x, g2]) => -0.7 * (x as number) - 0.5 * (g2 as number) * ((x as number) + 1));
    values.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 4));
  });

  it("evaluates the score once", () => {
    let calls = 0;
    tf.tidy(() => {
      flowSlope(sde, (x) => {
        calls++;
        return x;
      })(tf.ones([2, 3]), tf.ones([2]));
    });
    expect(calls).toBe(1);
  });
});

describe("flow of one Gaussian", () => {
  const variance = 0.25;
  const score = gaussian(variance).perturbedScore(sde);
  /** dx/dt = ½ g² x / (v + σ²) has x in proportion to √(v + σ²): the spread of pₜ itself. */
  const spread = (t: number): number => Math.sqrt(variance + sde.stdAt(t) ** 2);

  it.each([
    { from: eps, to: 1 },
    { from: 1, to: eps },
    { from: 0.2, to: 0.7 },
  ])("stretches everything by the spread of pₜ, from $from to $to", async ({ from, to }) => {
    const rows = [0.5, -1, 2, 0.01].map((z) => z * spread(from));
    const start = tf.tensor2d(rows, [2, 2]);
    for await (const { x, t, step } of flow({ sde, score, start, from, to })) {
      x.dataSync().forEach((value, i) => {
        const expected = ((rows[i] as number) * spread(t)) / spread(from);
        // A step may err by 1e-5 (1 + |x|) (√2: one of two numbers); an error is stretched like x.
        const stretched = Math.max(1, spread(t) / spread(from));
        const allowed = step * Math.SQRT2 * 1e-5 * (stretched + Math.abs(expected));
        expect(Math.abs(value - expected)).toBeLessThan(allowed);
      });
    }
    start.dispose();
  });

  it("takes draws of p at eps to draws of pₜ: nothing is left to chance", async () => {
    const n = 5000;
    const t = 0.6;
    const start = tf.tidy(() => new Random(1).normal([n, 2]).mul(spread(eps)));
    const { values } = await lastOf(flow({ sde, score, start, from: eps, to: t }));
    start.dispose();
    const std = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    // The standard error of a standard deviation from 2 n numbers is 1/√(4n) of it.
    expect(Math.abs(std / spread(t) - 1)).toBeLessThan(4 / Math.sqrt(4 * n));
  });
});

describe("flow of a mixture", () => {
  it("keeps in one dimension the part of the distribution that lies below a point", async () => {
    // Paths in one dimension cannot cross, so that if pₜ is to be right at every time, each path must be
    // a quantile of it: F(x(t), t) does not change.
    const means = [-1.5, 0.5, 2];
    const weights = [0.3, 0.5, 0.2];
    const std = 0.25;
    const line = gaussianMixture({ means: means.map((m) => [m]), stds: std, weights });
    const below = (x: number, t: number): number => {
      const width = Math.hypot(std, sde.stdAt(t));
      return weights.reduce(
        (sum, w, k) => sum + w * normalCdf((x - (means[k] as number)) / width),
        0,
      );
    };
    const from = [-2, -1.4, -0.8, -0.2, 0.5, 1.2, 1.9, 2.6];
    const start = tf.tensor2d(from, [from.length, 1]);
    const score = line.perturbedScore(sde);
    let largest = 0;
    for await (const { x, t } of flow({ sde, score, start, from: eps, to: 1 })) {
      x.dataSync().forEach((value, i) => {
        const off = below(value, t) - below(from[i] as number, eps);
        largest = Math.max(largest, Math.abs(off));
      });
    }
    start.dispose();
    // ∂F/∂x is the density, and the flow moves errors along as it moves F: an error made at x(t) shifts F
    // by pₜ(x) times it and keeps doing so. 100 steps × 1e-5 (1 + 3) × a density of 0.8 at most.
    expect(largest).toBeLessThan(100 * 1e-5 * 4 * 0.8);
  });

  it("has the marginals of the SDE: draws of p at eps become draws of pₜ", async () => {
    const n = 5000;
    const score = mixture.perturbedScore(sde);
    const start = noisy(n, eps, 2);
    const covariance = mixture.covariance();
    let checked = 0;
    for await (const { x, t } of flow({ sde, score, start, from: eps, to: 1 })) {
      const added = sde.stdAt(t) ** 2;
      const fresh = noisy(n, t, 3);
      const { mean, second, logDensity, expectedLog, spreadOfLog } = tf.tidy(() => {
        const exact = tf.moments(mixture.logDensity(fresh, added));
        return {
          mean: x.mean(0).arraySync() as number[],
          second: tf
            .matMul(x as tf.Tensor2D, x as tf.Tensor2D, true)
            .div(n)
            .arraySync() as number[][],
          logDensity: mixture.logDensity(x, added).mean().arraySync() as number,
          expectedLog: exact.mean.arraySync() as number,
          spreadOfLog: exact.variance.arraySync() as number,
        };
      });
      fresh.dispose();
      for (const i of [0, 1]) {
        const variance = (covariance[i]?.[i] as number) + added;
        expect(Math.abs(mean[i] as number)).toBeLessThan(4 * Math.sqrt(variance / n));
        for (const j of [0, 1]) {
          const other = (covariance[j]?.[j] as number) + added;
          const expected = (covariance[i]?.[j] as number) + (i === j ? added : 0);
          // Gaussian formula, an upper bound for tails as light as these.
          const error = Math.sqrt((variance * other + expected ** 2) / n);
          expect(Math.abs((second[i]?.[j] as number) - expected)).toBeLessThan(4 * error);
        }
      }
      // Not only moments: the mean of log pₜ, against that of as many fresh draws.
      const error = Math.sqrt((2 * spreadOfLog) / n);
      expect(Math.abs(logDensity - expectedLog)).toBeLessThan(4 * error);
      checked++;
    }
    start.dispose();
    expect(checked).toBeGreaterThan(10);
  });

  it("decodes what it encoded, and all the better the smaller the tolerance", async () => {
    const score = mixture.perturbedScore(sde);
    const start = noisy(200, eps, 4);
    const original = Array.from(start.dataSync());
    const errors: number[] = [];
    for (const tolerance of [1e-3, 1e-5]) {
      const options = { sde, score, rtol: tolerance, atol: tolerance };
      const code = await lastOf(flow({ ...options, start, from: eps, to: 1 }));
      // The code is a draw of p₁, ten times as wide as the data.
      expect(Math.max(...code.values.map(Math.abs))).toBeGreaterThan(15);
      const latent = tf.tensor2d(code.values, [200, 2]);
      const { values, t } = await lastOf(flow({ ...options, start: latent, from: 1, to: eps }));
      latent.dispose();
      expect(t).toBe(eps);
      const squares = values.map((value, i) => (value - (original[i] as number)) ** 2);
      errors.push(Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length));
    }
    start.dispose();
    const [loose, tight] = errors as [number, number];
    // Some 60 steps both ways that may err by 1e-5 (1 + |x|), where |x| is 10 σ(t) / σ(1) and an error at t
    // comes back as small as x does: 60 × 1e-5 × 3 at most, much of which averages out.
    expect(tight).toBeLessThan(60 * 1e-5 * 3);
    expect(loose).toBeGreaterThan(5 * tight);
  });

  /** Draws of pₜ, `[n, 2]`. */
  function noisy(n: number, t: number, seed: number): tf.Tensor {
    const random = new Random(seed);
    return tf.tidy(() => mixture.sample(n, random).add(random.normal([n, 2]).mul(sde.stdAt(t))));
  }
});

/** Φ(z), by its series of odd powers: exact to 1e-12 for |z| ≤ 8. */
function normalCdf(z: number): number {
  if (z < -8) return 0;
  if (z > 8) return 1;
  let term = z;
  let sum = z;
  for (let k = 3; k < 300; k += 2) {
    term *= z ** 2 / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI);
}
