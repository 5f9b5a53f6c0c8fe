/**
 * Digits moved about: more training images than there are.
 */
import { tf, type Random } from "../engine";

/**
 * A shift for each image, every one of the (2 · maxShift + 1)² equally likely.
 *
 * @param maxShift largest shift in pixels, a whole number ≥ 0
 * @returns whole numbers −maxShift … maxShift, down and right, `[B, 2]`, owned by the caller
 */
export function drawShifts(batch: number, maxShift: number, random: Random): tf.Tensor2D {
  return tf.tidy(() => random.uniform([batch, 2], -maxShift, maxShift + 1).floor());
}

/**
 * Moves each image by whole pixels; what moves in from outside is background.
 *
 * @param images `[B, H, W, 1]`, with background 0
 * @param shifts pixels down and right, whole numbers, `[B, 2]`
 * @param maxShift at least as large as every shift's size
 * @returns `[B, H, W, 1]`, owned by the caller
 */
export function shiftImages(
  images: tf.Tensor4D,
  shifts: tf.Tensor2D,
  maxShift: number,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width] = images.shape;
    const margin: [number, number] = [maxShift, maxShift];
    const padded = tf.pad(images, [[0, 0], margin, margin, [0, 0]]);
    // A window of the padded image: to move the digit down, the window goes up. Its corners are given
    // as parts of the padded image, 0 its first pixel and 1 its last.
    const corner = shifts.neg().add(maxShift);
    const lengths = tf.tensor1d([height - 1, width - 1]);
    const scale = lengths.add(2 * maxShift);
    const boxes = tf.concat([corner, corner.add(lengths)], 1).div<tf.Tensor2D>(tf.tile(scale, [2]));
    const each = tf.range(0, batch, 1, "int32");
    return tf.image.cropAndResize(padded, boxes, each, [height, width], "nearest");
  });
}
