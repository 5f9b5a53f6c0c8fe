import { describe, expect, it } from "vitest";
import { Random, tf } from "../../src";
import { convTransposeToOneChannel } from "../../src/models/layers";

describe("convTransposeToOneChannel", () => {
  /** What its definition says: one transposed convolution of all the channels. */
  const plain = (inputs: tf.Tensor4D[], filter: tf.Tensor4D): tf.Tensor4D =>
    tf.conv2dTranspose(tf.concat(inputs, 3), filter, [3, 7, 8, 1], 1, "valid");

  it("equals a transposed convolution, and so do its gradients", () => {
    tf.tidy(() => {
      const random = new Random(3);
      const inputs = [random.normal([3, 5, 6, 4]), random.normal([3, 5, 6, 2])];
      const filter = random.normal([3, 3, 1, 6]);
      const weights = random.normal([3, 7, 8, 1]);
      const resultAndGradients = (f: typeof plain): tf.Tensor[] => {
        const weighted = (...[a, b, w]: tf.Tensor[]): tf.Tensor =>
          f([a as tf.Tensor4D, b as tf.Tensor4D], w as tf.Tensor4D)
            .mul(weights)
            .sum();
        return [f(inputs, filter), ...tf.grads(weighted)([...inputs, filter])];
      };
      const expected = resultAndGradients(plain);
      resultAndGradients((x, w) => convTransposeToOneChannel(x, w)).forEach((actual, i) => {
        expect(actual.shape).toEqual(expected[i]?.shape);
        const difference = actual.sub(expected[i] as tf.Tensor);
        expect(difference.abs().max().dataSync()[0]).toBeLessThan(2e-5);
      });
    });
  });
});
