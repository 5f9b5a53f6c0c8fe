/**
 * ScoreNet's parameters: their names, shapes and first values, and how they lie in one vector.
 *
 * All trainable numbers live in a single vector `[1 115 297]`. The optimiser, the moving average, the
 * gradient's norm and a checkpoint then treat the model as what it is to them, a point in space: one
 * operation each instead of forty-two.
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

/** Channels after each of the four convolutions. */
export const CHANNELS = [32, 64, 128, 256] as const;
/** Width of the time embedding. */
export const EMBEDDING = 256;
/** Standard deviation of the random frequencies of time (the article's `scale`). */
export const FOURIER_SCALE = 30;
/** Output channels of the seven time projections `dense1` … `dense7`. */
export const TIME_CHANNELS: readonly number[] = [32, 64, 128, 256, 128, 64, 32];

const [C1, C2, C3, C4] = CHANNELS;

/** Every tensor that the network uses, in the order in which they lie in the vector. */
export const BLOCKS = {
  embedWeight: single(linearWeight("embed.linear", EMBEDDING)),
  embedBias: single(linearBias("embed.linear", EMBEDDING)),
  // One matrix product gives all seven time biases, for the seven weights lie stacked.
  timeWeight: stacked(TIME_CHANNELS.map((out, i) => linearWeight(`dense${i + 1}`, out))),
  timeBias: stacked(TIME_CHANNELS.map((out, i) => linearBias(`dense${i + 1}`, out))),
  conv1: single(filter("conv1", 1, C1, 1)),
  conv2: single(filter("conv2", C1, C2, C1)),
  conv3: single(filter("conv3", C2, C3, C2)),
  conv4: single(filter("conv4", C3, C4, C3)),
  // PyTorch counts the fan-in of a transposed convolution from its output channels.
  tconv4: single(filter("tconv4", C3, C4, C3)),
  tconv3: single(filter("tconv3", C2, 2 * C3, C2)),
  tconv2: single(filter("tconv2", C1, 2 * C2, C1)),
  tconv1: single(filter("tconv1", 1, 2 * C1, 1)),
  tconv1Bias: single({ name: "tconv1.bias", shape: [1], start: { bound: 1 / 3 } }),
  gnorm1Scale: single(constant("gnorm1.weight", C1, 1)),
  gnorm1Shift: single(constant("gnorm1.bias", C1, 0)),
  gnorm2Scale: single(constant("gnorm2.weight", C2, 1)),
  gnorm2Shift: single(constant("gnorm2.bias", C2, 0)),
  gnorm3Scale: single(constant("gnorm3.weight", C3, 1)),
  gnorm3Shift: single(constant("gnorm3.bias", C3, 0)),
  gnorm4Scale: single(constant("gnorm4.weight", C4, 1)),
  gnorm4Shift: single(constant("gnorm4.bias", C4, 0)),
  tgnorm4Scale: single(constant("tgnorm4.weight", C3, 1)),
  tgnorm4Shift: single(constant("tgnorm4.bias", C3, 0)),
  tgnorm3Scale: single(constant("tgnorm3.weight", C2, 1)),
  tgnorm3Shift: single(constant("tgnorm3.bias", C2, 0)),
  tgnorm2Scale: single(constant("tgnorm2.weight", C1, 1)),
  tgnorm2Shift: single(constant("tgnorm2.bias", C1, 0)),
} satisfies Record<string, Block>;

/** Name of one tensor of the network. */
export type BlockName = keyof typeof BLOCKS;
/** The tensors of the network by name. */
export type Weights = Readonly<Record<BlockName, tf.Tensor>>;

/** The names of the blocks, in the order in which they lie in the vector. */
export const BLOCK_NAMES = Object.keys(BLOCKS) as BlockName[];
/** Every trainable parameter, in the order in which they lie in the vector. */
export const PARAMETERS: readonly Parameter[] = BLOCK_NAMES.flatMap(
  (name) => BLOCKS[name].parameters,
);
/** How many trainable numbers there are: 1 115 297. */
export const PARAMETER_COUNT = PARAMETERS.reduce((sum, p) => sum + sizeOf(p.shape), 0);

const BLOCK_SHAPES = BLOCK_NAMES.map((name) => BLOCKS[name].shape);
const BLOCK_SIZES = BLOCK_SHAPES.map(sizeOf);

/** First values as in PyTorch: uniform in ±1/√fan_in, and 1 and 0 for the norms. `[P]` */
export function initialVector(random: Random): tf.Tensor1D {
  return tf.tidy(() => {
    const scale = new Float32Array(PARAMETER_COUNT);
    const shift = new Float32Array(PARAMETER_COUNT);
    let offset = 0;
    for (const { shape, start } of PARAMETERS) {
      const end = offset + sizeOf(shape);
      if ("bound" in start) scale.fill(start.bound, offset, end);
      else shift.fill(start.constant, offset, end);
      offset = end;
    }
    return random.uniform([PARAMETER_COUNT], -1, 1).mul<tf.Tensor1D>(scale).add(shift);
  });
}

/** Cuts the vector into the network's tensors. The caller owns each. */
export function toBlocks(vector: tf.Tensor1D): tf.Tensor[] {
  return tf.tidy(() =>
    tf.split(vector, BLOCK_SIZES).map((part, i) => part.reshape([...(BLOCK_SHAPES[i] ?? [])])),
  );
}

/** Joins tensors, one a block, into a vector again: gradients, for example. `[P]` */
export function toVector(blocks: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.tidy(() => tf.concat1d(blocks.map((block) => block.flatten())));
}

/** Cuts the vector into parameters, in the order and the shapes of `PARAMETERS`. */
export function toParameters(vector: tf.Tensor1D): tf.Tensor[] {
  return tf.tidy(() =>
    tf
      .split(
        vector,
        PARAMETERS.map((p) => sizeOf(p.shape)),
      )
      .map((part, i) => part.reshape([...(PARAMETERS[i]?.shape ?? [])])),
  );
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function single(parameter: Parameter): Block {
  return { shape: parameter.shape, parameters: [parameter] };
}

function stacked(parameters: readonly Parameter[]): Block {
  const rows = parameters.reduce((sum, p) => sum + (p.shape[0] ?? 0), 0);
  return { shape: [rows, ...(parameters[0]?.shape.slice(1) ?? [])], parameters };
}

function filter(name: string, third: number, fourth: number, fanInChannels: number): Parameter {
  const bound = 1 / Math.sqrt(fanInChannels * 9);
  return { name: `${name}.weight`, shape: [3, 3, third, fourth], start: { bound } };
}

function linearWeight(name: string, out: number): Parameter {
  const bound = 1 / Math.sqrt(EMBEDDING);
  return { name: `${name}.weight`, shape: [out, EMBEDDING], start: { bound } };
}

function linearBias(name: string, out: number): Parameter {
  return { name: `${name}.bias`, shape: [out], start: { bound: 1 / Math.sqrt(EMBEDDING) } };
}

function constant(name: string, channels: number, value: number): Parameter {
  return { name, shape: [channels], start: { constant: value } };
}
