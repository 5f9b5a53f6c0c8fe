export { eulerMaruyama } from "./euler-maruyama";
export { predictorCorrector, type PredictorCorrectorOptions } from "./predictor-corrector";
export { sample, timeGrid, type SamplerOptions, type SamplerStep } from "./sampler";
