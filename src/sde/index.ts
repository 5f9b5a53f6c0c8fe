export { constantTime, perExample, requireBatch, requireTimes } from "./batch";
export { exponentialSde, type ExponentialSde } from "./exponential";
export { perturb } from "./perturb";
export { reverseSde, type ReverseSde } from "./reverse";
export { noiseLevelAt, type Score, type Sde } from "./sde";
