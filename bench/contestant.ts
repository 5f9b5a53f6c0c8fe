/**
 * A process that does the benchmark's work when it is asked to: this library, or PyTorch.
 */
import { spawn, type ChildProcess } from "node:child_process";
import readline from "node:readline";

/** What both can be asked for. */
export type Work = "trainingStep" | "scoreEvaluation" | "eulerMaruyama" | "predictorCorrector";

/** A request: one line of JSON to the process, which answers with one line. */
export type Request =
  /** The same work `count` times; the answer is a `Timings`. What it takes is kept until other work comes. */
  | { readonly work: Work; readonly batch: number; readonly count: number }
  /** Many training steps in a row; the answer is a `Memory`. */
  | { readonly work: "memory"; readonly batch: number; readonly steps: number }
  /** The scores of given images `[N × 784]` at times `[N]`; the answer is `Scores`. */
  | { readonly work: "agreement"; readonly x: readonly number[]; readonly t: readonly number[] }
  /** Loads MNIST `count` times; the answer is a `LoadTimings`. Of this library only. */
  | { readonly work: "loadMnist"; readonly count: number };

/** Milliseconds of each repetition. */
export interface Timings {
  readonly ms: readonly number[];
}

export interface LoadTimings extends Timings {
  /** How many images were there: without network, fewer. */
  readonly images: number;
}

/** Resident memory in MB. */
export interface Memory {
  /** Before the network was made. */
  readonly start: number;
  readonly peak: number;
  /** After each tenth of the steps. */
  readonly resident: readonly number[];
}

export interface Scores {
  readonly scores: readonly number[];
}

/** One process. It is asked one thing at a time. */
export class Contestant {
  private constructor(
    /** What it calls itself, with its version. */
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly answers: AsyncIterator<string, undefined>,
  ) {}

  /**
   * Starts a process and waits until it is ready.
   *
   * @throws Error where it ends before
   */
  static async start(
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
  ): Promise<Contestant> {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const answers = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { name } = JSON.parse(await lineOf(answers, command)) as { name: string };
    return new Contestant(name, child, answers);
  }

  ask(request: Extract<Request, { work: Work }>): Promise<Timings>;
  ask(request: Extract<Request, { work: "loadMnist" }>): Promise<LoadTimings>;
  ask(request: Extract<Request, { work: "memory" }>): Promise<Memory>;
  ask(request: Extract<Request, { work: "agreement" }>): Promise<Scores>;
  async ask(request: Request): Promise<unknown> {
    this.child.stdin?.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(await lineOf(this.answers, this.name)) as unknown;
  }

  /** Ends the process. */
  stop(): void {
    this.child.kill();
  }
}

async function lineOf(lines: AsyncIterator<string, undefined>, name: string): Promise<string> {
  const { value } = await lines.next();
  if (value === undefined)
    throw new Error(`${name} ended without an answer: see its message above.`);
  return value;
}
