/** What must be on the machine before set-up begins: Node, Python and, to build the engine, a C++ compiler. */
import fs from "node:fs";
import os from "node:os";
import { run, SetupError } from "./run.mjs";

const NODE_VERSIONS = [20, 22, 24];
const OLDEST_PYTHON = [3, 10];
const OLDEST_GLIBC = [2, 27];

/** @throws {SetupError} if this Node is none of those that the course is tried with */
export function checkNode(version = process.versions.node) {
  if (NODE_VERSIONS.includes(Number.parseInt(version, 10))) return version;
  throw new SetupError(
    `Node ${version} runs this, and the course needs Node 20, 22 or 24: install one of them ` +
      "(`nvm install 22`, for example) and give the same command again.",
  );
}

/** @typedef {{ command: string, args: string[], version: string }} Python */

/** What each candidate is asked: its version, and whether it can make a virtual environment. */
const ASK = `
import sys
print("%d.%d.%d" % sys.version_info[:3])
try:
    import ensurepip, venv
    print("venv")
except ImportError:
    print("no venv")
`;

/**
 * The Python to make the virtual environment with: `SCORE_SDE_PYTHON` if set, else the first that fits.
 * @param {string[]} [candidates] commands, each perhaps with arguments
 * @returns {Promise<Python>}
 * @throws {SetupError} that names what was found
 */
export async function findPython(candidates = pythonCandidates()) {
  const found = [];
  for (const candidate of candidates) {
    const [command = "", ...args] = candidate.split(" ");
    // The variable may hold a path with spaces: what exists as a whole is a whole.
    const whole = fs.existsSync(candidate);
    const python = whole ? { command: candidate, args: [] } : { command, args };
    const { code, stdout } = await run(python.command, [...python.args, "-c", ASK]);
    if (code !== 0) continue;
    const [version = "", venv] = stdout.trim().split(/\r?\n/);
    if (atLeast(version, OLDEST_PYTHON) && venv === "venv") return { ...python, version };
    found.push({ candidate, version, venv });
  }
  const withoutVenv = found.find(({ version }) => atLeast(version, OLDEST_PYTHON));
  if (withoutVenv) {
    throw new SetupError(
      `${withoutVenv.candidate} (Python ${withoutVenv.version}) cannot make virtual environments: ` +
        "install its venv module (Debian and Ubuntu: `sudo apt install python3-venv`) and start again.",
    );
  }
  const seen = found.map(({ candidate, version }) => `${candidate} is ${version}`).join(", ");
  throw new SetupError(
    `Python 3.10 or newer is needed and was not found (${seen || "no Python at all"}): ` +
      "install it, or name it in SCORE_SDE_PYTHON, and start again.",
  );
}

function pythonCandidates() {
  const named = process.env["SCORE_SDE_PYTHON"];
  if (named) return [named];
  return ["python3.13", "python3.12", "python3.11", "python3.10", "python3", "python", "py -3"];
}

function atLeast(/** @type {string} */ version, /** @type {number[]} */ oldest) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** @typedef {{ command: string, version: string }} Compiler */

/**
 * A C++ compiler that does compile (a name alone may be a stub): `CXX` if set, else the first that fits.
 * @param {string[]} [candidates]
 * @returns {Promise<Compiler>}
 */
export async function findCompiler(candidates) {
  const named = process.env["CXX"];
  for (const command of candidates ?? (named ? [named] : ["c++", "g++", "clang++"])) {
    // An empty program that includes a header of the standard library.
    const check = ["-std=c++17", "-fsyntax-only", "-x", "c++", "-include", "string", os.devNull];
    if ((await run(command, check)).code !== 0) continue;
    const { stdout } = await run(command, ["--version"]);
    return { command, version: stdout.split("\n")[0]?.trim() || command };
  }
  const how =
    process.platform === "darwin"
      ? "run `xcode-select --install`"
      : "install one (Debian and Ubuntu: `sudo apt install g++`; Fedora: `sudo dnf install gcc-c++`)";
  throw new SetupError(
    `A C++ compiler is needed to build the engine's addon and none works: ${how} and start again.`,
  );
}

/** TensorFlow's Linux wheels are built against glibc; a system on musl (Alpine) cannot load them. */
export function checkLibc() {
  if (process.platform !== "linux") return;
  const report = /** @type {any} */ (process.report.getReport());
  const glibc = report.header.glibcVersionRuntime;
  if (glibc && atLeast(glibc, OLDEST_GLIBC)) return;
  throw new SetupError(
    `TensorFlow needs a Linux with glibc 2.27 or newer and this one has ${glibc ?? "another libc"}: ` +
      "use Debian, Ubuntu, Fedora or their like.",
  );
}

/**
 * @param {string} dir
 * @param {number} bytes
 */
export function checkDiskSpace(dir, bytes) {
  const { bavail, bsize } = fs.statfsSync(dir);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const gb = (/** @type {number} */ n) => `${(n / 1e9).toFixed(1)} GB`;
  throw new SetupError(
    `Set-up needs ${gb(bytes)} of disk and ${gb(free)} are free in ${dir.replace(os.homedir(), "~")}: ` +
      "make room and start again.",
  );
}
