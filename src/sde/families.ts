/**
 * The SDEs of this library by their names.
 */
import { exponentialSde } from "./exponential";
import type { Sde, SdeParameters } from "./sde";
import { subVpSde } from "./sub-vp";
import { varianceExplodingSde } from "./variance-exploding";
import { variancePreservingSde } from "./variance-preserving";

/**
 * The SDE that has these parameters.
 *
 * @throws RangeError for numbers out of its range
 */
export function sdeFrom(parameters: SdeParameters): Sde {
  switch (parameters.kind) {
    case "exponential":
      return exponentialSde(parameters);
    case "variance-exploding":
      return varianceExplodingSde(parameters);
    case "variance-preserving":
      return variancePreservingSde(parameters);
    case "sub-vp":
      return subVpSde(parameters);
  }
}
