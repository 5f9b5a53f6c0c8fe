/**
 * The Fréchet distance between two sets of features.
 */
import { covariance, EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { tf } from "../engine";
import { requireRows, requireSameWidth } from "./features";

/** A normal distribution in D dimensions. */
export interface Gaussian {
  /** `[D]` */
  readonly mean: readonly number[];
  /** `[D][D]`, symmetric, with no negative eigenvalue. */
  readonly covariance: readonly (readonly number[])[];
}

/**
 * How far apart two sets of images are (Heusel et al. 2017, "FID" where the features are Inception's): each
 * set's features are taken for normal, and the squared Fréchet distance of the two normals is
 *
 *     ‖μa − μb‖² + tr(Σa + Σb − 2 (Σa Σb)^½).
 *
 * 0 where means and covariances agree; the smaller the better.
 *
 * It is biased upwards: finite sets of the **same** distribution are apart, in expectation by c / N with
 * N the number of rows and c depending on what is measured (Chong & Forsyth 2020). So compare only
 * distances of equal N, and beside what the same number of real images has. From fewer rows than
 * width + 1 the covariance cannot have full rank, and that is refused.
 *
 * @param a `[N, D]`, N ≥ D + 1
 * @param b `[M, D]`, M ≥ D + 1
 * @throws RangeError for fewer rows, different widths, NaN or infinity
 */
export function frechetDistance(a: tf.Tensor2D, b: tf.Tensor2D): number {
  requireSameWidth(a, b);
  return gaussianFrechetDistance(fitGaussian(a), fitGaussian(b));
}

/**
 * Mean and covariance (divided by N − 1, as numpy.cov has it) of rows, in float64.
 *
 * @param features `[N, D]`, N ≥ D + 1
 * @throws RangeError for fewer rows, NaN or infinity
 */
export function fitGaussian(features: tf.Tensor2D): Gaussian {
  const [rows, width] = features.shape;
  requireRows(features, "features", (width ?? 0) + 1);
  const matrix = Matrix.from1DArray(rows, width, Float64Array.from(features.dataSync()));
  return { mean: matrix.mean("column"), covariance: covariance(matrix).to2DArray() };
}

/**
 * The squared Fréchet distance of two normals (Dowson & Landau 1982), also called 2-Wasserstein.
 *
 * @throws RangeError where the sizes do not fit, or for NaN or infinity
 */
export function gaussianFrechetDistance(a: Gaussian, b: Gaussian): number {
  requireGaussians(a, b);
  const [covA, covB] = [a, b].map((g) => new Matrix(g.covariance.map((row) => [...row])));
  const means = a.mean.reduce((sum, mean, i) => sum + (mean - (b.mean[i] ?? NaN)) ** 2, 0);
  const traces = covA!.trace() + covB!.trace();
  // Equal sets may come out below 0, by rounding.
  return Math.max(0, means + traces - 2 * traceOfRoot(covA!, covB!));
}

/**
 * tr (A B)^½ for covariances A and B.
 *
 * A B is not symmetric, and general square roots of a matrix are delicate where it is near singular. But
 * A B has the eigenvalues of A^½ B A^½, which is symmetric, and the trace is the sum of their roots.
 */
function traceOfRoot(a: Matrix, b: Matrix): number {
  const { values, vectors } = symmetricEigen(a);
  const root = vectors.mmul(Matrix.diag(values.map(Math.sqrt))).mmul(vectors.transpose());
  const product = symmetricEigen(root.mmul(b).mmul(root));
  return product.values.reduce((sum, value) => sum + Math.sqrt(value), 0);
}

/** Eigenvalues, what rounding puts below 0 as 0, and eigenvectors as columns. */
function symmetricEigen(matrix: Matrix): { values: number[]; vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  return {
    values: realEigenvalues.map((value) => Math.max(0, value)),
    vectors: eigenvectorMatrix,
  };
}

function requireGaussians(a: Gaussian, b: Gaussian): void {
  const width = a.mean.length;
  const fits = ({ mean, covariance }: Gaussian): boolean =>
    mean.length === width &&
    covariance.length === width &&
    covariance.every((row) => row.length === width);
  if (width < 1 || !fits(a) || !fits(b)) {
    throw new RangeError(
      `Both normals need a mean [D] and a covariance [D][D] of the same D; got means of ` +
        `${width} and ${b.mean.length} numbers, covariances of ${a.covariance.length} and ` +
        `${b.covariance.length} rows.`,
    );
  }
  const numbers = [a, b].flatMap(({ mean, covariance }) => [mean, ...covariance]);
  if (!numbers.every((row) => row.every(Number.isFinite))) {
    throw new RangeError("A mean or covariance holds NaN or infinity.");
  }
}
