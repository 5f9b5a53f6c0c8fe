/**
 * What all SDEs here have in common: checks, shapes, and what follows from four functions of time.
 */
import { tf, type Random } from "../engine";
import { perExample, requireBatch, requireTimes } from "./batch";
import { gaussianLogDensity } from "./gaussian";
import { requireNoiseLevel, requireTime } from "./numbers";
import type { Sde, SdeParameters } from "./sde";

/** dx = a(t) x dt + g(t) dw, by its functions of time. */
export interface AffineDefinition {
  readonly name: string;
  /** What it was made with, where it can be made again from that: a checkpoint holds it. */
  readonly parameters?: SdeParameters;
  /** a(t), `[B]`. */
  readonly rate: (t: tf.Tensor1D) => tf.Tensor1D;
  /** g(t), `[B]`. */
  readonly diffusion: (t: tf.Tensor1D) => tf.Tensor1D;
  /** α(t) = exp ∫₀ᵗ a, and σ(t), both `[B]`: x(t) given x(0) is N(α x(0), σ² I). */
  readonly kernel: (t: tf.Tensor1D) => { scale: tf.Tensor1D; std: tf.Tensor1D };
  /** The same for one time, as plain numbers. */
  readonly kernelAt: (t: number) => { scale: number; std: number };
  /** The time at which σ / α has a level. */
  readonly timeAt: (noiseLevel: number) => number;
  /** Standard deviation of the prior. */
  readonly priorStd: number;
}

/** The SDE of a definition: its times and shapes are checked, its intermediate tensors freed. */
export function affineSde(definition: AffineDefinition): Sde {
  const { name, kernelAt, priorStd } = definition;
  const last = kernelAt(1);
  return {
    name,
    parameters: definition.parameters,
    drift(x, t) {
      requireBatch(x, t);
      requireTimes(t);
      return tf.tidy(() => x.mul(perExample(definition.rate(t), x)));
    },
    diffusion(t) {
      requireTimes(t);
      return tf.tidy(() => definition.diffusion(t));
    },
    marginal(x0, t) {
      requireBatch(x0, t);
      requireTimes(t);
      return tf.tidy(() => {
        const { scale, std } = definition.kernel(t);
        return { mean: x0.mul(perExample(scale, x0)), std };
      });
    },
    scaleAt(t) {
      requireTime(t);
      return kernelAt(t).scale;
    },
    stdAt(t) {
      requireTime(t);
      return kernelAt(t).std;
    },
    timeAt(noiseLevel) {
      requireNoiseLevel(noiseLevel, last.std / last.scale);
      return Math.min(1, definition.timeAt(noiseLevel));
    },
    prior(shape: readonly number[], random: Random) {
      return tf.tidy(() => random.normal([...shape]).mul(priorStd));
    },
    priorLogDensity(x) {
      return gaussianLogDensity(x, priorStd);
    },
  };
}
