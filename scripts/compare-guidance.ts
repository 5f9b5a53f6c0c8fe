/**
 * `npm run compare-guidance`: how often guided digits are what was asked for, and how good they are, at every
 * guidance scale; for the figure of notebook 10.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  classifierFreeGuidance,
  classifierGuidance,
  classifyAll,
  evaluateSamples,
  loadNoiseClassifier,
  loadResidualNet,
  MIN_SAMPLES,
  raiseInterrupt,
  sdeDpmSolver2m,
  tf,
  type NoiseClassifier,
  type ResidualNet,
  type Score,
} from "../src";
import { digitsInTurn } from "./asked-digits";
import { draw } from "./draw";
import { CLASSIFIER, openJudge, realFrechet, rounded, sha256, type Judge } from "./judge";
import { writeWhole } from "./lib/files.mjs";
import { wholeNumber } from "./options";

const USAGE = `Usage: npm run compare-guidance -- [options]
  --count N        digits for each measurement, ${MIN_SAMPLES} or more  (default 1000)
  --seeds N        how often everything is measured       (default 3)
  --out FILE       the results, written after each row    (default docs/data/guidance.json)

What is in --out already is not measured again: after an interruption, the same command goes on.`;

const MODEL = "pretrained/residual-mnist.safetensors";
const NOISE_CLASSIFIER = "pretrained/noise-classifier-mnist.safetensors";
const BATCH = 250;
const EPS = 1e-3;
const STEPS = 20;
/** Asked for in turn: as many of each as of the others. */
const CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** What is measured: every method at several scales. One line for each. */
const SWEEP: readonly { method: Method; scales: readonly number[] }[] = [
  { method: "classifier-free", scales: [0, 0.5, 1, 1.5, 2, 3, 5] },
  { method: "classifier", scales: [0, 1, 2, 4, 8] },
];

type Method = "classifier-free" | "classifier";

/** One measurement. */
interface Row {
  method: Method;
  scale: number;
  seed: number;
  /** The part of the digits that the judge takes for what was asked. */
  accuracy: number;
  /** Fréchet distance to the test images, on the judge's features. */
  frechet: number;
  /** To draw the digits, `count` of them. */
  seconds: number;
}

/** What the results depend on: rows are only added to a file that has the same. */
interface Setting {
  model: string;
  modelSha256: string;
  noiseClassifierSha256: string;
  classifierSha256: string;
  reference: string;
  count: number;
  sampler: string;
  numSteps: number;
  eps: number;
}

interface Results extends Setting {
  /** The Fréchet distance of as many real training images: what perfect samples would have. */
  realFrechet: number;
  rows: Row[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "1000" },
      seeds: { type: "string", default: "3" },
      out: { type: "string", default: "docs/data/guidance.json" },
    },
  });
  const count = wholeNumber(values.count, "--count", MIN_SAMPLES);
  const numSeeds = wholeNumber(values.seeds, "--seeds", 1);
  const net = await loadResidualNet(MODEL);
  const noiseClassifier = await loadNoiseClassifier(NOISE_CLASSIFIER);
  const judge = await openJudge();
  process.once("SIGINT", () => raiseInterrupt());

  const setting: Setting = {
    model: path.basename(MODEL),
    modelSha256: sha256(MODEL),
    noiseClassifierSha256: sha256(NOISE_CLASSIFIER),
    classifierSha256: sha256(CLASSIFIER),
    reference: judge.referenceName,
    count,
    sampler: "sde-dpm2m",
    numSteps: STEPS,
    eps: EPS,
  };
  const results = readResults(values.out, setting) ?? {
    ...setting,
    realFrechet: await realFrechet(judge, count),
    rows: [],
  };
  for (let seed = 0; seed < numSeeds; seed++) {
    for (const { method, scales } of SWEEP) {
      for (const scale of scales) {
        if (results.rows.some((r) => r.method === method && r.scale === scale && r.seed === seed)) {
          continue;
        }
        const guide = guideOf(method, scale, net, noiseClassifier);
        const row = { method, scale, seed, ...(await measured(guide, net, judge, count, seed)) };
        results.rows.push(row);
        writeWhole(values.out, `${JSON.stringify(results, null, 2)}\n`);
        console.log(
          `${method}, scale ${scale}, seed ${seed}: ${(100 * row.accuracy).toFixed(1)} % as asked, ` +
            `Fréchet distance ${row.frechet}, ${row.seconds} s`,
        );
      }
    }
  }
  console.log(`${results.rows.length} rows in ${values.out}.`);
}

/** The guided score of a batch of labels. */
type Guide = (labels: readonly number[]) => Score;

function guideOf(
  method: Method,
  scale: number,
  net: ResidualNet,
  classifier: NoiseClassifier,
): Guide {
  return method === "classifier-free"
    ? (labels) => classifierFreeGuidance({ net, labels, scale })
    : (labels) => classifierGuidance({ score: net.score, classifier, labels, scale });
}

async function measured(
  guide: Guide,
  net: ResidualNet,
  judge: Judge,
  count: number,
  seed: number,
): Promise<Pick<Row, "accuracy" | "frechet" | "seconds">> {
  const score: Score = (x, t) => guide(digitsInTurn(CLASSES, x.shape[0] ?? 0))(x, t);
  const how = { sampler: sdeDpmSolver2m, numSteps: STEPS, count, batch: BATCH, eps: EPS, seed };
  const { samples, seconds } = await draw({ sde: net.sde, score, ...how });
  const digits = tf.tidy(() => {
    const clamped = tf.clipByValue<tf.Tensor4D>(samples, 0, 1);
    return classifyAll(judge.classifier, clamped).logits.argMax(1).dataSync();
  });
  const right = [...digits].filter((digit, i) => digit === (i % BATCH) % 10).length;
  const { frechet } = await evaluateSamples({ samples, ...judge });
  samples.dispose();
  return { accuracy: right / count, frechet: rounded(frechet), seconds: rounded(seconds) };
}

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

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
