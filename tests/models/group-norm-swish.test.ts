import { describe, expect, it } from "vitest";
import { groupNormSwish, Random, swish, tf } from "../../src";

const CHANNELS = 8;
const SIZE = 5;
const BATCH = 3;

/** swish(GroupNorm(x + d)) as its definition reads: what the fused layer must equal. */
function plain(
  groups: number,
  x: tf.Tensor4D,
  d: tf.Tensor2D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
): tf.Tensor4D {
  const shifted = x.add(d.reshape([BATCH, 1, 1, CHANNELS]));
  const grouped = shifted.reshape([BATCH, SIZE * SIZE, groups, CHANNELS / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  const normal = grouped.sub(mean).div(variance.add(1e-5).sqrt()).reshape(x.shape);
  return swish(normal.mul(gamma).add<tf.Tensor4D>(beta));
}

function inputs(): [tf.Tensor4D, tf.Tensor2D, tf.Tensor1D, tf.Tensor1D] {
  const random = new Random(11);
  return [
    random.normal([BATCH, SIZE, SIZE, CHANNELS]).mul(2).add(0.7),
    random.normal([BATCH, CHANNELS]),
    random.normal([CHANNELS]),
    random.normal([CHANNELS]),
  ];
}

function maxDifference(a: tf.Tensor, b: tf.Tensor): number {
  return a.sub(b).abs().max().dataSync()[0] ?? NaN;
}

describe.each([1, 2, 4, 8])("groupNormSwish with %i groups", (groups) => {
  it("equals the plain form", () => {
    tf.tidy(() => {
      const args = inputs();
      const fused = groupNormSwish(...args, groups);
      expect(maxDifference(fused, plain(groups, ...args))).toBeLessThan(2e-5);
    });
  });

  it("has the plain form's gradients by x, d, γ and β", () => {
    tf.tidy(() => {
      const args = inputs();
      const weights = new Random(12).normal([BATCH, SIZE, SIZE, CHANNELS]);
      const gradients = (f: (...a: ReturnType<typeof inputs>) => tf.Tensor): tf.Tensor[] =>
        tf.grads((...a) =>
          f(...(a as ReturnType<typeof inputs>))
            .mul(weights)
            .sum(),
        )(args);
      const fused = gradients((...a) => groupNormSwish(...a, groups));
      const reference = gradients((...a) => plain(groups, ...a));
      fused.forEach((gradient, i) => {
        expect(gradient.shape).toEqual(reference[i]?.shape);
        expect(maxDifference(gradient, reference[i] as tf.Tensor)).toBeLessThan(1e-4);
      });
    });
  });
});

it("takes a time bias away again where every channel is its own group", () => {
  tf.tidy(() => {
    const [x, d, gamma, beta] = inputs();
    const without = groupNormSwish(x, tf.zerosLike(d), gamma, beta, CHANNELS);
    expect(maxDifference(groupNormSwish(x, d, gamma, beta, CHANNELS), without)).toBeLessThan(1e-5);
  });
});

it("refuses groups that do not divide the channels", () => {
  tf.tidy(() => {
    expect(() => groupNormSwish(...inputs(), 3)).toThrow(/3 groups, 8 channels/);
  });
});
