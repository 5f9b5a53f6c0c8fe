/**
 * npm test [-- --fast]: set-up, then every check of the project. A stage that fails does not stop the
 * others; the last line counts: each test of vitest, each notebook and each other stage is one.
 * `--fast` leaves out the notebooks and the browser.
 */
import fs from "node:fs";
import path from "node:path";
import { findBrowser } from "./lib/browser.mjs";
import { executeNotebook, listNotebooks, timeOf } from "./lib/notebooks.mjs";
import { cacheDir, packageScript, projectRoot } from "./lib/paths.mjs";
import { readJson } from "./lib/files.mjs";
import { run } from "./lib/run.mjs";
import { setUp } from "./lib/setup.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const PASSED = { passed: 1, failed: 0, skipped: 0 };
const FAILED = { passed: 0, failed: 1, skipped: 0 };
const SKIPPED = { passed: 0, failed: 0, skipped: 1 };
const testCache = path.join(cacheDir, "test");

/** @returns {{ name: string, check: () => Promise<Counts> }[]} */
function stages(/** @type {boolean} */ fast) {
  const all = [
    { name: "format", check: () => command("prettier/bin/prettier.cjs", ["--check", "."]) },
    { name: "lint", check: () => command("eslint/bin/eslint.js", ["."]) },
    { name: "types", check: () => command("typescript/bin/tsc", ["--noEmit"]) },
    { name: "tests", check: () => vitest("tests", ["--exclude", "tests/browser/**"]) },
  ];
  if (fast) return all;
  const notebooks = listNotebooks().map((notebook) => ({
    name: path.relative(projectRoot, notebook),
    check: () => executesCleanly(notebook),
  }));
  return [...all, ...notebooks, { name: "browser", check: inBrowser }];
}

/**
 * A command-line tool of an npm package; what it prints is shown if it fails.
 * @param {string} script
 * @param {string[]} args
 * @returns {Promise<Counts>}
 */
async function command(script, args) {
  const tool = [packageScript(script), ...args];
  const { code, output } = await run(process.execPath, tool, { cwd: projectRoot });
  if (code === 0) return PASSED;
  console.log(output.trimEnd());
  return FAILED;
}

/**
 * @param {string} name of the report
 * @param {string[]} args
 * @returns {Promise<Counts>} of single tests
 */
async function vitest(name, args) {
  const report = path.join(testCache, `${name}.json`);
  fs.rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const script = [packageScript("vitest/vitest.mjs"), "run", ...reporters, ...args];
  const { code } = await run(process.execPath, script, { cwd: projectRoot, show: true });
  const result = readJson(report);
  if (!result) return FAILED;
  const counts = {
    passed: result.numPassedTests,
    failed: result.numFailedTests,
    skipped: result.numPendingTests + result.numTodoTests,
  };
  // A file that cannot be loaded, or an error outside any test, fails the run and no single test.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** @returns {Promise<Counts>} */
async function executesCleanly(/** @type {string} */ notebook) {
  const name = path.relative(projectRoot, notebook);
  // A copy receives the outputs: the committed ones stay as they are.
  const copy = path.join(testCache, name);
  const { seconds, problem } = await executeNotebook(notebook, copy);
  console.log(`executed in ${timeOf(seconds)}`);
  if (!problem) return PASSED;
  console.log(`${name}, ${problem}`);
  return FAILED;
}

/** @returns {Promise<Counts>} */
async function inBrowser() {
  if (findBrowser() || process.env["CI"]) return vitest("browser", ["tests/browser"]);
  console.log("No Chromium or Chrome here: the test that looks at a page is skipped.");
  return SKIPPED;
}

/** Runs a stage, with a line before and after it. */
async function perform(/** @type {{ name: string, check: () => Promise<Counts> }} */ stage) {
  console.log(`\n── ${stage.name}`);
  const started = Date.now();
  const counts = await stage.check().catch((error) => {
    console.log(String(error.stack ?? error));
    return FAILED;
  });
  const verdict = counts.failed > 0 ? "FAILED" : counts.passed > 0 ? "passed" : "skipped";
  console.log(`── ${stage.name}: ${verdict} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return counts;
}

const unknown = process.argv.slice(2).filter((flag) => flag !== "--fast");
const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} */
const failures = [];

async function runStage(/** @type {{ name: string, check: () => Promise<Counts> }} */ stage) {
  const counts = await perform(stage);
  if (counts.failed > 0) failures.push(stage.name);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

const setUpStage = { name: "set-up", check: () => setUp().then(() => PASSED) };

if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(", ")}. Known: --fast (no notebooks, no browser).`);
  process.exitCode = 2;
} else {
  await runStage(setUpStage);
  // Without what set-up installs, nothing else can be checked.
  if (failures.length === 0) {
    for (const stage of stages(process.argv.includes("--fast"))) await runStage(stage);
  }
  if (failures.length > 0) console.log(`\nFailed: ${failures.join(", ")}`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}
