/** What holds for the samplers that go down a ladder of noise levels, beside what run.test.ts asks of all. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  ancestralEuler,
  ddim,
  denoiser,
  descend,
  dpmSolver2m,
  gaussianMixture,
  heun,
  karrasLevels,
  median,
  Random,
  sample,
  sdeDpmSolver2m,
  stochasticHeun,
  tf,
  type NoiseLevelOptions,
  type SamplerStep,
  type StochasticHeunOptions,
} from "../../src";
import {
  gaussianScore,
  measure,
  mixture,
  mixtureScore,
  moments,
  recordingScore,
  sde,
} from "./support";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const EPS = 1e-3;
const sigmaMax = sde.stdAt(1);
const sigmaMin = sde.stdAt(EPS);

const ONCE_A_STEP = [
  { name: "ddim", run: ddim },
  { name: "dpmSolver2m", run: dpmSolver2m },
  { name: "ancestralEuler", run: ancestralEuler },
  { name: "sdeDpmSolver2m", run: sdeDpmSolver2m },
];
const TWICE_A_STEP = [
  { name: "heun", run: heun },
  { name: "stochasticHeun", run: stochasticHeun },
];
const ALL = [...ONCE_A_STEP, ...TWICE_A_STEP];

/** Levels that `run` goes down with the default options. */
const levelsOf = (numSteps: number, rho = 7) => karrasLevels(numSteps, { sigmaMin, sigmaMax, rho });

describe("karrasLevels", () => {
  it.each([1, 2, 7, 20])(
    "goes from exactly sigmaMax to exactly sigmaMin, ever down, ρ = %s",
    (rho) => {
      const levels = levelsOf(13, rho);
      expect(levels).toHaveLength(13);
      expect(levels[0]).toBe(sigmaMax);
      expect(levels.at(-1)).toBe(sigmaMin);
      levels.slice(1).forEach((level, i) => expect(level).toBeLessThan(levels[i] as number));
    },
  );

  it("is evenly spaced for ρ = 1", () => {
    const levels = karrasLevels(5, { sigmaMin: 1, sigmaMax: 9, rho: 1 });
    [9, 7, 5, 3, 1].forEach((level, i) => expect(levels[i]).toBeCloseTo(level, 12));
  });

  it("has evenly spaced ρ-th roots: eq. 5 of Karras et al.", () => {
    const roots = karrasLevels(4, { sigmaMin: 1, sigmaMax: 2 ** 7 }).map(
      (level) => level ** (1 / 7),
    );
    [2, 5 / 3, 4 / 3, 1].forEach((root, i) => expect(roots[i]).toBeCloseTo(root, 12));
  });

  it("comes near levels of a constant ratio for a large ρ", () => {
    // (a + s (b − a)) ^ρ with a = A^(1/ρ) … → A^(1 − s) B^s; off by a relative log(A / B)² / 8ρ at most.
    const levels = karrasLevels(3, { sigmaMin: 0.01, sigmaMax: 100, rho: 1e6 });
    expect(Math.abs((levels[1] as number) - 1)).toBeLessThan(2e-5);
  });

  it("is sigmaMax alone for one step", () => {
    expect(karrasLevels(1, { sigmaMin, sigmaMax })).toEqual([sigmaMax]);
  });

  it.each<[string, number, { sigmaMin: number; sigmaMax: number; rho?: number }, RegExp]>([
    ["0 steps", 0, { sigmaMin: 1, sigmaMax: 2 }, /numSteps must be a whole number ≥ 1; got 0/],
    ["1.5 steps", 1.5, { sigmaMin: 1, sigmaMax: 2 }, /numSteps .* got 1\.5/],
    [
      "levels that do not fall",
      3,
      { sigmaMin: 2, sigmaMax: 1 },
      /sigmaMin < sigmaMax; got 1 and 2/,
    ],
    ["equal levels", 3, { sigmaMin: 2, sigmaMax: 2 }, /sigmaMin < sigmaMax; got 2 and 2/],
    ["a lowest level of 0", 3, { sigmaMin: 0, sigmaMax: 1 }, /0 < sigmaMin/],
    ["an infinite level", 3, { sigmaMin: 1, sigmaMax: Infinity }, /got Infinity/],
    ["a level that is no number", 3, { sigmaMin: NaN, sigmaMax: 1 }, /got 1 and NaN/],
    ["ρ = 0.5", 3, { sigmaMin: 1, sigmaMax: 2, rho: 0.5 }, /rho must be a number ≥ 1; got 0\.5/],
    ["ρ = ∞", 3, { sigmaMin: 1, sigmaMax: 2, rho: Infinity }, /rho .* got Infinity/],
  ])("refuses %s", (_, numSteps, options, message) => {
    expect(() => karrasLevels(numSteps, options)).toThrow(RangeError);
    expect(() => karrasLevels(numSteps, options)).toThrow(message);
  });
});

describe("denoiser", () => {
  it.each([0.05, 0.5, 5])("is the posterior mean of a Gaussian at σ = %s: Tweedie", (sigma) => {
    // x(0) ~ N(μ, v I), x = x(0) + σ z: E[x(0) | x] = μ + v / (v + σ²) (x − μ).
    const [mu, v] = [[1, -2] as const, 0.25];
    const score = gaussianMixture({ means: [[...mu]], stds: Math.sqrt(v) }).perturbedScore(sde);
    const points = [
      [0, 0],
      [3, 1],
      [-4, 7],
    ] as const;
    const denoised = tf.tidy(() =>
      denoiser(sde, score)(tf.tensor2d(points.map((p) => [...p])), sigma).arraySync(),
    ) as number[][];
    points.forEach((point, i) => {
      point.forEach((value, j) => {
        const expected = mu[j as 0 | 1] + (v / (v + sigma ** 2)) * (value - mu[j as 0 | 1]);
        expect(denoised[i]?.[j]).toBeCloseTo(expected, 4);
      });
    });
  });

  it("refuses a level beyond that of t = 1", () => {
    const x = tf.zeros([1, 2]);
    expect(() => denoiser(sde, mixtureScore)(x, 1.01 * sigmaMax)).toThrow(
      /noise level must lie in/,
    );
    x.dispose();
  });
});

describe("order of convergence, with the exact score of the mixture", () => {
  // Against heun with 1,000 steps from the same noise, whose own error is (80 / 1000)² of its error with 80.
  // The median over the points: a few lie so near a watershed of the flow that they end in another mode
  // until the steps are very small, and a mean would see little else.
  const shape = [300, 2];
  const options = { sde, score: mixtureScore, shape, seed: 1 };
  let exact: Float32Array;
  beforeAll(async () => {
    const x = await sample(heun({ ...options, numSteps: 1000 }));
    exact = x.dataSync<"float32">().slice();
    x.dispose();
  });

  it.each([
    { name: "ddim", run: ddim, order: 1 },
    { name: "heun", run: heun, order: 2 },
    { name: "dpmSolver2m", run: dpmSolver2m, order: 2 },
  ])("$name: order $order", async ({ run, order }) => {
    const errors: number[] = [];
    for (const numSteps of [20, 40, 80]) {
      const x = await sample(run({ ...options, numSteps }));
      const distances = tf.tidy(() =>
        x
          .sub(tf.tensor2d(exact, [300, 2]))
          .square()
          .sum(1)
          .sqrt(),
      );
      errors.push(median(distances.dataSync()));
      tf.dispose([x, distances]);
    }
    // An error c hᵖ (1 + d h) has the slope p + d h / 2 ln 2 from h to h / 2: the deviation halves each time.
    // It was measured (seeds 0, 1, 2) as 0.03 … 0.06, then 0.02 for order 1, and 0.17 … 0.25, then 0.07 … 0.11
    // for order 2, between samples of 300; the next order is 1 away.
    const [coarse, middle, fine] = errors as [number, number, number];
    expect(Math.abs(Math.log2(coarse / middle) - order)).toBeLessThan(0.35);
    expect(Math.abs(Math.log2(middle / fine) - order)).toBeLessThan(0.2);
  });
});

describe("the deterministic ones, started from p₁ itself", () => {
  // A flow forgets nothing of its start. N(0, σ(1)² I) has not the mean of p₁, and from there the mixture's mean
  // comes out wrong by a tenth and its weights by up to 0.02.
  const N = 10_000;
  const exactStart = {
    ...sde,
    prior: (shape: readonly number[], random: Random) =>
      tf.tidy(() =>
        mixture.sample(shape[0] ?? 0, random).add(random.normal([...shape]).mul(sigmaMax)),
      ),
  };

  it.each([
    { name: "heun", run: heun, numSteps: 40 },
    { name: "dpmSolver2m", run: dpmSolver2m, numSteps: 60 },
    { name: "ddim", run: ddim, numSteps: 400 },
  ])("$name gives the mixture's mean, weights and widths", async ({ run, numSteps }) => {
    const options = { sde: exactStart, score: mixtureScore, shape: [N, 2], numSteps, seed: 3 };
    const x = await sample(run(options));
    const measured = measure(x);
    x.dispose();
    // 4 standard errors each; for the weights 0.002 for the steps, for the width what the last step, which
    // gives D and not a draw, takes away: σ_min² / (v + σ_min²) = 1.1 %, and 1 % for steps.
    mixture.weights.forEach((weight, k) => {
      const error = Math.sqrt((weight * (1 - weight)) / N);
      expect(Math.abs((measured.weights[k] as number) - weight)).toBeLessThan(4 * error + 0.002);
    });
    mixture.mean().forEach((mean, i) => {
      const error = Math.sqrt((mixture.covariance()[i]?.[i] as number) / N);
      expect(Math.abs((measured.mean[i] as number) - mean)).toBeLessThan(4 * error);
    });
    expect(Math.abs(measured.varianceWithin / 0.09 - 1)).toBeLessThan(4 * 0.01 + 0.021);
  });
});

describe("one Gaussian, where a sampler's output is Gaussian with a variance that can be computed", () => {
  // D(x; σ) = c(σ) x with c = v / (v + σ²), so that each step is linear in x and in the noise.
  const N = 10_000;
  const v = 0.09;
  const numSteps = 10; // few, so that the error of the steps is far larger than that of sampling
  const levels = levelsOf(numSteps);
  const c = (sigma: number) => v / (v + sigma ** 2);
  const options = { sde, score: gaussianScore(v), shape: [N, 2], numSteps, seed: 5 };

  /** Variance after the last step, of which `step` gives that after one. */
  function folded(step: (before: number, sigma: number, next: number) => number): number {
    let variance = sigmaMax ** 2;
    levels.slice(1).forEach((next, i) => {
      variance = step(variance, levels[i] as number, next);
    });
    return c(sigmaMin) ** 2 * variance;
  }

  const ancestral = folded(
    (before, sigma, next) =>
      (c(sigma) + (next / sigma) ** 2 * (1 - c(sigma))) ** 2 * before +
      (next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2,
  );

  /** Of Algorithm 2 of Karras et al.: noise from σ to σ̂, then x + (σ′ − σ̂)(k + k′ (1 + (σ′ − σ̂) k)) / 2 x. */
  const churned = (gamma: number, from: number): number =>
    folded((before, sigma, next) => {
      const raised = sigma < from ? sigma : Math.min((1 + gamma) * sigma, sigmaMax);
      const k = (at: number): number => (1 - c(at)) / at; // the slope is k x
      const length = next - raised;
      const factor = 1 + (length / 2) * (k(raised) + k(next) * (1 + length * k(raised)));
      return factor ** 2 * (before + raised ** 2 - sigma ** 2);
    });

  /** Of two steps at a time: x′ = a x + b x_before + noise, so that the covariance of the two is carried along. */
  function secondOrderSde(): number {
    let [variance, covariance, varianceBefore] = [sigmaMax ** 2, 0, 0];
    levels.slice(1).forEach((next, i) => {
      const sigma = levels[i] as number;
      const before = levels[i - 1];
      const h = Math.log(sigma / next);
      const renewed = 1 - Math.exp(-2 * h);
      const share = before === undefined ? 0 : h / (2 * Math.log(before / sigma));
      const a = (next / sigma) * Math.exp(-h) + renewed * (1 + share) * c(sigma);
      const b = before === undefined ? 0 : -renewed * share * c(before);
      const moved =
        a ** 2 * variance + 2 * a * b * covariance + b ** 2 * varianceBefore + next ** 2 * renewed;
      [variance, covariance, varianceBefore] = [moved, a * variance + b * covariance, variance];
    });
    return c(sigmaMin) ** 2 * variance;
  }

  it.each([
    { name: "ancestralEuler", steps: () => ancestralEuler(options), expected: ancestral },
    { name: "sdeDpmSolver2m", steps: () => sdeDpmSolver2m(options), expected: secondOrderSde() },
    {
      name: "stochasticHeun, γ = 0.2",
      steps: () => stochasticHeun({ ...options, churn: 2 }),
      expected: churned(0.2, 0.05),
    },
    {
      name: "stochasticHeun, γ capped at √2 − 1, at every level",
      steps: () => stochasticHeun({ ...options, churn: 1000, churnFrom: 0 }),
      expected: churned(Math.SQRT2 - 1, 0),
    },
  ])("$name has it", async ({ steps, expected }) => {
    const x = await sample(steps());
    const measured = moments(x);
    x.dispose();
    // A variance of 2 N independent numbers has the relative standard error √(2 / 2N) = 1 %.
    expect(Math.abs(measured.variance / expected - 1)).toBeLessThan(4 * Math.sqrt(1 / N));
    expect(Math.abs(measured.mean)).toBeLessThan(4 * Math.sqrt(expected / (2 * N)));
  });

  it("and these variances are far enough apart for that to mean something", () => {
    const all = [ancestral, secondOrderSde(), churned(0.2, 0.05), churned(Math.SQRT2 - 1, 0)];
    all.forEach((a, i) =>
      all.slice(i + 1).forEach((b) => expect(Math.abs(a / b - 1)).toBeGreaterThan(0.05)),
    );
  });
});

describe.each(ALL)("$name", ({ run }) => {
  it("takes 20 steps unless told otherwise, the last one to t = 0, whatever eps is", async () => {
    const { score } = recordingScore();
    const steps: SamplerStep[] = [];
    for await (const s of run({ sde, score, shape: [2, 2], eps: 0.01 })) steps.push(s);
    expect(steps).toHaveLength(20);
    expect(steps.at(-1)).toMatchObject({ step: 20, numSteps: 20, t: 0 });
    const levels = karrasLevels(20, { sigmaMin: sde.stdAt(0.01), sigmaMax });
    const reached = steps.map(({ t }) => t);
    levels
      .slice(1)
      .forEach((level, i) => expect(sde.stdAt(reached[i] as number)).toBeCloseTo(level, 9));
  });

  it("is one denoising in a single step: D(x₁; σ(1))", async () => {
    const v = 0.09;
    const options = { sde, score: gaussianScore(v), shape: [50, 2], numSteps: 1, seed: 9 };
    const x = await sample(run(options));
    const start = sde.prior([50, 2], new Random(9));
    const factor = v / (v + sigmaMax ** 2);
    const values = x.dataSync();
    start.dataSync().forEach((value, i) => expect(values[i]).toBeCloseTo(factor * value, 5));
    tf.dispose([x, start]);
  });

  it.each([0.5, 0, -1, NaN, Infinity])("refuses rho = %s", async (rho) => {
    const options: NoiseLevelOptions = { sde, score: mixtureScore, shape: [4, 2], rho };
    const failure: unknown = await run(options)
      .next()
      .catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(RangeError);
    expect(String(failure)).toMatch(/rho must be a number ≥ 1/);
  });

  it("goes down other levels for another rho", async () => {
    const options = { sde, score: mixtureScore, shape: [4, 2], numSteps: 3 };
    for await (const { t } of run({ ...options, rho: 1 })) {
      expect(sde.stdAt(t)).toBeCloseTo((sigmaMax + sigmaMin) / 2, 9);
      break;
    }
  });
});

describe("score evaluations", () => {
  it.each(ONCE_A_STEP)("$name: one a step, at the level that it starts from", async ({ run }) => {
    const { score, times } = recordingScore();
    const nfe: number[] = [];
    for await (const s of run({ sde, score, shape: [3, 2], numSteps: 4 })) {
      nfe.push(s.nfe);
      expect(times).toHaveLength(s.nfe);
    }
    expect(nfe).toEqual([1, 2, 3, 4]);
    levelsOf(4).forEach((level, i) => expect(times[i]).toBeCloseTo(sde.timeAt(level), 6));
  });

  it.each(TWICE_A_STEP)("$name: two a step, one in the last", async ({ run }) => {
    const { score, times } = recordingScore();
    const nfe: number[] = [];
    const options: StochasticHeunOptions = { sde, score, shape: [3, 2], numSteps: 4 };
    for await (const s of run({ ...options, churn: 0 })) nfe.push(s.nfe);
    expect(nfe).toEqual([2, 4, 6, 7]);
    const [a, b, c, d] = levelsOf(4).map((level) => sde.timeAt(level)) as [
      number,
      number,
      number,
      number,
    ];
    [a, b, b, c, c, d, d].forEach((t, i) => expect(times[i]).toBeCloseTo(t, 6));
  });
});

describe("stochasticHeun", () => {
  const small = { sde, score: mixtureScore, shape: [4, 2], numSteps: 10 };

  async function statesOf(steps: AsyncIterable<SamplerStep>): Promise<number[][]> {
    const states: number[][] = [];
    for await (const { x } of steps) states.push(Array.from(x.dataSync()));
    return states;
  }

  it("is heun without churn, bit for bit", async () => {
    const plain = await statesOf(heun(small));
    expect(await statesOf(stochasticHeun({ ...small, churn: 0 }))).toEqual(plain);
    // … and where no level is between churnFrom and churnTo.
    expect(await statesOf(stochasticHeun({ ...small, churnFrom: 11 }))).toEqual(plain);
    expect(await statesOf(stochasticHeun({ ...small, churnTo: 0.01 }))).toEqual(plain);
    expect(await statesOf(stochasticHeun(small))).not.toEqual(plain);
  });

  it("asks for the score at the raised level, never above the first", async () => {
    const { score, times } = recordingScore();
    for await (const { x } of stochasticHeun({ ...small, score, churn: 2, churnFrom: 0 })) void x;
    const levels = levelsOf(10);
    const starts = times.filter((_, i) => i % 2 === 0);
    levels.slice(0, -1).forEach((level, i) => {
      expect(starts[i]).toBeCloseTo(sde.timeAt(Math.min(1.2 * level, sigmaMax)), 6);
    });
  });

  it.each<[string, Partial<StochasticHeunOptions>, RegExp]>([
    ["churn −1", { churn: -1 }, /churn must be a number ≥ 0; got -1/],
    ["churn NaN", { churn: NaN }, /churn .* got NaN/],
    ["churnFrom −1", { churnFrom: -1 }, /churnFrom must be a number ≥ 0; got -1/],
    ["churnTo NaN", { churnTo: NaN }, /churnTo .* got NaN/],
    ["churnStd −0.1", { churnStd: -0.1 }, /churnStd .* got -0\.1/],
  ])("refuses %s", async (_, options, message) => {
    const failure: unknown = await stochasticHeun({ ...small, ...options })
      .next()
      .catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(RangeError);
    expect(String(failure)).toMatch(message);
  });
});

describe("descend", () => {
  it("hands on what the step before saw, and lets a step return what it was given", async () => {
    const levels = levelsOf(4);
    const seen: (number | undefined)[] = [];
    const options = { sde, score: mixtureScore, shape: [3, 2], numSteps: 4, seed: 2 };
    const states: number[][] = [];
    let last: Float32Array | undefined;
    const steps = descend(options, ({ x, sigma, next, previous }) => {
      expect([sigma, next]).toEqual([levels[seen.length], levels[seen.length + 1]]);
      if (previous) expect(previous.denoised.dataSync()).toEqual(last);
      seen.push(previous?.sigma);
      last = x.dataSync<"float32">().slice();
      return { x, denoised: x };
    });
    for await (const { x } of steps) states.push(Array.from(x.dataSync()));
    expect(seen).toEqual([undefined, levels[0], levels[1]]);
    expect(states[2]).toEqual(states[0]);
    expect(states[3]).not.toEqual(states[0]); // the last step denoises
  });
});
