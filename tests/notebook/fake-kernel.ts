/**
 * Makes this process look like the kernel to src/notebook: what would go to the page is collected.
 * tests/kernel has the real one.
 */
import { createRequire } from "node:module";
import { afterEach, beforeEach } from "vitest";

export interface Shown {
  data: Record<string, unknown>;
  update: boolean;
  id: string | undefined;
}

interface Content {
  data: Record<string, unknown>;
  transient: { display_id?: string };
}

const store = globalThis as unknown as Record<string | symbol, unknown>;
const CELL = Symbol.for("score-sde.cell");

/** Collects outputs while the tests of the calling block run. */
export function useFakeKernel(): { outputs: Shown[]; endCell(): Promise<void> } {
  const jupyter = createRequire(__filename)("tslab/dist/jupyter") as Record<string, unknown>;
  const outputs: Shown[] = [];
  let endings: (() => Promise<void>)[] = [];
  beforeEach(() => {
    outputs.length = 0;
    endings = [];
    store["__tslab__"] = {};
    store[CELL] = { endings };
    jupyter["lastWriteDisplayData"] = ({ data, transient }: Content, update: boolean) =>
      outputs.push({ data, update, id: transient.display_id });
  });
  afterEach(() => {
    delete store["__tslab__"];
    delete store[CELL];
    jupyter["lastWriteDisplayData"] = null;
  });
  return {
    outputs,
    async endCell() {
      for (const end of endings) await end();
    },
  };
}
