/**
 * Any number of samples, batch after batch.
 */
import { progress, tf, type SamplerOptions, type SamplerStep } from "../src";
import type { NamedSampler } from "./samplers";

/** What to draw, and how. */
export interface DrawOptions extends Omit<SamplerOptions, "shape" | "signal"> {
  sampler: NamedSampler;
  /** Images to draw, and how many of them at a time. */
  count: number;
  batch: number;
  /** For the predictor–corrector sampler. */
  snr?: number;
  seed: number;
}

/** What was drawn, and at what cost. */
export interface Drawn {
  /** `[count, 28, 28, 1]`, owned by the caller. */
  samples: tf.Tensor4D;
  /** Steps and score evaluations (NFE) for a sample; means, where batches differ. */
  numSteps: number;
  nfe: number;
  seconds: number;
}

/**
 * Draws 28 × 28 images, with a bar that shows how far it is.
 *
 * @throws RangeError as the sampler does; Error where it was interrupted
 */
export async function draw(options: DrawOptions): Promise<Drawn> {
  const { count } = options;
  const started = performance.now();
  const batches: tf.Tensor[] = [];
  const sums = { drawn: 0, numSteps: 0, nfe: 0 };
  try {
    for await (const s of progress(batchSteps(options), { label: `sampling ${count} digits` })) {
      if (!s.isLastOfBatch) continue;
      const size = s.x.shape[0] ?? 0;
      batches.push(s.x.clone());
      sums.drawn += size;
      sums.numSteps += size * s.stepsOfBatch;
      sums.nfe += size * s.nfe;
    }
    if (sums.drawn < count) {
      throw new Error(
        `Interrupted after ${sums.drawn} of ${count} digits: there is nothing to measure yet. ` +
          "Fewer digits (--count) or steps (--steps) take less time.",
      );
    }
    return {
      samples: tf.concat(batches) as tf.Tensor4D,
      numSteps: sums.numSteps / count,
      nfe: sums.nfe / count,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    tf.dispose(batches);
  }
}

/** A step of one batch, counted as a step of all. */
interface BatchStep extends SamplerStep {
  readonly isLastOfBatch: boolean;
  readonly stepsOfBatch: number;
}

/** One batch after another as one piece of work. */
async function* batchSteps(options: DrawOptions): AsyncGenerator<BatchStep, void, undefined> {
  const { sampler, count, batch, seed, ...rest } = options;
  const numBatches = Math.ceil(count / batch);
  for (let i = 0; i < numBatches; i++) {
    const shape = [Math.min(batch, count - i * batch), 28, 28, 1];
    for await (const s of sampler({ ...rest, shape, seed: seedOfBatch(seed, i) })) {
      // Some samplers learn only on the way how many steps they take.
      const stepsOfBatch = s.numSteps;
      yield {
        ...s,
        step: i * stepsOfBatch + s.step,
        numSteps: numBatches * stepsOfBatch,
        isLastOfBatch: s.step === stepsOfBatch,
        stepsOfBatch,
      };
    }
  }
}

/** Another seed for each batch, and for each run; the first batch of seed 0 has seed 0. */
function seedOfBatch(seed: number, batch: number): number {
  return (Math.imul(seed, 1_000_003) + batch) | 0;
}
