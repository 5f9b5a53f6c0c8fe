import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  accuracy,
  classifyAll,
  DigitClassifier,
  ImageDataset,
  loadClassifier,
  loadScoreNet,
  Random,
  readSafetensors,
  SafetensorsError,
  saveClassifier,
  tf,
  trainClassifier,
  writeSafetensors,
  type ClassifierRecipe,
  type ClassifierStep,
  type StoredTensor,
} from "../../src";
import { drawShifts, shiftImages } from "../../src/metrics/shift";
import { expectSameNumbers, take } from "../support/numbers";
import { CLASSIFIER, digits, mnistIfThere } from "./support";

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "classifier-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

let mnist: ImageDataset | undefined;
beforeAll(async () => {
  mnist = await mnistIfThere("test");
});

describe("the shipped classifier", () => {
  let shipped: DigitClassifier;
  beforeEach(async () => {
    shipped = await loadClassifier(CLASSIFIER);
  });
  afterEach(() => {
    shipped.dispose();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it("reads at least 99 % of the digits that are always there", () => {
    expect(accuracy(shipped, digits("test"))).toBeGreaterThanOrEqual(0.99);
  });

  it("reads MNIST's 10,000 test images as well as its file says", async (context) => {
    if (!mnist) return context.skip();
    const { metadata } = await readSafetensors(CLASSIFIER);
    const right = accuracy(shipped, mnist);
    expect(right).toBeGreaterThanOrEqual(0.992);
    // Another machine's rounding may tip an image or two.
    expect(Math.abs(right - parseFloat(metadata["accuracy"] ?? ""))).toBeLessThan(5e-4);
  });

  it("has features ≥ 0, of which more than half are of use", () => {
    const { features, logits } = classifyAll(shipped, digits("test").take(600));
    expect(features.shape).toEqual([600, 128]);
    expect(logits.shape).toEqual([600, 10]);
    const [smallest, largest] = tf.tidy(() => [
      features.min().dataSync(),
      features.max(0).dataSync(),
    ]);
    expect(smallest[0]).toBeGreaterThanOrEqual(0);
    expect(largest.filter((value) => value > 0).length).toBeGreaterThan(64);
    tf.dispose([features, logits]);
  });

  it("gives a tensor of images in chunks what it gives a dataset, and each image by itself", () => {
    const data = digits("test").take(503);
    tf.tidy(() => {
      const all = classifyAll(shipped, data.images()).features;
      const same = classifyAll(shipped, data).features;
      expect(all.sub(same).abs().max().dataSync()[0]).toBe(0);
      const last = shipped.features(data.images([502]));
      expect(all.slice(502, 1).sub(last).abs().max().dataSync()[0]).toBeLessThan(1e-4);
    });
  });

  it("is under 5 MB", () => {
    expect(fs.statSync(CLASSIFIER).size).toBeLessThan(5e6);
  });
});

describe("DigitClassifier", () => {
  it("starts the same from the same seed, and otherwise from another", () => {
    const vectorOf = (seed: number): Float32Array => {
      const classifier = new DigitClassifier({ seed });
      const vector = take(classifier.getVector());
      classifier.dispose();
      return vector;
    };
    expectSameNumbers(vectorOf(1), vectorOf(1));
    expect(vectorOf(2).slice(0, 50)).not.toEqual(vectorOf(1).slice(0, 50));
  });

  it("gives the same features and logits apart as together, as a graph and operation by operation", () => {
    const classifier = new DigitClassifier({ seed: 4 });
    tf.tidy(() => {
      const x = digits("test").take(5).images();
      const { features, logits } = classifier.classify(x);
      const plain = classifier.apply(classifier.getVector(), x);
      const off = (a: tf.Tensor, b: tf.Tensor): number => a.sub(b).abs().max().dataSync()[0] ?? NaN;
      expect(off(classifier.features(x), features)).toBe(0);
      expect(off(classifier.logits(x), logits)).toBe(0);
      expect(off(plain.features, features)).toBeLessThan(1e-5);
      expect(off(plain.logits, logits)).toBeLessThan(1e-5);
      expect([features.shape, logits.shape]).toEqual([
        [5, 128],
        [5, 10],
      ]);
    });
    classifier.dispose();
  });

  it("refuses images of another shape", () => {
    const classifier = new DigitClassifier();
    tf.tidy(() => {
      expect(() => classifier.classify(tf.zeros([2, 32, 32, 1]))).toThrow(RangeError);
      expect(() => classifier.features(tf.zeros([28, 28, 1]))).toThrow(/got \[28, 28, 1\]/);
      expect(() => classifyAll(classifier, tf.zeros([0, 28, 28, 1]))).toThrow(/no images/);
    });
    classifier.dispose();
  });
});

describe("a classifier's file", () => {
  it("brings the numbers back exactly, and the metadata", async () => {
    const file = path.join(folder, "new.safetensors");
    const classifier = new DigitClassifier({ seed: 6 });
    await saveClassifier(file, classifier, { recipe: "none" });
    const loaded = await loadClassifier(file);
    expectSameNumbers(take(loaded.getVector()), take(classifier.getVector()));
    classifier.dispose();
    loaded.dispose();
    const { metadata, tensors } = await readSafetensors(file);
    expect(metadata).toEqual({ recipe: "none" });
    expect(tensors.get("conv2.weight")?.shape).toEqual([64, 32, 5, 5]);
  });

  it("of another network is refused by name", async () => {
    const scoreNet = "pretrained/scorenet-mnist.safetensors";
    const failure: unknown = await loadClassifier(scoreNet).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(SafetensorsError);
    expect((failure as Error).message).toMatch(/no tensor "conv1.bias".*classifier-mnist/);
    await expect(loadScoreNet(CLASSIFIER)).rejects.toThrow(SafetensorsError);
  });

  it("that is absent, misshapen or holds NaN is refused, and why is said", async () => {
    await expect(loadClassifier(path.join(folder, "absent"))).rejects.toThrow(/Could not read/);
    const { tensors } = await readSafetensors(CLASSIFIER);
    const spoilt = async (name: string, tensor: StoredTensor): Promise<unknown> => {
      const file = path.join(folder, "spoilt.safetensors");
      await writeSafetensors(file, {
        tensors: new Map([...tensors, [name, tensor]]),
        metadata: {},
      });
      return loadClassifier(file).catch((e: unknown) => e);
    };
    const wide = await spoilt("dense2.bias", { shape: [11], data: new Float32Array(11) });
    expect(wide).toBeInstanceOf(SafetensorsError);
    expect((wide as Error).message).toMatch(/"dense2.bias" has shape \[11\], expected \[10\]/);
    const holes = await spoilt("dense2.bias", {
      shape: [10],
      data: new Float32Array(10).fill(NaN),
    });
    expect((holes as Error).message).toMatch(/holds NaN or infinity/);
  });
});

describe("trainClassifier", () => {
  const small: Partial<ClassifierRecipe> = {
    batchSize: 50,
    learningRate: { peak: 3e-3, warmupSteps: 5, final: 0.1 },
    maxShift: 1,
    seed: 3,
  };

  async function run(
    classifier: DigitClassifier,
    data: ImageDataset,
    epochs: number,
    recipe: Partial<ClassifierRecipe> = small,
  ): Promise<ClassifierStep[]> {
    const steps: ClassifierStep[] = [];
    for await (const s of trainClassifier({ classifier, data, epochs, recipe })) steps.push(s);
    return steps;
  }

  it("learns digits from a thousand of them", async () => {
    const classifier = new DigitClassifier({ seed: 1 });
    const steps = await run(classifier, digits("train").take(1000), 5);
    expect(steps).toHaveLength(100);
    expect(steps.at(-1)).toMatchObject({ step: 100, numSteps: 100, epoch: 5 });
    expect(steps[0]?.loss).toBeCloseTo(Math.log(10), 0);
    expect(steps[0]?.runningLoss).toBe(steps[0]?.loss);
    expect(accuracy(classifier, digits("test"))).toBeGreaterThan(0.9);
    classifier.dispose();
  });

  it("is the same for the same seeds, and another for another", async () => {
    const data = digits("train").take(120);
    const losses = async (first: number, seed: number): Promise<number[]> => {
      const classifier = new DigitClassifier({ seed: first });
      const steps = await run(classifier, data, 1, { ...small, seed });
      classifier.dispose();
      return steps.map((s) => s.loss);
    };
    const once = await losses(1, 3);
    expect(once).toHaveLength(3);
    expect(await losses(1, 3)).toEqual(once);
    expect(await losses(2, 3)).not.toEqual(once);
    expect(await losses(1, 4)).not.toEqual(once);
  });

  it("grows by no tensor, ends cleanly on break, and before a step under an aborted signal", async () => {
    const classifier = new DigitClassifier();
    const before = tf.memory().numTensors;
    const counts = new Set<number>();
    const options = { classifier, data: digits("train").take(200), epochs: 5 };
    for await (const s of trainClassifier({ ...options, recipe: { batchSize: 4 } })) {
      counts.add(tf.memory().numTensors);
      if (s.step === 100) break;
    }
    // Adam's two running means.
    expect([...counts]).toEqual([before + 2]);
    expect(tf.memory().numTensors).toBe(before);
    const aborted = trainClassifier({ ...options, signal: AbortSignal.abort() });
    expect((await aborted.next()).done).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    classifier.dispose();
  });

  it("stops at a loss that is no number, with the weights it had", async () => {
    const classifier = new DigitClassifier();
    tf.tidy(() => classifier.setVector(classifier.getVector().mul(Infinity)));
    const vector = take(classifier.getVector());
    const data = digits("train").take(8);
    await expect(run(classifier, data, 1)).rejects.toThrow(/loss became NaN at step 1/);
    expectSameNumbers(take(classifier.getVector()), vector);
    classifier.dispose();
  });

  const some = digits("train").take(10);
  const mislabelled = new ImageDataset({ ...some, labels: new Uint8Array(10).fill(10) });
  it.each<[string, ImageDataset, number, Partial<ClassifierRecipe>, RegExp]>([
    ["no epochs", some, 0, {}, /epochs must be a whole number ≥ 1; got 0/],
    ["half an image", some, 1, { batchSize: 0.5 }, /batchSize .* got 0\.5/],
    ["a shift to the left only", some, 1, { maxShift: -1 }, /maxShift .* got -1/],
    ["no learning", some, 1, { learningRate: 0 }, /learning rate must be a number > 0/],
    ["no images", some.take(0), 1, {}, /no images to train on/],
    ["a label above 9", mislabelled, 1, {}, /the label 10; digits have labels 0 … 9/],
  ])("refuses %s", async (_, data, epochs, recipe, message) => {
    const classifier = new DigitClassifier();
    await expect(run(classifier, data, epochs, recipe)).rejects.toThrow(message);
    classifier.dispose();
  });
});

describe("shifts", () => {
  it("move each image by whole pixels, with background behind", () => {
    tf.tidy(() => {
      const images = new Random(2).uniform([25, 7, 9, 1], 0.1, 1);
      const all = Array.from({ length: 25 }, (_, i) => [Math.floor(i / 5) - 2, (i % 5) - 2]);
      const shifted = shiftImages(images, tf.tensor2d(all), 2).arraySync();
      const original = images.arraySync();
      all.forEach(([down = 0, right = 0], b) => {
        for (let i = 0; i < 7; i++) {
          for (let j = 0; j < 9; j++) {
            const expected = original[b]?.[i - down]?.[j - right]?.[0] ?? 0;
            expect(shifted[b]?.[i]?.[j]?.[0], `shift ${down}, ${right} at ${i}, ${j}`).toBe(
              expected,
            );
          }
        }
      });
      expect(
        shiftImages(images, tf.zeros([25, 2]), 0)
          .sub(images)
          .abs()
          .max()
          .dataSync()[0],
      ).toBe(0);
    });
  });

  it("are whole numbers up to the largest, each about equally often", () => {
    const counts = new Map<number, number>();
    for (const value of take(drawShifts(5000, 2, new Random(1)))) {
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    // 2000 each, with a standard deviation of 40.
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
});
