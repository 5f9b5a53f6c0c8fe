export { batches, numBatches, type Batch, type BatchOptions } from "./batches";
export { ImageDataset, type ImageDatasetInit } from "./dataset";
export { DownloadError, type DownloadProgress, type Timeouts } from "./download";
export {
  fetchMnist,
  locateFile,
  type FetchOptions,
  type FileSource,
  type LocatedFile,
} from "./fetch-mnist";
export {
  gaussianMixture,
  type GaussianMixture,
  type GaussianMixtureInit,
  type PerturbationKernel,
} from "./gaussian-mixture";
export { loadMnist, type LoadMnistOptions } from "./mnist";
export { mnistFiles, type MnistFile, type Split, type SplitFiles } from "./mnist-files";
export { MnistFileError } from "./read-mnist-file";
export { ringOfGaussians, swissRoll, twoMoons } from "./toys";
