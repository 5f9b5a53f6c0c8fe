export { dormandPrince, StepSizeError, type OdeOptions, type OdeStep } from "./dormand-prince";
export { flow, flowSlope, type FlowOptions } from "./flow";
export {
  bitsPerDimension,
  likelihood,
  type LikelihoodOptions,
  type LikelihoodStep,
} from "./likelihood";
