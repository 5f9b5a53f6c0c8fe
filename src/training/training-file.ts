/**
 * A training run as a file.
 */
import { Random, tf } from "../engine";
import {
  fromPyTorch,
  networkFrom,
  networkMetadata,
  networkTensors,
  readSafetensors,
  SafetensorsError,
  toPyTorch,
  writeSafetensors,
  type StoredTensors,
} from "../checkpoints";
import type { ScoreModel } from "../models";
import { ARTICLE_RECIPE, requireRecipe, Training, type LossRecord, type Recipe } from "./training";

/** What besides tensors makes a run go on exactly. */
interface Position {
  readonly step: number;
  readonly randomCounter: number;
  readonly losses: { readonly [K in keyof LossRecord]: number | null };
  readonly recipe: Recipe;
}

const PREFIXES = {
  mean: "adam.exp_avg.",
  meanSquare: "adam.exp_avg_sq.",
  average: "ema.",
} as const;

/**
 * Writes a run: weights under PyTorch's names, Adam's moments and the moving average under the same
 * names with a prefix, and the position in the metadata. Whole or not at all.
 */
export async function saveTraining(file: string, training: Training): Promise<void> {
  const { model, adam, average } = training;
  const tensors = await networkTensors(model);
  const states = { mean: adam.mean, meanSquare: adam.meanSquare, average };
  for (const key of ["mean", "meanSquare", "average"] as const) {
    const entries = toPyTorch(model.layout, states[key] as unknown as tf.Tensor1D, PREFIXES[key]);
    for (const [name, tensor] of entries) tensors.set(name, tensor);
  }
  const { running, epochSum, epochExamples } = training.losses;
  const position: Position = {
    step: training.step,
    randomCounter: training.random.state.counter,
    losses: { running: Number.isNaN(running) ? null : running, epochSum, epochExamples },
    recipe: training.recipe,
  };
  await writeSafetensors(file, {
    tensors,
    metadata: { training: JSON.stringify(position), ...networkMetadata(model) },
  });
}

/**
 * Reads a run that `saveTraining` wrote; it goes on as if it had never stopped.
 *
 * @throws SafetensorsError for a damaged or foreign file
 */
export async function loadTraining(file: string): Promise<Training> {
  const contents = await readSafetensors(file);
  const position = parsePosition(contents.metadata["training"], file);
  const recipe = completeRecipe(position.recipe, file);
  const model = networkFrom(contents, file);
  try {
    return restored(model, { ...position, recipe }, contents, file);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

function restored(
  model: ScoreModel,
  { recipe, step, randomCounter, losses }: Position,
  { tensors }: StoredTensors,
  file: string,
): Training {
  const { layout } = model;
  const vectors = tf.tidy(() => ({
    mean: fromPyTorch(layout, tensors, PREFIXES.mean, file),
    meanSquare: fromPyTorch(layout, tensors, PREFIXES.meanSquare, file),
    average: fromPyTorch(layout, tensors, PREFIXES.average, file),
  }));
  try {
    const training = new Training(model, recipe, new Random(recipe.seed, randomCounter));
    training.step = step;
    const { running, epochSum, epochExamples } = losses;
    training.losses = {
      running: running ?? NaN,
      epochSum: epochSum ?? 0,
      epochExamples: epochExamples ?? 0,
    };
    training.adam.assign(vectors.mean, vectors.meanSquare);
    training.average.assign(vectors.average);
    return training;
  } catch (cause) {
    throw damagedRecipe(file, cause);
  } finally {
    tf.dispose(vectors);
  }
}

/** A file of an earlier version lacks what recipes did not have then; it went by the defaults. */
function completeRecipe(stored: Partial<Recipe>, file: string): Recipe {
  const recipe = { ...ARTICLE_RECIPE, ...stored };
  try {
    requireRecipe(recipe);
  } catch (cause) {
    throw damagedRecipe(file, cause);
  }
  return recipe;
}

function damagedRecipe(file: string, cause: unknown): SafetensorsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SafetensorsError(`${file}: its recipe is damaged: ${reason}`, { cause });
}

function parsePosition(text: string | undefined, file: string): Position {
  if (text === undefined) {
    throw new SafetensorsError(
      `${file} holds a network but no training run: open it with loadNetwork, or start a new run.`,
    );
  }
  let parsed: Partial<Position> | null;
  try {
    parsed = JSON.parse(text) as Partial<Position> | null;
  } catch {
    parsed = null;
  }
  const counts = [parsed?.step, parsed?.randomCounter];
  const valid = counts.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  if (!valid || !parsed?.recipe || !parsed.losses) {
    throw new SafetensorsError(`${file}: what it says of the training run is damaged.`);
  }
  return parsed as Position;
}
