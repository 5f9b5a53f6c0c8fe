/**
 * Set-up as a list of named steps. A step that succeeded leaves a stamp that holds its key: all that its
 * outcome depends on. It is skipped as long as the key is the same and what it made is still there. The
 * stamp is written last and whole, so a step that was killed runs again.
 */
import fs from "node:fs";
import path from "node:path";
import { fingerprint, readJson, writeWhole } from "./files.mjs";
import { run, SetupError, tail } from "./run.mjs";

/**
 * @typedef {object} Step
 * @property {string} name one word, as in `--force=NAME`
 * @property {string} title what the reader sees
 * @property {() => unknown} key all that the outcome depends on; compared by its JSON
 * @property {() => boolean} ready whether what the step made is there; quick
 * @property {(context: StepContext) => Promise<string>} run does the work; a few words on the outcome
 * @property {boolean} [always] runs every time, without a stamp: for checks that take no time
 */

/**
 * @typedef {object} StepContext
 * @property {(doing: string) => void} doing tells what happens now
 * @property {(command: string, args: string[], options?: ExecOptions) => Promise<string>} exec
 *   runs a command to its end; its stdout; throws a SetupError with `otherwise` if it fails
 */

/** @typedef {Parameters<typeof run>[2] & { otherwise?: string }} ExecOptions */

/** @typedef {{ key: string, seconds: number, detail: string, at: string }} Stamp */

const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`;

/**
 * Whether a step would be skipped.
 * @param {Step} step
 * @param {string} stampDir
 */
export function isUpToDate(step, stampDir) {
  const stamp = readStamp(step, stampDir);
  return !step.always && stamp?.key === fingerprint(step.key()) && step.ready();
}

/** @returns {Stamp | undefined} */
function readStamp(/** @type {Step} */ step, /** @type {string} */ stampDir) {
  return readJson(path.join(stampDir, `${step.name}.json`));
}

/**
 * Runs the steps that are not up to date, in order, and stops at the first that fails.
 * @param {Step[]} steps
 * @param {object} options
 * @param {string} options.stampDir
 * @param {string} options.logDir
 * @param {(step: Step) => boolean} [options.force] steps to run even if they are up to date
 * @param {(line: string) => void} [options.print]
 * @throws {SetupError} of the step that failed, after saying so
 */
export async function runSteps(steps, options) {
  const { stampDir, logDir, force = () => false, print = console.log } = options;
  const width = Math.max(...steps.map((step) => step.title.length));
  for (const [index, step] of steps.entries()) {
    const label = `[${index + 1}/${steps.length}] ${step.title.padEnd(width)}`;
    if (!force(step) && isUpToDate(step, stampDir)) {
      print(`${label}  up to date  ${readStamp(step, stampDir)?.detail ?? ""}`.trimEnd());
      continue;
    }
    await runStep(step, label, { stampDir, logDir, print });
  }
}

/**
 * @param {Step} step
 * @param {string} label
 * @param {{ stampDir: string, logDir: string, print: (line: string) => void }} options
 */
async function runStep(step, label, { stampDir, logDir, print }) {
  const stampFile = path.join(stampDir, `${step.name}.json`);
  const log = path.join(logDir, `setup-${step.name}.log`);
  const started = Date.now();
  const elapsed = () => seconds(Date.now() - started);
  const live = liveLine(label, elapsed, print);
  // A step that fails halfway must not look done because of what an earlier one left.
  fs.rmSync(stampFile, { force: true });
  fs.rmSync(log, { force: true });
  try {
    const detail = await step.run({ doing: live.show, exec: executor(log) });
    if (!step.always) {
      const stamp = {
        key: fingerprint(step.key()),
        seconds: (Date.now() - started) / 1000,
        detail,
      };
      writeWhole(stampFile, JSON.stringify({ ...stamp, at: new Date().toISOString() }));
    }
    live.end();
    print(`${label}  done in ${elapsed()}  ${detail}`.trimEnd());
  } catch (error) {
    live.end();
    const known = error instanceof SetupError;
    print(`${label}  failed after ${elapsed()}`);
    const output = known ? error.output : String(/** @type {Error} */ (error).stack ?? error);
    if (output) print(tail(output).replace(/^/gm, "      | "));
    if (known && error.log) print(`      (all of it: ${path.relative(process.cwd(), error.log)})`);
    const advice = "this should not happen: please report it with the lines above";
    print(`      ${known ? error.message : `${String(error)}; ${advice}.`}`);
    throw error;
  }
}

/** @returns {StepContext["exec"]} */
function executor(/** @type {string} */ log) {
  return async (command, args, { otherwise, ...options } = {}) => {
    const result = await run(command, args, { log, ...options });
    if (result.code === 0) return result.stdout;
    const failed = otherwise ?? `${path.basename(command)} failed: see the lines above.`;
    throw new SetupError(failed, { output: result.output, log });
  };
}

/**
 * What a step does at the moment: on a terminal a line that counts the seconds, elsewhere a plain line.
 * @param {string} label
 * @param {() => string} elapsed
 * @param {(line: string) => void} print
 */
function liveLine(label, elapsed, print) {
  let doing = "";
  const terminal = process.stdout.isTTY && print === console.log;
  const draw = () => process.stdout.write(`\r\x1b[K${label}  ${doing} … ${elapsed()}`);
  const timer = terminal ? setInterval(() => doing && draw(), 500) : undefined;
  return {
    show(/** @type {string} */ text) {
      doing = text;
      if (terminal) draw();
      else print(`${label}  ${text} …`);
    },
    end() {
      clearInterval(timer);
      if (terminal) process.stdout.write("\r\x1b[K");
    },
  };
}
