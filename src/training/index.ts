export { Adam, ADAM_DEFAULTS, type AdamOptions, type AdamRates } from "./adam";
export { fitClassifier, type ClassifierStep, type FitOptions } from "./fit-classifier";
export { rateAt, type LearningRate } from "./learning-rate";
export { DivergenceError, train, type TrainOptions, type TrainStep } from "./train";
export {
  ARTICLE_RECIPE,
  createTraining,
  EDM_RECIPE,
  FAST_RECIPE,
  Training,
  type LossRecord,
  type Recipe,
} from "./training";
export { drawTimes, type NoiseLevels, type TimeOptions, type TimeSampling } from "./times";
export { loadTraining, saveTraining } from "./training-file";
