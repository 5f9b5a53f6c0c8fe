import { describe, expect, it } from "vitest";
import { classStatistics, tf, type ClassStatistics } from "../../src";

function statistics(rows: number[][]): ClassStatistics {
  const probabilities = tf.tensor2d(rows);
  try {
    return classStatistics(probabilities);
  } finally {
    probabilities.dispose();
  }
}

describe("classStatistics", () => {
  it("are mean confidence, shares of the largest and their entropy", () => {
    const { confidence, shares, entropy } = statistics([
      [0.5, 0.25, 0.25],
      [0.125, 0.875, 0],
      [0.75, 0, 0.25],
      [1, 0, 0],
    ]);
    expect(confidence).toBeCloseTo((0.5 + 0.875 + 0.75 + 1) / 4, 12);
    expect(shares).toEqual([0.75, 0.25, 0]);
    expect(entropy).toBeCloseTo(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25), 12);
  });

  it("have entropy ln K for equal shares and 0 for one class", () => {
    const oneHot = Array.from({ length: 10 }, (_, i) =>
      Array.from({ length: 10 }, (_, j) => Number(i === j)),
    );
    expect(statistics(oneHot).entropy).toBeCloseTo(Math.log(10), 12);
    expect(statistics(oneHot.slice(3, 4)).entropy).toBe(0);
  });

  it.each<[string, number[][], RegExp]>([
    [
      "logits",
      [
        [0.5, 0.5],
        [-3, 4],
      ],
      /Row 1 is no probabilities.*softmax/,
    ],
    ["a row with another sum", [[0.5, 0.6]], /its sum 1\.1/],
    ["NaN", [[NaN, 1]], /NaN or infinity/],
  ])("refuse %s", (_, rows, message) => {
    expect(() => statistics(rows)).toThrow(RangeError);
    expect(() => statistics(rows)).toThrow(message);
  });

  it("refuse no rows", () => {
    tf.tidy(() => {
      expect(() => classStatistics(tf.zeros([0, 10]))).toThrow(/0 rows; at least 1/);
    });
  });
});
