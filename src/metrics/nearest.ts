/**
 * The training image that a sample is most like: is it new, or a copy?
 */
import type { ImageDataset } from "../data";
import { interruptSignal, tf, yieldToEventLoop } from "../engine";
import { squaredDistances } from "./distances";
import { requireFinite } from "./features";

/** For each sample its nearest image. */
export interface NearestImages {
  /** Which of the dataset's images, `[N]`. */
  readonly indices: Uint32Array;
  /** Euclidean distance of the pixels (each in 0 … 1), `[N]`. */
  readonly distances: Float64Array;
}

/** Distances in memory at a time: 64 MB of them. */
const MAX_DISTANCES = 2 ** 24;

/**
 * The nearest image of a dataset for each sample, by the Euclidean distance of the pixels.
 *
 * A network that has learnt its images by heart gives distances near 0; one that has not gives about what
 * images that it never saw have.
 *
 * @param samples `[N, height, width, 1]` of the dataset's size, in 0 … 1
 * @param signal ends the search; default the notebook's Interrupt
 * @throws RangeError for another shape, NaN, infinity or an empty dataset; Error where it was interrupted
 */
export async function nearestImages(
  samples: tf.Tensor4D,
  data: ImageDataset,
  signal: AbortSignal = interruptSignal(),
): Promise<NearestImages> {
  requireComparable(samples, data);
  const count = samples.shape[0];
  const indices = new Uint32Array(count);
  const best = new Float64Array(count).fill(Infinity);
  const flat: tf.Tensor2D = samples.reshape([count, -1]);
  const chunk = Math.max(1, Math.min(5000, Math.floor(MAX_DISTANCES / count)));
  try {
    for (let start = 0; start < data.size; start += chunk) {
      if (signal.aborted) throw new Error(`The search was interrupted after ${start} images.`);
      const found = nearestRows(flat, data.slice(start, Math.min(start + chunk, data.size)));
      found.squares.forEach((square, i) => {
        if (square >= (best[i] ?? 0)) return;
        best[i] = square;
        indices[i] = start + (found.rows[i] ?? 0);
      });
      await yieldToEventLoop();
    }
    return { indices, distances: distancesTo(flat, data, indices) };
  } finally {
    flat.dispose();
  }
}

/** The middle one of the numbers, or the mean of the two in the middle; NaN where there are none. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}

/** Of each sample `[N, D]` the nearest of a few images, and the squared distance to it. */
function nearestRows(
  samples: tf.Tensor2D,
  data: ImageDataset,
): { rows: ArrayLike<number>; squares: Float32Array } {
  const [rowTensor, squareTensor] = tf.tidy(() => {
    const images: tf.Tensor2D = data.images().reshape([data.size, -1]);
    const squares = squaredDistances(samples, images);
    return [squares.argMin(1), squares.min(1)] as [tf.Tensor, tf.Tensor];
  });
  const rows = rowTensor.dataSync();
  const squares = squareTensor.dataSync<"float32">();
  tf.dispose([rowTensor, squareTensor]);
  return { rows, squares };
}

/** Pixel by pixel: the matrix product that found them is off by some 1e-5, and a copy's distance is 0. */
function distancesTo(samples: tf.Tensor2D, data: ImageDataset, indices: Uint32Array): Float64Array {
  const size = data.height * data.width;
  const values = samples.dataSync();
  return Float64Array.from(indices, (index, i) => {
    let sum = 0;
    for (let j = 0; j < size; j++) {
      // Rounded to float32, as the dataset's images are.
      const pixel = Math.fround((data.pixels[index * size + j] ?? NaN) / 255);
      sum += ((values[i * size + j] ?? NaN) - pixel) ** 2;
    }
    return Math.sqrt(sum);
  });
}

function requireComparable(samples: tf.Tensor4D, data: ImageDataset): void {
  const { height, width } = data;
  const [count, ...image] = samples.shape;
  if (count < 1 || String(image) !== String([height, width, 1])) {
    throw new RangeError(
      `The samples must have the shape [N, ${height}, ${width}, 1] of the images of ${data.name}; ` +
        `got [${samples.shape.join(", ")}].`,
    );
  }
  if (data.size === 0) throw new RangeError(`${data.name} has no images.`);
  requireFinite(samples, "samples");
}
