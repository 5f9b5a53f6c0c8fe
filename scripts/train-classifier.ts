/**
 * `npm run train-classifier`: trains the network that judges samples, and writes it with its accuracy.
 */
import fs from "node:fs";
import { parseArgs } from "node:util";
import {
  accuracy,
  CLASSIFIER_RECIPE,
  DigitClassifier,
  engineInfo,
  loadMnist,
  progress,
  raiseInterrupt,
  saveClassifier,
  trainClassifier,
  type ClassifierRecipe,
  type ClassifierStep,
  type ImageDataset,
} from "../src";
import { wholeNumber } from "./options";

const USAGE = `Usage: npm run train-classifier -- [options]
  --out FILE     the trained network                           (default runs/classifier-mnist.safetensors)
  --epochs N     times through the training images             (default 12)
  --seed N       first weights, order of the data and shifts   (default 0)`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "runs/classifier-mnist.safetensors" },
      epochs: { type: "string", default: "12" },
      seed: { type: "string", default: "0" },
    },
  });
  const epochs = wholeNumber(values.epochs, "--epochs", 1);
  const seed = wholeNumber(values.seed, "--seed", 0);
  if (fs.existsSync(values.out)) {
    throw new Error(`${values.out} exists: choose another file with --out, or delete it.`);
  }
  const recipe: ClassifierRecipe = { ...CLASSIFIER_RECIPE, seed };
  const classifier = new DigitClassifier({ seed });
  const data = await loadMnist({ split: "train" });
  const test = await loadMnist({ split: "test" });
  process.once("SIGINT", () => raiseInterrupt());

  const { tensorflowVersion, device, threads } = engineInfo();
  console.log(
    `TensorFlow ${tensorflowVersion} on ${device}, ${threads} threads; ${data.size} images.`,
  );
  const run = progress(trainClassifier({ classifier, data, epochs, recipe }), { describe });
  let last: ClassifierStep | undefined;
  for await (const s of run) {
    if (last && s.epoch > last.epoch) console.log(describe(last));
    last = s;
  }
  if (last?.step !== last?.numSteps) {
    throw new Error(`Interrupted at step ${last?.step} of ${last?.numSteps}: nothing was written.`);
  }
  const right = accuracy(classifier, test);
  await saveClassifier(values.out, classifier, {
    recipe: JSON.stringify({ ...recipe, epochs }),
    data: describeData(data),
    accuracy: `${right} on ${describeData(test)}`,
  });
  console.log(`${(100 * right).toFixed(2)} % of ${test.size} test images right; ${values.out}.`);
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
