/**
 * Samples as a file: what `npm run sample -- --raw` writes and `npm run evaluate -- --samples` reads.
 */
import { readSafetensors, SafetensorsError, tf, writeSafetensors } from "../src";

/** Writes samples, `[N, 28, 28, 1]`, as the tensor "samples". Whole or not at all. */
export async function saveSamples(
  file: string,
  samples: tf.Tensor,
  metadata: Record<string, string> = {},
): Promise<void> {
  const data = await samples.data<"float32">();
  await writeSafetensors(file, {
    tensors: new Map([["samples", { shape: samples.shape, data }]]),
    metadata,
  });
}

/**
 * Reads what `saveSamples` wrote.
 *
 * @throws SafetensorsError for a damaged file, or one without samples of 28 × 28 pixels
 */
export async function loadSamples(file: string): Promise<tf.Tensor4D> {
  const { tensors } = await readSafetensors(file);
  const stored = tensors.get("samples");
  if (!stored || stored.shape.length !== 4 || String(stored.shape.slice(1)) !== "28,28,1") {
    throw new SafetensorsError(
      `${file} holds no tensor "samples" of the shape [N, 28, 28, 1]: ` +
        "npm run sample -- --raw FILE writes one.",
    );
  }
  const [count = 0] = stored.shape;
  return tf.tensor4d(Float32Array.from(stored.data), [count, 28, 28, 1]);
}
