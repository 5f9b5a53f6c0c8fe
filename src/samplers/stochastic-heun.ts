/**
 * Heun's method with a little noise put in before every step.
 */
import { noiseLevelAt } from "../sde";
import { descend, type NoiseLevelOptions } from "./noise-levels";
import type { SamplerStep } from "./sampler";

/** What EDM's stochastic sampler takes. */
export interface StochasticHeunOptions extends NoiseLevelOptions {
  /**
   * How much noise is put in over the whole way, ≥ 0: each step raises the level by the factor
   * 1 + churn / numSteps, but by no more than √2. 0 gives `heun`. Default 10.
   */
  churn?: number;
  /** Noise is put in only at levels from here … Default 0.05. */
  churnFrom?: number;
  /** … to here. Default: every level above `churnFrom`. */
  churnTo?: number;
  /** Standard deviation of the noise that is put in; slightly above 1 makes up for lost detail. Default 1. */
  churnStd?: number;
}

/**
 * EDM's stochastic sampler (Karras et al. 2022, Algorithm 2): before each step of Heun's method noise is
 * added, which raises σ to σ̂ = (1 + γ) σ, and the step goes from there to σ′. What the network got wrong
 * so far drowns in the new noise and is decided anew.
 *
 * Unlike in the algorithm as printed, noise never raises the level above the first one, beyond which no network
 * was trained, and the last step, which only denoises, puts none in.
 *
 * Two score evaluations a step, one in the last: 2 numSteps − 1 in all.
 *
 * @throws RangeError for options out of range
 */
export async function* stochasticHeun(
  options: StochasticHeunOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { churn = 10, churnFrom = 0.05, churnTo = Infinity, churnStd = 1, numSteps = 20 } = options;
  requireNotNegative({ churn, churnFrom, churnTo, churnStd });
  const gamma = Math.min(churn / numSteps, Math.SQRT2 - 1);
  const sigmaMax = noiseLevelAt(options.sde, 1);

  yield* descend(options, ({ x, sigma, next, denoise, noise }) => {
    const churned = sigma >= churnFrom && sigma <= churnTo;
    const raised = churned ? Math.min((1 + gamma) * sigma, sigmaMax) : sigma;
    const added = churnStd * Math.sqrt(raised ** 2 - sigma ** 2);
    const start = added > 0 ? x.add(noise().mul(added)) : x;

    const denoised = denoise(start, raised);
    const slope = start.sub(denoised).div(raised);
    const euler = start.add(slope.mul(next - raised));
    const slopeThere = euler.sub(denoise(euler, next)).div(next);
    return { x: start.add(slope.add(slopeThere).mul((next - raised) / 2)), denoised };
  });
}

function requireNotNegative(options: Record<string, number>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value >= 0)) throw new RangeError(`${name} must be a number ≥ 0; got ${value}.`);
  }
}
