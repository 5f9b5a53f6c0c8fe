/**
 * How the parameters of a network lie in one vector.
 *
 * All trainable numbers of a network live in a single vector `[P]`. The optimiser, the moving average, the
 * gradient's norm and a checkpoint then treat the model as what it is to them, a point in space: one
 * operation each instead of forty.
 */
import { tf, type Random } from "../engine";

/** One parameter, named as PyTorch names it. */
export interface Parameter {
  readonly name: string;
  /**
   * Shape as the network uses it: filters `[3, 3, I, O]` (convolution) or `[3, 3, O, I]` (transposed),
   * linear weights `[out, in]`.
   */
  readonly shape: readonly number[];
  /** First values are uniform in ±bound (PyTorch's default), or all `constant`. */
  readonly start: { readonly bound: number } | { readonly constant: number };
}

/** Parameters that lie side by side and that the network uses as one tensor, stacked along axis 0. */
export interface Block {
  readonly shape: readonly number[];
  readonly parameters: readonly Parameter[];
}

/** The places of a network's parameters in its vector. */
export interface ParameterLayout {
  /** Names of the tensors that the network uses, in the order in which they lie in the vector. */
  readonly blockNames: readonly string[];
  /** Every trainable parameter, in the order in which they lie in the vector. */
  readonly parameters: readonly Parameter[];
  /** How many trainable numbers there are, P. */
  readonly size: number;
  /** First values: uniform in ±bound, or constant, as each parameter has it. `[P]` */
  initialVector(random: Random): tf.Tensor1D;
  /** Cuts the vector into the network's tensors. The caller owns each. */
  toBlocks(vector: tf.Tensor1D): tf.Tensor[];
  /** Cuts the vector into parameters, in the order and the shapes of `parameters`. */
  toParameters(vector: tf.Tensor1D): tf.Tensor[];
}

/** @param blocks the tensors that the network uses, by name, in the order in which they are to lie */
export function parameterLayout(blocks: Readonly<Record<string, Block>>): ParameterLayout {
  const all = Object.values(blocks);
  const parameters = all.flatMap((block) => block.parameters);
  const size = parameters.reduce((sum, p) => sum + sizeOf(p.shape), 0);
  return {
    blockNames: Object.keys(blocks),
    parameters,
    size,
    initialVector: (random) => initialVector(parameters, size, random),
    toBlocks: (vector) =>
      cut(
        vector,
        all.map(({ shape }) => shape),
      ),
    toParameters: (vector) =>
      cut(
        vector,
        parameters.map(({ shape }) => shape),
      ),
  };
}

/** Joins tensors, one a block, into a vector again: gradients, for example. `[P]` */
export function toVector(blocks: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() => tf.concat1d(blocks.map((block) => block.flatten())));
}

/** A block of one parameter. */
export function single(parameter: Parameter): Block {
  return { shape: parameter.shape, parameters: [parameter] };
}

/** A block of several, one upon another. */
export function stacked(parameters: readonly Parameter[]): Block {
  const rows = parameters.reduce((sum, p) => sum + (p.shape[0] ?? 0), 0);
  return { shape: [rows, ...(parameters[0]?.shape.slice(1) ?? [])], parameters };
}

/** A square filter, `size` pixels wide. Uniform in ±1/√fan_in, as in PyTorch. */
export function filter(
  name: string,
  [size, third, fourth]: readonly [size: number, third: number, fourth: number],
  fanInChannels = third,
): Parameter {
  const bound = 1 / Math.sqrt(fanInChannels * size ** 2);
  return { name: `${name}.weight`, shape: [size, size, third, fourth], start: { bound } };
}

/** A matrix `[out, in]`. Uniform in ±1/√in, as in PyTorch. */
export function linearWeight(name: string, out: number, inputs: number): Parameter {
  const bound = 1 / Math.sqrt(inputs);
  return { name: `${name}.weight`, shape: [out, inputs], start: { bound } };
}

/** What is added to the product of a matrix `[out, in]`. Uniform in ±1/√in, as in PyTorch. */
export function linearBias(name: string, out: number, inputs: number): Parameter {
  return { name: `${name}.bias`, shape: [out], start: { bound: 1 / Math.sqrt(inputs) } };
}

/** `channels` numbers that start alike: the scale or the shift of a norm. */
export function constant(name: string, channels: number, value: number): Parameter {
  return { name, shape: [channels], start: { constant: value } };
}

function initialVector(
  parameters: readonly Parameter[],
  size: number,
  random: Random,
): tf.Tensor1D {
  return tf.tidy(() => {
    const scale = new Float32Array(size);
    const shift = new Float32Array(size);
    let offset = 0;
    for (const { shape, start } of parameters) {
      const end = offset + sizeOf(shape);
      if ("bound" in start) scale.fill(start.bound, offset, end);
      else shift.fill(start.constant, offset, end);
      offset = end;
    }
    return random.uniform([size], -1, 1).mul<tf.Tensor1D>(scale).add(shift);
  });
}

function cut(vector: tf.Tensor1D, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  return tf.tidy(() =>
    tf.split(vector, shapes.map(sizeOf)).map((part, i) => part.reshape([...(shapes[i] ?? [])])),
  );
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
