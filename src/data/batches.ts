/**
 * A dataset in shuffled batches.
 */
import { Random, type tf } from "../engine";
import type { ImageDataset } from "./dataset";

/** Part of an epoch. */
export interface Batch {
  /** `[N, height, width, 1]` in 0 … 1; the consumer of the generator owns and disposes it. */
  readonly images: tf.Tensor4D;
  /** `[N]` */
  readonly labels: Uint8Array;
  /** `[N]`: which of the dataset's images these are. */
  readonly indices: Uint32Array;
  /** Which batch of its epoch, from 0. */
  readonly index: number;
}

/** How to cut a dataset into batches. */
export interface BatchOptions {
  /** Images a batch; the last batch of an epoch has what is left. */
  readonly batchSize: number;
  /** A whole number; the same seed gives the same batches on every machine. */
  readonly seed: number;
  /** Each epoch has an order of its own. */
  readonly epoch?: number;
  /** Batch to start at: what a resumed training has left of its epoch. */
  readonly from?: number;
}

/** Training draws its noise from the same seed; this makes the order's stream another one. */
const SHUFFLE_STREAM = 0x5eed5;

/** Number of batches in an epoch, the short last one included. */
export function numBatches(dataset: ImageDataset, batchSize: number): number {
  requireWhole("batchSize", batchSize, 1, Infinity);
  return Math.ceil(dataset.size / batchSize);
}

/**
 * One epoch: every image once, in an order that depends on (seed, epoch) alone. So an epoch can be
 * resumed at any batch, and a different batch size cuts the same order.
 *
 * @throws RangeError for a `batchSize` < 1, a negative `epoch`, a `from` beyond the last batch, or
 * anything that is not a whole number; at the call, not at the first batch
 */
export function batches(dataset: ImageDataset, options: BatchOptions): Generator<Batch, void> {
  const { batchSize, seed, epoch = 0, from = 0 } = options;
  const count = numBatches(dataset, batchSize);
  requireWhole("seed", seed, -(2 ** 31), 2 ** 31 - 1);
  requireWhole("epoch", epoch, 0, 2 ** 31 - 1);
  requireWhole("from", from, 0, count);
  return cut(dataset, new Random(seed ^ SHUFFLE_STREAM, epoch), batchSize, from);
}

function* cut(
  dataset: ImageDataset,
  random: Random,
  batchSize: number,
  from: number,
): Generator<Batch, void> {
  const order = random.permutation(dataset.size);
  for (let index = from; index * batchSize < dataset.size; index++) {
    const indices = order.slice(index * batchSize, (index + 1) * batchSize);
    yield { images: dataset.images(indices), labels: dataset.labelsOf(indices), indices, index };
  }
}

function requireWhole(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    const range = high === Infinity ? `of at least ${low}` : `from ${low} to ${high}`;
    throw new RangeError(`batches: ${name} must be a whole number ${range}; got ${value}.`);
  }
}
