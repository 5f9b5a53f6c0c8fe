/**
 * `npm run compare-networks`: what each change of the network or its training is worth; for the table of
 * notebook 09. It reads runs of `npm run train`, and measures the digits of each with the same sampler.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  evaluateSamples,
  MIN_SAMPLES,
  networkFrom,
  raiseInterrupt,
  readSafetensors,
  type ResidualNet,
  ScoreNet,
  sdeDpmSolver2m,
  tf,
  type Recipe,
  type Score,
} from "../src";
import { scoreOfAsked } from "./asked-digits";
import { draw } from "./draw";
import { openJudge, realFrechet, rounded, type Judge } from "./judge";
import { writeWhole } from "./lib/files.mjs";
import { wholeNumber } from "./options";
import { readLines, type EpochLine } from "./run-log";

const USAGE = `Usage: npm run compare-networks -- [options] NAME=FOLDER …
  NAME=FOLDER      a row's name, and the folder of its run; NAME+classes=FOLDER draws digits of classes in
                   turn, from a network that knows classes
  --count N        digits for each measurement, ${MIN_SAMPLES} or more  (default 1000)
  --seeds N        how often everything is measured       (default 3)
  --out FILE       the results                            (default docs/data/networks.json)`;

const BATCH = 250;
const EPS = 1e-3;
const STEPS = 20;

/** A row of the table. */
interface Row {
  name: string;
  network: "score-net" | "residual-net";
  preconditioning: string;
  sde: string;
  noiseLevels: Recipe["noiseLevels"];
  weighting: Recipe["weighting"];
  /** Whether digits of the ten classes in turn were asked for. */
  classes: boolean;
  parameters: number;
  epochs: number;
  /** Of training. */
  minutes: number;
  /** The article's loss of the averaged weights on the test images. */
  testLoss: number;
  /** Fréchet distance to the test images, one a seed. */
  frechet: number[];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: "string", default: "1000" },
      seeds: { type: "string", default: "3" },
      out: { type: "string", default: "docs/data/networks.json" },
    },
  });
  const count = wholeNumber(values.count, "--count", MIN_SAMPLES);
  const seeds = wholeNumber(values.seeds, "--seeds", 1);
  if (positionals.length === 0) throw new RangeError("No run is named: NAME=FOLDER.");
  // What is wrong with any of them is to be seen before hours of measuring, not after.
  const runs: OpenRun[] = [];
  for (const text of positionals) runs.push(await openRun(parseRun(text)));
  const judge = await openJudge();
  process.once("SIGINT", () => raiseInterrupt());
  const rows: Row[] = [];
  const results = {
    count,
    seeds,
    sampler: "sde-dpm2m",
    numSteps: STEPS,
    eps: EPS,
    reference: judge.referenceName,
    realFrechet: await realFrechet(judge, count),
    rows,
  };
  for (const run of runs) {
    const row = await rowOf(run, judge, count, seeds);
    rows.push(row);
    writeWhole(values.out, `${JSON.stringify(results, null, 2)}\n`);
    console.log(`${row.name}: ${row.frechet.join(", ")}`);
  }
  console.log(`${rows.length} rows in ${values.out}.`);
}

interface Run {
  name: string;
  folder: string;
  classes: boolean;
}

function parseRun(text: string): Run {
  const at = text.indexOf("=");
  const [name, folder] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || !folder) throw new RangeError(`A run is given as NAME=FOLDER; got "${text}".`);
  return {
    name: name.replace(/\+classes$/, "-classes"),
    folder,
    classes: name.endsWith("+classes"),
  };
}

interface OpenRun extends Run {
  net: ScoreNet | ResidualNet;
  score: Score;
  recipe: Recipe;
  epochs: EpochLine[];
}

/** @throws Error where there is no such run, or one that does not know classes is to be asked for them */
async function openRun(run: Run): Promise<OpenRun> {
  const file = path.join(run.folder, "scorenet.safetensors");
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: has the run begun?`);
  const contents = await readSafetensors(file);
  const net = networkFrom(contents, file);
  const recipe = JSON.parse(contents.metadata["recipe"] ?? "{}") as Recipe;
  const epochs = readLines<EpochLine>(path.join(run.folder, "metrics.jsonl"), "epoch");
  const asked = run.classes ? { digits: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], scale: 1 } : undefined;
  return { ...run, net, recipe, epochs, score: scoreOfAsked(net, asked, run.name) };
}

async function rowOf(run: OpenRun, judge: Judge, count: number, seeds: number): Promise<Row> {
  const { net, score, recipe, epochs } = run;
  const frechet: number[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    frechet.push(await measured(net, score, judge, count, seed));
  }
  return {
    name: run.name,
    network: net instanceof ScoreNet ? "score-net" : "residual-net",
    preconditioning: net.preconditioning.name,
    sde: net.sde.parameters?.kind ?? net.sde.name,
    noiseLevels: recipe.noiseLevels,
    weighting: recipe.weighting,
    classes: run.classes,
    parameters: net.layout.size,
    epochs: epochs.length,
    minutes: rounded(epochs.reduce((sum, { seconds }) => sum + seconds, 0) / 60),
    testLoss: rounded(epochs.at(-1)?.testLoss ?? NaN),
    frechet,
  };
}

async function measured(
  { sde }: ScoreNet | ResidualNet,
  score: Score,
  judge: Judge,
  count: number,
  seed: number,
): Promise<number> {
  const how = { sampler: sdeDpmSolver2m, numSteps: STEPS, count, batch: BATCH, eps: EPS, seed };
  const { samples } = await draw({ sde, score, ...how });
  const { frechet } = await evaluateSamples({ samples, ...judge });
  tf.dispose(samples);
  return rounded(frechet);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
