import { describe, expect, it } from "vitest";
import { ringOfGaussians, swissRoll, twoMoons } from "../../src/data";
import { Random, tf } from "../../src/engine";

/** Points of a tensor, which is disposed. */
function pointsOf(tensor: tf.Tensor2D): [number, number][] {
  const points = tensor.arraySync() as [number, number][];
  tensor.dispose();
  return points;
}

describe("ringOfGaussians", () => {
  it("has its modes on the circle", () => {
    const ring = ringOfGaussians({ modes: 6, radius: 2, std: 0.2 });
    expect(ring.numComponents).toBe(6);
    for (const [x, y] of ring.means) expect(Math.hypot(x!, y!)).toBeCloseTo(2, 12);
    ring.mean().forEach((value) => expect(value).toBeCloseTo(0, 12));
    // radius² / 2 in each direction from the means, std² from each mode.
    expect(ring.covariance()[0]![0]).toBeCloseTo(2 + 0.04, 12);
    expect(ring.covariance()[0]![1]).toBeCloseTo(0, 12);
  });

  it("takes weights, and refuses half a mode", () => {
    expect(ringOfGaussians({ modes: 2, weights: [3, 1] }).weights).toEqual([0.75, 0.25]);
    expect(() => ringOfGaussians({ modes: 2.5 })).toThrow(RangeError);
    expect(() => ringOfGaussians({ modes: 0 })).toThrow(RangeError);
  });
});

describe("swissRoll", () => {
  it("lies on its spiral", () => {
    for (const [x, y] of pointsOf(swissRoll(500, new Random(1), { noiseStd: 0 }))) {
      const theta = Math.hypot(x, y) * 4.5 * Math.PI;
      expect(theta).toBeGreaterThanOrEqual(1.5 * Math.PI - 1e-4);
      expect(theta).toBeLessThanOrEqual(4.5 * Math.PI + 1e-4);
      expect(x).toBeCloseTo((theta * Math.cos(theta)) / (4.5 * Math.PI), 4);
    }
  });
});

describe("twoMoons", () => {
  it("has half of its points on each half circle", () => {
    let lower = 0;
    const points = pointsOf(twoMoons(2000, new Random(1), { noiseStd: 0 }));
    for (const [x, y] of points) {
      const onUpper = Math.abs(Math.hypot(x, y) - 1) < 1e-4 && y >= -1e-4;
      const onLower = Math.abs(Math.hypot(x - 1, y - 0.5) - 1) < 1e-4 && y <= 0.5 + 1e-4;
      expect(onUpper || onLower).toBe(true);
      if (onLower) lower++;
    }
    expect(Math.abs(lower - 1000)).toBeLessThan(112); // five standard deviations
  });
});

describe("the toys", () => {
  it("repeat for the same seed and leave no tensor behind", () => {
    for (const toy of [swissRoll, twoMoons]) {
      const before = tf.memory().numTensors;
      const first = pointsOf(toy(10, new Random(3)));
      expect(pointsOf(toy(10, new Random(3)))).toEqual(first);
      expect(pointsOf(toy(10, new Random(4)))).not.toEqual(first);
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});
