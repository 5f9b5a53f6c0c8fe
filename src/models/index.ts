export { energyScore, logPartition, type Energy, type QuadratureOptions } from "./energy-model";
export { groupNormSwish } from "./group-norm-swish";
export { fourierFeatures, swish } from "./layers";
export {
  BLOCK_NAMES,
  PARAMETER_COUNT,
  PARAMETERS,
  toBlocks,
  toParameters,
  toVector,
  type Parameter,
} from "./parameters";
export { ScoreNet, type ScoreNetOptions } from "./score-net";
export { smoothSigmoid, smoothSwish } from "./smooth";
export { ScoreMlp, type ScoreMlpOptions } from "./score-mlp";
