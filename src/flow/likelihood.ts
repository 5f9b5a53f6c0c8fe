/**
 * How likely an image is.
 */
import { graphFunction, Random, tf } from "../engine";
import { constantTime, perExampleSum, type Score, type Sde } from "../sde";
import type { Step } from "../step";
import { dormandPrince, type OdeStep } from "./dormand-prince";
import { flowSlope } from "./flow";

/** What a likelihood takes. */
export interface LikelihoodOptions {
  sde: Sde;
  /** A score that can be differentiated by x with TensorFlow's gradients. */
  score: Score;
  /** The data, `[B, …D]`. It stays the caller's. */
  x: tf.Tensor;
  /** The time that the data are taken to stand at, in (0, 1). Default 1e-5. */
  eps?: number;
  /**
   * How the divergence is found: along one random direction for each example (Hutchinson 1990; right on
   * average, one gradient), or exactly (a gradient for each dimension: for a few of them). Default
   * "hutchinson".
   */
  divergence?: "hutchinson" | "exact";
  /** Governs the directions. Default 0. */
  seed?: number;
  /** As of `dormandPrince`. Default 1e-5. */
  rtol?: number;
  /** As of `dormandPrince`. Default 1e-5. */
  atol?: number;
  signal?: AbortSignal;
}

/** How far it is, and at the last step the result. */
export interface LikelihoodStep extends Step {
  readonly t: number;
  /** Evaluations of score and gradient so far. */
  readonly nfe: number;
  /** log p(x) of each example in nats; at the last step only. */
  readonly logDensity?: readonly number[];
}

/**
 * log p(x) under the model that the probability flow defines, eq. (F3) (Song et al. 2021, D.2; the
 * instantaneous change of variables of Chen et al. 2018): along the flow from x at time eps to x(1)
 *
 *     log p(x) = log p₁(x(1)) + ∫ ∇ · (f − ½ g² s)(x(t), t) dt   from eps to 1,
 *
 * with the prior of the SDE for p₁. State and integral are solved together.
 *
 * @throws RangeError for options out of range; StepSizeError as `dormandPrince`
 */
export async function* likelihood(
  options: LikelihoodOptions,
): AsyncGenerator<LikelihoodStep, void, undefined> {
  const { sde, x, eps = 1e-5, rtol, atol, signal } = options;
  requireLikelihoodOptions(options);
  const shape = x.shape;
  const field = fieldWithDivergence(options);
  const start = tf.tidy(() => join(x, tf.zeros([shape[0] ?? 0])));
  try {
    const slope = (joined: tf.Tensor, t: number): tf.Tensor =>
      tf.tidy(() => {
        const [value, divergence] = field.at(split(joined, shape).x, t);
        return join(value, divergence);
      });
    // One number beside 784: judged with them, its error would hardly count.
    const groups = [tf.util.sizeFromShape(shape.slice(1)), 1];
    const solver = { slope, start, from: eps, to: 1, rtol, atol, groups, signal };
    for await (const s of dormandPrince(solver)) {
      yield { ...progressOf(s), ...(s.t === 1 && { logDensity: resultOf(s.x, sde, shape) }) };
    }
  } finally {
    start.dispose();
    field.dispose();
  }
}

/**
 * Bits per dimension of data whose values are whole multiples of 1 / levels made continuous by uniform noise
 * (Theis et al. 2016), eq. (F4): −log₂ p(x) / D + log₂ levels, the bits that an ideal code of this model would need for
 * a pixel.
 *
 * @param logDensity of an example, in nats
 * @param size D, its numbers
 */
export function bitsPerDimension(logDensity: number, size: number, levels = 256): number {
  return -logDensity / (size * Math.LN2) + Math.log2(levels);
}

function progressOf({ step, numSteps, t, nfe }: OdeStep): LikelihoodStep {
  return { step, numSteps, t, nfe };
}

function resultOf(joined: tf.Tensor, sde: Sde, shape: number[]): number[] {
  const total = tf.tidy(() => {
    const { x, integral } = split(joined, shape);
    return sde.priorLogDensity(x).add(integral);
  });
  const values = Array.from(total.dataSync());
  total.dispose();
  return values;
}

interface Field {
  /** The flow's slope, of the shape of `x`, and its divergence, `[B]`. */
  at(x: tf.Tensor, t: number): [slope: tf.Tensor, divergence: tf.Tensor];
  dispose(): void;
}

/** Slope and divergence as one graph: a gradient is hundreds of small operations. */
function fieldWithDivergence(options: LikelihoodOptions): Field {
  const { sde, score, x, divergence = "hutchinson", seed = 0 } = options;
  const slope = flowSlope(sde, score);
  const directions =
    divergence === "exact" ? unitVectors(x.shape) : [rademacher(x.shape, new Random(seed))];
  const graph = graphFunction((state, t, ...vs) => {
    const pull = tf.valueAndGrad((at: tf.Tensor) => slope(at, t as tf.Tensor1D));
    const pulled = vs.map((v) => pull(state, v)); // slope, and vᵀ ∇slope
    const terms = pulled.map(({ grad }, i) => perExampleSum(grad.mul(vs[i] as tf.Tensor)));
    return [(pulled[0] as { value: tf.Tensor }).value, tf.addN(terms)];
  });
  return {
    at(state, t) {
      const [value, sum] = graph(state, constantTime(state, t), ...directions);
      return [value as tf.Tensor, sum as tf.Tensor];
    },
    dispose() {
      graph.dispose();
      tf.dispose(directions);
    },
  };
}

/** Directions with E[v vᵀ] = I and the least scatter: every number 1 or −1. */
function rademacher(shape: number[], random: Random): tf.Tensor {
  return tf.tidy(() => random.uniform(shape).greaterEqual(0.5).toFloat().mul(2).sub(1));
}

/** One direction for each of the D numbers of an example, `[1, …D]` spread over the batch. */
function unitVectors(shape: number[]): tf.Tensor[] {
  const size = tf.util.sizeFromShape(shape.slice(1));
  return tf.tidy(() =>
    tf.unstack(tf.eye(size)).map((row) => row.reshape([1, ...shape.slice(1)]).broadcastTo(shape)),
  );
}

/** `[B, …D]` and `[B]` side by side, `[B, D + 1]`. */
function join(x: tf.Tensor, integral: tf.Tensor): tf.Tensor2D {
  const batch = x.shape[0] ?? 0;
  return tf.concat([x.reshape([batch, -1]), integral.reshape([batch, 1])], 1) as tf.Tensor2D;
}

function split(joined: tf.Tensor, shape: number[]): { x: tf.Tensor; integral: tf.Tensor } {
  const [x, integral] = tf.split(joined, [tf.util.sizeFromShape(shape.slice(1)), 1], 1);
  return { x: (x as tf.Tensor).reshape(shape), integral: (integral as tf.Tensor).reshape([-1]) };
}

function requireLikelihoodOptions({ x, eps = 1e-5 }: LikelihoodOptions): void {
  if (!(eps > 0 && eps < 1)) throw new RangeError(`eps must lie in (0, 1); got ${eps}. Try 1e-5.`);
  if (x.rank < 2 || x.size === 0) {
    throw new RangeError(
      `x must be [B, …D], one example a row, and not empty; got [${x.shape.join(", ")}].`,
    );
  }
}
