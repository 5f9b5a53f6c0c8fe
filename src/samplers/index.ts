export { eulerMaruyama } from "./euler-maruyama";
export { langevin, type LangevinOptions, type LangevinStep } from "./langevin";
export { mala, type MalaOptions, type MalaStep } from "./mala";
export { predictorCorrector, type PredictorCorrectorOptions } from "./predictor-corrector";
export { sample, timeGrid, type SamplerOptions, type SamplerStep } from "./sampler";
