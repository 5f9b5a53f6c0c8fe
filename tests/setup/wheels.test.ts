import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { engineVariant } from "../../scripts/lib/engine.mjs";
import { entryExists, linkDirectory } from "../../scripts/lib/files.mjs";
import { inProject, venvPython } from "../../scripts/lib/paths.mjs";
import { runSteps } from "../../scripts/lib/steps.mjs";
import { fetchWheels, readFileName, unpackWheels, type Wheel } from "../../scripts/lib/wheels.mjs";

const FILE = "score_sde_sample-1.0-py3-none-any.whl";
let dir: string;
let wheel: Wheel;

/** A wheel of a few bytes with the members that matter, and some that must stay behind. */
const MAKE_WHEEL = `
import sys, zipfile
members = {
    "tensorflow/libtensorflow_cc.so.2": "cc",
    "tensorflow/libtensorflow_framework.so.2": "framework",
    "tensorflow/include/tensorflow/c/c_api.h": "header",
    "tensorflow/include/xla/tsl/c/tsl_status.h": "header",
    "tensorflow/include/xla/service/hlo.h": "not needed",
    "tensorflow/python/ops.py": "not needed",
    "nvidia/cublas/lib/libcublas.so.12": "cublas",
    "nvidia/cublas/include/cublas.h": "not needed",
    "score_sde_sample-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: score-sde-sample\\nVersion: 1.0\\n",
    "score_sde_sample-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "score_sde_sample-1.0.dist-info/RECORD": "",
}
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in members.items():
        wheel.writestr(name, text)
`;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "wheels-"));
  fs.mkdirSync(path.join(dir, "index"));
  const file = path.join(dir, "index", FILE);
  execFileSync(venvPython, ["-c", MAKE_WHEEL, file]);
  const bytes = fs.readFileSync(file);
  const sha256 = crypto.createHash("sha256").update(bytes).digest("hex");
  wheel = { file: FILE, sha256, bytes: bytes.length };
});

afterEach(() => {
  fs.rmSync(dir, { recursive: true });
});

/** Fetches and unpacks as the engine's step does, from a folder instead of the registry. */
async function install(wheels: Wheel[]): Promise<void> {
  const folder = path.join(dir, "fetched");
  const step = {
    name: "wheels",
    title: "wheels",
    key: () => 1,
    ready: () => false,
    async run(context: Parameters<typeof fetchWheels>[0]) {
      await fetchWheels(context, wheels, folder);
      await unpackWheels(context, wheels, path.join(dir, "deps"), folder);
      return "";
    },
  };
  const options = { stampDir: path.join(dir, "stamps"), logDir: path.join(dir, "logs") };
  const saved = { ...process.env };
  Object.assign(process.env, { PIP_NO_INDEX: "1", PIP_FIND_LINKS: path.join(dir, "index") });
  try {
    await runSteps([step], { ...options, print: () => undefined });
  } finally {
    process.env = saved;
  }
}

const wrong = "0".repeat(64);

describe("a wheel", () => {
  it("gives its libraries and C headers, and nothing else", async () => {
    await install([wheel]);
    const files = fs.readdirSync(path.join(dir, "deps"), { recursive: true, encoding: "utf8" });
    const names = files.filter((name) => fs.statSync(path.join(dir, "deps", name)).isFile());
    expect(names.sort()).toEqual([
      "include/tensorflow/c/c_api.h",
      "include/xla/tsl/c/tsl_status.h",
      "lib/libtensorflow_cc.so.2",
      "lib/libtensorflow_framework.so.2",
      "nvidia/cublas/lib/libcublas.so.12",
    ]);
  });

  it("with another hash than the pinned one is refused by pip and not kept", async () => {
    await expect(install([{ ...wheel, sha256: wrong }])).rejects.toThrow(/not the pinned one/);
    expect(fs.existsSync(path.join(dir, "fetched", FILE))).toBe(false);
    expect(fs.existsSync(path.join(dir, "deps"))).toBe(false);
  });

  it("altered after it was fetched is refused before anything is unpacked", async () => {
    fs.mkdirSync(path.join(dir, "fetched"));
    const bytes = fs.readFileSync(path.join(dir, "index", FILE));
    bytes[60] = 255 - (bytes[60] ?? 0);
    fs.writeFileSync(path.join(dir, "fetched", FILE), bytes);
    await expect(install([wheel])).rejects.toMatchObject({
      message: expect.stringContaining("damaged") as string,
      output: expect.stringContaining(`expected SHA-256 ${wheel.sha256}`) as string,
    });
    expect(fs.existsSync(path.join(dir, "deps"))).toBe(false);
  });

  it("says by its name which tags pip has to be asked for", () => {
    expect(readFileName("tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl")).toEqual({
      name: "tensorflow-cpu",
      version: "2.21.0",
      python: "3.12",
      abi: "cp312",
      platforms: ["manylinux_2_27_x86_64"],
    });
    expect(readFileName("a_b-1.2-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl")).toEqual(
      {
        name: "a-b",
        version: "1.2",
        python: "3",
        abi: "none",
        platforms: ["manylinux2014_x86_64", "manylinux_2_17_x86_64"],
      },
    );
  });
});

describe("the pinned wheels", () => {
  const builds = JSON.parse(
    fs.readFileSync(inProject("scripts/engine-wheels.json"), "utf8"),
  ) as Record<string, { tensorflow: string; wheels: Wheel[] }>;

  it.each(Object.entries(builds))("of %s are whole and for that platform", (name, build) => {
    const machine = name.includes("arm64") ? /aarch64|arm64/ : /x86_64/;
    expect(readFileName(build.wheels[0]?.file ?? "").version).toBe(build.tensorflow);
    for (const { file, sha256, bytes } of build.wheels) {
      expect(readFileName(file).platforms.at(-1)).toMatch(machine);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(1e6);
    }
    expect(build.wheels.some(({ file }) => file.startsWith("nvidia"))).toBe(name.endsWith("gpu"));
  });

  it("cover every platform that takes the engine from a wheel", () => {
    expect(Object.keys(builds).sort()).toEqual([
      "darwin-arm64-cpu",
      "darwin-x64-cpu",
      "linux-arm64-cpu",
      "linux-x64-cpu",
      "linux-x64-gpu",
    ]);
  });
});

describe("SCORE_SDE_ENGINE", () => {
  it("chooses the engine, and a mistyped value is told", () => {
    expect(engineVariant("cpu")).toBe("cpu");
    expect(engineVariant("gpu")).toBe("gpu");
    expect(engineVariant("official")).toBe("official");
    expect(() => engineVariant("cuda")).toThrow('SCORE_SDE_ENGINE is "cuda": set it to cpu, gpu');
  });
});

describe("a link to a folder", () => {
  it("replaces a folder or another link, and stays right when both are moved together", () => {
    const target = path.join(dir, "cache/engine");
    const link = path.join(dir, "package/deps");
    fs.mkdirSync(path.join(target, "lib"), { recursive: true });
    fs.mkdirSync(link, { recursive: true });
    fs.writeFileSync(path.join(link, "old"), "");
    linkDirectory(target, link);
    linkDirectory(target, link);
    expect(fs.readdirSync(link)).toEqual(["lib"]);
    fs.renameSync(path.join(dir, "package"), path.join(dir, "moved"));
    expect(fs.readdirSync(path.join(dir, "moved/deps"))).toEqual(["lib"]);
    expect(entryExists(path.join(dir, "moved/deps"))).toBe(true);
  });
});
