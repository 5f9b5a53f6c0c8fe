/**
 * `npm run bench`: how fast the library is here. With `--peer`, beside PyTorch: both do the same work by
 * turns, round after round, and what counts is the ratio of each round, for the machine may be shared.
 */
import { spawnSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { median, Random } from "../src";
import { wholeNumber } from "../scripts/options";
import { packageScript, projectRoot, venvPython } from "../scripts/lib/paths.mjs";
import { Contestant, type Work } from "./contestant";
import { peerPython } from "./peer-environment";
import { spread, type Spread } from "./statistics";

const USAGE = `Usage: npm run bench -- [options]
  --peer               the same work in PyTorch beside it (installed on first use, some 3 GB)
  --rounds N           how often the contestants take turns          (default 7)
  --threads N          threads of each                               (default: all cores)
  --only TEXT          the rows whose name holds the text
  --memory-steps N     training steps that memory is watched for     (default 200)
  --model FILE         the network                                   (default the shipped one)`;

/** One row: the same work `count` times a round. */
interface Row {
  readonly name: string;
  readonly work: Work;
  readonly batch: number;
  readonly count: number;
  /** For work that takes long: fewer rounds. */
  readonly rounds?: number;
}

const ROWS: readonly Row[] = [
  ...[32, 128, 512].map((batch) => ({
    name: `training step, batch ${batch}`,
    work: "trainingStep" as const,
    batch,
    count: Math.ceil(1024 / batch),
  })),
  ...[1, 16, 64, 256].map((batch) => ({
    name: `score evaluation, batch ${batch}`,
    work: "scoreEvaluation" as const,
    batch,
    count: Math.ceil(2048 / (batch + 15)),
  })),
  { name: "EM-500, 64 samples", work: "eulerMaruyama", batch: 64, count: 1, rounds: 3 },
  { name: "PC-500, 64 samples", work: "predictorCorrector", batch: 64, count: 1, rounds: 3 },
];

interface Options {
  peer: boolean;
  rounds: number;
  threads: number;
  only: string;
  memorySteps: number;
  model: string;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      peer: { type: "boolean", default: false },
      rounds: { type: "string", default: "7" },
      threads: { type: "string", default: String(os.availableParallelism()) },
      only: { type: "string", default: "" },
      "memory-steps": { type: "string", default: "200" },
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
    },
  });
  return {
    peer: values.peer,
    rounds: wholeNumber(values.rounds, "--rounds", 1),
    threads: wholeNumber(values.threads, "--threads", 1),
    only: values.only,
    memorySteps: wholeNumber(values["memory-steps"], "--memory-steps", 10),
    model: values.model,
  };
}

/** Starts a contestant with the same number of threads each. */
function startOurs({ threads, model }: Options): Promise<Contestant> {
  const args = [packageScript("tsx/dist/cli.mjs"), path.join(projectRoot, "bench/ours.ts"), model];
  return Contestant.start(process.execPath, args, {
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
  });
}

function startPeer({ threads, model }: Options): Promise<Contestant> {
  const args = [path.join(projectRoot, "bench/peer.py"), String(threads), model];
  return Contestant.start(peerPython(), args, { OMP_NUM_THREADS: String(threads) });
}

/** The contestants, ours first. */
type Contestants = readonly [Contestant] | readonly [Contestant, Contestant];

/** Both run the same network, or the comparison is void. @throws Error where they do not */
async function requireAgreement(contestants: Contestants): Promise<void> {
  const draw = new Random(0).normal([4 * 784]);
  const request = { work: "agreement", x: [...draw.dataSync()], t: [0.01, 0.2, 0.6, 1] } as const;
  draw.dispose();
  const [ours, theirs] = await asked(contestants, (contestant) => contestant.ask(request));
  if (!ours || !theirs) return;
  const scale = Math.max(...theirs.scores.map(Math.abs));
  const worst = Math.max(
    ...theirs.scores.map((s, i) => Math.abs(s - (ours.scores[i] ?? NaN)) / scale),
  );
  if (!(worst < 1e-4)) throw new Error(`The networks' scores differ by ${worst} of the largest.`);
  console.log(
    `The same network: scores differ by at most ${worst.toExponential(1)} of the largest.`,
  );
}

/** Asks one after the other, never both at a time. */
async function asked<T>(
  contestants: Contestants,
  ask: (contestant: Contestant) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  for (const contestant of contestants) answers.push(await ask(contestant));
  return answers;
}

/** A row of the table: each contestant's milliseconds, and the ratio ours ÷ theirs, over the rounds. */
async function compare(contestants: Contestants, row: Row, rounds: number): Promise<void> {
  const { name, work, batch, count } = row;
  // The first times pay for what is made once: a graph, a kernel's plan.
  await asked(contestants, (c) => c.ask({ work, batch, count: Math.min(count, 5) }));
  const medians: number[][] = contestants.map(() => []);
  for (let round = 0; round < Math.min(rounds, row.rounds ?? Infinity); round++) {
    const answers = await asked(contestants, (c) => c.ask({ work, batch, count }));
    answers.forEach(({ ms }, i) => medians[i]?.push(median(ms)));
  }
  const [ours = [], theirs] = medians;
  const ratios = theirs && ours.map((ms, i) => ms / (theirs[i] ?? NaN));
  print(name, spread(ours), theirs && spread(theirs), ratios && spread(ratios));
}

function print(name: string, ours: Spread, theirs?: Spread, ratio?: Spread): void {
  const cell = (text: string, width: number): string => text.padStart(width);
  const ms = (s: Spread): string =>
    s.median < 1000 ? `${s.median.toPrecision(3)} ms` : `${(s.median / 1000).toPrecision(3)} s`;
  const share = (s: Spread): string =>
    `${s.median.toFixed(2)} [${s.min.toFixed(2)} … ${s.max.toFixed(2)}]`;
  const cells = [name.padEnd(30), cell(ms(ours), 9)];
  if (theirs && ratio) cells.push(cell(ms(theirs), 9), cell(share(ratio), 20));
  console.log(cells.join("  "));
}

/** Memory of many training steps at batch 128, each contestant in a process of its own. */
async function compareMemory(options: Options): Promise<void> {
  for (const start of options.peer ? [startOurs, startPeer] : [startOurs]) {
    const contestant = await start(options);
    const request = { work: "memory", batch: 128, steps: options.memorySteps } as const;
    const { start: before, peak, resident } = await contestant.ask(request);
    const above = resident.map((mb) => (mb - before).toFixed(0)).join(" ");
    console.log(
      `memory above the start, training at batch 128, ${contestant.name}: peak ` +
        `${(peak - before).toFixed(0)} MB; after each tenth of ${options.memorySteps} steps ${above} MB`,
    );
    contestant.stop();
  }
}

function kernelStart(times: number): void {
  const script = path.join(projectRoot, "bench/kernel_start.py");
  const { stdout, stderr, status } = spawnSync(venvPython, [script, String(times)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`The kernel could not be measured: ${stderr}`);
  const [first, ...later] = JSON.parse(stdout) as number[];
  console.log(
    `kernel start to the first cell's result: ${median(later).toFixed(1)} s ` +
      `(the first of ${times}: ${first?.toFixed(1)} s)`,
  );
}

async function main(): Promise<void> {
  const options = readOptions();
  const isWanted = (name: string): boolean => name.includes(options.only);
  const ours = await startOurs(options);
  const contestants: Contestants = options.peer ? [ours, await startPeer(options)] : [ours];
  const names = contestants.map(({ name }) => name).join(" and ");
  console.log(`${names}; ${os.cpus()[0]?.model ?? "?"}, ${options.threads} threads.`);
  try {
    await requireAgreement(contestants);
    console.log("Medians; in brackets the smallest and the largest ratio of a round.\n");
    for (const row of ROWS.filter(({ name }) => isWanted(name))) {
      await compare(contestants, row, options.rounds);
    }
    if (isWanted("MNIST load")) {
      const { ms, images } = await ours.ask({ work: "loadMnist", count: 5 });
      print(`MNIST load, ${images} images`, spread(ms));
    }
  } finally {
    contestants.forEach((contestant) => contestant.stop());
  }
  if (isWanted("memory")) await compareMemory(options);
  if (isWanted("kernel start")) kernelStart(5);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
