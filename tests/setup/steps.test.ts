import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SetupError } from "../../scripts/lib/run.mjs";
import { isUpToDate, runSteps, type Step } from "../../scripts/lib/steps.mjs";

let dir: string;
let ran: string[];
let lines: string[];

/** A step that makes one file; its key and its way of failing can be changed between runs. */
interface FakeStep extends Step {
  version: number;
  failure: Error | undefined;
}

function fakeStep(name: string): FakeStep {
  const made = path.join(dir, `${name}.made`);
  return {
    name,
    title: `the ${name}`,
    version: 1,
    failure: undefined,
    key() {
      return this.version;
    },
    ready: () => fs.existsSync(made),
    run() {
      ran.push(name);
      if (this.failure) return Promise.reject(this.failure);
      fs.writeFileSync(made, "");
      return Promise.resolve(`version ${this.version}`);
    },
  };
}

const stampDir = () => path.join(dir, "stamps");

async function run(steps: Step[], force?: (step: Step) => boolean): Promise<string[]> {
  ran = [];
  lines = [];
  const print = (line: string) => void lines.push(line);
  await runSteps(steps, { stampDir: stampDir(), logDir: path.join(dir, "logs"), force, print });
  return ran;
}

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "steps-"));
});

afterEach(() => {
  fs.rmSync(dir, { recursive: true });
});

describe("the steps of set-up", () => {
  it("run once, in order, and say what they did", async () => {
    const steps = [fakeStep("one"), fakeStep("two")];
    expect(await run(steps)).toEqual(["one", "two"]);
    expect(lines[0]).toMatch(/^\[1\/2\] the one {2}done in \d+\.\d s {2}version 1$/);
    expect(await run(steps)).toEqual([]);
    expect(lines).toEqual([
      "[1/2] the one  up to date  version 1",
      "[2/2] the two  up to date  version 1",
    ]);
  });

  it("run again, and only those, whose inputs changed or whose product is gone", async () => {
    const [one, two, three] = [fakeStep("one"), fakeStep("two"), fakeStep("three")];
    await run([one, two, three]);
    two.version = 2;
    expect(await run([one, two, three])).toEqual(["two"]);
    fs.rmSync(path.join(dir, "three.made"));
    expect(await run([one, two, three])).toEqual(["three"]);
  });

  it("run again when asked to", async () => {
    const steps = [fakeStep("one"), fakeStep("two")];
    await run(steps);
    expect(await run(steps, (step) => step.name === "two")).toEqual(["two"]);
  });

  it("end at the first that fails, with its advice and the end of the output", async () => {
    const [one, two, three] = [fakeStep("one"), fakeStep("two"), fakeStep("three")];
    const output = Array.from({ length: 40 }, (_, line) => `line ${line}`).join("\n");
    two.failure = new SetupError("check the network and start again.", { output });
    await expect(run([one, two, three])).rejects.toBe(two.failure);
    expect(ran).toEqual(["one", "two"]);
    expect(lines.join("\n")).toMatch(/the two {4}failed after/);
    expect(lines.join("\n")).toContain("| line 39");
    expect(lines.join("\n")).not.toContain("| line 3\n");
    expect(lines.at(-1)?.trim()).toBe("check the network and start again.");

    two.failure = undefined;
    expect(await run([one, two, three])).toEqual(["two", "three"]);
  });

  it("leave no stamp of an earlier success when a later run fails halfway", async () => {
    const step = fakeStep("one");
    await run([step]);
    step.version = 2;
    step.failure = new SetupError("no.");
    await expect(run([step])).rejects.toThrow("no.");
    step.version = 1;
    expect(isUpToDate(step, stampDir())).toBe(false);
  });

  it("show an error that nobody foresaw, and ask for a report", async () => {
    const step = fakeStep("one");
    step.failure = new RangeError("what is this");
    await expect(run([step])).rejects.toThrow("what is this");
    expect(lines.at(-1)).toMatch(/RangeError: what is this; .* report/);
  });

  it("take a damaged stamp for none", async () => {
    const step = fakeStep("one");
    await run([step]);
    fs.writeFileSync(path.join(stampDir(), "one.json"), '{"key": "');
    expect(await run([step])).toEqual(["one"]);
  });

  it("tell a command that failed from one that is not there, and keep the log", async () => {
    const step = fakeStep("one");
    step.run = ({ exec }) =>
      exec(process.execPath, ["-e", "console.log('out'); process.exit(3)"], {
        otherwise: "do this.",
      });
    await expect(run([step])).rejects.toMatchObject({ message: "do this.", output: "out\n" });
    expect(fs.readFileSync(path.join(dir, "logs/setup-one.log"), "utf8")).toContain("out");
    step.run = ({ exec }) => exec("no-such-command-here", []);
    await expect(run([step])).rejects.toThrow("no-such-command-here failed");
  });
});
