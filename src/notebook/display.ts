/**
 * Sends outputs to the notebook: the only file that knows tslab.
 *
 * tslab 1.0.22's public `display` sends one MIME type at a time. A figure needs several in one bundle
 * (interactive where the page runs scripts, a PNG where it does not), and so this file uses the
 * internal function behind it, `lastWriteDisplayData` of `tslab/dist/jupyter`. package.json pins the
 * version; tests/kernel runs against it.
 */
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";

/** The same content in several forms, by MIME type; the page shows the richest that it can. */
export type Bundle = Readonly<Record<string, unknown>>;

type WriteDisplayData = (
  content: { data: Bundle; metadata: Bundle; transient: { display_id?: string } },
  update: boolean,
) => void;

/** Whether this process is the notebook's kernel. */
export function inNotebook(): boolean {
  return writer() !== undefined;
}

function writer(): WriteDisplayData | undefined {
  // Set by tslab's executor. Asked first, because loading tslab loads a TypeScript compiler.
  if (!("__tslab__" in globalThis)) return undefined;
  const jupyter = createRequire(__filename)("tslab/dist/jupyter") as {
    lastWriteDisplayData: WriteDisplayData | null;
  };
  return jupyter.lastWriteDisplayData ?? undefined;
}

/** Adds an output to the running cell. Outside the notebook: nothing. */
export function display(data: Bundle): void {
  writer()?.({ data, metadata: {}, transient: {} }, false);
}

/** A place in a cell's outputs whose content can be replaced. */
export class DisplaySlot {
  private readonly id = randomBytes(8).toString("hex");
  private shown = false;

  /** Shows the content, in the place of what was there before. Outside the notebook: nothing. */
  set(data: Bundle): void {
    writer()?.({ data, metadata: {}, transient: { display_id: this.id } }, this.shown);
    this.shown = true;
  }
}

/**
 * Has `task` run, and waited for, before the running cell counts as finished: what must be in the saved
 * notebook whether the cell ends by itself, by a `break`, an error or an interrupt. Outside the
 * project's kernel, which provides it: nothing.
 */
export function atCellEnd(task: () => Promise<void>): void {
  interface Cell {
    endings: (() => Promise<void>)[];
  }
  const store = globalThis as unknown as Record<symbol, Cell | undefined>;
  store[Symbol.for("score-sde.cell")]?.endings.push(task);
}

/** What a figure or table is outside the notebook: one line on stderr. */
export function printLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
