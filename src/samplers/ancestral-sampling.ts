/**
 * DDPM's and SMLD's own samplers.
 */
import { tf, yieldToEventLoop } from "../engine";
import { constantTime } from "../sde";
import { transition } from "./reverse-diffusion";
import { samplerOptions, type SamplerOptions, type SamplerStep } from "./sampler";

/**
 * Ancestral sampling (Ho et al. 2020, Algorithm 2; for SMLD Song et al. 2021, appendix F): each state is drawn
 * from what it would be given the next and the clean image, were D the clean image,
 *
 *     x(t′) = (x(t) + b² s(x(t), t)) / a + (b σ(t′) / σ(t)) z,   a = α(t) / α(t′),   b² = σ(t)² − a² σ(t′)².
 *
 * With the VP SDE's a = √(1 − β) and b² = β that is DDPM's rule (with the smaller of its two variances), with
 * the VE SDE's a = 1 SMLD's. The last step leaves the noise out.
 *
 * `ancestralEuler` makes the same move, but over Karras' noise levels instead of even times.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export async function* ancestralSampling(
  options: SamplerOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { sde, score, shape, numSteps, random, times, signal } = samplerOptions(options);
  let x = sde.prior(shape, random);
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const [t, next] = [times[i] as number, times[i + 1] as number];
      const { a, b } = transition(sde, next, t);
      const moved = tf.tidy(() => {
        const mean = x.add(score(x, constantTime(x, t)).mul(b ** 2)).div(a);
        if (i === numSteps - 1) return mean;
        return mean.add(random.normal([...shape]).mul((b * sde.stdAt(next)) / sde.stdAt(t)));
      });
      x.dispose();
      x = moved;
      yield { step: i + 1, numSteps, t: next, x, nfe: i + 1 };
      await yieldToEventLoop();
    }
  } finally {
    x.dispose();
  }
}
