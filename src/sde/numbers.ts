/**
 * Checks of single numbers that SDEs share.
 */

/** @throws RangeError unless t lies in [0, 1] */
export function requireTime(t: number): void {
  if (!(t >= 0 && t <= 1)) throw new RangeError(`t must lie in [0, 1]; got ${t}.`);
}

/** @throws RangeError unless the level lies between 0 and that of t = 1 (a rounding error beyond it is let pass) */
export function requireNoiseLevel(noiseLevel: number, largest: number): void {
  if (!(noiseLevel >= 0 && noiseLevel <= largest * (1 + 1e-9))) {
    throw new RangeError(
      `The noise level must lie in [0, ${largest}], from that of t = 0 to that of t = 1; got ${noiseLevel}.`,
    );
  }
}
