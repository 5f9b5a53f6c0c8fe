/**
 * The optimiser.
 */
import { tf } from "../engine";

/** Adam's constants besides the learning rate. */
export interface AdamOptions {
  /** Decay of the mean of gradients, in [0, 1). */
  readonly beta1: number;
  /** Decay of the mean of squared gradients, in [0, 1). */
  readonly beta2: number;
  /** Keeps the division from 0. */
  readonly epsilon: number;
}

/** What `Adam.rates` gives. */
export interface AdamRates {
  /** The learning rate, corrected for the running means' start at 0. */
  readonly stepSize: number;
  /** Likewise. */
  readonly epsilon: number;
}

/** PyTorch's defaults, and the article's. */
export const ADAM_DEFAULTS: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * Adam (Kingma & Ba 2015, Algorithm 1) on one vector of parameters.
 *
 * Every parameter of the model lies in that vector, so an update is a dozen operations in all rather
 * than a dozen for each of forty tensors. `next` has no side effects, so that it can be part of a graph.
 */
export class Adam {
  /** Running mean of gradients, `[P]`. */
  readonly mean: tf.Variable;
  /** Running mean of squared gradients, `[P]`. */
  readonly meanSquare: tf.Variable;

  /** @throws RangeError for decays outside [0, 1) */
  constructor(
    size: number,
    readonly options: AdamOptions = ADAM_DEFAULTS,
  ) {
    for (const name of ["beta1", "beta2"] as const) {
      if (!(options[name] >= 0 && options[name] < 1)) {
        throw new RangeError(`Adam: ${name} must lie in [0, 1); got ${options[name]}.`);
      }
    }
    this.mean = zeros(size);
    this.meanSquare = zeros(size);
  }

  /**
   * The numbers of an update that change from step to step.
   *
   * @param step which update it is, counted from 1: the running means start at 0 and are corrected for it
   * @param rate learning rate
   */
  rates(step: number, rate: number): AdamRates {
    const { beta1, beta2, epsilon } = this.options;
    // m̂ / (√v̂ + ε) with the corrections taken out of the large tensors.
    const correction = Math.sqrt(1 - beta2 ** step);
    return {
      stepSize: (rate * correction) / (1 - beta1 ** step),
      epsilon: epsilon * correction,
    };
  }

  /**
   * The parameters and running means after an update; `assign` makes the means the present ones.
   *
   * @param vector the parameters, `[P]`
   * @param gradient `[P]`
   * @param stepSize of `rates`, scalar
   * @param epsilon of `rates`, scalar
   * @returns all `[P]`, owned by the caller
   */
  next(
    vector: tf.Tensor1D,
    gradient: tf.Tensor1D,
    stepSize: tf.Tensor,
    epsilon: tf.Tensor,
  ): { vector: tf.Tensor1D; mean: tf.Tensor; meanSquare: tf.Tensor } {
    const { beta1, beta2 } = this.options;
    return tf.tidy(() => {
      const mean = this.mean.mul(beta1).add(gradient.mul(1 - beta1));
      const meanSquare = this.meanSquare.mul(beta2).add(gradient.square().mul(1 - beta2));
      const move = mean.div(meanSquare.sqrt().add(epsilon)).mul(stepSize);
      return { vector: vector.sub<tf.Tensor1D>(move), mean, meanSquare };
    });
  }

  /**
   * One update: the new parameters, and the running means set to what they are after it.
   *
   * @param vector the parameters, `[P]`
   * @param gradient `[P]`
   * @param step which update it is, counted from 1
   * @param rate learning rate
   * @returns the new parameters, owned by the caller
   */
  update(vector: tf.Tensor1D, gradient: tf.Tensor1D, step: number, rate: number): tf.Tensor1D {
    const { stepSize, epsilon } = this.rates(step, rate);
    return tf.tidy(() => {
      const next = this.next(vector, gradient, tf.scalar(stepSize), tf.scalar(epsilon));
      this.assign(next.mean, next.meanSquare);
      return next.vector;
    });
  }

  /** Sets the running means. Takes copies: the caller keeps what it gave. */
  assign(mean: tf.Tensor, meanSquare: tf.Tensor): void {
    this.mean.assign(mean);
    this.meanSquare.assign(meanSquare);
  }

  dispose(): void {
    tf.dispose([this.mean, this.meanSquare]);
  }
}

function zeros(size: number): tf.Variable {
  const initial = tf.zeros([size]);
  const variable = tf.variable(initial, false);
  initial.dispose();
  return variable;
}
