/**
 * `npm run loss-curves`: puts the losses of training runs into the course's figure, beside PyTorch's.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  figureToPng,
  loadTraining,
  trainingCurvesFigure,
  type Recipe,
  type TrainingCurve,
} from "../src";
import { readLines, type EpochLine, type StepLine } from "./run-log";

const USAGE = `Usage: npm run loss-curves -- [options]
  --run NAME=FOLDER  a run of npm run train, under a name: added to the curves, or put in the place of
                     the one of that name; can be given again
  --data FILE        the curves            (default docs/data/loss-curves.json)
  --out FILE         the figure, PNG       (default docs/loss-curves.png)`;

/** So many steps are kept one by one (or rather by twenty), for those who train along. */
const FIRST_STEPS = 2000;

interface Curves {
  curves: TrainingCurve[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      run: { type: "string", multiple: true, default: [] },
      data: { type: "string", default: "docs/data/loss-curves.json" },
      out: { type: "string", default: "docs/loss-curves.png" },
    },
  });
  const { curves } = JSON.parse(fs.readFileSync(values.data, "utf8")) as Curves;
  for (const text of values.run) {
    const curve = await curveOf(readRun(text));
    const at = curves.findIndex(({ name }) => name === curve.name);
    curves.splice(at < 0 ? curves.length : at, 1, curve);
  }
  fs.writeFileSync(values.data, `${JSON.stringify({ curves }, null, 2)}\n`);
  const figure = trainingCurvesFigure(curves, { width: 860, height: 460 });
  fs.writeFileSync(values.out, await figureToPng(figure));
  for (const curve of curves) console.log(summary(curve));
  console.log(`The curves are in ${values.data}, the figure in ${values.out}.`);
}

function readRun(text: string): { name: string; folder: string } {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) {
    throw new RangeError(`--run is NAME=FOLDER; got "${text}".`);
  }
  return { name: text.slice(0, at), folder: text.slice(at + 1) };
}

async function curveOf({ name, folder }: { name: string; folder: string }): Promise<TrainingCurve> {
  const training = await loadTraining(path.join(folder, "training.safetensors"));
  const how = describe(training.recipe);
  training.dispose();
  const epochs = readLines<EpochLine>(path.join(folder, "metrics.jsonl"), "epoch");
  const steps = readLines<StepLine>(path.join(folder, "losses.jsonl"), "step");
  const firstSteps = steps.filter(({ step }) => step <= FIRST_STEPS);
  return {
    name,
    how,
    epochs: epochs.map(({ epoch, loss, testLoss }) => ({
      epoch,
      loss: rounded(loss),
      testLoss: rounded(testLoss),
    })),
    ...(firstSteps.length > 0 && { firstSteps }),
  };
}

function describe(recipe: Recipe): string {
  const { learningRate: rate, adam, batchSize, times, maxGradientNorm, seed } = recipe;
  const rates =
    typeof rate === "number"
      ? `rate ${rate}`
      : `rate ${rate.peak} after ${rate.warmupSteps} steps of warm-up, cosine to ${rate.final * 100} %`;
  const clip = maxGradientNorm === null ? "" : `, gradients of at most ${maxGradientNorm}`;
  return `Adam, β₂ ${adam.beta2}, ${rates}; batches of ${batchSize}, ${times} times${clip}; seed ${seed}`;
}

function rounded(loss: number): number {
  return Number(loss.toPrecision(6));
}

function summary({ name, how, epochs }: TrainingCurve): string {
  const last = epochs.at(-1);
  const test = [...epochs].reverse().find(({ testLoss }) => testLoss !== undefined)?.testLoss;
  return (
    `${name}: ${last?.loss.toFixed(2)} in epoch ${last?.epoch}` +
    (test === undefined ? "" : `, ${test.toFixed(2)} on the test images`) +
    ` (${how})`
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
