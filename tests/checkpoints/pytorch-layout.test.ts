import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { loadScoreNet, readSafetensors, saveNetwork, tf } from "../../src";

// Written by PyTorch: its names and layouts, besides recorded inputs and outputs.
const GOLDEN = "tests/fixtures/scorenet-golden.safetensors";

it("writes what PyTorch wrote: the same names, shapes and numbers", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "layout-"));
  const file = path.join(folder, "copy.safetensors");
  const net = await loadScoreNet(GOLDEN);
  await saveNetwork(file, net);
  net.dispose();
  const golden = (await readSafetensors(GOLDEN)).tensors;
  const written = (await readSafetensors(file)).tensors;
  const names = [...golden.keys()].filter((name) => !/^(io|grad_norm)\./.test(name));
  expect([...written.keys()].sort()).toEqual(names.sort());
  for (const name of names) {
    expect(written.get(name)?.shape, name).toEqual(golden.get(name)?.shape);
    const [actual, expected] = [written.get(name)?.data, golden.get(name)?.data];
    expect(Buffer.compare(bytes(actual), bytes(expected)), name).toBe(0);
  }
  fs.rmSync(folder, { recursive: true });
});

it("ships a network to which PyTorch gives the same scores", async () => {
  // Made from the same file by tests/fixtures/pretrained_scores.py, in float64.
  const { tensors } = await readSafetensors("tests/fixtures/pretrained-scores.safetensors");
  const stored = (name: string): Float32Array => Float32Array.from(tensors.get(name)?.data ?? []);
  const [t, expected] = [stored("t"), stored("scores")];
  const net = await loadScoreNet("pretrained/scorenet-mnist.safetensors");
  const scores = tf.tidy(() =>
    net.score(tf.tensor4d(stored("x"), [t.length, 28, 28, 1]), tf.tensor1d(t)).dataSync(),
  );
  net.dispose();
  expect(t.length).toBe(6);
  for (let b = 0; b < t.length; b++) {
    const range = [b * 784, (b + 1) * 784] as const;
    const own = expected.slice(...range);
    const worst = Math.max(...scores.slice(...range).map((s, i) => Math.abs(s - (own[i] ?? NaN))));
    expect(worst / Math.max(...own.map(Math.abs)), `t = ${t[b]}`).toBeLessThan(1e-4);
  }
});

function bytes(data: ArrayBufferView | undefined): Buffer {
  if (!data) throw new Error("missing tensor");
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
