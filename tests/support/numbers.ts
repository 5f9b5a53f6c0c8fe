import { expect } from "vitest";

/** Fails unless two arrays are the same to the last bit: `toEqual` takes seconds on a million numbers. */
export function expectSameNumbers(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(bytesOf(actual), bytesOf(expected))).toBe(0);
}

function bytesOf(array: Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
