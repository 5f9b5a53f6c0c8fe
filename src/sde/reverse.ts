/**
 * Time run backwards.
 */
import { tf } from "../engine";
import { perExample, requireBatch, requireTimes } from "./batch";
import type { Score, Sde } from "./sde";

/** The reverse SDE dx = [f(x, t) − g(t)² s(x, t)] dt + g(t) dw̄, run from t = 1 down to 0. */
export interface ReverseSde {
  /** f(x, t) − g(t)² s(x, t), of the shape of `x`. One score evaluation. */
  drift(x: tf.Tensor, t: tf.Tensor1D): tf.Tensor;
  /** g(t), `[B]`: the same as forward. */
  diffusion(t: tf.Tensor1D): tf.Tensor1D;
}

/**
 * The SDE that undoes `sde`, given the score of its marginals: eq. (2) (Anderson 1982), and eq. (10)
 * for dx = βᵗ dw, where it reads dx = −β²ᵗ s(x, t) dt + βᵗ dw̄.
 *
 * In it dt is **negative**: a step of size Δt > 0 back in time adds +g² s Δt.
 *
 * @throws RangeError from its functions for times outside (0, 1]
 */
export function reverseSde(sde: Sde, score: Score): ReverseSde {
  return {
    drift(x, t) {
      requireBatch(x, t);
      requireTimes(t, { excludeZero: true });
      return tf.tidy(() => {
        const g = perExample(sde.diffusion(t), x);
        return sde.drift(x, t).sub(g.square().mul(score(x, t)));
      });
    },
    diffusion: (t) => sde.diffusion(t),
  };
}
