/**
 * How the digit classifier learns.
 */
import { batches, numBatches, type Batch, type ImageDataset } from "../data";
import {
  graphFunction,
  interruptSignal,
  Random,
  tf,
  yieldToEventLoop,
  type GraphFunction,
} from "../engine";
import type { Step } from "../step";
import { Adam, ADAM_DEFAULTS, DivergenceError, rateAt, type LearningRate } from "../training";
import { requireLearningRate } from "../training/learning-rate";
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

/** One update of the classifier. */
export interface ClassifierStep extends Step {
  /** Which epoch this step belongs to, counted from 1. */
  readonly epoch: number;
  /** Mean cross-entropy of this batch, in nats. */
  readonly loss: number;
  /** The same over about the last 50 steps (an exponential moving average). */
  readonly runningLoss: number;
  readonly learningRate: number;
}

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

/** Weight of the newest loss in `runningLoss`, once there are enough of them. */
const RUNNING = 0.02;

/**
 * Trains with Adam on the cross-entropy, and yields after every update. The run is a function of the
 * recipe's seed and the classifier's first weights alone.
 *
 * @throws RangeError for epochs or a recipe out of range, an empty dataset or labels above 9
 * @throws DivergenceError where the loss is no number; the weights stay those of the step before
 */
export async function* trainClassifier(
  options: TrainClassifierOptions,
): AsyncGenerator<ClassifierStep, void, undefined> {
  const { classifier, data, epochs, signal = interruptSignal() } = options;
  const recipe = { ...CLASSIFIER_RECIPE, ...options.recipe };
  requireTrainable(data, epochs, recipe);
  const { batchSize, seed, learningRate } = recipe;
  const numSteps = epochs * numBatches(data, batchSize);
  const random = new Random(seed);
  const trainer = new Trainer(classifier, recipe.maxShift);
  let runningLoss = NaN;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const batch of batches(data, { batchSize, seed, epoch })) {
        if (signal.aborted) return batch.images.dispose();
        const rate = rateAt(learningRate, trainer.step + 1, numSteps);
        const loss = trainer.update(batch, random, rate);
        const { step } = trainer;
        // The first 50 losses count alike, as the average has nothing to begin with.
        runningLoss = step === 1 ? loss : runningLoss + pull(step) * (loss - runningLoss);
        yield { step, numSteps, epoch: epoch + 1, loss, runningLoss, learningRate: rate };
        await yieldToEventLoop();
      }
    }
  } finally {
    trainer.dispose();
  }
}

function pull(step: number): number {
  return Math.max(RUNNING, 1 / step);
}

/** A run's state: the network, the optimiser and the step as one graph. */
class Trainer {
  /** Updates done so far. */
  step = 0;
  private readonly adam: Adam;
  private readonly graph: GraphFunction;

  constructor(
    private readonly classifier: DigitClassifier,
    private readonly maxShift: number,
  ) {
    const vector = classifier.getVector();
    this.adam = new Adam(vector.size, ADAM_DEFAULTS);
    vector.dispose();
    this.graph = graphFunction((...inputs) => this.next(...(inputs as UpdateInputs)));
  }

  /** One step. Frees the batch's images. */
  update({ images, labels }: Batch, random: Random, rate: number): number {
    const step = this.step + 1;
    try {
      return tf.tidy(() => {
        const shifts = drawShifts(labels.length, this.maxShift, random);
        const targets = tf.oneHot(tf.tensor1d(Int32Array.from(labels), "int32"), CLASSES);
        const { stepSize, epsilon } = this.adam.rates(step, rate);
        const rates = [tf.scalar(stepSize), tf.scalar(epsilon)] as const;
        const outputs = this.graph(images, shifts, targets.toFloat(), ...rates);
        const [lossTensor, vector, mean, meanSquare] = outputs as UpdateOutputs;
        const loss = lossTensor.dataSync()[0] ?? NaN;
        if (!Number.isFinite(loss)) throw divergence(step, loss, rate);
        this.classifier.setVector(vector);
        this.adam.assign(mean, meanSquare);
        this.step = step;
        return loss;
      });
    } finally {
      images.dispose();
    }
  }

  dispose(): void {
    this.adam.dispose();
    this.graph.dispose();
  }

  /** All that a step computes. */
  private next(...[images, shifts, targets, stepSize, epsilon]: UpdateInputs): UpdateOutputs {
    const x = shiftImages(images, shifts, this.maxShift);
    const lossOf = (v: tf.Tensor): tf.Scalar => {
      const { logits } = this.classifier.apply(v as tf.Tensor1D, x);
      return tf.logSoftmax(logits).mul(targets).sum(1).mean<tf.Scalar>().neg();
    };
    const vector = this.classifier.getVector();
    const { value, grad } = tf.valueAndGrad(lossOf)(vector);
    const next = this.adam.next(vector, grad as tf.Tensor1D, stepSize, epsilon);
    return [value, next.vector, next.mean, next.meanSquare];
  }
}

type UpdateInputs = [
  images: tf.Tensor4D,
  shifts: tf.Tensor2D,
  targets: tf.Tensor2D,
  stepSize: tf.Tensor,
  epsilon: tf.Tensor,
];
type UpdateOutputs = [loss: tf.Tensor, vector: tf.Tensor1D, mean: tf.Tensor, meanSquare: tf.Tensor];

function requireTrainable(data: ImageDataset, epochs: number, recipe: ClassifierRecipe): void {
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs must be a whole number ≥ 1; got ${epochs}.`);
  }
  if (!Number.isInteger(recipe.maxShift) || recipe.maxShift < 0) {
    throw new RangeError(`maxShift must be a whole number ≥ 0; got ${recipe.maxShift}.`);
  }
  requireLearningRate(recipe.learningRate);
  if (data.size === 0) throw new RangeError(`${data.name} has no images to train on.`);
  const label = data.labels.find((value) => value >= CLASSES);
  if (label !== undefined) {
    throw new RangeError(`${data.name} has the label ${label}; digits have labels 0 … 9.`);
  }
}

function divergence(step: number, loss: number, rate: number): DivergenceError {
  return new DivergenceError(
    `The classifier's loss became ${loss} at step ${step}. Its weights are still those of step ` +
      `${step - 1}; start again with a learning rate below ${rate}, or a longer warm-up.`,
  );
}
