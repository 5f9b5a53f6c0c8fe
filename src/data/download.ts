/**
 * Downloading one file over HTTP, from the first mirror that delivers it, going on after a cut.
 */
import type { Part } from "./part-file";
import { ContentMismatch } from "./read-mnist-file";

/** How far a download is; given to `onProgress` with every piece that arrives. */
export interface DownloadProgress {
  /** Name of the file. */
  readonly file: string;
  /** The mirror's host. */
  readonly host: string;
  /** Bytes here so far, those of earlier attempts included. */
  readonly receivedBytes: number;
  /** Bytes in all, where the server says so. */
  readonly totalBytes: number | undefined;
}

/** Silence that is taken for a failure, in milliseconds. */
export interface Timeouts {
  /** From the request to the first answer. Short: a room without a network should not have to wait. */
  readonly answerMs: number;
  /** Within which at least 4 KiB must arrive once the download runs. */
  readonly stallMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { answerMs: 5_000, stallMs: 20_000 };

/** No mirror delivered the file. The message has, for each of them, what went wrong last. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";

  /** @param reasons by address */
  constructor(readonly reasons: ReadonlyMap<string, string>) {
    const lines = [...reasons].map(([url, reason]) => `${new URL(url).host}: ${reason}`);
    super(lines.length > 0 ? lines.join("; ") : "no mirror to download from");
  }
}

/** What to download, and how. */
export interface DownloadRequest<T> {
  /** For messages. */
  readonly name: string;
  /** The same file at several addresses, tried in order. */
  readonly urls: readonly string[];
  /** Holds the bytes; those of an earlier attempt are not asked for again. */
  readonly part: Part;
  /** More than this many bytes cannot be the file. */
  readonly maxBytes: number;
  /** Turns the bytes into the result; throws ContentMismatch where they are not the right ones. */
  readonly verify: (bytes: AsyncIterable<Uint8Array>) => Promise<T>;
  readonly timeouts?: Timeouts;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** How often one mirror may be asked again after it delivered something and then broke off. */
const MAX_ATTEMPTS = 5;
const RETRY_DELAY_MS = 100;
const MIN_BYTES_BEFORE_STALL = 4096;

/**
 * Downloads a file and verifies it.
 *
 * A mirror that breaks off midway is asked for the rest (`Range`, and `If-Range` so that a changed
 * file is sent whole); one that refuses, is silent or sends wrong bytes is left for the next.
 *
 * @returns what `verify` made of the bytes; `part` still holds them
 * @throws DownloadError if no mirror delivered, the signal's reason if it aborted, and whatever `part`
 * throws
 */
export async function download<T>(request: DownloadRequest<T>): Promise<T> {
  const { part, signal } = request;
  const reasons = new Map<string, string>();
  for (const url of startingWith(part.origin?.url, request.urls)) {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const resumed = part.origin?.url === url && part.length > 0;
      const before = resumed ? part.length : 0;
      try {
        await transfer(url, request);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof TransferError)) throw error;
        reasons.set(url, error.message);
        const progressed = part.origin?.url === url && part.length > before;
        if (!progressed) break;
        await delay(RETRY_DELAY_MS * attempt, signal);
        continue;
      }
      try {
        return await request.verify(part.read());
      } catch (error) {
        if (!(error instanceof ContentMismatch)) throw error;
        reasons.set(url, error.message);
        await part.restart();
        // Old and new bytes may not have belonged together: only bytes from one go count against it.
        if (!resumed) break;
      }
    }
  }
  throw new DownloadError(reasons);
}

/** The mirror that delivered the first bytes goes first: only it can deliver the rest. */
function startingWith(first: string | undefined, urls: readonly string[]): readonly string[] {
  if (first === undefined || !urls.includes(first)) return urls;
  return [first, ...urls.filter((url) => url !== first)];
}

/** One request failed, in a way that another attempt or mirror may not. */
class TransferError extends Error {}

/** Asks one server for the bytes that `part` lacks and appends them. */
async function transfer<T>(url: string, request: DownloadRequest<T>): Promise<void> {
  const { name, part, maxBytes, signal, onProgress, timeouts = DEFAULT_TIMEOUTS } = request;
  const connection = new Connection(signal);
  try {
    connection.expectWithin(timeouts.answerMs, `no answer within ${timeouts.answerMs / 1000} s`);
    const response = await connection.attempt(() =>
      fetch(url, { headers: requestHeaders(url, part), signal: connection.signal }),
    );
    if (response.status === 416 && part.length > 0) return; // nothing is missing: verify tells
    const total = await begin(url, response, part);
    const host = new URL(url).host;

    const stalled = `stalled for ${timeouts.stallMs / 1000} s`;
    connection.expectWithin(timeouts.stallMs, stalled);
    const reader = response.body?.getReader();
    let sinceTimer = 0;
    for (;;) {
      const next = await connection.attempt(async () => reader?.read());
      if (!next || next.done) break;
      const chunk = next.value as Uint8Array;
      await part.append(chunk);
      if (part.length > maxBytes) throw new TransferError(`sends more than ${maxBytes} bytes`);
      onProgress?.({ file: name, host, receivedBytes: part.length, totalBytes: total });
      sinceTimer += chunk.length;
      if (sinceTimer >= MIN_BYTES_BEFORE_STALL) {
        connection.expectWithin(timeouts.stallMs, stalled);
        sinceTimer = 0;
      }
    }
    if (total !== undefined && part.length !== total) {
      throw new TransferError(`broke off after ${part.length} of ${total} bytes`);
    }
  } finally {
    connection.close();
  }
}

function requestHeaders(url: string, part: Part): Record<string, string> {
  // "identity": a server that unpacked the file on the way would make byte positions meaningless.
  const headers: Record<string, string> = { "Accept-Encoding": "identity" };
  if (part.origin?.url !== url || part.length === 0) return headers;
  headers["Range"] = `bytes=${part.length}-`;
  if (part.origin.validator !== undefined) headers["If-Range"] = part.origin.validator;
  return headers;
}

/** Reads the head of an answer; returns the length of the whole file where it is known. */
async function begin(url: string, response: Response, part: Part): Promise<number | undefined> {
  const { status, headers } = response;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    if (!range || part.length === 0 || Number(range[1]) !== part.length) {
      await part.restart();
      throw new TransferError("answered with another range than was asked for");
    }
    return range[2] === "*" ? undefined : Number(range[2]);
  }
  if (status !== 200) throw new TransferError(`HTTP ${status}`);
  // The whole file: asked for, or the server cannot resume, or the file has changed.
  const etag = headers.get("etag") ?? "";
  const validator = etag.startsWith('"') ? etag : (headers.get("last-modified") ?? undefined);
  await part.restart(validator === undefined ? { url } : { url, validator });
  const length = headers.get("content-length");
  return length === null || headers.has("content-encoding") ? undefined : Number(length);
}

/** One request's lifetime: ended by the caller's signal or by silence. */
class Connection {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timedOut: string | undefined;
  private readonly abort = (): void => this.controller.abort();

  constructor(private readonly outer: AbortSignal | undefined) {
    outer?.throwIfAborted();
    outer?.addEventListener("abort", this.abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Starts the clock anew: after `ms` of silence the request fails with `reason`. */
  expectWithin(ms: number, reason: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timedOut = reason;
      this.controller.abort();
    }, ms);
  }

  /** Runs one network operation; every failure of the network becomes a TransferError. */
  async attempt<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      throw new TransferError(this.timedOut ?? networkReason(error), { cause: error });
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener("abort", this.abort);
    this.controller.abort();
  }
}

/** `fetch` says only "fetch failed"; the reason is in its cause. */
function networkReason(error: unknown): string {
  const cause = (error as Error).cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}

function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
