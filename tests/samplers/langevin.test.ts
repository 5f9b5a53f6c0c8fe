import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { langevin, Random, sample, tf, type LangevinOptions } from "../../src";
import { mixture, pooledMoments, varianceError } from "./support-langevin";

const B = 10_000;
const standardScore = (x: tf.Tensor): tf.Tensor => x.neg();

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

/** Runs chains that start as draws of N(0, 1) and gives the moments of all numbers at the end. */
async function runOnGaussian(
  options: Partial<LangevinOptions>,
): Promise<{ mean: number; variance: number }> {
  const start = new Random(1).normal([B, 2]);
  const x = await sample(
    langevin({ score: standardScore, start, stepSize: 0.1, numSteps: 60, seed: 2, ...options }),
  );
  start.dispose();
  return pooledMoments(x);
}

describe("unadjusted Langevin dynamics on N(0, 1)", () => {
  // x' = (1 − ε) x + √(2ε) z keeps the variance 2ε / (1 − (1 − ε)²) = 1 / (1 − ε/2).
  it.each([0.02, 0.3, 1, 1.5])("has the variance 1 / (1 − ε/2) at ε = %s", async (stepSize) => {
    const numSteps = stepSize < 0.1 ? 200 : 60;
    const { mean, variance } = await runOnGaussian({ stepSize, numSteps });
    // It starts at variance 1 and forgets that by (1 − ε)² a step.
    const limit = 1 / (1 - stepSize / 2);
    const expected = limit + (1 - limit) * (1 - stepSize) ** (2 * numSteps);
    expect(Math.abs(variance / expected - 1)).toBeLessThan(varianceError(2 * B));
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(expected / (2 * B)));
  });

  it("forgets where it started", async () => {
    const start = tf.fill([B, 2], 30);
    const { mean } = await runOnGaussian({ start, stepSize: 0.3, numSteps: 60 });
    start.dispose();
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(1.18 / (2 * B)));
  });

  it("grows without bound for ε > 2", async () => {
    const { variance } = await runOnGaussian({ stepSize: 2.2 });
    expect(variance).toBeGreaterThan(1e6);
  });
});

describe("the sign of the score, eq. (16)", () => {
  /** Mean log density of the mixture at the end of chains that start as draws of it. */
  async function meanLogDensity(sign: 1 | -1): Promise<number> {
    const start = mixture.sample(1000, new Random(3));
    const score = (x: tf.Tensor): tf.Tensor => tf.tidy(() => mixture.score(x).mul(sign));
    const x = await sample(langevin({ score, start, stepSize: 0.01, numSteps: 100, seed: 4 }));
    const value = tf.tidy(() => mixture.logDensity(x).mean().dataSync()[0]);
    tf.dispose([start, x]);
    return value as number;
  }

  it("+ keeps a mixture's samples where its density is", async () => {
    const start = mixture.sample(1000, new Random(5));
    const exact = tf.tidy(() => mixture.logDensity(start).mean().dataSync()[0]) as number;
    start.dispose();
    expect(Math.abs((await meanLogDensity(1)) - exact)).toBeLessThan(0.3);
  });

  it("− leaves the modes", async () => {
    expect(await meanLogDensity(-1)).toBeLessThan(-50);
  });
});

describe("as a generator", () => {
  it("counts steps and score evaluations, and yields chains of the start's shape", async () => {
    let calls = 0;
    const score = (x: tf.Tensor): tf.Tensor => {
      calls++;
      return x.neg();
    };
    const start = tf.zeros([3, 2, 2, 1]);
    const seen: number[] = [];
    for await (const s of langevin({ score, start, stepSize: 0.1, numSteps: 4 })) {
      expect(s.x.shape).toEqual([3, 2, 2, 1]);
      expect(s.numSteps).toBe(4);
      expect(s.nfe).toBe(calls);
      seen.push(s.step);
    }
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(start.isDisposed).toBe(false);
    start.dispose();
  });

  it("is the same for the same seed and another for another", async () => {
    const run = async (seed: number): Promise<number[]> => {
      const start = tf.zeros([2, 2]);
      const options = { score: standardScore, start, stepSize: 0.1, numSteps: 5, seed };
      const x = await sample(langevin(options));
      start.dispose();
      const values = Array.from(x.dataSync());
      x.dispose();
      return values;
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it("holds one tensor, however long it runs, and none after a break", async () => {
    const start = tf.zeros([4, 2]);
    const options = { score: standardScore, start, stepSize: 0.1, numSteps: 1000 };
    const before = tf.memory().numTensors;
    for await (const s of langevin(options)) {
      expect(tf.memory().numTensors).toBe(before + 1);
      if (s.step === 100) break;
    }
    start.dispose();
  });

  it("ends after the current step when the signal is aborted", async () => {
    const start = tf.zeros([4, 2]);
    const controller = new AbortController();
    const options = { score: standardScore, start, stepSize: 0.1, numSteps: 1000 };
    let last = 0;
    for await (const s of langevin({ ...options, signal: controller.signal })) {
      last = s.step;
      if (s.step === 3) controller.abort();
    }
    expect(last).toBe(3);
    start.dispose();
  });
});

describe("bad options", () => {
  it.each([
    { stepSize: 0, says: /stepSize must be a number > 0; got 0/ },
    { stepSize: -0.1, says: /stepSize/ },
    { stepSize: NaN, says: /stepSize/ },
    { stepSize: Infinity, says: /stepSize/ },
    { numSteps: 0, says: /numSteps must be a whole number ≥ 1; got 0/ },
    { numSteps: 2.5, says: /numSteps/ },
    { shape: [3], says: /start must be \[B, …D\]/ },
    { shape: [0, 2], says: /start must be/ },
  ])("refuses %o", async ({ says, shape = [4, 2], ...options }) => {
    const start = tf.zeros(shape);
    const steps = langevin({ score: standardScore, start, stepSize: 0.1, numSteps: 2, ...options });
    const refusal = await steps.next().catch((error: unknown) => error);
    start.dispose();
    expect(refusal).toBeInstanceOf(RangeError);
    expect(String(refusal)).toMatch(says);
  });
});
