/**
 * A class by a network that was shown classes, without a classifier.
 */
import { tf } from "../engine";
import type { ResidualNet } from "../models";
import { requireOneLabelEach } from "../models/labels";
import type { Score } from "../sde";
import { requireScale } from "./scale";

/** What is guided, and where to. */
export interface ClassifierFreeOptions {
  /** A network that was trained with classes, and without them for a part of the examples. */
  net: ResidualNet;
  /** The class to go for, one an example, 0 … 9. */
  labels: readonly number[];
  /** How far to go from the score of all images towards that of the class, ≥ 0. Default 2. */
  scale?: number;
}

/**
 * Classifier-free guidance (Ho & Salimans 2022, eq. 6; notebook 10, G5): the class's score, and beyond it,
 *
 *     s(x, t) + scale · (s(x, t | y) − s(x, t)).
 *
 * The difference is, by Bayes' rule, the gradient of log pₜ(y | x) of a classifier that is never made. A scale of
 * 0 gives images of any class, 1 those of the class as they come, more than 1 those that show it most
 * clearly, at the price of variety. (The paper's w is scale − 1.)
 *
 * It is a score like any other: any sampler takes it. An evaluation is two of the network; at the
 * scales 0 and 1 it is one.
 *
 * @throws RangeError for labels or a scale out of range; of the score: for a batch of another size than labels
 */
export function classifierFreeGuidance(options: ClassifierFreeOptions): Score {
  const { net, labels, scale = 2 } = options;
  requireScale(scale);
  const conditional = net.scoreOf(labels);
  if (scale === 1) return conditional;
  return (x, t) => {
    requireOneLabelEach(x, labels);
    if (scale === 0) return net.score(x, t);
    return tf.tidy(() => {
      const all = net.score(x, t);
      return all.add(conditional(x, t).sub(all).mul(scale));
    });
  };
}
