export { classStatistics, type ClassStatistics } from "./classes";
export { DigitClassifier, type Classification } from "./classifier";
export { loadClassifier, saveClassifier } from "./classifier-file";
export { FEATURE_WIDTH } from "./classifier-parameters";
export { accuracy, classifyAll } from "./classify";
export { evaluateSamples, MIN_SAMPLES, type EvaluateOptions, type SampleQuality } from "./evaluate";
export { fitGaussian, frechetDistance, gaussianFrechetDistance, type Gaussian } from "./frechet";
export { median, nearestImages, type NearestImages } from "./nearest";
export {
  precisionRecall,
  type PrecisionRecall,
  type PrecisionRecallOptions,
} from "./precision-recall";
export { randomSubset } from "./subset";
export { testLoss } from "./test-loss";
export {
  CLASSIFIER_RECIPE,
  trainClassifier,
  type ClassifierRecipe,
  type TrainClassifierOptions,
} from "./train-classifier";
