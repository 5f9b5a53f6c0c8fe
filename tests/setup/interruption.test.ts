import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockOwner, withLock } from "../../scripts/lib/lock.mjs";

const NAMES = ["a", "b", "c", "d", "e"];
let dir: string;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "interruption-"));
});

afterEach(() => {
  fs.rmSync(dir, { recursive: true });
});

const slowSetup = () =>
  spawn(process.execPath, [path.join(__dirname, "fixtures/slow-setup.mjs"), dir]);

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const read = (name: string) => {
  const file = path.join(dir, name);
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
};

/** Every file that is in place is whole. */
function expectWholeFiles(names: string[]): void {
  for (const name of names) {
    const lines = Array.from({ length: 20 }, (_, line) => `${name} ${line}\n`);
    expect(read(`${name}.txt`)).toBe(lines.join(""));
  }
}

const present = () => NAMES.filter((name) => fs.existsSync(path.join(dir, `${name}.txt`)));

describe("set-up", () => {
  it("carries on after ten kills at random moments", async () => {
    for (let kill = 0; kill < 10; kill++) {
      const child = slowSetup();
      await wait(60 + 300 * Math.random());
      child.kill("SIGKILL");
      await exitCode(child);
      expectWholeFiles(present());
    }
    expect(await exitCode(slowSetup())).toBe(0);
    expectWholeFiles(NAMES);
    expect(lockOwner(path.join(dir, "lock"))).toBeUndefined();
    // A step runs again only if it was cut before its stamp: no more often than there were kills.
    expect(read("started").length).toBeLessThanOrEqual(NAMES.length + 10);
    const before = read("started");
    expect(await exitCode(slowSetup())).toBe(0);
    expect(read("started")).toBe(before);
  });

  it("waits for another one, and then finds everything done", async () => {
    const both = [slowSetup(), slowSetup()];
    expect(await Promise.all(both.map(exitCode))).toEqual([0, 0]);
    expect(read("started")).toBe("abcde");
    expect(read("finished")).toBe("abcde");
  });
});

describe("the lock", () => {
  const file = () => path.join(dir, "lock");

  it("is broken if its owner is dead", async () => {
    const child = slowSetup();
    while (lockOwner(file()) === undefined) await wait(5);
    expect(lockOwner(file())).toBe(child.pid);
    child.kill("SIGKILL");
    await exitCode(child);
    expect(fs.existsSync(file())).toBe(true);
    expect(await withLock(file(), () => Promise.resolve("ours"))).toBe("ours");
    expect(fs.existsSync(file())).toBe(false);
  });

  it("is broken if its owner's number was given to another process, or it cannot be read", async () => {
    fs.writeFileSync(file(), JSON.stringify({ pid: process.pid, identity: "an earlier boot" }));
    expect(await withLock(file(), () => Promise.resolve("ours"))).toBe("ours");
    fs.writeFileSync(file(), '{"pid": ');
    expect(await withLock(file(), () => Promise.resolve("ours"))).toBe("ours");
  });

  it("lets one in at a time, and goes free after an error", async () => {
    let inside = 0;
    const work = async () => {
      inside += 1;
      expect(inside).toBe(1);
      await wait(5);
      inside -= 1;
    };
    // The same process stands for several here: the lock's file alone decides.
    await Promise.all(Array.from({ length: 5 }, () => withLock(file(), work)));
    await expect(withLock(file(), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock(file(), () => Promise.resolve("free"))).toBe("free");
  });
});
