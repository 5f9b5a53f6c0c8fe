/**
 * How a network is told the noise level.
 */
import { tf } from "../engine";

/**
 * Sines and cosines of a number at frequencies from 1 to 64, evenly spaced in their logarithm. For ¼ ln σ the
 * slowest covers all noise levels within one wave, the fastest has a wave in every factor of 1.5; a network
 * reads both large and small differences from them.
 *
 * @param noise `[B]`
 * @param count how many frequencies, ≥ 2
 * @returns `[B, 2 · count]`
 */
export function noiseWaves(noise: tf.Tensor1D, count: number): tf.Tensor2D {
  const frequencies = Array.from({ length: count }, (_, i) => 64 ** (i / (count - 1)));
  const angles = noise.reshape([-1, 1]).mul<tf.Tensor2D>(tf.tensor1d(frequencies));
  return tf.concat([angles.sin(), angles.cos()], 1);
}
