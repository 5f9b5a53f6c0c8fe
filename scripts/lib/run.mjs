/** Child processes: what they print is kept in a log file, and its end is shown if they fail. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** What a step throws: one sentence on what to do, and perhaps the output that tells why. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {{ output?: string, log?: string }} [evidence]
   */
  constructor(message, { output = "", log = "" } = {}) {
    super(message);
    this.name = "SetupError";
    this.output = output;
    this.log = log;
  }
}

const ENDING_SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();

function endWithChildren(/** @type {NodeJS.Signals} */ signal) {
  for (const child of children) child.kill(signal);
  process.stderr.write("\nInterrupted. Run the same command again: it carries on.\n");
  process.exit(signal === "SIGINT" ? 130 : 143);
}

/** A signal to us ends the children too; only while there are any, so that a caller can have its own way. */
function track(/** @type {import("node:child_process").ChildProcess} */ child) {
  if (children.size === 0) for (const signal of ENDING_SIGNALS) process.on(signal, endWithChildren);
  children.add(child);
}

function untrack(/** @type {import("node:child_process").ChildProcess} */ child) {
  if (!children.delete(child) || children.size > 0) return;
  for (const signal of ENDING_SIGNALS) process.removeListener(signal, endWithChildren);
}

/**
 * Runs a command to its end. It reads nothing: a question would wait for ever.
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env] added to this process's own
 * @param {string} [options.log] file to which stdout and stderr are added
 * @param {boolean} [options.show] pass the output on as it comes
 * @param {(text: string) => void} [options.onStderr] sees what comes on stderr
 * @param {number} [options.timeoutMs]
 * @param {boolean} [options.shell]
 * @returns {Promise<{ code: number, stdout: string, output: string, timedOut: boolean }>}
 *   `output` is stdout and stderr as they came; code 127: the command could not be started
 */
export function run(command, args, options = {}) {
  const { cwd, env, log, show = false, onStderr, timeoutMs = 0, shell = false } = options;
  if (log) fs.mkdirSync(path.dirname(log), { recursive: true });
  const file = log ? fs.openSync(log, "a") : undefined;
  if (file !== undefined) fs.writeSync(file, `$ ${command} ${args.join(" ")}\n`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      shell,
    });
    track(child);
    const result = { code: 1, stdout: "", output: "", timedOut: false };
    const give = (/** @type {string} */ text, /** @type {NodeJS.WriteStream} */ stream) => {
      result.output += text;
      if (stream === process.stdout) result.stdout += text;
      else onStderr?.(text);
      if (file !== undefined) fs.writeSync(file, text);
      if (show) stream.write(text);
    };
    child.stdout.setEncoding("utf8").on("data", (text) => give(text, process.stdout));
    child.stderr.setEncoding("utf8").on("data", (text) => give(text, process.stderr));
    const timer = setTimeout(
      () => {
        result.timedOut = true;
        child.kill("SIGKILL");
      },
      timeoutMs || 2 ** 31 - 1,
    );
    const finish = (/** @type {number} */ code) => {
      clearTimeout(timer);
      untrack(child);
      if (file !== undefined) fs.closeSync(file);
      resolve({ ...result, code });
    };
    child.once("error", (error) => {
      result.output += error.message;
      child.removeAllListeners("close");
      finish(127);
    });
    child.once("close", (code) => finish(code ?? 1));
  });
}

/**
 * The end of a program's output: enough to see why it failed.
 * @param {string} output
 * @param {number} [lines]
 */
export function tail(output, lines = 25) {
  return output.trimEnd().split("\n").slice(-lines).join("\n");
}
