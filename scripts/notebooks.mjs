/**
 * npm run notebooks [-- NOTEBOOK …]: executes the course's notebooks, or those named, and writes their
 * outputs into them. A notebook with an error keeps the outputs that it had.
 */
import fs from "node:fs";
import path from "node:path";
import { writeWhole } from "./lib/files.mjs";
import { executeNotebook, listNotebooks, timeOf } from "./lib/notebooks.mjs";
import { cacheDir } from "./lib/paths.mjs";
import { setUp } from "./lib/setup.mjs";

async function main() {
  await setUp();
  const named = process.argv.slice(2).map((file) => path.resolve(file));
  const missing = named.filter((file) => !fs.existsSync(file));
  if (missing.length > 0) throw new Error(`No such notebook: ${missing.join(", ")}`);
  for (const notebook of named.length > 0 ? named : listNotebooks()) {
    const executed = path.join(cacheDir, "notebooks", path.basename(notebook));
    const { seconds, problem } = await executeNotebook(notebook, executed);
    if (problem) {
      process.exitCode = 1;
      console.log(`FAILED  ${path.basename(notebook)}  ${timeOf(seconds)}\n${problem}`);
    } else {
      writeWhole(notebook, fs.readFileSync(executed, "utf8"));
      console.log(`done    ${path.basename(notebook)}  ${timeOf(seconds)}`);
    }
  }
}

try {
  await main();
} catch (error) {
  if (/** @type {Error} */ (error).name !== "SetupError") console.error(String(error));
  process.exitCode = 1;
}
