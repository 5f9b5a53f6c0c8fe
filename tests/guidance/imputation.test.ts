/** The rest of an image from a part of it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  constantTime,
  exponentialSde,
  impute,
  imputationScore,
  Random,
  sample,
  sdeDpmSolver2m,
  tf,
  variancePreservingSde,
  type Score,
} from "../../src";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const sdes = [exponentialSde(), variancePreservingSde()];

describe.each(sdes)("imputationScore with $name", (sde) => {
  it("is exact where a number is known, and the network's elsewhere", () => {
    tf.tidy(() => {
      const known = tf.tensor2d([
        [1, -2],
        [0.5, 3],
      ]);
      const x = new Random(1).normal([2, 2]);
      const t = constantTime(x, 0.6);
      const score: Score = (x) => x.mul(7);
      const got = imputationScore({ sde, score, known, mask: tf.tensor2d([[1, 0]]) })(x, t);
      const numbers = x.arraySync();
      const [alpha, variance] = [sde.scaleAt(0.6), sde.stdAt(0.6) ** 2];
      const values = got.arraySync() as number[][];
      numbers.forEach((row, i) => {
        const target = (known.arraySync()[i] as number[])[0] as number;
        const exact = (alpha * target - (row[0] as number)) / variance;
        expect((values[i] as number[])[0]).toBeCloseTo(exact, 4);
        expect((values[i] as number[])[1]).toBeCloseTo(7 * (row[1] as number), 4);
      });
    });
  });

  it("asks the network of the state as it is: known and unknown numbers with one level of noise", () => {
    const seen: number[][] = [];
    const score: Score = (x) => {
      seen.push([...x.dataSync()]);
      return tf.zerosLike(x);
    };
    tf.tidy(() => {
      const x = tf.tensor2d([[4, 5]]);
      const mask = tf.tensor2d([[1, 0]]);
      imputationScore({ sde, score, known: tf.zeros([1, 2]), mask })(x, constantTime(x, 0.5));
    });
    expect(seen).toEqual([[4, 5]]);
  });

  it("draws independent numbers by their own density, and brings the known ones home", async () => {
    // Two numbers that know nothing of each other, N(3, 0.5²): here the method is no approximation.
    const [mean, std] = [3, 0.5];
    const score: Score = (x, t) =>
      tf.tidy(() => {
        const time = t.dataSync()[0] as number;
        const alpha = sde.scaleAt(time);
        const variance = (alpha * std) ** 2 + sde.stdAt(time) ** 2;
        return x.sub(alpha * mean).div(-variance);
      });
    const count = 2000;
    const known = tf.fill([count, 2], 1.25);
    const mask = tf.tensor2d([[1, 0]]);
    const guided = imputationScore({ sde, score, known, mask });
    const x = await sample(
      sdeDpmSolver2m({ sde, score: guided, shape: [count, 2], numSteps: 40, seed: 5 }),
    );
    tf.tidy(() => {
      const [first, second] = tf.unstack(x, 1) as [tf.Tensor1D, tf.Tensor1D];
      expect(first.sub(1.25).abs().max().dataSync()[0]).toBeLessThan(0.02);
      const moments = tf.moments(second);
      expect(moments.mean.dataSync()[0]).toBeCloseTo(mean, 1);
      expect(Math.sqrt(moments.variance.dataSync()[0] as number)).toBeCloseTo(std, 1);
    });
    tf.dispose([x, known, mask]);
  });
});

describe("impute", () => {
  it("puts the known numbers in, to the last bit, and leaves the others", () => {
    tf.tidy(() => {
      const known = new Random(1).normal([3, 4, 4, 1]);
      const x = new Random(2).normal([3, 4, 4, 1]);
      const mask = new Random(3).uniform([1, 4, 4, 1], 0, 1).round();
      const [k, v, got] = [known, x, impute(x, { known, mask })].map((each) => each.dataSync());
      const m = mask.dataSync();
      expect(m.some((value) => value === 0) && m.some((value) => value === 1)).toBe(true);
      got?.forEach((value, i) => expect(value).toBe(m[i % 16] ? k?.[i] : v?.[i]));
    });
  });

  it("does not let what is unknown through, were it no number; nor does the score", () => {
    const sde = exponentialSde();
    tf.tidy(() => {
      const known = tf.tensor2d([[NaN, 2]]);
      const x = tf.tensor2d([[5, NaN]]);
      const mask = tf.tensor2d([[0, 1]]);
      expect([...impute(x, { known, mask }).dataSync()]).toEqual([5, 2]);
      const guided = imputationScore({ sde, score: (x) => x.neg(), known, mask });
      expect(guided(tf.tensor2d([[5, 2]]), tf.tensor1d([0.5])).dataSync()[0]).toBe(-5);
    });
  });
});

describe("what is known", () => {
  const sde = exponentialSde();
  const score: Score = (x) => x.neg();

  it("has a mask of its own shape, or of one example", () => {
    tf.tidy(() => {
      const known: tf.Tensor2D = tf.zeros([3, 2]);
      const make = (mask: tf.Tensor) => () => imputationScore({ sde, score, known, mask });
      expect(make(tf.ones([3, 2]))).not.toThrow();
      expect(make(tf.ones([1, 2]))).not.toThrow();
      for (const shape of [[2, 2], [2], [3, 1], [1, 2, 1]]) {
        expect(make(tf.ones(shape))).toThrow(/mask must have the shape of known, \[3, 2\].*got \[/);
      }
      expect(() => impute(known, { known, mask: tf.ones([2, 2]) })).toThrow(RangeError);
    });
  });

  it("is known or not: a mask of other numbers is refused", () => {
    tf.tidy(() => {
      const known: tf.Tensor2D = tf.zeros([1, 2]);
      for (const value of [0.5, -1, NaN, 255]) {
        const mask = tf.tensor2d([[1, value]]);
        const make = () => imputationScore({ sde, score, known, mask });
        expect(make, String(value)).toThrow(`it holds ${value}`);
      }
    });
  });

  it("may be whole numbers, as pixels are in a file", () => {
    tf.tidy(() => {
      const known = tf.tensor2d([[3, 4]], [1, 2], "int32");
      const mask = tf.tensor2d([[1, 0]]);
      const x = tf.tensor2d([[0.5, 0.25]]);
      expect([...impute(x, { known, mask }).dataSync()]).toEqual([3, 0.25]);
      const guided = imputationScore({ sde, score, known, mask })(x, constantTime(x, 0.5));
      expect(guided.dataSync()[0]).toBeCloseTo((3 - 0.5) / sde.stdAt(0.5) ** 2, 4);
    });
  });

  it("is pulled to at times above 0 alone", () => {
    tf.tidy(() => {
      const known: tf.Tensor2D = tf.zeros([1, 2]);
      const guided = imputationScore({ sde, score, known, mask: tf.ones([1, 2]) });
      expect(() => guided(known, constantTime(known, 0))).toThrow(/t must lie in \(0, 1\]; got 0/);
    });
  });

  it("has the shape of the images", () => {
    tf.tidy(() => {
      const known: tf.Tensor2D = tf.zeros([3, 2]);
      const guided = imputationScore({ sde, score, known, mask: tf.ones([1, 2]) });
      const x: tf.Tensor2D = tf.zeros([2, 2]);
      expect(() => guided(x, constantTime(x, 0.5))).toThrow(
        /shape of known, \[3, 2\]; got \[2, 2\]/,
      );
      expect(() => impute(x, { known, mask: tf.ones([1, 2]) })).toThrow(/\[3, 2\].*\[2, 2\]/);
    });
  });
});
