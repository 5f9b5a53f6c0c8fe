/**
 * A class by the gradient of a classifier.
 */
import { tf } from "../engine";
import { requireLabels } from "../models/labels";
import type { Score } from "../sde";
import type { NoiseClassifier } from "./noise-classifier";
import { requireScale } from "./scale";

/** What is guided, by what, and where to. */
export interface ClassifierGuidanceOptions {
  /** The score of all images. */
  score: Score;
  /** p(y | x(t)), for the same SDE. It stays the caller's. */
  classifier: NoiseClassifier;
  /** The class to go for, one an example, 0 … 9. */
  labels: readonly number[];
  /** How hard the classifier pulls, ≥ 0. 0 leaves the score as it is, 1 is Bayes' rule. Default 1. */
  scale?: number;
}

/**
 * The score of the images of a class, by Bayes' rule (Song et al. 2021, eq. 14; Dhariwal & Nichol 2021; notebook 10,
 * G1 and G2):
 *
 *     ∇ log pₜ(x | y) = ∇ log pₜ(x) + ∇ log pₜ(y | x),
 *
 * where the second term is the gradient of a classifier that knows noise. With a scale s ≠ 1 it is multiplied
 * by s: that is the score of a density proportional to pₜ(x) pₜ(y | x)ˢ.
 *
 * It is a score like any other: any sampler takes it. Only a gradient cannot be taken through it, so that it has
 * no likelihood.
 *
 * @throws RangeError for labels or a scale out of range; of the score: for a batch of another size than labels
 */
export function classifierGuidance(options: ClassifierGuidanceOptions): Score {
  const { score, classifier, labels, scale = 1 } = options;
  requireLabels(labels, classifier.numClasses);
  requireScale(scale);
  return (x, t) =>
    tf.tidy(() => {
      const pull = classifier.logProbabilityGradient(x, t, labels);
      return score(x, t).add(pull.mul(scale));
    });
}
