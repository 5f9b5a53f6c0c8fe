/**
 * An activation that can be differentiated more than once.
 */
import { tf } from "../engine";

/**
 * σ(x) = 1 / (1 + e^(−x)), with derivatives of every order.
 *
 * tfjs's own sigmoid, like its tanh and exp, is right to the first order only: its gradient is computed
 * from the saved output, and the tape does not know that this output depends on x (tensorflow/tfjs
 * #3252). A gradient of a gradient then lacks terms, most often without an error. Here the gradient is
 * computed from x, by this very function.
 */
export const smoothSigmoid: (x: tf.Tensor) => tf.Tensor = tf.customGrad((...args) => {
  const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
  save([x]);
  return {
    value: x.sigmoid(),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const s = smoothSigmoid(saved[0] as tf.Tensor);
      return dy.mul(s).mul(tf.sub(1, s));
    },
  };
});

/** swish(x) = x σ(x) (Ramachandran et al. 2017), with derivatives of every order. */
export function smoothSwish<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => x.mul(smoothSigmoid(x)));
}
