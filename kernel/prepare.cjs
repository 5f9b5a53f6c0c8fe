/**
 * Has the kernel's compiler check and translate the library ahead of time: set-up runs it, so that a
 * learner's very first cell does not wait for it. What it finds out is kept by kernel/memory.cjs.
 */
"use strict";

const path = require("node:path");

process.chdir(path.resolve(__dirname, ".."));
require("./compiler.cjs").adaptCompiler();
const memory = require("./memory.cjs");
const { createConverter } = require("tslab/dist/converter");
const { createExecutor } = require("tslab/dist/executor");

const converter = createConverter({ isJS: false, isBrowser: false });
const executor = createExecutor(process.cwd(), { node: converter }, console);
executor.execute('import { tf } from "./src";').then((succeeded) => {
  memory.save();
  process.exit(succeeded ? 0 : 1);
});
