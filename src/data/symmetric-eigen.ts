/**
 * Eigenvalues and eigenvectors of small symmetric matrices.
 */

/** A = V diag(values) Vᵀ with orthonormal columns of V. */
export interface Eigen {
  readonly values: number[];
  /** `vectors[i][j]` is component i of eigenvector j. */
  readonly vectors: number[][];
}

/**
 * Cyclic Jacobi: rotates away one off-diagonal element after another, until none is left (Golub &
 * Van Loan, Matrix Computations, §8.5). Exact to rounding, and short; meant for a few dozen rows.
 *
 * @param matrix n × n, symmetric; only read
 */
export function symmetricEigen(matrix: readonly (readonly number[])[]): Eigen {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j) => Number(i === j)));
  const scale = Math.hypot(...a.flat());
  const offDiagonal = (): number =>
    Math.hypot(0, ...a.flatMap((row, i) => row.filter((_, j) => j !== i)));

  for (let sweep = 0; sweep < 100 && offDiagonal() > 1e-15 * scale; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) rotate(a, vectors, p, q);
    }
  }
  return { values: a.map((row, i) => row[i]!), vectors };
}

/** One rotation A ← JᵀAJ, V ← VJ in the plane (p, q) that makes A[p][q] zero. */
function rotate(a: number[][], vectors: number[][], p: number, q: number): void {
  if (a[p]![q] === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
  const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cos = 1 / Math.hypot(tan, 1);
  const sin = tan * cos;
  for (const rows of [a, vectors]) {
    for (const row of rows) {
      [row[p], row[q]] = [cos * row[p]! - sin * row[q]!, sin * row[p]! + cos * row[q]!];
    }
  }
  const [rowP, rowQ] = [a[p]!, a[q]!];
  for (let k = 0; k < rowP.length; k++) {
    [rowP[k], rowQ[k]] = [cos * rowP[k]! - sin * rowQ[k]!, sin * rowP[k]! + cos * rowQ[k]!];
  }
}
