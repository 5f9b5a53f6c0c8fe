import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DownloadError, type DownloadProgress } from "../../src/data/download";
import { fetchFile, fetchMnist, type FetchOptions } from "../../src/data/fetch-mnist";
import { cachePath } from "../../src/data/mnist-files";
import {
  ETAG,
  UNREACHABLE,
  answer,
  cleanUp,
  cutAfter,
  errorOf,
  makeFixture,
  serve,
  startMirror,
  temporaryFolder,
  type Mirror,
} from "./support";

// Whoever runs the tests may have set it.
beforeEach(() => void vi.stubEnv("MNIST_DIR", ""));
afterEach(async () => {
  vi.unstubAllEnvs();
  await cleanUp();
});

const fixture = makeFixture();
const images = fixture.files.train.images;
const plain = fixture.plain.get(images.name)!;
/** Short, but long enough for a busy machine to answer. */
const IMPATIENT = { answerMs: 1500, stallMs: 1500 };
const gzipped = fixture.gzipped.get(`${images.name}.gz`)!;

function options(mirrors: Mirror[], more: FetchOptions = {}): FetchOptions & { lines: string[] } {
  const lines: string[] = [];
  return {
    cacheDirectory: temporaryFolder(),
    mirrors: mirrors.map(({ url }) => url),
    files: fixture.files,
    onMessage: (line) => lines.push(line),
    lines,
    ...more,
  };
}

/** Asserts that the cache holds the training images and nothing else, and that no line was said. */
function expectCached({ cacheDirectory, lines }: ReturnType<typeof options>): void {
  expect(lines).toEqual([]);
  const target = cachePath(images, cacheDirectory);
  expect(fs.readdirSync(cacheDirectory!)).toEqual([path.basename(target)]);
  expect(fs.readFileSync(target).equals(plain)).toBe(true);
}

describe("a download", () => {
  it("fills the cache with the uncompressed file, which is then used without a request", async () => {
    const mirror = await startMirror(fixture);
    const opts = options([mirror]);
    const first = await fetchFile(images, opts);
    expect(first.source).toBe("download");
    expect(Buffer.compare(first.bytes, plain)).toBe(0);
    expectCached(opts);
    const second = await fetchFile(images, opts);
    expect(second.source).toBe("cache");
    expect(Buffer.compare(second.bytes, plain)).toBe(0);
    expect(mirror.seen).toHaveLength(1);
  });

  it("reports progress that ends at the total", async () => {
    const mirror = await startMirror(fixture);
    const progress: DownloadProgress[] = [];
    await fetchFile(images, options([mirror], { onProgress: (p) => progress.push(p) }));
    const received = progress.map(({ receivedBytes }) => receivedBytes);
    expect(received).toEqual([...received].sort((a, b) => a - b));
    expect(progress.at(-1)).toEqual({
      file: "train-images-idx3-ubyte.gz",
      host: new URL(mirror.url).host,
      receivedBytes: gzipped.length,
      totalBytes: gzipped.length,
    });
  });

  it("says its quarters in lines where nobody listens to the progress", async () => {
    const large = makeFixture({ train: 2000, test: 1 });
    const opts = options([await startMirror(large)]);
    await fetchFile(large.files.train.images, opts);
    expect(opts.lines.length).toBeLessThanOrEqual(5);
    expect(opts.lines.at(-1)).toMatch(
      /^Downloading train-images-idx3-ubyte\.gz from 127\.0\.0\.1:\d+: 100 % of 1\.\d MB$/,
    );
  });

  it("goes on after a cut where it stopped", async () => {
    const cut = cutAfter(100_000);
    const mirror = await startMirror(fixture, (body, request, response, attempt) =>
      attempt === 1 ? cut(body, request, response, 1) : serve(body, request, response, attempt),
    );
    const opts = options([mirror]);
    await fetchFile(images, opts);
    expectCached(opts);
    expect(mirror.seen.map(({ range }) => range)).toEqual([undefined, "bytes=100000-"]);
    expect(mirror.seen[1]!.ifRange).toBe(ETAG);
  });

  it("goes on in a later call, at the mirror that has the rest", async () => {
    const dead = await startMirror(fixture, (_body, _request, response) => {
      response.writeHead(503).end();
    });
    let works = false;
    const cut = cutAfter(90_000);
    const mirror = await startMirror(fixture, (body, request, response, attempt) => {
      if (works) serve(body, request, response, attempt);
      else if (attempt === 1) cut(body, request, response, attempt);
      else response.socket?.destroy();
    });
    const opts = options([dead, mirror]);
    expect(await errorOf(fetchFile(images, opts))).toBeInstanceOf(DownloadError);
    const part = `${path.basename(cachePath(images))}.part`;
    expect(fs.readdirSync(opts.cacheDirectory!)).toEqual([part]);
    works = true;
    await fetchFile(images, opts);
    expectCached(opts);
    expect(mirror.seen.at(-1)!.range).toBe("bytes=90000-");
    expect(dead.seen).toHaveLength(1);
  });

  it("starts anew where the server ignores Range", async () => {
    const cut = cutAfter(100_000);
    const mirror = await startMirror(fixture, (body, request, response, attempt) => {
      if (attempt === 1) cut(body, request, response, attempt);
      else response.writeHead(200, { "content-length": body.length }).end(body);
    });
    const opts = options([mirror]);
    await fetchFile(images, opts);
    expectCached(opts);
    expect(mirror.seen[1]!.range).toBe("bytes=100000-");
  });

  it("starts anew where the file changed between the attempts", async () => {
    const stale = Buffer.alloc(gzipped.length, 7);
    const mirror = await startMirror(fixture, (body, request, response, attempt) => {
      if (attempt > 1) return serve(body, request, response, attempt);
      response.writeHead(200, { etag: '"older"', "content-length": stale.length });
      response.write(stale.subarray(0, 50_000), () =>
        setTimeout(() => response.socket?.destroy(), 30),
      );
    });
    const opts = options([mirror]);
    await fetchFile(images, opts);
    expectCached(opts);
    expect(mirror.seen[1]!.ifRange).toBe('"older"');
  });

  it("starts anew where old and new bytes do not fit together, without blaming the mirror", async () => {
    const mirror = await startMirror(fixture, (body, request, response, attempt) => {
      if (attempt > 1) return serve(body, request, response, attempt);
      // No ETag: nothing tells the client that these bytes belong to another file.
      response.writeHead(200, { "content-length": body.length });
      response.write(Buffer.alloc(50_000, 7), () =>
        setTimeout(() => response.socket?.destroy(), 30),
      );
    });
    const opts = options([mirror]);
    await fetchFile(images, opts);
    expectCached(opts);
    expect(mirror.seen.map(({ range }) => range)).toEqual([undefined, "bytes=50000-", undefined]);
  });

  it("starts anew where the server answers with another range", async () => {
    const cut = cutAfter(100_000);
    const mirror = await startMirror(fixture, (body, request, response, attempt) => {
      if (attempt === 1) return cut(body, request, response, attempt);
      const { headers } = answer(body, request);
      const wrong = { ...headers, "content-range": `bytes 0-${body.length - 1}/${body.length}` };
      response.writeHead(206, wrong).end();
    });
    const second = await startMirror(fixture);
    const opts = options([mirror, second]);
    await fetchFile(images, opts);
    expectCached(opts);
    expect(second.seen[0]!.range).toBeUndefined();
  });

  it("needs no byte more where only the last step was missing", async () => {
    const mirror = await startMirror(fixture);
    const opts = options([mirror]);
    const origin = { url: `${mirror.url}${images.name}.gz`, validator: ETAG };
    const part = `${cachePath(images, opts.cacheDirectory)}.part`;
    fs.writeFileSync(part, Buffer.concat([Buffer.from(`${JSON.stringify(origin)}\n`), gzipped]));
    await fetchFile(images, opts);
    expectCached(opts);
    expect(mirror.seen.map(({ range }) => range)).toEqual([`bytes=${gzipped.length}-`]);
  });

  it("takes no part file at its word", async () => {
    const mirror = await startMirror(fixture);
    for (const junk of ["", "no newline", "{}\nabc", '{"url":5}\nabc', "\n", "x".repeat(10_000)]) {
      const opts = options([mirror]);
      fs.writeFileSync(`${cachePath(images, opts.cacheDirectory)}.part`, junk);
      await fetchFile(images, opts);
      expectCached(opts);
    }
  });

  it("turns to the second mirror after wrong bytes, 403, silence, a stall and a refused connection", async () => {
    const wrong = Buffer.from(fixture.gzipped.get("test-images-idx3-ubyte.gz")!);
    const bad: Record<string, Parameters<typeof startMirror>[1]> = {
      "expected an IDX file of 300 images": (_body, _request, response) => {
        response.writeHead(200, { "content-length": wrong.length }).end(wrong);
      },
      "HTTP 403": (_body, _request, response) => {
        response.writeHead(403).end("<html>no</html>");
      },
      "no answer within 1.5 s": () => undefined,
      "stalled for 1.5 s": (body, _request, response) => {
        response.writeHead(200, { "content-length": body.length });
        response.write(body.subarray(0, 0));
        response.flushHeaders();
      },
    };
    for (const [reason, handler] of Object.entries(bad)) {
      const first = await startMirror(fixture, handler);
      const second = await startMirror(fixture);
      const opts = options([first, second], { timeouts: IMPATIENT });
      await fetchFile(images, opts);
      expectCached(opts);
      expect(first.seen).toHaveLength(1);
      expect(second.seen).toHaveLength(1);
      const alone = await errorOf(
        fetchFile(images, { ...opts, mirrors: [first.url], cacheDirectory: temporaryFolder() }),
      );
      expect(alone).toBeInstanceOf(DownloadError);
      expect(alone.message).toContain(`${new URL(first.url).host}: ${reason}`);
    }
    const opts = options([{ url: UNREACHABLE, seen: [] }, await startMirror(fixture)]);
    await fetchFile(images, opts);
    expectCached(opts);
  });

  it("gives up on a server that trickles, and on one that does not stop", async () => {
    const trickle = await startMirror(fixture, (body, _request, response) => {
      response.writeHead(200, { "content-length": body.length });
      let sent = 0;
      const timer = setInterval(() => response.write(body.subarray(sent, ++sent)), 20);
      response.on("close", () => clearInterval(timer));
    });
    const endless = await startMirror(fixture, (_body, _request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(Buffer.alloc(65_536)), 5);
      response.on("close", () => clearInterval(timer));
    });
    const opts = options([trickle, endless], { timeouts: IMPATIENT });
    const error = await errorOf(fetchFile(images, opts));
    expect(error.message).toContain("stalled for 1.5 s");
    expect(error.message).toContain("sends more than");
    expect(trickle.seen.length).toBeLessThanOrEqual(5);
    expect(endless.seen.length).toBeLessThanOrEqual(5);
  });

  it("copes with a server that unpacks the file on the way", async () => {
    const mirror = await startMirror(fixture, (body, _request, response) => {
      const headers = { "content-encoding": "gzip", "content-length": body.length, etag: ETAG };
      response.writeHead(200, headers).end(body);
    });
    const opts = options([mirror]);
    await fetchFile(images, opts);
    expectCached(opts);
  });

  it("ends on the signal with its reason, and keeps what has arrived", async () => {
    const controller = new AbortController();
    const mirror = await startMirror(fixture, (body, request, response, attempt) => {
      if (attempt > 1) return serve(body, request, response, attempt);
      response.writeHead(200, { etag: ETAG, "content-length": body.length });
      response.write(body.subarray(0, 120_000));
    });
    const stop = new Error("interrupted");
    const opts = options([mirror], {
      signal: controller.signal,
      onProgress: ({ receivedBytes }) => receivedBytes === 120_000 && controller.abort(stop),
    });
    expect(await errorOf(fetchFile(images, opts))).toBe(stop);
    expect(fs.readdirSync(opts.cacheDirectory!)).toHaveLength(1);
    await fetchFile(images, { ...opts, signal: undefined });
    expectCached(opts);
    expect(mirror.seen.at(-1)!.range).toBe("bytes=120000-");
    expect(await errorOf(fetchFile(fixture.files.test.images, opts))).toBe(stop);
  });

  it("works, with one line, where the cache cannot be written", async () => {
    const mirror = await startMirror(fixture);
    const file = path.join(temporaryFolder(), "a-file");
    fs.writeFileSync(file, "not a folder");
    const opts = options([mirror], { cacheDirectory: path.join(file, "cache") });
    const { bytes, source } = await fetchFile(images, opts);
    expect(source).toBe("download");
    expect(Buffer.compare(bytes, plain)).toBe(0);
    expect(opts.lines).toHaveLength(1);
    expect(opts.lines[0]).toMatch(/^The cache folder .* cannot be written \(ENOTDIR\): /);
    expect(fs.readFileSync(file, "utf8")).toBe("not a folder");
  });

  it("does not download again what it could not move into place", async () => {
    const mirror = await startMirror(fixture);
    const opts = options([mirror]);
    // The folder goes away while the download runs, as after `npm run clean`.
    const onProgress = (): void =>
      fs.rmSync(opts.cacheDirectory!, { recursive: true, force: true });
    const { bytes } = await fetchFile(images, { ...opts, onProgress });
    expect(Buffer.compare(bytes, plain)).toBe(0);
    expect(opts.lines).toHaveLength(1);
    expect(mirror.seen).toHaveLength(1);
  });

  it("leaves a wrong file in the cache as it is, and says so", async () => {
    const mirror = await startMirror(fixture);
    const opts = options([mirror]);
    const target = cachePath(images, opts.cacheDirectory);
    fs.writeFileSync(target, "junk");
    const error = await errorOf(fetchFile(images, opts));
    expect(error.message).toBe(
      `${target}: expected 235,216 bytes, uncompressed; found 4 bytes. ` +
        "It was left as it is; delete it to have it downloaded again.",
    );
    expect(fs.readFileSync(target, "utf8")).toBe("junk");
    expect(mirror.seen).toEqual([]);
  });

  it("gets all four files for set-up", async () => {
    const mirror = await startMirror(fixture);
    const opts = options([mirror]);
    const names = [...fixture.plain.keys()].sort();
    const first = await fetchMnist(opts);
    expect([...first.keys()].sort()).toEqual(names);
    expect(new Set(first.values())).toEqual(new Set(["download"]));
    expect(new Set((await fetchMnist(opts)).values())).toEqual(new Set(["cache"]));
  });

  it("may run several times at once in one process", async () => {
    const opts = options([await startMirror(fixture)]);
    const all = await Promise.all([1, 2, 3].map(() => fetchFile(images, opts)));
    for (const { bytes } of all) expect(Buffer.compare(bytes, plain)).toBe(0);
    expectCached(opts);
  });
});
