import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const TSX = path.resolve("node_modules/tsx/dist/cli.mjs");
let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "train-"));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What `npm run train` says, and how it ends. */
function trainCommand(...args: string[]): { status: number | null; stderr: string } {
  const command = [TSX, "scripts/train.ts", ...args];
  const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  return { status, stderr };
}

describe("npm run train refuses, before any work is done,", () => {
  it("what it does not understand, and says what there is", () => {
    for (const [args, message] of [
      [["--recipe", "quick"], /--recipe is fast \| article \| edm; got "quick"/],
      [["--epochs", "0"], /--epochs must be a whole number ≥ 1; got "0"/],
      [["--recipe", "edm", "--log-mean", "high"], /--log-mean must be a number; got "high"/],
      [["--log-mean", "0"], /--log-mean is for log-normal noise levels: choose --recipe edm/],
    ] as const) {
      const { status, stderr } = trainCommand(...args, "--out", folder);
      expect(status).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).toContain("Usage: npm run train");
    }
  });

  it("a folder that cannot be, and one with a run in it, which stays as it was", () => {
    const file = path.join(folder, "training.safetensors");
    fs.writeFileSync(file, "a run");
    const within = trainCommand("--out", path.join(file, "below"));
    expect(within.status).toBe(1);
    expect(within.stderr).toMatch(/Nothing can be written to .*below .* Choose another --out/);

    const again = trainCommand("--out", folder);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/exists: go on with --resume, or choose another folder/);
    expect(fs.readFileSync(file, "utf8")).toBe("a run");
  });

  it("to resume what is no run", () => {
    const file = path.join(folder, "training.safetensors");
    fs.copyFileSync("pretrained/scorenet-mnist.safetensors", file);
    const network = trainCommand("--resume", "--out", folder);
    expect(network.status).toBe(1);
    expect(network.stderr).toMatch(/holds a network but no training run/);

    fs.writeFileSync(file, fs.readFileSync(file).subarray(0, 100_000));
    const torn = trainCommand("--resume", "--out", folder);
    expect(torn.status).toBe(1);
    expect(torn.stderr).toContain(file);
    expect(torn.stderr).not.toContain("at Object.");
  });
});
