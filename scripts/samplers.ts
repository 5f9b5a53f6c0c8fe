/**
 * The samplers by their names on the command line.
 */
import {
  eulerMaruyama,
  predictorCorrector,
  type PredictorCorrectorOptions,
  type SamplerStep,
} from "../src";

/** A sampler that takes what every sampler takes, and leaves alone what is not its own. */
export type NamedSampler = (
  options: PredictorCorrectorOptions,
) => AsyncGenerator<SamplerStep, void, undefined>;

export const SAMPLERS: Readonly<Record<string, NamedSampler>> = {
  em: eulerMaruyama,
  pc: predictorCorrector,
};

/** @throws RangeError where there is no sampler of that name */
export function samplerOf(name: string): NamedSampler {
  const sampler = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (!sampler) {
    throw new RangeError(`--sampler is ${Object.keys(SAMPLERS).join(" | ")}; got "${name}".`);
  }
  return sampler;
}
