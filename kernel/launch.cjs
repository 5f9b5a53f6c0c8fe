/**
 * Starts tslab as this project's Jupyter kernel, "TypeScript (score-sde)". The kernel spec runs
 *
 *     node kernel/launch.cjs {connection_file}
 *
 * Wherever the notebook lies, the kernel works in the project's root: tslab's compiler takes its working
 * directory for the root of all sources, and so a notebook writes `import { … } from "./src"`.
 */
"use strict";

const path = require("node:path");

const [, , connectionFile] = process.argv;
if (!connectionFile) {
  console.error(
    "Usage: node kernel/launch.cjs CONNECTION_FILE (Jupyter starts it: run `npm start`).",
  );
  process.exit(2);
}

process.chdir(path.resolve(__dirname, ".."));

// TensorFlow reads it when it is loaded. Native code writes to the process's own stderr, which goes to
// the server's log and never into a cell: tslab sends to a cell what JavaScript writes. The log should
// not fill up either.
process.env.TF_CPP_MIN_LOG_LEVEL ??= "3";

require("./compiler.cjs").adaptCompiler();
const cells = require("./cells.cjs");
cells.wrapExecution();
cells.shortenErrors();
require("tslab/dist/main").startKernel({
  configPath: path.resolve(connectionFile),
  enableFindLocal: false,
});
cells.forwardInterrupts();

// Jupyter sets JPY_PARENT_PID to the process that is to own the kernel. Should that be killed, nobody
// could reach the kernel again, nor end it.
const owner = Number(process.env.JPY_PARENT_PID);
if (owner === process.ppid) {
  setInterval(() => {
    if (process.ppid !== owner) process.exit();
  }, 2000).unref();
}
