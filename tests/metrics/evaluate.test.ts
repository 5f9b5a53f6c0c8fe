import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  classifyAll,
  denoisingLosses,
  evaluateSamples,
  exponentialSde,
  loadClassifier,
  loadScoreNet,
  Random,
  randomSubset,
  ScoreNet,
  testLoss,
  tf,
  type DigitClassifier,
  type EvaluateOptions,
  type SampleQuality,
  type Score,
} from "../../src";
import { noiseImages } from "../support/small-data";
import { CLASSIFIER, digits } from "./support";

describe("evaluateSamples", () => {
  const training = digits("train");
  let classifier: DigitClassifier;
  let reference: tf.Tensor2D;
  beforeAll(async () => {
    classifier = await loadClassifier(CLASSIFIER);
    const { features, logits } = classifyAll(classifier, digits("test"));
    logits.dispose();
    reference = features;
  });
  afterAll(() => {
    classifier.dispose();
    reference.dispose();
  });

  /** Evaluates samples and frees them; nothing else may be left. */
  async function quality(
    samples: tf.Tensor4D,
    options: Partial<EvaluateOptions> = {},
  ): Promise<SampleQuality> {
    const before = tf.memory().numTensors;
    try {
      return await evaluateSamples({ samples, classifier, reference, ...options });
    } finally {
      expect(tf.memory().numTensors).toBe(before);
      samples.dispose();
    }
  }

  const real = (): tf.Tensor4D => training.images(randomSubset(training.size, 400));

  it("finds real digits good, and knows training images again", async () => {
    const { count, frechet, precision, recall, confidence, shares, entropy, nearest } =
      await quality(real(), { training });
    expect(count).toBe(400);
    expect(precision).toBeGreaterThan(0.85);
    expect(recall).toBeGreaterThan(0.85);
    expect(confidence).toBeGreaterThan(0.98);
    expect(shares).toHaveLength(10);
    expect(entropy).toBeGreaterThan(0.99 * Math.log(10));
    expect(nearest).toBe(0);
    expect(frechet).toBeGreaterThan(0);
  });

  it("finds worse what is worse: noise on the digits, then noise alone", async () => {
    const good = await quality(real());
    const noisy = await quality(
      tf.tidy(() => {
        const x = real();
        return x.add<tf.Tensor4D>(new Random(1).normal([...x.shape]).mul(0.3));
      }),
    );
    const noise = await quality(new Random(2).uniform([400, 28, 28, 1]));
    expect(noisy.frechet).toBeGreaterThan(2 * good.frechet);
    expect(noise.frechet).toBeGreaterThan(2 * noisy.frechet);
    // Precision alone is fooled by noise: all of it lies at one place, which may be within the wide ball of
    // an outlier among the real digits. Recall is not: that place is near none of the others.
    expect(noisy.recall).toBeLessThan(0.5 * good.recall);
    expect(noise.recall).toBeLessThan(0.01);
    expect(noise.entropy).toBeLessThan(good.entropy);
    expect(good.nearest).toBeUndefined();
  });

  it("finds little variety in one class alone", async () => {
    const ones = [...training.labels.keys()].filter((i) => training.labels[i] === 1).slice(0, 300);
    const { shares, entropy, precision, recall } = await quality(training.images(ones));
    expect(shares[1]).toBeGreaterThan(0.97);
    expect(entropy).toBeLessThan(0.2);
    expect(precision).toBeGreaterThan(0.8);
    expect(recall).toBeLessThan(0.3);
  });

  it("clamps pixels to 0 … 1", async () => {
    const beyond = tf.tidy(() => {
      const x = real();
      // Background at −0.5 and full ink at 1.5.
      const extreme = tf.equal(x, 0).logicalOr(tf.equal(x, 1)).toFloat();
      return x.add<tf.Tensor4D>(x.sub(0.5).mul(extreme));
    });
    expect(await quality(beyond)).toEqual(await quality(real()));
  });

  it.each<[string, () => tf.Tensor4D, RegExp]>([
    ["too few samples", () => training.images([...Array(128).keys()]), /at least 129 .*got 128/],
    ["another shape", () => tf.zeros([200, 32, 32, 1]), /\[N, 28, 28, 1\]; got \[200, 32, 32, 1\]/],
    ["NaN", () => tf.fill([200, 28, 28, 1], NaN), /samples hold NaN or infinity/],
  ])("refuses %s", async (_, samples, message) => {
    await expect(quality(samples())).rejects.toThrow(RangeError);
    await expect(quality(samples())).rejects.toThrow(message);
  });

  it("refuses too few real images, and ends when it is interrupted", async () => {
    const few: tf.Tensor2D = tf.zeros([128, 128]);
    await expect(quality(real(), { reference: few })).rejects.toThrow(/128 rows; at least 129/);
    few.dispose();
    const signal = AbortSignal.abort();
    await expect(quality(real(), { training, signal })).rejects.toThrow(/interrupted/);
  });
});

describe("randomSubset", () => {
  it("has numbers of the whole range, each once, in no pattern, and always the same", () => {
    const subset = [...randomSubset(60_000, 6_000)];
    expect(subset).toHaveLength(6_000);
    expect(new Set(subset).size).toBe(6_000);
    expect([...randomSubset(60_000, 6_000)]).toEqual(subset);
    expect([...randomSubset(60_000, 6_000, 1)]).not.toEqual(subset);
    expect(subset.every((i) => i >= 0 && i < 60_000)).toBe(true);
    // Half of them are even and half lie below the middle, 3000 with a standard deviation of 37.
    const parts = [subset.filter((i) => i % 2 === 0), subset.filter((i) => i < 30_000)];
    for (const part of parts) expect(Math.abs(part.length - 3000)).toBeLessThan(200);
  });

  it("has all numbers where there are no more", () => {
    expect([...randomSubset(3, 5)]).toEqual([0, 1, 2]);
    expect([...randomSubset(3, 3)]).toEqual([0, 1, 2]);
    expect([...randomSubset(3, 0)]).toEqual([]);
  });

  it.each([-1, 2.5, NaN])("refuses a count of %s", (count) => {
    expect(() => randomSubset(10, count)).toThrow(RangeError);
  });
});

describe("testLoss", () => {
  const sde = exponentialSde();
  /** The score of pure noise, −x / std²: right wherever the image does not matter. */
  const score: Score = (x, t) =>
    tf.tidy(() => {
      const { mean, std } = sde.marginal(x, t);
      mean.dispose();
      return x.div(std.square().reshape([-1, 1, 1, 1])).neg();
    });

  it("is the mean of all images' losses at the t and z that it always draws", () => {
    const data = noiseImages(503);
    const before = tf.memory().numTensors;
    const random = new Random(0);
    let sum = 0;
    for (const part of [data.take(500), data.slice(500)]) {
      sum += tf.tidy(() => {
        const t = random.uniform([part.size], 1e-5, 1);
        const z = random.normal([part.size, 28, 28, 1]);
        const losses = denoisingLosses({ sde, score, x0: part.images(), t, z });
        return losses.sum().dataSync()[0] ?? NaN;
      });
    }
    const loss = testLoss({ sde, score }, data);
    expect(Math.abs(loss / (sum / 503) - 1)).toBeLessThan(1e-5);
    expect(testLoss({ sde, score }, data)).toBe(loss);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("is about 17 for the shipped network on digits, and far more for one untrained", async () => {
    const net = await loadScoreNet("pretrained/scorenet-mnist.safetensors");
    const loss = testLoss(net, digits("test"));
    const untrained = new ScoreNet({ sde });
    const first = testLoss(untrained, digits("test").take(100));
    net.dispose();
    untrained.dispose();
    expect(loss).toBeGreaterThan(14);
    expect(loss).toBeLessThan(20);
    expect(first).toBeGreaterThan(200);
  });

  it("refuses an empty dataset", () => {
    expect(() => testLoss({ sde, score }, noiseImages(0))).toThrow(/no images/);
  });
});
