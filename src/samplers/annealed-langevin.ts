/**
 * SMLD's sampler: Langevin dynamics alone, with less and less noise.
 */
import { tf, yieldToEventLoop } from "../engine";
import { constantTime } from "../sde";
import { denoiser } from "./noise-levels";
import {
  correctorOptions,
  langevinCorrection,
  type PredictorCorrectorOptions,
} from "./predictor-corrector";
import { samplerOptions, type SamplerStep } from "./sampler";

/**
 * Annealed Langevin dynamics (Song & Ermon 2019, Algorithm 1): at each of `numSteps` times, evenly spaced below 1
 * and down to `eps`, some Langevin steps that draw the state towards pₜ. Nothing moves it from one time to the next: the
 * state that was right for the noise before is a good start for a little less. It is predictor–corrector
 * sampling without the predictor, and takes its steps by the same rule (Song et al. 2021, Algorithm 4). Where the
 * noise falls faster than Langevin steps can follow, much of it is left in: a few hundred times are needed.
 *
 * The last step gives D(x; σ), the expected clean image (Jolicoeur-Martineau et al. 2021), where the original
 * leaves the noise of the last level in.
 *
 * `correctorSteps` score evaluations a step, one more at the end.
 *
 * @throws RangeError for options out of range
 */
export async function* annealedLangevin(
  options: PredictorCorrectorOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { snr, correctorSteps } = correctorOptions(options);
  const { sde, score, shape, numSteps, random, times, signal } = samplerOptions(options);
  let x = sde.prior(shape, random);
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const time = times[i + 1] as number;
      const next = tf.tidy(() => {
        const t = constantTime(x, time);
        let moved = x;
        for (let k = 0; k < correctorSteps; k++) {
          moved = langevinCorrection(score, moved, t, snr, random);
        }
        if (i < numSteps - 1) return moved;
        const scale = sde.scaleAt(time);
        return denoiser(sde, score)(moved.div(scale), sde.stdAt(time) / scale);
      });
      x.dispose();
      x = next;
      const nfe = (i + 1) * correctorSteps + (i === numSteps - 1 ? 1 : 0);
      yield { step: i + 1, numSteps, t: i === numSteps - 1 ? 0 : time, x, nfe };
      await yieldToEventLoop();
    }
  } finally {
    x.dispose();
  }
}
