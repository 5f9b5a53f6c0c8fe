/**
 * `npm run train-classifier`: trains a network that reads digits, and writes it with its accuracy.
 */
import fs from "node:fs";
import { parseArgs } from "node:util";
import {
  accuracy,
  CLASSIFIER_RECIPE,
  DigitClassifier,
  engineInfo,
  exponentialSde,
  loadMnist,
  NOISE_CLASSIFIER_RECIPE,
  noiseAccuracy,
  NoiseClassifier,
  progress,
  raiseInterrupt,
  saveClassifier,
  saveNoiseClassifier,
  trainClassifier,
  trainNoiseClassifier,
  type ClassifierRecipe,
  type ClassifierStep,
  type ImageDataset,
  type NoiseClassifierRecipe,
} from "../src";
import { choice, wholeNumber } from "./options";

const USAGE = `Usage: npm run train-classifier -- [options]
  --kind NAME    digits: judges samples | noise: reads digits through noise, for guidance
                                                               (default digits)
  --out FILE     the trained network                           (default runs/classifier-mnist.safetensors,
                                                               runs/noise-classifier-mnist.safetensors)
  --epochs N     times through the training images             (default 12; noise: 5)
  --seed N       first weights, order of the data and what is drawn (default 0)`;

/** One of the two classifiers on its way. */
interface Job {
  epochs: number;
  steps(data: ImageDataset, epochs: number): AsyncGenerator<ClassifierStep, void, undefined>;
  recipe: ClassifierRecipe | NoiseClassifierRecipe;
  /** What it got right of the test images, in words. */
  accuracy(test: ImageDataset): string;
  save(file: string, metadata: Record<string, string>): Promise<void>;
}

const JOBS: Readonly<Record<string, (seed: number) => Job>> = {
  digits: (seed) => {
    const recipe: ClassifierRecipe = { ...CLASSIFIER_RECIPE, seed };
    const classifier = new DigitClassifier({ seed });
    return {
      epochs: 12,
      recipe,
      steps: (data, epochs) => trainClassifier({ classifier, data, epochs, recipe }),
      accuracy: (test) => percent(accuracy(classifier, test)),
      save: (file, metadata) => saveClassifier(file, classifier, metadata),
    };
  },
  noise: (seed) => {
    const recipe: NoiseClassifierRecipe = { ...NOISE_CLASSIFIER_RECIPE, seed };
    const classifier = new NoiseClassifier({ sde: exponentialSde(), seed });
    return {
      epochs: 5,
      recipe,
      steps: (data, epochs) => trainNoiseClassifier({ classifier, data, epochs, recipe }),
      accuracy: (test) =>
        [0.05, 0.3, 1, 3]
          .map((sigma) => `${percent(noiseAccuracy(classifier, test, sigma))} at σ = ${sigma}`)
          .join(", "),
      save: (file, metadata) => saveNoiseClassifier(file, classifier, metadata),
    };
  },
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kind: { type: "string", default: "digits" },
      out: { type: "string" },
      epochs: { type: "string" },
      seed: { type: "string", default: "0" },
    },
  });
  const seed = wholeNumber(values.seed, "--seed", 0);
  const job = choice(JOBS, values.kind, "--kind")(seed);
  const epochs = wholeNumber(values.epochs ?? String(job.epochs), "--epochs", 1);
  const prefix = values.kind === "noise" ? "noise-" : "";
  const out = values.out ?? `runs/${prefix}classifier-mnist.safetensors`;
  if (fs.existsSync(out)) {
    throw new Error(`${out} exists: choose another file with --out, or delete it.`);
  }
  const data = await loadMnist({ split: "train" });
  const test = await loadMnist({ split: "test" });
  process.once("SIGINT", () => raiseInterrupt());

  const { tensorflowVersion, device, threads } = engineInfo();
  console.log(
    `TensorFlow ${tensorflowVersion} on ${device}, ${threads} threads; ${data.size} images.`,
  );
  let last: ClassifierStep | undefined;
  for await (const s of progress(job.steps(data, epochs), { describe })) {
    if (last && s.epoch > last.epoch) console.log(describe(last));
    last = s;
  }
  if (last?.step !== last?.numSteps) {
    throw new Error(`Interrupted at step ${last?.step} of ${last?.numSteps}: nothing was written.`);
  }
  const right = job.accuracy(test);
  await job.save(out, {
    recipe: JSON.stringify({ ...job.recipe, epochs }),
    data: describeData(data),
    accuracy: `${right} on ${describeData(test)}`,
  });
  console.log(`Of ${test.size} test images ${right} right; ${out}.`);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}

function describe({ epoch, runningLoss }: ClassifierStep): string {
  return `epoch ${epoch}  loss ${runningLoss.toFixed(4)}`;
}

function describeData({ size, name, source }: ImageDataset): string {
  return `${size} images, ${name} (${source})`;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
