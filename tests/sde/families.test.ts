import { describe, expect, it } from "vitest";
import {
  exponentialSde,
  noiseLevelAt,
  perturb,
  Random,
  sdeFrom,
  subVpSde,
  tf,
  varianceExplodingSde,
  variancePreservingSde,
  type Sde,
  type SdeParameters,
} from "../../src";

const families = [
  { name: "VE", sde: varianceExplodingSde() },
  { name: "VP", sde: variancePreservingSde() },
  { name: "sub-VP", sde: subVpSde() },
  { name: "VP with constant β", sde: variancePreservingSde({ betaMin: 8, betaMax: 8 }) },
  { name: "the article's", sde: exponentialSde() },
];
const times = [1e-4, 1e-3, 0.01, 0.1, 0.3, 0.6, 1];

/** Drift for x = 1 and diffusion at many times. */
function coefficients(sde: Sde, at: number[]): { rate: Float32Array; g: Float32Array } {
  const t = tf.tensor1d(at);
  const [drift, diffusion] = [sde.drift(tf.ones([at.length, 1]), t), sde.diffusion(t)];
  const result = { rate: drift.dataSync<"float32">(), g: diffusion.dataSync<"float32">() };
  tf.dispose([t, drift, diffusion]);
  return result;
}

describe.each(families)("the $name SDE", ({ sde }) => {
  it("has the kernel that its drift and diffusion give rise to", () => {
    // Mean and variance of dx = a x dt + g dw obey α′ = a α and v′ = 2 a v + g²: midpoint rule, 4,000 steps.
    const steps = 4000;
    const middles = Array.from({ length: steps }, (_, i) => (i + 0.5) / steps);
    const { rate, g } = coefficients(sde, middles);
    let [logScale, variance] = [0, 0];
    for (let i = 0; i < steps; i++) {
      const [a, g2] = [rate[i] ?? NaN, (g[i] ?? NaN) ** 2];
      logScale += a / steps;
      const growth = Math.exp((2 * a) / steps);
      variance = variance * growth + (g2 / steps) * Math.sqrt(growth);
      const end = (i + 1) / steps;
      if ((i + 1) % 500 !== 0) continue;
      // float32 leaves 1e-7 of each coefficient; the rule's own error is (5 / steps)² and less.
      expect(Math.abs(Math.exp(logScale) / sde.scaleAt(end) - 1)).toBeLessThan(1e-5);
      expect(Math.abs(Math.sqrt(variance) / sde.stdAt(end) - 1)).toBeLessThan(1e-4);
    }
  });

  it("is where a simulation of it ends", () => {
    const [paths, steps] = [20_000, 200];
    const random = new Random(3);
    const x = tf.tidy(() => {
      let at: tf.Tensor = tf.fill([paths, 1], 2);
      for (let i = 0; i < steps; i++) {
        const t = tf.tensor1d(new Float32Array(paths).fill((i + 0.5) / steps));
        const noise = random.normal([paths, 1]).mul(sde.diffusion(t).reshape([-1, 1]));
        at = at.add(sde.drift(at, t).div(steps)).add(noise.mul(Math.sqrt(1 / steps)));
      }
      return at;
    });
    const { mean, variance } = tf.moments(x);
    const measured = {
      mean: mean.dataSync()[0] ?? NaN,
      std: Math.sqrt(variance.dataSync()[0] ?? NaN),
    };
    tf.dispose([x, mean, variance]);
    // Four standard errors, std / √n and std / √2n, and 2 % for steps of 1/200.
    const std = sde.stdAt(1);
    expect(Math.abs(measured.mean - 2 * sde.scaleAt(1))).toBeLessThan(4 * (std / 141) + 0.02);
    expect(Math.abs(measured.std / std - 1)).toBeLessThan(4 / 200 + 0.02);
  });

  it("says the same as tensors and as numbers", () => {
    tf.tidy(() => {
      const t = tf.tensor1d(times);
      const { mean, std } = sde.marginal(tf.ones([times.length, 1]), t);
      const [means, stds] = [mean.dataSync(), std.dataSync()];
      times.forEach((time, i) => {
        const t32 = Math.fround(time);
        expect(Math.abs((means[i] ?? NaN) / sde.scaleAt(t32) - 1)).toBeLessThan(2e-6);
        expect(Math.abs((stds[i] ?? NaN) / sde.stdAt(t32) - 1)).toBeLessThan(2e-6);
      });
    });
  });

  it("finds the time of a noise level", () => {
    expect(sde.timeAt(0)).toBe(0);
    for (const t of times) {
      expect(Math.abs(sde.timeAt(noiseLevelAt(sde, t)) / t - 1)).toBeLessThan(1e-9);
    }
    expect(() => sde.timeAt(noiseLevelAt(sde, 1) * 1.01)).toThrow(/noise level must lie in/);
    expect(() => sde.timeAt(-1)).toThrow(RangeError);
  });

  it("draws its prior as wide as it says, and nearly as wide as x(1)", () => {
    const x = sde.prior([50_000, 1], new Random(1));
    const logDensity = sde.priorLogDensity(x);
    const std = Math.sqrt(tf.tidy(() => tf.moments(x).variance.dataSync()[0] ?? NaN));
    expect(Math.abs(std / sde.stdAt(1) - 1)).toBeLessThan(0.02);
    // E[log N(x; 0, s²)] = −½ − log(s √2π).
    const expected = -0.5 - Math.log(std * Math.sqrt(2 * Math.PI));
    const mean = tf.tidy(() => logDensity.mean().dataSync()[0] ?? NaN);
    expect(Math.abs(mean - expected)).toBeLessThan(0.01);
    tf.dispose([x, logDensity]);
  });

  it("perturbs, and refuses times and shapes that are not", () => {
    tf.tidy(() => {
      const x0 = tf.ones([2, 3]);
      const t = tf.tensor1d([0.2, 0.7]);
      const x = perturb(sde, x0, t, tf.ones([2, 3])).dataSync();
      expect(x[0]).toBeCloseTo(sde.scaleAt(0.2) + sde.stdAt(0.2), 5);
      expect(x[5]).toBeCloseTo(sde.scaleAt(0.7) + sde.stdAt(0.7), 5);
      const late = tf.tensor1d([0.2, 1.1]);
      for (const call of [
        () => sde.drift(x0, late),
        () => sde.diffusion(late),
        () => sde.marginal(x0, late),
        () => sde.stdAt(1.1),
        () => sde.scaleAt(NaN),
      ]) {
        expect(call).toThrow(/t must lie in \[0, 1\]/);
      }
    });
  });
});

describe("special cases", () => {
  it("dx = βᵗ dw is the VE SDE with σ_max / σ_min = β", () => {
    const [beta, sigmaMin] = [25, 1 / Math.sqrt(2 * Math.log(25))];
    const [ours, ve] = [
      exponentialSde({ beta }),
      varianceExplodingSde({ sigmaMin, sigmaMax: sigmaMin * beta }),
    ];
    for (const t of times) expect(Math.abs(ve.stdAt(t) / ours.stdAt(t) - 1)).toBeLessThan(1e-12);
    const [a, b] = [coefficients(ours, times), coefficients(ve, times)];
    a.g.forEach((g, i) => expect(Math.abs((b.g[i] ?? NaN) / g - 1)).toBeLessThan(1e-6));
  });

  it("SMLD's ladder of noise levels is the VE SDE, seen at N times", () => {
    // SMLD: σᵢ = σ_min (σ_max / σ_min)^(i / N), and the chain xᵢ = xᵢ₋₁ + √(σᵢ² − σᵢ₋₁²) z (Song et al. 2021, eq. 8).
    const { sigmaMin, sigmaMax } = varianceExplodingSde();
    const sde = varianceExplodingSde();
    const N = 50;
    const sigma = (i: number): number => sigmaMin * (sigmaMax / sigmaMin) ** (i / N);
    let variance = 0;
    for (let i = 1; i <= N; i++) {
      variance += sigma(i) ** 2 - sigma(i - 1) ** 2;
      expect(Math.abs(Math.sqrt(variance) / sde.stdAt(i / N) - 1)).toBeLessThan(1e-9);
    }
  });

  it("SMLD's chain steps like Euler–Maruyama for the VE SDE, to first order in the step", () => {
    const { sigmaMin, sigmaMax } = varianceExplodingSde();
    const sde = varianceExplodingSde();
    const off = (N: number): number => {
      // Variance of one step at t = ½, against g(t)² / N.
      const sigma = (t: number): number => sigmaMin * (sigmaMax / sigmaMin) ** t;
      const { g } = coefficients(sde, [0.5]);
      const step = sigma(0.5 + 1 / N) ** 2 - sigma(0.5) ** 2;
      return step / ((g[0] ?? NaN) ** 2 / N) - 1;
    };
    expect(off(1000) / off(2000)).toBeCloseTo(2, 1);
    expect(Math.abs(off(10_000))).toBeLessThan(1e-3);
  });

  it("DDPM's chain ends where the VP SDE does, to first order in the step", () => {
    // DDPM: xᵢ = √(1 − βᵢ) xᵢ₋₁ + √βᵢ z with βᵢ = β(i / N) / N (Song et al. 2021, eq. 10).
    const sde = variancePreservingSde();
    const off = (N: number): { scale: number; variance: number } => {
      let [scale, variance] = [1, 0];
      for (let i = 1; i <= N / 2; i++) {
        const beta = (0.1 + 19.9 * (i / N)) / N;
        scale *= Math.sqrt(1 - beta);
        variance = (1 - beta) * variance + beta;
      }
      return { scale: scale / sde.scaleAt(0.5) - 1, variance: variance / sde.stdAt(0.5) ** 2 - 1 };
    };
    const [coarse, fine] = [off(1000), off(2000)];
    expect(coarse.scale / fine.scale).toBeCloseTo(2, 1);
    expect(coarse.variance / fine.variance).toBeCloseTo(2, 1);
    expect(Math.abs(off(100_000).scale)).toBeLessThan(1e-3);
  });

  it.each([
    {
      what: "VE",
      make: () => varianceExplodingSde({ sigmaMin: 2, sigmaMax: 1 }),
      says: /0 < sigmaMin/,
    },
    { what: "VE", make: () => varianceExplodingSde({ sigmaMin: 0 }), says: /0 < sigmaMin/ },
    { what: "VP", make: () => variancePreservingSde({ betaMin: 0 }), says: /0 < betaMin/ },
    { what: "VP", make: () => variancePreservingSde({ betaMax: NaN }), says: /0 < betaMin/ },
    { what: "sub-VP", make: () => subVpSde({ betaMin: 3, betaMax: 2 }), says: /0 < betaMin/ },
  ])("$what refuses parameters out of range", ({ make, says }) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(says);
  });
});

describe("sdeFrom", () => {
  it("makes the SDE anew that the parameters were taken from", () => {
    const all = [
      exponentialSde({ beta: 7 }),
      varianceExplodingSde({ sigmaMin: 0.02, sigmaMax: 30 }),
      variancePreservingSde({ betaMin: 0.2, betaMax: 15 }),
      subVpSde({ betaMin: 0.3, betaMax: 12 }),
    ];
    for (const sde of all) {
      const again = sdeFrom(sde.parameters as SdeParameters);
      expect(again.name).toBe(sde.name);
      expect(again.stdAt(0.37)).toBe(sde.stdAt(0.37));
      expect(again.scaleAt(0.37)).toBe(sde.scaleAt(0.37));
    }
  });
});
