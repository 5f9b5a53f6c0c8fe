/**
 * `npm run compare-samplers`: how good the digits of every sampler are at every cost, for the figure of notebook 08.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  constantTime,
  evaluateSamples,
  loadNetwork,
  MIN_SAMPLES,
  raiseInterrupt,
  tf,
  type ScoreModel,
} from "../src";
import { draw } from "./draw";
import { CLASSIFIER, openJudge, realFrechet, rounded, sha256, type Judge } from "./judge";
import { writeWhole } from "./lib/files.mjs";
import { wholeNumber } from "./options";
import { samplerOf } from "./samplers";
import { saveSamples } from "./samples-file";

const USAGE = `Usage: npm run compare-samplers -- [options]
  --count N        digits for each measurement, ${MIN_SAMPLES} or more  (default 2000)
  --seeds N        how often everything is measured       (default 3)
  --max-nfe N      leaves out what takes more score evaluations (default: nothing)
  --samplers A,B   only these                             (default: all)
  --keep FOLDER    keeps the digits too, as FOLDER/SAMPLER-STEPS-SEED.safetensors
  --model FILE     the network                            (default the shipped one)
  --out FILE       the results, written after each row    (default docs/data/fast-sampling.json)

What is in --out already is not measured again: after an interruption, the same command goes on.`;

const BATCH = 250;
const EPS = 1e-3;
const SNR = 0.16;

/** Score evaluations of so many steps. */
type Cost = (steps: number) => number;
const once: Cost = (steps) => steps;
const twice: Cost = (steps) => 2 * steps;
const heuns: Cost = (steps) => 2 * steps - 1;

/** What is measured: every sampler at several numbers of steps. One line for each. */
const SWEEP: readonly { sampler: string; steps: readonly number[]; cost: Cost }[] = [
  { sampler: "ddim", steps: [5, 10, 20, 50, 100], cost: once },
  { sampler: "heun", steps: [3, 5, 10, 25, 50], cost: heuns },
  { sampler: "dpm2m", steps: [5, 10, 20, 50, 100], cost: once },
  { sampler: "ancestral", steps: [5, 10, 20, 50, 100], cost: once },
  { sampler: "sde-dpm2m", steps: [5, 10, 20, 50, 100], cost: once },
  { sampler: "stochastic-heun", steps: [3, 5, 10, 25, 50], cost: heuns },
  { sampler: "em", steps: [20, 50, 100, 500], cost: once },
  { sampler: "pc", steps: [10, 25, 50, 250], cost: twice },
];

/** One measurement to make. */
interface Task {
  sampler: string;
  steps: number;
  nfe: number;
  seed: number;
}

/** One that was made. */
interface Row extends Task {
  /** Fréchet distance to the test images, on the classifier's features. */
  frechet: number;
  /** To draw the digits, `count` of them. */
  seconds: number;
}

/** What the results depend on: rows are only added to a file that has the same. */
interface Setting {
  model: string;
  modelSha256: string;
  classifierSha256: string;
  /** The real images that the digits are compared with. */
  reference: string;
  count: number;
  batch: number;
  eps: number;
  snr: number;
}

interface Results extends Setting {
  /** The Fréchet distance of as many real training images: what perfect samples would have. */
  realFrechet: number;
  rows: Row[];
}

interface Options {
  count: number;
  numSeeds: number;
  maxNfe: number;
  samplers: readonly string[];
  keep?: string;
  model: string;
  out: string;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "2000" },
      seeds: { type: "string", default: "3" },
      "max-nfe": { type: "string" },
      samplers: { type: "string" },
      keep: { type: "string" },
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
      out: { type: "string", default: "docs/data/fast-sampling.json" },
    },
  });
  const maxNfe = values["max-nfe"];
  return {
    count: wholeNumber(values.count, "--count", MIN_SAMPLES),
    numSeeds: wholeNumber(values.seeds, "--seeds", 1),
    maxNfe: maxNfe === undefined ? Infinity : wholeNumber(maxNfe, "--max-nfe", 5),
    samplers: samplersOf(values.samplers),
    keep: values.keep,
    model: values.model,
    out: values.out,
  };
}

/** @throws RangeError for a name that is not in the sweep */
function samplersOf(list: string | undefined): string[] {
  const all = SWEEP.map(({ sampler }) => sampler);
  const chosen = list?.split(",") ?? all;
  const unknown = chosen.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`--samplers is a list of ${all.join(" | ")}; got "${unknown}".`);
  }
  return chosen;
}

async function main(): Promise<void> {
  const options = readOptions();
  const { count, model, out, keep } = options;
  const net = await loadNetwork(model);
  const judge = await openJudge();
  process.once("SIGINT", () => raiseInterrupt());

  const setting: Setting = {
    model: path.basename(model),
    modelSha256: sha256(model),
    classifierSha256: sha256(CLASSIFIER),
    reference: judge.referenceName,
    count,
    batch: BATCH,
    eps: EPS,
    snr: SNR,
  };
  const results = readResults(out, setting) ?? {
    ...setting,
    realFrechet: await realFrechet(judge, count),
    rows: [],
  };

  const tasks = tasksOf(options).filter((task) => !isDone(task, results.rows));
  console.log(`${results.rows.length} rows in ${out}, ${tasks.length} to be measured.`);
  announceCost(net, tasks, count);
  for (const [i, task] of tasks.entries()) {
    results.rows.push(await measured(task, net, judge, { count, keep }));
    results.rows.sort(inOrder);
    writeWhole(out, `${JSON.stringify(results, null, 2)}\n`);
    console.log(`${i + 1} of ${tasks.length}: ${describe(results.rows.find(same(task)) as Row)}`);
  }
  console.log(`${results.rows.length} rows in ${out}.`);
}

/** A seed after the other, so that an interrupted sweep has each sampler as often, and cheap ones first. */
function tasksOf({ numSeeds, maxNfe, samplers }: Options): Task[] {
  const sweep = SWEEP.filter(({ sampler }) => samplers.includes(sampler));
  return Array.from({ length: numSeeds }, (_, seed) =>
    sweep
      .flatMap(({ sampler, steps, cost }) =>
        steps.map((n): Task => ({ sampler, steps: n, nfe: cost(n), seed })),
      )
      .filter(({ nfe }) => nfe <= maxNfe)
      .sort((a, b) => a.nfe - b.nfe),
  ).flat();
}

function announceCost(net: ScoreModel, tasks: readonly Task[], count: number): void {
  const evaluations = tasks.reduce((sum, { nfe }) => sum + nfe, 0);
  if (evaluations === 0) return;
  const perBatch = secondsOfAnEvaluation(net, Math.min(BATCH, count));
  const minutes = (evaluations * Math.ceil(count / BATCH) * perBatch) / 60;
  console.log(
    `${evaluations} score evaluations for each of ${count} digits; at ` +
      `${(1000 * perBatch).toFixed(0)} ms for ${Math.min(BATCH, count)} digits, as now, ${minutes.toFixed(minutes < 10 ? 1 : 0)} min.`,
  );
}

/** The median of a few. The first, which records the graph, does not count. */
function secondsOfAnEvaluation({ sde, score }: ScoreModel, batch: number): number {
  const x = tf.zeros([batch, 28, 28, 1]);
  const t = constantTime(x, 0.5);
  const times = Array.from({ length: 8 }, () => {
    const started = performance.now();
    tf.tidy(() => score(x.mul(sde.stdAt(1)), t).dataSync());
    return (performance.now() - started) / 1000;
  });
  tf.dispose([x, t]);
  return times.slice(1).sort((a, b) => a - b)[3] as number;
}

async function measured(
  task: Task,
  net: ScoreModel,
  judge: Judge,
  { count, keep }: Pick<Options, "count" | "keep">,
): Promise<Row> {
  const { samples, nfe, seconds } = await draw({
    sde: net.sde,
    score: net.score,
    sampler: samplerOf(task.sampler),
    numSteps: task.steps,
    count,
    batch: BATCH,
    eps: EPS,
    snr: SNR,
    seed: task.seed,
  });
  if (keep) {
    const { sampler, steps, seed } = task;
    await saveSamples(path.join(keep, `${sampler}-${steps}-${seed}.safetensors`), samples);
  }
  const { frechet } = await evaluateSamples({ samples, ...judge });
  samples.dispose();
  return { ...task, nfe, frechet: rounded(frechet), seconds: rounded(seconds) };
}

// --- the file ----------------------------------------------------------------------------------

/**
 * @returns what an earlier run left, or undefined where there is no file
 * @throws Error where it was made with another network, another count …
 */
function readResults(file: string, setting: Setting): Results | undefined {
  if (!fs.existsSync(file)) return undefined;
  const results = JSON.parse(fs.readFileSync(file, "utf8")) as Results;
  for (const [name, value] of Object.entries(setting)) {
    const theirs = results[name as keyof Setting];
    if (theirs === value) continue;
    throw new Error(
      `${file} was made with another ${name} (${theirs}, not ${value}). ` +
        "Remove it to measure anew, or write to another file with --out.",
    );
  }
  return results;
}

const same =
  (task: Task) =>
  (row: Task): boolean =>
    row.sampler === task.sampler && row.steps === task.steps && row.seed === task.seed;

function isDone(task: Task, rows: readonly Row[]): boolean {
  return rows.some(same(task));
}

/** By sampler in the order of the sweep, then by steps and seed. */
function inOrder(a: Row, b: Row): number {
  const place = (row: Row): number => SWEEP.findIndex(({ sampler }) => sampler === row.sampler);
  return place(a) - place(b) || a.steps - b.steps || a.seed - b.seed;
}

function describe({ sampler, steps, nfe, seed, frechet, seconds }: Row): string {
  return (
    `${sampler}, ${steps} steps, NFE ${nfe}, seed ${seed}: ` +
    `Fréchet distance ${frechet.toFixed(1)}, ${seconds.toFixed(1)} s`
  );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
