/** Step: a virtual environment with JupyterLab and what shows the figures, pinned and hash-checked. */
import fs from "node:fs";
import path from "node:path";
import { contents, discard, fingerprint, linkDirectory, stagingDir } from "./files.mjs";
import { cacheDir, inProject, projectRoot, venvDir, venvPython } from "./paths.mjs";
import { findPython } from "./prerequisites.mjs";

const requirements = inProject("python/requirements.txt");
const environments = path.join(cacheDir, "venv");

/** @type {import("./steps.mjs").Step} */
export const pythonEnvironment = {
  name: "python",
  title: "Python environment",
  // An environment holds its own absolute path: a clone that was moved needs a new one.
  key: () => [contents([requirements]), projectRoot, process.env["SCORE_SDE_PYTHON"] ?? ""],
  // Follows links: false also when the Python that it was made with is gone.
  ready: () => fs.existsSync(venvPython),
  async run({ doing, exec }) {
    const python = await findPython();
    doing(`installing JupyterLab for Python ${python.version}`);
    // It cannot be renamed once made, so each is made where it stays and `.venv` is a link to it.
    const name = `${fingerprint([requirements, Date.now()])}-${process.pid}`;
    const dir = path.join(environments, name);
    await exec(python.command, [...python.args, "-m", "venv", dir], {
      otherwise: `Python ${python.version} could not make a virtual environment: see the lines above.`,
    });
    const interpreter = path.join(dir, path.relative(venvDir, venvPython));
    const temporary = stagingDir("pip");
    // prettier-ignore
    const install = [
      "-m", "pip", "install", "--requirement", requirements, "--require-hashes",
      "--only-binary=:all:", "--no-input", "--progress-bar=off", "--disable-pip-version-check",
    ];
    await exec(interpreter, install, {
      env: { TMPDIR: temporary },
      otherwise:
        "pip could not install JupyterLab: if the lines above name the network, check it (or the " +
        "index in pip's own settings) and start again.",
    });
    doing("trying JupyterLab");
    const version = await exec(interpreter, ["-m", "jupyterlab", "--version"]);
    linkDirectory(dir, venvDir);
    for (const other of fs.readdirSync(environments)) {
      if (other !== name) discard(path.join(environments, other));
    }
    return `JupyterLab ${version.trim()}, Python ${python.version}`;
  },
};
