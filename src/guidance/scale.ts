/**
 * A check that every kind of guidance makes.
 */

/** @throws RangeError unless the scale is a number ≥ 0 */
export function requireScale(scale: number): void {
  if (!(scale >= 0) || !Number.isFinite(scale)) {
    throw new RangeError(`The guidance scale must be a number ≥ 0; got ${scale}. Try 1.`);
  }
}
