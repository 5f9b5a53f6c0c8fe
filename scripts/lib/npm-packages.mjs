/** Step: the npm packages, exactly those of the lock file, none of their install scripts run. */
import fs from "node:fs";
import path from "node:path";
import { contents, readJson, replaceWith, stagingDir } from "./files.mjs";
import { inProject } from "./paths.mjs";

/** npm's own list of what it installed here, written last. */
const installedFile = inProject("node_modules/.package-lock.json");
const INPUTS = ["package.json", "package-lock.json", ".npmrc"];

/** @type {import("./steps.mjs").Step} */
export const npmPackages = {
  name: "npm",
  title: "npm packages",
  // package.json is left out: its scripts change often, its dependencies not without the lock file.
  key: () => [contents([inProject("package-lock.json")]), process.platform, process.arch],
  ready: () => fs.existsSync(installedFile),
  async run({ doing, exec }) {
    doing("installing what package-lock.json names");
    // Installed beside the old ones and swapped in whole: killed halfway, the old ones still work.
    const dir = stagingDir("npm");
    for (const name of INPUTS) fs.copyFileSync(inProject(name), path.join(dir, name));
    const [command, first, shell] = npmCommand();
    const flags = [
      "ci",
      "--ignore-scripts",
      "--include=dev",
      "--no-audit",
      "--no-fund",
      "--prefer-offline",
    ];
    await exec(command, [...first, ...flags, "--loglevel=error"], {
      cwd: dir,
      shell,
      otherwise:
        "npm could not install the packages: if the lines above name the network, check it (or the " +
        "proxy and registry in npm's own settings) and start again.",
    });
    replaceWith(path.join(dir, "node_modules"), inProject("node_modules"));
    return `${countPackages()} packages`;
  },
};

/** Number of packages that are installed. */
export function countPackages() {
  return Object.keys(readJson(installedFile)?.packages ?? {}).length;
}

/**
 * How to call npm: the one that runs us where there is one, so that a shell is needed on Windows only.
 * @returns {[command: string, args: string[], shell: boolean]}
 */
export function npmCommand() {
  const running = process.env["npm_execpath"];
  if (running?.endsWith("npm-cli.js")) return [process.execPath, [running], false];
  return ["npm", [], process.platform === "win32"];
}
