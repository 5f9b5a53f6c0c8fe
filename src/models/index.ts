export { energyScore, logPartition, type Energy, type QuadratureOptions } from "./energy-model";
export { groupNormSwish } from "./group-norm-swish";
export { fourierFeatures, swish } from "./layers";
export { toVector, type Parameter, type ParameterLayout } from "./layout";
export { PARAMETER_COUNT, PARAMETERS } from "./parameters";
export {
  edmPreconditioning,
  noisePreconditioning,
  requireSigmaData,
  type Preconditioning,
} from "./preconditioning";
export { MNIST_STD, ResidualNet, type ResidualNetOptions } from "./residual-net";
export { type ScoreModel } from "./score-model";
export { ScoreNet, type ScoreNetOptions } from "./score-net";
export { smoothSigmoid, smoothSwish } from "./smooth";
export { ScoreMlp, type ScoreMlpOptions } from "./score-mlp";
