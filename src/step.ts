/**
 * What every long work yields: how far it is. `progress` needs no more than this.
 */
export interface Step {
  /** Steps done so far, counted from 1. */
  readonly step: number;
  /** Steps in all. */
  readonly numSteps: number;
}
