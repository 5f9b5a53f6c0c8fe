/**
 * npm start [-- --no-browser] [-- any option of JupyterLab]: set-up, then JupyterLab on the course.
 * Ctrl-C ends it. Without a terminal in front of it (CI) no browser is opened.
 */
import fs from "node:fs";
import { inProject } from "./lib/paths.mjs";
import { setUp } from "./lib/setup.mjs";
import { startJupyterLab } from "./lib/jupyter.mjs";

const FIRST_NOTEBOOK = "notebooks/01-forward-sde.ipynb";

async function main() {
  const started = Date.now();
  await setUp();
  const args = process.argv.slice(2);
  const first = fs.existsSync(inProject(FIRST_NOTEBOOK)) ? `/tree/${FIRST_NOTEBOOK}` : "";
  const noBrowser = process.env["CI"] && !args.includes("--no-browser") ? ["--no-browser"] : [];
  console.log("Starting JupyterLab …");
  const server = startJupyterLab({
    args: [`--LabApp.default_url=/lab${first}`, ...noBrowser, ...args],
  });
  let asked = false;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      if (!asked) console.log("\nEnding JupyterLab and its kernels …");
      asked = true;
      void server.stop();
    });
  }
  try {
    const { url, token } = await server.ready;
    console.log(
      `Ready after ${((Date.now() - started) / 1000).toFixed(1)} s. The course is open at`,
    );
    console.log(`\n    ${url}lab${first}?token=${token}\n\nCtrl-C ends it.`);
  } catch (error) {
    if (!asked) throw error;
  }
  const code = await server.ended;
  process.exitCode = asked ? 0 : code;
}

try {
  await main();
} catch (error) {
  // Set-up has already shown its own errors.
  if (/** @type {Error} */ (error).name !== "SetupError") console.error(String(error));
  process.exitCode = 1;
}
