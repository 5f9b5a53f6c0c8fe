/**
 * The real kernel under test: `drive_kernel.py` talks to it with Jupyter's own client.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

export const projectRoot = path.resolve(__dirname, "../..");

export interface Action {
  /** Runs a cell; each text, in order, once seen in its output, interrupts the kernel. */
  execute?: string;
  interrupt_on?: string[];
  /** Asks for completions at the end of this code. */
  complete?: string;
  /** Writes a file, as an editor would. */
  write?: { path: string; text: string };
  /** Kills what started the kernel, and has the kernel's process id as its result. */
  abandon?: true;
}

export interface Output {
  type: "stream" | "display_data" | "update_display_data";
  /** Of a stream. */
  name?: "stdout" | "stderr";
  text?: string;
  /** Of display data. */
  data?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  transient?: { display_id?: string };
}

export interface Result {
  status: "ok" | "error" | "abort";
  outputs: Output[];
  matches: string[];
  /** All that the cell wrote to stdout and stderr. */
  text: string;
  pid: number;
}

/**
 * Starts the kernel in the notebooks' folder, carries out the actions in order, and stops it.
 *
 * Needs the project's Python environment, which `npm run setup` makes; SCORE_SDE_TEST_PYTHON names
 * another Python with Jupyter and the kernel spec in it.
 */
export async function driveKernel(
  actions: readonly Action[],
  { env = {} }: { env?: Record<string, string> } = {},
): Promise<{ results: Result[]; stderr: string }> {
  const plan = { kernel: "score-sde", cwd: path.join(projectRoot, "notebooks"), env, actions };
  const output = await runPython(path.join(__dirname, "drive_kernel.py"), JSON.stringify(plan));
  const { results, stderr } = JSON.parse(output) as {
    results: Partial<Result>[];
    stderr: string;
  };
  return {
    stderr,
    results: results.map(({ status = "error", outputs = [], matches = [], pid = 0 }) => ({
      status,
      outputs,
      matches,
      pid,
      text: outputs.map(({ text = "" }) => text).join(""),
    })),
  };
}

function python(): string {
  const named = process.env["SCORE_SDE_TEST_PYTHON"];
  if (named) return named;
  const inside = process.platform === "win32" ? "Scripts/python.exe" : "bin/python";
  const own = path.join(projectRoot, ".venv", inside);
  if (!fs.existsSync(own)) throw new Error(`There is no ${own}: run \`npm run setup\` first.`);
  return own;
}

function runPython(script: string, input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python(), [script], { stdio: ["pipe", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    child.stderr.on("data", (chunk) => (errors += String(chunk)));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`The kernel's driver failed: ${errors}`)),
    );
    child.stdin.end(input);
  });
}
