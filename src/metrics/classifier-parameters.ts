/**
 * The digit classifier's parameters: their names, shapes and first values, and how they lie in one vector.
 */
import { tf, type Random } from "../engine";
import type { Parameter } from "../models";

/** Width of the features: the output of the layer before the last. */
export const FEATURE_WIDTH = 128;
/** Ten digits. */
export const CLASSES = 10;

/** Channels after each of the two convolutions. */
const [C1, C2] = [32, 64];
/** What is left of 28 × 28 pixels: 28 → 24 → 12 → 8 → 4. */
const FLAT = C2 * 4 * 4;

/** Every parameter, in the order in which they lie in the vector. Filters are `[5, 5, I, O]` here. */
export const CLASSIFIER_PARAMETERS: readonly Parameter[] = [
  ...layer("conv1", [5, 5, 1, C1], C1, 25),
  ...layer("conv2", [5, 5, C1, C2], C2, 25 * C1),
  ...layer("dense1", [FEATURE_WIDTH, FLAT], FEATURE_WIDTH, FLAT),
  ...layer("dense2", [CLASSES, FEATURE_WIDTH], CLASSES, FEATURE_WIDTH),
];

const SIZES = CLASSIFIER_PARAMETERS.map(({ shape }) => tf.util.sizeFromShape([...shape]));

/** The parameters as the network's layers take them. */
export interface ClassifierWeights {
  readonly conv1: readonly [filter: tf.Tensor4D, bias: tf.Tensor1D];
  readonly conv2: readonly [filter: tf.Tensor4D, bias: tf.Tensor1D];
  readonly dense1: readonly [weight: tf.Tensor2D, bias: tf.Tensor1D];
  readonly dense2: readonly [weight: tf.Tensor2D, bias: tf.Tensor1D];
}

/** First values as in PyTorch, uniform in ±1/√fan_in. `[184 586]`, owned by the caller. */
export function initialClassifierVector(random: Random): tf.Tensor1D {
  return tf.tidy(() =>
    tf.concat1d(
      CLASSIFIER_PARAMETERS.map(({ start }, i) => {
        const bound = "bound" in start ? start.bound : 0;
        return random.uniform([SIZES[i] ?? 0], -bound, bound);
      }),
    ),
  );
}

/** Cuts the vector into parameters, in the order and the shapes of `CLASSIFIER_PARAMETERS`. */
export function toClassifierParameters(vector: tf.Tensor1D): tf.Tensor[] {
  return tf.tidy(() =>
    tf
      .split(vector, SIZES)
      .map((part, i) => part.reshape([...(CLASSIFIER_PARAMETERS[i]?.shape ?? [])])),
  );
}

/** The same by layer. */
export function toClassifierWeights(vector: tf.Tensor1D): ClassifierWeights {
  const [w1, b1, w2, b2, w3, b3, w4, b4] = toClassifierParameters(vector);
  const weights = { conv1: [w1, b1], conv2: [w2, b2], dense1: [w3, b3], dense2: [w4, b4] };
  return weights as unknown as ClassifierWeights;
}

function layer(name: string, shape: number[], out: number, fanIn: number): Parameter[] {
  const start = { bound: 1 / Math.sqrt(fanIn) };
  return [
    { name: `${name}.weight`, shape, start },
    { name: `${name}.bias`, shape: [out], start },
  ];
}
