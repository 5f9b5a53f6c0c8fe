import { describe, expect, it } from "vitest";
import { symmetricEigen } from "../../src/data/symmetric-eigen";

/** A symmetric matrix of size n with no pattern to it. */
function matrix(n: number): number[][] {
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => Math.sin(1 + i * j + 3 * (i + j)) + (i === j ? 2 : 0)),
  );
}

describe("symmetricEigen", () => {
  it("takes matrices apart so that they can be put together again", () => {
    const diagonal = [
      [3, 0],
      [0, 1],
    ];
    for (const a of [[[5]], diagonal, matrix(2), matrix(3), matrix(7), matrix(20)]) {
      const before = JSON.stringify(a);
      const { values, vectors } = symmetricEigen(a);
      expect(JSON.stringify(a)).toBe(before);
      a.forEach((row, i) =>
        row.forEach((entry, j) => {
          const rebuilt = values.reduce(
            (sum, v, k) => sum + v * vectors[i]![k]! * vectors[j]![k]!,
            0,
          );
          const inner = vectors.reduce((sum, v) => sum + v[i]! * v[j]!, 0);
          expect(rebuilt).toBeCloseTo(entry, 11);
          expect(inner).toBeCloseTo(Number(i === j), 12);
        }),
      );
    }
  });

  it("finds known eigenvalues", () => {
    const { values } = symmetricEigen([
      [2, 1],
      [1, 2],
    ]);
    expect(values.sort((a, b) => a - b)[0]).toBeCloseTo(1, 14);
    expect(values[1]).toBeCloseTo(3, 14);
  });

  it("copes with zeros", () => {
    expect(
      symmetricEigen([
        [0, 0],
        [0, 0],
      ]).values,
    ).toEqual([0, 0]);
  });
});
