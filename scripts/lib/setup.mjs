/** The whole of set-up, in order. */
import { removeLeftovers } from "./files.mjs";
import { data } from "./data.mjs";
import { engine, engineVariant, needsCompiler } from "./engine.mjs";
import { firstCell } from "./first-cell.mjs";
import { kernelSpec } from "./kernel-spec.mjs";
import { withLock } from "./lock.mjs";
import { npmPackages } from "./npm-packages.mjs";
import { lockFile, logDir, stampDir } from "./paths.mjs";
import { checkNode, findCompiler, findPython } from "./prerequisites.mjs";
import { pythonEnvironment } from "./python-environment.mjs";
import { isUpToDate, runSteps } from "./steps.mjs";

/** Looks only for what the steps to come will use, so that a second start asks the system nothing. */
/** @type {import("./steps.mjs").Step} */
const prerequisites = {
  name: "prerequisites",
  title: "prerequisites",
  always: true,
  key: () => "",
  ready: () => true,
  async run() {
    const found = [`Node ${checkNode()}`];
    engineVariant(); // a mistyped SCORE_SDE_ENGINE is told before anything is installed
    if (!isUpToDate(pythonEnvironment, stampDir)) {
      found.push(`Python ${(await findPython()).version}`);
    }
    if (needsCompiler()) found.push((await findCompiler()).version);
    return found.join(", ");
  },
};

export const steps = [
  prerequisites,
  npmPackages,
  pythonEnvironment,
  engine,
  kernelSpec,
  firstCell,
  data,
];

/**
 * Brings the clone to where the course runs; does only what is not done yet.
 * @param {object} [options]
 * @param {(step: import("./steps.mjs").Step) => boolean} [options.force] steps to run again
 * @throws {import("./run.mjs").SetupError} already shown
 */
export async function setUp({ force } = {}) {
  const waiting = (/** @type {number} */ pid) =>
    console.log(`Another set-up of this folder is running (process ${pid}): waiting for it.`);
  await withLock(
    lockFile,
    async () => {
      removeLeftovers();
      try {
        await runSteps(steps, { stampDir, logDir, force });
      } finally {
        removeLeftovers();
      }
    },
    waiting,
  );
}
