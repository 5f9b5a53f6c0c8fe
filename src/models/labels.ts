/**
 * Checks of the classes that a network is asked for.
 */
import type { tf } from "../engine";

/** @throws RangeError unless every label is a class */
export function requireLabels(labels: readonly number[], numClasses: number): void {
  if (labels.length === 0)
    throw new RangeError("labels must name a class for each example; got none.");
  const bad = labels.findIndex(
    (label) => !Number.isInteger(label) || label < 0 || label >= numClasses,
  );
  if (bad >= 0) {
    throw new RangeError(
      `Labels are whole numbers from 0 to ${numClasses - 1}; got ${labels[bad]}.`,
    );
  }
}

/** @throws RangeError unless there are as many examples as labels */
export function requireOneLabelEach(x: tf.Tensor, labels: readonly number[]): void {
  if (x.shape[0] !== labels.length) {
    throw new RangeError(
      `There must be one label an example; got ${labels.length} labels for ${x.shape[0]} examples.`,
    );
  }
}
