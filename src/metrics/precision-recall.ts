/**
 * Are samples like real images, and do they cover them all? Two numbers where a distance is one.
 */
import { tf } from "../engine";
import { squaredDistances } from "./distances";
import { requireRows, requireSameWidth } from "./features";

/** What to compare. */
export interface PrecisionRecallOptions {
  /** Features of real images, `[M, D]`. */
  reference: tf.Tensor2D;
  /** Features of samples, `[N, D]`; as many as of real images, or the two numbers mean different things. */
  samples: tf.Tensor2D;
  /** Which neighbour sets a ball's radius, a whole number ≥ 1. Default 3, as in the paper. */
  k?: number;
  /** Rows whose distances to all others are in memory at a time. Default 1000. */
  chunkSize?: number;
}

/** Both in 0 … 1. */
export interface PrecisionRecall {
  /** The part of the samples that lies where real images are: fidelity. */
  readonly precision: number;
  /** The part of the real images that lies where samples are: variety. */
  readonly recall: number;
}

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019). Where a set of points is, is estimated as the
 * union of balls around each, reaching to its k-th nearest neighbour in the set.
 *
 * Both depend on the numbers of points: compare only results of equal numbers. And read them together: samples
 * that all lie at one place, far from any digit, may lie in the wide ball of one outlier (uniform noise does,
 * for the shipped classifier); precision is then near 1, and recall near 0.
 *
 * @throws RangeError for k or chunkSize out of range, not more than k rows, different widths, NaN or infinity
 */
export function precisionRecall(options: PrecisionRecallOptions): PrecisionRecall {
  const { reference, samples, k = 3, chunkSize = 1000 } = options;
  for (const [name, value] of Object.entries({ k, chunkSize })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number ≥ 1; got ${value}.`);
    }
  }
  // A point has no k-th neighbour where there are only k points with it.
  requireRows(reference, "reference features", k + 1);
  requireRows(samples, "features of the samples", k + 1);
  requireSameWidth(reference, samples);
  const counts = tf.tidy(() => {
    // Distances stay the same; rounding is least about 0.
    const centre = reference.mean(0);
    const [real, drawn]: tf.Tensor2D[] = [reference.sub(centre), samples.sub(centre)];
    return tf.stack([
      countInBalls(drawn!, real!, k, chunkSize),
      countInBalls(real!, drawn!, k, chunkSize),
    ]);
  });
  const [precise = NaN, recalled = NaN] = counts.dataSync();
  counts.dispose();
  return { precision: precise / samples.shape[0], recall: recalled / reference.shape[0] };
}

/** How many of `points` `[N, D]` lie in a ball around one of `centres` `[M, D]`. Scalar. */
function countInBalls(
  points: tf.Tensor2D,
  centres: tf.Tensor2D,
  k: number,
  chunkSize: number,
): tf.Tensor {
  const radii = inChunks(centres, chunkSize, (chunk) => {
    // Every point is its own nearest, at distance 0: the k-th other one is the (k + 1)-th.
    const { values } = tf.topk(squaredDistances(chunk, centres).neg(), k + 1);
    return values.slice([0, k], [-1, 1]).neg().flatten();
  });
  const inside = inChunks(points, chunkSize, (chunk) =>
    squaredDistances(chunk, centres).lessEqual(radii).any(1).toFloat(),
  );
  return inside.sum();
}

/** `f` of every chunk of rows, joined. */
function inChunks(
  rows: tf.Tensor2D,
  chunkSize: number,
  f: (chunk: tf.Tensor2D) => tf.Tensor,
): tf.Tensor {
  const results: tf.Tensor[] = [];
  for (let start = 0; start < rows.shape[0]; start += chunkSize) {
    const size = Math.min(chunkSize, rows.shape[0] - start);
    results.push(tf.tidy(() => f(rows.slice(start, size))));
  }
  return tf.concat(results);
}
