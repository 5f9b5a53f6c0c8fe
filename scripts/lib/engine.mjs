/**
 * Step: the native engine. `@tensorflow/tfjs-node-gpu` is JavaScript and two C++ files; the library that
 * computes comes from a TensorFlow wheel of the Python registry. The wheel's two libraries and a few C
 * headers are unpacked into `.cache/engine/<name>/deps`, the addon is compiled beside them, and the
 * package gets links to both: so the engine outlives a reinstallation of the npm packages.
 *
 *     .cache/engine/<name>/deps/lib/libtensorflow_cc.so.2, libtensorflow_framework.so.2
 *     .cache/engine/<name>/deps/nvidia/…                  CUDA, only for the GPU
 *     .cache/engine/<name>/lib/napi-v8/tfjs_binding.node  the addon
 *
 * The libraries look for CUDA in `../nvidia/<package>/lib` beside their own folder (their RUNPATH), so
 * the wheels' layout is kept and no LD_LIBRARY_PATH is needed.
 */
import fs from "node:fs";
import path from "node:path";
import {
  discard,
  entryExists,
  fingerprint,
  linkDirectory,
  readJson,
  replaceWith,
  stagingDir,
  writeWhole,
} from "./files.mjs";
import { npmCommand } from "./npm-packages.mjs";
import { engineDir, enginePackage, engineRecord, inProject, projectRoot } from "./paths.mjs";
import { checkDiskSpace, checkLibc, findCompiler } from "./prerequisites.mjs";
import { SetupError } from "./run.mjs";
import { fetchWheels, unpackWheels, wheelDir } from "./wheels.mjs";

/** @typedef {"cpu" | "gpu" | "official"} Variant */
/** @typedef {{ tensorflow: string, wheels: import("./wheels.mjs").Wheel[] }} Build */
/** @typedef {{ variant: Variant, tensorflowVersion: string, platform: string }} EngineRecord */

/** Node-API's version 8 is in every Node since 12.22: one addon serves all that the course runs on. */
const NODE_API = 8;
const ADDON = `lib/napi-v${NODE_API}/tfjs_binding.node`;
/** How the engine is built from a wheel: raise it with any change here that needs a new build. */
const RECIPE = 1;
/** The version that the package's own installer brings. */
const OFFICIAL_TENSORFLOW = "2.9.1";

/** @type {Record<string, Build>} pinned wheels by platform and variant */
const builds = readJson(inProject("scripts/engine-wheels.json"));
const platform = `${process.platform}-${process.arch}`;

/** @type {import("./steps.mjs").Step} */
export const engine = {
  name: "engine",
  title: "native engine",
  key: () => [engineVariant(), platform, engineName()],
  ready: () =>
    readJson(engineRecord)?.variant === engineVariant() &&
    fs.existsSync(path.join(enginePackage, ADDON)) &&
    fs.existsSync(path.join(enginePackage, "deps")),
  async run(context) {
    const variant = engineVariant();
    const tensorflowVersion =
      variant === "official"
        ? await installOfficial(context)
        : await installWheels(context, variant);
    /** @type {EngineRecord} */
    const record = { variant, tensorflowVersion, platform };
    writeWhole(engineRecord, `${JSON.stringify(record, null, 2)}\n`);
    return `TensorFlow ${tensorflowVersion}, ${describe(variant)}`;
  },
};

function describe(/** @type {Variant} */ variant) {
  if (variant === "official") return "the package's own installer";
  return variant === "gpu" ? "CUDA build" : "CPU build";
}

/**
 * Which engine this machine gets: `SCORE_SDE_ENGINE` if set, else CUDA where there is an NVIDIA driver.
 * @returns {Variant}
 */
export function engineVariant(wanted = process.env["SCORE_SDE_ENGINE"] || undefined) {
  if (wanted === undefined) {
    if (process.platform === "win32") return "official";
    return platform === "linux-x64" && hasNvidiaDriver() ? "gpu" : "cpu";
  }
  if (wanted === "cpu" || wanted === "gpu" || wanted === "official") return wanted;
  throw new SetupError(
    `SCORE_SDE_ENGINE is "${wanted}": set it to cpu, gpu or official, or unset it.`,
  );
}

/** The driver's own traces; the second is Windows' driver seen from WSL. */
function hasNvidiaDriver() {
  return ["/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"].some(fs.existsSync);
}

/** Whether the next set-up would compile the addon. */
export function needsCompiler() {
  return (
    engineVariant() !== "official" && !fs.existsSync(path.join(engineDir, engineName(), ADDON))
  );
}

/** @returns {Build} */
function pinnedBuild(/** @type {Variant} */ variant) {
  const build = builds[`${platform}-${variant}`];
  if (build) return build;
  const other = variant === "gpu" ? "SCORE_SDE_ENGINE=cpu" : "SCORE_SDE_ENGINE=official";
  throw new SetupError(
    `No TensorFlow wheel is pinned for ${variant} on ${platform}: try ${other}, and see the README's ` +
      "list of platforms.",
  );
}

/** A name for all that the engine is made from: another wheel, addon or recipe, another folder. */
function engineName() {
  const variant = engineVariant();
  const addon = readJson(inProject("package.json")).dependencies["@tensorflow/tfjs-node-gpu"];
  if (variant === "official") return `${variant}-${addon}`;
  const build = pinnedBuild(variant);
  const rest = fingerprint([build.wheels, addon, RECIPE]).slice(0, 8);
  return `${build.tensorflow}-${platform}-${variant}-${rest}`;
}

/**
 * @param {import("./steps.mjs").StepContext} context
 * @param {"cpu" | "gpu"} variant
 */
async function installWheels(context, variant) {
  const build = pinnedBuild(variant);
  const home = path.join(engineDir, engineName());
  if (!fs.existsSync(path.join(home, ADDON))) {
    // For a moment there are the wheels and what is in them; CUDA's compress less.
    const bytes = build.wheels.reduce((sum, wheel) => sum + wheel.bytes, 0);
    checkDiskSpace(projectRoot, (variant === "gpu" ? 3 : 4.5) * bytes);
    await buildEngine(context, build, home);
  }
  context.doing("linking the engine");
  for (const name of ["deps", "lib"]) {
    linkDirectory(path.join(home, name), path.join(enginePackage, name));
  }
  // Older builds of this variant; the other variant stays, so that one can go to and fro.
  for (const other of fs.readdirSync(engineDir)) {
    if (other.includes(`-${platform}-${variant}-`) && other !== path.basename(home)) {
      discard(path.join(engineDir, other));
    }
  }
  return build.tensorflow;
}

/**
 * @param {import("./steps.mjs").StepContext} context
 * @param {Build} build
 * @param {string} home
 */
async function buildEngine(context, build, home) {
  checkLibc();
  const compiler = await findCompiler();
  const staged = stagingDir("engine");
  await fetchWheels(context, build.wheels);
  context.doing("unpacking TensorFlow");
  await unpackWheels(context, build.wheels, path.join(staged, "deps"));
  context.doing(`building the addon with ${path.basename(compiler.command)}`);
  await compileAddon(context, compiler.command, staged);
  await tryAddon(context, path.join(staged, ADDON), build.tensorflow);
  replaceWith(staged, home);
  discard(wheelDir);
}

/**
 * Compiles the package's two C++ files. This is what its binding.gyp says, without gyp: Node-API's four
 * headers come from the npm package `node-api-headers`, so neither Node's headers nor make are needed,
 * and the link names the wheel's libraries as they are called.
 * @param {import("./steps.mjs").StepContext} context
 * @param {string} compiler
 * @param {string} dir
 */
async function compileAddon({ exec }, compiler, dir) {
  const mac = process.platform === "darwin";
  const addon = path.join(dir, ADDON);
  const binding = path.join(enginePackage, "binding");
  const suffix = mac ? "2.dylib" : "so.2";
  const origin = mac ? "@loader_path" : "$ORIGIN";
  const libraries = ["cc", "framework"].map((name) =>
    path.join(dir, "deps/lib", `libtensorflow_${name}.${suffix}`),
  );
  fs.mkdirSync(path.dirname(addon), { recursive: true });
  // prettier-ignore
  const args = [
    "-std=c++17", "-O2", "-fPIC",
    // Node's own functions are found in the process that loads the addon.
    ...(mac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
    `-DNAPI_VERSION=${NODE_API}`, "-DNODE_GYP_MODULE_NAME=tfjs_binding", "-DBUILDING_NODE_EXTENSION",
    `-I${inProject("node_modules/node-api-headers/include")}`,
    `-I${path.join(dir, "deps/include")}`,
    path.join(binding, "tfjs_backend.cc"), path.join(binding, "tfjs_binding.cc"),
    ...libraries,
    `-Wl,-rpath,${origin}/../../deps/lib`,
    "-o", addon,
  ];
  await exec(compiler, args, {
    otherwise:
      "The engine's addon could not be compiled: try another compiler (CXX=clang++, for example), or " +
      "report the lines above.",
  });
}

/**
 * Loads the addon in a process of its own: a library that does not fit this machine may end the process.
 * @param {import("./steps.mjs").StepContext} context
 * @param {string} addon
 * @param {string} expected TensorFlow's version
 */
async function tryAddon({ exec }, addon, expected) {
  const program = "console.log(require(process.argv[1]).TF_Version)";
  const version = await exec(process.execPath, ["-e", program, addon], {
    env: { TF_CPP_MIN_LOG_LEVEL: "3" },
    otherwise:
      "TensorFlow was unpacked and does not load on this machine (it needs a processor with AVX): see " +
      "the lines above.",
  });
  if (version.trim() === expected) return;
  throw new SetupError(
    `The addon says TensorFlow ${version.trim()}, not ${expected}: run \`npm run clean\` and start again.`,
  );
}

/**
 * The package's own install script: it downloads TensorFlow 2.9.1 and a built addon from a storage host.
 * @param {import("./steps.mjs").StepContext} context
 */
async function installOfficial({ doing, exec }) {
  for (const name of ["deps", "lib"]) {
    const link = path.join(enginePackage, name);
    if (entryExists(link)) fs.rmSync(link, { recursive: true, force: true });
  }
  doing("running the package's own installer");
  const [command, first, shell] = npmCommand();
  const otherwise =
    "The package's own installer failed, as it does where its download host is blocked: " +
    (process.platform === "win32"
      ? "check the network, or use WSL (there the engine comes from the Python registry)."
      : "unset SCORE_SDE_ENGINE to take the engine from the Python registry.");
  const rebuild = ["rebuild", "--ignore-scripts=false", "--foreground-scripts"];
  await exec(command, [...first, ...rebuild, "@tensorflow/tfjs-node-gpu"], {
    cwd: projectRoot,
    shell,
    otherwise,
  });
  // The script ends with success also where its last part failed.
  if (!fs.existsSync(path.join(enginePackage, "lib"))) throw new SetupError(otherwise);
  return OFFICIAL_TENSORFLOW;
}
