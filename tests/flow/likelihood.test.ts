import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  bitsPerDimension,
  exponentialSde,
  gaussianMixture,
  likelihood,
  perExample,
  Random,
  ScoreNet,
  subVpSde,
  tf,
  varianceExplodingSde,
  variancePreservingSde,
  type LikelihoodOptions,
  type LikelihoodStep,
  type Score,
} from "../../src";
import { gaussian, mixture } from "./support";

/** β so large that the prior is 500 times as wide as the data, and as good as p₁. */
const wide = exponentialSde({ beta: 2000 });
const article = exponentialSde();
const eps = 1e-3;

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

async function run(
  options: LikelihoodOptions,
): Promise<{ logDensity: number[]; steps: LikelihoodStep[] }> {
  const steps: LikelihoodStep[] = [];
  for await (const s of likelihood(options)) steps.push(s);
  return { logDensity: [...(steps.at(-1)?.logDensity ?? [])], steps };
}

function largestDifference(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] as number))));
}

/** Draws of the mixture, `[n, 2]`, and log p_eps at them, exactly. */
function points(n: number, std: number, seed = 1): { x: tf.Tensor2D; exact: number[] } {
  const x = mixture.sample(n, new Random(seed));
  const exact = tf.tidy(() => mixture.logDensity(x, std ** 2).dataSync());
  return { x, exact: Array.from(exact) };
}

describe("with the exact divergence", () => {
  it("is the log density of a mixture", async () => {
    const score = mixture.perturbedScore(wide);
    const { x, exact } = points(100, wide.stdAt(eps));
    const { logDensity } = await run({ sde: wide, score, x, eps, divergence: "exact" });
    x.dispose();
    // The prior N(0, σ² I) in place of p₁, σ = 513, whose variance is larger by the mixture's, 2.4 at most:
    // log densities differ by a few times 2.4 / σ² = 1e-5. The rest is the solver's: 150 steps of 1e-5.
    expect(largestDifference(logDensity, exact)).toBeLessThan(1e-3);
    expect(Math.max(...exact) - Math.min(...exact)).toBeGreaterThan(2); // not all the same
  });

  it("shows what eps is: the density is that of the data with noise σ(eps)", async () => {
    const score = mixture.perturbedScore(wide);
    const { x, exact } = points(50, wide.stdAt(0.02));
    const clean = tf.tidy(() => Array.from(mixture.logDensity(x).dataSync()));
    const options = { sde: wide, score, x, divergence: "exact" } as const;
    const { logDensity } = await run({ ...options, eps: 0.02 });
    x.dispose();
    expect(largestDifference(logDensity, exact)).toBeLessThan(1e-3);
    expect(largestDifference(logDensity, clean)).toBeGreaterThan(0.1);
  });

  it.each([
    { name: "25", sde: article },
    { name: "2000", sde: wide },
  ])("is that of a Gaussian under the prior, at β = $name", async ({ sde }) => {
    const variance = 0.25;
    const rows = [0, 0.3, -0.9, 1.4, 0.1, -0.2];
    const x = tf.tensor2d(rows, [2, 3]);
    const score = gaussian(variance, 3).perturbedScore(sde);
    const { logDensity } = await run({ sde, score, x, eps, divergence: "exact" });
    x.dispose();
    // The flow multiplies by a = √((v + σ(1)²) / (v + σ(eps)²)): log p = log N(a x; 0, σ(1)²) + 3 log a.
    const end = sde.stdAt(1) ** 2;
    const scale = Math.sqrt((variance + end) / (variance + sde.stdAt(eps) ** 2));
    const expected = [rows.slice(0, 3), rows.slice(3)].map((row) =>
      row.reduce((sum, value) => sum + logNormal(scale * value, end) + Math.log(scale), 0),
    );
    // Some 100 steps that may err by 1e-5 (1 + the integral, 10).
    expect(largestDifference(logDensity, expected)).toBeLessThan(1e-3);
    // With β = 25 that is not log p, as the prior is not p₁; with β = 2000 it is.
    const exact = [rows.slice(0, 3), rows.slice(3)].map((row) =>
      row.reduce((sum, value) => sum + logNormal(value, variance + sde.stdAt(eps) ** 2), 0),
    );
    const mismatch = largestDifference(expected, exact);
    if (sde === article) expect(mismatch).toBeGreaterThan(2e-3);
    else expect(mismatch).toBeLessThan(1e-4);
  });

  it("adds the drift's divergence, too", async () => {
    // dx = −c x dt + …: with a score of 0 the flow shrinks everything by e^(−c (1 − eps)).
    const c = 0.5;
    const sde = { ...wide, drift: (x: tf.Tensor) => x.mul(-c) };
    const x = tf.tensor2d([[1, -2, 3]]);
    const score: Score = (at) => at.mul(0);
    const { logDensity } = await run({ sde, score, x, eps, divergence: "exact" });
    x.dispose();
    const shrunk = Math.exp(-c * (1 - eps));
    const end = wide.stdAt(1) ** 2;
    const expected = [1, -2, 3].reduce((sum, v) => sum + logNormal(v * shrunk, end), 0);
    // 1e-5 (1 + 20) for each of a dozen steps.
    expect(largestDifference(logDensity, [expected + 3 * Math.log(shrunk)])).toBeLessThan(3e-3);
  });

  it.each([
    { name: "VE", sde: varianceExplodingSde({ sigmaMax: 500 }) },
    { name: "VP", sde: variancePreservingSde() },
    { name: "sub-VP", sde: subVpSde() },
  ])("is that of another SDE, $name, which may shrink the data", async ({ sde }) => {
    const score = mixture.perturbedScore(sde);
    const [scale, std] = [sde.scaleAt(eps), sde.stdAt(eps)];
    const start = gaussianMixture({
      means: mixture.means.map((mean) => mean.map((value) => scale * value)),
      stds: Math.hypot(0.3 * scale, std),
      weights: mixture.weights,
    });
    const x = start.sample(50, new Random(5));
    const exact = tf.tidy(() => Array.from(start.logDensity(x).dataSync()));
    const { logDensity } = await run({ sde, score, x, eps, divergence: "exact" });
    x.dispose();
    // The prior's variance is wrong by α(1)² times that of the data, 2.4 at most. For a point z standard
    // deviations out log p is off by half of that ratio times |z² − 1|, and the draws stay within 4. And the
    // solver's 1e-3.
    const ratio = (2.4 * sde.scaleAt(1) ** 2) / sde.stdAt(1) ** 2;
    expect(ratio).toBeLessThan(1e-3);
    expect(largestDifference(logDensity, exact)).toBeLessThan((ratio / 2) * 15 + 1e-3);
  });

  it("takes images as it takes points", async () => {
    const score = mixture.perturbedScore(wide);
    const { x } = points(5, 0);
    const options = { sde: wide, score, eps, divergence: "exact" } as const;
    const flat = await run({ ...options, x });
    const images = x.reshape([5, 1, 2, 1]);
    const shaped = await run({ ...options, x: images });
    tf.dispose([x, images]);
    expect(largestDifference(shaped.logDensity, flat.logDensity)).toBeLessThan(1e-4);
  });
});

describe("with Hutchinson's estimator", () => {
  it("is exact where the divergence is the same in every direction: a Gaussian", async () => {
    const score = gaussian(0.25, 4).perturbedScore(article);
    const x = new Random(2).normal([20, 4]);
    const options = { sde: article, score, x, eps };
    const exact = await run({ ...options, divergence: "exact" });
    const estimated = await run({ ...options, divergence: "hutchinson", seed: 3 });
    x.dispose();
    // Not the same operations, so not the same rounding and steps; else no difference at all.
    expect(largestDifference(estimated.logDensity, exact.logDensity)).toBeLessThan(1e-3);
  });

  it("is right on average on a mixture", async () => {
    const n = 20_000;
    const score = mixture.perturbedScore(wide);
    // Between the modes, where the Jacobian is no multiple of the identity, the estimate scatters.
    const x = tf.tidy(() => tf.tensor2d([[0.4, 0.3]]).tile([n, 1]));
    const exact = tf.tidy(
      () => mixture.logDensity(x, wide.stdAt(eps) ** 2).dataSync()[0] as number,
    );
    const { logDensity } = await run({ sde: wide, score, x, eps, seed: 4 });
    x.dispose();
    const mean = logDensity.reduce((sum, value) => sum + value, 0) / n;
    const squares = logDensity.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const error = Math.sqrt(squares / (n - 1) / n);
    expect(error).toBeGreaterThan(1e-3); // it does scatter, so that the average means something
    expect(Math.abs(mean - exact)).toBeLessThan(4 * error);
  });

  it("is the default, and the same for the same seed only", async () => {
    const score = mixture.perturbedScore(wide);
    const { x } = points(20, 0);
    const options = { sde: wide, score, x, eps };
    const first = await run(options);
    const same = await run({ ...options, divergence: "hutchinson", seed: 0 });
    const other = await run({ ...options, seed: 1 });
    x.dispose();
    expect(same.logDensity).toEqual(first.logDensity);
    expect(largestDifference(other.logDensity, first.logDensity)).toBeGreaterThan(1e-2);
  });
});

describe("as a generator", () => {
  const score = mixture.perturbedScore(article);

  it("has the result at its last step only, where t is 1", async () => {
    const { x } = points(3, 0);
    const { steps } = await run({ sde: article, score, x });
    expect(x.isDisposed).toBe(false);
    x.dispose();
    expect(steps.length).toBeGreaterThan(5);
    steps.forEach((s, i) => {
      const isLast = i === steps.length - 1;
      expect(s.step).toBe(i + 1);
      expect(s.t === 1).toBe(isLast);
      expect(s.step === s.numSteps).toBe(isLast);
      expect(s.logDensity?.length).toBe(isLast ? 3 : undefined);
    });
  });

  it("starts at eps = 1e-5 unless told otherwise", async () => {
    const { x } = points(10, 0);
    const byDefault = await run({ sde: article, score, x, divergence: "exact" });
    const told = await run({ sde: article, score, x, divergence: "exact", eps: 1e-5 });
    const other = await run({ sde: article, score, x, divergence: "exact", eps: 1e-2 });
    x.dispose();
    expect(byDefault.logDensity).toEqual(told.logDensity);
    expect(largestDifference(other.logDensity, told.logDensity)).toBeGreaterThan(1e-2);
  });

  it("holds the same few tensors, however long it runs, and none after a break", async () => {
    const { x } = points(3, 0);
    const options = { sde: article, score, x, rtol: 1e-7, atol: 1e-7 };
    const counts = new Set<number>();
    for await (const s of likelihood(options)) {
      counts.add(tf.memory().numTensors);
      if (s.step === 30) break;
    }
    expect(counts.size).toBe(1);
    expect(tf.memory().numTensors).toBe(tensorsBefore + 1);
    x.dispose();
  });

  it("ends without a result once its signal is aborted", async () => {
    const { x } = points(3, 0);
    const controller = new AbortController();
    const seen: LikelihoodStep[] = [];
    for await (const s of likelihood({ sde: article, score, x, signal: controller.signal })) {
      seen.push(s);
      if (s.step === 3) controller.abort();
    }
    x.dispose();
    expect(seen).toHaveLength(3);
    expect(seen.every(({ logDensity }) => logDensity === undefined)).toBe(true);
  });
});

describe("in many dimensions", () => {
  it("has the integral as exact as the tolerance says: it is one number beside 784", async () => {
    const dim = 784;
    // Narrow, as digits are: the integral then grows quickly at small times.
    const variance = 1e-4;
    const score: Score = (x, t) => x.div(tf.add(variance, perExample(varianceOf(t), x))).neg();
    const varianceOf = (t: tf.Tensor1D): tf.Tensor1D =>
      article.marginal(tf.ones([t.shape[0], 1]), t).std.square();
    const x = tf.tidy(() => new Random(6).normal([2, dim]).mul(Math.sqrt(variance)));
    const rtol = 1e-4;
    const { logDensity, steps } = await run({ sde: article, score, x, rtol, atol: rtol });
    const [first, end] = [variance + article.stdAt(1e-5) ** 2, article.stdAt(1) ** 2];
    const scale = Math.sqrt((variance + end) / first);
    const integral = dim * Math.log(scale);
    const expected = (x.arraySync() as number[][]).map(
      (row) => integral + row.reduce((sum, value) => sum + logNormal(scale * value, end), 0),
    );
    x.dispose();
    // The integral may err by rtol (1 + 5,400) a step; log p₁ of a state that errs by rtol (1 + |x|) in
    // independent numbers by far less. Judged among 784 others it would be off by up to 28 times as much.
    const allowed = steps.length * rtol * (1 + integral);
    expect(largestDifference(logDensity, expected)).toBeLessThan(allowed);
  });

  it("takes a network that has just been loaded, whose weights a graph may not bring up to date", async () => {
    const net = new ScoreNet({ sde: article });
    tf.tidy(() => net.setVector(net.getVector()));
    const held = tf.memory().numTensors;
    const x = tf.ones([1, 28, 28, 1]);
    const loose = { rtol: 0.1, atol: 0.1 };
    const { logDensity } = await run({ sde: article, score: net.score, x, eps: 0.1, ...loose });
    x.dispose();
    expect(Number.isFinite(logDensity[0])).toBe(true);
    expect(tf.memory().numTensors).toBe(held);
    net.dispose();
  });
});

describe("bad input", () => {
  it.each<[string, Partial<LikelihoodOptions>, RegExp]>([
    ["eps 0", { eps: 0 }, /eps must lie in \(0, 1\); got 0/],
    ["eps 1", { eps: 1 }, /eps .* got 1/],
    ["eps NaN", { eps: NaN }, /eps .* got NaN/],
    ["rtol 0", { rtol: 0 }, /rtol must be a number > 0; got 0/],
    ["atol −1", { atol: -1 }, /atol .* got -1/],
    ["a seed that is no integer", { seed: 0.5 }, /seed must be a whole number/],
  ])("%s is refused", async (_, options, message) => {
    const score = mixture.perturbedScore(article);
    const { x } = points(3, 0);
    const failure: unknown = await run({ sde: article, score, x, ...options }).catch(
      (e: unknown) => e,
    );
    x.dispose();
    expect(failure).toBeInstanceOf(RangeError);
    expect((failure as RangeError).message).toMatch(message);
  });

  it.each([[[3]], [[0, 2]]])("x of shape %j is refused", async (shape) => {
    const x = tf.zeros(shape);
    const failure: unknown = await run({ sde: article, score: (at) => at, x }).catch(
      (e: unknown) => e,
    );
    x.dispose();
    expect(failure).toBeInstanceOf(RangeError);
    expect((failure as RangeError).message).toMatch(/x must be \[B, …D\].* not empty/);
  });
});

describe("bitsPerDimension", () => {
  it("is 8 for a density of 1: 256 values, each as likely as the other", () => {
    expect(bitsPerDimension(0, 784)).toBe(8);
    expect(bitsPerDimension(0, 784, 2)).toBe(1);
  });

  it("is 0 where all probability is in one of the values", () => {
    // A density of 256 in each of 10 dimensions.
    expect(bitsPerDimension(10 * Math.log(256), 10)).toBeCloseTo(0, 12);
  });

  it("falls by one bit for each log 2 in each dimension", () => {
    expect(bitsPerDimension(-3, 5) - bitsPerDimension(-3 + 5 * Math.LN2, 5)).toBeCloseTo(1, 12);
  });
});

function logNormal(x: number, variance: number): number {
  return -(x ** 2) / (2 * variance) - 0.5 * Math.log(2 * Math.PI * variance);
}
