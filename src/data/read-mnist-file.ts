/**
 * Reading one MNIST file, gzipped or not, and making sure that it is the right one.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { describeStart, fileBytes, formatCount, idxHeader } from "./idx";
import type { MnistFile } from "./mnist-files";

/** A file that is not what it should be: truncated, altered or a different one. It was not touched. */
export class MnistFileError extends Error {
  override readonly name = "MnistFileError";

  constructor(
    /** Path of the file. */
    readonly file: string,
    /** What it should hold. */
    readonly expected: string,
    /** What it does hold. */
    readonly found: string,
    advice: string,
  ) {
    super(`${file}: expected ${expected}; found ${found}. ${advice}`);
  }
}

/** Bytes that are not those of the file asked for. */
export class ContentMismatch extends Error {
  override readonly name = "ContentMismatch";

  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`expected ${expected}; found ${found}`);
  }
}

/**
 * Reads a file and checks its header, length and SHA-256.
 *
 * @param advice what to do about a wrong file: the end of the error's message
 * @returns the whole uncompressed file, header included
 * @throws MnistFileError for a wrong or unreadable file, which is never changed
 */
export async function readMnistFile(
  filePath: string,
  file: MnistFile,
  advice: string,
): Promise<Uint8Array> {
  try {
    return await unpack(fs.createReadStream(filePath, { highWaterMark: 1 << 20 }), file);
  } catch (error) {
    if (error instanceof ContentMismatch) {
      throw new MnistFileError(filePath, error.expected, error.found, advice);
    }
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    const found = code === "EISDIR" ? "a folder" : `a file that cannot be read (${code})`;
    throw new MnistFileError(filePath, `the file ${file.name}`, found, advice);
  }
}

/**
 * Unpacks (where it is gzip) and checks what `source` yields. One buffer of the final size is all the
 * memory it takes.
 *
 * @throws ContentMismatch if it is not `file`
 */
export async function unpack(
  source: AsyncIterable<Uint8Array>,
  file: MnistFile,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(fileBytes(file));
  const hash = createHash("sha256");
  let length = 0;
  const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) {
      const room = bytes.length - length;
      bytes.set(chunk.length > room ? chunk.subarray(0, room) : chunk, length);
      hash.update(chunk);
      length += chunk.length;
      if (length > bytes.length) checkContent(bytes, length, "", file); // too long: throws
    }
  };

  const { isGzip, chunks } = await sniff(source);
  try {
    if (isGzip)
      await pipeline(Readable.from(chunks), createGunzip({ chunkSize: 1 << 20 }), collect);
    else await collect(chunks);
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    if (!code.startsWith("Z_")) throw error;
    throw new ContentMismatch(
      `${formatCount(bytes.length)} bytes, uncompressed`,
      `gzip data that break off or are damaged after ${formatCount(length)} bytes (${code})`,
    );
  }
  checkContent(bytes.subarray(0, length), length, hash.digest("hex"), file);
  return bytes;
}

function checkContent(bytes: Uint8Array, length: number, sha256: string, file: MnistFile): void {
  const header = idxHeader(file);
  const start = bytes.subarray(0, header.length);
  if (length >= header.length && Buffer.compare(start, header) !== 0) {
    throw new ContentMismatch(`${describeStart(header)} (${file.name})`, describeStart(bytes));
  }
  const expectedLength = fileBytes(file);
  if (length !== expectedLength) {
    const found = length > expectedLength ? "more than that" : `${formatCount(length)} bytes`;
    throw new ContentMismatch(`${formatCount(expectedLength)} bytes, uncompressed`, found);
  }
  if (sha256 !== file.sha256) {
    throw new ContentMismatch(`SHA-256 ${file.sha256}`, `SHA-256 ${sha256}`);
  }
}

/** Tells gzip by its first two bytes, not by a name: people rename and unpack files. */
async function sniff(
  source: AsyncIterable<Uint8Array>,
): Promise<{ isGzip: boolean; chunks: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head = first.done ? new Uint8Array() : first.value;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { isGzip: head[0] === 0x1f && head[1] === 0x8b, chunks: chunks() };
}
