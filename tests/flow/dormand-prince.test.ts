import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dormandPrince, StepSizeError, tf, type OdeOptions, type OdeStep } from "../../src";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

type Slope = OdeOptions["slope"];

const decay: Slope = (x) => x.neg();
/** Turns points of the plane about the origin, once in 2π. */
const rotation: Slope = (x) => {
  const [x1, x2] = tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor];
  return tf.concat([x2.neg(), x1], 1);
};

/** What is kept of a step: the numbers of its state instead of the tensor. */
type Seen = Omit<OdeStep, "x"> & { x: number[] };

/** Solves from rows of numbers to the end and keeps every step. */
async function solve(
  slope: Slope,
  rows: number[][],
  options: Omit<OdeOptions, "slope" | "start">,
): Promise<{ steps: Seen[]; x: number[]; last: Seen }> {
  const start = tf.tensor2d(rows);
  const steps: Seen[] = [];
  try {
    for await (const s of dormandPrince({ slope, start, ...options })) {
      steps.push({ ...s, x: Array.from(s.x.dataSync()) });
    }
  } finally {
    start.dispose();
  }
  const last = steps.at(-1) as Seen;
  return { steps, last, x: last.x };
}

function largestError(actual: readonly number[], expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] as number))));
}

/** So loose that every step is accepted and five times as long as the one before. */
const anyStep = { rtol: 1e9, atol: 1e9 };
/** The steps that are then taken over an interval of length 1: a hundredth, 5, 25, and what is left. */
const GROWING = [0.01, 0.05, 0.25, 0.69];

describe("one step of the method", () => {
  it.each([0, 1, 2, 3, 4])("integrates t^%i without error, however long it is", async (power) => {
    const slope: Slope = (x, t) => tf.fill(x.shape, (power + 1) * t ** power);
    const { x, steps } = await solve(slope, [[0]], { from: 0, to: 1, ...anyStep });
    expect(steps).toHaveLength(GROWING.length);
    // Float32 keeps seven digits, and four steps add up.
    expect(x[0]).toBeCloseTo(1, 6);
  });

  it("but not t⁵: it is of fifth order, not of a higher one", async () => {
    const slope: Slope = (x, t) => tf.fill(x.shape, 6 * t ** 5);
    const { x } = await solve(slope, [[0]], { from: 0, to: 1, ...anyStep });
    expect(Math.abs((x[0] as number) - 1)).toBeGreaterThan(1e-5);
  });

  it("multiplies the solution of dx/dt = −x by the method's stability polynomial", async () => {
    // Fifth order gives exp's series to z⁵; what the method adds is z⁶/600 (Hairer, Nørsett, Wanner, II.4).
    const factor = (z: number): number =>
      1 + z + z ** 2 / 2 + z ** 3 / 6 + z ** 4 / 24 + z ** 5 / 120 + z ** 6 / 600;
    const rate = 3;
    const slope: Slope = (x) => x.mul(-rate);
    const { x } = await solve(slope, [[1]], { from: 0, to: 1, ...anyStep });
    const expected = GROWING.reduce((product, h) => product * factor(-rate * h), 1);
    // exp(−3) differs from it by 5e-3 of it, so that the polynomial's terms are seen.
    expect(Math.abs(expected / Math.exp(-rate) - 1)).toBeGreaterThan(5e-3);
    expect(Math.abs((x[0] as number) / expected - 1)).toBeLessThan(2e-6);
  });
});

describe("an equation whose solution is known", () => {
  it.each<[string, Slope, number[][], number, number, number[]]>([
    ["dx/dt = −x", decay, [[1], [-2]], 0, 3, [Math.exp(-3), -2 * Math.exp(-3)]],
    ["dx/dt = x, which is its own slope", (x) => x, [[1]], 0, 2, [Math.exp(2)]],
    ["a full turn", rotation, [[1, 2]], 0, 2 * Math.PI, [1, 2]],
    ["x cos t", (x, t) => x.mul(Math.cos(t)), [[1]], 0, 5, [Math.exp(Math.sin(5))]],
    ["x (1 − x)", (x) => x.mul(tf.sub(1, x)), [[0.1]], 0, 4, [1 / (1 + 9 * Math.exp(-4))]],
    ["dx/dt = −x, back", decay, [[1]], 3, 0, [Math.exp(3)]],
    ["x cos t, back", (x, t) => x.mul(Math.cos(t)), [[1]], 2, -1, [Math.exp(-1.75076819)]],
  ])("%s", async (_, slope, rows, from, to, expected) => {
    const options = { from, to, rtol: 1e-6, atol: 1e-6 };
    const { x, last } = await solve(slope, rows, options);
    // Each step may err by 1e-6 (1 + |x|), and none of these equations carries an error to the end
    // more than three times as large, measured by the larger of start and end.
    const scale = 1 + Math.max(...[...rows.flat(), ...expected].map(Math.abs));
    expect(largestError(x, expected)).toBeLessThan(3 * last.step * 1e-6 * scale);
    expect(last.t).toBe(to);
  });

  it("leads back to where it began", async () => {
    const out = await solve(rotation, [[1, 2]], { from: 0.3, to: 4 });
    const back = await solve(rotation, [out.x], { from: 4, to: 0.3 });
    const steps = out.last.step + back.last.step;
    expect(largestError(back.x, [1, 2])).toBeLessThan(steps * 1e-5 * 3.3);
    expect(largestError(out.x, [1, 2])).toBeGreaterThan(1); // it had gone somewhere
  });

  it.each([1e-2, 1e-3, 1e-4, 1e-5, 1e-6])("errs by what is allowed, %d", async (tolerance) => {
    const options = { from: 0, to: 2 * Math.PI, rtol: tolerance, atol: tolerance };
    const { x, last } = await solve(rotation, [[1, 2]], options);
    // A rotation keeps errors as they are, so that they add up at most. A step's root mean square of two
    // numbers may be tolerance (1 + √5), so one of them √2 times that.
    const allowed = last.step * tolerance * (1 + Math.sqrt(5)) * Math.SQRT2;
    const error = largestError(x, [1, 2]);
    expect(error).toBeLessThan(allowed);
    // It does not waste steps, either: an error a thousand times below what is allowed would say so.
    expect(error).toBeGreaterThan(allowed / 1000);
  });

  it("takes more steps for a smaller tolerance, with a fifth root", async () => {
    const count = async (tolerance: number): Promise<number> => {
      const options = { from: 0, to: 20, rtol: tolerance, atol: tolerance };
      return (await solve(rotation, [[1, 2]], options)).last.step;
    };
    const [loose, tight] = [await count(1e-2), await count(1e-5)];
    // 1000^(1/5) = 4; the first steps, grown from a hundredth of the interval, blur it.
    expect(tight / loose).toBeGreaterThan(2.5);
    expect(tight / loose).toBeLessThan(6);
  });

  it("asks for accuracy in the worst example of a batch, not on average", async () => {
    const slopeAt =
      (rates: number[]): Slope =>
      (x) =>
        x.mul(tf.tensor2d(rates, [rates.length, 1]));
    const options = { from: 0, to: 1, rtol: 1e-4, atol: 1e-4 };
    const alone = await solve(slopeAt([-30]), [[1]], options);
    const easy = new Array<number>(99).fill(-0.1);
    const rows = [-30, ...easy].map(() => [1]);
    const among = await solve(slopeAt([-30, ...easy]), rows, options);
    expect(among.last.nfe).toBe(alone.last.nfe);
    expect(Math.abs((among.x[0] as number) - Math.exp(-30))).toBeLessThan(1e-3);
  });

  it("judges groups of numbers by themselves, so that one is not lost among many", async () => {
    // One number that turns quickly beside 99 that hardly move.
    const rates = tf.tensor2d([[-30, ...new Array<number>(99).fill(-0.1)]]);
    const slope: Slope = (x) => x.mul(rates);
    const start = [new Array<number>(100).fill(1)];
    const options = { from: 0, to: 1, rtol: 1e-4, atol: 1e-4 };
    const asOne = await solve(slope, start, options);
    const apart = await solve(slope, start, { ...options, groups: [1, 99] });
    rates.dispose();
    const alone = await solve((x) => x.mul(-30), [[1]], options);
    expect(apart.last.nfe).toBe(alone.last.nfe);
    expect(asOne.last.nfe).toBeLessThan(alone.last.nfe);
  });

  it("measures the error against atol where x is near 0, against rtol where it is large", async () => {
    const steps = async (scale: number, rtol: number, atol: number): Promise<number> =>
      (await solve(rotation, [[scale, 0]], { from: 0, to: 6, rtol, atol })).last.step;
    const tight = await steps(1, 1e-6, 1e-6);
    expect(await steps(1e-3, 1e-9, 1e-3)).toBeLessThan(tight / 2); // atol is as large as x itself
    expect(await steps(1e4, 1e-6, 1e-9)).toBeGreaterThan(tight / 2);
    expect(await steps(1e4, 1e-2, 1e-9)).toBeLessThan(tight / 2);
  });
});

describe("what it says of its steps", () => {
  /** Its first step, a hundredth of the interval, is far too long: some are thrown away. */
  const fast: Slope = (x) => x.mul(-400);

  it.each([
    [0, 1],
    [1, 0.25],
    [-2, 2.5],
  ])("times go from %d to exactly %d, and never beyond", async (from, to) => {
    const asked: number[] = [];
    const slope: Slope = (x, t) => {
      asked.push(t);
      return tf.onesLike(x);
    };
    const { steps, last } = await solve(slope, [[0]], { from, to });
    const way = Math.sign(to - from);
    const times = [from, ...steps.map(({ t }) => t)];
    times.slice(1).forEach((t, i) => expect(way * (t - (times[i] as number))).toBeGreaterThan(0));
    expect(last.t).toBe(to);
    // A rounding error beyond the end is let pass: the last stage's time is t + (to − t).
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    for (const t of asked) expect(t).toBeGreaterThanOrEqual(low - 1e-12);
    for (const t of asked) expect(t).toBeLessThanOrEqual(high + 1e-12);
  });

  it("counts the steps from 1, and only at the last are they as many as there are", async () => {
    const { steps } = await solve(rotation, [[1, 0]], { from: 0, to: 9 });
    expect(steps.length).toBeGreaterThan(5);
    steps.forEach(({ step, numSteps }, i) => {
      expect(step).toBe(i + 1);
      if (i < steps.length - 1) expect(numSteps).toBeGreaterThan(step);
      else expect(numSteps).toBe(step);
    });
  });

  it("costs one slope at the start and six for each step, accepted or not", async () => {
    let calls = 0;
    const counted: Slope = (x, t) => {
      calls++;
      return fast(x, t);
    };
    const start = tf.ones([2, 3]);
    let rejected = 0;
    for await (const s of dormandPrince({ slope: counted, start, from: 0, to: 1 })) {
      expect(s.nfe).toBe(calls);
      expect(s.nfe).toBe(1 + 6 * (s.step + s.rejected));
      rejected = s.rejected;
    }
    start.dispose();
    expect(rejected).toBeGreaterThan(0);
  });

  it("keeps the shape, and leaves the start to the caller", async () => {
    const start = tf.ones([2, 4, 4, 1]);
    for await (const { x } of dormandPrince({ slope: decay, start, from: 0, to: 1 })) {
      expect(x.shape).toEqual([2, 4, 4, 1]);
    }
    expect(start.dataSync().every((value) => value === 1)).toBe(true);
    start.dispose();
  });

  it("takes no step where there is no way to go", async () => {
    const start = tf.ones([1, 1]);
    const steps = dormandPrince({ slope: decay, start, from: 0.5, to: 0.5 });
    expect(await steps.next()).toEqual({ done: true, value: undefined });
    start.dispose();
  });
});

describe("an equation that cannot be solved", () => {
  it("dx/dt = x² past its pole ends with an error that says where", async () => {
    const failure: unknown = await solve((x) => x.square(), [[1]], { from: 0, to: 2 }).catch(
      (e: unknown) => e,
    );
    // x = 1 / (1 − t): the pole is at 1.
    expect(failure).toBeInstanceOf(StepSizeError);
    const { message } = failure as StepSizeError;
    expect(message).toMatch(/At t = 0\.99999.* too stiff.*Larger rtol and atol/);
  });

  it.each<[string, Slope, number]>([
    ["NaN from the start", (x) => x.mul(NaN), 0],
    ["NaN from the start, at another time", (x) => x.mul(NaN), 0.3],
    ["NaN from t = ½ on", (x, t) => (t > 0.5 ? x.mul(NaN) : x), 0],
    ["an infinite slope", (x) => x.mul(Infinity), 0],
    ["∞ − ∞", (x) => x.mul(Infinity).sub(x.mul(Infinity)), 0],
  ])("%s ends with an error, not in a loop", async (_, slope, from) => {
    let calls = 0;
    const counted: Slope = (x, t) => {
      if (++calls > 2000) throw new Error("it goes on and on");
      return slope(x, t);
    };
    await expect(solve(counted, [[1]], { from, to: 1 })).rejects.toThrow(StepSizeError);
    await expect(solve(slope, [[1]], { from, to: 1 })).rejects.toThrow(/not finite there/);
  });

  it.each<[string, Partial<OdeOptions>, RegExp]>([
    ["rtol 0", { rtol: 0 }, /rtol must be a number > 0; got 0/],
    ["rtol −1", { rtol: -1 }, /rtol .* got -1/],
    ["rtol NaN", { rtol: NaN }, /rtol .* got NaN/],
    ["atol 0", { atol: 0 }, /atol must be a number > 0; got 0/],
    ["atol ∞", { atol: Infinity }, /atol .* got Infinity/],
    ["groups of too many", { groups: [1, 1] }, /groups .* whose sum is 1.* got \[1, 1\]/],
    ["an empty group", { groups: [1, 0] }, /groups must be whole numbers > 0/],
    ["from NaN", { from: NaN }, /from must be a finite number; got NaN/],
    ["to ∞", { to: Infinity }, /to must be a finite number; got Infinity/],
  ])("refuses %s and says so", async (_, options, message) => {
    const start = tf.ones([1, 1]);
    const steps = dormandPrince({ slope: decay, start, from: 0, to: 1, ...options });
    const failure: unknown = await steps.next().catch((e: unknown) => e);
    start.dispose();
    expect(failure).toBeInstanceOf(RangeError);
    expect((failure as RangeError).message).toMatch(message);
  });
});

describe("as a generator", () => {
  const long = { slope: rotation, from: 0, to: 1000 };

  it("ends after the current step once its signal is aborted", async () => {
    const controller = new AbortController();
    const start = tf.ones([1, 2]);
    let last = 0;
    for await (const s of dormandPrince({ ...long, start, signal: controller.signal })) {
      last = s.step;
      if (s.step === 4) controller.abort();
    }
    expect(last).toBe(4);
    start.dispose();
  });

  it("asks for no slope under a signal that is aborted already", async () => {
    const start = tf.ones([1, 2]);
    const slope: Slope = () => {
      throw new Error("asked");
    };
    const steps = dormandPrince({ ...long, slope, start, signal: AbortSignal.abort() });
    expect((await steps.next()).done).toBe(true);
    start.dispose();
  });

  it("holds two tensors, however long it runs, and none after a break", async () => {
    const start = tf.ones([1, 2]);
    const counts = new Set<number>();
    for await (const s of dormandPrince({ ...long, start })) {
      counts.add(tf.memory().numTensors);
      if (s.step === 500) break;
    }
    expect([...counts]).toEqual([tensorsBefore + 3]); // state, slope and the start
    expect(tf.memory().numTensors).toBe(tensorsBefore + 1);
    start.dispose();
  });

  it.each([1, 4, 10])("frees everything when slope number %i throws", async (bad) => {
    let calls = 0;
    const slope: Slope = (x) => {
      const value = x.neg();
      if (++calls === bad) throw new Error("the network is gone");
      return value;
    };
    await expect(solve(slope, [[1, 2]], { from: 0, to: 5 })).rejects.toThrow("network is gone");
  });
});
