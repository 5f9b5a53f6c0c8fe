import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  checkDiskSpace,
  checkNode,
  findCompiler,
  findPython,
} from "../../scripts/lib/prerequisites.mjs";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "prerequisites-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));

/** A program that answers as some Python would. */
function fakePython(name: string, ...answer: string[]): string {
  const file = path.join(dir, name);
  fs.writeFileSync(file, `#!/bin/sh\n${answer.map((line) => `echo "${line}"`).join("\n")}\n`);
  fs.chmodSync(file, 0o755);
  return file;
}

describe("Node", () => {
  it.each(["20.20.2", "22.0.0", "24.21.0"])("%s will do", (version) => {
    expect(checkNode(version)).toBe(version);
  });

  it.each(["18.20.4", "21.7.0", "25.1.0"])(
    "%s will not, and the error says what will",
    (version) => {
      expect(() => checkNode(version)).toThrow(`Node ${version} runs this`);
      expect(() => checkNode(version)).toThrow("Node 20, 22 or 24");
    },
  );
});

describe("Python", () => {
  const old = fakePython("python-old", "3.9.18", "venv");
  const bare = fakePython("python bare", "3.12.1", "no venv");
  const good = fakePython("python-good", "3.10.0", "venv");

  it("is the first that is new enough and has venv", async () => {
    const candidates = ["no-such-python", old, bare, good];
    expect(await findPython(candidates)).toEqual({ command: good, args: [], version: "3.10.0" });
  });

  it("is found on this machine", async () => {
    expect((await findPython()).version).toMatch(/^3\.\d+\.\d+$/);
  });

  it("without venv: the error names the package", async () => {
    await expect(findPython([old, bare])).rejects.toThrow(
      /3\.12\.1.*venv.*apt install python3-venv/,
    );
  });

  it("too old or missing: the error says what was found", async () => {
    await expect(findPython([old])).rejects.toThrow(/3\.10 or newer.*python-old is 3\.9\.18/);
    await expect(findPython(["no-such-python"])).rejects.toThrow("no Python at all");
  });
});

describe("a C++ compiler", () => {
  it("is one that compiles, not a stub that only has the name", async () => {
    const stub = fakePython("stub", "run xcode-select --install");
    fs.appendFileSync(stub, "exit 1\n");
    await expect(findCompiler(["no-such-compiler", stub])).rejects.toThrow(
      /C\+\+ compiler.*install/,
    );
    expect((await findCompiler([stub, "c++", "g++", "clang++"])).version).not.toBe("");
  });
});

describe("disk space", () => {
  it("must do", () => {
    expect(() => checkDiskSpace(dir, 1)).not.toThrow();
    expect(() => checkDiskSpace(dir, 1e18)).toThrow(/needs 1000000000\.0 GB .* are free/);
  });
});
