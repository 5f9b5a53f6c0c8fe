/**
 * The bytes of a download so far, kept so that the next attempt, or the next process, goes on from
 * there.
 */
import { open, mkdir, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";

/** Where the bytes of a download come from. */
export interface Origin {
  readonly url: string;
  /** The server's strong ETag or Last-Modified: while it is the same, the file is the same. */
  readonly validator?: string;
}

/** A download in progress. */
export interface Part {
  /** Undefined until the first byte. */
  readonly origin: Origin | undefined;
  /** Number of bytes received. */
  readonly length: number;
  /** Forgets all bytes and starts anew. */
  restart(origin?: Origin): Promise<void>;
  append(chunk: Uint8Array): Promise<void>;
  /** All bytes received, from the first. */
  read(): AsyncIterable<Uint8Array>;
  /** Stops, and keeps the bytes for a later attempt. */
  release(): Promise<void>;
  /** Stops, and throws the bytes away. */
  discard(): Promise<void>;
}

/** The cache folder cannot be used: read-only, full, or not a folder. */
export class CacheError extends Error {
  override readonly name = "CacheError";
}

/** Keeps the bytes in memory: for when there is nowhere to write. */
export class MemoryPart implements Part {
  origin: Origin | undefined;
  length = 0;
  private chunks: Uint8Array[] = [];

  restart(origin?: Origin): Promise<void> {
    this.origin = origin;
    this.length = 0;
    this.chunks = [];
    return Promise.resolve();
  }

  append(chunk: Uint8Array): Promise<void> {
    this.chunks.push(chunk);
    this.length += chunk.length;
    return Promise.resolve();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (const chunk of this.chunks) yield await Promise.resolve(chunk);
  }

  release(): Promise<void> {
    return this.restart();
  }

  discard(): Promise<void> {
    return this.restart();
  }
}

/** Part files that this process writes now. */
const inUse = new Set<string>();
let serial = 0;

/** A part file whose process writes no longer: a live download gives up after far less silence. */
const ABANDONED_AFTER_MS = 10 * 60_000;

/**
 * Keeps the bytes in a file beside its target: one line of JSON, the origin, and then the bytes, so
 * that the two cannot come apart.
 *
 * No two processes ever write one part file: its name holds the process's number, and a part file
 * that a killed process left behind is taken over by renaming it, which only one can do.
 *
 *     <target>.<pid>-<n>.part   being written by process <pid>
 *     <target>.part             left by a download that was cut or interrupted
 */
export class PartFile implements Part {
  origin: Origin | undefined;
  length = 0;
  private headerLength = 0;

  private constructor(
    private readonly target: string,
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Takes over the longest part file that nobody writes, or starts a new one, and removes what killed
   * processes left.
   *
   * @throws CacheError where the folder cannot be written
   */
  static claim(target: string): Promise<PartFile> {
    return onDisk(async () => {
      await mkdir(path.dirname(target), { recursive: true });
      const own = `${target}.${process.pid}-${serial++}.part`;
      inUse.add(own);
      await takeOver(target, own);
      // "a+": made if missing, never truncated by opening it.
      const part = new PartFile(target, own, await open(own, "a+"));
      await part.readHeader();
      return part;
    });
  }

  restart(origin?: Origin): Promise<void> {
    return onDisk(async () => {
      await this.handle.truncate(0);
      const header = Buffer.from(origin ? `${JSON.stringify(origin)}\n` : "");
      await this.handle.appendFile(header);
      this.origin = origin;
      this.headerLength = header.length;
      this.length = 0;
    });
  }

  append(chunk: Uint8Array): Promise<void> {
    return onDisk(async () => {
      await this.handle.appendFile(chunk);
      this.length += chunk.length;
    });
  }

  async *read(): AsyncGenerator<Uint8Array> {
    // Through the handle: the bytes are there even if the folder was removed meanwhile. Not through a
    // stream of it, which would close the handle with its own end.
    for (let position = this.headerLength; ;) {
      const buffer = Buffer.alloc(1 << 18);
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  release(): Promise<void> {
    return onDisk(async () => {
      if (this.length === 0) return this.discard();
      await this.handle.close();
      await rename(this.path, `${this.target}.part`);
      inUse.delete(this.path);
    });
  }

  discard(): Promise<void> {
    return onDisk(async () => {
      await this.handle.close();
      await rm(this.path, { force: true });
      inUse.delete(this.path);
    });
  }

  private async readHeader(): Promise<void> {
    const { size } = await this.handle.stat();
    const start = Buffer.alloc(Math.min(size, 4096));
    await this.handle.read(start, 0, start.length, 0);
    const end = start.indexOf("\n");
    const origin = end < 0 ? undefined : parseOrigin(start.toString("utf8", 0, end));
    if (!origin) return this.restart();
    this.origin = origin;
    this.headerLength = end + 1;
    this.length = size - this.headerLength;
  }
}

/** Writes a file so that its name only ever means the whole of it, even if the power fails. */
export function writeWhole(target: string, bytes: Uint8Array): Promise<void> {
  return onDisk(async () => {
    const temporary = `${target}.${process.pid}-${serial++}.tmp`;
    inUse.add(temporary);
    try {
      const handle = await open(temporary, "w");
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
      await syncFolder(path.dirname(target));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      inUse.delete(temporary);
    }
  });
}

/** Makes a rename last. Windows cannot open a folder, and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames the longest abandoned part file to `own`, and removes every other leftover. */
async function takeOver(target: string, own: string): Promise<void> {
  const leftovers: { path: string; size: number }[] = [];
  for (const name of await readdir(path.dirname(target))) {
    const leftover = path.join(path.dirname(target), name);
    if (!(await isAbandoned(leftover, target))) continue;
    leftovers.push({ path: leftover, size: (await sizeOf(leftover)) ?? 0 });
  }
  leftovers.sort((a, b) => b.size - a.size);
  let taken = false;
  for (const leftover of leftovers) {
    if (!taken && leftover.path.endsWith(".part")) {
      // Another process may have been faster; then there is nothing here to take or to remove.
      taken = await rename(leftover.path, own).then(
        () => true,
        () => false,
      );
    } else {
      await rm(leftover.path, { force: true });
    }
  }
}

async function isAbandoned(file: string, target: string): Promise<boolean> {
  if (file === `${target}.part`) return true;
  if (!file.startsWith(`${target}.`)) return false;
  const owner = /^(\d+)-\d+\.(part|tmp)$/.exec(file.slice(target.length + 1));
  if (!owner || inUse.has(file)) return false;
  const pid = Number(owner[1]);
  if (pid === process.pid || !isRunning(pid)) return true;
  // The number may belong to another program by now.
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > ABANDONED_AFTER_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

function parseOrigin(line: string): Origin | undefined {
  try {
    const { url, validator } = JSON.parse(line) as Partial<Origin>;
    if (typeof url !== "string") return undefined;
    return typeof validator === "string" ? { url, validator } : { url };
  } catch {
    return undefined;
  }
}

/** Turns whatever the file system says into a CacheError. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CacheError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CacheError(code ?? message, { cause: error });
  }
}
