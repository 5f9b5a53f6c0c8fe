import { describe, expect, it } from "vitest";
import { exponentialSde, noiseLevelAt, perturb, Random, reverseSde, tf } from "../../src";

const sde = exponentialSde({ beta: 25 });
const times = [1e-5, 1e-3, 0.1, 0.5, 1];

describe("exponentialSde", () => {
  it("has no drift and the diffusion βᵗ", () => {
    tf.tidy(() => {
      const t = tf.tensor1d(times);
      const x = tf.ones([times.length, 3]);
      expect(Array.from(sde.drift(x, t).dataSync())).toEqual(Array<number>(15).fill(0));
      sde
        .diffusion(t)
        .dataSync()
        .forEach((g, i) => expect(g).toBeCloseTo(25 ** (times[i] ?? 0), 5));
    });
  });

  it("gives eq. (7) to float32's precision, at small t too", () => {
    const std = tf.tidy(() => {
      const t = tf.tensor1d(times);
      const { mean, std } = sde.marginal(tf.ones([times.length, 2]), t);
      expect(Array.from(mean.dataSync())).toEqual(Array<number>(10).fill(1));
      return std.dataSync();
    });
    times.forEach((t, i) => {
      // t itself is rounded to float32 before the formula sees it.
      const t32 = Math.fround(t);
      const exact = Math.sqrt(Math.expm1(2 * t32 * Math.log(25)) / (2 * Math.log(25)));
      expect(Math.abs((std[i] ?? NaN) / exact - 1)).toBeLessThan(3e-7);
      expect(Math.abs(sde.stdAt(t32) / exact - 1)).toBeLessThan(1e-12);
    });
  });

  it("agrees with a simulation of dx = βᵗ dw", () => {
    const steps = 400;
    const paths = 20_000;
    const random = new Random(1);
    const simulated = tf.tidy(() => {
      let x = tf.zeros([paths]);
      const dt = 0.5 / steps;
      for (let i = 0; i < steps; i++) {
        const g = 25 ** ((i + 0.5) * dt);
        x = x.add(random.normal([paths]).mul(g * Math.sqrt(dt)));
      }
      return Math.sqrt(x.square().mean().dataSync()[0] ?? NaN);
    });
    // The relative standard error of a standard deviation is 1/√(2n) = 0.5 %.
    expect(Math.abs(simulated / sde.stdAt(0.5) - 1)).toBeLessThan(0.02);
  });

  it("draws its prior with the standard deviation of t = 1: eq. (8)", () => {
    const std = tf.tidy(() => {
      const x = sde.prior([100_000, 2], new Random(2));
      expect(x.shape).toEqual([100_000, 2]);
      return Math.sqrt(tf.moments(x).variance.dataSync()[0] ?? NaN);
    });
    expect(Math.abs(std / Math.sqrt((25 ** 2 - 1) / (2 * Math.log(25))) - 1)).toBeLessThan(0.01);
  });

  it.each([1, 0.5, 0, -3, NaN, Infinity])("refuses β = %s and says so", (beta) => {
    expect(() => exponentialSde({ beta })).toThrow(RangeError);
    expect(() => exponentialSde({ beta })).toThrow(/beta must be a finite number > 1/);
  });

  it.each([-0.1, 1.1, NaN])("refuses t = %s and says so", (time) => {
    const t = tf.tensor1d([0.5, time]);
    const x = tf.ones([2, 3]);
    for (const call of [() => sde.drift(x, t), () => sde.diffusion(t), () => sde.marginal(x, t)]) {
      expect(call).toThrow(/t must lie in \[0, 1\]/);
    }
  });

  it("refuses a t that is not [B], and an x without a batch", () => {
    const t2 = tf.ones([2, 1]) as unknown as tf.Tensor1D;
    expect(() => sde.diffusion(t2)).toThrow(/t must have shape \[B\]/);
    expect(() => sde.marginal(tf.ones([2]), tf.ones([2]))).toThrow(/x must have shape \[B, …D\]/);
    expect(() => sde.marginal(tf.ones([3, 2]), tf.ones([2]))).toThrow(/one row an example/);
  });
});

describe("exponentialSde's numbers at one time", () => {
  const wide = exponentialSde({ beta: 2000 });

  it("σ(t) has its closed form, from 0 to 1", () => {
    for (const each of [sde, wide]) {
      expect(each.stdAt(0)).toBe(0);
      for (const t of times) {
        const { beta } = each;
        const exact = Math.sqrt((beta ** (2 * t) - 1) / (2 * Math.log(beta)));
        // β²ᵗ − 1 loses digits to cancellation: 1e-16 of 2 t ln β = 1e-4.
        expect(Math.abs(each.stdAt(t) / exact - 1)).toBeLessThan(1e-11);
      }
    }
  });

  it("nothing shrinks the data, so that the noise level is σ(t)", () => {
    for (const t of [0, ...times]) {
      expect(sde.scaleAt(t)).toBe(1);
      expect(noiseLevelAt(sde, t)).toBe(sde.stdAt(t));
    }
  });

  it("noiseLevelAt is σ / α where the data shrink", () => {
    const shrinking = { ...sde, scaleAt: (t: number) => Math.exp(-t) };
    expect(noiseLevelAt(shrinking, 0.5)).toBeCloseTo(sde.stdAt(0.5) * Math.exp(0.5), 12);
  });

  it("timeAt is the inverse of the noise level", () => {
    for (const each of [sde, wide]) {
      expect(each.timeAt(0)).toBe(0);
      for (const t of times)
        expect(Math.abs(each.timeAt(each.stdAt(t)) / t - 1)).toBeLessThan(1e-13);
      for (const level of [1e-4, 0.01, 1, 9]) {
        expect(Math.abs(each.stdAt(each.timeAt(level)) / level - 1)).toBeLessThan(1e-13);
      }
    }
  });

  it("timeAt lets a rounding error beyond the last level pass, as t = 1", () => {
    const top = sde.stdAt(1);
    expect(sde.timeAt(top * (1 + 1e-12))).toBe(1);
    expect(() => sde.timeAt(top * 1.001)).toThrow(RangeError);
  });

  it.each([-0.01, 9.9, NaN, Infinity])("timeAt refuses the level %s and says so", (level) => {
    expect(() => sde.timeAt(level)).toThrow(RangeError);
    expect(() => sde.timeAt(level)).toThrow(/noise level must lie in \[0, 9\.8.*got/);
  });

  it.each([-0.1, 1.1, NaN])("scaleAt and stdAt refuse t = %s", (t) => {
    expect(() => sde.scaleAt(t)).toThrow(/t must lie in \[0, 1\]/);
    expect(() => sde.stdAt(t)).toThrow(/t must lie in \[0, 1\]/);
  });
});

describe("priorLogDensity", () => {
  const logNormal = (x: number, std: number): number =>
    -(x ** 2) / (2 * std ** 2) - Math.log(std * Math.sqrt(2 * Math.PI));

  it.each([25, 2000])("is that of N(0, σ(1)² I), in nats, at β = %i", (beta) => {
    const prior = exponentialSde({ beta });
    const rows = [
      [0, 0, 0],
      [1, -20, 300],
    ];
    const values = tf.tidy(() => prior.priorLogDensity(tf.tensor2d(rows)).dataSync());
    rows.forEach((row, i) => {
      const exact = row.reduce((sum, x) => sum + logNormal(x, prior.stdAt(1)), 0);
      expect(Math.abs((values[i] as number) / exact - 1)).toBeLessThan(1e-6); // float32
    });
  });

  it("sums over all the numbers of an image, and owns up to one tensor", () => {
    const x = tf.ones([5, 4, 4, 1]);
    const before = tf.memory().numTensors;
    const value = sde.priorLogDensity(x);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(value.shape).toEqual([5]);
    for (const one of value.dataSync())
      expect(one / (16 * logNormal(1, sde.stdAt(1)))).toBeCloseTo(1, 6);
    tf.dispose([x, value]);
  });

  it("belongs to what the prior draws: its mean is minus the entropy", () => {
    const n = 20_000;
    const mean = tf.tidy(() => {
      const draws = sde.prior([n, 2], new Random(3));
      return sde.priorLogDensity(draws).mean().dataSync()[0] as number;
    });
    const entropy = 2 * Math.log(sde.stdAt(1) * Math.sqrt(2 * Math.PI * Math.E));
    // log p is minus half a χ² of 2 degrees: its standard deviation is 1.
    expect(Math.abs(mean + entropy)).toBeLessThan(4 / Math.sqrt(n));
  });
});

describe("perturb", () => {
  it("is mean + std z, example by example", () => {
    const [first, second] = tf.tidy(() => {
      const x0 = tf.tensor2d([
        [1, 2],
        [3, 4],
      ]);
      const z = tf.tensor2d([
        [1, -1],
        [0.5, 0],
      ]);
      return perturb(sde, x0, tf.tensor1d([0.2, 1]), z).arraySync() as number[][];
    });
    expect(first?.[0]).toBeCloseTo(1 + sde.stdAt(0.2), 5);
    expect(first?.[1]).toBeCloseTo(2 - sde.stdAt(0.2), 5);
    expect(second?.[0]).toBeCloseTo(3 + 0.5 * sde.stdAt(1), 4);
    expect(second?.[1]).toBeCloseTo(4, 5);
  });

  it("refuses noise of another shape", () => {
    const t = tf.tensor1d([0.5]);
    expect(() => perturb(sde, tf.ones([1, 4]), t, tf.ones([1, 3]))).toThrow(/shape of x0/);
  });
});

describe("reverseSde", () => {
  it("has the drift f − g² s and the forward diffusion: eq. (2), (10)", () => {
    const reverse = reverseSde(sde, (x) => x.neg());
    const [drift, g] = tf.tidy(() => {
      const t = tf.tensor1d([0.25, 0.5]);
      const x = tf.tensor2d([
        [1, 2],
        [3, 4],
      ]);
      return [reverse.drift(x, t).arraySync() as number[][], reverse.diffusion(t).arraySync()];
    });
    // s = −x, so −β²ᵗ s = β²ᵗ x.
    expect(drift[0]?.[1]).toBeCloseTo(2 * 25 ** 0.5, 4);
    expect(drift[1]?.[0]).toBeCloseTo(3 * 25, 3);
    expect(g[1]).toBeCloseTo(5, 5);
  });

  it("refuses t = 0, where there is no score", () => {
    const reverse = reverseSde(sde, (x) => x);
    expect(() => reverse.drift(tf.ones([1, 2]), tf.tensor1d([0]))).toThrow(/\(0, 1\]/);
  });
});
