/**
 * A classifier on more images than one batch can hold.
 */
import type { ImageDataset } from "../data";
import { tf } from "../engine";
import type { Classification, DigitClassifier } from "./classifier";

/** A chunk's largest feature map, 24 × 24 × 32, then takes 37 MB. */
const CHUNK = 500;

/**
 * Features and logits of any number of images.
 *
 * @param images `[N, 28, 28, 1]` in 0 … 1, or a dataset
 * @returns `[N, 128]` and `[N, 10]`, owned by the caller
 * @throws RangeError where there are no images, or images of another size
 */
export function classifyAll(
  classifier: DigitClassifier,
  images: tf.Tensor4D | ImageDataset,
): Classification {
  const size = images instanceof tf.Tensor ? images.shape[0] : images.size;
  if (size === 0) throw new RangeError("There are no images to classify.");
  return tf.tidy(() => {
    const parts: Classification[] = [];
    for (let start = 0; start < size; start += CHUNK) {
      const end = Math.min(start + CHUNK, size);
      parts.push(tf.tidy(() => ({ ...classifier.classify(chunkOf(images, start, end)) })));
    }
    return {
      features: tf.concat2d(
        parts.map((part) => part.features),
        0,
      ),
      logits: tf.concat2d(
        parts.map((part) => part.logits),
        0,
      ),
    };
  });
}

function chunkOf(images: tf.Tensor4D | ImageDataset, start: number, end: number): tf.Tensor4D {
  if (images instanceof tf.Tensor) return images.slice(start, end - start);
  return images.slice(start, end).images();
}

/** The part of a dataset's images whose largest logit is that of their label, 0 … 1. */
export function accuracy(classifier: DigitClassifier, data: ImageDataset): number {
  const digits = tf.tidy(() => classifyAll(classifier, data).logits.argMax(1));
  const values = digits.dataSync();
  digits.dispose();
  const right = data.labels.filter((label, i) => label === values[i]).length;
  return right / data.size;
}
