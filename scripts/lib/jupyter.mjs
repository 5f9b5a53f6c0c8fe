/** JupyterLab as the course starts it: on this machine only, with this folder's own settings. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { readJson } from "./files.mjs";
import { KERNEL_NAME } from "./kernel-spec.mjs";
import { cacheDir, logDir, projectRoot, venvPython } from "./paths.mjs";
import { tail } from "./run.mjs";

const home = path.join(cacheDir, "jupyter");

/** What the server itself says. */
export const jupyterLog = path.join(logDir, "jupyterlab.log");

/** Settings, history and connection files stay in the project, apart from any other Jupyter. */
export const jupyterEnvironment = {
  JUPYTER_CONFIG_DIR: path.join(home, "config"),
  JUPYTER_DATA_DIR: path.join(home, "data"),
  JUPYTER_RUNTIME_DIR: path.join(home, "runtime"),
  JUPYTERLAB_SETTINGS_DIR: path.join(home, "settings"),
  JUPYTERLAB_WORKSPACES_DIR: path.join(home, "workspaces"),
  IPYTHONDIR: path.join(home, "ipython"),
  JUPYTER_PREFER_ENV_PATH: "1",
  JUPYTER_PLATFORM_DIRS: "1",
};

/** @typedef {{ url: string, token: string }} ServerAddress `url` ends with "/" */

/**
 * Starts a server. `ready` tells its address once it answers, `stop` ends it and its kernels.
 * @param {object} [options]
 * @param {string} [options.rootDir] what its file browser shows
 * @param {string[]} [options.args] further arguments of JupyterLab
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {number} [options.timeoutMs]
 */
export function startJupyterLab(options = {}) {
  const { rootDir = projectRoot, args = [], env, timeoutMs = 60_000 } = options;
  fs.mkdirSync(logDir, { recursive: true });
  const log = fs.openSync(jupyterLog, "w");
  // prettier-ignore
  const defaults = [
    "-m", "jupyterlab",
    "--ServerApp.ip=127.0.0.1",
    `--ServerApp.root_dir=${rootDir}`,
    "--Application.log_level=WARN",
    "--ServerApp.answer_yes=True",
    // The one kernel that knows the course; Python's own would only be mistaken for it.
    `--KernelSpecManager.allowed_kernelspecs=${KERNEL_NAME}`,
    "--KernelSpecManager.ensure_native_kernel=False",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    // In a container one is root, as a rule.
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
  ];
  const child = spawn(venvPython, [...defaults, ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...jupyterEnvironment, ...env },
    stdio: ["ignore", log, log],
    // A group of its own: Ctrl-C reaches us alone, and we end the server in an orderly way.
    detached: process.platform !== "win32",
  });
  fs.closeSync(log);
  /** @type {Promise<number>} */
  const ended = new Promise((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code) => resolve(code ?? 0));
  });
  const stop = () => {
    // A server that is only starting forgets the first signal.
    const repeat = setInterval(() => child.kill("SIGTERM"), 1000);
    const atLast = setTimeout(() => child.kill("SIGKILL"), 15_000);
    child.kill("SIGTERM");
    return ended.finally(() => {
      clearInterval(repeat);
      clearTimeout(atLast);
    });
  };
  return { ready: waitUntilReady(child, ended, timeoutMs), ended, stop };
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {Promise<number>} ended
 * @param {number} timeoutMs
 * @returns {Promise<ServerAddress>}
 */
async function waitUntilReady(child, ended, timeoutMs) {
  // The server tells its address and token in this file, once it listens.
  const file = path.join(jupyterEnvironment.JUPYTER_RUNTIME_DIR, `jpserver-${child.pid}.json`);
  fs.rmSync(file, { force: true });
  let exitCode;
  void ended.then((code) => (exitCode = code));
  for (const start = Date.now(); Date.now() - start < timeoutMs;) {
    if (exitCode !== undefined)
      throw new Error(withLog(`JupyterLab ended with exit code ${exitCode}`));
    const server = readJson(file);
    if (server && (await answers(server.url))) return { url: server.url, token: server.token };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill("SIGTERM");
  throw new Error(withLog(`JupyterLab was not ready after ${timeoutMs / 1000} s`));
}

async function answers(/** @type {string} */ url) {
  try {
    return (await fetch(`${url}api`)).ok;
  } catch {
    return false;
  }
}

function withLog(/** @type {string} */ message) {
  return `${message}:\n${tail(fs.readFileSync(jupyterLog, "utf8"))}`;
}
