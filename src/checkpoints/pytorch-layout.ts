/**
 * Between a network's vector of numbers and tensors under PyTorch's names, in PyTorch's layouts.
 */
import { tf } from "../engine";
import { toVector, type ParameterLayout } from "../models";
import { SafetensorsError, type StoredTensor } from "./safetensors";

/**
 * The parameters in a vector `[P]` (weights, or a moment of the optimiser) as PyTorch's
 * `state_dict` holds them: filters OIHW (convolution) and IOHW (transposed), `[out, in]` for linear.
 *
 * @param prefix put before each name, for example "ema."
 */
export function toPyTorch(
  layout: ParameterLayout,
  vector: tf.Tensor1D,
  prefix = "",
): Map<string, StoredTensor> {
  const parts = layout.toParameters(vector);
  const stored = layout.parameters.map(({ name }, i): [string, StoredTensor] => {
    const tensor = tf.tidy(() => toPyTorchLayout(parts[i] as tf.Tensor));
    const entry = { shape: tensor.shape, data: Float32Array.from(tensor.dataSync()) };
    tensor.dispose();
    return [prefix + name, entry];
  });
  tf.dispose(parts);
  return new Map(stored);
}

/**
 * The vector back from tensors under PyTorch's names.
 *
 * @param source name of the file, for messages
 * @throws SafetensorsError naming the first tensor that is missing, of another shape, or not finite
 */
export function fromPyTorch(
  layout: ParameterLayout,
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix: string,
  source: string,
): tf.Tensor1D {
  return tf.tidy(() =>
    toVector(
      layout.parameters.map(({ name, shape }) => {
        const expected = shape.length === 4 ? TO_PYTORCH.map((axis) => shape[axis] ?? 0) : shape;
        const { data } = requireTensor(tensors, prefix + name, expected, source);
        const tensor = tf.tensor(Float32Array.from(data), [...expected], "float32");
        return shape.length === 4 ? tensor.transpose(FROM_PYTORCH) : tensor;
      }),
    ),
  );
}

/**
 * One tensor of a file.
 *
 * @throws SafetensorsError where it is missing, has another shape, or holds NaN or infinity
 */
export function requireTensor(
  tensors: ReadonlyMap<string, StoredTensor>,
  name: string,
  shape: readonly number[],
  source: string,
): StoredTensor {
  const stored = tensors.get(name);
  if (!stored) {
    throw new SafetensorsError(
      `${source} has no tensor "${name}": is it a checkpoint of this network?`,
    );
  }
  if (!tf.util.arraysEqual([...stored.shape], [...shape])) {
    throw new SafetensorsError(
      `${source}: "${name}" has shape [${stored.shape.join(", ")}], expected [${shape.join(", ")}].`,
    );
  }
  if (!stored.data.every(Number.isFinite)) {
    throw new SafetensorsError(`${source}: "${name}" holds NaN or infinity.`);
  }
  return stored;
}

// Both kinds of filter go the same way: HWIO ↔ OIHW and HWOI ↔ IOHW.
const TO_PYTORCH = [3, 2, 0, 1];
const FROM_PYTORCH = [2, 3, 1, 0];

function toPyTorchLayout(tensor: tf.Tensor): tf.Tensor {
  return tensor.rank === 4 ? tensor.transpose(TO_PYTORCH) : tensor.clone();
}
