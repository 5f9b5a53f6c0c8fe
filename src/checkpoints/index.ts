export { readSafetensors, writeSafetensors } from "./files";
export { fromPyTorch, requireTensor, toPyTorch } from "./pytorch-layout";
export {
  decodeSafetensors,
  encodeSafetensors,
  SafetensorsError,
  type StoredTensor,
  type StoredTensors,
} from "./safetensors";
export {
  loadScoreNet,
  saveScoreNet,
  scoreNetFrom,
  scoreNetTensors,
  sdeMetadata,
} from "./score-net-file";
