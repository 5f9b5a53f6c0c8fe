/**
 * What a training run leaves behind besides its weights: two files of lines.
 */
import fs from "node:fs";
import path from "node:path";
import { testLoss, type ImageDataset, type Training, type TrainStep } from "../src";

/** A line of `metrics.jsonl`. */
export interface EpochLine {
  readonly epoch: number;
  /** Mean training loss of the epoch. */
  readonly loss: number;
  /** Loss of the averaged weights on images that they were not trained on. */
  readonly testLoss: number;
  /** Seconds that its steps took, those since the run was started or taken up again. */
  readonly seconds: number;
}

/** A line of `losses.jsonl`. */
export interface StepLine {
  /** The last of the steps that the line is about. */
  readonly step: number;
  /** Their mean loss. */
  readonly loss: number;
}

/** Steps to a line of `losses.jsonl`. */
const STEPS = 20;

/**
 * Appends to `metrics.jsonl` a line an epoch, to `losses.jsonl` a line every 20 steps. A run that was killed and
 * taken up again may repeat some lines, with the same losses: the last one of an epoch or step counts.
 */
export class RunLog {
  private losses: number[] = [];
  private epochStart = Date.now();

  constructor(
    private readonly folder: string,
    private readonly stepsPerEpoch: number,
    private readonly test: ImageDataset,
  ) {}

  /** Takes note of a step; gives the epoch's line where one has ended. */
  record(s: TrainStep, training: Training): EpochLine | undefined {
    this.losses.push(s.loss);
    if (s.step % STEPS === 0) {
      const loss = this.losses.reduce((sum, each) => sum + each, 0) / this.losses.length;
      this.append("losses.jsonl", { step: s.step, loss: Number(loss.toPrecision(6)) });
      this.losses = [];
    }
    if (s.step % this.stepsPerEpoch !== 0) return undefined;
    const seconds = (Date.now() - this.epochStart) / 1000;
    const line = { epoch: s.epoch, loss: s.epochLoss, testLoss: this.lossOn(training), seconds };
    this.append("metrics.jsonl", line);
    this.epochStart = Date.now();
    return line;
  }

  private lossOn(training: Training): number {
    const net = training.averagedModel();
    const loss = testLoss(net, this.test);
    net.dispose();
    return loss;
  }

  private append(file: string, line: EpochLine | StepLine): void {
    fs.appendFileSync(path.join(this.folder, file), `${JSON.stringify(line)}\n`);
  }
}

/** The lines that a run wrote, by epoch or step. A run without the file has none. */
export function readLines<T>(file: string, key: keyof T): T[] {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, "utf8").split("\n").filter(Boolean);
  const all = lines.map((line) => JSON.parse(line) as T);
  return [...new Map(all.map((line) => [line[key], line])).values()];
}
