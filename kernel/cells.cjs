/**
 * What happens at the start and the end of a cell, and when it is interrupted.
 *
 * The library and this launcher are loaded separately and meet on `globalThis`:
 * - Symbol.for("score-sde.interrupt"): { controller }, whose signal `interruptSignal()` of src/engine
 *   returns. A fresh one for each cell.
 * - Symbol.for("score-sde.cell"): { endings }, what src/notebook has run before a cell is finished.
 */
"use strict";

const vm = require("node:vm");
const { noticeChanges } = require("./compiler.cjs");
const memory = require("./memory.cjs");

const interrupts = (globalThis[Symbol.for("score-sde.interrupt")] = {
  controller: new AbortController(),
});
const cell = (globalThis[Symbol.for("score-sde.cell")] = { endings: [] });

let running = false;

/** Wraps tslab's execution of a cell. tslab runs one at a time. */
function wrapExecution() {
  const { JupyterHandlerImpl } = require("tslab/dist/jupyter");
  const execute = JupyterHandlerImpl.prototype.handleExecuteImpl;
  JupyterHandlerImpl.prototype.handleExecuteImpl = async function (...request) {
    interrupts.controller = new AbortController();
    cell.endings = [];
    running = true;
    noticeChanges();
    try {
      return await execute.apply(this, request);
    } finally {
      await finish();
      running = false;
      setImmediate(memory.save);
    }
  };
}

async function finish() {
  for (const end of cell.endings) {
    try {
      await end();
    } catch (error) {
      console.error(error);
    }
  }
}

/**
 * Puts this project's meaning of SIGINT before tslab's. The first interrupt aborts the cell's signal:
 * loops that listen to it end after their current step, and the cell goes on behind them to its normal
 * end. tslab's own interrupt, which gives the cell up at once, comes with the second.
 */
function forwardInterrupts() {
  const [giveUp] = process.listeners("SIGINT").slice(-1);
  process.removeListener("SIGINT", giveUp);
  process.on("SIGINT", () => {
    if (!running) return;
    const { controller } = interrupts;
    if (controller.signal.aborted) return giveUp();
    controller.abort(new Error("interrupted"));
    hintLater(controller);
  });
  keepInterrupts();
}

/**
 * tslab runs each cell so that SIGINT breaks off its synchronous code. Node loses signals that arrive
 * just when that ends, and a cell with `await` in it goes on after that: for such a cell, all signals
 * are left to the handler above. A cell without `await` can still be broken off in the middle of a loop.
 */
function keepInterrupts() {
  const run = vm.runInThisContext;
  vm.runInThisContext = (code, options) =>
    run(code, code.startsWith("(async ") ? { ...options, breakOnSigint: false } : options);
}

/** Whoever waits for a cell that does not listen should know what to do. */
function hintLater(controller) {
  setTimeout(() => {
    if (running && interrupts.controller === controller) {
      process.stderr.write(
        "Interrupted; still running. Interrupt again to end the cell at once.\n",
      );
    }
  }, 3000).unref();
}

/** Leaves the kernel's own frames out of the stack of an error: a cell is not about tslab. */
function shortenErrors() {
  const { error: print } = console;
  console.error = (...values) => {
    for (const value of values) if (value instanceof Error) shorten(value);
    print(...values);
  };
}

function shorten(error) {
  const inside = /[\\/]tslab[\\/]dist[\\/]|[\\/]kernel[\\/]cells\.cjs|node:vm|node:internal/;
  const lines = String(error.stack).split("\n");
  error.stack = lines.filter((line) => !/^ +at /.test(line) || !inside.test(line)).join("\n");
  if (error.cause instanceof Error) shorten(error.cause);
}

module.exports = { wrapExecution, forwardInterrupts, shortenErrors };
