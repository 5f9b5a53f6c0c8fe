/**
 * The rate β(t) that the VP and sub-VP SDEs share.
 */
import type { tf } from "../engine";

/** A rate that grows linearly with time. */
export interface BetaOptions {
  /** β(0). Default 0.1, as in the paper. */
  betaMin?: number;
  /** β(1). Default 20. */
  betaMax?: number;
}

/** β(t) = min + (max − min) t, its integral B(t) = min t + (max − min) t² / 2, and B's inverse. */
export interface LinearBeta {
  readonly min: number;
  readonly max: number;
  at(t: tf.Tensor1D): tf.Tensor1D;
  integral(t: tf.Tensor1D): tf.Tensor1D;
  integralAt(t: number): number;
  /** The time at which B has a value. */
  timeAt(integral: number): number;
}

/** @throws RangeError unless 0 < betaMin ≤ betaMax */
export function linearBeta(caller: string, options: BetaOptions): LinearBeta {
  const { betaMin: min = 0.1, betaMax: max = 20 } = options;
  if (!(min > 0 && min <= max && Number.isFinite(max))) {
    throw new RangeError(`${caller}: needs 0 < betaMin ≤ betaMax; got ${min} and ${max}.`);
  }
  const slope = max - min;
  return {
    min,
    max,
    at: (t) => t.mul<tf.Tensor1D>(slope).add(min),
    integral: (t) =>
      t
        .mul<tf.Tensor1D>(slope / 2)
        .add<tf.Tensor1D>(min)
        .mul(t),
    integralAt: (t) => (min + (slope / 2) * t) * t,
    // The positive root of slope/2 t² + min t = B, in the form that loses no digits where B is small.
    timeAt: (integral) => (2 * integral) / (min + Math.sqrt(min ** 2 + 2 * slope * integral)),
  };
}
