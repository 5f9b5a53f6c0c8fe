/**
 * How a classifier learns, whatever it is shown.
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
import { Adam, ADAM_DEFAULTS } from "./adam";
import { rateAt, requireLearningRate, type LearningRate } from "./learning-rate";
import { DivergenceError } from "./train";

/** One update of a classifier. */
export interface ClassifierStep extends Step {
  /** Which epoch this step belongs to, counted from 1. */
  readonly epoch: number;
  /** Mean cross-entropy of this batch, in nats. */
  readonly loss: number;
  /** The same over about the last 50 steps (an exponential moving average). */
  readonly runningLoss: number;
  readonly learningRate: number;
}

/** What to fit, how far, and on what. */
export interface FitOptions {
  /** Trained in place, through its vector of numbers; it stays the caller's. */
  classifier: { getVector(): tf.Tensor1D; setVector(vector: tf.Tensor1D): void };
  /** What the numbers make of a batch: `[P]`, `[B, 28, 28, 1]` and what `draw` gave → `[B, numClasses]`. */
  logits: (vector: tf.Tensor1D, images: tf.Tensor4D, ...drawn: tf.Tensor[]) => tf.Tensor2D;
  /** What else a step depends on by chance: shifts of the images, or noise. */
  draw: (batchSize: number, random: Random) => tf.Tensor[];
  data: ImageDataset;
  epochs: number;
  batchSize: number;
  learningRate: LearningRate;
  /** Governs the order of the data and what is drawn. */
  seed: number;
  numClasses: number;
  /** Ends the loop cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/** Weight of the newest loss in `runningLoss`, once there are enough of them. */
const RUNNING = 0.02;

/**
 * Trains with Adam on the cross-entropy, and yields after every update. The run is a function of the seed and
 * the classifier's first weights alone.
 *
 * @throws RangeError for epochs or a rate out of range, an empty dataset or labels that are no class
 * @throws DivergenceError where the loss is no number; the weights stay those of the step before
 */
export async function* fitClassifier(
  options: FitOptions,
): AsyncGenerator<ClassifierStep, void, undefined> {
  requireTrainable(options);
  const { data, epochs, batchSize, seed, learningRate, signal = interruptSignal() } = options;
  const numSteps = epochs * numBatches(data, batchSize);
  const random = new Random(seed);
  const fitting = new Fitting(options);
  let runningLoss = NaN;
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const batch of batches(data, { batchSize, seed, epoch })) {
        if (signal.aborted) return batch.images.dispose();
        const rate = rateAt(learningRate, fitting.step + 1, numSteps);
        const loss = fitting.update(batch, random, rate);
        const { step } = fitting;
        // The first 50 losses count alike, as the average has nothing to begin with.
        runningLoss = step === 1 ? loss : runningLoss + pull(step) * (loss - runningLoss);
        yield { step, numSteps, epoch: epoch + 1, loss, runningLoss, learningRate: rate };
        await yieldToEventLoop();
      }
    }
  } finally {
    fitting.dispose();
  }
}

function pull(step: number): number {
  return Math.max(RUNNING, 1 / step);
}

/** A run's state: the network, the optimiser and the step as one graph. */
class Fitting {
  /** Updates done so far. */
  step = 0;
  private readonly adam: Adam;
  private readonly graph: GraphFunction;

  constructor(private readonly options: FitOptions) {
    const vector = options.classifier.getVector();
    this.adam = new Adam(vector.size, ADAM_DEFAULTS);
    vector.dispose();
    this.graph = graphFunction((...inputs) => this.next(...(inputs as UpdateInputs)));
  }

  /** One step. Frees the batch's images. */
  update({ images, labels }: Batch, random: Random, rate: number): number {
    const step = this.step + 1;
    const { classifier, draw, numClasses } = this.options;
    try {
      return tf.tidy(() => {
        const drawn = draw(labels.length, random);
        const targets = tf.oneHot(tf.tensor1d(Int32Array.from(labels), "int32"), numClasses);
        const { stepSize, epsilon } = this.adam.rates(step, rate);
        const rates = [tf.scalar(stepSize), tf.scalar(epsilon)] as const;
        const outputs = this.graph(images, targets.toFloat(), ...rates, ...drawn);
        const [lossTensor, vector, mean, meanSquare] = outputs as UpdateOutputs;
        const loss = lossTensor.dataSync()[0] ?? NaN;
        if (!Number.isFinite(loss)) throw divergence(step, loss, rate);
        classifier.setVector(vector);
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
  private next(...[images, targets, stepSize, epsilon, ...drawn]: UpdateInputs): UpdateOutputs {
    const lossOf = (v: tf.Tensor): tf.Scalar => {
      const logits = this.options.logits(v as tf.Tensor1D, images, ...drawn);
      return tf.logSoftmax(logits).mul(targets).sum(1).mean<tf.Scalar>().neg();
    };
    const vector = this.options.classifier.getVector();
    const { value, grad } = tf.valueAndGrad(lossOf)(vector);
    const next = this.adam.next(vector, grad as tf.Tensor1D, stepSize, epsilon);
    return [value, next.vector, next.mean, next.meanSquare];
  }
}

type UpdateInputs = [
  images: tf.Tensor4D,
  targets: tf.Tensor2D,
  stepSize: tf.Tensor,
  epsilon: tf.Tensor,
  ...drawn: tf.Tensor[],
];
type UpdateOutputs = [loss: tf.Tensor, vector: tf.Tensor1D, mean: tf.Tensor, meanSquare: tf.Tensor];

function requireTrainable({ data, epochs, learningRate, numClasses }: FitOptions): void {
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs must be a whole number ≥ 1; got ${epochs}.`);
  }
  requireLearningRate(learningRate);
  if (data.size === 0) throw new RangeError(`${data.name} has no images to train on.`);
  const label = data.labels.find((value) => value >= numClasses);
  if (label !== undefined) {
    throw new RangeError(
      `${data.name} has the label ${label}; digits have labels 0 … ${numClasses - 1}.`,
    );
  }
}

function divergence(step: number, loss: number, rate: number): DivergenceError {
  return new DivergenceError(
    `The classifier's loss became ${loss} at step ${step}. Its weights are still those of step ` +
      `${step - 1}; start again with a learning rate below ${rate}, or a longer warm-up.`,
  );
}
