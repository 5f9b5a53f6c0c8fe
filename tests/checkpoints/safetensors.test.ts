import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  loadScoreNet,
  readSafetensors,
  SafetensorsError,
  writeSafetensors,
  type StoredTensor,
  type StoredTensors,
} from "../../src";

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "safetensors-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const contents: StoredTensors = {
  tensors: new Map<string, StoredTensor>([
    ["a", { shape: [2, 3], data: Float32Array.of(1, 2, 3, -4.5, 1e-30, 6) }],
    ["ä", { shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ["empty", { shape: [0, 4], data: new Float32Array(0) }],
    ["scalar", { shape: [], data: Int32Array.of(-7) }],
    ["double", { shape: [1], data: Float64Array.of(Math.PI) }],
  ]),
  metadata: { note: "text", beta: "25" },
};

/** A file with this header text and these numbers. */
function file(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

describe("safetensors", () => {
  it("come back exactly", () => {
    const decoded = decodeSafetensors(encodeSafetensors(contents));
    expect(decoded.metadata).toEqual(contents.metadata);
    expect([...decoded.tensors]).toEqual([...contents.tensors]);
  });

  it("are read from a buffer that starts anywhere", () => {
    const bytes = encodeSafetensors(contents);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...decodeSafetensors(shifted.subarray(3)).tensors]).toEqual([...contents.tensors]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /0 bytes/],
    ["a huge header", Buffer.from("ffffffffffffff7f00", "hex"), /header claims/],
    ["no JSON", file("{nope"), /not JSON/],
    ["a list", file("[]"), /not a JSON object/],
    ["an unknown dtype", file('{"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}}'), /F8/],
    [
      "a negative size",
      file('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}'),
      /shape of "a"/,
    ],
    [
      "a shape that does not fit",
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', new Uint8Array(4)),
      /needs 8 bytes, not 4/,
    ],
    [
      "a hole",
      file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', new Uint8Array(2)),
      /starts at byte 1/,
    ],
    [
      "an overlap",
      file(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},' +
          '"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        new Uint8Array(3),
      ),
      /"b" starts at byte 1/,
    ],
    [
      "truncated numbers",
      file('{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}', new Uint8Array(4)),
      /truncated/,
    ],
    ["trailing bytes", file("{}", new Uint8Array(4)), /4 bytes follow/],
    ["metadata of numbers", file('{"__metadata__":{"a":1}}'), /metadata/],
    [
      "a prototype's name as dtype",
      file('{"a":{"dtype":"constructor","shape":[0],"data_offsets":[0,0]}}'),
      /constructor/,
    ],
  ])("refuse %s, and say why", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(SafetensorsError);
    expect(() => decodeSafetensors(bytes, "x.safetensors")).toThrow(message);
  });

  it("give a typed error or tensors for 10,000 mutated files, never a crash", () => {
    const original = encodeSafetensors(contents);
    let seed = 12345;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      let bytes = Uint8Array.from(original);
      for (let k = random(4); k >= 0; k--) bytes[random(bytes.length)] = random(256);
      if (random(4) === 0) bytes = bytes.subarray(0, random(bytes.length));
      try {
        for (const [, { shape, data }] of decodeSafetensors(bytes).tensors) {
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(SafetensorsError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

describe("files", () => {
  it("are written whole, and leave no temporary file", async () => {
    const target = path.join(folder, "deep", "er", "x.safetensors");
    await writeSafetensors(target, contents);
    expect([...(await readSafetensors(target)).tensors]).toEqual([...contents.tensors]);
    expect(fs.readdirSync(path.dirname(target))).toEqual(["x.safetensors"]);
  });

  it("keep the old file where the new one cannot be written", async () => {
    const target = path.join(folder, "kept.safetensors");
    await writeSafetensors(target, contents);
    const before = fs.readFileSync(target);
    const bad = new Map([["b", { shape: [2], data: new Float32Array(3) }]]);
    await expect(writeSafetensors(target, { tensors: bad, metadata: {} })).rejects.toThrow(
      /does not fit 3 numbers/,
    );
    expect(fs.readFileSync(target)).toEqual(before);
  });

  it("say what to do where the folder is a file", async () => {
    const blocker = path.join(folder, "blocker");
    fs.writeFileSync(blocker, "");
    await expect(writeSafetensors(path.join(blocker, "x"), contents)).rejects.toThrow(
      /Could not write .*choose another folder/,
    );
  });

  it("of another model are refused by name", async () => {
    const target = path.join(folder, "foreign.safetensors");
    await writeSafetensors(target, contents);
    await expect(loadScoreNet(target)).rejects.toThrow(/no tensor "embed.fourier.weight"/);
    await expect(loadScoreNet(path.join(folder, "absent"))).rejects.toThrow(/Could not read/);
  });
});
