/**
 * A trained noise classifier as a file.
 */
import {
  fromPyTorch,
  readSafetensors,
  readSde,
  sdeMetadata,
  toPyTorch,
  writeSafetensors,
} from "../checkpoints";
import { NoiseClassifier } from "./noise-classifier";

/**
 * Writes a noise classifier in PyTorch's layouts. Whole or not at all.
 *
 * @param metadata free text kept in the file, for example how the network was trained
 */
export async function saveNoiseClassifier(
  file: string,
  classifier: NoiseClassifier,
  metadata: Record<string, string> = {},
): Promise<void> {
  const vector = classifier.getVector();
  const tensors = toPyTorch(classifier.layout, vector);
  vector.dispose();
  const about = { ...metadata, network: "noise-classifier", ...sdeMetadata(classifier.sde) };
  await writeSafetensors(file, { tensors, metadata: about });
}

/**
 * Reads a noise classifier that `saveNoiseClassifier` wrote.
 *
 * @returns a classifier that the caller owns
 * @throws Error where the file cannot be read, SafetensorsError where it is damaged or another network's
 */
export async function loadNoiseClassifier(file: string): Promise<NoiseClassifier> {
  const { tensors, metadata } = await readSafetensors(file);
  const classifier = new NoiseClassifier({ sde: readSde(metadata, file) });
  try {
    const vector = fromPyTorch(classifier.layout, tensors, "", file);
    classifier.setVector(vector);
    vector.dispose();
    return classifier;
  } catch (error) {
    classifier.dispose();
    throw error;
  }
}
