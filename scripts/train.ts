/**
 * `npm run train`: trains a network from the command line.
 *
 * The folder given with --out gets `training.safetensors` (the whole run: taken up again with
 * --resume), `scorenet.safetensors` (the averaged weights alone: what notebooks load),
 * `metrics.jsonl` (a line an epoch) and `losses.jsonl` (a line every 20 steps).
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  ARTICLE_RECIPE,
  createTraining,
  EDM_RECIPE,
  edmPreconditioning,
  engineInfo,
  exponentialSde,
  FAST_RECIPE,
  loadMnist,
  loadTraining,
  MNIST_STD,
  progress,
  raiseInterrupt,
  ResidualNet,
  saveNetwork,
  saveTraining,
  ScoreNet,
  subVpSde,
  train,
  varianceExplodingSde,
  variancePreservingSde,
  type Recipe,
  type ScoreModel,
  type Sde,
  type Training,
  type TrainStep,
} from "../src";
import { choice, finite, notNegative, positive, wholeNumber } from "./options";
import { RunLog } from "./run-log";

const USAGE = `Usage: npm run train -- [options]
  --out FOLDER         where the run is kept                    (default runs/latest)
  --epochs N           epochs in all, a resumed run's included  (default 8)
  --network NAME       score | score-edm | residual             (default score)
                       the article's; the same with EDM's preconditioning; ResidualNet
  --sde NAME           exponential | variance-exploding | variance-preserving | sub-vp
                                                                (default exponential)
  --recipe NAME        fast | article | edm                     (default fast)
  --batch-size N       examples a step                          (default: the recipe's)
  --learning-rate X    peak rate                                (default: the recipe's)
  --times NAME         independent | stratified                 (default: the recipe's)
  --log-mean X         mean of ln σ of the noise levels         (default: the recipe's; not for uniform times)
  --clip X             longest gradient                         (default: the recipe's)
  --class-dropout X    part of the images shown without class   (default: classes are not used)
  --seed N             order of the data, t, z, first weights   (default 0)
  --save-minutes N     minutes between checkpoints              (default 5)
  --resume             go on with the run in --out`;

interface Options {
  out: string;
  epochs: number;
  makeModel: () => ScoreModel;
  recipe: Recipe;
  saveMinutes: number;
  resume: boolean;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: "string", default: "runs/latest" },
      epochs: { type: "string", default: "8" },
      network: { type: "string", default: "score" },
      sde: { type: "string", default: "exponential" },
      recipe: { type: "string", default: "fast" },
      "batch-size": { type: "string" },
      "learning-rate": { type: "string" },
      times: { type: "string" },
      "log-mean": { type: "string" },
      clip: { type: "string" },
      "class-dropout": { type: "string" },
      seed: { type: "string", default: "0" },
      "save-minutes": { type: "string", default: "5" },
      resume: { type: "boolean", default: false },
    },
  });
  const base = choice(RECIPES, values.recipe, "--recipe");
  const makeNetwork = choice(NETWORKS, values.network, "--network");
  const makeSde = choice(SDES, values.sde, "--sde");
  const seed = wholeNumber(values.seed, "--seed", 0);
  const dropout = values["class-dropout"];
  const classDropout =
    dropout === undefined ? base.classDropout : notNegative(dropout, "--class-dropout");
  return {
    out: values.out,
    epochs: wholeNumber(values.epochs, "--epochs", 1),
    makeModel: () => makeNetwork(makeSde(), seed, classDropout !== null),
    recipe: {
      ...base,
      seed,
      classDropout,
      batchSize: wholeNumber(values["batch-size"] ?? String(base.batchSize), "--batch-size", 1),
      learningRate: learningRate(base, values["learning-rate"]),
      times: (values.times ?? base.times) as Recipe["times"],
      noiseLevels: noiseLevels(base, values["log-mean"]),
      maxGradientNorm:
        values.clip === undefined ? base.maxGradientNorm : positive(values.clip, "--clip"),
    },
    saveMinutes: positive(values["save-minutes"], "--save-minutes"),
    resume: values.resume,
  };
}

/** What can be chosen by name, one line for each. */
const RECIPES: Readonly<Record<string, Recipe>> = {
  fast: FAST_RECIPE,
  article: ARTICLE_RECIPE,
  edm: EDM_RECIPE,
};
type MakeNetwork = (sde: Sde, seed: number, classes: boolean) => ScoreModel;
const NETWORKS: Readonly<Record<string, MakeNetwork>> = {
  score: (sde, seed) => new ScoreNet({ sde, seed }),
  "score-edm": (sde, seed) =>
    new ScoreNet({ sde, seed, preconditioning: edmPreconditioning(MNIST_STD) }),
  residual: (sde, seed, classes) => new ResidualNet({ sde, seed, classes }),
};
const SDES: Readonly<Record<string, () => Sde>> = {
  exponential: exponentialSde,
  "variance-exploding": varianceExplodingSde,
  "variance-preserving": variancePreservingSde,
  "sub-vp": subVpSde,
};

function learningRate(base: Recipe, text: string | undefined): Recipe["learningRate"] {
  if (text === undefined) return base.learningRate;
  const peak = positive(text, "--learning-rate");
  return typeof base.learningRate === "number" ? peak : { ...base.learningRate, peak };
}

function noiseLevels(base: Recipe, text: string | undefined): Recipe["noiseLevels"] {
  if (text === undefined) return base.noiseLevels;
  if (base.noiseLevels === "uniform") {
    throw new RangeError("--log-mean is for log-normal noise levels: choose --recipe edm with it.");
  }
  return { ...base.noiseLevels, logMean: finite(text, "--log-mean") };
}

/** The run in `out`, or a new one; a run that is there already is never overwritten unasked. */
async function openTraining(options: Options, file: string): Promise<Training> {
  if (options.resume) return loadTraining(file);
  if (fs.existsSync(file)) {
    throw new Error(`${file} exists: go on with --resume, or choose another folder with --out.`);
  }
  return createTraining({ model: options.makeModel(), recipe: options.recipe });
}

/** Before any work is done: what cannot be kept need not be begun. */
function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Nothing can be written to ${folder} (${reason}). Choose another --out.`, {
      cause,
    });
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const file = path.join(options.out, "training.safetensors");
  makeFolder(options.out);
  const training = await openTraining(options, file);
  const data = await loadMnist({ split: "train" });
  const test = await loadMnist({ split: "test" });
  process.once("SIGINT", () => raiseInterrupt());

  const { tensorflowVersion, device, threads } = engineInfo();
  console.log(
    `TensorFlow ${tensorflowVersion} on ${device}, ${threads} threads; ${data.size} images.`,
  );
  const stepsPerEpoch = Math.ceil(data.size / training.recipe.batchSize);
  let saved = Date.now();
  const log = new RunLog(options.out, stepsPerEpoch, test);
  const describe = (s: TrainStep): string => `epoch ${s.epoch}  loss ${s.runningLoss.toFixed(2)}`;
  for await (const s of progress(train({ training, data, epochs: options.epochs }), { describe })) {
    const line = log.record(s, training);
    if (line) {
      const { epoch, loss, testLoss } = line;
      console.log(`epoch ${epoch}: loss ${loss.toFixed(2)}, test images ${testLoss.toFixed(2)}`);
    }
    if (line || Date.now() - saved > options.saveMinutes * 60_000) {
      await saveTraining(file, training);
      saved = Date.now();
    }
  }
  await saveTraining(file, training);
  const net = training.averagedModel();
  await saveNetwork(path.join(options.out, "scorenet.safetensors"), net, {
    recipe: JSON.stringify(training.recipe),
    step: String(training.step),
  });
  console.log(`Step ${training.step}; the run is in ${options.out}.`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
