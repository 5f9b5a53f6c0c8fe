import { describe, expect, it } from "vitest";
import {
  beginInterruptScope,
  engineInfo,
  interruptSignal,
  nativeOp,
  raiseInterrupt,
  Random,
  tf,
  yieldToEventLoop,
} from "../../src";

describe("the engine", () => {
  it("is native TensorFlow, and says so", () => {
    const info = engineInfo();
    expect(info.backend).toBe("tensorflow");
    expect(info.tensorflowVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(["CPU", "GPU"]).toContain(info.device);
    expect(info.threads).toBeGreaterThanOrEqual(1);
  });

  it("computes", () => {
    expect(tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0])).toBe(11);
  });

  it("calls operations that tfjs does not wrap, and names an unknown one", () => {
    const cumulated = tf.tidy(() =>
      nativeOp("Xlog1py", [tf.tensor1d([2]), tf.tensor1d([1])], {
        T: { type: "dtype", value: "float32" },
      })[0]?.dataSync(),
    );
    expect(cumulated?.[0]).toBeCloseTo(2 * Math.log(2), 6);
    expect(() => nativeOp("NoSuchOperation", [], {})).toThrow(/NoSuchOperation/);
  });
});

describe("Random", () => {
  const draw = (random: Random): number[] =>
    tf.tidy(() => Array.from(random.normal([5]).dataSync()));

  it("repeats for the same seed and differs for another", () => {
    expect(draw(new Random(1))).toEqual(draw(new Random(1)));
    expect(draw(new Random(1))).not.toEqual(draw(new Random(2)));
  });

  it("goes on exactly from a saved state, and back", () => {
    const random = new Random(3);
    draw(random);
    const { state } = random;
    const next = draw(random);
    expect(draw(new Random(state.seed, state.counter))).toEqual(next);
    random.rewind(state);
    expect(draw(random)).toEqual(next);
  });

  it("draws standard normals and uniforms in their range", () => {
    tf.tidy(() => {
      const random = new Random(4);
      const { mean, variance } = tf.moments(random.normal([200_000]));
      expect(Math.abs(mean.dataSync()[0] ?? NaN)).toBeLessThan(0.01);
      expect(Math.abs((variance.dataSync()[0] ?? NaN) - 1)).toBeLessThan(0.015);
      const uniform = random.uniform([200_000], 2, 4);
      expect(uniform.min().dataSync()[0]).toBeGreaterThanOrEqual(2);
      expect(uniform.max().dataSync()[0]).toBeLessThanOrEqual(4);
      expect(Math.abs((uniform.mean().dataSync()[0] ?? NaN) - 3)).toBeLessThan(0.01);
    });
  });

  it("permutes: every number once, every place alike", () => {
    const random = new Random(5);
    expect(Array.from(random.permutation(1000)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const counts = new Array<number>(4).fill(0);
    for (let i = 0; i < 4000; i++) counts[random.permutation(4)[0] ?? 0]!++;
    // 1000 expected, standard deviation √(4000 · ¼ · ¾) = 27.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(Array.from(random.permutation(0))).toEqual([]);
  });

  it("refuses seeds and shapes that are none", () => {
    expect(() => new Random(0.5)).toThrow(/seed must be a whole number/);
    expect(() => new Random(2 ** 31)).toThrow(RangeError);
    expect(() => new Random(1, -1)).toThrow(/counter/);
    expect(() => new Random(1).normal([-1])).toThrow(/A shape is a list/);
    expect(() => new Random(1).uniform([2], 1, 0)).toThrow(/low must not exceed high/);
  });
});

describe("interrupting", () => {
  it("aborts the signal of this cell and not that of the next", () => {
    beginInterruptScope();
    const signal = interruptSignal();
    raiseInterrupt("stop");
    expect(signal.aborted).toBe(true);
    beginInterruptScope();
    expect(interruptSignal().aborted).toBe(false);
  });

  it("lets timers in between steps", async () => {
    let fired = false;
    setTimeout(() => (fired = true), 1);
    // A step of work, after which the timer is due.
    const end = performance.now() + 5;
    while (performance.now() < end);
    await Promise.resolve();
    expect(fired, "a plain await lets nothing in").toBe(false);
    // From wherever in the event loop this runs, two turns pass its timers once.
    await yieldToEventLoop();
    await yieldToEventLoop();
    expect(fired).toBe(true);
  });
});
