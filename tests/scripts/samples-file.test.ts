import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadSamples, saveSamples } from "../../scripts/samples-file";
import { Random, SafetensorsError, tf, writeSafetensors } from "../../src";
import { expectSameNumbers, take } from "../support/numbers";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "samples-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("samples as a file", () => {
  it("come back as they were", async () => {
    const file = path.join(folder, "some.safetensors");
    const samples = new Random(1).normal([3, 28, 28, 1]);
    await saveSamples(file, samples, { sampler: "em" });
    expectSameNumbers(take(await loadSamples(file)), take(samples));
  });

  it.each([
    { what: "other tensors", name: "weights", shape: [1, 28, 28, 1] },
    { what: "samples of another size", name: "samples", shape: [1, 32, 32, 1] },
    { what: "samples of another rank", name: "samples", shape: [28, 28] },
  ])("are not taken from a file with $what, and it says what is missing", async (stored) => {
    const { name, shape } = stored;
    const file = path.join(folder, "other.safetensors");
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    await writeSafetensors(file, { tensors: new Map([[name, { shape, data }]]), metadata: {} });
    const before = tf.memory().numTensors;
    await expect(loadSamples(file)).rejects.toThrow(SafetensorsError);
    await expect(loadSamples(file)).rejects.toThrow(/other\.safetensors holds no tensor "samples"/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
