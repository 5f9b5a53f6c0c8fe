import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { loadScoreNet, readSafetensors, saveScoreNet } from "../../src";

// Written by PyTorch: its names and layouts, besides recorded inputs and outputs.
const GOLDEN = "tests/fixtures/scorenet-golden.safetensors";

it("writes what PyTorch wrote: the same names, shapes and numbers", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "layout-"));
  const file = path.join(folder, "copy.safetensors");
  const net = await loadScoreNet(GOLDEN);
  await saveScoreNet(file, net);
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

function bytes(data: ArrayBufferView | undefined): Buffer {
  if (!data) throw new Error("missing tensor");
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
