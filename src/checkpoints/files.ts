/**
 * Files that are whole or not there.
 */
import { randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { decodeSafetensors, encodeSafetensors, type StoredTensors } from "./safetensors";

/**
 * Writes a safetensors file so that a crash, a kill or a full disk at any moment leaves the old file
 * as it was: the bytes go to a temporary file beside it, reach the disk, and only then take its name.
 *
 * @throws Error naming the file and what to do where the folder cannot be written or the disk is full
 */
export async function writeSafetensors(file: string, contents: StoredTensors): Promise<void> {
  const bytes = encodeSafetensors(contents);
  const folder = path.dirname(path.resolve(file));
  const temporary = path.join(
    folder,
    `.${path.basename(file)}.${randomBytes(6).toString("hex")}.tmp`,
  );
  try {
    await fs.mkdir(folder, { recursive: true });
    await removeLeftovers(folder, path.basename(file));
    await writeThrough(temporary, bytes);
    await fs.rename(temporary, file);
    await syncFolder(folder);
  } catch (cause) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Could not write ${file} (${reason}). An earlier file of that name is as it was; ` +
        "free some space or choose another folder, then save again.",
      { cause },
    );
  }
}

/**
 * Reads a safetensors file.
 *
 * @throws Error naming the file where it cannot be read, SafetensorsError where it is not valid
 */
export async function readSafetensors(file: string): Promise<StoredTensors> {
  let bytes: Uint8Array;
  try {
    bytes = await fs.readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Could not read the checkpoint ${file} (${reason}).`, { cause });
  }
  return decodeSafetensors(bytes, file);
}

async function writeThrough(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await fs.open(file, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is itself only safe from a power cut once the folder is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await fs.open(folder, "r");
  await handle.sync().catch(() => undefined);
  await handle.close();
}

/** Temporary files of processes that were killed an hour ago or more. */
async function removeLeftovers(folder: string, name: string): Promise<void> {
  const hour = 3_600_000;
  for (const entry of await fs.readdir(folder)) {
    if (!entry.startsWith(`.${name}.`) || !entry.endsWith(".tmp")) continue;
    const leftover = path.join(folder, entry);
    const age = await fs.stat(leftover).then(
      (stat) => Date.now() - stat.mtimeMs,
      () => 0,
    );
    if (age > hour) await fs.rm(leftover, { force: true });
  }
}
