/**
 * Every measure of samples at once.
 */
import type { ImageDataset } from "../data";
import { tf } from "../engine";
import { classStatistics, type ClassStatistics } from "./classes";
import type { DigitClassifier } from "./classifier";
import { FEATURE_WIDTH } from "./classifier-parameters";
import { classifyAll } from "./classify";
import { requireFinite, requireRows } from "./features";
import { frechetDistance } from "./frechet";
import { median, nearestImages } from "./nearest";
import { precisionRecall, type PrecisionRecall } from "./precision-recall";
import { randomSubset } from "./subset";

/** The fewest samples that have a Fréchet distance: one more than the features are wide. */
export const MIN_SAMPLES = FEATURE_WIDTH + 1;

/** What to measure, and with what. All of it stays the caller's. */
export interface EvaluateOptions {
  /** `[N, 28, 28, 1]`, N ≥ 129. What lies outside 0 … 1 is clamped, as a picture of it would be. */
  samples: tf.Tensor4D;
  /** The shipped one, for results that compare: `loadClassifier("pretrained/classifier-mnist.safetensors")`. */
  classifier: DigitClassifier;
  /** Features of real images, `[M, 128]`, M ≥ 129: `classifyAll(classifier, testImages).features`. */
  reference: tf.Tensor2D;
  /** Where given, the samples' distances to the nearest of these are measured too. */
  training?: ImageDataset;
  /** Ends the work. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/** How good samples are. Plain data. */
export interface SampleQuality extends ClassStatistics, PrecisionRecall {
  /** How many samples were measured. */
  readonly count: number;
  /** Fréchet distance of the features to the reference's; 0 is best, and what is good depends on `count`. */
  readonly frechet: number;
  /** Median distance of the pixels to the nearest training image, where asked for. */
  readonly nearest?: number;
}

/**
 * Measures samples against real images that the network has not seen.
 *
 * The Fréchet distance falls with the number of samples, also for perfect ones, about as c / N; precision
 * and recall depend on it too. So compare samplers at equal N, and read each result beside that of the same
 * number of real images: call this with them. With the shipped classifier, 1,000 training images have a
 * distance of 7.4 to the 10,000 test images, 5,000 have 2.7, and all 60,000 still 1.8 (presumably because
 * their writers are others, and because the classifier was trained on them).
 *
 * For precision and recall as many of the reference's rows are taken as there are samples, at random.
 *
 * @throws RangeError for fewer than 129 samples or reference rows, another shape, NaN or infinity; Error
 * where it was interrupted
 */
export async function evaluateSamples(options: EvaluateOptions): Promise<SampleQuality> {
  const { samples, classifier, reference, training, signal } = options;
  requireSamples(samples);
  requireRows(reference, "reference features", MIN_SAMPLES);
  const count = samples.shape[0];
  const tensors = tf.tidy(() => {
    const clamped = tf.clipByValue<tf.Tensor4D>(samples, 0, 1);
    const { features, logits } = classifyAll(classifier, clamped);
    const probabilities: tf.Tensor2D = logits.softmax();
    return { clamped, features, probabilities, part: randomRows(reference, count) };
  });
  const { clamped, features, probabilities, part } = tensors;
  try {
    return {
      count,
      frechet: frechetDistance(features, reference),
      ...classStatistics(probabilities),
      ...precisionRecall({ reference: part, samples: features }),
      ...(training && {
        nearest: median((await nearestImages(clamped, training, signal)).distances),
      }),
    };
  } finally {
    tf.dispose(tensors);
  }
}

function randomRows(rows: tf.Tensor2D, count: number): tf.Tensor2D {
  const indices = Int32Array.from(randomSubset(rows.shape[0], count));
  return tf.tidy(() => rows.gather(tf.tensor1d(indices, "int32")));
}

function requireSamples(samples: tf.Tensor): void {
  const [count = 0, ...image] = samples.shape;
  if (String(image) !== "28,28,1") {
    throw new RangeError(
      `Samples must have the shape [N, 28, 28, 1]; got [${samples.shape.join(", ")}].`,
    );
  }
  if (count < MIN_SAMPLES) {
    throw new RangeError(
      `A Fréchet distance of ${FEATURE_WIDTH} features needs at least ${MIN_SAMPLES} samples, and is ` +
        `worth reading from about 1,000; got ${count}.`,
    );
  }
  requireFinite(samples, "samples");
}
