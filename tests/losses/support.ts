/**
 * Distributions and scores whose losses can be computed by hand.
 */
import { gaussianMixture, tf } from "../../src";

/** N(0, Σ) in the plane, with correlated coordinates. */
export const covariance = [
  [1.5, 0.6],
  [0.6, 0.8],
] as const;
export const gaussian = gaussianMixture({ means: [[0, 0]], covariances: [covariance] });

/** Three modes that overlap, so that the score is far from linear. */
export const mixture = gaussianMixture({
  means: [
    [-1.5, 0],
    [1.5, 0.5],
    [0, -1.5],
  ],
  stds: [0.7, 0.6, 0.5],
  weights: [0.5, 0.3, 0.2],
});

/** The matrix of a linear score s(x) = −A x; not symmetric, for a trace does not ask for that. */
export const A = [
  [1.2, 0.3],
  [-0.5, 0.7],
] as const;

export function linearScore(matrix: readonly (readonly number[])[]): (x: tf.Tensor) => tf.Tensor {
  return (x) =>
    tf.tidy(() => {
      const transposed = tf.tensor2d(matrix.map((row) => [...row])).transpose();
      return tf.matMul(x as tf.Tensor2D, transposed as tf.Tensor2D).neg();
    });
}

/** tr(Aᵀ A S) / 2 = ½ E‖A x‖² for x of mean 0 and second moments S. */
export function halfMeanSquare(
  matrix: readonly (readonly number[])[],
  moments: readonly (readonly number[])[],
): number {
  let sum = 0;
  for (const row of matrix) {
    for (const [i, a] of row.entries()) {
      for (const [j, b] of row.entries()) sum += (a * b * (moments[i]?.[j] ?? NaN)) / 2;
    }
  }
  return sum;
}

export function inverse(m: readonly (readonly number[])[]): number[][] {
  const [[a = NaN, b = NaN] = [], [c = NaN, d = NaN] = []] = m;
  const det = a * d - b * c;
  return [
    [d / det, -b / det],
    [-c / det, a / det],
  ];
}

export function difference(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number[][] {
  return a.map((row, i) => row.map((value, j) => value - (b[i]?.[j] ?? NaN)));
}

/** The number in a scalar, which is freed. */
export function numberOf(scalar: tf.Tensor): number {
  const value = scalar.dataSync()[0] ?? NaN;
  scalar.dispose();
  return value;
}

/** Mean and its standard error of the numbers in a tensor, which is freed. */
export function meanAndError(values: tf.Tensor): { mean: number; error: number } {
  const numbers = Array.from(values.dataSync());
  values.dispose();
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  return { mean, error: Math.sqrt(variance / numbers.length) };
}
