import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ancestralEuler,
  eulerMaruyama,
  predictorCorrector,
  sample,
  sdeDpmSolver2m,
  stochasticHeun,
  tf,
  timeGrid,
} from "../../src";
import { gaussianScore, measure, mixture, mixtureScore, moments, sde } from "./support";

const N = 10_000;

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe.each([
  // The predictor of EM takes the variance within a mode a little too small; each Langevin step takes
  // it a little too large, by a factor of 1 + (4/π) snr² at most (4/π: mean norm against root mean
  // square norm of 2 Gaussian numbers).
  { name: "eulerMaruyama", run: eulerMaruyama, numSteps: 500, withinBias: 0.03 },
  {
    name: "predictorCorrector",
    run: predictorCorrector,
    numSteps: 500,
    withinBias: (4 / Math.PI) * 0.16 ** 2,
  },
  // Of first order: for one Gaussian of that width the variance is 1.7 % too small with 400 steps (it can be
  // computed, as noise-levels.test.ts does), and the last step, to the mean, takes 1.1 % away.
  { name: "ancestralEuler", run: ancestralEuler, numSteps: 400, withinBias: 0.03 },
  // Of second order: 0.4 % and 0.7 % too large, computed in the same way.
  { name: "sdeDpmSolver2m", run: sdeDpmSolver2m, numSteps: 80, withinBias: 0.015 },
  { name: "stochasticHeun", run: stochasticHeun, numSteps: 80, withinBias: 0.015 },
])("$name, 10,000 samples with the exact score of a 2-D mixture", (sampler) => {
  const { run, numSteps, withinBias } = sampler;
  it("match its mean, covariance and mode weights", async () => {
    const x = await sample(run({ sde, score: mixtureScore, shape: [N, 2], numSteps, seed: 11 }));
    const measured = measure(x);
    x.dispose();

    const mean = mixture.mean();
    const covariance = mixture.covariance();
    const p1 = 1 / (1 + sde.stdAt(1) ** 2 / 2); // how much of x(1) is still seen in x(0)
    for (const i of [0, 1]) {
      const variance = covariance[i]?.[i] as number;
      // 4 standard errors, and what starting at mean 0 instead of the mixture's leaves behind.
      const tolerance = 4 * Math.sqrt(variance / N) + p1 * Math.abs(mean[i] as number);
      expect(Math.abs((measured.mean[i] as number) - (mean[i] as number))).toBeLessThan(tolerance);
      for (const j of [0, 1]) {
        const expected = covariance[i]?.[j] as number;
        const other = covariance[j]?.[j] as number;
        // The standard error of a covariance, Gaussian formula: an upper bound for distributions with
        // lighter tails, as this one. Plus 2 % of the standard deviations for time steps.
        const error = Math.sqrt((variance * other + expected ** 2) / N);
        const bias = 0.02 * Math.sqrt(variance * other);
        const off = Math.abs((measured.covariance[i]?.[j] as number) - expected);
        expect(off, `covariance ${i}${j}`).toBeLessThan(4 * error + bias);
      }
    }
    mixture.weights.forEach((weight, k) => {
      const error = Math.sqrt((weight * (1 - weight)) / N);
      expect(Math.abs((measured.weights[k] as number) - weight)).toBeLessThan(4 * error + 0.005);
    });
    // The variance of 2 N numbers has relative standard error √(2 / 2N) = 1 %.
    expect(Math.abs(measured.varianceWithin / 0.09 - 1)).toBeLessThan(4 * 0.01 + withinBias);
  });
});

describe("one Gaussian, where a sampler's output is Gaussian with a variance that can be computed", () => {
  const numSteps = 40; // few, so that the error of the steps is far larger than that of sampling
  const eps = 1e-3;
  const variance = 0.09;
  const options = { sde, score: gaussianScore(variance), shape: [N, 2], numSteps, eps, seed: 5 };
  const relativeError = Math.sqrt(2 / (2 * N)); // of a variance, from 2 N independent numbers
  const times = timeGrid(numSteps, eps);
  const dt = (1 - eps) / numSteps;

  it("eulerMaruyama has exactly the variance of eq. (11), its last step without noise", async () => {
    const x = await sample(eulerMaruyama(options));
    const measured = moments(x);
    x.dispose();

    let expected = sde.stdAt(1) ** 2;
    for (let i = 0; i < numSteps; i++) expected = predicted(expected, i);
    expect(expected / variance).toBeLessThan(0.9); // so that the test means something
    expect(Math.abs(measured.variance / expected - 1)).toBeLessThan(4 * relativeError);
    expect(Math.abs(measured.mean)).toBeLessThan(4 * Math.sqrt(expected / (2 * N)));
  });

  it.each([{ correctorSteps: 1 }, { correctorSteps: 3 }])(
    "predictorCorrector has that of eq. (12) then (11), $correctorSteps correctors",
    async ({ correctorSteps }) => {
      const snr = 0.3;
      const x = await sample(predictorCorrector({ ...options, snr, correctorSteps }));
      const measured = moments(x);
      x.dispose();

      let expected = sde.stdAt(1) ** 2;
      for (let i = 0; i < numSteps; i++) {
        for (let k = 0; k < correctorSteps; k++) expected = corrected(expected, i, snr);
        expected = predicted(expected, i);
      }
      // The step size follows the batch's mean ‖s‖, which strays by 0.5 %: far below 4 × 1 %.
      expect(Math.abs(measured.variance / expected - 1)).toBeLessThan(4 * relativeError);
    },
  );

  /** The variance after x + g² s Δt + g √Δt z with s = −x / (variance + σ²). */
  function predicted(before: number, i: number): number {
    const t = times[i] as number;
    const g2dt = 25 ** (2 * t) * dt;
    const shrunk = (1 - g2dt / (variance + sde.stdAt(t) ** 2)) ** 2 * before;
    return i === numSteps - 1 ? shrunk : shrunk + g2dt;
  }

  /** The variance after x + ε s + √(2ε) z with ε = 2 (snr √2 / E‖s‖)²; E‖s‖ of 2 numbers: √(π/2). */
  function corrected(before: number, i: number, snr: number): number {
    const marginal = variance + sde.stdAt(times[i] as number) ** 2;
    const scoreNorm = (Math.sqrt(before) / marginal) * Math.sqrt(Math.PI / 2);
    const stepSize = 2 * ((snr * Math.SQRT2) / scoreNorm) ** 2;
    return (1 - stepSize / marginal) ** 2 * before + 2 * stepSize;
  }
});

describe("the error of the time steps", () => {
  it("shrinks as numSteps grows", async () => {
    const errors: number[] = [];
    for (const numSteps of [25, 100, 400]) {
      const options = { sde, score: gaussianScore(0.09), shape: [N, 2], numSteps, seed: 2 };
      const x = await sample(eulerMaruyama(options));
      errors.push(Math.abs(moments(x).variance / 0.09 - 1));
      x.dispose();
    }
    const [coarse, middle, fine] = errors as [number, number, number];
    expect(coarse).toBeGreaterThan(3 * middle);
    // Four times the 1 % that 20,000 numbers leave uncertain is as fine as this can see.
    expect(fine).toBeLessThan(0.04);
    expect(middle).toBeGreaterThan(fine);
  });
});
