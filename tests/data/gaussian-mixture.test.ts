import { describe, expect, it } from "vitest";
import { gaussianMixture, type GaussianMixture } from "../../src/data";
import { Random, tf } from "../../src/engine";

const round = gaussianMixture({
  means: [
    [-2, 0],
    [2, 1],
  ],
  stds: [0.5, 0.8],
  weights: [0.3, 0.7],
});

const tilted = gaussianMixture({
  means: [
    [0, 0, 0],
    [1, -1, 2],
  ],
  covariances: [
    [
      [1, 0.6, -0.2],
      [0.6, 0.9, 0.1],
      [-0.2, 0.1, 0.5],
    ],
    [
      [0.4, 0, 0],
      [0, 0.4, 0.3],
      [0, 0.3, 0.4],
    ],
  ],
  weights: [2, 1],
});

/** Values of a tensor, which is disposed. */
function take(tensor: tf.Tensor): number[] {
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

function points(mixture: GaussianMixture, n = 40): tf.Tensor2D {
  return tf.tidy(() => new Random(5).normal([n, mixture.dim]).mul<tf.Tensor2D>(1.5));
}

/** log N(x; mean, covariance) in two dimensions, straight from the formula, in float64. */
function logNormal2(x: number[], mean: number[], c: number[][]): number {
  const det = c[0]![0]! * c[1]![1]! - c[0]![1]! ** 2;
  const [a, b] = [x[0]! - mean[0]!, x[1]! - mean[1]!];
  const quadratic = (c[1]![1]! * a * a - 2 * c[0]![1]! * a * b + c[0]![0]! * b * b) / det;
  return -Math.log(2 * Math.PI) - 0.5 * Math.log(det) - 0.5 * quadratic;
}

describe("gaussianMixture", () => {
  it("has the log density of its formula", () => {
    const init = {
      means: [
        [0.5, -1],
        [2, 1],
      ],
      covariances: [
        [
          [1, 0.7],
          [0.7, 0.8],
        ],
        [
          [0.3, -0.1],
          [-0.1, 0.2],
        ],
      ],
      weights: [0.25, 0.75],
    };
    const x = points(gaussianMixture(init));
    for (const variance of [0, 0.5]) {
      const values = take(gaussianMixture(init).logDensity(x, variance));
      x.arraySync().forEach((point, i) => {
        const density = init.means.reduce((sum, mean, k) => {
          const c = init.covariances[k]!.map((row, p) =>
            row.map((entry, q) => entry + (p === q ? variance : 0)),
          );
          return sum + init.weights[k]! * Math.exp(logNormal2(point, mean, c));
        }, 0);
        expect(values[i]).toBeCloseTo(Math.log(density), 4);
      });
    }
    x.dispose();
  });

  it("has the gradient of its log density as its score", () => {
    for (const mixture of [round, tilted]) {
      for (const variance of [0, 0.7]) {
        const x = points(mixture);
        const score = take(mixture.score(x, variance));
        const gradient = take(tf.grad((y: tf.Tensor) => mixture.logDensity(y, variance).sum())(x));
        score.forEach((value, i) => expect(value).toBeCloseTo(gradient[i]!, 3));

        const h = 0.01;
        for (let j = 0; j < mixture.dim; j++) {
          const difference = tf.tidy(() => {
            const step = tf.oneHot(tf.tensor1d([j], "int32"), mixture.dim).mul(h);
            const ahead = mixture.logDensity(x.add(step), variance);
            return ahead.sub(mixture.logDensity(x.sub(step), variance)).div(2 * h);
          });
          take(difference).forEach((value, i) => {
            const exact = score[i * mixture.dim + j]!;
            // float32 leaves a log density of −100 some 1e-5, which 2h divides.
            expect(Math.abs(value - exact)).toBeLessThan(5e-3 * Math.max(1, Math.abs(exact)));
          });
        }
        x.dispose();
      }
    }
  });

  it("integrates to 1", () => {
    const n = 200;
    const [low, high] = [-6, 6];
    const cell = (high - low) / n;
    const grid = tf.tensor2d(
      Array.from({ length: n * n }, (_, i) => [
        low + (Math.floor(i / n) + 0.5) * cell,
        low + ((i % n) + 0.5) * cell,
      ]),
    );
    const mass = tf.tidy(() =>
      round
        .logDensity(grid, 0.3)
        .exp()
        .sum()
        .mul(cell ** 2),
    );
    expect(take(mass)[0]).toBeCloseTo(1, 4);
    grid.dispose();
  });

  it("stays exact where every density underflows", () => {
    const x = tf.tensor2d([[1e4, 0]]);
    const [first, second] = take(round.score(x));
    // Far out only the wider component counts: (μ − x) / 0.64.
    expect(first! / ((2 - 1e4) / 0.64)).toBeCloseTo(1, 5);
    expect(second).toBeCloseTo(1 / 0.64, 3);
    expect(Number.isFinite(take(round.logDensity(x))[0]!)).toBe(true);
    expect(take(round.responsibilities(x))).toEqual([0, 1]);
    x.dispose();
  });

  it("samples its own mean, covariance and weights", () => {
    for (const mixture of [round, tilted]) {
      const n = 40_000;
      const x = mixture.sample(n, new Random(1));
      expect(x.shape).toEqual([n, mixture.dim]);
      const { mean, covariance } = tf.tidy(() => {
        const centre = x.mean(0);
        const offset = x.sub(centre);
        const moments = tf.matMul(offset as tf.Tensor2D, offset as tf.Tensor2D, true).div(n);
        return {
          mean: centre.arraySync() as number[],
          covariance: moments.arraySync() as number[][],
        };
      });
      // Five standard errors: √(variance / n) of a mean, about √(2 / n) variance of a variance.
      const exact = mixture.covariance();
      mixture.mean().forEach((value, i) => {
        expect(Math.abs(mean[i]! - value)).toBeLessThan(5 * Math.sqrt(exact[i]![i]! / n));
        exact[i]!.forEach((entry, j) => {
          const size = Math.sqrt(exact[i]![i]! * exact[j]![j]!);
          expect(Math.abs(covariance[i]![j]! - entry)).toBeLessThan(5 * size * Math.sqrt(2 / n));
        });
      });
      // The mean responsibility is the weight.
      const shares = tf.tidy(() => mixture.responsibilities(x).mean(0));
      take(shares).forEach((share, k) => expect(share).toBeCloseTo(mixture.weights[k]!, 2));
      x.dispose();
    }
  });

  it("repeats its samples for the same seed, and moves the stream on", () => {
    const random = new Random(9);
    const [first, second] = [take(round.sample(5, random)), take(round.sample(5, random))];
    expect(take(round.sample(5, new Random(9)))).toEqual(first);
    expect(second).not.toEqual(first);
  });

  it("assigns points to the components they lie in", () => {
    const x = tf.tensor2d([
      [-2, 0],
      [2, 1],
    ]);
    const shares = take(round.responsibilities(x));
    expect(shares[0]).toBeGreaterThan(0.99);
    expect(shares[3]).toBeGreaterThan(0.99);
    expect(shares[0]! + shares[1]!).toBeCloseTo(1, 6);
    x.dispose();
  });

  it("knows the exact score of every marginal of an SDE, time by time", () => {
    // A process that shrinks by exp(−t) and adds noise of standard deviation t.
    const sde = {
      marginal: (x0: tf.Tensor, t: tf.Tensor1D) => ({
        mean: x0.mul(t.neg().exp().expandDims(1)),
        std: t.clone(),
      }),
    };
    const x = tf.tensor2d([
      [0.3, -0.2],
      [-1, 2],
      [1.5, 0.1],
    ]);
    const times = [0.2, 0.5, 1];
    const t = tf.tensor1d(times);
    const score = take(tilted2().perturbedScore(sde)(x, t));
    times.forEach((time, i) => {
      const s = Math.exp(-time);
      const shrunk = gaussianMixture({
        means: tilted2().means.map((mean) => mean.map((m) => s * m)),
        covariances: tilted2().covariances.map((c) => c.map((row) => row.map((v) => s * s * v))),
        weights: tilted2().weights,
      });
      const point = tf.slice(x, [i, 0], [1, 2]);
      const exact = take(shrunk.score(point, time ** 2));
      exact.forEach((value, j) => expect(score[2 * i + j]).toBeCloseTo(value, 4));
      point.dispose();
    });
    tf.dispose([x, t]);
  });

  it("takes one variance for each example", () => {
    const x = points(round, 3);
    const variances = [0, 0.4, 2];
    const variance = tf.tensor1d(variances);
    const together = take(round.score(x, variance));
    variances.forEach((v, i) => {
      const alone = take(round.score(x, v));
      expect(together[2 * i]).toBeCloseTo(alone[2 * i]!, 5);
      expect(together[2 * i + 1]).toBeCloseTo(alone[2 * i + 1]!, 5);
    });
    tf.dispose([x, variance]);
  });

  it("takes points of any shape with d numbers", () => {
    const mixture = gaussianMixture({ means: [[1, 2, 3, 4]], stds: 2 });
    const x = tf.zeros([5, 2, 2, 1]);
    const score = mixture.score(x);
    expect(score.shape).toEqual([5, 2, 2, 1]);
    expect([...score.dataSync().subarray(0, 4)]).toEqual([0.25, 0.5, 0.75, 1]);
    tf.dispose([x, score]);
  });

  it("leaves no tensor behind", () => {
    const before = tf.memory().numTensors;
    const random = new Random(0);
    const x = round.sample(10, random);
    const t = tf.tensor1d(new Array<number>(10).fill(1));
    const sde = { marginal: (x0: tf.Tensor) => ({ mean: x0.clone(), std: t.clone() }) };
    for (let i = 0; i < 20; i++) {
      const made = [
        round.sample(4, random),
        round.logDensity(x),
        round.score(x, 0.1),
        round.responsibilities(x),
        round.perturbedScore(sde)(x, t),
      ];
      expect(tf.memory().numTensors).toBe(before + 2 + made.length);
      tf.dispose(made);
    }
    tf.dispose([x, t]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("refuses what is no mixture", () => {
    const two = [
      [0, 0],
      [1, 1],
    ];
    const wrong: [Parameters<typeof gaussianMixture>[0], string][] = [
      [{ means: [], stds: 1 }, "means must be [K, d]"],
      [{ means: [[]], stds: 1 }, "means must be [K, d]"],
      [{ means: [[0, 0], [1]], stds: 1 }, "every mean needs 2 finite numbers"],
      [{ means: [[0, NaN]], stds: 1 }, "every mean needs 2 finite numbers"],
      [{ means: two }, "give either stds or covariances"],
      [{ means: two, stds: 1, covariances: [two, two] }, "give either stds or covariances"],
      [{ means: two, stds: 0 }, "stds must be positive"],
      [{ means: two, stds: [1] }, "stds must be positive, one or 2 of them; got [1]"],
      [{ means: two, stds: 1, weights: [1] }, "needs 2 positive weights"],
      [{ means: two, stds: 1, weights: [1, -1] }, "needs 2 positive weights"],
      [{ means: two, covariances: [two] }, "covariances must be [2, 2, 2]"],
      [
        {
          means: [[0, 0]],
          covariances: [
            [
              [1, 0],
              [0.1, 1],
            ],
          ],
        },
        "covariance 0 is not symmetric",
      ],
      [
        {
          means: [[0, 0]],
          covariances: [
            [
              [1, 2],
              [2, 1],
            ],
          ],
        },
        "covariance 0 is not positive definite; its eigenvalues are [-1.00, 3.00]",
      ],
    ];
    for (const [init, message] of wrong) {
      expect(() => gaussianMixture(init)).toThrow(RangeError);
      expect(() => gaussianMixture(init)).toThrow(message);
    }
    const x = tf.zeros([4, 3]);
    expect(() => round.score(x)).toThrow("x must be [B, 2], one point a row; got [4, 3]");
    const good = tf.zeros([4, 2]);
    expect(() => round.logDensity(good, -1)).toThrow("variance must be a finite number ≥ 0");
    tf.dispose([x, good]);
  });
});

function tilted2(): GaussianMixture {
  return gaussianMixture({
    means: [
      [0.5, -1],
      [2, 1],
    ],
    covariances: [
      [
        [1, 0.7],
        [0.7, 0.8],
      ],
      [
        [0.3, -0.1],
        [-0.1, 0.2],
      ],
    ],
    weights: [0.4, 0.6],
  });
}
