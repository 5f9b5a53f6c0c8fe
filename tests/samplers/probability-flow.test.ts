/** What the other samplers' tests cannot ask of one that chooses its own number of steps. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  beginInterruptScope,
  exponentialSde,
  gaussianMixture,
  probabilityFlow,
  raiseInterrupt,
  Random,
  sample,
  ScoreNet,
  subVpSde,
  tf,
  variancePreservingSde,
  type ProbabilityFlowOptions,
  type SamplerStep,
  type Score,
} from "../../src";
import { drain, gaussianScore, mixtureScore, sde } from "./support";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const eps = 1e-3;
const small = { sde, score: mixtureScore, shape: [4, 2] };

/**
 * The flow forgets nothing, not even where it was wrong to start: a prior about 0 in place of a p₁ about μ
 * shifts the samples by μ √v / σ(1), where a sampler with noise shifts them by μ v / σ(1)². So this mixture
 * has mean 0, and is narrow beside σ(1) = 9.8: the start's variance is too small by 0.5 % and nothing else.
 */
const centred = gaussianMixture({
  means: [
    [-0.9, -0.6],
    [0.9, -0.6],
    [0, 0.6],
  ],
  stds: 0.12,
  weights: [0.25, 0.25, 0.5],
});

describe("its samples", () => {
  it("match a mixture's mean, covariance, weights and widths, with the exact score", async () => {
    const n = 10_000;
    const score = centred.perturbedScore(sde);
    const x = await sample(probabilityFlow({ sde, score, shape: [n, 2], seed: 1 }));
    const { mean, second, weights, within } = tf.tidy(() => {
      const parts = centred.responsibilities(x);
      const centre = tf.matMul(parts.round(), tf.tensor2d(centred.means as number[][]));
      return {
        mean: x.mean(0).arraySync() as number[],
        second: tf
          .matMul(x as tf.Tensor2D, x as tf.Tensor2D, true)
          .div(n)
          .arraySync() as number[][],
        weights: parts.mean(0).arraySync() as number[],
        within: x.sub(centre).square().mean().dataSync()[0] as number,
      };
    });
    x.dispose();
    const covariance = centred.covariance();
    for (const i of [0, 1]) {
      const variance = covariance[i]?.[i] as number;
      expect(Math.abs(mean[i] as number)).toBeLessThan(4 * Math.sqrt(variance / n));
      for (const j of [0, 1]) {
        const other = covariance[j]?.[j] as number;
        const expected = covariance[i]?.[j] as number;
        // Gaussian formula, an upper bound for tails as light as these; 1 % for the start's variance
        // and the solver's 1e-3 a step.
        const error = 4 * Math.sqrt((variance * other + expected ** 2) / n);
        const bias = 0.01 * Math.sqrt(variance * other);
        expect(Math.abs((second[i]?.[j] as number) - expected)).toBeLessThan(error + bias);
      }
    }
    centred.weights.forEach((weight, k) => {
      const error = Math.sqrt((weight * (1 - weight)) / n);
      expect(Math.abs((weights[k] as number) - weight)).toBeLessThan(4 * error);
    });
    // The last step goes from variance v + σ(eps)² to v² / (v + σ(eps)²); 2 n numbers know it to 1 %.
    const v = 0.12 ** 2;
    const expected = v ** 2 / (v + sde.stdAt(eps) ** 2);
    expect(Math.abs(within / expected - 1)).toBeLessThan(4 * Math.sqrt(2 / (2 * n)) + 0.01);
  });

  it.each([1e-3, 1e-5])("of a Gaussian are its start, scaled, at tolerance %d", async (rtol) => {
    const variance = 0.09;
    const options = { sde, score: gaussianScore(variance), shape: [50, 2], seed: 7 };
    const start = tf.tidy(() => sde.prior([50, 2], new Random(7)).dataSync());
    const x = await sample(probabilityFlow({ ...options, rtol, atol: rtol }));
    const values = x.dataSync();
    x.dispose();
    const before = variance + sde.stdAt(eps) ** 2;
    const flowed = Math.sqrt(before / (variance + sde.stdAt(1) ** 2));
    // Then the denoised mean: x v / (v + σ(eps)²).
    const scale = (flowed * variance) / before;
    const off = Math.max(...values.map((v, i) => Math.abs(v - (start[i] as number) * scale)));
    // Some 20 or 50 steps of rtol (1 + |x|), which shrink as x does; 1 + 30 at the start, 1 + 1 at the end.
    expect(off).toBeLessThan(50 * rtol * 2);
  });

  it("need more evaluations for a smaller tolerance, 1e-3 unless told", async () => {
    const nfe = async (options: Partial<ProbabilityFlowOptions>): Promise<number> => {
      let last = 0;
      for await (const s of probabilityFlow({ ...small, ...options })) last = s.nfe;
      return last;
    };
    const byDefault = await nfe({});
    expect(await nfe({ rtol: 1e-3, atol: 1e-3 })).toBe(byDefault);
    expect(await nfe({ rtol: 1e-6, atol: 1e-6 })).toBeGreaterThan(1.5 * byDefault);
  });

  it("keep the shape of images", async () => {
    const score: Score = (x) => x.neg();
    const x = await sample(probabilityFlow({ sde, score, shape: [2, 5, 4, 3] }));
    expect(x.shape).toEqual([2, 5, 4, 3]);
    x.dispose();
  });

  it("are the same for the same seed and others for another", async () => {
    const valuesOf = async (seed: number): Promise<number[]> => {
      const x = await sample(probabilityFlow({ ...small, seed }));
      const values = Array.from(x.dataSync());
      x.dispose();
      return values;
    };
    const first = await valuesOf(3);
    expect(await valuesOf(3)).toEqual(first);
    expect(await valuesOf(4)).not.toEqual(first);
  });
});

describe("its steps", () => {
  it("go down to eps, and with the last to 0, which is the one where step is numSteps", async () => {
    const steps: Omit<SamplerStep, "x">[] = [];
    for await (const { step, numSteps, t, nfe } of probabilityFlow({ ...small, eps: 0.01 })) {
      steps.push({ step, numSteps, t, nfe });
    }
    expect(steps.length).toBeGreaterThan(5);
    expect(steps.slice(-2).map(({ t }) => t)).toEqual([0.01, 0]);
    steps.forEach(({ step, numSteps, t }, i) => {
      expect(step).toBe(i + 1);
      expect(step === numSteps).toBe(i === steps.length - 1);
      expect(t).toBeLessThan(steps[i - 1]?.t ?? 1);
    });
  });

  it("count the evaluations of the score, of which the last step takes one", async () => {
    let calls = 0;
    const times: number[] = [];
    const score: Score = (x, t) => {
      calls++;
      times.push(t.dataSync()[0] as number);
      return mixtureScore(x, t);
    };
    const nfe: number[] = [];
    for await (const s of probabilityFlow({ ...small, score })) {
      expect(s.nfe).toBe(calls);
      nfe.push(s.nfe);
    }
    const [before, last] = nfe.slice(-2) as [number, number];
    expect(last - before).toBe(1);
    // Within the interval, as float32 has it.
    for (const t of times) expect(t).toBeGreaterThanOrEqual(Math.fround(eps) * (1 - 1e-6));
    for (const t of times) expect(t).toBeLessThanOrEqual(1);
  });

  it("end with the denoised state, x + σ² s", async () => {
    const states: number[][] = [];
    for await (const { x } of probabilityFlow(small)) states.push(Array.from(x.dataSync()));
    const [before, last] = states.slice(-2) as [number[], number[]];
    const expected = tf.tidy(() => {
      const x = tf.tensor2d(before, [4, 2]);
      const score = mixtureScore(x, tf.fill([4], eps));
      return Array.from(x.add(score.mul(sde.stdAt(eps) ** 2)).dataSync());
    });
    last.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 5));
    expect(last).not.toEqual(before);
  });

  it.each([
    { name: "dx = βᵗ dw, β = 2000", other: exponentialSde({ beta: 2000 }) },
    { name: "VP", other: variancePreservingSde() },
    { name: "sub-VP", other: subVpSde() },
  ])("are taken by another SDE as well, and end in units of the data: $name", async ({ other }) => {
    const variance = 0.09;
    const score = gaussianMixture({ means: [[0, 0]], stds: 0.3 }).perturbedScore(other);
    const options = { sde: other, score, shape: [50, 2], seed: 8, rtol: 1e-5, atol: 1e-5 };
    const x = await sample(probabilityFlow(options));
    const values = x.dataSync();
    x.dispose();
    const start = tf.tidy(() => other.prior([50, 2], new Random(8)).dataSync());
    const spread = (t: number): number => Math.hypot(0.3 * other.scaleAt(t), other.stdAt(t));
    // By the flow in proportion to the spread of pₜ; then x̂₀ = α v x / (α² v + σ²).
    const [scale, before] = [other.scaleAt(eps), spread(eps) ** 2];
    const factor = (spread(eps) / spread(1)) * ((scale * variance) / before);
    const off = Math.max(...values.map((v, i) => Math.abs(v - (start[i] as number) * factor)));
    // 100 steps that may err by 1e-5 (1 + |x|), all together shrunk by no less than x is at the end.
    expect(off).toBeLessThan(100 * 1e-5 * 2);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.3);
  });
});

describe("ended early or badly", () => {
  it.each<[string, Partial<ProbabilityFlowOptions>, RegExp]>([
    ["eps 0", { eps: 0 }, /eps must lie in \(0, 1\).* got 0/],
    ["eps 1", { eps: 1 }, /eps must lie in \(0, 1\).* got 1/],
    ["a shape without data", { shape: [8] }, /shape must be \[B, …D\].* got \[8\]/],
    ["a seed that is no integer", { seed: 0.5 }, /seed must be a whole number/],
    ["rtol 0", { rtol: 0 }, /rtol must be a number > 0; got 0/],
    ["atol NaN", { atol: NaN }, /atol .* got NaN/],
  ])("refuses %s and says what would do", async (_, options, message) => {
    const steps = probabilityFlow({ ...small, ...options });
    const failure: unknown = await steps.next().catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(RangeError);
    expect((failure as RangeError).message).toMatch(message);
  });

  it("frees everything on break, also at the last step", async () => {
    for await (const s of probabilityFlow(small)) if (s.step === 3) break;
    expect(tf.memory().numTensors).toBe(tensorsBefore);
    for await (const s of probabilityFlow(small)) if (s.t === 0) break;
  });

  it("frees everything when the score throws, and passes the error on", async () => {
    let calls = 0;
    const score: Score = (x, t) => {
      if (++calls > 10) throw new Error("the network is gone");
      return mixtureScore(x, t);
    };
    await expect(drain(probabilityFlow({ ...small, score }))).rejects.toThrow("network is gone");
  });

  it("ends after the current step once its signal is aborted, without a sample", async () => {
    const controller = new AbortController();
    let last = 0;
    for await (const s of probabilityFlow({ ...small, signal: controller.signal })) {
      last = s.step;
      if (s.step === 4) controller.abort();
    }
    expect(last).toBe(4);
    const aborted = probabilityFlow({ ...small, signal: AbortSignal.abort() });
    await expect(sample(aborted)).rejects.toThrow(/interrupted before its first step/);
  });

  it("takes no last step once it was interrupted at eps: there is no sample then", async () => {
    const controller = new AbortController();
    async function* interruptedAtEps(): ReturnType<typeof probabilityFlow> {
      for await (const s of probabilityFlow({ ...small, signal: controller.signal })) {
        if (s.t === eps) controller.abort();
        yield s;
      }
    }
    await expect(sample(interruptedAtEps())).rejects.toThrow(/no sample yet/);
  });

  it("ends on the notebook's interrupt", async () => {
    beginInterruptScope();
    let last = 0;
    for await (const s of probabilityFlow({ ...small, rtol: 1e-7, atol: 1e-7 })) {
      last = s.t;
      if (s.step === 5) raiseInterrupt();
    }
    expect(last).toBeGreaterThan(eps);
    beginInterruptScope();
  });

  it("holds no more tensors from step to step", async () => {
    const counts = new Set<number>();
    for await (const s of probabilityFlow({ ...small, rtol: 1e-7, atol: 1e-7 })) {
      if (s.t > eps) counts.add(tf.memory().numTensors);
    }
    expect(counts.size).toBe(1);
  });
});

describe("a ScoreNet as the score", () => {
  it("leaves no tensor behind", async () => {
    const net = new ScoreNet({ sde });
    const loaded = tf.memory().numTensors;
    const options = { sde, score: net.score, shape: [2, 28, 28, 1], rtol: 0.05, atol: 0.05 };
    const x = await sample(probabilityFlow(options));
    expect(x.shape).toEqual([2, 28, 28, 1]);
    x.dispose();
    expect(tf.memory().numTensors).toBe(loaded);
    net.dispose();
  });
});
