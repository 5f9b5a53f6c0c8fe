import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  energyScore,
  gaussianMixture,
  logPartition,
  Random,
  ScoreMlp,
  smoothSigmoid,
  smoothSwish,
  tf,
} from "../../src";

const mixture = gaussianMixture({
  means: [
    [-1, 0],
    [1, 0.5],
  ],
  stds: [0.5, 0.7],
  weights: [0.3, 0.7],
});
/** Minus log density plus a constant: an energy whose Z is e⁻². */
const energy = (x: tf.Tensor): tf.Tensor1D => tf.tidy(() => mixture.logDensity(x).neg().add(2));

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("energy models", () => {
  it("have the score −∇E, whatever constant E has in it: eq. (15)", () => {
    const off = tf.tidy(() => {
      const x = mixture.sample(100, new Random(1));
      return energyScore(energy)(x).sub(mixture.score(x)).abs().max().dataSync()[0];
    });
    expect(off).toBeLessThan(1e-4);
  });

  it("have the Z of eq. (13), by quadrature", () => {
    expect(logPartition(energy, { range: [-6, 6] })).toBeCloseTo(-2, 4);
    const quadratic = (x: tf.Tensor): tf.Tensor1D => tf.tidy(() => x.square().sum(1).div(2));
    expect(logPartition(quadratic, { range: [-8, 8], size: 100 })).toBeCloseTo(
      Math.log(2 * Math.PI),
      4,
    );
  });

  it("do not overflow where the energy is far below 0", () => {
    const deep = (x: tf.Tensor): tf.Tensor1D => tf.tidy(() => energy(x).sub(500));
    expect(logPartition(deep, { range: [-6, 6] })).toBeCloseTo(498, 2);
  });

  it.each([
    { range: [1, 1] as const },
    { range: [0, Infinity] as const },
    { range: [-1, 1] as const, size: 0 },
    { range: [-1, 1] as const, size: 1.5 },
  ])("refuse %o", (options) => {
    expect(() => logPartition(energy, options)).toThrow(RangeError);
  });
});

describe("an activation that can be differentiated more than once", () => {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  /** σ and its first three derivatives. */
  const exact = (x: number): number[] => {
    const s = sigmoid(x);
    const first = s * (1 - s);
    return [s, first, first * (1 - 2 * s), first * (1 - 6 * s + 6 * s * s)];
  };

  it.each([-3, -0.4, 0, 0.7, 5])("has the right derivatives up to the third at x = %s", (at) => {
    const s = exact(at);
    // (x σ)⁽ⁿ⁾ = x σ⁽ⁿ⁾ + n σ⁽ⁿ⁻¹⁾
    const swish = s.map((value, n) => at * value + n * (s[n - 1] ?? 0));
    for (const [f, expected] of [
      [smoothSigmoid, s],
      [smoothSwish, swish],
    ] as const) {
      tf.tidy(() => {
        let derivative: (x: tf.Tensor) => tf.Tensor = f;
        for (const value of expected) {
          expect(derivative(tf.scalar(at)).dataSync()[0]).toBeCloseTo(value, 5);
          derivative = tf.grad(derivative);
        }
      });
    }
  });

  it("multiplies by what comes from above", () => {
    tf.tidy(() => {
      const by = tf.grad((x) => smoothSigmoid(x.mul(3)).mul(2));
      expect(by(tf.tensor1d([0.2])).dataSync()[0]).toBeCloseTo(6 * (exact(0.6)[1] as number), 5);
    });
  });
});

describe("ScoreMlp", () => {
  it("is three linear layers with swish between", () => {
    const net = new ScoreMlp({ dim: 1, width: 2, seed: 3 });
    // Weights and bias of each layer: [2, 1] + [2], [2, 2] + [2], [1, 2] + [1].
    expect(net.parameterCount).toBe(4 + 6 + 3);
    const p = tf.tensor1d([1, -2, 0.5, 0, 1, 2, 3, 4, 0, -1, 2, -1, 0.25]);
    const x = tf.tensor2d([[0.3]]);
    const swish = (a: number): number => a / (1 + Math.exp(-a));
    const [h1, h2] = [swish(1 * 0.3 + 0.5), swish(-2 * 0.3 + 0)];
    const [k1, k2] = [swish(1 * h1 + 2 * h2 + 0), swish(3 * h1 + 4 * h2 - 1)];
    const y = net.apply(p, x);
    expect(y.dataSync()[0]).toBeCloseTo(2 * k1 - 1 * k2 + 0.25, 5);
    net.setVector(p);
    const same = net.score(x);
    expect(same.dataSync()[0]).toBe(y.dataSync()[0]);
    tf.dispose([p, x, y, same]);
    net.dispose();
  });

  it("starts within PyTorch's bounds, alike for the same seed", () => {
    const [a, b, c] = [1, 1, 2].map((seed) => new ScoreMlp({ width: 16, seed }));
    const values = [a, b, c].map((net) => {
      const vector = (net as ScoreMlp).getVector();
      const numbers = Array.from(vector.dataSync());
      vector.dispose();
      (net as ScoreMlp).dispose();
      return numbers;
    });
    expect(values[0]).toEqual(values[1]);
    expect(values[0]).not.toEqual(values[2]);
    const first = (values[0] as number[]).slice(0, 48).map(Math.abs);
    const second = (values[0] as number[]).slice(48, 48 + 272).map(Math.abs);
    expect(Math.max(...first)).toBeLessThanOrEqual(1 / Math.sqrt(2));
    expect(Math.max(...second)).toBeLessThanOrEqual(0.25);
    expect(Math.max(...second)).toBeGreaterThan(0.24);
  });

  it("refuses bad sizes", () => {
    for (const bad of [{ dim: 0 }, { width: 1.5 }, { width: NaN }]) {
      expect(() => new ScoreMlp(bad)).toThrow(RangeError);
    }
    const net = new ScoreMlp({ width: 4 });
    const x = tf.zeros([3, 3]);
    expect(() => net.score(x)).toThrow(/x of shape \[B, 2\]; got \[3, 3\]/);
    x.dispose();
    const [good, vector] = [tf.zeros([3, 2]), tf.tensor1d([1, 2, 3, 4, 5])];
    expect(() => net.apply(vector, good)).toThrow(/got a vector of 5/);
    tf.dispose([good, vector]);
    net.dispose();
  });
});
