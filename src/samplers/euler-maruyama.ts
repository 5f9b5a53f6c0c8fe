/**
 * The plainest way to run the reverse SDE.
 */
import { tf, yieldToEventLoop } from "../engine";
import { constantTime, perExample, reverseSde } from "../sde";
import { samplerOptions, type SamplerOptions, type SamplerStep } from "./sampler";

/**
 * Euler–Maruyama on the reverse SDE, eq. (10–11): with Δt = (1 − eps) / numSteps,
 *
 *     x(t − Δt) = x(t) − [f(x, t) − g(t)² s(x, t)] Δt + g(t) √Δt z,   z ~ N(0, I),
 *
 * which for dx = βᵗ dw is x + β²ᵗ s(x, t) Δt + βᵗ √Δt z. The last step leaves the noise out: what it
 * would add is visible as grain, and no later step takes it away again.
 *
 * One score evaluation a step.
 *
 * @throws RangeError for options out of range
 */
export async function* eulerMaruyama(
  options: SamplerOptions,
): AsyncGenerator<SamplerStep, void, undefined> {
  const { sde, score, shape, numSteps, random, times, signal } = samplerOptions(options);
  const reverse = reverseSde(sde, score);
  const dt = (times[0] as number) - (times[1] as number);
  let x = sde.prior(shape, random);
  try {
    for (let i = 0; i < numSteps && !signal.aborted; i++) {
      const next = tf.tidy(() => {
        const t = constantTime(x, times[i] as number);
        const mean = x.sub(reverse.drift(x, t).mul(dt));
        if (i === numSteps - 1) return mean;
        const g = perExample(reverse.diffusion(t), x);
        return mean.add(random.normal([...shape]).mul(g.mul(Math.sqrt(dt))));
      });
      x.dispose();
      x = next;
      yield { step: i + 1, numSteps, t: times[i + 1] as number, x, nfe: i + 1 };
      await yieldToEventLoop();
    }
  } finally {
    x.dispose();
  }
}
