import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createTraining,
  exponentialSde,
  ScoreNet,
  testLoss,
  tf,
  train,
  type Training,
  type TrainStep,
} from "../../src";
import { readLines, RunLog, type EpochLine, type StepLine } from "../../scripts/run-log";
import { noiseImages } from "../support/small-data";

const STEPS_PER_EPOCH = 25;
let folder: string;
let training: Training;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "run-log-"));
  training = createTraining({
    model: new ScoreNet({ sde: exponentialSde(), seed: 1 }),
    recipe: { batchSize: 2, learningRate: 1e-3 },
  });
});
afterEach(() => {
  training.dispose();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function run(epochs: number): Promise<{ steps: TrainStep[]; lines: EpochLine[] }> {
  const log = new RunLog(folder, STEPS_PER_EPOCH, noiseImages(4, 2));
  const steps: TrainStep[] = [];
  const lines: EpochLine[] = [];
  for await (const s of train({ training, data: noiseImages(50), epochs })) {
    steps.push(s);
    const line = log.record(s, training);
    if (line) lines.push(line);
  }
  return { steps, lines };
}

describe("the log of a training run", () => {
  it("has a line an epoch and one every 20 steps, with the losses of the run", async () => {
    const { steps, lines } = await run(2);
    const epochs = readLines<EpochLine>(path.join(folder, "metrics.jsonl"), "epoch");
    expect(epochs).toEqual(lines);
    expect(epochs.map(({ epoch, loss }) => [epoch, loss])).toEqual([
      [1, steps[24]?.epochLoss],
      [2, steps[49]?.epochLoss],
    ]);
    const net = training.averagedModel();
    expect(epochs[1]?.testLoss).toBe(testLoss(net, noiseImages(4, 2)));
    net.dispose();

    const log = readLines<StepLine>(path.join(folder, "losses.jsonl"), "step");
    expect(log.map(({ step }) => step)).toEqual([20, 40]);
    const mean = steps.slice(20, 40).reduce((sum, { loss }) => sum + loss, 0) / 20;
    expect(log[1]?.loss).toBeCloseTo(mean, 1); // six digits of some thousands
  });

  it("keeps no tensor", async () => {
    const before = tf.memory().numTensors;
    await run(1);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("counts a line that came twice once, the later one", () => {
    const file = path.join(folder, "lines.jsonl");
    const lines = [
      { step: 20, loss: 3 },
      { step: 40, loss: 2 },
      { step: 40, loss: 1 },
      { step: 60, loss: 0 },
    ];
    fs.writeFileSync(file, lines.map((line) => JSON.stringify(line) + "\n").join(""));
    expect(readLines<StepLine>(file, "step")).toEqual([lines[0], lines[2], lines[3]]);
    expect(readLines<StepLine>(path.join(folder, "none.jsonl"), "step")).toEqual([]);
  });
});
