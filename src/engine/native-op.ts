/**
 * Calls any operation that TensorFlow registers, not only those that tfjs wraps.
 */
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { tf } from "./tensorflow";

/** Value of one attribute of a TensorFlow operation. */
export type Attribute =
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "int"; readonly value: number | readonly number[] }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "dtype"; readonly value: tf.DataType };

/**
 * Runs one TensorFlow operation eagerly.
 *
 * No gradient is recorded: wrap the call in `tf.customGrad` where one is needed.
 *
 * @param name as registered in TensorFlow, for example "StatelessRandomNormal"
 * @param inputs in the order of the operation's definition
 * @param attributes by name; an operation's type attributes (`T`) are "dtype"
 * @param numOutputs how many tensors the operation returns
 * @returns the outputs, owned by the caller (or by the enclosing `tf.tidy`)
 * @throws Error with TensorFlow's own message for an unknown name or inputs that do not fit
 */
export function nativeOp(
  name: string,
  inputs: readonly tf.Tensor[],
  attributes: Readonly<Record<string, Attribute>>,
  numOutputs = 1,
): tf.Tensor[] {
  const backend = tf.backend() as NodeJSKernelBackend;
  const encoded = Object.entries(attributes).map(([key, attribute]) => ({
    name: key,
    type: attributeCode(backend, attribute.type),
    value: attribute.type === "dtype" ? backend.getDTypeInteger(attribute.value) : attribute.value,
  }));
  return backend.executeMultipleOutputs(name, encoded, [...inputs], numOutputs);
}

function attributeCode(backend: NodeJSKernelBackend, type: Attribute["type"]): number {
  const { binding } = backend;
  const codes = {
    bool: binding.TF_ATTR_BOOL,
    int: binding.TF_ATTR_INT,
    float: binding.TF_ATTR_FLOAT,
    string: binding.TF_ATTR_STRING,
    dtype: binding.TF_ATTR_TYPE,
  };
  return codes[type];
}
