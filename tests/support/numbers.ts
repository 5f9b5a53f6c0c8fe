import { expect } from "vitest";
import type { tf } from "../../src";

/**
 * The numbers of a tensor, which is freed. (Returning them from tf.tidy instead takes a second for a
 * million: tidy looks for tensors in whatever is returned, element by element.)
 */
export function take(tensor: tf.Tensor): Float32Array {
  const values = Float32Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}

/** Fails unless two arrays are the same to the last bit: `toEqual` takes seconds on a million numbers. */
export function expectSameNumbers(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(bytesOf(actual), bytesOf(expected))).toBe(0);
}

function bytesOf(array: Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
