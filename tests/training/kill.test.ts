import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTraining, exponentialSde, loadTraining, ScoreNet, train } from "../../src";
import { noiseImages } from "../support/small-data";
import { expectSameNumbers, take } from "../support/numbers";

/** SCORE_SDE_KILLS=100 asks for more than an ordinary run has time for. */
const KILLS = Number(process.env["SCORE_SDE_KILLS"] ?? 10);
const EPOCHS = 10 * KILLS; // 10 steps each, and each followed by a save: more than all lives get through.

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "kill-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs the child until `life` milliseconds after its first step and kills it without warning. */
function live(file: string, life: number): Promise<{ output: string; errors: string }> {
  const script = path.join(__dirname, "..", "support", "training-child.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, file, String(EPOCHS)], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" },
  });
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on("data", (chunk: Buffer) => {
    const before = output;
    output += chunk.toString();
    if (output.includes("training") && !before.includes("training")) {
      setTimeout(() => child.kill("SIGKILL"), life);
    }
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve({ output, errors }));
  });
}

it(
  `loses at most a step to each of ${KILLS} kills while training or saving`,
  async () => {
    const file = path.join(folder, "run.safetensors");
    let reached = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      // The first step comes after half a second, for the step's graph is recorded.
      const { output, errors } = await live(file, 50 + Math.random() * 1500);
      expect(errors).not.toMatch(/Error/);
      expect(output).not.toMatch(/done/);
      // Each life starts from a checkpoint that is whole, no earlier than the last one read.
      const from = Number(/at (\d+)/.exec(output)?.[1]);
      expect(from).toBeGreaterThanOrEqual(reached);
      if (!fs.existsSync(file)) continue;
      const training = await loadTraining(file);
      reached = training.step;
      training.dispose();
    }
    expect(reached).toBeGreaterThan(0);

    // And the run that was killed so often has the weights of one that never was.
    const killed = await loadTraining(file);
    const model = new ScoreNet({ sde: exponentialSde(), seed: 5 });
    const recipe = { batchSize: 4, learningRate: 1e-3, seed: 5 };
    const whole = createTraining({ model, recipe });
    for await (const s of train({ training: whole, data: noiseImages(40), epochs: EPOCHS })) {
      if (s.step === killed.step) break;
    }
    expect(whole.step).toBe(killed.step);
    expectSameNumbers(take(killed.model.getVector()), take(whole.model.getVector()));
    killed.dispose();
    whole.dispose();
  },
  6000 * KILLS + 60_000,
);
