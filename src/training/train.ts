/**
 * The training loop.
 */
import { batches, type Batch, type ImageDataset } from "../data";
import {
  graphFunction,
  interruptSignal,
  tf,
  yieldToEventLoop,
  type GraphFunction,
} from "../engine";
import { denoisingLoss, edmWeighting, varianceWeighting, type Weighting } from "../losses";
import { toVector } from "../models";
import type { Step } from "../step";
import { rateAt } from "./learning-rate";
import { drawTimes } from "./times";
import type { LossRecord, Training } from "./training";

/** One update of the weights. */
export interface TrainStep extends Step {
  /** Which epoch this step belongs to, counted from 1. */
  readonly epoch: number;
  /** Mean loss of this batch, as of eq. (5). */
  readonly loss: number;
  /** Mean loss over about the last 50 steps (an exponential moving average). */
  readonly runningLoss: number;
  /** Mean loss over the examples of this epoch so far. */
  readonly epochLoss: number;
  readonly learningRate: number;
  readonly examplesPerSecond: number;
}

/** How far to train, and on what. */
export interface TrainOptions {
  training: Training;
  data: ImageDataset;
  /** Where the run ends, counted from its start: a run taken up again does what is left of them. */
  epochs: number;
  /** λ(t); default the recipe's. */
  weighting?: Weighting;
  /** Ends the loop cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/** The loss was NaN or infinite. The weights are those of the step before. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
}

/** Weight of the newest loss in `runningLoss`, once there are enough of them. */
const RUNNING = 0.02;

/**
 * Trains with Adam on eq. (5), and yields after every update.
 *
 * The order of the data is a function of (seed, epoch) alone and t and z come from a counted stream, so
 * that the run is the same whether or not it was ever interrupted, saved and taken up again.
 *
 * @throws RangeError where epochs is not a whole number ≥ 1, or the dataset is empty or has labels that are no class
 * @throws DivergenceError where the loss is no number; the state stays as after the last good step
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainStep, void, undefined> {
  const { training, data, epochs, signal = interruptSignal() } = options;
  const weighting = options.weighting ?? weightingOf(training);
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs must be a whole number ≥ 1; got ${epochs}.`);
  }
  requireData(training, data);
  const { batchSize, seed, learningRate } = training.recipe;
  const stepsPerEpoch = Math.ceil(data.size / batchSize);
  const numSteps = epochs * stepsPerEpoch;

  const graph = updateGraph(training, weighting);
  try {
    while (training.step < numSteps && !signal.aborted) {
      const epoch = Math.floor(training.step / stepsPerEpoch);
      const from = training.step % stepsPerEpoch;
      for (const batch of batches(data, { batchSize, seed, epoch, from })) {
        const started = performance.now();
        const rate = rateAt(learningRate, training.step + 1, numSteps);
        const examples = batch.indices.length;
        const loss = update(training, graph, batch, rate);
        training.losses = recordLoss(training, loss, examples, batch.index === 0);
        const { running, epochSum, epochExamples } = training.losses;
        yield {
          step: training.step,
          numSteps,
          epoch: epoch + 1,
          loss,
          runningLoss: running,
          epochLoss: epochSum / epochExamples,
          learningRate: rate,
          examplesPerSecond: (1000 * examples) / (performance.now() - started),
        };
        await yieldToEventLoop();
        if (signal.aborted) return;
      }
    }
  } finally {
    graph.dispose();
  }
}

function weightingOf({ recipe, model }: Training): Weighting {
  const { weighting } = recipe;
  if (weighting === "variance") return varianceWeighting;
  return edmWeighting(model.sde, weighting.sigmaData);
}

/**
 * All that a step computes, as one graph: from images, t, z, three rates and classes (if any) to the loss, the weights,
 * Adam's two means and the weights' moving average.
 */
function updateGraph(training: Training, weighting: Weighting): GraphFunction {
  const { model, adam, average, recipe } = training;
  return graphFunction((...inputs) => {
    const [x0, t, z, stepSize, epsilon, averageRate, classes] = inputs as UpdateInputs;
    const lossOf = (...blocks: tf.Tensor[]): tf.Scalar => {
      const score = (x: tf.Tensor, time: tf.Tensor1D): tf.Tensor =>
        model.apply(blocks, x, time, classes);
      return denoisingLoss({ sde: model.sde, score, x0, t, z, weighting });
    };
    const vector = model.getVector();
    const { value, grads } = tf.valueAndGrads(lossOf)(model.layout.toBlocks(vector));
    const gradient = shortened(toVector(grads), recipe.maxGradientNorm);
    const next = adam.next(vector, gradient, stepSize, epsilon);
    const nextAverage = average.add(next.vector.sub(average).mul(averageRate));
    return [value, next.vector, next.mean, next.meanSquare, nextAverage];
  });
}

type UpdateInputs = [
  x0: tf.Tensor,
  t: tf.Tensor1D,
  z: tf.Tensor,
  stepSize: tf.Tensor,
  epsilon: tf.Tensor,
  averageRate: tf.Tensor,
  classes?: tf.Tensor2D,
];
type UpdateOutputs = [
  loss: tf.Tensor,
  vector: tf.Tensor1D,
  mean: tf.Tensor,
  meanSquare: tf.Tensor,
  average: tf.Tensor,
];

/** One step. Frees the batch's images. */
function update(training: Training, graph: GraphFunction, batch: Batch, rate: number): number {
  const { model, recipe, random, adam, average } = training;
  const before = random.state;
  const { images } = batch;
  const step = training.step + 1;
  try {
    return tf.tidy(() => {
      const t = drawTimes(random, images.shape[0], { ...recipe, sde: model.sde });
      const z = random.normal([...images.shape]);
      const { stepSize, epsilon } = adam.rates(step, rate);
      const rates = [stepSize, epsilon, averageRate(recipe.emaDecay, step)].map((r) =>
        tf.scalar(r),
      );
      const classes = drawClasses(training, batch.labels);
      const [lossTensor, ...next] = graph(images, t, z, ...rates, ...classes) as UpdateOutputs;
      const loss = lossTensor.dataSync()[0] ?? NaN;
      if (!Number.isFinite(loss)) throw divergence(step, loss, rate);
      const [vector, mean, meanSquare, nextAverage] = next;
      model.setVector(vector);
      adam.assign(mean, meanSquare);
      average.assign(nextAverage);
      training.step = step;
      return loss;
    });
  } catch (error) {
    random.rewind(before);
    throw error;
  } finally {
    images.dispose();
  }
}

function requireData({ model, recipe }: Training, { name, size, labels }: ImageDataset): void {
  if (size === 0) throw new RangeError(`${name} has no images to train on.`);
  const foreign = labels.find((label) => label >= model.numClasses);
  if (recipe.classDropout !== null && foreign !== undefined) {
    throw new RangeError(
      `${name} has the label ${foreign}; the network knows the classes 0 … ${model.numClasses - 1}.`,
    );
  }
}

/** A row for each example: a 1 in its class's column or, for a part of the examples, nowhere. `[B, classes]` */
function drawClasses({ recipe, model, random }: Training, labels: Uint8Array): tf.Tensor[] {
  const { classDropout } = recipe;
  if (classDropout === null) return [];
  const isShown = random.uniform([labels.length, 1]).greaterEqual(classDropout);
  return [
    tf
      .oneHot([...labels], model.numClasses)
      .mul(isShown)
      .cast("float32"),
  ];
}

/** The gradient, no longer than `maxNorm` (Pascanu et al. 2013). `[P]` */
function shortened(gradient: tf.Tensor1D, maxNorm: number | null): tf.Tensor1D {
  if (maxNorm === null) return gradient;
  const norm = gradient.square().sum().sqrt();
  return gradient.mul(tf.minimum(1, tf.div(maxNorm, norm)));
}

/**
 * How far the moving average of the weights goes towards the newest ones. Early on further, or it would
 * stay near the first weights for a thousand steps.
 */
function averageRate(emaDecay: number, step: number): number {
  return 1 - Math.min(emaDecay, (1 + step) / (10 + step));
}

/** The first 50 losses count alike: a moving average that began at the first would lag far behind. */
function recordLoss(
  { losses, step }: Training,
  loss: number,
  examples: number,
  firstOfEpoch: boolean,
): LossRecord {
  const running =
    step === 1 ? loss : losses.running + Math.max(RUNNING, 1 / step) * (loss - losses.running);
  return {
    running,
    epochSum: (firstOfEpoch ? 0 : losses.epochSum) + loss * examples,
    epochExamples: (firstOfEpoch ? 0 : losses.epochExamples) + examples,
  };
}

function divergence(step: number, loss: number, rate: number): DivergenceError {
  return new DivergenceError(
    `The loss became ${loss} at step ${step}. The weights are still those of step ${step - 1}; ` +
      `go on from them with a learning rate below ${rate}, or a longer warm-up.`,
  );
}
