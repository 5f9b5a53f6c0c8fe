/**
 * An ordinary differential equation solved to an accuracy, not in a number of steps.
 */
import { interruptSignal, tf, yieldToEventLoop } from "../engine";
import type { Step } from "../step";

/** What the solver takes. */
export interface OdeOptions {
  /** dx/dt at (x, t): the shape of `x`, `[B, …D]`. */
  slope: (x: tf.Tensor, t: number) => tf.Tensor;
  /** Where to start, `[B, …D]`. It stays the caller's. */
  start: tf.Tensor;
  from: number;
  /** May lie below `from`: time then runs backwards. */
  to: number;
  /** Error allowed a step, as a part of |x|. Default 1e-5. */
  rtol?: number;
  /** Error allowed a step where x is near 0. Default 1e-5. */
  atol?: number;
  /**
   * How many of an example's numbers, group after group, have their error judged by themselves: where unlike
   * things stand side by side, a few of them would not count among many others. Default: one group of all.
   */
  groups?: readonly number[];
  /** Ends the solver cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/** Where the solver stands after a step that it accepted. */
export interface OdeStep extends Step {
  /** Steps in all, estimated from the present one's length; exact at the last. */
  readonly numSteps: number;
  readonly t: number;
  /** The state. It belongs to the solver, which frees it when the next step is asked for. */
  readonly x: tf.Tensor;
  /** Slopes computed so far, each of the whole batch. */
  readonly nfe: number;
  /** Steps thrown away so far because their error was too large. */
  readonly rejected: number;
}

/** A step became too short to move the time: the equation is too stiff for the tolerances, or not finite. */
export class StepSizeError extends Error {
  override readonly name = "StepSizeError";
}

/** Butcher's table of the method: where each of seven slopes is taken, and from which of those before. */
const NODES = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1] as const;
const STAGES: readonly (readonly number[])[] = [
  [],
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
/** Fifth order minus fourth: what a step's error is estimated by. */
const ERROR = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/** A step this many times shorter than |t| and the interval cannot be told from none in float32. */
const SHORTEST = 1e-6;

/**
 * The method of Dormand & Prince (1980), RK45, eq. (F2): seven slopes a step, combined to an answer of fifth
 * order and to one of fourth, whose difference estimates the error. A step whose error exceeds
 * atol + rtol |x| (root mean square over the numbers of a group, in the worst group of the worst example) is
 * thrown away and tried shorter; else the next one is made as long as the error allows. The last slope of a
 * step is the first of the next, so that an accepted step costs six.
 *
 * @throws RangeError for tolerances that are not positive, an interval that is not finite, groups that do not fit
 * @throws StepSizeError where a step would have to be so short that time stands still
 */
export async function* dormandPrince(
  options: OdeOptions,
): AsyncGenerator<OdeStep, void, undefined> {
  const { slope, from, to, rtol = 1e-5, atol = 1e-5, signal = interruptSignal() } = options;
  const size = tf.util.sizeFromShape(options.start.shape.slice(1));
  const { groups = [size] } = options;
  requireOdeOptions({ from, to, rtol, atol });
  requireGroups(groups, size);
  let t = from;
  let h = (to - from) / 100;
  let [step, nfe, rejected] = [0, 1, 0];
  let x = options.start.clone();
  let k: tf.Tensor | undefined;
  try {
    while (t !== to && !signal.aborted) {
      if (Math.abs(to - t) <= Math.abs(h) * 1.001) h = to - t;
      k ??= tf.tidy(() => slope(x, t));
      const tried = attempt(slope, { x, t, h, k });
      nfe += 6;
      const error = errorOf(tried.error, x, tried.x, { rtol, atol, groups });
      tried.error.dispose();
      const accepted = error <= 1; // NaN is not
      if (accepted) {
        tf.dispose([x, k]);
        ({ x, k } = tried);
        t = h === to - t ? to : t + h;
        step++;
        const left = Math.ceil(Math.abs(to - t) / Math.abs(h));
        yield { step, numSteps: step + left, t, x, nfe, rejected };
      } else {
        tf.dispose([tried.x, tried.k]);
        rejected++;
      }
      h *= growth(error);
      if (t !== to) requireStep(h, t, to - from, error);
      await yieldToEventLoop();
    }
  } finally {
    tf.dispose([x, k ?? []]);
  }
}

interface Place {
  x: tf.Tensor;
  t: number;
  h: number;
  /** The slope at (x, t). */
  k: tf.Tensor;
}

/** One step, accepted or not: the new state, the slope there, and the estimated error. */
function attempt(
  slope: OdeOptions["slope"],
  { x, t, h, k }: Place,
): { x: tf.Tensor; k: tf.Tensor; error: tf.Tensor } {
  return tf.tidy(() => {
    const slopes = [k];
    let next = x;
    for (let i = 1; i < NODES.length; i++) {
      next = x.add(combination(STAGES[i] as readonly number[], slopes, h));
      slopes.push(slope(next, t + (NODES[i] as number) * h));
    }
    // The last stage is the answer of fifth order itself.
    return { x: next, k: slopes[6] as tf.Tensor, error: combination(ERROR, slopes, h) };
  });
}

/** h Σ wᵢ kᵢ */
function combination(
  weights: readonly number[],
  slopes: readonly tf.Tensor[],
  h: number,
): tf.Tensor {
  const terms = slopes.map((k, i) => ({ k, weight: weights[i] ?? 0 }));
  return tf.addN(
    terms.filter(({ weight }) => weight !== 0).map(({ k, weight }) => k.mul(h * weight)),
  );
}

/** Error over what is allowed: at most 1 is good enough. */
function errorOf(
  error: tf.Tensor,
  before: tf.Tensor,
  after: tf.Tensor,
  { rtol, atol, groups }: { rtol: number; atol: number; groups: readonly number[] },
): number {
  const worst = tf.tidy(() => {
    const allowed = tf.maximum(before.abs(), after.abs()).mul(rtol).add(atol);
    const squares = error.div(allowed).square();
    const parts = tf.split(squares.reshape([error.shape[0] ?? 0, -1]), [...groups], 1);
    return tf
      .stack(parts.map((part) => part.mean(1)))
      .max()
      .sqrt()
      .dataSync();
  });
  return worst[0] ?? NaN;
}

/** How much longer the next step is: for a method of order five the error goes with the fifth power of h. */
function growth(error: number): number {
  if (Number.isNaN(error)) return 0.2;
  return Math.min(5, Math.max(0.2, 0.9 * error ** (-1 / 5)));
}

function requireStep(h: number, t: number, interval: number, error: number): void {
  if (Math.abs(h) >= SHORTEST * Math.min(Math.abs(interval), Math.max(Math.abs(t), 1e-30))) return;
  throw new StepSizeError(
    `At t = ${t} a step would have to be shorter than ${Math.abs(h).toExponential(1)}` +
      (Number.isFinite(error)
        ? ": the equation is too stiff there for these tolerances. Larger rtol and atol, or an interval " +
          "that ends earlier, may help."
        : ": the slope is not finite there."),
  );
}

function requireGroups(groups: readonly number[], size: number): void {
  const whole = groups.every((count) => Number.isInteger(count) && count > 0);
  const sum = groups.reduce((total, count) => total + count, 0);
  if (!whole || sum !== size) {
    throw new RangeError(
      `groups must be whole numbers > 0 whose sum is ${size}, the numbers of an example; ` +
        `got [${groups.join(", ")}].`,
    );
  }
}

function requireOdeOptions(options: Record<"from" | "to" | "rtol" | "atol", number>): void {
  for (const name of ["rtol", "atol"] as const) {
    if (!(options[name] > 0) || !Number.isFinite(options[name])) {
      throw new RangeError(`${name} must be a number > 0; got ${options[name]}. Try 1e-4.`);
    }
  }
  for (const name of ["from", "to"] as const) {
    if (!Number.isFinite(options[name])) {
      throw new RangeError(`${name} must be a finite number; got ${options[name]}.`);
    }
  }
}
