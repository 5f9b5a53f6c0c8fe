/** Step: the library checked and translated for the kernel, so that the first cell ever need not wait. */
import fs from "node:fs";
import { contents } from "./files.mjs";
import { inProject, projectRoot } from "./paths.mjs";

/** @type {import("./steps.mjs").Step} */
export const firstCell = {
  name: "first-cell",
  title: "first cell",
  // Not the library's files: the kernel sees by itself what changed in them since.
  key: () => [
    contents(["package-lock.json", "kernel/compiler.cjs"].map((file) => inProject(file))),
  ],
  ready: () => fs.existsSync(inProject(".cache/kernel.json")),
  async run({ doing, exec }) {
    doing("translating the library for the kernel");
    await exec(process.execPath, [inProject("kernel/prepare.cjs")], {
      cwd: projectRoot,
      env: { TF_CPP_MIN_LOG_LEVEL: "3" },
      otherwise: "The library does not compile in the kernel: see the lines above.",
    });
    return "library translated";
  },
};
