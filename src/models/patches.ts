/**
 * Fewer pixels with more channels, and back, without losing a number.
 */
import type { tf } from "../engine";

/** Every 2 × 2 pixels become one: `[B, 2H, 2W, C]` → `[B, H, W, 4C]`. */
export function toPatches(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const [h, w] = [height / 2, width / 2];
  return x
    .reshape([batch, h, 2, w, 2 * channels])
    .transpose([0, 1, 3, 2, 4])
    .reshape([batch, h, w, 4 * channels]);
}

/** The inverse: `[B, H, W, 4C]` → `[B, 2H, 2W, C]`. */
export function toPixels(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, h, w, channels] = x.shape;
  return x
    .reshape([batch, h, w, 2, channels / 2])
    .transpose([0, 1, 3, 2, 4])
    .reshape([batch, 2 * h, 2 * w, channels / 4]);
}
