/**
 * npm run clean [-- --all]: removes everything that set-up made. Trained models and other results in
 * `runs/` stay, unless `--all` is given.
 */
import fs from "node:fs";
import path from "node:path";
import { entryExists } from "./lib/files.mjs";
import { lockOwner } from "./lib/lock.mjs";
import { inProject, lockFile } from "./lib/paths.mjs";

const MADE = {
  node_modules: "npm packages",
  ".venv": "link to the Python environment",
  ".cache": "Python environment, native engine, data, JupyterLab's settings, logs",
};
const RESULTS = { runs: "training runs and samples" };

const all = process.argv.includes("--all");
const owner = lockOwner(lockFile);
if (owner !== undefined) {
  console.error(`Set-up is running (process ${owner}): wait for it, or end it first.`);
  process.exitCode = 1;
} else {
  const targets = Object.entries(all ? { ...MADE, ...RESULTS } : MADE);
  const there = targets.filter(([name]) => entryExists(inProject(name)));
  for (const [name, what] of there) {
    fs.rmSync(inProject(name), { recursive: true, force: true, maxRetries: 3 });
    console.log(`removed ${name}${path.sep} (${what})`);
  }
  if (there.length === 0) console.log("Nothing to remove.");
}
