export { ancestralEuler } from "./ancestral-euler";
export { ancestralSampling } from "./ancestral-sampling";
export { annealedLangevin } from "./annealed-langevin";
export { ddim } from "./ddim";
export { dpmSolver2m } from "./dpm-solver-2m";
export { eulerMaruyama } from "./euler-maruyama";
export { heun } from "./heun";
export { langevin, type LangevinOptions, type LangevinStep } from "./langevin";
export { mala, type MalaOptions, type MalaStep } from "./mala";
export {
  denoiser,
  descend,
  karrasLevels,
  type NoiseLevelMove,
  type NoiseLevelOptions,
  type NoiseLevelState,
} from "./noise-levels";
export { predictorCorrector, type PredictorCorrectorOptions } from "./predictor-corrector";
export { probabilityFlow, type ProbabilityFlowOptions } from "./probability-flow";
export { reverseDiffusion, transition } from "./reverse-diffusion";
export { sample, timeGrid, type SamplerOptions, type SamplerStep } from "./sampler";
export { sdeDpmSolver2m } from "./sde-dpm-solver-2m";
export { stochasticHeun, type StochasticHeunOptions } from "./stochastic-heun";
