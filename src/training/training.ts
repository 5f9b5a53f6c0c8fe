/**
 * Everything that a training run is, so that it can be put away and taken up again.
 */
import { Random, tf } from "../engine";
import { MNIST_STD, requireSigmaData, type ScoreModel } from "../models";
import { Adam, ADAM_DEFAULTS, type AdamOptions } from "./adam";
import { requireLearningRate, type LearningRate } from "./learning-rate";
import { requireTimeOptions, type NoiseLevels, type TimeSampling } from "./times";

/** The choices that a run is made with. Plain data: a checkpoint holds them. */
export interface Recipe {
  /** Examples a step, a whole number ≥ 1. */
  readonly batchSize: number;
  readonly learningRate: LearningRate;
  readonly adam: AdamOptions;
  /** Governs the order of the data, t and z. */
  readonly seed: number;
  /** Smallest t: as t → 0 the score grows without bound. */
  readonly eps: number;
  /** Decay of the moving average of the weights, in [0, 1). */
  readonly emaDecay: number;
  /** How the times of a batch are drawn. */
  readonly times: TimeSampling;
  /** Which noise levels are drawn how often. */
  readonly noiseLevels: NoiseLevels;
  /** λ(t): std², or EDM's, made for data of a standard deviation. */
  readonly weighting: "variance" | { readonly sigmaData: number };
  /**
   * Part of the examples that are shown without their class, in [0, 1], so that the network learns the score of
   * all images beside that of each class (Ho & Salimans 2022, Algorithm 1). null: classes are not used.
   */
  readonly classDropout: number | null;
  /** A gradient longer than this is shortened to it; null: none is. */
  readonly maxGradientNorm: number | null;
}

/** The article's recipe: Adam at 1e-4 in batches of 128 (its batch size is 32 in the text). */
export const ARTICLE_RECIPE: Recipe = {
  batchSize: 128,
  learningRate: 1e-4,
  adam: ADAM_DEFAULTS,
  seed: 0,
  eps: 1e-5,
  emaDecay: 0.999,
  times: "independent",
  noiseLevels: "uniform",
  weighting: "variance",
  classDropout: null,
  maxGradientNorm: null,
};

/**
 * The recipe that won: in an epoch of a minute it gets where the article's is after some 20.
 *
 * What it took, in the order of what it gave: more steps (batches of 64), far larger ones (a rate 80 times the
 * article's, after a warm-up, and down a cosine to the end), a shorter memory of squared gradients, which
 * large steps need, a time from each part of (0, 1) in every batch, and gradients cut at 100.
 */
export const FAST_RECIPE: Recipe = {
  ...ARTICLE_RECIPE,
  batchSize: 64,
  learningRate: { peak: 8e-3, warmupSteps: 500, final: 0.01 },
  adam: { ...ADAM_DEFAULTS, beta2: 0.99 },
  times: "stratified",
  maxGradientNorm: 100,
};

/**
 * EDM's loss (Karras et al. 2022, table 1) for a network that it preconditions: its weighting, and noise levels
 * about that at which a digit's shape is decided.
 */
export const EDM_RECIPE: Recipe = {
  ...FAST_RECIPE,
  learningRate: { peak: 5e-3, warmupSteps: 500, final: 0.01 },
  noiseLevels: { logMean: -1, logStd: 1.3 },
  weighting: { sigmaData: MNIST_STD },
  maxGradientNorm: null,
};

/** Where a run's running mean of losses stands. */
export interface LossRecord {
  /** Exponential moving average of the losses. */
  readonly running: number;
  /** Sum of losses over the examples of this epoch so far. */
  readonly epochSum: number;
  /** How many examples those were. */
  readonly epochExamples: number;
}

/** A training run: the network and all that decides how it goes on. */
export class Training {
  /** Updates done so far. */
  step = 0;
  losses: LossRecord = { running: NaN, epochSum: 0, epochExamples: 0 };
  readonly adam: Adam;
  /** Moving average of the weights, `[P]`. */
  readonly average: tf.Variable;

  /**
   * @param model trained in place; disposed with `dispose`
   * @param random the stream of t and z; to resume, one that stands where it stood
   * @throws RangeError where a number of the recipe is out of range
   */
  constructor(
    readonly model: ScoreModel,
    readonly recipe: Recipe,
    readonly random: Random = new Random(recipe.seed),
  ) {
    requireRecipe(recipe);
    if (recipe.classDropout !== null && model.numClasses === 0) {
      throw new RangeError("classDropout must be null for a network that knows of no classes.");
    }
    const vector = model.getVector();
    this.adam = new Adam(vector.size, recipe.adam);
    this.average = tf.variable(vector, false);
    vector.dispose();
  }

  /** A network with the averaged weights (EMA): smoother than the last step's. The caller owns it. */
  averagedModel(): ScoreModel {
    const copy = this.model.clone();
    copy.setVector(this.average as unknown as tf.Tensor1D);
    return copy;
  }

  /** Frees the network and the state. */
  dispose(): void {
    this.model.dispose();
    this.adam.dispose();
    this.average.dispose();
  }
}

/**
 * Starts a run.
 *
 * @param options.model the network to train
 * @param options.recipe any part of a recipe; the rest is the article's
 * @throws RangeError where a number is out of range
 */
export function createTraining(options: { model: ScoreModel; recipe?: Partial<Recipe> }): Training {
  return new Training(options.model, { ...ARTICLE_RECIPE, ...options.recipe });
}

/** @throws RangeError saying which number of the recipe is out of range */
export function requireRecipe(recipe: Recipe): void {
  const { batchSize, emaDecay, maxGradientNorm } = recipe;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a whole number ≥ 1; got ${batchSize}.`);
  }
  if (!(emaDecay >= 0 && emaDecay < 1)) {
    throw new RangeError(`emaDecay must lie in [0, 1); got ${emaDecay}.`);
  }
  if (maxGradientNorm !== null && !(maxGradientNorm > 0)) {
    throw new RangeError(`maxGradientNorm must be a number > 0, or null; got ${maxGradientNorm}.`);
  }
  requireTimeOptions(recipe);
  requireLearningRate(recipe.learningRate);
  requireLoss(recipe);
}

function requireLoss({ weighting, classDropout }: Recipe): void {
  if (weighting !== "variance") requireSigmaData(weighting.sigmaData);
  if (classDropout !== null && !(classDropout >= 0 && classDropout <= 1)) {
    throw new RangeError(`classDropout must lie in [0, 1], or be null; got ${classDropout}.`);
  }
}
