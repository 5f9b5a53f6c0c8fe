import { describe, expect, it } from "vitest";
import { ImageDataset, batches, numBatches, type BatchOptions } from "../../src/data";
import { tf } from "../../src/engine";

/** Image i has grey level i everywhere and label i % 10. */
function makeDataset(size = 103): ImageDataset {
  return new ImageDataset({
    name: "toy",
    source: "test",
    height: 2,
    width: 3,
    pixels: Uint8Array.from({ length: size * 6 }, (_, i) => Math.floor(i / 6)),
    labels: Uint8Array.from({ length: size }, (_, i) => i % 10),
  });
}

/** The indices of each batch. */
function orders(dataset: ImageDataset, options: BatchOptions): number[][] {
  return [...batches(dataset, options)].map(({ images, indices }) => {
    images.dispose();
    return [...indices];
  });
}

describe("batches", () => {
  const dataset = makeDataset();

  it("has every image once, the short last batch included", () => {
    const all = orders(dataset, { batchSize: 10, seed: 7 });
    expect(all.map((batch) => batch.length)).toEqual([...new Array<number>(10).fill(10), 3]);
    expect(numBatches(dataset, 10)).toBe(11);
    expect(all.flat().sort((a, b) => a - b)).toEqual([...Array(103).keys()]);
    expect(orders(makeDataset(20), { batchSize: 10, seed: 7 })).toHaveLength(2);
    expect(orders(dataset, { batchSize: 1000, seed: 7 })).toHaveLength(1);
    expect(orders(makeDataset(0), { batchSize: 10, seed: 7 })).toEqual([]);
  });

  it("gives images, labels and indices that belong together", () => {
    let index = 0;
    for (const batch of batches(dataset, { batchSize: 16, seed: 1 })) {
      expect(batch.index).toBe(index++);
      expect(batch.images.shape).toEqual([batch.indices.length, 2, 3, 1]);
      const values = batch.images.dataSync();
      batch.images.dispose();
      batch.indices.forEach((of, i) => {
        expect(batch.labels[i]).toBe(of % 10);
        expect(values[6 * i]).toBe(Math.fround(of / 255));
        expect(values[6 * i + 5]).toBe(Math.fround(of / 255));
      });
    }
  });

  it("has an order that seed and epoch decide, and nothing else", () => {
    const order = (seed: number, epoch: number, batchSize = 10): number[] =>
      orders(dataset, { batchSize, seed, epoch }).flat();
    expect(order(1, 0)).toEqual(order(1, 0));
    expect(order(1, 0, 7)).toEqual(order(1, 0, 100));
    expect(order(1, 0)).toEqual(orders(dataset, { batchSize: 10, seed: 1 }).flat());
    expect(order(1, 0)).not.toEqual([...Array(103).keys()]);
    const different = new Set([order(1, 0), order(1, 1), order(2, 0), order(0, 1)].map(String));
    expect(different.size).toBe(4);
  });

  it("goes on at any batch as if it had never stopped", () => {
    const whole = orders(dataset, { batchSize: 10, seed: 3, epoch: 2 });
    for (const from of [0, 1, 4, 10, 11]) {
      const rest = orders(dataset, { batchSize: 10, seed: 3, epoch: 2, from });
      expect(rest).toEqual(whole.slice(from));
    }
    const [first] = batches(dataset, { batchSize: 10, seed: 3, from: 4 });
    expect(first!.index).toBe(4);
    first!.images.dispose();
  });

  it("puts an image in any place about equally often", () => {
    const small = makeDataset(5);
    const counts = new Array<number>(5).fill(0);
    for (let epoch = 0; epoch < 500; epoch++) {
      counts[orders(small, { batchSize: 5, seed: 11, epoch })[0]!.indexOf(0)]!++;
    }
    // 100 each, with a standard deviation of 9.
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(40);
  });

  it("leaves no tensor behind but the images it hands out", () => {
    const before = tf.memory().numTensors;
    for (const { images } of batches(dataset, { batchSize: 10, seed: 3 })) {
      expect(tf.memory().numTensors).toBe(before + 1);
      images.dispose();
    }
    for (const { images } of batches(dataset, { batchSize: 10, seed: 3 })) {
      images.dispose();
      break;
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it("refuses at once what makes no sense", () => {
    const wrong: [Partial<BatchOptions>, RegExp][] = [
      [{ batchSize: 0 }, /batchSize must be a whole number of at least 1; got 0/],
      [{ batchSize: 2.5 }, /batchSize.*got 2\.5/],
      [{ batchSize: NaN }, /batchSize.*got NaN/],
      [{ seed: 0.5 }, /seed.*got 0\.5/],
      [{ seed: 2 ** 31 }, /seed must be a whole number from -2147483648 to 2147483647/],
      [{ epoch: -1 }, /epoch.*got -1/],
      [{ from: 12 }, /from must be a whole number from 0 to 11; got 12/],
      [{ from: -1 }, /from.*got -1/],
    ];
    for (const [options, message] of wrong) {
      const call = (): unknown => batches(dataset, { batchSize: 10, seed: 1, ...options });
      expect(call).toThrow(RangeError);
      expect(call).toThrow(message);
    }
  });
});

describe("ImageDataset", () => {
  const dataset = makeDataset(20);

  it("makes floats in 0 … 1 of the images that are asked for", () => {
    const some = dataset.images([19, 0, 19]);
    expect(some.shape).toEqual([3, 2, 3, 1]);
    expect(some.dtype).toBe("float32");
    expect(some.dataSync()[0]).toBe(Math.fround(19 / 255));
    expect(some.dataSync()[6]).toBe(0);
    const all = dataset.images();
    expect(all.shape).toEqual([20, 2, 3, 1]);
    tf.dispose([some, all]);
    expect([...dataset.labelsOf([19, 0, 12])]).toEqual([9, 0, 2]);
  });

  it("keeps white at exactly 1", () => {
    const init = { name: "white", source: "test", height: 1, width: 1 };
    const white = new ImageDataset({
      ...init,
      pixels: Uint8Array.of(255),
      labels: Uint8Array.of(0),
    });
    const image = white.images();
    expect([...image.dataSync()]).toEqual([1]);
    image.dispose();
  });

  it("takes parts without copying them", () => {
    const part = dataset.slice(5, 9);
    expect(part.size).toBe(4);
    expect([...part.labels]).toEqual([5, 6, 7, 8]);
    expect(part.pixels.buffer).toBe(dataset.pixels.buffer);
    expect(part.pixels[0]).toBe(5);
    expect(part.slice(1).take(1).labels[0]).toBe(6);
    expect(dataset.take(0).size).toBe(0);
    expect(dataset.slice(20).size).toBe(0);
  });

  it("refuses what it does not have", () => {
    expect(() => dataset.images([20])).toThrow("toy has images 0 to 19; there is no image 20.");
    expect(() => dataset.images([-1])).toThrow(RangeError);
    expect(() => dataset.images([0.5])).toThrow(RangeError);
    expect(() => dataset.labelsOf([20])).toThrow(RangeError);
    expect(() => dataset.take(21)).toThrow("toy has 20 images; cannot take 0 to 21 of them.");
    expect(() => dataset.slice(5, 4)).toThrow(RangeError);
    expect(() => dataset.slice(-1)).toThrow(RangeError);
    expect(() => dataset.slice(0, NaN)).toThrow(RangeError);
    const init = { name: "toy", source: "test", height: 2, width: 2, labels: new Uint8Array(2) };
    expect(() => new ImageDataset({ ...init, pixels: new Uint8Array(12) })).toThrow(
      "toy: every image needs one label; got 3 images of 2 × 2 pixels and 2 labels.",
    );
  });
});
