/** Guidance by a classifier that reads through noise, and that classifier. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  classifierGuidance,
  constantTime,
  exponentialSde,
  loadNoiseClassifier,
  loadResidualNet,
  NoiseClassifier,
  noiseAccuracy,
  Random,
  readSafetensors,
  saveNoiseClassifier,
  tf,
  trainNoiseClassifier,
  variancePreservingSde,
  writeSafetensors,
  type Score,
} from "../../src";
import { digits } from "../metrics/support";
import { take } from "../support/numbers";

const SHIPPED = "pretrained/noise-classifier-mnist.safetensors";
const sde = exponentialSde();

let folder: string;
let classifier: NoiseClassifier;
let x: tf.Tensor4D;
let t: tf.Tensor1D;
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "noise-classifier-"));
  classifier = await loadNoiseClassifier(SHIPPED);
  x = new Random(2).normal([3, 28, 28, 1]);
  t = tf.tensor1d([0.2, 0.4, 0.7]);
});
afterAll(() => {
  classifier.dispose();
  tf.dispose([x, t]);
  fs.rmSync(folder, { recursive: true, force: true });
});

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const nothing: Score = (x) => tf.zerosLike(x);

describe("classifierGuidance", () => {
  it("adds the slope of log p(y | x): a step along it changes the probability as it says", () => {
    const labels = [3, 0, 8];
    const guided = classifierGuidance({ score: nothing, classifier, labels });
    const logProbability = (x: tf.Tensor): number[] =>
      tf.tidy(() => {
        const logs = tf.logSoftmax(classifier.logits(x, t)).arraySync();
        return labels.map((label, i) => logs[i]?.[label] ?? NaN);
      });
    tf.tidy(() => {
      const direction = new Random(7).normal([3, 28, 28, 1]);
      const slope = guided(x, t).mul(direction).sum([1, 2, 3]).dataSync();
      const h = 2e-3;
      const after = logProbability(x.add(direction.mul(h)));
      const before = logProbability(x.sub(direction.mul(h)));
      slope.forEach((value, i) => {
        const measured = ((after[i] ?? NaN) - (before[i] ?? NaN)) / (2 * h);
        expect(Math.abs(measured - value)).toBeLessThan(0.02 * Math.max(1, Math.abs(measured)));
        expect(Math.abs(value)).toBeGreaterThan(1e-2);
      });
    });
  });

  it("is the score alone at scale 0, and goes linearly with the scale", () => {
    const score: Score = (x) => x.mul(-2);
    const at = (scale?: number): Float32Array =>
      take(classifierGuidance({ score, classifier, labels: [1, 2, 3], scale })(x, t));
    const [zero, one, three, usual] = [at(0), at(1), at(3), at()];
    const plain = take(score(x, t));
    expect(zero).toEqual(plain);
    expect(usual).toEqual(one);
    three.forEach((value, i) => {
      const expected = 3 * (one[i] ?? NaN) - 2 * (plain[i] ?? NaN);
      expect(Math.abs(value - expected)).toBeLessThan(1e-3 + 1e-3 * Math.abs(expected));
    });
  });

  it("follows the classifier's numbers when they change", () => {
    const other = new NoiseClassifier({ sde, seed: 5 });
    const guided = classifierGuidance({ score: nothing, classifier: other, labels: [1, 2, 3] });
    const before = take(guided(x, t));
    tf.tidy(() => other.setVector(classifier.getVector()));
    const after = take(guided(x, t));
    expect(after).not.toEqual(before);
    expect(after).toEqual(
      take(classifierGuidance({ score: nothing, classifier, labels: [1, 2, 3] })(x, t)),
    );
    other.dispose();
  });

  it("has no second derivative to be wrong: a gradient through it is refused", () => {
    const guided = classifierGuidance({ score: nothing, classifier, labels: [1, 2, 3] });
    const gradient = tf.grad((y: tf.Tensor) => guided(y, t).sum());
    expect(() => tf.tidy(() => gradient(x))).toThrow(/cannot be differentiated again/);
  });

  it("refuses labels, scales and batches that do not fit", () => {
    const make = (labels: number[], scale?: number) => () =>
      classifierGuidance({ score: nothing, classifier, labels, scale });
    expect(make([10])).toThrow(/whole numbers from 0 to 9; got 10/);
    expect(make([])).toThrow(/got none/);
    expect(make(new Array<number>(3))).toThrow(/got undefined/);
    for (const scale of [-1, NaN, Infinity]) expect(make([1], scale)).toThrow(/scale must be/);
    expect(() => make([1, 2])()(x, t)).toThrow(/got 2 labels for 3 examples/);
    const wide: tf.Tensor4D = tf.zeros([3, 32, 32, 1]);
    expect(() => make([1, 2, 3])()(wide, t)).toThrow(/NoiseClassifier takes x of shape/);
    const zero: tf.Tensor1D = tf.zeros([3]);
    expect(() => make([1, 2, 3])()(x, zero)).toThrow(/t must lie in \(0, 1\]; got 0/);
    tf.dispose([wide, zero]);
  });
});

describe("the shipped noise classifier", () => {
  it("reads digits that it has not seen: most at little noise, few where none are left", () => {
    const seen = digits("test");
    const at = (sigma: number): number => noiseAccuracy(classifier, seen, sigma);
    expect(at(0.05)).toBeGreaterThan(0.97);
    expect(at(0.3)).toBeGreaterThan(0.96);
    expect(at(1)).toBeGreaterThan(0.8);
    expect(at(9)).toBeLessThan(0.3);
  });

  it("judges by the noise level alone, so that it serves for any SDE", () => {
    const vp = new NoiseClassifier({ sde: variancePreservingSde() });
    tf.tidy(() => vp.setVector(classifier.getVector()));
    const [one, other] = [classifier, vp].map((each) =>
      take(
        tf.tidy(() => {
          const time = each.sde.timeAt(0.5);
          const xt = x.mul(each.sde.scaleAt(time));
          return each.logits(xt, constantTime(xt, time));
        }),
      ),
    );
    one?.forEach((value, i) => expect(other?.[i]).toBeCloseTo(value, 2));
    vp.dispose();
  });
});

describe("a file", () => {
  it("gives the classifier back exactly, with its SDE", async () => {
    const file = path.join(folder, "vp.safetensors");
    const vp = new NoiseClassifier({ sde: variancePreservingSde({ betaMax: 12 }), seed: 3 });
    await saveNoiseClassifier(file, vp, { note: "kept" });
    const loaded = await loadNoiseClassifier(file);
    expect(take(loaded.logits(x, t))).toEqual(take(vp.logits(x, t)));
    expect(loaded.sde.parameters).toEqual(vp.sde.parameters);
    expect((await readSafetensors(file)).metadata["note"]).toBe("kept");
    [vp, loaded].forEach((each) => each.dispose());
  });

  it("of another network, or a damaged one, is refused by name, and nothing is left in memory", async () => {
    await expect(loadNoiseClassifier("pretrained/scorenet-mnist.safetensors")).rejects.toThrow(
      /scorenet-mnist.*no tensor/,
    );
    await expect(loadNoiseClassifier(path.join(folder, "no.safetensors"))).rejects.toThrow(
      /no\.saf/,
    );
    const { tensors, metadata } = await readSafetensors(SHIPPED);
    const file = path.join(folder, "damaged.safetensors");
    await writeSafetensors(file, { tensors, metadata: { ...metadata, sde: "mine" } });
    await expect(loadNoiseClassifier(file)).rejects.toThrow(/damaged.safetensors.*"mine"/);
  });
});

describe("trainNoiseClassifier", () => {
  it("learns to read digits through noise, the same way each time, and keeps no tensor", async () => {
    const data = digits("train").slice(0, 512);
    const train = async (): Promise<[losses: number[], numbers: Float32Array]> => {
      const fresh = new NoiseClassifier({ sde, seed: 1 });
      const losses: number[] = [];
      const recipe = { batchSize: 64, learningRate: { peak: 3e-3, warmupSteps: 5, final: 0.1 } };
      for await (const { loss } of trainNoiseClassifier({
        classifier: fresh,
        data,
        epochs: 5,
        recipe,
      })) {
        losses.push(loss);
      }
      const numbers = take(fresh.getVector());
      fresh.dispose();
      return [losses, numbers];
    };
    const [losses, numbers] = await train();
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(losses).toHaveLength(40);
    expect(mean(losses.slice(-8))).toBeLessThan(0.75 * mean(losses.slice(0, 8)));
    expect((await train())[1]).toEqual(numbers);
  });

  it("refuses epochs, noise levels and data that cannot be", async () => {
    const data = digits("train").slice(0, 8);
    const start = (options: object): Promise<unknown> =>
      trainNoiseClassifier({ classifier, data, epochs: 1, ...options }).next();
    await expect(start({ epochs: 0 })).rejects.toThrow(/epochs/);
    await expect(start({ recipe: { batchSize: 0 } })).rejects.toThrow(RangeError);
    for (const eps of [2, 1, 0, -0.5, NaN]) {
      await expect(start({ recipe: { eps } })).rejects.toThrow(/eps must lie in \(0, 1\); got/);
    }
    await expect(start({ recipe: { noiseLevels: { logMean: 0, logStd: -1 } } })).rejects.toThrow(
      /logStd/,
    );
    await expect(start({ data: data.slice(0, 0) })).rejects.toThrow(RangeError);
  });
});

describe("all together", () => {
  it("pulls the shipped network's digits towards the asked class", async () => {
    const net = await loadResidualNet("pretrained/residual-mnist.safetensors");
    const labels = Array.from({ length: 10 }, (_, i) => i);
    tf.tidy(() => {
      // One step from noise of σ = 2 to the clean image, of which the classifier thinks what it thinks.
      const time = sde.timeAt(2);
      const noisy = new Random(3).normal([10, 28, 28, 1]).mul<tf.Tensor4D>(2);
      const clean = (score: Score): tf.Tensor =>
        noisy.add(score(noisy, constantTime(noisy, time)).mul(sde.stdAt(time) ** 2));
      const asked = (score: Score): number => {
        const image = clean(score);
        const logits = classifier.logits(image, constantTime(image, sde.timeAt(0.3)));
        const logs = tf.logSoftmax(logits).arraySync();
        return labels.reduce((sum, label) => sum + (logs[label]?.[label] ?? NaN), 0) / 10;
      };
      const [free, guided] = [0, 2].map((scale) =>
        asked(classifierGuidance({ score: net.score, classifier, labels, scale })),
      ) as [number, number];
      expect(guided).toBeGreaterThan(free + 0.5);
    });
    net.dispose();
  });
});
