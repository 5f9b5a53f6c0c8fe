export { readSafetensors, writeSafetensors } from "./files";
export {
  loadNetwork,
  loadResidualNet,
  loadScoreNet,
  networkFrom,
  networkMetadata,
  networkTensors,
  saveNetwork,
} from "./network-file";
export { fromPyTorch, requireTensor, toPyTorch } from "./pytorch-layout";
export {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type StoredTensor,
  type StoredTensors,
} from "./safetensors";
export { readSde, sdeMetadata } from "./sde-metadata";
