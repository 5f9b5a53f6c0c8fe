import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { precisionRecall, Random, tf, type PrecisionRecallOptions } from "../../src";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

type Rows = number[][];

function measure(
  reference: Rows,
  samples: Rows,
  options: Partial<PrecisionRecallOptions> = {},
): { precision: number; recall: number } {
  const sets = { reference: tf.tensor2d(reference), samples: tf.tensor2d(samples) };
  try {
    return precisionRecall({ ...sets, ...options });
  } finally {
    tf.dispose(sets);
  }
}

/** The definition, without any shortcut, in float64. */
function plain(reference: Rows, samples: Rows, k: number): { precision: number; recall: number } {
  const distance = (a: number[], b: number[]): number =>
    Math.hypot(...a.map((value, i) => value - (b[i] ?? NaN)));
  const share = (points: Rows, centres: Rows): number => {
    const radii = centres.map((centre, i) => {
      const others = centres.filter((_, j) => j !== i).map((other) => distance(centre, other));
      return others.sort((a, b) => a - b)[k - 1] ?? NaN;
    });
    const inside = points.filter((point) =>
      centres.some((centre, i) => distance(point, centre) <= (radii[i] ?? NaN)),
    );
    return inside.length / points.length;
  };
  return { precision: share(samples, reference), recall: share(reference, samples) };
}

/** Points on a line. */
const line = (...values: number[]): Rows => values.map((value) => [value]);

describe("precisionRecall", () => {
  it("is what a few points on a line give on paper", () => {
    // With k = 1: radii of the reference 1, 1, 2 cover [−1, 2] and [1, 5]; those of the samples 0.5, 0.5 and
    // 7 cover [2, 3.5] and [3, 17].
    const expected = { precision: 2 / 3, recall: 1 / 3 };
    expect(measure(line(0, 1, 3), line(2.5, 3, 10), { k: 1 })).toEqual(expected);
  });

  it("counts a point on the edge of a ball as inside", () => {
    expect(measure(line(0, 4), line(8, 12), { k: 1 })).toEqual({ precision: 0.5, recall: 0.5 });
    expect(measure(line(0, 4), line(8.5, 12.5), { k: 1 })).toEqual({ precision: 0, recall: 0 });
  });

  it("is 1 and 1 for equal sets, also with repeated points", () => {
    const set = line(0, 1, 1, 1, 1, 3, 7);
    expect(measure(set, set)).toEqual({ precision: 1, recall: 1 });
  });

  it("tells samples that lack variety from samples that are no digits", () => {
    tf.tidy(() => {
      const random = new Random(3);
      const reference = random.normal([400, 6]);
      const narrow = precisionRecall({ reference, samples: random.normal([400, 6]).mul(0.3) });
      const wide = precisionRecall({ reference, samples: random.normal([400, 6]).mul(3) });
      expect(narrow.precision).toBeGreaterThan(0.95);
      expect(narrow.recall).toBeLessThan(0.3);
      expect(wide.precision).toBeLessThan(0.3);
      expect(wide.recall).toBeGreaterThan(0.95);
    });
  });

  it.each([1, 3, 7])("equals the plain definition with k = %i, whatever the chunks", (k) => {
    const draw = (count: number, seed: number, scale: number): Rows =>
      tf.tidy(() => {
        // Far from 0, where distances by a matrix product would be off by more than they are.
        const drawn = new Random(seed).normal([count, 5]).mul(scale).add(100);
        return drawn.arraySync() as Rows;
      });
    const [reference, samples] = [draw(143, 1, 1), draw(120, 2, 1.4)];
    const expected = plain(reference, samples, k);
    for (const chunkSize of [1000, 50, 7]) {
      expect(measure(reference, samples, { k, chunkSize })).toEqual(expected);
    }
    expect(expected.precision).toBeLessThan(0.99);
    expect(expected.recall).toBeGreaterThan(0.2);
  });

  const three = line(1, 2, 3);
  const four = line(1, 2, 3, 4);
  it.each<[string, Rows, Rows, Partial<PrecisionRecallOptions>, RegExp]>([
    ["k = 0", four, four, { k: 0 }, /k must be a whole number ≥ 1; got 0/],
    ["half a chunk", four, four, { chunkSize: 0.5 }, /chunkSize .* got 0\.5/],
    ["too few real images", three, four, {}, /reference features have 3 rows; at least 4/],
    ["too few samples", four, three, {}, /samples have 3 rows; at least 4/],
    ["different widths", four, four.map((row) => [...row, 0]), {}, /same width; got 1 and 2/],
    ["NaN", four, line(1, 2, 3, NaN), {}, /samples hold NaN/],
  ])("refuses %s", (_, reference, samples, options, message) => {
    expect(() => measure(reference, samples, options)).toThrow(RangeError);
    expect(() => measure(reference, samples, options)).toThrow(message);
  });
});
