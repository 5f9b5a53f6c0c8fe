/** What holds for every sampler: options, order of times, seeds, interruption, memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ancestralEuler,
  annealedLangevin,
  beginInterruptScope,
  ddim,
  dpmSolver2m,
  eulerMaruyama,
  heun,
  predictorCorrector,
  raiseInterrupt,
  sample,
  ScoreNet,
  sdeDpmSolver2m,
  stochasticHeun,
  tf,
  timeGrid,
  type PredictorCorrectorOptions,
  type SamplerStep,
  type Score,
} from "../../src";
import { drain, mixtureScore, recordingScore, sde } from "./support";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const small = { sde, score: mixtureScore, shape: [4, 2], numSteps: 10 };

describe("timeGrid", () => {
  it("has numSteps + 1 evenly spaced times from 1 down to eps", () => {
    const times = timeGrid(4, 0.2);
    expect(times).toHaveLength(5);
    [1, 0.8, 0.6, 0.4, 0.2].forEach((t, i) => expect(times[i]).toBeCloseTo(t, 12));
    expect(timeGrid(1, 1e-3)).toHaveLength(2);
  });
});

/** `holds`: tensors while it runs. */
const ON_TIMES = [
  { name: "eulerMaruyama", run: eulerMaruyama, perStep: 1, holds: 1 },
  { name: "predictorCorrector", run: predictorCorrector, perStep: 2, holds: 1 },
];
/** Beside its steps it looks once more at the end. */
const LANGEVIN = { name: "annealedLangevin", run: annealedLangevin, holds: 1 };
/** They hold the state, the same in x(t)'s units, and what the last step saw. */
const ON_NOISE_LEVELS = [
  { name: "ddim", run: ddim, holds: 3 },
  { name: "heun", run: heun, holds: 3 },
  { name: "dpmSolver2m", run: dpmSolver2m, holds: 3 },
  { name: "ancestralEuler", run: ancestralEuler, holds: 3 },
  { name: "sdeDpmSolver2m", run: sdeDpmSolver2m, holds: 3 },
  { name: "stochasticHeun", run: stochasticHeun, holds: 3 },
];

describe.each([...ON_TIMES, LANGEVIN, ...ON_NOISE_LEVELS])("$name", ({ run, holds }) => {
  it.each<[string, Partial<PredictorCorrectorOptions>, RegExp]>([
    ["numSteps 0", { numSteps: 0 }, /numSteps must be a whole number ≥ 1; got 0/],
    ["numSteps 2.5", { numSteps: 2.5 }, /numSteps .* got 2\.5/],
    ["numSteps NaN", { numSteps: NaN }, /numSteps .* got NaN/],
    ["numSteps ∞", { numSteps: Infinity }, /numSteps .* got Infinity/],
    ["eps 0", { eps: 0 }, /eps must lie in \(0, 1\).* got 0/],
    ["eps 1", { eps: 1 }, /eps must lie in \(0, 1\).* got 1/],
    ["eps −0.1", { eps: -0.1 }, /eps .* got -0\.1/],
    ["eps NaN", { eps: NaN }, /eps .* got NaN/],
    ["a shape without data", { shape: [8] }, /shape must be \[B, …D\].* got \[8\]/],
    ["an empty shape", { shape: [] }, /shape must be .* got \[\]/],
    ["a batch of 0", { shape: [0, 2] }, /shape must be .* got \[0, 2\]/],
    ["a shape with a fraction", { shape: [2, 1.5] }, /shape must be .* got \[2, 1\.5\]/],
    ["a seed that is no integer", { seed: 0.5 }, /seed must be a whole number/],
  ])("refuses %s and says what would do", async (_, options, message) => {
    const steps = run({ ...small, ...options });
    const failure: unknown = await steps.next().catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(RangeError);
    expect((failure as RangeError).message).toMatch(message);
  });

  it("gives the same states for the same seed and others for another", async () => {
    const statesOf = async (seed: number): Promise<number[][]> => {
      const states: number[][] = [];
      for await (const { x } of run({ ...small, seed })) states.push(Array.from(x.dataSync()));
      return states;
    };
    const first = await statesOf(3);
    expect(await statesOf(3)).toEqual(first);
    expect(await statesOf(4)).not.toEqual(first);
  });

  it("keeps the shape of images", async () => {
    const score: Score = (x) => tf.tidy(() => x.neg());
    const x = await sample(run({ sde, score, shape: [2, 5, 4, 3], numSteps: 3 }));
    expect(x.shape).toEqual([2, 5, 4, 3]);
    x.dispose();
  });

  it("frees everything on break", async () => {
    let steps = 0;
    for await (const s of run(small)) {
      steps = s.step;
      if (s.step === 3) break;
    }
    expect(steps).toBe(3);
  });

  it("frees everything when the score throws, and passes the error on", async () => {
    let calls = 0;
    const score: Score = (x, t) => {
      if (++calls > 3) throw new Error("the network is gone");
      return mixtureScore(x, t);
    };
    await expect(drain(run({ ...small, score }))).rejects.toThrow("the network is gone");
  });

  it("ends after the current step once its signal is aborted", async () => {
    const controller = new AbortController();
    let last = 0;
    for await (const s of run({ ...small, signal: controller.signal })) {
      last = s.step;
      expect(Number.isFinite(s.x.dataSync()[0])).toBe(true);
      if (s.step === 4) controller.abort();
    }
    expect(last).toBe(4);
  });

  it("takes no step under a signal that is aborted already", async () => {
    const { score, times } = recordingScore();
    await drain(run({ ...small, score, signal: AbortSignal.abort() }));
    expect(times).toEqual([]);
  });

  it("ends on an interrupt that arrives while it runs, and runs again in the next cell", async () => {
    beginInterruptScope();
    setTimeout(() => raiseInterrupt(), 20);
    let last = 0;
    for await (const s of run({ ...small, numSteps: 1_000_000 })) last = s.step;
    expect(last).toBeGreaterThan(0);
    expect(last).toBeLessThan(1_000_000);

    beginInterruptScope();
    const x = await sample(run(small));
    expect(x.shape).toEqual([4, 2]);
    x.dispose();
  });

  it("has not one tensor more after 1,000 steps than after the first", async () => {
    const counts = new Set<number>();
    for await (const s of run({ ...small, numSteps: 1000 })) {
      if (s.step < s.numSteps) counts.add(tf.memory().numTensors);
    }
    expect([...counts]).toEqual([tensorsBefore + holds]);
  });
});

describe.each(ON_TIMES)("$name", ({ run, perStep }) => {
  it("asks for the score at the start of each step, from t = 1 on, and ends at eps", async () => {
    const { score, times } = recordingScore();
    const reached: number[] = [];
    for await (const { t } of run({ sde, score, shape: [3, 2], numSteps: 5, eps: 0.05 })) {
      reached.push(t);
    }
    const grid = timeGrid(5, 0.05);
    const asked = grid.slice(0, -1).flatMap((t) => new Array<number>(perStep).fill(t));
    expect(times).toHaveLength(asked.length);
    asked.forEach((t, i) => expect(times[i]).toBeCloseTo(t, 6));
    expect(reached).toEqual(grid.slice(1));
    expect(reached.at(-1)).toBeCloseTo(0.05, 12);
    expect(times.every((t) => t > 0 && t <= 1)).toBe(true);
  });

  it("counts steps and score evaluations", async () => {
    const { score, times } = recordingScore();
    const seen: [number, number, number][] = [];
    for await (const s of run({ sde, score, shape: [3, 2], numSteps: 4 })) {
      seen.push([s.step, s.numSteps, s.nfe]);
      expect(s.nfe).toBe(times.length);
    }
    expect(seen).toEqual([1, 2, 3, 4].map((step) => [step, 4, step * perStep]));
  });

  it("takes 500 steps to 1e-3 unless told otherwise", async () => {
    const { score } = recordingScore();
    let last: SamplerStep | undefined;
    for await (const s of run({ sde, score, shape: [1, 1] })) last = s;
    expect(last).toMatchObject({ step: 500, numSteps: 500 });
    expect(last?.t).toBeCloseTo(1e-3, 12);
  });
});

describe("the last step", () => {
  // With a score of 0 and no drift every move is noise, so that what the last step does shows.
  it("of eulerMaruyama returns the mean: with a score of 0, the state as it was", async () => {
    const { score } = recordingScore();
    const states: Float32Array[] = [];
    for await (const { x } of eulerMaruyama({ sde, score, shape: [50, 2], numSteps: 3 })) {
      states.push(x.dataSync<"float32">().slice());
    }
    expect(states[1]).not.toEqual(states[0]);
    expect(states[2]).toEqual(states[1]);
  });

  it("of eulerMaruyama, alone, is x₁ + g(1)² s(x₁, 1) Δt to the last digit that float32 has", async () => {
    const eps = 0.2;
    const score: Score = (x) => tf.tidy(() => x.mul(-0.001));
    const x = await sample(
      eulerMaruyama({ sde, score, shape: [50, 2], numSteps: 1, eps, seed: 9 }),
    );
    const start = await firstState(9, [50, 2]);
    const factor = 1 - 25 ** 2 * 0.001 * (1 - eps);
    x.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo((start[i] as number) * factor, 5);
    });
    x.dispose();
  });

  it("of predictorCorrector leaves out the predictor's noise, not the corrector's", async () => {
    // A score of constant length 1: ε = 2 (snr √2)², the same at every time.
    const score: Score = (x) => tf.tidy(() => tf.onesLike(x).div(Math.SQRT2));
    const n = 20_000;
    const snr = 0.1;
    const options = { sde, score, shape: [n, 2], numSteps: 2, eps: 0.5, snr, seed: 1 };
    const states: Float32Array[] = [];
    for await (const { x } of predictorCorrector(options)) {
      states.push(x.dataSync<"float32">().slice());
    }
    const [before, after] = states as [Float32Array, Float32Array];
    const stepSize = 2 * 2 * snr ** 2;
    const drift = (stepSize + 25 ** (2 * 0.75) * 0.25) / Math.SQRT2;
    let sum = 0;
    let squares = 0;
    after.forEach((value, i) => {
      const noise = value - (before[i] as number) - drift;
      sum += noise;
      squares += noise ** 2;
    });
    const variance = squares / (2 * n);
    expect(Math.abs(sum / (2 * n))).toBeLessThan(4 * Math.sqrt(variance / (2 * n)));
    expect(Math.abs(variance / (2 * stepSize) - 1)).toBeLessThan(4 * Math.sqrt(2 / (2 * n)));
  });

  /** The state a sampler of this seed starts from: the prior draws first. */
  async function firstState(seed: number, shape: number[]): Promise<ArrayLike<number>> {
    const score: Score = (x) => tf.zerosLike(x);
    const x = await sample(eulerMaruyama({ sde, score, shape, numSteps: 1, seed }));
    const values = x.dataSync().slice();
    x.dispose();
    return values;
  }
});

describe("predictorCorrector", () => {
  it.each<[string, Partial<PredictorCorrectorOptions>, RegExp]>([
    ["snr 0", { snr: 0 }, /snr must be a number > 0; got 0/],
    ["snr −1", { snr: -1 }, /snr .* got -1/],
    ["snr NaN", { snr: NaN }, /snr .* got NaN/],
    ["snr ∞", { snr: Infinity }, /snr .* got Infinity/],
    ["correctorSteps 0", { correctorSteps: 0 }, /correctorSteps must be a whole number ≥ 1; got 0/],
    ["correctorSteps 1.5", { correctorSteps: 1.5 }, /correctorSteps .* got 1\.5/],
  ])("refuses %s", async (_, options, message) => {
    const failure: unknown = await predictorCorrector({ ...small, ...options })
      .next()
      .catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(RangeError);
    expect((failure as RangeError).message).toMatch(message);
  });

  it("evaluates the score correctorSteps + 1 times a step", async () => {
    const { score, times } = recordingScore();
    const nfe: number[] = [];
    const options = { sde, score, shape: [3, 2], numSteps: 2, correctorSteps: 3 };
    for await (const s of predictorCorrector(options)) nfe.push(s.nfe);
    expect(nfe).toEqual([4, 8]);
    expect(times).toHaveLength(8);
  });
});

describe("sample", () => {
  it("returns the last state, which the caller owns", async () => {
    let last: number[] = [];
    for await (const { x } of eulerMaruyama(small)) last = Array.from(x.dataSync());
    const x = await sample(eulerMaruyama(small));
    expect(Array.from(x.dataSync())).toEqual(last);
    x.dispose();
  });

  it("throws when the sampler was interrupted: half-removed noise is no sample", async () => {
    const controller = new AbortController();
    const score: Score = (x, t) => {
      if ((t.dataSync()[0] as number) < 0.75) controller.abort();
      return mixtureScore(x, t);
    };
    const steps = eulerMaruyama({ ...small, score, signal: controller.signal });
    await expect(sample(steps)).rejects.toThrow(/interrupted at step 4 of 10.*no sample yet/);
  });

  it("throws when it was interrupted before the first step", async () => {
    const steps = eulerMaruyama({ ...small, signal: AbortSignal.abort() });
    await expect(sample(steps)).rejects.toThrow(/interrupted before its first step/);
  });
});

describe("a ScoreNet as the score", () => {
  it("leaves no tensor behind, step after step", async () => {
    const net = new ScoreNet({ sde });
    const loaded = tf.memory().numTensors;
    for (const { run, holds } of [...ON_TIMES, ...ON_NOISE_LEVELS]) {
      const counts = new Set<number>();
      for await (const s of run({ sde, score: net.score, shape: [2, 28, 28, 1], numSteps: 30 })) {
        if (s.step < s.numSteps) counts.add(tf.memory().numTensors);
      }
      expect([...counts]).toEqual([loaded + holds]);
    }
    expect(tf.memory().numTensors).toBe(loaded);
    net.dispose();
  });
});
