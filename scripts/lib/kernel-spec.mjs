/** Step: the course's kernel and JupyterLab's settings, inside the virtual environment. */
import fs from "node:fs";
import path from "node:path";
import { writeWhole } from "./files.mjs";
import { inProject, venvDir } from "./paths.mjs";

export const KERNEL_NAME = "score-sde";
export const KERNEL_TITLE = "TypeScript (score-sde)";
export const kernelFile = path.join(venvDir, "share/jupyter/kernels", KERNEL_NAME, "kernel.json");
const settingsFile = path.join(venvDir, "share/jupyter/lab/settings/overrides.json");

/** What JupyterLab runs for each notebook: this very Node, wherever the notebook lies. */
const kernel = () => ({
  argv: [process.execPath, inProject("kernel/launch.cjs"), "{connection_file}"],
  display_name: KERNEL_TITLE,
  language: "typescript",
  interrupt_mode: "signal",
});

/** Defaults that a learner can still change: nothing is fetched and nothing asked at the start. */
const settings = {
  "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
};

/** @type {import("./steps.mjs").Step} */
export const kernelSpec = {
  name: "kernel",
  title: "kernel",
  key: () => [kernel(), settings],
  ready: () => fs.existsSync(kernelFile) && fs.existsSync(settingsFile),
  async run() {
    writeWhole(settingsFile, `${JSON.stringify(settings, null, 2)}\n`);
    writeWhole(kernelFile, `${JSON.stringify(kernel(), null, 2)}\n`);
    return KERNEL_TITLE;
  },
};
