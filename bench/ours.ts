/**
 * The benchmark's work in this library. A contestant for bench.ts: see contestant.ts for the requests, and
 * peer.py for the same work in PyTorch. The argument is the checkpoint.
 */
import readline from "node:readline";
import {
  createTraining,
  engineInfo,
  eulerMaruyama,
  ImageDataset,
  loadMnist,
  loadScoreNet,
  predictorCorrector,
  Random,
  sample,
  tf,
  train,
} from "../src";
import type { Memory, Request, Scores, Timings, Work } from "./contestant";

const MB = 2 ** 20;

/** Does its work once in each call. */
type Repeatable = () => Promise<unknown>;

const WORKS: Record<Work, (checkpoint: string, batch: number) => Promise<Repeatable>> = {
  /** A step of `train`: cuts the batch, draws t and z, loss, gradient, Adam, moving average, reads the loss. */
  async trainingStep(checkpoint, batch) {
    const training = createTraining({
      model: await loadScoreNet(checkpoint),
      recipe: { batchSize: batch },
    });
    const steps = train({ training, data: randomImages(4 * batch), epochs: 1e6 });
    return () => steps.next();
  },
  async scoreEvaluation(checkpoint, batch) {
    const net = await loadScoreNet(checkpoint);
    const x = new Random(0).normal([batch, 28, 28, 1]);
    const t: tf.Tensor1D = tf.fill([batch], 0.5);
    return () => Promise.resolve(net.score(x, t).dispose());
  },
  eulerMaruyama: (checkpoint, batch) => sampling(eulerMaruyama, checkpoint, batch),
  predictorCorrector: (checkpoint, batch) => sampling(predictorCorrector, checkpoint, batch),
};

async function sampling(
  sampler: typeof eulerMaruyama,
  checkpoint: string,
  batch: number,
): Promise<Repeatable> {
  const { sde, score } = await loadScoreNet(checkpoint);
  return async () => {
    const x = await sample(sampler({ sde, score, shape: [batch, 28, 28, 1], numSteps: 500 }));
    await x.data();
    x.dispose();
  };
}

function randomImages(size: number): ImageDataset {
  const draw = new Random(1).uniform([size * 784], 0, 255);
  const pixels = Uint8Array.from(draw.dataSync());
  draw.dispose();
  const labels = new Uint8Array(size);
  return new ImageDataset({
    name: "noise",
    source: "bench",
    height: 28,
    width: 28,
    pixels,
    labels,
  });
}

async function agreement(checkpoint: string, x: number[], t: number[]): Promise<Scores> {
  const net = await loadScoreNet(checkpoint);
  const scores = tf.tidy(() =>
    net.score(tf.tensor4d(x, [t.length, 28, 28, 1]), tf.tensor1d(t)).dataSync(),
  );
  net.dispose();
  return { scores: [...scores] };
}

async function memory(checkpoint: string, batch: number, numSteps: number): Promise<Memory> {
  const start = process.memoryUsage().rss / MB;
  const step = await WORKS.trainingStep(checkpoint, batch);
  const resident: number[] = [];
  for (let i = 1; i <= numSteps; i++) {
    await step();
    if (i % Math.floor(numSteps / 10) === 0) resident.push(process.memoryUsage().rss / MB);
  }
  return { start, peak: process.resourceUsage().maxRSS / 1024, resident };
}

async function timings(work: Repeatable, count: number): Promise<Timings> {
  const ms: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await work();
    ms.push(performance.now() - started);
  }
  return { ms };
}

async function main(): Promise<void> {
  const checkpoint = process.argv[2] ?? "";
  const answer = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
  // What the library has to say must not get between the answers.
  console.log = console.error;
  answer({ name: `this library, TensorFlow ${engineInfo().tensorflowVersion}` });
  let prepared: { key: string; work: Repeatable } | undefined;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    if (request.work === "agreement") {
      answer(await agreement(checkpoint, [...request.x], [...request.t]));
    } else if (request.work === "memory") {
      answer(await memory(checkpoint, request.batch, request.steps));
    } else if (request.work === "loadMnist") {
      const load = (): ReturnType<typeof loadMnist> => loadMnist({ split: "train" });
      answer({ ...(await timings(load, request.count)), images: (await load()).size });
    } else {
      const key = `${request.work} ${request.batch}`;
      if (prepared?.key !== key) {
        prepared = { key, work: await WORKS[request.work](checkpoint, request.batch) };
      }
      answer(await timings(prepared.work, request.count));
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
