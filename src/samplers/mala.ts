/**
 * Langevin dynamics with an accept–reject test, which makes it exact.
 */
import { interruptSignal, Random, tf, yieldToEventLoop } from "../engine";
import { perExample } from "../sde";
import { requireLangevinOptions, type LangevinOptions, type LangevinStep } from "./langevin";

/** What the Metropolis-adjusted Langevin algorithm takes. */
export interface MalaOptions extends LangevinOptions {
  /**
   * log p(x) up to a constant, `[B, …D]` → `[B]`: minus an energy will do, for Z cancels. Its gradient
   * should be `score`; if it is not, the chains still go to p, but are refused more often.
   */
  logDensity: (x: tf.Tensor) => tf.Tensor1D;
}

/** Where the chains stand after a step. */
export interface MalaStep extends LangevinStep {
  /** Fraction of the chains whose proposal was accepted in this step, 0 … 1. */
  readonly acceptance: number;
}

/**
 * The Metropolis-adjusted Langevin algorithm, MALA (Roberts & Tweedie 1996): a Langevin step
 * y = x + ε s(x) + √(2ε) z is only proposed, and accepted with probability
 *
 *     min(1, p(y) q(x | y) / (p(x) q(y | x))),   q(y | x) = N(y; x + ε s(x), 2ε I);
 *
 * else the chain stays where it is. This keeps p exactly whatever ε is: a large ε makes the chains slow
 * (few proposals are accepted), not wrong. About 0.57 of them accepted is the best pace in high
 * dimension (Roberts & Rosenthal 1998).
 *
 * `numSteps` + 1 score evaluations in all: each step keeps what the step before computed.
 *
 * @throws RangeError for options out of range
 */
export async function* mala(options: MalaOptions): AsyncGenerator<MalaStep, void, undefined> {
  const { score, logDensity, start, stepSize, numSteps } = options;
  const { seed = 0, signal = interruptSignal() } = options;
  requireLangevinOptions(options);
  const random = new Random(seed);
  const visit = (x: tf.Tensor): Place => ({ x, score: score(x), logDensity: logDensity(x) });
  let here = tf.tidy(() => visit(start.clone()));
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const { accepted, ...next } = tf.tidy(() => {
        const noise = random.normal([...start.shape]).mul(Math.sqrt(2 * stepSize));
        const there = visit(here.x.add(here.score.mul(stepSize)).add(noise));
        const logRatio = there.logDensity
          .sub(here.logDensity)
          .add(logProposal(there, here, stepSize).sub(logProposal(here, there, stepSize)));
        // A ratio that is no number (far out, where p underflows) compares as false: refused.
        const accepted = random.uniform([start.shape[0]]).log().less(logRatio);
        return { accepted, ...choose(accepted as tf.Tensor1D, there, here) };
      });
      tf.dispose(here);
      here = next;
      const acceptance = meanOf(accepted);
      yield { step: i + 1, numSteps, x: here.x, nfe: i + 2, acceptance };
      await yieldToEventLoop();
    }
  } finally {
    tf.dispose(here);
  }
}

/** A state of the chains, and all that was computed there. */
type Place = { x: tf.Tensor; score: tf.Tensor; logDensity: tf.Tensor1D };

/** log q(to | from) up to a constant, `[B]`. */
function logProposal(from: Place, to: Place, stepSize: number): tf.Tensor {
  const offset = to.x.sub(from.x).sub(from.score.mul(stepSize));
  return offset
    .reshape([offset.shape[0], -1])
    .square()
    .sum(1)
    .div(-4 * stepSize);
}

/** Each chain there or here. */
function choose(accepted: tf.Tensor1D, there: Place, here: Place): Place {
  const rows = perExample(accepted, here.x);
  return {
    x: tf.where(rows, there.x, here.x),
    score: tf.where(rows, there.score, here.score),
    logDensity: tf.where(accepted, there.logDensity, here.logDensity),
  };
}

/** Fraction of true; frees the tensor. */
function meanOf(accepted: tf.Tensor): number {
  const values = Array.from(accepted.dataSync());
  accepted.dispose();
  return values.filter(Boolean).length / values.length;
}
