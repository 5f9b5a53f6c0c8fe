/**
 * The reverse SDE in the very steps of the forward chain.
 */
import { tf, yieldToEventLoop } from "../engine";
import { constantTime, type Sde } from "../sde";
import { samplerOptions, type SamplerOptions, type SamplerStep } from "./sampler";

/**
 * Reverse diffusion sampling (Song et al. 2021, appendix E). The forward process goes from t′ to t > t′ exactly
 * by x ← a x + b z; the reverse step makes the same move backwards, with the score's pull:
 *
 *     x(t′) = (2 − a) x(t) + b² s(x(t), t) + b z,   a = α(t) / α(t′),   b² = σ(t)² − a² σ(t′)².
 *
 * For the VE SDE that is SMLD's chain reversed, for the VP SDE (with b² = β, a = √(1 − β)) DDPM's; as the steps
 * get small it agrees with Euler–Maruyama to first order. The last step leaves the noise out.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export async function* reverseDiffusion(
  options: SamplerOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { sde, score, shape, numSteps, random, times, signal } = samplerOptions(options);
  let x = sde.prior(shape, random);
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const [t, next] = [times[i] as number, times[i + 1] as number];
      const { a, b } = transition(sde, next, t);
      const moved = tf.tidy(() => {
        const pull = score(x, constantTime(x, t)).mul(b ** 2);
        const mean = x.mul(2 - a).add(pull);
        return i === numSteps - 1 ? mean : mean.add(random.normal([...shape]).mul(b));
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

/**
 * The forward process from one time to a later one: x(to) given x(from) is N(a x(from), b² I), exactly, since
 * both are Gaussian given x(0).
 */
export function transition(sde: Sde, from: number, to: number): { a: number; b: number } {
  const a = sde.scaleAt(to) / sde.scaleAt(from);
  const variance = sde.stdAt(to) ** 2 - (a * sde.stdAt(from)) ** 2;
  return { a, b: Math.sqrt(Math.max(0, variance)) };
}
