/**
 * Where things lie. All that set-up makes is under `node_modules`, `.venv` and `.cache` of the project:
 * nothing is installed for the whole user or the whole machine.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A path inside the project. */
export const inProject = (/** @type {string[]} */ ...parts) => path.join(projectRoot, ...parts);

export const cacheDir = inProject(".cache");
export const stampDir = inProject(".cache/setup");
export const logDir = inProject(".cache/logs");
export const lockFile = inProject(".cache/setup.lock");
export const venvDir = inProject(".venv");
export const engineDir = inProject(".cache/engine");
export const engineRecord = inProject(".cache/engine/current.json");
export const enginePackage = inProject("node_modules/@tensorflow/tfjs-node-gpu");

/** The interpreter of the project's virtual environment. */
export const venvPython =
  process.platform === "win32"
    ? path.join(venvDir, "Scripts", "python.exe")
    : path.join(venvDir, "bin", "python");

/** The script behind a command of an npm package: run with Node itself, it needs no shell. */
export const packageScript = (/** @type {string} */ file) => inProject("node_modules", file);
