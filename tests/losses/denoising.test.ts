import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  constantTime,
  denoisingLoss,
  denoisingLosses,
  edmWeighting,
  explicitLosses,
  exponentialSde,
  perturb,
  Random,
  tf,
  unitWeighting,
  variancePreservingSde,
  varianceWeighting,
  type Score,
} from "../../src";
import { meanAndError, mixture, numberOf } from "./support";

const sde = exponentialSde({ beta: 25 });

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

/** std(t) by eq. (7), in double precision. */
const stdAt = (t: number): number =>
  Math.sqrt(Math.expm1(2 * t * Math.log(25)) / (2 * Math.log(25)));

describe("one example by hand", () => {
  const [t0, x0, z] = [0.3, [0.5, -1], [0.2, 1.4]];
  const std = stdAt(t0);
  // s(x, t) = −x t: depends on both, and is nobody's true score.
  const score: Score = (x, t) => x.mul(t.expandDims(1)).neg();
  const squares = x0
    .map((x, i) => -(x + std * (z[i] as number)) * t0 * std + (z[i] as number))
    .reduce((sum, value) => sum + value ** 2, 0);

  function loss(weighting?: typeof unitWeighting): number {
    return tf.tidy(() =>
      numberOf(
        denoisingLoss({
          sde,
          score,
          x0: tf.tensor2d([x0]),
          t: tf.tensor1d([t0]),
          z: tf.tensor2d([z]),
          ...(weighting ? { weighting } : {}),
        }),
      ),
    );
  }

  it("λ = std² is the default and gives ‖std s + z‖², eq. (5)", () => {
    expect(loss() / squares).toBeCloseTo(1, 5);
    expect(loss(varianceWeighting)).toBe(loss());
  });

  it("λ = 1 gives ‖s + z / std‖², eq. (4)", () => {
    expect((loss(unitWeighting) * std ** 2) / squares).toBeCloseTo(1, 5);
  });

  it("any λ(t) multiplies it", () => {
    const byTime = loss((t) => t.mul(7));
    expect((byTime * std ** 2) / (7 * t0 * squares)).toBeCloseTo(1, 5);
  });
});

describe("a batch", () => {
  it("gives one loss an example, each with its own t; the mean is denoisingLoss", () => {
    tf.tidy(() => {
      const random = new Random(1);
      const x0 = mixture.sample(6, random);
      const z = random.normal([6, 2]);
      const t = tf.tensor1d([0.01, 0.1, 0.3, 0.5, 0.8, 1]);
      const score: Score = (x) => x.neg();
      const together = Array.from(denoisingLosses({ sde, score, x0, t, z }).dataSync());
      for (let i = 0; i < 6; i++) {
        const row = (of: tf.Tensor2D): tf.Tensor2D => of.slice([i, 0], [1, 2]);
        const alone = numberOf(
          denoisingLoss({ sde, score, x0: row(x0), t: t.slice(i, 1), z: row(z) }),
        );
        expect((together[i] as number) / alone).toBeCloseTo(1, 5);
      }
      const mean = together.reduce((sum, value) => sum + value, 0) / 6;
      expect(numberOf(denoisingLoss({ sde, score, x0, t, z })) / mean).toBeCloseTo(1, 5);
    });
  });

  it("sums over all data dimensions of an image", () => {
    tf.tidy(() => {
      const x0 = tf.zeros([3, 4, 5, 1]);
      const z = tf.ones([3, 4, 5, 1]);
      const t = constantTime(x0, 0.5);
      const losses = denoisingLosses({ sde, score: (x) => x.mul(0), x0, t, z });
      expect(losses.shape).toEqual([3]);
      for (const loss of losses.dataSync()) expect(loss).toBeCloseTo(20, 4);
    });
  });
});

describe("against the Fisher divergence to the exact score of pₜ (Vincent 2011)", () => {
  const N = 40_000;
  const t0 = 0.2;
  const exact = mixture.perturbedScore(sde);
  const scores: Record<string, Score> = {
    exact,
    "twice the exact": (x, t) => exact(x, t).mul(2),
    "−x": (x) => x.neg(),
    zero: (x) => x.mul(0),
  };

  /** λ E‖s − ∇ log p(x(t) | x(0))‖² − λ E‖s − ∇ log pₜ‖², example by example. */
  function gap(score: Score): { mean: number; error: number } {
    const difference = tf.tidy(() => {
      const random = new Random(2);
      const x0 = mixture.sample(N, random);
      const z = random.normal([N, 2]);
      const t = constantTime(x0, t0);
      const denoising = denoisingLosses({ sde, score, x0, t, z });
      const x = perturb(sde, x0, t, z);
      const atTime = (s: Score) => (at: tf.Tensor) => s(at, t);
      const halfFisher = explicitLosses({ score: atTime(score), trueScore: atTime(exact), x });
      return denoising.sub(halfFisher.mul(2 * stdAt(t0) ** 2));
    });
    return meanAndError(difference);
  }

  it("differs by the same constant whatever the score is", () => {
    const constant = gap(exact);
    for (const [name, score] of Object.entries(scores)) {
      const { mean, error } = gap(score);
      expect(Math.abs(mean - constant.mean), name).toBeLessThan(4 * (error + constant.error));
    }
    // The constant is what even the exact score cannot explain: the noise's variance given x(t).
    expect(constant.mean).toBeGreaterThan(0.1);
    expect(constant.error).toBeLessThan(0.05 * constant.mean);
  });

  it("is smaller at the exact score than at any other tried", () => {
    const loss = (score: Score): number =>
      tf.tidy(() => {
        const random = new Random(3);
        const x0 = mixture.sample(N, random);
        const z = random.normal([N, 2]);
        const t = constantTime(x0, t0);
        return numberOf(denoisingLoss({ sde, score, x0, t, z }));
      });
    const best = loss(exact);
    for (const factor of [0.8, 1.2, 2, 0]) {
      expect(loss((x, t) => exact(x, t).mul(factor))).toBeGreaterThan(best);
    }
  });
});

describe("bad inputs", () => {
  const score: Score = (x) => x.neg();
  const good = { x0: [4, 2], z: [4, 2], t: [0.1, 0.2, 0.3, 1] };
  it.each([
    { why: "noise of another shape", ...good, z: [4, 3] },
    { why: "t = 0, where the kernel has no score", ...good, t: [0, 0.1, 0.2, 0.3] },
    { why: "t above 1", ...good, t: [0.1, 0.2, 0.3, 1.5] },
    { why: "a negative t", ...good, t: [-0.1, 0.2, 0.3, 1] },
    { why: "t that is no number", ...good, t: [NaN, 0.2, 0.3, 1] },
    { why: "one t too few", ...good, t: [0.1, 0.2, 0.3] },
  ])("refuses $why", ({ x0, z, t }) => {
    tf.tidy(() => {
      const attempt = (): tf.Scalar =>
        denoisingLoss({ sde, score, x0: tf.zeros(x0), t: tf.tensor1d(t), z: tf.zeros(z) });
      expect(attempt).toThrow(RangeError);
    });
  });
});

describe("edmWeighting", () => {
  it("keeps no tensor, and refuses what is no standard deviation", () => {
    const [t, std] = [tf.tensor1d([0.1]), tf.tensor1d([0.3])];
    const before = tf.memory().numTensors;
    edmWeighting(sde, 0.5)(t, std).dispose();
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([t, std]);
    for (const sigmaData of [0, -1, NaN, Infinity]) {
      expect(() => edmWeighting(sde, sigmaData)).toThrow(/sigmaData must be a number > 0; got/);
    }
  });

  it.each([
    { what: "dx = βᵗ dw", sde },
    { what: "VP", sde: variancePreservingSde() },
  ])("makes eq. (5) EDM's loss for D, for $what", ({ sde }) => {
    tf.tidy(() => {
      const [sigmaData, random] = [0.5, new Random(1)];
      const [x0, z] = [random.normal([4, 3]), random.normal([4, 3])];
      const t = tf.tensor1d([0.05, 0.3, 0.6, 0.95]);
      const score: Score = (x, t) => x.mul(t.expandDims(1)).neg();
      const losses = denoisingLosses({
        ...{ sde, score, x0, t, z },
        weighting: edmWeighting(sde, sigmaData),
      }).dataSync();
      const clean = x0.arraySync();
      const xt = perturb(sde, x0, t, z);
      const scores = score(xt, t).arraySync() as number[][];
      const noisy = xt.arraySync() as number[][];
      [...t.dataSync()].forEach((time, i) => {
        const [scale, std] = [sde.scaleAt(time), sde.stdAt(time)];
        const sigma = std / scale;
        const squares = (clean[i] as number[]).map((value, j) => {
          const s = (scores[i] as number[])[j] as number;
          const denoised = (((noisy[i] as number[])[j] as number) + std ** 2 * s) / scale;
          return (denoised - value) ** 2;
        });
        const lambda = (sigma ** 2 + sigmaData ** 2) / (sigma * sigmaData) ** 2;
        const expected = lambda * squares.reduce((sum, each) => sum + each, 0);
        expect((losses[i] as number) / expected).toBeCloseTo(1, 3);
      });
    });
  });
});
