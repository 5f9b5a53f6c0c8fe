/**
 * Samples with no randomness but their start, to an accuracy that is asked for.
 */
import { flow } from "../flow";
import { tf } from "../engine";
import { noiseLevelAt } from "../sde";
import { denoiser } from "./noise-levels";
import { samplerOptions, type SamplerOptions, type SamplerStep } from "./sampler";

/** What probability flow sampling takes. The number of steps is the solver's to choose. */
export interface ProbabilityFlowOptions extends Omit<SamplerOptions, "numSteps"> {
  /** Error allowed a step, as a part of |x|. Default 1e-3. */
  rtol?: number;
  /** Error allowed a step where x is near 0. Default 1e-3. */
  atol?: number;
}

/**
 * Samples by the probability flow ODE, from the prior at t = 1 to `eps` with the solver of Dormand & Prince
 * (Song et al. 2021, §4.3), and at the end, as every sampler here, to the mean without noise.
 *
 * `numSteps` of its steps is an estimate until the last. Six score evaluations for each step that is tried,
 * and two more.
 *
 * @throws RangeError for options out of range; StepSizeError as `dormandPrince`
 */
export async function* probabilityFlow(
  options: ProbabilityFlowOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { rtol = 1e-3, atol = 1e-3 } = options;
  const { sde, score, shape, random, eps, signal } = samplerOptions({ ...options, numSteps: 1 });
  const denoise = denoiser(sde, score);
  const start = sde.prior(shape, random);
  try {
    for await (const s of flow({ sde, score, start, from: 1, to: eps, rtol, atol, signal })) {
      const numSteps = s.numSteps + 1;
      yield { step: s.step, numSteps, t: s.t, x: s.x, nfe: s.nfe };
      if (s.t !== eps || signal.aborted) continue;
      const x = tf.tidy(() => denoise(s.x.div(sde.scaleAt(eps)), noiseLevelAt(sde, eps)));
      try {
        yield { step: numSteps, numSteps, t: 0, x, nfe: s.nfe + 1 };
      } finally {
        x.dispose();
      }
    }
  } finally {
    start.dispose();
  }
}
