/** Wheels of the Python registry as a source of native libraries: fetched by pip, checked, unpacked. */
import fs from "node:fs";
import path from "node:path";
import { discard, stagingDir } from "./files.mjs";
import { cacheDir, inProject, venvPython } from "./paths.mjs";

/** @typedef {{ file: string, sha256: string, bytes: number }} Wheel */

/** Wheels wait here until the engine is built from them, so that a fetched one is not fetched again. */
export const wheelDir = path.join(cacheDir, "wheels");
const mb = (/** @type {number} */ bytes) => Math.round(bytes / 1e6);

/**
 * Fetches those wheels that are not there yet. pip is the registry's client: it knows the user's index,
 * proxy and cache, and refuses a file whose hash is not the pinned one.
 * @param {import("./steps.mjs").StepContext} context
 * @param {Wheel[]} wheels
 * @param {string} [folder] where they are put
 */
export async function fetchWheels(context, wheels, folder = wheelDir) {
  fs.mkdirSync(folder, { recursive: true });
  const missing = wheels.filter((wheel) => !fs.existsSync(path.join(folder, wheel.file)));
  const total = missing.reduce((sum, wheel) => sum + wheel.bytes, 0);
  let done = 0;
  for (const wheel of missing) {
    const fetched = await fetchWheel(context, wheel, (bytes) =>
      context.doing(`fetching TensorFlow, ${mb(done + bytes)} of ${mb(total)} MB`),
    );
    fs.renameSync(fetched, path.join(folder, wheel.file));
    discard(path.dirname(fetched));
    done += wheel.bytes;
  }
}

/**
 * @param {import("./steps.mjs").StepContext} context
 * @param {Wheel} wheel
 * @param {(bytes: number) => void} progress
 * @returns {Promise<string>} the wheel, alone in a folder of its own
 */
async function fetchWheel({ exec }, wheel, progress) {
  const dir = stagingDir("wheel");
  const requirement = path.join(dir, "requirement.txt");
  const { name, version, python, abi, platforms } = readFileName(wheel.file);
  fs.writeFileSync(requirement, `${name}==${version} --hash=sha256:${wheel.sha256}\n`);
  // The tags of the wheel itself, not of the Python that runs pip: any Python fetches the same file.
  // prettier-ignore
  const args = [
    "-m", "pip", "download", "--require-hashes", "--no-deps", "--only-binary=:all:",
    "--implementation", "cp", "--python-version", python, "--abi", abi,
    ...platforms.flatMap((platform) => ["--platform", platform]),
    "--dest", dir, "--requirement", requirement,
    "--no-input", "--progress-bar=off", "--disable-pip-version-check",
  ];
  progress(0);
  // pip downloads into its temporary folder: its size tells how far it is.
  const timer = setInterval(() => progress(Math.min(bytesIn(dir), wheel.bytes)), 1000);
  if (!process.stdout.isTTY) clearInterval(timer);
  try {
    await exec(venvPython, args, {
      env: { TMPDIR: dir },
      otherwise:
        `${wheel.file} could not be fetched: if the lines above name the network, check it; if they ` +
        "name a hash, the file on offer is not the pinned one and is not used. Then start again.",
    });
  } finally {
    clearInterval(timer);
  }
  return path.join(dir, wheel.file);
}

/**
 * Checks the wheels once more and unpacks what the engine needs of them.
 * @param {import("./steps.mjs").StepContext} context
 * @param {Wheel[]} wheels
 * @param {string} target
 * @param {string} [folder] where the wheels are
 */
export async function unpackWheels({ exec }, wheels, target, folder = wheelDir) {
  for (const { file, sha256 } of wheels) {
    const wheel = path.join(folder, file);
    await exec(venvPython, [inProject("python/unpack_wheel.py"), wheel, sha256, target], {
      otherwise: `${file} is damaged: delete the folder .cache/wheels and start again.`,
    });
  }
}

/**
 * What a wheel's name says: name-version-python-abi-platform.whl, tags joined by points.
 * @param {string} file
 */
export function readFileName(file) {
  const [name = "", version = "", python = "", abi = "", platform = ""] = file
    .replace(/\.whl$/, "")
    .split("-");
  return {
    name: name.replaceAll("_", "-"),
    version,
    // cp312 → 3.12; py3 → 3
    python: python.replace(/^\D+(\d)(\d*)$/, (_, major, minor) =>
      minor ? `${major}.${minor}` : major,
    ),
    abi,
    platforms: platform.split("."),
  };
}

function bytesIn(/** @type {string} */ dir) {
  let bytes = 0;
  try {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const file = path.join(dir, entry.name);
      bytes += entry.isDirectory() ? bytesIn(file) : fs.statSync(file).size;
    }
  } catch {
    // pip moved something away while we looked: the next look is right again.
  }
  return bytes;
}
