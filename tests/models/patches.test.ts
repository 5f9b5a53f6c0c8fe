/** Pixels as channels, and a number as waves. */
import { expect, it } from "vitest";
import { tf } from "../../src";
import { noiseWaves } from "../../src/models/noise-waves";
import { toPatches, toPixels } from "../../src/models/patches";

it("every 2 × 2 pixels become one with their numbers as channels, and come back", () => {
  tf.tidy(() => {
    const x = tf.range(0, 2 * 4 * 6 * 3).reshape<tf.Tensor4D>([2, 4, 6, 3]);
    const patches = toPatches(x);
    expect(patches.shape).toEqual([2, 2, 3, 12]);
    // Rows 2 and 3, columns 4 and 5 of the second image.
    const corner = x.slice([1, 2, 4, 0], [1, 2, 2, 3]).dataSync();
    expect(patches.slice([1, 1, 2, 0], [1, 1, 1, 12]).dataSync()).toEqual(corner);
    expect(toPixels(patches).arraySync()).toEqual(x.arraySync());
  });
});

it("waves are the sines, then the cosines, of a number times 1 … 64", () => {
  tf.tidy(() => {
    const waves = noiseWaves(tf.tensor1d([0.3, -1]), 3).arraySync();
    [0.3, -1].forEach((number, i) => {
      const angles = [1, 8, 64].map((frequency) => number * frequency);
      const expected = [...angles.map(Math.sin), ...angles.map(Math.cos)];
      expected.forEach((value, k) => expect(waves[i]?.[k]).toBeCloseTo(value, 4));
    });
  });
});
