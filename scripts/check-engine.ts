/** One operation on the native engine, and what it ran on, as one line of JSON. */
import { engineInfo, tf } from "../src/engine";

const sum = tf.tidy(
  () =>
    tf
      .matMul(tf.ones([8, 8]), tf.ones([8, 8]))
      .sum()
      .dataSync()[0],
);
if (sum !== 512) throw new Error(`The engine computes wrongly: the sum is ${sum}, not 512.`);
console.log(JSON.stringify(engineInfo()));
