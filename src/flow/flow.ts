/**
 * The deterministic twin of the SDE.
 */
import { tf } from "../engine";
import { constantTime, perExample, type Score, type Sde } from "../sde";
import { dormandPrince, type OdeOptions, type OdeStep } from "./dormand-prince";

/** What it takes to follow the flow. */
export interface FlowOptions extends Omit<OdeOptions, "slope"> {
  sde: Sde;
  score: Score;
}

/**
 * The probability flow ODE, eq. (F1) (Song et al. 2021, §4.3 and D.1)
 *
 *     dx/dt = f(x, t) − ½ g(t)² s(x, t),
 *
 * whose solutions have at every time the same distribution as those of the SDE: where the SDE spreads by
 * diffusion, the flow moves the points apart. The factor ½ is all that tells it from the reverse SDE's
 * drift, and no noise is added. One score evaluation.
 *
 * @returns a function of `x` `[B, …D]` and `t` `[B]`, like a score
 */
export function flowSlope(sde: Sde, score: Score): Score {
  return (x, t) =>
    tf.tidy(() => {
      const g = perExample(sde.diffusion(t), x);
      return sde.drift(x, t).sub(g.square().mul(score(x, t)).mul(0.5));
    });
}

/**
 * Follows the probability flow from one time to another, either way: from data (`from` near 0, `to` 1) to a
 * latent code in the prior, or back. As nothing is left to chance, the way back leads where the way began.
 *
 * @throws RangeError, StepSizeError as `dormandPrince`
 */
export function flow(options: FlowOptions): AsyncGenerator<OdeStep, void, undefined> {
  const { sde, score, ...ode } = options;
  const slope = flowSlope(sde, score);
  return dormandPrince({
    ...ode,
    slope: (x, t) => tf.tidy(() => slope(x, constantTime(x, t))),
  });
}
