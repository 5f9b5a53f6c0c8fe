import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { executeNotebook } from "../../scripts/lib/notebooks.mjs";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "execute-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));

interface Notebook {
  cells: { id: string; metadata: object; outputs?: { text?: string[] }[] }[];
  metadata: { kernelspec: { name: string } };
}

/** Writes a notebook of code cells, as an editor leaves it; the first cell is Markdown. */
function writeNotebook(name: string, ...sources: string[]): string {
  const file = path.join(dir, name);
  const code = sources.map((source) => ({
    cell_type: "code",
    execution_count: 7,
    metadata: { execution: { "iopub.status.busy": "2026-01-01T00:00:00Z" } },
    outputs: [{ output_type: "stream", name: "stdout", text: "of another day\n" }],
    source,
  }));
  const cells = [{ cell_type: "markdown", metadata: {}, source: "# A title" }, ...code];
  fs.writeFileSync(file, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 4 }));
  return file;
}

const read = (file: string) => JSON.parse(fs.readFileSync(file, "utf8")) as Notebook;

describe("a notebook", { timeout: 300_000 }, () => {
  it("is executed on the course's kernel, and a second run changes no byte", async () => {
    const source = writeNotebook("fine.ipynb", 'console.log("1 + 1 =", 1 + 1);');
    const once = path.join(dir, "once/fine.ipynb");
    const twice = path.join(dir, "twice/fine.ipynb");
    expect(await executeNotebook(source, once)).toMatchObject({ problem: null });
    expect(await executeNotebook(once, twice)).toMatchObject({ problem: null });
    const { cells, metadata } = read(once);
    expect(cells[1]?.outputs?.map(({ text }) => text)).toEqual([["1 + 1 = 2\n"]]);
    expect(cells.map(({ metadata }) => metadata)).toEqual([{}, {}]);
    expect(metadata.kernelspec.name).toBe("score-sde");
    expect(fs.readFileSync(twice, "utf8")).toBe(fs.readFileSync(once, "utf8"));
  });

  it("that throws is told with the cell's number and the error", async () => {
    const source = writeNotebook("bad.ipynb", "const a = 1;", 'throw new RangeError("eps is 2");');
    const { problem } = await executeNotebook(source, path.join(dir, "out.ipynb"));
    expect(problem).toMatch(/^cell 3: /);
    expect(problem).toContain("RangeError: eps is 2");
  });

  it("with a type error is told as well", async () => {
    const source = writeNotebook("type.ipynb", 'const a: number = "one";');
    const { problem } = await executeNotebook(source, path.join(dir, "out.ipynb"));
    expect(problem).toMatch(/^cell 2: [^]*Type 'string' is not assignable to type 'number'/);
  });

  it("with a native library's log line among its outputs fails", async () => {
    const line =
      "I0000 00:00:1795420765.073706    9936 port.cc:153] oneDNN custom operations are on.";
    const source = writeNotebook("native.ipynb", `console.error(${JSON.stringify(line)});`);
    const { problem } = await executeNotebook(source, path.join(dir, "out.ipynb"));
    expect(problem).toBe(`cell 2: a native library's log line in stderr: ${line}`);
  });
});
