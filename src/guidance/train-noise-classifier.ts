/**
 * How the classifier learns to read through noise.
 */
import type { ImageDataset } from "../data";
import type { tf } from "../engine";
import { perturb } from "../sde";
import {
  drawTimes,
  fitClassifier,
  type ClassifierStep,
  type LearningRate,
  type NoiseLevels,
} from "../training";
import type { NoiseClassifier } from "./noise-classifier";

/** The choices that a noise classifier is trained with. Plain data: its file's metadata holds them. */
export interface NoiseClassifierRecipe {
  /** Images a step, a whole number ≥ 1. */
  readonly batchSize: number;
  readonly learningRate: LearningRate;
  /** Governs the order of the data and the noise. */
  readonly seed: number;
  /** Smallest t. */
  readonly eps: number;
  /** Which noise levels are drawn how often. */
  readonly noiseLevels: NoiseLevels;
}

/** What the shipped one was trained with. */
export const NOISE_CLASSIFIER_RECIPE: NoiseClassifierRecipe = {
  batchSize: 128,
  learningRate: { peak: 3e-3, warmupSteps: 200, final: 0.01 },
  seed: 0,
  eps: 1e-3,
  noiseLevels: { logMean: -0.5, logStd: 1.3 },
};

/** What to train, how far, and on what. */
export interface TrainNoiseClassifierOptions {
  /** Trained in place; it stays the caller's. */
  classifier: NoiseClassifier;
  data: ImageDataset;
  epochs: number;
  /** Any part of a recipe; the rest is `NOISE_CLASSIFIER_RECIPE`. */
  recipe?: Partial<NoiseClassifierRecipe>;
  /** Ends the loop cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/**
 * Trains with Adam on the cross-entropy of perturbed images at times of all kinds (Song et al. 2021, appendix
 * I.1), and yields after every update.
 *
 * @throws RangeError for epochs or a rate out of range, an empty dataset or labels above 9
 * @throws DivergenceError where the loss is no number; the weights stay those of the step before
 */
export function trainNoiseClassifier(
  options: TrainNoiseClassifierOptions,
): AsyncGenerator<ClassifierStep, void, undefined> {
  const { classifier, data, epochs, signal } = options;
  const { eps, noiseLevels, ...recipe } = { ...NOISE_CLASSIFIER_RECIPE, ...options.recipe };
  const { sde, numClasses } = classifier;
  return fitClassifier({
    ...recipe,
    classifier,
    data,
    epochs,
    signal,
    numClasses,
    draw: (batchSize, random) => [
      drawTimes(random, batchSize, { sde, eps, noiseLevels, times: "stratified" }),
      random.normal([batchSize, 28, 28, 1]),
    ],
    logits: (vector, images, ...drawn) => {
      const [t, z] = drawn as [tf.Tensor1D, tf.Tensor4D];
      return classifier.apply(vector, perturb(sde, images, t, z), t);
    },
  });
}
