/**
 * What the kernel's compiler found out earlier, kept in the project's cache from one start to the next.
 * Nothing depends on it but time: where it cannot be read or written, work is done again.
 */
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const FILE = path.resolve(__dirname, "../.cache/kernel.json");

/** Some versions of all the library's files; the entries that were not used for longest are dropped. */
const MAX_ENTRIES = 1000;

let entries = new Map();
let changed = false;

try {
  entries = new Map(JSON.parse(fs.readFileSync(FILE, "utf8")));
} catch {
  // There is none yet, or it is no JSON: an empty memory.
}

/** The text kept under a key, or undefined. */
function get(key) {
  const value = entries.get(key);
  if (value === undefined) return undefined;
  // A Map keeps the order of insertion: what was used last stands last.
  entries.delete(key);
  entries.set(key, value);
  return value;
}

function set(key, value) {
  entries.set(key, value);
  changed = true;
}

/** Writes the memory, if there is anything new in it. */
function save() {
  if (!changed) return;
  changed = false;
  const part = `${FILE}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(FILE), { recursive: true });
    fs.writeFileSync(part, JSON.stringify([...entries].slice(-MAX_ENTRIES)));
    // Moved into place when whole: another kernel may be reading.
    fs.renameSync(part, FILE);
  } catch {
    fs.rmSync(part, { force: true });
  }
}

module.exports = { get, set, save };
