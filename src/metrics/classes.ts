/**
 * What a classifier's verdicts on samples add up to.
 */
import type { tf } from "../engine";
import { requireRows } from "./features";

/** How sure the verdicts are, and how they are spread over the classes. */
export interface ClassStatistics {
  /** Mean over the samples of the largest probability, 1 / K … 1: samples that are no digit lower it. */
  readonly confidence: number;
  /** The part of the samples whose largest probability is that of class 0, 1, …; sums to 1. */
  readonly shares: readonly number[];
  /** −Σ p ln p of the shares, in nats: ln K where all classes are equally frequent, 0 where there is one. */
  readonly entropy: number;
}

/**
 * Statistics of probabilities, one row a sample.
 *
 * @param probabilities `[N, K]`, N ≥ 1, each row ≥ 0 with sum 1 (to 1e-3): `logits.softmax()`
 * @throws RangeError for anything else
 */
export function classStatistics(probabilities: tf.Tensor2D): ClassStatistics {
  requireRows(probabilities, "probabilities", 1);
  const [rows, classes] = probabilities.shape;
  const values = probabilities.dataSync();
  const counts = new Array<number>(classes).fill(0);
  let confidence = 0;
  for (let i = 0; i < rows; i++) {
    const row = values.subarray(i * classes, (i + 1) * classes);
    requireProbabilities(row, i);
    const largest = Math.max(...row);
    counts[row.indexOf(largest)]! += 1;
    confidence += largest / rows;
  }
  const shares = counts.map((count) => count / rows);
  return { confidence, shares, entropy: entropy(shares) };
}

/** −Σ p ln p in nats, with 0 ln 0 = 0. */
function entropy(shares: readonly number[]): number {
  return shares.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0);
}

function requireProbabilities(row: ArrayLike<number> & Iterable<number>, index: number): void {
  let sum = 0;
  let least = Infinity;
  for (const p of row) {
    sum += p;
    least = Math.min(least, p);
  }
  if (least < 0 || Math.abs(sum - 1) > 1e-3) {
    throw new RangeError(
      `Row ${index} is no probabilities: its least is ${least} and its sum ${sum}. ` +
        "Of logits, take the softmax first.",
    );
  }
}
