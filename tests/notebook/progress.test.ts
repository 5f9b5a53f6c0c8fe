import { afterEach, describe, expect, it, vi } from "vitest";
import { beginInterruptScope, raiseInterrupt } from "../../src/engine/interrupt";
import { progress } from "../../src/notebook";
import type { Step } from "../../src/step";
import { useFakeKernel } from "./fake-kernel";

interface LossStep extends Step {
  loss: number;
}

/** Steps without end in sight, and whether the source was told to stop. */
function source(numSteps: number, failAt = Infinity) {
  const state = { taken: 0, closed: false };
  async function* steps(): AsyncGenerator<LossStep> {
    try {
      for (let step = 1; step <= numSteps; step++) {
        await Promise.resolve();
        if (step === failAt) throw new Error("no more digits");
        state.taken = step;
        yield { step, numSteps, loss: 8 / step };
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, steps: steps() };
}

afterEach(() => beginInterruptScope());

describe("progress", () => {
  const { outputs } = useFakeKernel();
  const lastLine = (): unknown => outputs[outputs.length - 1]?.data["text/plain"];

  it("passes every step through, in order", async () => {
    const seen: number[] = [];
    for await (const { step } of progress(source(5).steps)) seen.push(step);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it("ends as one line of text, in the place of the bar", async () => {
    for await (const step of progress(source(4).steps, { label: "training", interval: 0 }))
      void step;
    expect(lastLine()).toMatch(/^✓ training: 4 steps in \d\.\d s · \d+ steps\/s · loss 2$/);
    expect(Object.keys(outputs[outputs.length - 1]?.data ?? {})).toEqual(["text/plain"]);
    expect(new Set(outputs.map(({ id }) => id)).size).toBe(1);
    expect(outputs.map(({ update }) => update)).toEqual([false, true, true, true, true]);
  });

  it("shows bar, percent, rate, time gone and left, and the loss", async () => {
    const bars: unknown[] = [];
    for await (const step of progress(source(4).steps, { label: "a < b", interval: 0 })) {
      void step;
      bars.push(outputs[outputs.length - 1]?.data["text/plain"]);
      const html = outputs[outputs.length - 1]?.data["text/html"];
      expect(html).toContain("a &lt; b");
      expect(html).toContain("<progress");
    }
    expect(bars[1]).toMatch(
      /^a < b \[#{10}-{10}\] 50 % · 2 of 4 · .*steps\/s · .* gone · .* left · loss 4$/,
    );
  });

  it("describes the step as asked", async () => {
    const describe = ({ loss }: LossStep): string => `half ${loss / 2}`;
    for await (const step of progress(source(4).steps, { describe })) void step;
    expect(lastLine()).toMatch(/ · half 1$/);
  });

  it("draws now and then, however many steps there are", async () => {
    for await (const step of progress(source(10_000).steps, { interval: 1e9 })) void step;
    expect(outputs).toHaveLength(2);
  });

  it("lets timers and messages in, also where the source does not", async () => {
    let fired = 0;
    setImmediate(() => (fired = 1));
    let seen = 0;
    for await (const step of progress(source(3).steps, { interval: 0 }))
      seen = fired + 0 * step.step;
    expect(seen).toBe(1);
  });

  it("closes the source after a break", async () => {
    const { state, steps } = source(1000);
    for await (const { step } of progress(steps, { label: "training" })) if (step === 7) break;
    expect(state).toEqual({ taken: 7, closed: true });
    expect(lastLine()).toMatch(/^■ training: stopped at step 7 of 1000, /);
  });

  it("closes the source after an error in the loop's body", async () => {
    const { state, steps } = source(1000);
    const loop = async (): Promise<void> => {
      for await (const { step } of progress(steps)) if (step === 3) throw new Error("mine");
    };
    await expect(loop()).rejects.toThrow("mine");
    expect(state).toEqual({ taken: 3, closed: true });
    expect(lastLine()).toMatch(/^■ stopped at step 3 of 1000/);
  });

  it("hands the source's error on", async () => {
    const loop = async (): Promise<void> => {
      for await (const step of progress(source(1000, 3).steps)) void step;
    };
    await expect(loop()).rejects.toThrow("no more digits");
    expect(lastLine()).toMatch(/^✗ failed after step 2 of 1000/);
  });

  it("ends after the current step of an interrupt, with no error", async () => {
    const { state, steps } = source(1000);
    for await (const { step } of progress(steps)) if (step === 5) raiseInterrupt();
    expect(state).toEqual({ taken: 5, closed: true });
    expect(lastLine()).toMatch(/^■ stopped at step 5 of 1000/);
  });

  it("takes no step once interrupted, and closes the source all the same", async () => {
    const { state, steps } = source(1000);
    await steps.next();
    raiseInterrupt();
    for await (const step of progress(steps)) expect(step).toBeUndefined();
    expect(state).toEqual({ taken: 1, closed: true });
    expect(lastLine()).toBe("■ ended before the first step");
  });

  it("keeps to the signal of the cell it was called in", async () => {
    const { state, steps } = source(1000);
    const loop = progress(steps);
    raiseInterrupt();
    beginInterruptScope();
    for await (const step of loop) expect(step).toBeUndefined();
    expect(state.taken).toBe(0);
  });

  it("listens to another signal where it is given one", async () => {
    const controller = new AbortController();
    const { state, steps } = source(1000);
    for await (const { step } of progress(steps, { signal: controller.signal })) {
      if (step === 2) raiseInterrupt();
      if (step === 4) controller.abort();
    }
    expect(state.taken).toBe(4);
  });

  it("counts the rate from where resumed work began", async () => {
    async function* resumed(): AsyncGenerator<Step> {
      for (let step = 901; step <= 902; step++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        yield { step, numSteps: 1000 };
      }
    }
    for await (const step of progress(resumed())) void step;
    const [, rate] = /· ([\d.]+) steps\/s/.exec(String(lastLine())) ?? [];
    expect(Number(rate)).toBeLessThan(11);
    expect(lastLine()).toContain("stopped at step 902 of 1000");
  });
});

describe("progress outside of the notebook", () => {
  const run = async (isTTY: boolean): Promise<string> => {
    const written: string[] = [];
    const before = process.stderr.isTTY;
    const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    process.stderr.isTTY = isTTY;
    try {
      for await (const step of progress(source(2).steps, { label: "sampling" })) void step;
    } finally {
      process.stderr.isTTY = before;
      write.mockRestore();
    }
    return written.join("");
  };

  it("draws its bar on a terminal", async () => {
    const written = await run(true);
    expect(written).toContain("sampling [##########----------] 50 %");
    expect(written).toMatch(/✓ sampling: 2 steps in .*\n$/);
  });

  it("is silent in a file or a pipe", async () => {
    expect(await run(false)).toBe("");
  });
});
