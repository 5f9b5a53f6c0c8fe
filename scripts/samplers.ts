/**
 * The samplers by their names on the command line.
 */
import {
  ancestralEuler,
  ancestralSampling,
  annealedLangevin,
  ddim,
  dpmSolver2m,
  eulerMaruyama,
  heun,
  predictorCorrector,
  probabilityFlow,
  reverseDiffusion,
  sdeDpmSolver2m,
  stochasticHeun,
  type PredictorCorrectorOptions,
  type SamplerStep,
} from "../src";

/** A sampler that takes what every sampler takes, and leaves alone what is not its own. */
export type NamedSampler = (
  options: PredictorCorrectorOptions,
) => AsyncGenerator<SamplerStep, void, undefined>;

/** One line for each. */
export const SAMPLERS: Readonly<Record<string, NamedSampler>> = {
  em: eulerMaruyama,
  pc: predictorCorrector,
  "reverse-diffusion": reverseDiffusion,
  "ancestral-sampling": ancestralSampling,
  "annealed-langevin": annealedLangevin,
  flow: probabilityFlow,
  ddim,
  heun,
  dpm2m: dpmSolver2m,
  ancestral: ancestralEuler,
  "sde-dpm2m": sdeDpmSolver2m,
  "stochastic-heun": stochasticHeun,
};

/** How the names and `--steps` are explained in a command's usage. */
export const SAMPLER_USAGE = `--sampler NAME   ${Object.keys(SAMPLERS).join(" | ")}
                                                          (default em)
  --steps N        steps of the sampler                   (default 500; 20 for ddim … stochastic-heun, which go
                                                          down noise levels; flow finds out itself)`;

/** @throws RangeError where there is no sampler of that name */
export function samplerOf(name: string): NamedSampler {
  const sampler = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (!sampler) {
    throw new RangeError(`--sampler is ${Object.keys(SAMPLERS).join(" | ")}; got "${name}".`);
  }
  return sampler;
}
