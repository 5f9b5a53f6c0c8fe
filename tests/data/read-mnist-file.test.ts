import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { MnistFileError, readMnistFile } from "../../src/data/read-mnist-file";
import { cleanUp, errorOf, makeFixture, temporaryFolder } from "./support";

afterEach(cleanUp);

const fixture = makeFixture();
const images = fixture.files.train.images;
const plain = fixture.plain.get(images.name)!;
const gzipped = fixture.gzipped.get(`${images.name}.gz`)!;

/** Writes a file, reads it as the training images, and asserts that it was left as it was. */
async function read(contents: Buffer): Promise<{ bytes?: Uint8Array; error?: MnistFileError }> {
  const file = path.join(temporaryFolder(), "some-file");
  fs.writeFileSync(file, contents);
  const before = fs.statSync(file);
  let result: { bytes?: Uint8Array; error?: MnistFileError };
  try {
    result = { bytes: await readMnistFile(file, images, "Mend it.") };
  } catch (error) {
    expect(error).toBeInstanceOf(MnistFileError);
    result = { error: error as MnistFileError };
    expect(result.error!.file).toBe(file);
    expect(result.error!.message).toContain(file);
    expect(result.error!.message).toContain(`expected ${result.error!.expected}; found`);
    expect(result.error!.message).toContain(`found ${result.error!.found}. Mend it.`);
  }
  expect(fs.readFileSync(file).equals(contents)).toBe(true);
  expect(fs.statSync(file).mtimeMs).toBe(before.mtimeMs);
  return result;
}

describe("readMnistFile", () => {
  it("reads a plain and a gzipped file to the same bytes, whatever their name", async () => {
    expect(Buffer.compare((await read(plain)).bytes!, plain)).toBe(0);
    expect(Buffer.compare((await read(gzipped)).bytes!, plain)).toBe(0);
  });

  it("tells a truncated plain file by its length", async () => {
    const { error } = await read(plain.subarray(0, 1000));
    expect(error!.expected).toBe("235,216 bytes, uncompressed");
    expect(error!.found).toBe("1,000 bytes");
  });

  it("tells a truncated gzip file", async () => {
    const { error } = await read(gzipped.subarray(0, gzipped.length - 2000));
    expect(error!.expected).toBe("235,216 bytes, uncompressed");
    expect(error!.found).toMatch(/gzip data that break off or are damaged after [\d,]+ bytes/);
  });

  it("tells a damaged gzip file", async () => {
    const damaged = Buffer.from(gzipped);
    damaged.fill(0xff, 5000, 5100);
    expect((await read(damaged)).error!.found).toMatch(/damaged|SHA-256/);
  });

  it("tells one altered pixel by its SHA-256, and names both", async () => {
    const altered = Buffer.from(plain);
    altered[500]! ^= 1;
    const { error } = await read(altered);
    expect(error!.expected).toBe(`SHA-256 ${images.sha256}`);
    expect(error!.found).toMatch(/^SHA-256 [0-9a-f]{64}$/);
    expect(error!.found).not.toBe(error!.expected);
  });

  it("tells a file that is too long", async () => {
    const { error } = await read(Buffer.concat([plain, Buffer.from([0])]));
    expect(error!.expected).toBe("235,216 bytes, uncompressed");
    expect(error!.found).toBe("more than that");
  });

  it("tells a foreign file by what it is", async () => {
    const expected = "an IDX file of 300 images of 28 × 28 pixels (train-images-idx3-ubyte)";
    const cases: [Buffer, string][] = [
      [fixture.plain.get("train-labels-idx1-ubyte")!, "an IDX file of 300 labels"],
      [fixture.plain.get("test-images-idx3-ubyte")!, "an IDX file of 40 images of 28 × 28 pixels"],
      [
        Buffer.from("<!DOCTYPE html><title>Log in to the network</title>"),
        'a file that starts with the text "<!DOCTYPE ht"',
      ],
      [Buffer.alloc(300_000, 0xab), "a file that starts with the bytes ab ab ab ab"],
    ];
    for (const [contents, found] of cases) {
      const { error } = await read(contents);
      expect(error!.expected).toBe(expected);
      expect(error!.found).toBe(found);
    }
  });

  it("tells an empty file, a folder and a missing file", async () => {
    expect((await read(Buffer.alloc(0))).error!.found).toBe("0 bytes");
    const folder = temporaryFolder();
    expect((await errorOf(readMnistFile(folder, images, ""))).message).toContain("found a folder");
    const missing = readMnistFile(path.join(folder, "none"), images, "");
    expect((await errorOf(missing)).message).toContain("cannot be read (ENOENT)");
  });
});
