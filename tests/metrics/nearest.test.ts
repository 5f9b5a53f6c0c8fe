import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ImageDataset, median, nearestImages, Random, tf } from "../../src";
import { noiseImages } from "../support/small-data";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("nearestImages", () => {
  it("finds copies at distance 0, in chunks of thousands", async () => {
    const data = noiseImages(6000);
    const wanted = [0, 17, 4999, 5000, 5999];
    const samples = data.images(wanted);
    const { indices, distances } = await nearestImages(samples, data);
    samples.dispose();
    expect([...indices]).toEqual(wanted);
    expect([...distances]).toEqual([0, 0, 0, 0, 0]);
  });

  it("gives what comparing each with each gives", async () => {
    const data = noiseImages(50);
    const samples = new Random(8).uniform([7, 28, 28, 1]);
    const { indices, distances } = await nearestImages(samples, data);
    const values = samples.dataSync();
    samples.dispose();
    for (let i = 0; i < 7; i++) {
      const all = Array.from({ length: 50 }, (_, k) => {
        let sum = 0;
        for (let j = 0; j < 784; j++) {
          sum += ((values[i * 784 + j] ?? NaN) - (data.pixels[k * 784 + j] ?? NaN) / 255) ** 2;
        }
        return Math.sqrt(sum);
      });
      expect(distances[i]).toBeCloseTo(Math.min(...all), 5);
      expect(indices[i]).toBe(all.indexOf(Math.min(...all)));
    }
  });

  it("measures the distance in pixels of 0 … 1", async () => {
    const data = new ImageDataset({
      name: "white",
      source: "test",
      height: 2,
      width: 2,
      pixels: new Uint8Array(4).fill(255),
      labels: new Uint8Array(1),
    });
    const black: tf.Tensor4D = tf.zeros([1, 2, 2, 1]);
    expect((await nearestImages(black, data)).distances[0]).toBe(2);
    black.dispose();
  });

  it("ends when it is interrupted", async () => {
    const data = noiseImages(3);
    const samples = data.images();
    await expect(nearestImages(samples, data, AbortSignal.abort())).rejects.toThrow(/interrupted/);
    samples.dispose();
  });

  it.each<[string, [number, number, number, number], number, number, RegExp]>([
    ["another size", [2, 14, 14, 1], 0, 3, /\[N, 28, 28, 1\].*got \[2, 14, 14, 1\]/],
    ["no samples", [0, 28, 28, 1], 0, 3, /got \[0, 28, 28, 1\]/],
    ["NaN", [2, 28, 28, 1], NaN, 3, /samples hold NaN/],
    ["no images", [2, 28, 28, 1], 0, 0, /noise has no images/],
  ])("refuses %s", async (_, shape, value, size, message) => {
    const samples: tf.Tensor4D = tf.fill(shape, value);
    await expect(nearestImages(samples, noiseImages(size))).rejects.toThrow(message);
    samples.dispose();
  });
});

it("median is the middle one, or the mean of the two in the middle", () => {
  expect(median([3, 10, 1])).toBe(3);
  expect(median([10, 1, 3, 4])).toBe(3.5);
  expect(median([])).toBeNaN();
});
