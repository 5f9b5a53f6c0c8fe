import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  fitGaussian,
  frechetDistance,
  gaussianFrechetDistance,
  Random,
  tf,
  type Gaussian,
} from "../../src";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

/** The distance of two sets given as plain rows. */
function distance(a: number[][], b: number[][]): number {
  const [x, y] = [tf.tensor2d(a), tf.tensor2d(b)];
  const result = frechetDistance(x, y);
  tf.dispose([x, y]);
  return result;
}

function fitted(a: number[][]): Gaussian {
  const x = tf.tensor2d(a);
  const gaussian = fitGaussian(x);
  x.dispose();
  return gaussian;
}

/** Rows without a pattern whose numbers float32 holds exactly, so that NumPy can be given the same. */
function rows(count: number, width: number, step: number): number[][] {
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: width }, (_, j) => ((i * i * (j + step) + 7 * i + 13 * j) % 32) / 8),
  );
}

const diagonal = (variances: number[]): number[][] =>
  variances.map((variance, i) => variances.map((_, j) => (i === j ? variance : 0)));

describe("gaussianFrechetDistance", () => {
  it("of diagonal covariances is Σ (μ − μ′)² + (σ − σ′)²", () => {
    const a: Gaussian = { mean: [1, -2, 0], covariance: diagonal([4, 9, 1]) };
    const b: Gaussian = { mean: [0, 1, 0.5], covariance: diagonal([1, 16, 0]) };
    const expected = 1 + 9 + 0.25 + (2 - 1) ** 2 + (3 - 4) ** 2 + 1;
    expect(gaussianFrechetDistance(a, b)).toBeCloseTo(expected, 10);
  });

  it("of two variances in one dimension is (σ − σ′)²", () => {
    const one = (variance: number): Gaussian => ({ mean: [3], covariance: [[variance]] });
    expect(gaussianFrechetDistance(one(2), one(0.5))).toBeCloseTo(
      (Math.SQRT2 - Math.SQRT1_2) ** 2,
      12,
    );
  });

  it("of full 2 × 2 covariances has the trace in closed form", () => {
    // tr M^½ = √(tr M + 2 √det M) for 2 × 2 matrices; with M = Σa Σb.
    const [a, b, c] = [2, 0.8, 1.5];
    const [d, e, f] = [1.2, -0.5, 3];
    const traceOfProduct = a * d + 2 * b * e + c * f;
    const determinant = (a * c - b * b) * (d * f - e * e);
    const root = Math.sqrt(traceOfProduct + 2 * Math.sqrt(determinant));
    const matrices: [number[][], number[][]] = [
      [
        [a, b],
        [b, c],
      ],
      [
        [d, e],
        [e, f],
      ],
    ];
    const [covA, covB] = matrices;
    const actual = gaussianFrechetDistance(
      { mean: [0, 0], covariance: covA },
      { mean: [3, 4], covariance: covB },
    );
    expect(actual).toBeCloseTo(25 + a + c + d + f - 2 * root, 10);
  });

  it("of covariances that commute is Σ (√λ − √λ′)², in a rotated basis too", () => {
    const [cos, sin] = [Math.cos(0.7), Math.sin(0.7)];
    const rotated = (p: number, q: number): number[][] => [
      [p * cos * cos + q * sin * sin, (p - q) * cos * sin],
      [(p - q) * cos * sin, p * sin * sin + q * cos * cos],
    ];
    const actual = gaussianFrechetDistance(
      { mean: [0, 0], covariance: rotated(4, 0.25) },
      { mean: [0, 0], covariance: rotated(1, 9) },
    );
    expect(actual).toBeCloseTo((2 - 1) ** 2 + (0.5 - 3) ** 2, 10);
  });

  it.each<[string, Gaussian, Gaussian, RegExp]>([
    [
      "different sizes",
      { mean: [0, 0], covariance: diagonal([1, 1]) },
      { mean: [0], covariance: diagonal([1]) },
      /same D/,
    ],
    [
      "a covariance that is not square",
      { mean: [0, 0], covariance: [[1, 0]] },
      { mean: [0, 0], covariance: diagonal([1, 1]) },
      /same D/,
    ],
    ["nothing", { mean: [], covariance: [] }, { mean: [], covariance: [] }, /same D/],
    [
      "NaN",
      { mean: [NaN], covariance: [[1]] },
      { mean: [0], covariance: [[1]] },
      /NaN or infinity/,
    ],
  ])("refuses %s", (_, a, b, message) => {
    expect(() => gaussianFrechetDistance(a, b)).toThrow(RangeError);
    expect(() => gaussianFrechetDistance(a, b)).toThrow(message);
  });
});

describe("frechetDistance", () => {
  it("has SciPy's value", () => {
    // NumPy 2.4.6, SciPy 1.17.1: a, b the same rows as float64; m = a.mean(0), s = np.cov(a, rowvar=False);
    // ((ma − mb) ** 2).sum() + np.trace(sa + sb − 2 * scipy.linalg.sqrtm(sa @ sb)).real
    expect(distance(rows(40, 5, 1), rows(53, 5, 3))).toBeCloseTo(0.30609840142097583, 9);
  });

  it("is 0 for equal sets, also where some features never change, and the same both ways", () => {
    const a = rows(40, 5, 1);
    const dead = a.map(([first = 0, second = 0]) => [first, second, 0, 2, first]);
    expect(distance(a, a)).toBeLessThan(1e-10);
    expect(distance(dead, dead)).toBeLessThan(1e-6);
    const b = rows(53, 5, 3);
    expect(distance(a, b)).toBeCloseTo(distance(b, a), 10);
    expect(distance(a, b)).toBeGreaterThan(0.1);
  });

  it("of a set and the same set moved is the squared length of the move", () => {
    const a = rows(40, 5, 1);
    const moved = a.map((row) => row.map((value, j) => value + (j === 2 ? 3 : 0.5)));
    expect(distance(a, moved)).toBeCloseTo(9 + 4 * 0.25, 9);
  });

  it("falls towards 0 with the number of rows where both sets have one distribution, as c / N", () => {
    const random = new Random(5);
    const of = (count: number): number =>
      tf.tidy(() => frechetDistance(random.normal([count, 8]), random.normal([count, 8])));
    const [few, many] = [of(200), of(20_000)];
    expect(few / many).toBeGreaterThan(30);
    expect(few / many).toBeLessThan(300);
  });

  it("does not lose a small variance beside a large mean", () => {
    const a = rows(40, 3, 1).map((row) => row.map((value) => 4096 + value / 8));
    const b = rows(40, 3, 1).map((row) => row.map((value) => 4096 + value / 4));
    const gaussian = fitted(rows(40, 3, 1));
    const traces = gaussian.covariance.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
    const means = gaussian.mean.reduce((sum, mean) => sum + (mean / 8) ** 2, 0);
    expect(distance(a, b)).toBeCloseTo(means + traces / 64, 8);
  });

  it.each<[string, number[][], number[][], RegExp]>([
    ["too few rows", rows(5, 5, 1), rows(40, 5, 1), /have 5 rows; at least 6 are needed/],
    ["different widths", rows(40, 5, 1), rows(40, 4, 1), /same width; got 5 and 4/],
    ["NaN", rows(40, 5, 1), [...rows(40, 5, 1), [0, 0, NaN, 0, 0]], /hold NaN or infinity/],
    ["infinity", [...rows(40, 2, 1), [Infinity, 0]], rows(40, 2, 1), /hold NaN or infinity/],
  ])("refuses %s", (_, a, b, message) => {
    tf.tidy(() => {
      const call = (): number => frechetDistance(tf.tensor2d(a), tf.tensor2d(b));
      expect(call).toThrow(RangeError);
      expect(call).toThrow(message);
    });
  });
});

describe("fitGaussian", () => {
  it("has the mean and the covariance, divided by N − 1", () => {
    const gaussian = fitted([
      [1, 2],
      [3, 2],
      [5, 8],
    ]);
    expect(gaussian.mean).toEqual([3, 4]);
    // Deviations (−2, −2), (0, −2), (2, 4): sums of products 8, 12, 24.
    expect(gaussian.covariance).toEqual([
      [4, 6],
      [6, 12],
    ]);
  });
});
