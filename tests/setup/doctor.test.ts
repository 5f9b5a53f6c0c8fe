import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { examine, type Check } from "../../scripts/lib/doctor.mjs";
import { inProject } from "../../scripts/lib/paths.mjs";

async function report(...checks: Check[]): Promise<{ runs: boolean; lines: string[] }> {
  const lines: string[] = [];
  const runs = await examine((line) => void lines.push(line), checks);
  return { runs, lines };
}

const fine: Check = { title: "fine", needed: true, look: () => "1.0" };
const gone = (needed: boolean): Check => ({
  title: needed ? "must" : "may",
  needed,
  look: () => Promise.reject(new Error("not there: install it")),
});

describe("the doctor", () => {
  it("says line by line what is there", async () => {
    const { runs, lines } = await report(fine, gone(false));
    expect(runs).toBe(true);
    expect(lines.slice(0, 2)).toEqual([
      "ok       fine  1.0",
      "absent   may   not there: install it",
    ]);
  });

  it("goes on after what is missing, and says that the course cannot run", async () => {
    const { runs, lines } = await report(gone(true), fine);
    expect(runs).toBe(false);
    expect(lines[0]).toBe("MISSING  must  not there: install it");
    expect(lines[1]).toBe("ok       fine  1.0");
    expect(lines.at(-1)).toContain("cannot run");
  });

  it("finds nothing missing here, where set-up has run", () => {
    const { status, stdout } = spawnSync(process.execPath, [inProject("scripts/doctor.mjs")], {
      encoding: "utf8",
    });
    expect(stdout).not.toContain("MISSING");
    expect(stdout).toMatch(/^ok +engine +TensorFlow \d+\.\d+\.\d+/m);
    expect(stdout).toMatch(/^ok +device +(CPU|GPU)/m);
    expect(status).toBe(0);
  });

  it("ends with an error in a clone where set-up has not run, and installs nothing", () => {
    const clone = fs.mkdtempSync(path.join(os.tmpdir(), "doctor-"));
    try {
      for (const name of ["package.json", "package-lock.json", "scripts", "python"]) {
        fs.cpSync(inProject(name), path.join(clone, name), { recursive: true });
      }
      const { status, stdout } = spawnSync(
        process.execPath,
        [path.join(clone, "scripts/doctor.mjs")],
        {
          encoding: "utf8",
        },
      );
      expect(status).toBe(1);
      for (const title of ["npm packages", "Python environment", "engine", "device", "kernel"]) {
        expect(stdout).toMatch(new RegExp(`^MISSING +${title} +.*npm run setup`, "m"));
      }
      expect(fs.readdirSync(clone).sort()).toEqual([
        "package-lock.json",
        "package.json",
        "python",
        "scripts",
      ]);
    } finally {
      fs.rmSync(clone, { recursive: true });
    }
  });
});
