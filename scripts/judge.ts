/**
 * What measures digits: the shipped classifier, and the real test images through its eyes.
 */
import crypto from "node:crypto";
import fs from "node:fs";
import {
  classifyAll,
  evaluateSamples,
  loadClassifier,
  loadMnist,
  randomSubset,
  type DigitClassifier,
  type tf,
} from "../src";

/** The shipped classifier. */
export const CLASSIFIER = "pretrained/classifier-mnist.safetensors";

/** A classifier, and the features that it sees in real images. */
export interface Judge {
  readonly classifier: DigitClassifier;
  readonly reference: tf.Tensor2D;
  /** The real images that the digits are compared with, in words. */
  readonly referenceName: string;
}

export async function openJudge(): Promise<Judge> {
  const classifier = await loadClassifier(CLASSIFIER);
  const test = await loadMnist({ split: "test" });
  const { features: reference } = classifyAll(classifier, test);
  return { classifier, reference, referenceName: `${test.size} images, ${test.name}` };
}

/** The Fréchet distance of as many real training images: what perfect samples would have. */
export async function realFrechet(judge: Judge, count: number): Promise<number> {
  const training = await loadMnist({ split: "train" });
  const samples = training.images(randomSubset(training.size, count));
  const { frechet } = await evaluateSamples({ samples, ...judge });
  samples.dispose();
  return rounded(frechet);
}

/** Five digits are more than any measurement here is good for. */
export function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

/** What tells one file from another. */
export function sha256(file: string): string {
  return crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex").slice(0, 16);
}
