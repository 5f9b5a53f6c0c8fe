/**
 * ScoreNet's parameters: their names, shapes and first values, and how they lie in one vector.
 */
import type { tf } from "../engine";
import {
  constant,
  filter,
  linearBias,
  linearWeight,
  parameterLayout,
  single,
  stacked,
  type Block,
} from "./layout";

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
  embedWeight: single(linearWeight("embed.linear", EMBEDDING, EMBEDDING)),
  embedBias: single(linearBias("embed.linear", EMBEDDING, EMBEDDING)),
  // One matrix product gives all seven time biases, for the seven weights lie stacked.
  timeWeight: stacked(TIME_CHANNELS.map((out, i) => linearWeight(`dense${i + 1}`, out, EMBEDDING))),
  timeBias: stacked(TIME_CHANNELS.map((out, i) => linearBias(`dense${i + 1}`, out, EMBEDDING))),
  conv1: single(filter("conv1", [3, 1, C1])),
  conv2: single(filter("conv2", [3, C1, C2])),
  conv3: single(filter("conv3", [3, C2, C3])),
  conv4: single(filter("conv4", [3, C3, C4])),
  // PyTorch counts the fan-in of a transposed convolution from its output channels.
  tconv4: single(filter("tconv4", [3, C3, C4])),
  tconv3: single(filter("tconv3", [3, C2, 2 * C3])),
  tconv2: single(filter("tconv2", [3, C1, 2 * C2])),
  tconv1: single(filter("tconv1", [3, 1, 2 * C1])),
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

/** How ScoreNet's parameters lie in its vector. */
export const SCORE_NET_LAYOUT = parameterLayout(BLOCKS);
/** Every trainable parameter of ScoreNet, in the order in which they lie in the vector. */
export const { parameters: PARAMETERS } = SCORE_NET_LAYOUT;
/** How many trainable numbers ScoreNet has: 1 115 297. */
export const { size: PARAMETER_COUNT } = SCORE_NET_LAYOUT;
