/**
 * The kernel as JupyterLab and nbclient see it. Each test starts a real one.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { driveKernel, projectRoot, type Result } from "./drive-kernel";

const IMPORT = `import { progress, show, showTable, liveFigure } from "./src/notebook";
import { lineFigure } from "./src/figures";`;

/** A source of steps that neither looks at a signal nor ends soon, and says when it is told to stop. */
const SLOW = `async function* slow(numSteps: number) {
  try {
    for (let step = 1; step <= numSteps; step++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield { step, numSteps, loss: 1 / step };
    }
  } finally {
    console.log("source closed");
  }
}`;

/** What a saved notebook would hold: updates put in the place of what they update. */
function saved({ outputs }: Result): Record<string, unknown>[] {
  const shown = new Map<string, Record<string, unknown>>();
  outputs.forEach(({ type, data, transient }, at) => {
    if (type === "stream" || !data) return;
    shown.set(transient?.display_id ?? `#${at}`, data);
  });
  return [...shown.values()];
}

describe("a cell", () => {
  let results: Result[];
  let stderr: string;

  beforeAll(async () => {
    ({ results, stderr } = await driveKernel(
      [
        { execute: `import { tf, engineInfo, Random } from "./src";` },
        { execute: `console.log(engineInfo().backend, process.cwd());` },
        { execute: `const sum = tf.add(1, 2).dataSync()[0]; sum` },
        { execute: `const wrong: number = "text";` },
        { execute: `[1, null].map((x) => x.toFixed());` },
        { execute: `const made = [sum]; made.push(4); throw new Error("on purpose");` },
        { execute: `sum + made[1]` },
        { execute: `const pair = { sum };\nconst shape = [1];` },
        { execute: `JSON.stringify({ pair, sum, inner: [{ shape }] })` },
        { execute: `async function* two() { yield 1; yield 2; }` },
        { execute: `for await (const n of two()) console.log(n);` },
        { complete: `import { tf } from "./src"; tf.tensor2` },
        { complete: `new Random(1).per` },
        { execute: `const { sum: renamed } = pair; console.log(renamed);` },
      ],
      // As loud as TensorFlow gets.
      { env: { TF_CPP_MIN_LOG_LEVEL: "0", SCORE_SDE_VERBOSE: "1" } },
    ));
  });

  it("imports the library from a notebook in a folder below the root", () => {
    expect(results[0]).toMatchObject({ status: "ok", text: "" });
    expect(results[1]?.text).toContain(`tensorflow ${projectRoot}`);
  });

  it("keeps its values for the next", () => {
    expect(results[2]).toMatchObject({ status: "ok", text: "3\n" });
  });

  it("may name earlier variables in { shorthand }", () => {
    expect(results[7]?.status).toBe("ok");
    expect(results[8]?.text).toBe('{"pair":{"sum":3},"sum":3,"inner":[{"shape":[1]}]}\n');
  });

  it("may rename what it takes from an earlier variable", () => {
    expect(results[13]).toMatchObject({ status: "ok", text: "3\n" });
  });

  it("may loop over steps at its top level", () => {
    expect(results[10]).toMatchObject({ status: "ok", text: "1\n2\n" });
  });

  it("is checked by TypeScript, strictly, as the library is", () => {
    expect(results[3]?.status).toBe("error");
    expect(results[3]?.text).toContain("1:7 - Type 'string' is not assignable to type 'number'.");
    expect(results[4]?.status).toBe("error");
    expect(results[4]?.text).toContain("'x' is possibly 'null'");
  });

  it("that throws ends in an error, and leaves what it has made", () => {
    expect(results[5]?.status).toBe("error");
    expect(results[5]?.text).toContain("on purpose");
    expect(results[5]?.text).not.toMatch(/tslab|node:vm|cells\.cjs/);
    expect(results[6]).toMatchObject({ status: "ok", text: "7\n" });
  });

  it("gets completions of the library's names", () => {
    expect(results[11]?.matches).toContain("tensor2d");
    expect(results[12]?.matches).toContain("permutation");
  });

  it("shows none of the lines that native code logs", () => {
    expect(stderr).toContain("TensorFlow binary"); // they are written, but elsewhere
    for (const { text } of results) expect(text).not.toMatch(/TensorFlow binary|oneDNN|absl/);
  });
});

describe("an interrupt", () => {
  let results: Result[];

  beforeAll(async () => {
    ({ results } = await driveKernel([
      { execute: `${IMPORT}\nlet kept = 1;\n${SLOW}` },
      {
        execute: `for await (const s of progress(slow(100000), { label: "slow" })) kept = s.step;
console.log("code after the loop");`,
        interrupt_on: ["loss"],
      },
      { execute: `kept > 0 && kept < 100000` },
      {
        execute: `console.log("waiting"); await new Promise(() => {});`,
        interrupt_on: ["waiting", "Interrupt again"],
      },
      { execute: `for await (const s of progress(slow(3))) kept = s.step; kept` },
      {
        execute: `import { eulerMaruyama, exponentialSde } from "./src";
for await (const s of eulerMaruyama({
  sde: exponentialSde(),
  score: (x) => x.neg(),
  shape: [2, 2],
  numSteps: 1_000_000,
})) {
  if (s.step === 1) console.log("sampling");
  kept = s.step;
}
console.log("ended", kept < 1_000_000);`,
        interrupt_on: ["sampling"],
      },
      {
        execute: `let turns = 0; console.log("spinning"); for (;;) turns++;`,
        interrupt_on: ["spinning"],
      },
      { execute: `typeof turns` },
    ]));
  });

  it("ends the loop, closes its source, and lets the cell end as ever", () => {
    expect(results[1]?.status).toBe("ok");
    expect(results[1]?.text).toBe("source closed\ncode after the loop\n");
    expect(saved(results[1] as Result)[0]?.["text/plain"]).toMatch(
      /^■ slow: stopped at step \d+ of 100000, /,
    );
  });

  it("leaves every variable as it was", () => {
    expect(results[2]).toMatchObject({ status: "ok", text: "true\n" });
  });

  it("of a cell that does not listen gives a hint; a second one ends the cell", () => {
    expect(results[3]?.status).toBe("error");
    expect(results[3]?.text).toContain("Interrupt again to end the cell at once.");
    expect(results[3]?.text).toContain("Interrupted asynchronously");
  });

  it("ends a sampler, with no progress bar around it", () => {
    expect(results[5]).toMatchObject({ status: "ok", text: "sampling\nended true\n" });
  });

  it("breaks off an endless loop without await", () => {
    expect(results[6]?.status).toBe("error");
    expect(results[6]?.text).toContain("interrupted");
    expect(results[7]).toMatchObject({ status: "ok", text: "number\n" });
  });

  it("counts for its own cell only", () => {
    expect(results[4]).toMatchObject({ status: "ok", text: "source closed\n3\n" });
    expect(saved(results[4] as Result)[0]?.["text/plain"]).toMatch(/^✓ 3 steps in /);
  });
});

describe("outputs", () => {
  let results: Result[];

  beforeAll(async () => {
    ({ results } = await driveKernel([
      { execute: IMPORT },
      { execute: `await show(lineFigure({ x: [1, 2], y: [3, 4] }, { title: "Two points" }));` },
      { execute: `void show(lineFigure({ x: [1, 2], y: [3, 4] }, { title: "Not awaited" }));` },
      {
        execute: `const live = liveFigure();
for (let n = 2; n <= 50; n++) {
  live.update(() => lineFigure({ x: [1, n], y: [0, n] }, { title: \`\${n} points\` }));
}
throw new Error("on purpose");`,
      },
      { execute: `showTable([{ sampler: "EM", fid: 64.123456 }, { sampler: "P|C", fid: 52 }]);` },
    ]));
  });

  it("of a figure are one bundle: interactive, static and text", () => {
    const [bundle, ...more] = saved(results[1] as Result);
    expect(more).toEqual([]);
    expect(Object.keys(bundle ?? {}).sort()).toEqual([
      "application/vnd.plotly.v1+json",
      "image/png",
      "text/plain",
    ]);
    expect(bundle?.["application/vnd.plotly.v1+json"]).toMatchObject({ data: [{ x: [1, 2] }] });
    expect(bundle?.["text/plain"]).toBe("[Figure: Two points]");
    const png = Buffer.from(bundle?.["image/png"] as string, "base64");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([700, 420]);
  });

  it("belong to their cell even where it does not await them", () => {
    expect(saved(results[2] as Result)[0]?.["text/plain"]).toBe("[Figure: Not awaited]");
  });

  it("of a live figure end with its last state and a picture of it, even after an error", () => {
    expect(results[3]?.status).toBe("error");
    const [bundle, ...more] = saved(results[3] as Result);
    expect(more).toEqual([]);
    expect(bundle?.["text/plain"]).toBe("[Figure: 50 points]");
    expect(bundle?.["image/png"]).toBeTypeOf("string");
    expect(results[3]?.outputs.filter(({ data }) => data).length).toBeLessThan(10);
  });

  it("of a table are HTML, Markdown and text", () => {
    const [bundle] = saved(results[4] as Result);
    expect(bundle?.["text/html"]).toContain("<td");
    expect(bundle?.["text/markdown"]).toBe(
      "| sampler | fid |\n| :--- | ---: |\n| EM | 64.12 |\n| P\\|C | 52 |",
    );
    expect(bundle?.["text/plain"]).toBe("sampler    fid\nEM       64.12\nP|C         52");
  });
});

describe("a changed source file", () => {
  const folder = path.join(projectRoot, "runs", `kernel-test-${process.pid}`);
  const value = path.join(folder, "value.ts");

  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("is used when the import cell runs again, also by the files that import it", async () => {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(value, "export const value: number = 1;\n");
    fs.writeFileSync(path.join(folder, "index.ts"), 'export { value } from "./value";\n');
    const importCell = `import { value } from "./runs/${path.basename(folder)}";\nconsole.log(value);`;
    const { results } = await driveKernel([
      { execute: importCell },
      { write: { path: value, text: "export const value: number = 1 + 41;\n" } },
      { execute: importCell },
      { write: { path: value, text: 'export const value: number = "text";\n' } },
      { execute: importCell },
      { write: { path: value, text: "export const value: number = 7;\n" } },
      { execute: importCell },
    ]);
    expect(results.map(({ text }) => text).filter(Boolean)).toEqual([
      "1\n",
      "42\n",
      expect.stringMatching(/value\.ts 1:14 - Type 'string' is not assignable to type 'number'/),
      "7\n",
    ]);
  });
});

describe("a kernel whose server was killed", () => {
  it("ends too", async () => {
    const { results } = await driveKernel([{ abandon: true }]);
    const pid = results[0]?.pid ?? 0;
    expect(pid).toBeGreaterThan(1);
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 60_000);
  });
});

it("finds the library translated by set-up, and translates no file of it again", async () => {
  const memory = path.join(projectRoot, ".cache/kernel.json");
  execFileSync(process.execPath, [path.join(projectRoot, "kernel/prepare.cjs")], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" },
  });
  const prepared = fs.readFileSync(memory, "utf8");
  expect(prepared).toContain("graphFunction");
  // The memory is written after a cell that found out anything new; the second cell waits for that.
  const { results } = await driveKernel([
    { execute: `import { tf } from "./src";\ntf.tensor([1, 2]).print();` },
    { execute: `await new Promise((resolve) => setTimeout(resolve, 500));` },
  ]);
  expect(results.map(({ status }) => status)).toEqual(["ok", "ok"]);
  expect(fs.readFileSync(memory, "utf8") === prepared).toBe(true);
});
