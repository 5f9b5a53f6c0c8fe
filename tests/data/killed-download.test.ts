import { spawn, type ChildProcess } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cachePath } from "../../src/data/mnist-files";
import { answer, cleanUp, makeFixture, startMirror, temporaryFolder } from "./support";

// Whoever runs the tests may have set it.
beforeEach(() => void vi.stubEnv("MNIST_DIR", ""));
afterEach(async () => {
  vi.unstubAllEnvs();
  await cleanUp();
});

const fixture = makeFixture();
const images = fixture.files.train.images;
const plain = fixture.plain.get(images.name)!;
const tsx = createRequire(__filename).resolve("tsx/cli");

/** Starts another process that fetches the file. Not through tsx's own child: a kill must hit it. */
function startFetch(cacheDirectory: string, mirror: string): ChildProcess {
  const child = path.join(__dirname, "fetch-child.ts");
  const loader = path.join(path.dirname(tsx), "loader.mjs");
  const args = [
    "--import",
    `file://${loader}`,
    child,
    JSON.stringify(images),
    cacheDirectory,
    mirror,
  ];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
}

function ended(child: ChildProcess): Promise<{ code: number | null; out: string }> {
  let out = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out })));
}

/** A mirror that takes about 200 ms for the file; `onRequest` is called when one comes in. */
function slowMirror(onRequest: () => void = () => undefined): ReturnType<typeof startMirror> {
  return startMirror(fixture, (body, request, response) => {
    onRequest();
    const { status, headers, payload } = answer(body, request);
    response.writeHead(status, headers);
    let sent = 0;
    const timer = setInterval(() => {
      response.write(payload.subarray(sent, (sent += 8192)));
      if (sent >= payload.length) {
        clearInterval(timer);
        response.end();
      }
    }, 7);
    response.on("close", () => clearInterval(timer));
  });
}

describe("processes that fetch the same file", () => {
  it("survive ten kills at any moment: the cache never holds anything but the whole file", async () => {
    let requested: () => void = () => undefined;
    const mirror = await slowMirror(() => requested());
    const cacheDirectory = temporaryFolder();
    const target = cachePath(images, cacheDirectory);
    for (let kill = 0; kill < 10; kill++) {
      const request = new Promise<void>((resolve) => (requested = resolve));
      const child = startFetch(cacheDirectory, mirror.url);
      const exit = ended(child);
      await Promise.race([request, exit]);
      await new Promise((resolve) => setTimeout(resolve, 250 * Math.random()));
      child.kill("SIGKILL");
      await exit;
      if (fs.existsSync(target)) {
        expect(fs.readFileSync(target).equals(plain)).toBe(true);
        fs.rmSync(target); // it got through: the next one has something to do again
      }
    }
    expect(mirror.seen.some(({ range }) => range !== undefined)).toBe(true);
    expect(await ended(startFetch(cacheDirectory, mirror.url))).toEqual({
      code: 0,
      out: "download",
    });
    expect(fs.readFileSync(target).equals(plain)).toBe(true);
    expect(fs.readdirSync(cacheDirectory)).toEqual([path.basename(target)]);
  });

  it("do not disturb each other", async () => {
    const mirror = await slowMirror();
    const cacheDirectory = temporaryFolder();
    const target = cachePath(images, cacheDirectory);
    const children = [1, 2, 3].map(() => ended(startFetch(cacheDirectory, mirror.url)));
    for (const { code, out } of await Promise.all(children)) {
      expect(out).toMatch(/^(download|cache)$/);
      expect(code).toBe(0);
    }
    expect(fs.readFileSync(target).equals(plain)).toBe(true);
    expect(fs.readdirSync(cacheDirectory)).toEqual([path.basename(target)]);
  });
});
