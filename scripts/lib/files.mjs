/**
 * Changes to the disk that are seen whole or not at all. Set-up may be killed at any moment, so whatever
 * takes time is made in a staging folder of its own and moved into place by one rename.
 */
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { cacheDir } from "./paths.mjs";

const stagingRoot = path.join(cacheDir, "staging");
let counter = 0;

/** A name that no other run of set-up uses. */
function uniqueName() {
  counter += 1;
  return `${process.pid}-${Date.now().toString(36)}-${counter}`;
}

/**
 * A new, empty folder on the project's own disk. Its name is never used again: a child process that
 * outlives a killed set-up goes on writing there and harms nobody.
 * @param {string} label
 */
export function stagingDir(label) {
  const dir = path.join(stagingRoot, `${label}-${uniqueName()}`);
  fs.mkdirSync(dir, { recursive: true });
  return dir;
}

/** Removes the staging folders of processes that are dead, and our own. */
export function removeLeftovers() {
  if (!fs.existsSync(stagingRoot)) return;
  for (const name of fs.readdirSync(stagingRoot)) {
    const pid = Number(/-(\d+)-[^-]+-\d+$/.exec(name)?.[1]);
    if (pid === process.pid || !isRunning(pid)) discard(path.join(stagingRoot, name));
  }
}

/** Whether there is a process with this number. */
export function isRunning(/** @type {number} */ pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Deletes a file or folder. What cannot be deleted (an orphan still writes there) is left for next time.
 * @param {string} target
 */
export function discard(target) {
  try {
    fs.rmSync(target, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    // The next set-up tries again; nothing reads this folder.
  }
}

/**
 * Puts `source` where `target` is; what was there is moved away first and then deleted.
 * @param {string} source
 * @param {string} target
 */
export function replaceWith(source, target) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const old = path.join(stagingDir("old"), path.basename(target));
  if (entryExists(target)) fs.renameSync(target, old);
  fs.renameSync(source, target);
  discard(path.dirname(old));
}

/**
 * Makes `link` a symbolic link to the folder `target`, in one rename where a link was before.
 * @param {string} target
 * @param {string} link
 */
export function linkDirectory(target, link) {
  if (entryExists(link) && !fs.lstatSync(link).isSymbolicLink()) {
    const old = path.join(stagingDir("old"), path.basename(link));
    fs.renameSync(link, old);
    discard(path.dirname(old));
  }
  const staged = `${link}.${uniqueName()}`;
  // Windows knows links to folders without special rights only as junctions, which are absolute.
  const windows = process.platform === "win32";
  const parent = fs.realpathSync(path.dirname(link));
  fs.symlinkSync(
    windows ? target : path.relative(parent, fs.realpathSync(target)),
    staged,
    windows ? "junction" : "dir",
  );
  if (windows && entryExists(link)) fs.rmSync(link);
  fs.renameSync(staged, link);
}

/**
 * Writes a file by way of a second one, so that a reader sees the old text or the new, never a part.
 * @param {string} file
 * @param {string} text
 */
export function writeWhole(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const staged = `${file}.${uniqueName()}.tmp`;
  fs.writeFileSync(staged, text);
  fs.renameSync(staged, file);
}

/**
 * The JSON in a file, or undefined where there is none that can be read.
 * @param {string} file
 * @returns {any}
 */
export function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * A short name for any value: equal values, equal names.
 * @param {unknown} value
 */
export function fingerprint(value) {
  return crypto.createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/**
 * The text of files, for `fingerprint`.
 * @param {string[]} files
 */
export function contents(files) {
  return files.map((file) => fs.readFileSync(file, "utf8"));
}

/**
 * True also for a link that leads nowhere.
 * @param {string} target
 */
export function entryExists(target) {
  return fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined;
}
