/** Guidance by a network that knows classes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  classifierFreeGuidance,
  classifyAll,
  loadClassifier,
  loadResidualNet,
  Random,
  sample,
  sdeDpmSolver2m,
  tf,
  type ResidualNet,
} from "../../src";
import { CLASSIFIER } from "../metrics/support";
import { take } from "../support/numbers";

let net: ResidualNet;
let x: tf.Tensor4D;
let t: tf.Tensor1D;
beforeAll(async () => {
  net = await loadResidualNet("pretrained/residual-mnist.safetensors");
  x = new Random(2).normal([3, 28, 28, 1]);
  t = tf.tensor1d([0.2, 0.4, 0.7]);
});
afterAll(() => {
  net.dispose();
  tf.dispose([x, t]);
});

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("classifierFreeGuidance", () => {
  const labels = [4, 4, 7];
  const at = (scale?: number): Float32Array =>
    take(classifierFreeGuidance({ net, labels, scale })(x, t));

  it("is the score of all images at scale 0, the class's at 1, and goes beyond it in a line", () => {
    const [zero, one, three] = [at(0), at(1), at(3)];
    expect(zero).toEqual(take(net.score(x, t)));
    expect(one).toEqual(take(net.scoreOf(labels)(x, t)));
    three.forEach((value, i) => {
      const expected = 3 * (one[i] ?? NaN) - 2 * (zero[i] ?? NaN);
      expect(Math.abs(value - expected)).toBeLessThan(1e-3 + 1e-4 * Math.abs(expected));
    });
    expect(at()).toEqual(at(2));
  });

  it("asks the network twice an evaluation, once at the scales 0 and 1", () => {
    const asked: string[] = [];
    const counting = {
      score: (x: tf.Tensor) => (asked.push("any"), x.clone()),
      scoreOf: () => (x: tf.Tensor) => (asked.push("class"), x.clone()),
    } as unknown as ResidualNet;
    const calls = (scale: number): string[] => {
      asked.length = 0;
      classifierFreeGuidance({ net: counting, labels, scale })(x, t).dispose();
      return [...asked].sort();
    };
    expect(calls(0)).toEqual(["any"]);
    expect(calls(1)).toEqual(["class"]);
    expect(calls(1.5)).toEqual(["any", "class"]);
  });

  it("refuses labels, scales and batches that do not fit", () => {
    const make = (labels: number[], scale?: number) => () =>
      classifierFreeGuidance({ net, labels, scale });
    expect(make([10], 0)).toThrow(/whole numbers from 0 to 9; got 10/);
    expect(make([])).toThrow(/got none/);
    for (const scale of [-1, NaN, Infinity]) expect(make([1], scale)).toThrow(/scale must be/);
    for (const scale of [0, 1, 2]) {
      expect(() => make([1, 2], scale)()(x, t), String(scale)).toThrow(
        /got 2 labels for 3 examples/,
      );
    }
  });
});

describe("guided digits of the shipped network", () => {
  it("are taken for what was asked, at least 95 in 100, by a classifier that had no part in it", async () => {
    const labels = Array.from({ length: 200 }, (_, i) => i % 10);
    const score = classifierFreeGuidance({ net, labels, scale: 1.5 });
    const { sde } = net;
    const x = await sample(
      sdeDpmSolver2m({ sde, score, shape: [200, 28, 28, 1], numSteps: 20, seed: 1 }),
    );
    const judge = await loadClassifier(CLASSIFIER);
    const found = tf.tidy(() =>
      classifyAll(judge, tf.clipByValue<tf.Tensor4D>(x as tf.Tensor4D, 0, 1))
        .logits.argMax(1)
        .dataSync(),
    );
    const right = labels.filter((label, i) => label === found[i]).length;
    expect(right / labels.length).toBeGreaterThanOrEqual(0.95);
    judge.dispose();
    x.dispose();
  });
});
