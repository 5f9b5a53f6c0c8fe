/**
 * Distances between many points at once.
 */
import { tf } from "../engine";

/**
 * Squared Euclidean distances of every row of `a` to every row of `b`: |a|² + |b|² − 2 a·b, one matrix
 * product. It is off by rounding of the size of |a|² + |b|², so rows should lie about 0.
 *
 * @param a `[N, D]`
 * @param b `[M, D]`
 * @returns `[N, M]`, ≥ 0, owned by the caller
 */
export function squaredDistances(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const squares = a.square().sum(1, true).add(b.square().sum(1));
    return squares.sub(tf.matMul(a, b, false, true).mul(2)).relu<tf.Tensor2D>();
  });
}
