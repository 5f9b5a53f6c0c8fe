export { classifierFreeGuidance, type ClassifierFreeOptions } from "./classifier-free";
export { classifierGuidance, type ClassifierGuidanceOptions } from "./classifier-guidance";
export { impute, imputationScore, type ImputationOptions } from "./imputation";
export { noiseAccuracy, NoiseClassifier } from "./noise-classifier";
export { loadNoiseClassifier, saveNoiseClassifier } from "./noise-classifier-file";
export {
  NOISE_CLASSIFIER_RECIPE,
  trainNoiseClassifier,
  type NoiseClassifierRecipe,
  type TrainNoiseClassifierOptions,
} from "./train-noise-classifier";
