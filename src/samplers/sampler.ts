/**
 * What every sampler takes and yields.
 */
import { interruptSignal, Random, type tf } from "../engine";
import type { Score, Sde } from "../sde";
import type { Step } from "../step";

/** What every sampler that runs a reverse SDE takes. */
export interface SamplerOptions {
  /** The forward process whose reverse is run. */
  sde: Sde;
  /** The score of its marginals: a trained network's, or an exact one. */
  score: Score;
  /** Shape of what to draw, `[B, …D]`: `[64, 28, 28, 1]` for 64 digits. */
  shape: readonly number[];
  /** Steps from t = 1 down to `eps`, a whole number ≥ 1. Default 500. */
  numSteps?: number;
  /** The time to stop at, in (0, 1). Default 1e-3. */
  eps?: number;
  /** Governs the first noise and every later one. Default 0. */
  seed?: number;
  /** Ends the sampler cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/** Where a sampler stands after a step. */
export interface SamplerStep extends Step {
  /** The time reached. */
  readonly t: number;
  /**
   * The state at that time. It belongs to the sampler, which frees it when the next step is asked for:
   * `x.clone()` to keep it. At the last step it is the mean, without noise.
   */
  readonly x: tf.Tensor;
  /** Score evaluations so far (NFE), each of the whole batch. */
  readonly nfe: number;
}

/** The options with every default filled in, checked. */
export function samplerOptions(options: SamplerOptions): Required<Omit<SamplerOptions, "seed">> & {
  random: Random;
  times: readonly number[];
} {
  const { numSteps = 500, eps = 1e-3, seed = 0, signal = interruptSignal() } = options;
  const { sde, score, shape } = options;
  if (!Number.isInteger(numSteps) || numSteps < 1) {
    throw new RangeError(`numSteps must be a whole number ≥ 1; got ${numSteps}.`);
  }
  if (!(eps > 0 && eps < 1)) {
    throw new RangeError(
      `eps must lie in (0, 1), as the score has no limit at t = 0; got ${eps}. Try 1e-3.`,
    );
  }
  if (shape.length < 2 || shape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new RangeError(
      `shape must be [B, …D] with whole numbers ≥ 1, like [64, 28, 28, 1]; got [${shape.join(", ")}].`,
    );
  }
  const times = timeGrid(numSteps, eps);
  return { sde, score, shape, numSteps, eps, signal, random: new Random(seed), times };
}

/** numSteps + 1 times from 1 down to eps, evenly spaced: numSteps steps, the last one ending at eps. */
export function timeGrid(numSteps: number, eps: number): number[] {
  return Array.from({ length: numSteps + 1 }, (_, i) => 1 + ((eps - 1) * i) / numSteps);
}

/**
 * Runs a sampler to its end.
 *
 * @param steps a sampler, or one wrapped in `progress`
 * @returns its last state, owned by the caller
 * @throws Error where it ended before its last step (interrupted): half-removed noise is no sample
 */
export async function sample(
  steps: AsyncIterable<Step & { readonly x: tf.Tensor }>,
): Promise<tf.Tensor> {
  let kept: tf.Tensor | undefined;
  let last: Step | undefined;
  for await (const s of steps) {
    last = { step: s.step, numSteps: s.numSteps };
    if (s.step === s.numSteps) kept = s.x.clone();
  }
  if (!kept) {
    const where = last ? `at step ${last.step} of ${last.numSteps}` : "before its first step";
    throw new Error(
      `Sampling was interrupted ${where}: there is no sample yet. ` +
        "Run the cell again to start it anew.",
    );
  }
  return kept;
}
