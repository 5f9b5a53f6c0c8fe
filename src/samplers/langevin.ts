/**
 * Langevin dynamics: a walk that ends up distributed as p, and that sees only the score of p.
 */
import { interruptSignal, Random, tf, yieldToEventLoop } from "../engine";
import type { Step } from "../step";

/** What Langevin dynamics takes. */
export interface LangevinOptions {
  /** The score ∇ log p(x) of the distribution to draw from: `[B, …D]` → `[B, …D]`. */
  score: (x: tf.Tensor) => tf.Tensor;
  /** Where the B chains start, `[B, …D]`. It stays the caller's. */
  start: tf.Tensor;
  /** ε, a number > 0. */
  stepSize: number;
  /** A whole number ≥ 1. */
  numSteps: number;
  /** Governs the noise. Default 0. */
  seed?: number;
  /** Ends the chains cleanly after the current step. Default: the notebook's Interrupt. */
  signal?: AbortSignal;
}

/** Where the chains stand after a step. */
export interface LangevinStep extends Step {
  /**
   * The state of the B chains. It belongs to the sampler, which frees it when the next step is asked
   * for: `x.clone()` to keep it.
   */
  readonly x: tf.Tensor;
  /** Score evaluations so far (NFE), each of the whole batch. */
  readonly nfe: number;
}

/**
 * Unadjusted Langevin dynamics, eq. (12) and (16) with the right sign (Roberts & Tweedie 1996): B
 * independent chains
 *
 *     x ← x + ε s(x) + √(2ε) z,   z ~ N(0, I).
 *
 * The score pulls up the density, the noise keeps the chains from all ending on a mode; as ε → 0 the
 * two balance at p. A finite ε leaves a bias: for the target N(0, 1) the variance comes out as
 * 1 / (1 − ε/2), and from ε = 2 on the chains diverge. `mala` takes the bias away.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export async function* langevin(
  options: LangevinOptions,
): AsyncGenerator<LangevinStep, void, undefined> {
  const { score, start, stepSize, numSteps, seed = 0, signal = interruptSignal() } = options;
  requireLangevinOptions(options);
  const random = new Random(seed);
  let x = start.clone();
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const next = tf.tidy(() => {
        const noise = random.normal([...x.shape]).mul(Math.sqrt(2 * stepSize));
        return x.add(score(x).mul(stepSize)).add(noise);
      });
      x.dispose();
      x = next;
      yield { step: i + 1, numSteps, x, nfe: i + 1 };
      await yieldToEventLoop();
    }
  } finally {
    x.dispose();
  }
}

/** @throws RangeError saying which option is out of range */
export function requireLangevinOptions(
  options: Pick<LangevinOptions, "start" | "stepSize" | "numSteps">,
): void {
  const { start, stepSize, numSteps } = options;
  if (!(stepSize > 0) || !Number.isFinite(stepSize)) {
    throw new RangeError(`stepSize must be a number > 0; got ${stepSize}. Try 0.01.`);
  }
  if (!Number.isInteger(numSteps) || numSteps < 1) {
    throw new RangeError(`numSteps must be a whole number ≥ 1; got ${numSteps}.`);
  }
  if (start.rank < 2 || start.size === 0) {
    throw new RangeError(
      `start must be [B, …D], one chain a row, and not empty; got [${start.shape.join(", ")}].`,
    );
  }
}
