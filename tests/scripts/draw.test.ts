import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  beginInterruptScope,
  exponentialSde,
  raiseInterrupt,
  sample,
  tf,
  type Score,
} from "../../src";
import { draw } from "../../scripts/draw";
import { SAMPLERS, samplerOf } from "../../scripts/samplers";

const sde = exponentialSde();

/** The exact score of images of N(0, I), that counts how often it is asked, and for how many images. */
function countingScore(): { score: Score; calls: number[] } {
  const calls: number[] = [];
  const score: Score = (x, t) => {
    calls.push(x.shape[0] ?? 0);
    return tf.tidy(() => {
      const variance = 1 + sde.stdAt(t.dataSync()[0] ?? NaN) ** 2;
      return x.div(-variance);
    });
  };
  return { score, calls };
}

let tensorsBefore: number;
beforeEach(() => {
  beginInterruptScope();
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

/** Langevin steps alone follow the noise down only where it falls by less than a fortieth from one to the next. */
const STEPS_ENOUGH = new Map([["annealed-langevin", 400]]);

describe.each(Object.entries(SAMPLERS))("--sampler %s", (name, sampler) => {
  it("draws all batches whole, and counts its score evaluations", async () => {
    const { score, calls } = countingScore();
    const numSteps = STEPS_ENOUGH.get(name) ?? 4;
    const drawn = await draw({ sde, score, sampler, numSteps, count: 5, batch: 2, seed: 1 });
    expect(drawn.samples.shape).toEqual([5, 28, 28, 1]);
    const evaluated = calls.reduce((sum, images) => sum + images, 0);
    expect(drawn.nfe).toBeCloseTo(evaluated / 5, 9);
    if (name !== "flow") expect(drawn.numSteps).toBe(numSteps);
    // No noise is left: every number was drawn down from a standard deviation of 10 to about 1.
    const std = Math.sqrt(tf.tidy(() => tf.moments(drawn.samples).variance.dataSync()[0] ?? NaN));
    expect(std).toBeGreaterThan(0.3);
    expect(std).toBeLessThan(3);
    drawn.samples.dispose();
  });
});

describe("draw", () => {
  it("draws each batch from its own seed, the first of seed 0 from 0", async () => {
    const { score } = countingScore();
    const sampler = samplerOf("ddim");
    const { samples } = await draw({ sde, score, sampler, count: 3, batch: 2, seed: 0 });
    const first = await sample(sampler({ sde, score, shape: [2, 28, 28, 1], seed: 0 }));
    const second = await sample(sampler({ sde, score, shape: [1, 28, 28, 1], seed: 1 }));
    const both = tf.concat([first, second]);
    expect(samples.dataSync()).toEqual(both.dataSync());
    tf.dispose([samples, first, second, both]);
  });

  it("says how far it came when interrupted, and keeps nothing", async () => {
    let calls = 0;
    const score: Score = (x) => {
      if (++calls === 7) raiseInterrupt();
      return x.mul(-0.01);
    };
    const sampler = samplerOf("em");
    const drawing = draw({ sde, score, sampler, numSteps: 5, count: 6, batch: 2, seed: 0 });
    await expect(drawing).rejects.toThrow(/Interrupted after 2 of 6 digits/);
  });
});

describe("samplerOf", () => {
  it.each(["nope", "", "toString"])("refuses %j and names what there is", (name) => {
    expect(() => samplerOf(name)).toThrow(RangeError);
    expect(() => samplerOf(name)).toThrow(/em \| pc \|.* dpm2m/);
  });
});
