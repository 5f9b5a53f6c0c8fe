export {
  denoisingLoss,
  denoisingLosses,
  edmWeighting,
  unitWeighting,
  varianceWeighting,
  type DenoisingOptions,
  type Weighting,
} from "./denoising";
export { explicitLoss, explicitLosses, type ExplicitOptions } from "./explicit";
export { implicitLoss, implicitLosses, scoreTrace, type ImplicitOptions } from "./implicit";
export { slicedLoss, slicedLosses, type SlicedOptions } from "./sliced";
