import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { langevin, mala, Random, sample, tf, type MalaOptions } from "../../src";
import { mixture, pooledMoments, varianceError } from "./support-langevin";

const B = 8_000;
/** log N(x; 0, I) up to its constant, and its score. */
const gaussian = {
  logDensity: (x: tf.Tensor): tf.Tensor1D => tf.tidy(() => x.square().sum(1).div(-2)),
  score: (x: tf.Tensor): tf.Tensor => x.neg(),
};
const exactMixture = {
  logDensity: (x: tf.Tensor) => mixture.logDensity(x),
  score: (x: tf.Tensor) => mixture.score(x),
};

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

/** Runs chains to their end: the last state, which the caller owns, and the mean acceptance. */
async function run(options: MalaOptions): Promise<{ x: tf.Tensor; acceptance: number }> {
  let sum = 0;
  async function* watched(): ReturnType<typeof mala> {
    for await (const s of mala(options)) {
      sum += s.acceptance;
      yield s;
    }
  }
  const x = await sample(watched());
  return { x, acceptance: sum / options.numSteps };
}

describe("MALA keeps N(0, 1) exactly", () => {
  it.each([0.3, 1, 1.5, 2.5])("at ε = %s", async (stepSize) => {
    const start = new Random(1).normal([B, 2]);
    const { x, acceptance } = await run({ ...gaussian, start, stepSize, numSteps: 30, seed: 2 });
    start.dispose();
    const { mean, variance } = pooledMoments(x);
    expect(Math.abs(variance - 1)).toBeLessThan(varianceError(2 * B));
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(2 * B));
    expect(acceptance).toBeGreaterThan(0.05);
    expect(acceptance).toBeLessThan(0.99);
  });

  it("where unadjusted chains of the same step are off by 1 / (1 − ε/2)", async () => {
    const start = new Random(3).normal([B, 2]);
    const stepSize = 1;
    const x = await sample(
      langevin({ score: gaussian.score, start, stepSize, numSteps: 30, seed: 4 }),
    );
    start.dispose();
    expect(Math.abs(pooledMoments(x).variance / 2 - 1)).toBeLessThan(varianceError(2 * B));
  });

  it("from far away, too", async () => {
    const start = tf.fill([B, 2], 3);
    const { x } = await run({ ...gaussian, start, stepSize: 0.6, numSteps: 50, seed: 5 });
    start.dispose();
    const { mean, variance } = pooledMoments(x);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(2 * B));
    expect(Math.abs(variance - 1)).toBeLessThan(varianceError(2 * B));
  });
});

describe("MALA on a mixture", () => {
  it("keeps mean, covariance and mode weights at a step where unadjusted chains do not", async () => {
    const start = mixture.sample(B, new Random(6));
    const stepSize = 0.4;
    const { x, acceptance } = await run({
      ...exactMixture,
      start,
      stepSize,
      numSteps: 30,
      seed: 7,
    });
    const unadjusted = await sample(
      langevin({ score: exactMixture.score, start, stepSize, numSteps: 30, seed: 7 }),
    );
    expect(acceptance).toBeGreaterThan(0.3);
    expect(acceptance).toBeLessThan(0.95);

    const exact = mixture.covariance();
    const of = (points: tf.Tensor): { mean: number[]; variance: number[]; heavy: number } =>
      tf.tidy(() => {
        const { mean, variance } = tf.moments(points, 0);
        const heavy = mixture.responsibilities(points).mean(0);
        return {
          mean: Array.from(mean.dataSync()),
          variance: Array.from(variance.dataSync()),
          heavy: heavy.dataSync()[1] ?? NaN,
        };
      });
    const kept = of(x);
    const biased = of(unadjusted);
    tf.dispose([start, x, unadjusted]);
    for (const axis of [0, 1]) {
      const variance = exact[axis]?.[axis] as number;
      const error = Math.sqrt(variance / B);
      expect(Math.abs((kept.mean[axis] as number) - (mixture.mean()[axis] as number))).toBeLessThan(
        4 * error,
      );
      expect(Math.abs((kept.variance[axis] as number) / variance - 1)).toBeLessThan(
        varianceError(B),
      );
      expect(biased.variance[axis] as number).toBeGreaterThan((1 + varianceError(B)) * variance);
    }
    // Mean responsibilities are the weights; √(w (1 − w) / B) bounds the standard error.
    expect(Math.abs(kept.heavy - 0.7)).toBeLessThan(4 * Math.sqrt(0.21 / B));
  });

  it("is right with a score that is wrong: only the pace depends on it", async () => {
    const start = mixture.sample(B, new Random(8));
    const score = (x: tf.Tensor): tf.Tensor => tf.tidy(() => mixture.score(x).mul(0.3).add(0.5));
    const { x } = await run({ ...exactMixture, score, start, stepSize: 0.2, numSteps: 30 });
    const heavy = tf.tidy(() => mixture.responsibilities(x).mean(0).dataSync()[1] ?? NaN);
    tf.dispose([start, x]);
    expect(Math.abs(heavy - 0.7)).toBeLessThan(4 * Math.sqrt(0.21 / B));
  });

  it("needs the density only up to a constant: no Z", async () => {
    const start = mixture.sample(200, new Random(9));
    const options = { ...exactMixture, start, stepSize: 0.2, numSteps: 10, seed: 10 };
    const { x } = await run(options);
    const { x: shifted } = await run({
      ...options,
      logDensity: (at) => tf.tidy(() => mixture.logDensity(at).add(3)),
    });
    const off = tf.tidy(() => x.sub(shifted).abs().max().dataSync()[0]);
    tf.dispose([start, x, shifted]);
    // Adding 3 changes the last bits; a proposal within them of the threshold would show.
    expect(off).toBeLessThan(1e-4);
  });
});

describe("acceptance", () => {
  it("tends to 1 for small steps and to 0 for large ones", async () => {
    const start = new Random(11).normal([2000, 2]);
    const at = async (stepSize: number): Promise<number> => {
      const { x, acceptance } = await run({ ...gaussian, start, stepSize, numSteps: 5 });
      x.dispose();
      return acceptance;
    };
    expect(await at(0.001)).toBeGreaterThan(0.995);
    expect(await at(50)).toBeLessThan(0.01);
    start.dispose();
  });

  it("refuses a proposal whose density is no number, and the chain stays", async () => {
    const start = tf.zeros([5, 2]);
    const logDensity = (x: tf.Tensor): tf.Tensor1D =>
      tf.tidy(() => x.square().sum<tf.Tensor1D>(1).neg().log()); // NaN but at 0
    const { x, acceptance } = await run({
      score: gaussian.score,
      logDensity,
      start,
      stepSize: 0.1,
      numSteps: 3,
    });
    expect(acceptance).toBe(0);
    expect(Array.from(x.dataSync()).every((value) => value === 0)).toBe(true);
    tf.dispose([start, x]);
  });
});

describe("as a generator", () => {
  it("counts score evaluations: one at the start and one a step", async () => {
    let calls = 0;
    const score = (x: tf.Tensor): tf.Tensor => {
      calls++;
      return x.neg();
    };
    const start = tf.zeros([3, 2]);
    for await (const s of mala({ ...gaussian, score, start, stepSize: 0.1, numSteps: 4 })) {
      expect(s.nfe).toBe(calls);
      expect(s.nfe).toBe(s.step + 1);
    }
    expect(start.isDisposed).toBe(false);
    start.dispose();
  });

  it("takes images: the densities sum over all data dimensions", async () => {
    const start = new Random(12).normal([2000, 2, 2, 1]);
    const logDensity = (x: tf.Tensor): tf.Tensor1D =>
      tf.tidy(() => x.square().sum<tf.Tensor1D>([1, 2, 3]).div(-2));
    const { x } = await run({ ...gaussian, logDensity, start, stepSize: 0.8, numSteps: 30 });
    start.dispose();
    expect(x.shape).toEqual([2000, 2, 2, 1]);
    expect(Math.abs(pooledMoments(x).variance - 1)).toBeLessThan(varianceError(8000));
  });

  it("holds three tensors, however long it runs, and none after a break or an abort", async () => {
    const start = tf.zeros([4, 2]);
    const options = { ...gaussian, start, stepSize: 0.1, numSteps: 1000 };
    const before = tf.memory().numTensors;
    for await (const s of mala(options)) {
      expect(tf.memory().numTensors).toBe(before + 3);
      if (s.step === 100) break;
    }
    const controller = new AbortController();
    let last = 0;
    for await (const s of mala({ ...options, signal: controller.signal })) {
      last = s.step;
      if (s.step === 3) controller.abort();
    }
    expect(last).toBe(3);
    start.dispose();
  });

  it.each([{ stepSize: 0 }, { stepSize: NaN }, { numSteps: 0 }, { numSteps: 1.5 }])(
    "refuses %o",
    async (bad) => {
      const start = tf.zeros([4, 2]);
      const steps = mala({ ...gaussian, start, stepSize: 0.1, numSteps: 2, ...bad });
      const refusal = await steps.next().catch((error: unknown) => error);
      start.dispose();
      expect(refusal).toBeInstanceOf(RangeError);
    },
  );
});
