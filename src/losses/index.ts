export {
  denoisingLoss,
  denoisingLosses,
  unitWeighting,
  varianceWeighting,
  type DenoisingOptions,
  type Weighting,
} from "./denoising";
