/**
 * The learning rate over a run, as plain data: a checkpoint can hold it.
 */

/** A constant rate, or a linear warm-up to `peak` and a cosine down to `final · peak`. */
export type LearningRate =
  | number
  | {
      /** Largest rate, reached after the warm-up. */
      readonly peak: number;
      /** Steps of linear warm-up. */
      readonly warmupSteps: number;
      /** Rate at the last step as a part of `peak`, in [0, 1]. */
      readonly final: number;
    };

/** @throws RangeError for rates that are not positive, or a schedule out of range */
export function requireLearningRate(rate: LearningRate): void {
  const peak = typeof rate === "number" ? rate : rate.peak;
  if (!(peak > 0) || !Number.isFinite(peak)) {
    throw new RangeError(`The learning rate must be a number > 0; got ${peak}.`);
  }
  if (typeof rate === "number") return;
  if (!(rate.warmupSteps >= 0) || !(rate.final >= 0 && rate.final <= 1)) {
    throw new RangeError(
      `A schedule needs warmupSteps ≥ 0 and final in [0, 1]; got ${rate.warmupSteps} and ${rate.final}.`,
    );
  }
}

/**
 * The rate of one step.
 *
 * @param step counted from 1
 * @param numSteps length of the run: where the cosine ends (Loshchilov & Hutter 2017, without restarts)
 */
export function rateAt(rate: LearningRate, step: number, numSteps: number): number {
  if (typeof rate === "number") return rate;
  const { peak, warmupSteps, final } = rate;
  if (step <= warmupSteps) return (peak * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, numSteps - warmupSteps));
  return peak * (final + ((1 - final) * (1 + Math.cos(Math.PI * progress))) / 2);
}
