/**
 * The layers that ScoreNet is made of, except the fused one (see group-norm-swish.ts).
 */
import { tf } from "../engine";

/** y = x Wᵀ + b, with `x` `[B, in]`, `weight` `[out, in]` as in PyTorch, `bias` `[out]`. */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return tf.tidy(() => tf.matMul(x, weight, false, true).add(bias));
}

/** swish(x) = x · sigmoid(x) (Ramachandran et al. 2017). */
export function swish<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => x.mul(x.sigmoid()));
}

/**
 * Gaussian random features of time (Tancik et al. 2020): [sin(2πwt), cos(2πwt)] for fixed random
 * frequencies w. A network reads small differences of t from these far more easily than from t.
 *
 * @param t `[B]`
 * @param frequencies w, `[K]`
 * @returns `[B, 2K]`
 */
export function fourierFeatures(t: tf.Tensor1D, frequencies: tf.Tensor1D): tf.Tensor2D {
  return tf.tidy(() => {
    const angles = t.reshape([-1, 1]).mul<tf.Tensor2D>(frequencies.mul(2 * Math.PI));
    return tf.concat([angles.sin(), angles.cos()], 1);
  });
}

/** A 3 × 3 convolution without padding or bias. `x` `[B, H, W, I]`, `filter` `[3, 3, I, O]`. */
export function conv(x: tf.Tensor4D, filter: tf.Tensor4D, stride: number): tf.Tensor4D {
  return tf.conv2d(x, filter, stride, "valid");
}

/**
 * The transpose of a 3 × 3 convolution of stride 2: it spreads each input pixel over 3 × 3 outputs.
 *
 * @param x `[B, H, W, I]`
 * @param filter `[3, 3, O, I]`
 * @param size height and width of the output. Stride 2 leaves two sizes that shrink to the same
 * input (11 and 12 both give 5), so it has to be said which is meant.
 */
export function convTranspose(x: tf.Tensor4D, filter: tf.Tensor4D, size: number): tf.Tensor4D {
  const outputShape: [number, number, number, number] = [x.shape[0], size, size, filter.shape[2]];
  return tf.conv2dTranspose(x, filter, outputShape, 2, "valid");
}

/**
 * The last layer: the transpose of a 3 × 3 convolution of stride 1 from the channels of several
 * tensors, taken together, down to one channel.
 *
 * Each input pixel contributes w₀₀ … w₂₂ · (its channels) to the 3 × 3 outputs around it. So a matrix
 * product first contracts the channels to nine images, one for each w, and only these are moved to their
 * places and added up: a seventh of the memory traffic of spreading all 64 channels. And as the product is
 * linear, the inputs need not be concatenated.
 *
 * @param inputs each `[B, H, W, Cᵢ]`
 * @param filter `[3, 3, 1, ΣCᵢ]`
 * @returns `[B, H + 2, W + 2, 1]`
 */
export function convTransposeToOneChannel(
  inputs: readonly tf.Tensor4D[],
  filter: tf.Tensor4D,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width] = shapeOf(inputs);
    const channels = inputs.map((x) => x.shape[3]);
    const filters = tf.split(filter.reshape([9, filter.shape[3]]), channels, 1);
    const images = tf.addN(
      inputs.map((x, i) =>
        tf.matMul(filters[i] as tf.Tensor2D, x.reshape([-1, x.shape[3]]), false, true),
      ),
    );
    const placed = tf.unstack(images.reshape([9, batch, height, width])).map((image, k) => {
      const [down, right] = [Math.floor(k / 3), k % 3];
      return tf.pad(image, [
        [0, 0],
        [down, 2 - down],
        [right, 2 - right],
      ]);
    });
    return tf.addN(placed).reshape([batch, height + 2, width + 2, 1]);
  });
}

function shapeOf(inputs: readonly tf.Tensor4D[]): [number, number, number, number] {
  const first = inputs[0];
  if (!first) throw new RangeError("convTransposeToOneChannel needs at least one input.");
  return first.shape;
}
