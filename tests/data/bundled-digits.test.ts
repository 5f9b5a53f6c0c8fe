import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { bundledDigits } from "../../src/data/bundled-digits";
import { mnistFiles } from "../../src/data";
import { readMnistFile } from "../../src/data/read-mnist-file";
import path from "node:path";
import { REAL_MNIST } from "./support";

const train = bundledDigits("train");
const test = bundledDigits("test");

/** Image i as a string that can be compared. */
function image(pixels: Uint8Array, i: number): string {
  return Buffer.from(pixels.buffer, pixels.byteOffset + i * 784, 784).toString("latin1");
}

describe("bundledDigits", () => {
  it("has 9,000 and 1,000 images, none of them twice", () => {
    expect([train.labels.length, train.pixels.length]).toEqual([9000, 9000 * 784]);
    expect([test.labels.length, test.pixels.length]).toEqual([1000, 1000 * 784]);
    const all = new Set<string>();
    for (let i = 0; i < 9000; i++) all.add(image(train.pixels, i));
    for (let i = 0; i < 1000; i++) all.add(image(test.pixels, i));
    expect(all.size).toBe(10_000);
  });

  it("has a tenth of each digit in the test split", () => {
    for (let digit = 0; digit < 10; digit++) {
      const inTrain = train.labels.filter((label) => label === digit).length;
      const inTest = test.labels.filter((label) => label === digit).length;
      expect(Math.abs(9 * inTest - inTrain)).toBeLessThanOrEqual(9);
    }
  });

  it("has about as many of each digit in every thousand", () => {
    for (let start = 0; start < 9000; start += 1000) {
      const part = train.labels.subarray(start, start + 1000);
      for (let digit = 0; digit < 10; digit++) {
        const overall = train.labels.filter((label) => label === digit).length / 9;
        const here = part.filter((label) => label === digit).length;
        expect(Math.abs(here - overall)).toBeLessThanOrEqual(2);
      }
    }
  });

  it("is the same each time", () => {
    const again = bundledDigits("test");
    expect(Buffer.compare(again.pixels, test.pixels)).toBe(0);
    expect(Buffer.compare(again.labels, test.labels)).toBe(0);
  });

  if (fs.existsSync(REAL_MNIST)) {
    it("has the bytes and labels of MNIST's first 10,000 training images", async () => {
      const { images, labels } = mnistFiles().train;
      const read = (name: string, file: typeof images): Promise<Uint8Array> =>
        readMnistFile(path.join(REAL_MNIST, `${name}.gz`), file, "");
      const realPixels = (await read(images.name, images)).subarray(16);
      const realLabels = (await read(labels.name, labels)).subarray(8);
      const digitOf = new Map<string, number>();
      for (let i = 0; i < 10_000; i++) digitOf.set(image(realPixels, i), realLabels[i]!);
      for (const { pixels, labels } of [train, test]) {
        for (let i = 0; i < labels.length; i++) {
          if (digitOf.get(image(pixels, i)) !== labels[i]) expect.unreachable(`image ${i} differs`);
          digitOf.delete(image(pixels, i));
        }
      }
      expect(digitOf.size).toBe(0);
    });
  }
});
