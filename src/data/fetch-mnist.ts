/**
 * Getting at MNIST's files: from `MNIST_DIR`, the cache or a mirror, in that order.
 */
import fs from "node:fs";
import path from "node:path";
import { DownloadError, download, type DownloadProgress, type Timeouts } from "./download";
import { fileBytes } from "./idx";
import {
  MNIST_MIRRORS,
  cachePath,
  mnistFiles,
  namesOf,
  type MnistFile,
  type Split,
  type SplitFiles,
} from "./mnist-files";
import { CacheError, MemoryPart, PartFile, writeWhole, type Part } from "./part-file";
import { MnistFileError, readMnistFile, unpack } from "./read-mnist-file";

/** Where MNIST comes from, and how its fetching can be watched and stopped. */
export interface FetchOptions {
  /** A folder that holds the files, gzipped or not. Default: the environment's `MNIST_DIR`, if set. */
  readonly directory?: string;
  /** The folder that downloads are kept in. Default: in the project's `.cache/`. */
  readonly cacheDirectory?: string;
  /** Addresses that serve the files as `<mirror><name>.gz`, tried in order; `[]`: no download. */
  readonly mirrors?: readonly string[];
  readonly timeouts?: Timeouts;
  /** Aborting it ends a download; what has arrived is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal;
  /** Takes one line for the reader. Default: `console.log`. */
  readonly onMessage?: (line: string) => void;
  /** Called with every piece of a download. Default: each file's quarters go to `onMessage`. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Other files than MNIST's own, in the same format. */
  readonly files?: Readonly<Record<Split, SplitFiles>>;
}

/** Where a file was got from. */
export type FileSource = "MNIST_DIR" | "cache" | "download";

/** A file as it lies on disk: not read yet, and so perhaps not right. */
export interface LocatedFile {
  readonly path: string;
  readonly source: "MNIST_DIR" | "cache";
}

/** A whole, checked file. */
export interface FetchedFile {
  /** Uncompressed, with its header. */
  readonly bytes: Uint8Array;
  readonly source: FileSource;
}

/**
 * Finds a file without a network.
 *
 * @returns undefined if it has to be downloaded
 * @throws MnistFileError if `MNIST_DIR` is set and does not have it: falling through to another
 * source would hide a mistyped path
 */
export function locateFile(file: MnistFile, options: FetchOptions = {}): LocatedFile | undefined {
  const directory = options.directory ?? process.env["MNIST_DIR"];
  if (directory) {
    const found = namesOf(file).find((name) => fs.existsSync(path.join(directory, name)));
    if (found !== undefined) return { path: path.join(directory, found), source: "MNIST_DIR" };
    const missing = fs.existsSync(directory) ? "no file of these names" : "no such folder";
    throw new MnistFileError(
      path.resolve(directory),
      `a folder with ${file.name} or ${file.name}.gz`,
      missing,
      "Set MNIST_DIR to the folder that holds MNIST's four files, or unset it.",
    );
  }
  const cached = cachePath(file, options.cacheDirectory);
  return fs.existsSync(cached) ? { path: cached, source: "cache" } : undefined;
}

/**
 * Gets one file, checked, and leaves it in the cache if it had to be downloaded.
 *
 * Safe beside other processes that do the same: each downloads into a file of its own, and moves it
 * into place whole.
 *
 * @throws MnistFileError for a wrong file on disk (left as it is), DownloadError if no mirror
 * delivered, and the signal's reason if it aborted
 */
export async function fetchFile(file: MnistFile, options: FetchOptions = {}): Promise<FetchedFile> {
  const located = locateFile(file, options);
  if (located) {
    const advice =
      located.source === "cache"
        ? "It was left as it is; delete it to have it downloaded again."
        : "It was left as it is; put the original there, or unset MNIST_DIR to have it downloaded.";
    return { bytes: await readMnistFile(located.path, file, advice), source: located.source };
  }
  return { bytes: await downloadFile(file, options), source: "download" };
}

/**
 * Makes sure that all four files are at hand and right: for set-up, which needs no images yet and has
 * no tensor engine.
 *
 * @returns where each file, by name, was got from
 * @throws as `fetchFile`
 */
export async function fetchMnist(options: FetchOptions = {}): Promise<Map<string, FileSource>> {
  const { train, test } = options.files ?? mnistFiles();
  const sources = new Map<string, FileSource>();
  for (const file of [train.labels, train.images, test.labels, test.images]) {
    sources.set(file.name, (await fetchFile(file, options)).source);
  }
  return sources;
}

/** Downloads a file into the cache; where the cache cannot be written, into memory alone. */
async function downloadFile(file: MnistFile, options: FetchOptions): Promise<Uint8Array> {
  const { mirrors = MNIST_MIRRORS, onMessage = console.log } = options;
  if (mirrors.length === 0) throw new DownloadError(new Map());
  const target = cachePath(file, options.cacheDirectory);
  let bytes: Uint8Array | undefined;
  try {
    const part = await PartFile.claim(target);
    bytes = await downloadInto(part, file, options);
    await keep(part, target, bytes);
    return bytes;
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    onMessage(
      `The cache folder ${path.dirname(target)} cannot be written (${error.message}): ` +
        `${file.name} is kept in memory only, and downloaded again next time.`,
    );
    return bytes ?? downloadInto(new MemoryPart(), file, options);
  }
}

async function downloadInto(
  part: Part,
  file: MnistFile,
  options: FetchOptions,
): Promise<Uint8Array> {
  const { mirrors = MNIST_MIRRORS, onMessage = console.log, timeouts, signal } = options;
  try {
    return await download({
      name: `${file.name}.gz`,
      urls: mirrors.map((mirror) => `${mirror.replace(/\/*$/, "/")}${file.name}.gz`),
      part,
      maxBytes: fileBytes(file) + 65_536,
      verify: (chunks) => unpack(chunks, file),
      onProgress: options.onProgress ?? quarters(onMessage),
      timeouts,
      signal,
    });
  } catch (error) {
    await part.release().catch(() => undefined); // the first error says more
    throw error;
  }
}

/** Moves a downloaded file into place, after which its part file is not needed. */
async function keep(part: Part, target: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeWhole(target, bytes);
  } catch (error) {
    await part.release(); // complete: next time, nothing is left to download
    throw error;
  }
  await part.discard();
}

/** Turns progress into a line at the start of each large file and at every quarter of it. */
function quarters(onMessage: (line: string) => void): (progress: DownloadProgress) => void {
  let said = -1;
  return ({ file, host, receivedBytes, totalBytes }) => {
    if (totalBytes === undefined || totalBytes < 1e6) return;
    const quarter = Math.floor((4 * receivedBytes) / totalBytes);
    if (quarter <= said) return;
    said = quarter;
    const size = (totalBytes / 1e6).toFixed(1);
    onMessage(`Downloading ${file} from ${host}: ${25 * quarter} % of ${size} MB`);
  };
}
