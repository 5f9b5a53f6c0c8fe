/**
 * Small files in MNIST's format, and a mirror on 127.0.0.1 to serve them well or badly.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { idxHeader } from "../../src/data/idx";
import type { MnistFile, Split, SplitFiles } from "../../src/data/mnist-files";

/** The real files, on machines that have them; tests of their contents run only there. */
export const REAL_MNIST = path.join(__dirname, "..", "..", "..", "shared", "data", "mnist");

/** A set of files and their contents, uncompressed and as served. */
export interface Fixture {
  readonly files: Record<Split, SplitFiles>;
  /** By name, uncompressed. */
  readonly plain: ReadonlyMap<string, Buffer>;
  /** By name with ".gz". */
  readonly gzipped: ReadonlyMap<string, Buffer>;
}

/** Files of the given numbers of images; the pixels are noise, and so hardly compress. */
export function makeFixture(counts: Record<Split, number> = { train: 300, test: 40 }): Fixture {
  const plain = new Map<string, Buffer>();
  const makeFile = (split: Split, kind: "images" | "labels"): MnistFile => {
    const name = `${split}-${kind}-idx${kind === "images" ? 3 : 1}-ubyte`;
    const count = counts[split];
    const values = noise(count * (kind === "images" ? 784 : 1), kind === "images" ? 256 : 10);
    const bytes = Buffer.concat([idxHeader({ kind, count }), values]);
    plain.set(name, bytes);
    const url = `http://mnist.invalid/${name}.gz`;
    return { name, url, kind, count, sha256: createHash("sha256").update(bytes).digest("hex") };
  };
  const makeSplit = (split: Split): SplitFiles => ({
    images: makeFile(split, "images"),
    labels: makeFile(split, "labels"),
  });
  const files = { train: makeSplit("train"), test: makeSplit("test") };
  const gzipped = new Map([...plain].map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]));
  return { files, plain, gzipped };
}

function noise(length: number, below: number): Uint8Array {
  let state = 12345;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  });
}

/** A request as the server saw it. */
export interface Seen {
  readonly name: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/** A mirror that serves a fixture, with its requests on record. */
export interface Mirror {
  readonly url: string;
  readonly seen: Seen[];
}

type Handler = (
  body: Buffer,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  attempt: number,
) => void;

const cleanups: (() => Promise<void> | void)[] = [];

/** Call after each test: closes the mirrors and removes the folders. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Starts a mirror; `handler` answers requests for known files, `attempt` counts from 1 for each. */
export async function startMirror(fixture: Fixture, handler: Handler = serve): Promise<Mirror> {
  const seen: Seen[] = [];
  const attempts = new Map<string, number>();
  const server = http.createServer((request, response) => {
    const name = path.posix.basename(request.url ?? "");
    seen.push({ name, range: request.headers.range, ifRange: header(request, "if-range") });
    attempts.set(name, (attempts.get(name) ?? 0) + 1);
    const body = fixture.gzipped.get(name);
    if (body) handler(body, request, response, attempts.get(name)!);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mnist/`, seen };
}

function header(request: http.IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export const ETAG = '"the-file"';

/** A well-behaved server: ranges, If-Range, ETag. */
export const serve: Handler = (body, request, response) => {
  const { status, headers, payload } = answer(body, request);
  response.writeHead(status, headers).end(payload);
};

/** What a well-behaved server answers, for handlers that then send it badly. */
export function answer(
  body: Buffer,
  request: http.IncomingMessage,
): { status: number; headers: Record<string, string>; payload: Buffer } {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const start = Number(range?.[1] ?? 0);
  const condition = header(request, "if-range");
  if (!range || (condition !== undefined && condition !== ETAG)) {
    const headers = { etag: ETAG, "content-length": String(body.length) };
    return { status: 200, headers, payload: body };
  }
  if (start >= body.length) {
    const headers = { "content-range": `bytes */${body.length}` };
    return { status: 416, headers, payload: Buffer.alloc(0) };
  }
  const payload = body.subarray(start);
  const headers = {
    etag: ETAG,
    "content-length": String(payload.length),
    "content-range": `bytes ${start}-${body.length - 1}/${body.length}`,
  };
  return { status: 206, headers, payload };
}

/** Sends the first `bytes` of the right answer and then cuts the connection. */
export function cutAfter(bytes: number): Handler {
  return (body, request, response) => {
    const { status, headers, payload } = answer(body, request);
    response.writeHead(status, headers);
    // A moment later, so that what was sent arrives before the reset.
    response.write(payload.subarray(0, bytes), () =>
      setTimeout(() => response.socket?.destroy(), 30),
    );
  };
}

/** An address that refuses connections at once, as in a room without a network. */
export const UNREACHABLE = "http://127.0.0.1:9/mnist/";

/** A new empty folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "score-sde-data-"));
  cleanups.push(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with the files of a fixture, as they are or gzipped. */
export function folderWith(contents: ReadonlyMap<string, Buffer>): string {
  const folder = temporaryFolder();
  for (const [name, bytes] of contents) fs.writeFileSync(path.join(folder, name), bytes);
  return folder;
}

/** The error that a promise rejects with; fails if it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`rejected with ${String(error)}, which is no Error`, { cause: error });
  }
  throw new Error("did not reject");
}
