/**
 * Two set-ups of one clone never run at once: the second waits for the first. A lock that a killed
 * process left behind is broken.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isRunning } from "./files.mjs";

/** Tells one process from a later one that was given the same number, as far as the system says. */
function processIdentity(/** @type {number} */ pid) {
  try {
    if (process.platform === "linux") {
      const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
      // The name in parentheses may hold spaces; the start time is the 20th field after it.
      const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
      return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
    }
    if (process.platform === "darwin") {
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    }
  } catch {
    // No such process, or a system that does not tell: the number alone has to do.
  }
  return "";
}

function isAlive(/** @type {{ pid: number, identity: string }} */ owner) {
  return isRunning(owner.pid) && processIdentity(owner.pid) === owner.identity;
}

/** The live owner of the lock, undefined where there is none. */
export function lockOwner(/** @type {string} */ file) {
  try {
    const owner = JSON.parse(fs.readFileSync(file, "utf8"));
    return isAlive(owner) ? owner.pid : undefined;
  } catch {
    return undefined;
  }
}

/** True where the file is ours now. `link` fails if the name is taken, and the content is whole at once. */
function tryToTake(/** @type {string} */ file) {
  const own = `${file}.${process.pid}`;
  const owner = { pid: process.pid, identity: processIdentity(process.pid) };
  fs.writeFileSync(own, JSON.stringify(owner));
  try {
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/**
 * Removes the lock if its owner is dead. Looking and removing must not be cut in two by another process
 * that does the same, or it could remove a lock taken in between: one breaker at a time.
 */
function breakIfStale(/** @type {string} */ file) {
  const breaker = `${file}.breaking`;
  try {
    fs.mkdirSync(breaker);
  } catch {
    const made = fs.statSync(breaker, { throwIfNoEntry: false });
    // A breaker needs milliseconds: an old one was killed at it.
    if (made && Date.now() - made.mtimeMs > 5000)
      fs.rmSync(breaker, { recursive: true, force: true });
    return;
  }
  try {
    if (lockOwner(file) === undefined) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(breaker, { recursive: true, force: true });
  }
}

/**
 * Runs `work` while holding the lock.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {(pid: number) => void} [onWait] called once if another process holds it
 * @returns {Promise<T>}
 */
export async function withLock(file, work, onWait = () => {}) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (let told = false; !tryToTake(file);) {
    const owner = lockOwner(file);
    if (owner === undefined) breakIfStale(file);
    else if (!told) {
      told = true;
      onWait(owner);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const release = () => fs.rmSync(file, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}
