/**
 * Labelled images, kept as bytes.
 */
import { tf } from "../engine";
import { formatCount } from "./idx";

/** What an `ImageDataset` is made of. */
export interface ImageDatasetInit {
  /** For captions: "MNIST train". */
  readonly name: string;
  /** Where the images came from, for captions. */
  readonly source: string;
  /** Height and width of an image, in pixels. */
  readonly height: number;
  readonly width: number;
  /** `size` × height × width grey levels 0 … 255, one image after another, row by row. */
  readonly pixels: Uint8Array;
  /** One for each image. */
  readonly labels: Uint8Array;
}

/**
 * Grey images with labels. One byte a pixel: MNIST's 60,000 images take 47 MB, where floats would
 * take 188 MB. Floats are made of those that are asked for, when they are asked for.
 */
export class ImageDataset implements ImageDatasetInit {
  readonly name: string;
  readonly source: string;
  /** Number of images. */
  readonly size: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;

  /** @throws RangeError where the numbers of pixels and labels do not fit */
  constructor(init: ImageDatasetInit) {
    const { name, source, height, width, pixels, labels } = init;
    const images = pixels.length / (height * width);
    if (images !== labels.length) {
      throw new RangeError(
        `${name}: every image needs one label; got ${formatCount(images)} images of ` +
          `${height} × ${width} pixels and ${formatCount(labels.length)} labels.`,
      );
    }
    this.name = name;
    this.source = source;
    this.size = labels.length;
    this.height = height;
    this.width = width;
    this.pixels = pixels;
    this.labels = labels;
  }

  /**
   * Images as floats in 0 … 1: grey level / 255.
   *
   * @param indices which, in which order; default all
   * @returns `[N, height, width, 1]`, owned by the caller
   * @throws RangeError for an index outside 0 … size − 1
   */
  images(indices?: ArrayLike<number>): tf.Tensor4D {
    const imageSize = this.height * this.width;
    const count = indices?.length ?? this.size;
    const values = new Float32Array(count * imageSize);
    for (let i = 0; i < count; i++) {
      const from = (indices ? this.checked(indices[i]) : i) * imageSize;
      for (let j = 0; j < imageSize; j++) {
        values[i * imageSize + j] = (this.pixels[from + j] ?? 0) / 255;
      }
    }
    return tf.tensor4d(values, [count, this.height, this.width, 1]);
  }

  /**
   * Labels of some images.
   *
   * @throws RangeError for an index outside 0 … size − 1
   */
  labelsOf(indices: ArrayLike<number>): Uint8Array {
    return Uint8Array.from(
      { length: indices.length },
      (_, i) => this.labels[this.checked(indices[i])] ?? 0,
    );
  }

  /** The first `count` images; the bytes are shared, not copied. */
  take(count: number): ImageDataset {
    return this.slice(0, count);
  }

  /**
   * Images `start` … `end` − 1; the bytes are shared, not copied.
   *
   * @throws RangeError unless 0 ≤ start ≤ end ≤ size
   */
  slice(start: number, end = this.size): ImageDataset {
    const whole = Number.isInteger(start) && Number.isInteger(end);
    if (!whole || start < 0 || end < start || end > this.size) {
      throw new RangeError(
        `${this.name} has ${formatCount(this.size)} images; cannot take ${start} to ${end} of them.`,
      );
    }
    const imageSize = this.height * this.width;
    return new ImageDataset({
      name: this.name,
      source: this.source,
      height: this.height,
      width: this.width,
      pixels: this.pixels.subarray(start * imageSize, end * imageSize),
      labels: this.labels.subarray(start, end),
    });
  }

  private checked(index: number | undefined): number {
    if (index === undefined || !Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new RangeError(
        `${this.name} has images 0 to ${this.size - 1}; there is no image ${index}.`,
      );
    }
    return index;
  }
}
