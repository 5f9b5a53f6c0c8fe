/**
 * What training, checkpoints and metrics ask of a network.
 */
import type { tf } from "../engine";
import type { Score, Sde } from "../sde";
import type { ParameterLayout } from "./layout";
import type { Preconditioning } from "./preconditioning";

/** A network s_θ(x, t) for 28 × 28 images whose trainable numbers lie in one vector. */
export interface ScoreModel {
  /** The forward process whose scores it gives. */
  readonly sde: Sde;
  /** What makes a score of its layers. */
  readonly preconditioning: Preconditioning;
  /** Where each parameter lies in the vector. */
  readonly layout: ParameterLayout;
  /** How many classes it can be asked for; 0 where it knows of none. */
  readonly numClasses: number;
  /** The score s_θ(x, t): `x` `[B, 28, 28, 1]`, `t` `[B]` in (0, 1] → `[B, 28, 28, 1]`. */
  readonly score: Score;
  /**
   * The same with the network's tensors given, so that a gradient can be taken by them.
   *
   * @param blocks as `layout.toBlocks` gives them
   * @param classes `[B, numClasses]`: a row with a 1 asks for that class, a row of zeros for none; left out:
   * none anywhere
   */
  apply(
    blocks: readonly tf.Tensor[],
    x: tf.Tensor,
    t: tf.Tensor1D,
    classes?: tf.Tensor2D,
  ): tf.Tensor4D;
  /** A copy of all trainable numbers, `[P]`. The caller owns it. */
  getVector(): tf.Tensor1D;
  /** Sets all trainable numbers at once. Takes a copy: the caller keeps what it gave. */
  setVector(vector: tf.Tensor1D): void;
  /** Another network with the same numbers. */
  clone(): ScoreModel;
  /** Frees every tensor. The network cannot be used after. */
  dispose(): void;
}

/** @throws RangeError unless `x` is `[B, 28, 28, 1]` */
export function requireImages(x: tf.Tensor, network: string): void {
  if (x.rank !== 4 || x.shape[1] !== 28 || x.shape[2] !== 28 || x.shape[3] !== 1) {
    throw new RangeError(
      `${network} takes x of shape [B, 28, 28, 1]; got [${x.shape.join(", ")}].`,
    );
  }
}
