/**
 * How the digit classifier learns.
 */
import type { ImageDataset } from "../data";
import { type tf } from "../engine";
import { fitClassifier, type ClassifierStep, type LearningRate } from "../training";
import type { DigitClassifier } from "./classifier";
import { CLASSES } from "./classifier-parameters";
import { drawShifts, shiftImages } from "./shift";

/** The choices that a classifier is trained with. Plain data: its file's metadata holds them. */
export interface ClassifierRecipe {
  /** Images a step, a whole number ≥ 1. */
  readonly batchSize: number;
  readonly learningRate: LearningRate;
  /** Governs the order of the data and the shifts. */
  readonly seed: number;
  /** Each image is moved by up to so many pixels, anew in each epoch; a whole number ≥ 0. */
  readonly maxShift: number;
}

/** What the shipped classifier was trained with. */
export const CLASSIFIER_RECIPE: ClassifierRecipe = {
  batchSize: 128,
  learningRate: { peak: 2e-3, warmupSteps: 200, final: 0.01 },
  seed: 0,
  maxShift: 2,
};

/** What to train, how far, and on what. */
export interface TrainClassifierOptions {
  /** Trained in place; it stays the caller's. */
  classifier: DigitClassifier;
  data: ImageDataset;
  epochs: number;
  /** Any part of a recipe; the rest is `CLASSIFIER_RECIPE`. */
  recipe?: Partial<ClassifierRecipe>;
  /** Ends the loop cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/**
 * Trains with Adam on the cross-entropy, and yields after every update. The run is a function of the
 * recipe's seed and the classifier's first weights alone.
 *
 * @throws RangeError for epochs or a recipe out of range, an empty dataset or labels above 9
 * @throws DivergenceError where the loss is no number; the weights stay those of the step before
 */
export function trainClassifier(
  options: TrainClassifierOptions,
): AsyncGenerator<ClassifierStep, void, undefined> {
  const { classifier, data, epochs, signal } = options;
  const { maxShift, ...recipe } = { ...CLASSIFIER_RECIPE, ...options.recipe };
  if (!Number.isInteger(maxShift) || maxShift < 0) {
    throw new RangeError(`maxShift must be a whole number ≥ 0; got ${maxShift}.`);
  }
  return fitClassifier({
    ...recipe,
    classifier,
    data,
    epochs,
    signal,
    numClasses: CLASSES,
    draw: (batchSize, random) => [drawShifts(batchSize, maxShift, random)],
    logits: (vector, images, shifts) => {
      const x = shiftImages(images, shifts as tf.Tensor2D, maxShift);
      return classifier.apply(vector, x).logits;
    },
  });
}
