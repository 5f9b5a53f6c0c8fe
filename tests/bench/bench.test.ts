/**
 * That the benchmark runs, not how fast anything is.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src";
import { packageScript } from "../../scripts/lib/paths.mjs";
import { Contestant, type Work } from "../../bench/contestant";
import { spread } from "../../bench/statistics";

const GOLDEN = "tests/fixtures/scorenet-golden.safetensors";

describe("this library as a contestant", () => {
  let ours: Contestant;
  beforeAll(async () => {
    const args = [packageScript("tsx/dist/cli.mjs"), "bench/ours.ts", GOLDEN];
    ours = await Contestant.start(process.execPath, args, {});
  });
  afterAll(() => ours.stop());

  it("says what it is, and gives the scores of the checkpoint's network", async () => {
    expect(ours.name).toMatch(/^this library, TensorFlow \d/);
    const { tensors } = await readSafetensors(GOLDEN);
    const numbers = (name: string): number[] => Array.from(tensors.get(name)?.data ?? [], Number);
    const [x, t, expected] = [numbers("io.xt"), numbers("io.t"), numbers("io.score")];
    const { scores } = await ours.ask({ work: "agreement", x, t });
    expect(scores).toHaveLength(expected.length);
    const scale = Math.max(...expected.map(Math.abs));
    for (const [i, score] of scores.entries()) {
      expect(Math.abs(score - (expected[i] ?? NaN)) / scale).toBeLessThan(1e-4);
    }
  });

  it.each<Work>(["trainingStep", "scoreEvaluation", "eulerMaruyama", "predictorCorrector"])(
    "does its %s as often as asked",
    async (work) => {
      const { ms } = await ours.ask({ work, batch: 1, count: 2 });
      expect(ms).toHaveLength(2);
      expect(ms.every((time) => time > 0)).toBe(true);
    },
  );

  it("watches its memory", async () => {
    const { start, peak, resident } = await ours.ask({ work: "memory", batch: 2, steps: 20 });
    expect(resident).toHaveLength(10);
    expect(peak).toBeGreaterThanOrEqual(Math.max(start, ...resident) - 1);
  });
});

it("says so where a contestant ends without an answer", async () => {
  await expect(Contestant.start(process.execPath, ["-e", ""], {})).rejects.toThrow(
    /ended without an answer/,
  );
});

it("tells the median, the smallest and the largest", () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
});
