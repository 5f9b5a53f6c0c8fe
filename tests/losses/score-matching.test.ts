import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  explicitLoss,
  explicitLosses,
  implicitLoss,
  implicitLosses,
  Random,
  ScoreMlp,
  scoreTrace,
  slicedLoss,
  slicedLosses,
  tf,
} from "../../src";
import {
  A,
  covariance,
  difference,
  gaussian,
  halfMeanSquare,
  inverse,
  linearScore,
  meanAndError,
  mixture,
  numberOf,
} from "./support";

const N = 20_000;

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("a linear score s(x) = −A x on N(0, Σ), where every loss has a closed form", () => {
  const precision = inverse(covariance);
  const traceA = A[0][0] + A[1][1];

  it("explicit: ½ E‖(Σ⁻¹ − A) x‖² = ½ tr((Σ⁻¹ − A)ᵀ (Σ⁻¹ − A) Σ), eq. (17)", () => {
    const x = gaussian.sample(N, new Random(1));
    const { mean, error } = meanAndError(
      explicitLosses({ score: linearScore(A), trueScore: (at) => gaussian.score(at), x }),
    );
    x.dispose();
    const expected = halfMeanSquare(difference(precision, A), covariance);
    expect(Math.abs(mean - expected)).toBeLessThan(4 * error);
    expect(error).toBeLessThan(0.02 * expected);
  });

  it("implicit: ½ tr(Aᵀ A Σ) − tr A, which is explicit − ½ tr Σ⁻¹, eq. (18)", () => {
    const x = gaussian.sample(N, new Random(2));
    const { mean, error } = meanAndError(implicitLosses({ score: linearScore(A), x }));
    x.dispose();
    const expected = halfMeanSquare(A, covariance) - traceA;
    expect(Math.abs(mean - expected)).toBeLessThan(4 * error);
    const explicit = halfMeanSquare(difference(precision, A), covariance);
    const constant = halfMeanSquare(precision, covariance);
    expect(expected).toBeCloseTo(explicit - constant, 10);
  });

  it("explicit is 0 at the true score, to the last bit", () => {
    const x = gaussian.sample(100, new Random(3));
    const score = (at: tf.Tensor): tf.Tensor => gaussian.score(at);
    expect(numberOf(explicitLoss({ score, trueScore: score, x }))).toBe(0);
    x.dispose();
  });

  it("the trace is −tr A at every x, exactly", () => {
    const x = gaussian.sample(5, new Random(4));
    const trace = scoreTrace(linearScore(A), x);
    for (const value of trace.dataSync()) expect(value).toBeCloseTo(-traceA, 6);
    tf.dispose([x, trace]);
  });

  it("sliced: ½ ‖A x‖² − vᵀ A v for each example", () => {
    const x = tf.tensor2d([[1, 2]]);
    const v = tf.tensor2d([[0.5, -1]]);
    // A x = (1.8, 0.9); vᵀ A v = 1.2 · 0.25 + (0.3 − 0.5) · (−0.5) + 0.7 · 1
    const value = numberOf(slicedLosses({ score: linearScore(A), x, v }));
    expect(value).toBeCloseTo(0.5 * (1.8 ** 2 + 0.9 ** 2) - 1.1, 5);
    tf.dispose([x, v]);
  });
});

describe("sliced for implicit", () => {
  const net = (): ScoreMlp => new ScoreMlp({ width: 16, seed: 7 });

  it("is the same, to rounding, averaged over the directions √D e₁ … √D e_D", () => {
    const model = net();
    const x = mixture.sample(64, new Random(5));
    const along = [0, 1].map((axis) => {
      const row = [0, 0];
      row[axis] = Math.SQRT2;
      const v = tf.tidy(() => tf.tile(tf.tensor2d([row]), [64, 1]));
      const loss = numberOf(slicedLoss({ score: model.score, x, v }));
      v.dispose();
      return loss;
    });
    const implicit = numberOf(implicitLoss({ score: model.score, x }));
    expect(((along[0] as number) + (along[1] as number)) / 2).toBeCloseTo(implicit, 6);
    tf.dispose(x);
    model.dispose();
  });

  it("is unbiased with normal directions", () => {
    const model = net();
    const x = mixture.sample(N, new Random(6));
    const v = new Random(7).normal([N, 2]);
    const off = tf.tidy(() =>
      slicedLosses({ score: model.score, x, v }).sub(implicitLosses({ score: model.score, x })),
    );
    const { mean, error } = meanAndError(off);
    expect(Math.abs(mean)).toBeLessThan(4 * error);
    expect(error).toBeGreaterThan(0); // it is another random number, not the same one
    tf.dispose([x, v]);
    model.dispose();
  });
});

describe("a network on a mixture", () => {
  it("explicit − implicit is the same for every network: ½ E‖∇ log p‖²", () => {
    const x = mixture.sample(N, new Random(8));
    const trueScore = (at: tf.Tensor): tf.Tensor => mixture.score(at);
    const constant = numberOf(tf.tidy(() => trueScore(x).square().sum(1).mean().mul(0.5)));
    for (const seed of [1, 2, 3]) {
      const { score, dispose } = scaled(new ScoreMlp({ width: 16, seed }), 3);
      const gap = tf.tidy(() =>
        explicitLosses({ score, trueScore, x }).sub(implicitLosses({ score, x })),
      );
      const { mean, error } = meanAndError(gap);
      dispose();
      expect(Math.abs(mean - constant)).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.05 * constant);
    }
    x.dispose();
  });

  it("explicit, implicit and sliced have the same gradient by the weights, to sampling error", () => {
    const model = new ScoreMlp({ width: 16, seed: 4 });
    const x = mixture.sample(40_000, new Random(9));
    const v = new Random(10).normal([40_000, 2]);
    const vector = model.getVector();
    const gradient = (loss: (score: (at: tf.Tensor) => tf.Tensor) => tf.Scalar): Float32Array => {
      const by = tf.grad((weights) => loss((at) => model.apply(weights as tf.Tensor1D, at)))(
        vector,
      );
      const numbers = Float32Array.from(by.dataSync());
      by.dispose();
      return numbers;
    };
    const explicit = gradient((score) =>
      explicitLoss({ score, trueScore: (at) => mixture.score(at), x }),
    );
    const implicit = gradient((score) => implicitLoss({ score, x }));
    const sliced = gradient((score) => slicedLoss({ score, x, v }));
    expect(explicit.length).toBe(model.parameterCount);
    expect(relativeDistance(implicit, explicit)).toBeLessThan(0.06);
    expect(relativeDistance(sliced, explicit)).toBeLessThan(0.06);
    tf.dispose([x, v, vector]);
    model.dispose();
  });

  // Large weights, so that every term counts: with tfjs's own sigmoid, whose second derivative is wrong,
  // the gradient is 5 % off.
  it("implicit's gradient is that of finite differences", () => {
    const model = new ScoreMlp({ width: 4, seed: 5 });
    const x = mixture.sample(256, new Random(11));
    const vector = tf.tidy(() => model.getVector().mul<tf.Tensor1D>(3));
    const loss = (weights: tf.Tensor): tf.Scalar =>
      implicitLoss({ score: (at) => model.apply(weights as tf.Tensor1D, at), x });
    const gradient = tf.grad(loss)(vector);
    const h = 0.01;
    const differences = Float32Array.from({ length: model.parameterCount }, (_, i) =>
      tf.tidy(() => {
        const step = tf.buffer([model.parameterCount]);
        step.values[i] = h;
        const [up, down] = [vector.add(step.toTensor()), vector.sub(step.toTensor())];
        return numberOf(loss(up).sub(loss(down))) / (2 * h);
      }),
    );
    expect(relativeDistance(Float32Array.from(gradient.dataSync()), differences)).toBeLessThan(
      0.005,
    );
    tf.dispose([x, vector, gradient]);
    model.dispose();
  });
});

describe("the minimum of c · tr(∇s) + ‖s‖² among linear scores s = −a x on N(0, 1)", () => {
  // E[a² x² − c a] = a² − c a has its minimum at a = c/2: the true score, a = 1, for c = 2 only.
  it.each([
    { c: 0, best: 0 },
    { c: 1, best: 0.5 },
    { c: 2, best: 1 },
  ])("c = $c gives s = −$best x", ({ c, best }) => {
    const x = new Random(12).normal([N, 1]);
    const loss = (a: tf.Tensor): tf.Scalar =>
      tf.tidy(() => {
        const score = (at: tf.Tensor): tf.Tensor => at.mul(a).neg();
        return score(x).square().add(scoreTrace(score, x).expandDims(1).mul(c)).mean<tf.Scalar>();
      });
    const slope = tf.grad(loss);
    const at = tf.scalar(best);
    const gradient = numberOf(slope(at)); // 2 a E[x²] − c
    expect(Math.abs(gradient)).toBeLessThan(4 * 2 * best * Math.sqrt(2 / N) + 1e-6);
    tf.dispose([x, at]);
  });
});

describe("bad inputs", () => {
  const score = linearScore(A);

  it("refuses an x that is not a batch", () => {
    const x = tf.zeros([2]);
    expect(() => explicitLoss({ score: (at) => at, trueScore: (at) => at, x })).toThrow(RangeError);
    expect(() => implicitLoss({ score: (at) => at.mul(1), x })).toThrow(/x must be \[B, …D\]/);
    x.dispose();
  });

  it("refuses a score of another shape", () => {
    const x = tf.zeros([4, 2]);
    const wrong = (at: tf.Tensor): tf.Tensor => at.sum(1);
    expect(() => explicitLoss({ score: wrong, trueScore: score, x })).toThrow(
      /score must have the shape of x, \[4, 2\]; got \[4\]/,
    );
    expect(() => implicitLoss({ score: wrong, x })).toThrow(RangeError);
    x.dispose();
  });

  it("refuses directions of another shape", () => {
    const x = tf.zeros([4, 2]);
    const v = tf.zeros([4, 3]);
    expect(() => slicedLoss({ score, x, v })).toThrow(/v must have the shape of x/);
    tf.dispose([x, v]);
  });
});

function scaled(
  model: ScoreMlp,
  factor: number,
): { score: (x: tf.Tensor) => tf.Tensor; dispose: () => void } {
  return { score: (x) => model.score(x).mul(factor), dispose: () => model.dispose() };
}

function relativeDistance(a: Float32Array, b: Float32Array): number {
  let off = 0;
  let norm = 0;
  b.forEach((value, i) => {
    off += ((a[i] as number) - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(off / norm);
}
