/**
 * ResidualNet's parameters: their names, shapes and first values.
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
  type Parameter,
} from "./layout";

/** Channels at 14 × 14 and at 7 × 7 pixels. */
export const WIDE = 64;
export const DEEP = 128;
/** Channels of an image cut into 2 × 2 patches. */
export const PATCH = 4;
/** Width of the embedding of noise level and class. */
export const EMBEDDING = 256;
/** Sines and cosines of the noise level. */
export const FREQUENCIES = 32;
/** Ten digits. */
export const NUM_CLASSES = 10;

/** Input and output channels of each residual block, in the order in which an image goes through them. */
export const RESIDUAL_BLOCKS = {
  down14: [WIDE, WIDE],
  down7: [DEEP, DEEP],
  middle7: [DEEP, DEEP],
  up7: [2 * DEEP, DEEP],
  up14: [2 * WIDE, WIDE],
} as const satisfies Record<string, readonly [input: number, output: number]>;

export type ResidualBlockName = keyof typeof RESIDUAL_BLOCKS;
export const RESIDUAL_BLOCK_NAMES = Object.keys(RESIDUAL_BLOCKS) as ResidualBlockName[];
/** What the embedding adds in each block: so many numbers. */
export const EMBEDDING_CHANNELS = RESIDUAL_BLOCK_NAMES.map((name) => RESIDUAL_BLOCKS[name][1]);

/** How ResidualNet's parameters lie in its vector. */
export const RESIDUAL_LAYOUT = parameterLayout({
  noiseWeight: single(linearWeight("noise", EMBEDDING, 2 * FREQUENCIES)),
  noiseBias: single(linearBias("noise", EMBEDDING, 2 * FREQUENCIES)),
  classWeight: single(linearWeight("class", EMBEDDING, NUM_CLASSES)),
  embeddingWeight: stacked(
    RESIDUAL_BLOCK_NAMES.map((name) => {
      return linearWeight(`${name}.embedding`, RESIDUAL_BLOCKS[name][1], EMBEDDING);
    }),
  ),
  embeddingBias: stacked(
    RESIDUAL_BLOCK_NAMES.map((name) => {
      return linearBias(`${name}.embedding`, RESIDUAL_BLOCKS[name][1], EMBEDDING);
    }),
  ),
  input: single(filter("input", [3, PATCH, WIDE])),
  shrink: single(filter("shrink", [2, WIDE, DEEP])),
  grow: single(linearWeight("grow", PATCH * WIDE, DEEP)),
  ...Object.fromEntries(RESIDUAL_BLOCK_NAMES.flatMap(residualBlock)),
  normScale: single(constant("norm.weight", WIDE, 1)),
  normShift: single(constant("norm.bias", WIDE, 0)),
  output: single(zeroFilter("output", WIDE, PATCH)),
});

/** The tensors of the network by name. */
export type ResidualWeights = Readonly<Record<string, tf.Tensor>>;

/** A residual block's parameters. Its second convolution starts at 0, and so the block as what changes nothing. */
function residualBlock(name: ResidualBlockName): [string, Block][] {
  const [input, output] = RESIDUAL_BLOCKS[name];
  const parts: [string, Parameter][] = [
    ["norm1Scale", constant(`${name}.norm1.weight`, input, 1)],
    ["norm1Shift", constant(`${name}.norm1.bias`, input, 0)],
    ["conv1", filter(`${name}.conv1`, [3, input, output])],
    ["norm2Scale", constant(`${name}.norm2.weight`, output, 1)],
    ["norm2Shift", constant(`${name}.norm2.bias`, output, 0)],
    ["conv2", zeroFilter(`${name}.conv2`, output, output)],
  ];
  if (input !== output) parts.push(["skip", filter(`${name}.skip`, [1, input, output])]);
  return parts.map(([part, parameter]) => [`${name}.${part}`, single(parameter)]);
}

function zeroFilter(name: string, input: number, output: number): Parameter {
  return { ...filter(name, [3, input, output]), start: { constant: 0 } };
}
