/**
 * A class by the gradient of a classifier.
 */
import { graphFunction, tf } from "../engine";
import { requireBatch, requireTimes, type Score } from "../sde";
import { requireLabels, requireOneLabelEach } from "../models/labels";
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
 * The score of the images of a class, by Bayes' rule (Song et al. 2021, eq. 14; Dhariwal & Nichol 2021):
 *
 *     ∇ log pₜ(x | y) = ∇ log pₜ(x) + ∇ log pₜ(y | x),
 *
 * where the second term is the gradient of a classifier that knows noise. With a scale s ≠ 1 it is multiplied
 * by s: that is the score of a density proportional to pₜ(x) pₜ(y | x)ˢ.
 *
 * It is a score like any other: any sampler takes it.
 *
 * @throws RangeError for labels or a scale out of range; of the score: for a batch of another size than labels
 */
export function classifierGuidance(options: ClassifierGuidanceOptions): Score {
  const { score, classifier, labels, scale = 1 } = options;
  requireLabels(labels, classifier.numClasses);
  requireScale(scale);
  const gradient = graphFunction((x, t, classes) => {
    const logProbability = (x: tf.Tensor): tf.Scalar => {
      const logits = classifier.apply(classifier.getVector(), x, t as tf.Tensor1D);
      return tf.logSoftmax(logits).mul(classes).sum();
    };
    return [tf.grad(logProbability)(x)];
  });
  return (x, t) => {
    requireTimes(t, { excludeZero: true });
    requireBatch(x, t);
    requireOneLabelEach(x, labels);
    return tf.tidy(() => {
      const classes = tf.oneHot([...labels], classifier.numClasses).toFloat();
      const pull = gradient(x, t, classes)[0] as tf.Tensor;
      return score(x, t).add(pull.mul(scale));
    });
  };
}
