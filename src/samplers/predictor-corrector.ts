/**
 * Reverse SDE steps, each after a few steps of Langevin dynamics that mend the state.
 */
import { tf, yieldToEventLoop, type Random } from "../engine";
import { constantTime, perExample, reverseSde, type Score } from "../sde";
import { samplerOptions, type SamplerOptions, type SamplerStep } from "./sampler";

/** What predictor–corrector sampling takes. */
export interface PredictorCorrectorOptions extends SamplerOptions {
  /** Signal-to-noise ratio of a corrector step, > 0. Default 0.16; 0.16 … 0.2 suits the digits. */
  snr?: number;
  /** Corrector steps before each predictor step, a whole number ≥ 1. Default 1. */
  correctorSteps?: number;
}

/**
 * Predictor–corrector sampling (Song et al. 2021, Algorithm 1, with the corrector of Algorithm 4): at every
 * time first the corrector, Langevin dynamics with the score of that time, then the predictor, a step of
 * Euler–Maruyama to the next. Both are in the loop. (The algorithm as printed begins with the predictor;
 * the authors' code and the article begin with the corrector, and so does this.) The last predictor step
 * leaves the noise out.
 *
 * `correctorSteps` + 1 score evaluations a step.
 *
 * @throws RangeError for options out of range
 */
export async function* predictorCorrector(
  options: PredictorCorrectorOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { snr, correctorSteps } = correctorOptions(options);
  const { sde, score, shape, numSteps, random, times, signal } = samplerOptions(options);
  const reverse = reverseSde(sde, score);
  const dt = (times[0] as number) - (times[1] as number);
  let x = sde.prior(shape, random);
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const next = tf.tidy(() => {
        const t = constantTime(x, times[i] as number);
        let corrected = x;
        for (let k = 0; k < correctorSteps; k++) {
          corrected = langevinCorrection(score, corrected, t, snr, random);
        }
        const mean = corrected.sub(reverse.drift(corrected, t).mul(dt));
        if (i === numSteps - 1) return mean;
        const g = perExample(reverse.diffusion(t), x);
        return mean.add(random.normal([...shape]).mul(g.mul(Math.sqrt(dt))));
      });
      x.dispose();
      x = next;
      const nfe = (i + 1) * (correctorSteps + 1);
      yield { step: i + 1, numSteps, t: times[i + 1] as number, x, nfe };
      await yieldToEventLoop();
    }
  } finally {
    x.dispose();
  }
}

/** @throws RangeError saying which option is out of range */
export function correctorOptions(
  options: Pick<PredictorCorrectorOptions, "snr" | "correctorSteps">,
): { snr: number; correctorSteps: number } {
  const { snr = 0.16, correctorSteps = 1 } = options;
  if (!(snr > 0) || !Number.isFinite(snr)) {
    throw new RangeError(`snr must be a number > 0; got ${snr}. Try 0.16.`);
  }
  if (!Number.isInteger(correctorSteps) || correctorSteps < 1) {
    throw new RangeError(`correctorSteps must be a whole number ≥ 1; got ${correctorSteps}.`);
  }
  return { snr, correctorSteps };
}

/**
 * One step of Langevin dynamics, x + ε s + √(2ε) z, that leaves pₜ as it is and draws x towards it.
 *
 * The step ε = 2 (snr ‖z‖ / ‖s‖)² makes the ratio of the two moves' lengths, ε ‖s‖ to √(2ε) ‖z‖,
 * equal to snr (Algorithm 4). ‖z‖ is taken as its expected √D, ‖s‖ as the mean over the batch.
 */
export function langevinCorrection(
  score: Score,
  x: tf.Tensor,
  t: tf.Tensor1D,
  snr: number,
  random: Random,
): tf.Tensor {
  const s = score(x, t);
  const batch = x.shape[0];
  const noiseNorm = Math.sqrt(x.size / batch);
  // (tf.norm would raise every number to a power, which takes ten times as long.)
  const scoreNorm = s.reshape([batch, -1]).square().sum(1).sqrt().mean();
  const stepSize = scoreNorm.pow(-2).mul(2 * (snr * noiseNorm) ** 2);
  const noise = random.normal([...x.shape]).mul(stepSize.mul(2).sqrt());
  return x.add(s.mul(stepSize)).add(noise);
}
