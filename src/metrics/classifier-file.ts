/**
 * A trained digit classifier as a file.
 */
import {
  readSafetensors,
  requireTensor,
  SafetensorsError,
  writeSafetensors,
  type StoredTensor,
  type StoredTensors,
} from "../checkpoints";
import { tf } from "../engine";
import type { Parameter } from "../models";
import { DigitClassifier } from "./classifier";
import { CLASSIFIER_PARAMETERS, toClassifierParameters } from "./classifier-parameters";

// Filters are HWIO here and OIHW in the file, as PyTorch has them.
const TO_FILE = [3, 2, 0, 1];
const FROM_FILE = [2, 3, 1, 0];

/**
 * Writes a classifier in PyTorch's layouts. Whole or not at all.
 *
 * @param metadata free text kept in the file, for example how the network was trained
 */
export async function saveClassifier(
  file: string,
  classifier: DigitClassifier,
  metadata: Record<string, string> = {},
): Promise<void> {
  const parts = tf.tidy(() =>
    toClassifierParameters(classifier.getVector()).map((part) =>
      part.rank === 4 ? part.transpose(TO_FILE) : part,
    ),
  );
  const tensors = new Map<string, StoredTensor>();
  CLASSIFIER_PARAMETERS.forEach(({ name }, i) => {
    const part = parts[i] as tf.Tensor;
    tensors.set(name, { shape: part.shape, data: Float32Array.from(part.dataSync()) });
  });
  tf.dispose(parts);
  await writeSafetensors(file, { tensors, metadata });
}

/**
 * Reads a classifier that `saveClassifier` wrote.
 *
 * @returns a classifier that the caller owns
 * @throws Error where the file cannot be read, SafetensorsError where it is damaged or another network's
 */
export async function loadClassifier(file: string): Promise<DigitClassifier> {
  const { tensors } = await readSafetensors(file);
  const missing = CLASSIFIER_PARAMETERS.find(({ name }) => !tensors.has(name));
  if (missing) {
    throw new SafetensorsError(
      `${file} has no tensor "${missing.name}": is it a digit classifier's file? ` +
        "The shipped one is pretrained/classifier-mnist.safetensors.",
    );
  }
  const vector = tf.tidy(() =>
    tf.concat1d(CLASSIFIER_PARAMETERS.map((parameter) => readParameter(tensors, parameter, file))),
  );
  const classifier = new DigitClassifier();
  classifier.setVector(vector);
  vector.dispose();
  return classifier;
}

/** One parameter as it lies in the vector. */
function readParameter(
  tensors: StoredTensors["tensors"],
  { name, shape }: Parameter,
  file: string,
): tf.Tensor1D {
  const isFilter = shape.length === 4;
  const stored = isFilter ? TO_FILE.map((axis) => shape[axis] ?? 0) : [...shape];
  const { data } = requireTensor(tensors, name, stored, file);
  const tensor = tf.tensor(Float32Array.from(data), stored, "float32");
  return (isFilter ? tensor.transpose(FROM_FILE) : tensor).flatten();
}
