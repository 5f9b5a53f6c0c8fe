/** Executing notebooks on the course's kernel, as a learner's JupyterLab does. */
import fs from "node:fs";
import path from "node:path";
import { jupyterEnvironment } from "./jupyter.mjs";
import { inProject, logDir, projectRoot, venvPython } from "./paths.mjs";
import { run, tail } from "./run.mjs";

/** Each notebook of the course is meant to run within this time on two cores. */
export const NOTEBOOK_LIMIT_S = 180;

/** @returns {string[]} the course's notebooks, in order */
export function listNotebooks(dir = inProject("notebooks")) {
  if (!fs.existsSync(dir)) return [];
  const names = fs.readdirSync(dir).filter((name) => name.endsWith(".ipynb"));
  return names.sort().map((name) => path.join(dir, name));
}

/**
 * @param {string} source
 * @param {string} target where the executed notebook is written; may be the same file
 * @returns {Promise<{ seconds: number, problem: string | null }>}
 */
export async function executeNotebook(source, target) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const started = Date.now();
  const { stdout, output } = await run(
    venvPython,
    [inProject("python/execute.py"), source, target],
    {
      cwd: projectRoot,
      env: jupyterEnvironment,
      log: path.join(logDir, `${path.basename(source, ".ipynb")}.log`),
    },
  );
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return { seconds: (Date.now() - started) / 1000, problem: tail(output) };
  }
}

/** How long it took, and whether that is too long. */
export function timeOf(/** @type {number} */ seconds) {
  const note = seconds > NOTEBOOK_LIMIT_S ? `  OVER THE LIMIT of ${NOTEBOOK_LIMIT_S} s` : "";
  return `${seconds.toFixed(1)} s${note}`;
}
