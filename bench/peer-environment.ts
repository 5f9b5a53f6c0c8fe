/**
 * A Python environment with PyTorch, for the comparison alone: nothing of the course needs it.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { projectRoot, venvPython } from "../scripts/lib/paths.mjs";

const PACKAGES = ["torch==2.15.0", "safetensors==0.8.0", "numpy==2.4.6"];
const folder = path.join(projectRoot, ".cache/bench/torch-2.15.0");
const complete = path.join(folder, "complete");

/**
 * The interpreter that has PyTorch; SCORE_SDE_BENCH_PYTHON names another.
 *
 * @throws Error where it could not be installed
 */
export function peerPython(): string {
  const named = process.env["SCORE_SDE_BENCH_PYTHON"];
  if (named) return named;
  const python = path.join(folder, path.relative(path.join(projectRoot, ".venv"), venvPython));
  if (fs.existsSync(complete)) return python;
  console.log(`Installing ${PACKAGES.join(", ")} (some 3 GB) into ${folder} …`);
  run(venvPython, ["-m", "venv", "--clear", folder]);
  run(python, ["-m", "pip", "install", "--quiet", "--only-binary=:all:", ...PACKAGES]);
  fs.writeFileSync(complete, "");
  return python;
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (status === 0) return;
  throw new Error(
    `${error ? error.message : `${command} ${args.join(" ")} failed`}: PyTorch could not be installed. ` +
      "Run `npm run setup` first; or name a Python that has torch and safetensors in SCORE_SDE_BENCH_PYTHON.",
  );
}
