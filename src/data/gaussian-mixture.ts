/**
 * A mixture of Gaussians: a distribution with modes, whose density, score and moments are all known.
 */
import { tf, type Random } from "../engine";
import { symmetricEigen, type Eigen } from "./symmetric-eigen";

/** The weights, means and spreads of a mixture of K Gaussians in d dimensions. */
export interface GaussianMixtureInit {
  /** `[K][d]` */
  readonly means: readonly (readonly number[])[];
  /** Standard deviation of round components: one for each, or one for all. */
  readonly stds?: number | readonly number[];
  /** Or `[K][d][d]`, symmetric and positive definite: the covariance of each component. */
  readonly covariances?: readonly (readonly (readonly number[])[])[];
  /** `[K]`, positive; divided by their sum. Default: all equal. */
  readonly weights?: readonly number[];
}

/**
 * The part of an SDE that `perturbedScore` needs: x(t) given x(0) is Gaussian with this mean (a
 * multiple of `x0`) and this standard deviation (`[B]`). Every `Sde` fits.
 */
export interface PerturbationKernel {
  marginal(x0: tf.Tensor, t: tf.Tensor1D): { mean: tf.Tensor; std: tf.Tensor1D };
}

/**
 * p(x) = Σₖ wₖ N(x; μₖ, Σₖ).
 *
 * `x` is `[B, d]`, or `[B, …D]` with d numbers an example. Functions that take a `variance` v, one
 * number or `[B]`, speak of the mixture convolved with N(0, v I), which is the mixture with
 * covariances Σₖ + v I: what is left of p after noise of that variance was added. Every tensor
 * returned is the caller's.
 */
export interface GaussianMixture {
  /** d */
  readonly dim: number;
  /** K */
  readonly numComponents: number;
  /** `[K]`, with sum 1. */
  readonly weights: readonly number[];
  readonly means: readonly (readonly number[])[];
  /** `[K][d][d]` */
  readonly covariances: readonly (readonly (readonly number[])[])[];
  /** Independent draws, `[n, d]`. */
  sample(n: number, random: Random): tf.Tensor2D;
  /** log p(x), `[B]`. */
  logDensity(x: tf.Tensor, variance?: number | tf.Tensor1D): tf.Tensor1D;
  /** ∇ₓ log p(x) = Σₖ rₖ(x) Σₖ⁻¹ (μₖ − x), of the shape of `x`, with r the responsibilities. */
  score(x: tf.Tensor, variance?: number | tf.Tensor1D): tf.Tensor;
  /** rₖ(x) = wₖ N(x; μₖ, Σₖ) / p(x), `[B, K]`: how likely x came from each component. */
  responsibilities(x: tf.Tensor, variance?: number | tf.Tensor1D): tf.Tensor2D;
  /**
   * The exact score of pₜ, the distribution of x(t) when x(0) has this one: with mean s(t) x(0) and
   * standard deviation σ(t) given x(0), it is the mixture of N(s μₖ, s² Σₖ + σ² I).
   */
  perturbedScore(sde: PerturbationKernel): (x: tf.Tensor, t: tf.Tensor1D) => tf.Tensor;
  /** Σₖ wₖ μₖ, `[d]`. */
  mean(): number[];
  /** Σₖ wₖ (Σₖ + (μₖ − μ)(μₖ − μ)ᵀ), `[d][d]`. */
  covariance(): number[][];
}

/**
 * Makes a mixture of Gaussians.
 *
 * @throws RangeError for sizes that do not fit, weights or stds that are not positive, covariances that
 * are not symmetric and positive definite, and from its functions for an `x` of another dimension
 */
export function gaussianMixture(init: GaussianMixtureInit): GaussianMixture {
  const { means, weights, covariances } = checked(init);
  const dim = means[0]!.length;
  const numComponents = means.length;
  const eigen = covariances.map(symmetricEigen);
  requirePositiveDefinite(eigen);

  /**
   * log wₖ N(x; s μₖ, s² Σₖ + v I), `[K, B]`, and its gradient over x, `[K, B, d]`, on the axes
   * of Σₖ = U Λ Uᵀ: there s² Σₖ + v I is diagonal whatever s and v are, so they may differ from
   * example to example and no matrix is ever inverted.
   */
  const components = (x: tf.Tensor2D, { scale, variance }: Perturbation): Components => {
    const axes = tf.tensor3d(eigen.map(({ vectors }) => vectors)); // [K, d, d]
    const spread = tf.tensor3d(eigen.map(({ values }) => [values])); // [K, 1, d]
    const centres = tf.tensor3d(means.map((mean) => [[...mean]])); // [K, 1, d]
    const s = scale.reshape([1, -1, 1]);
    const variances = spread.mul(s.square()).add(variance.reshape([1, -1, 1])); // [K, B, d]
    const offset = tf.matMul(x.expandDims(0).sub(centres.mul(s)), axes);
    const quadratic = offset.square().div(variances).sum(-1);
    const logNorm = variances
      .mul(2 * Math.PI)
      .log()
      .sum(-1);
    const logWeights = tf.tensor2d(weights.map((weight) => [Math.log(weight)]));
    return {
      logJoint: logWeights.sub(quadratic.add(logNorm).mul(0.5)),
      gradient: () => tf.matMul(offset.div(variances).neg(), axes, false, true),
    };
  };

  const scoreOf = (x: tf.Tensor, perturbation: Perturbation): tf.Tensor => {
    const { logJoint, gradient } = components(flat(x, dim), perturbation);
    return responsibility(logJoint).expandDims(-1).mul(gradient()).sum(0).reshape(x.shape);
  };

  return {
    dim,
    numComponents,
    weights,
    means,
    covariances,

    sample: (n, random) =>
      tf.tidy(() => {
        const chosen = choose(weights, random.uniform([n]).dataSync());
        // U √Λ turns N(0, I) into N(0, Σ).
        const roots = eigen.map(({ values, vectors }) =>
          vectors.map((row) => row.map((entry, j) => entry * Math.sqrt(values[j]!))),
        );
        const root = tf.gather(tf.tensor3d(roots), chosen); // [n, d, d]
        const centre = tf.gather(tf.tensor2d(means.map((mean) => [...mean])), chosen);
        const z = random.normal([n, dim]).expandDims(-1);
        return centre.add<tf.Tensor2D>(tf.matMul(root, z).squeeze([-1]));
      }),

    logDensity: (x, variance = 0) =>
      tf.tidy(() => {
        const { logJoint } = components(flat(x, dim), added(variance));
        return tf.logSumExp<tf.Tensor1D>(logJoint, 0);
      }),

    score: (x, variance = 0) => tf.tidy(() => scoreOf(x, added(variance))),

    responsibilities: (x, variance = 0) =>
      tf.tidy(() => {
        const { logJoint } = components(flat(x, dim), added(variance));
        return responsibility(logJoint).transpose<tf.Tensor2D>();
      }),

    perturbedScore: (sde) => (x, t) =>
      tf.tidy(() => {
        const ones = tf.ones([t.shape[0], 1]);
        const { mean, std } = sde.marginal(ones, t);
        return scoreOf(x, { scale: mean, variance: std.square() });
      }),

    mean: () => weightedMean(means, weights),

    covariance() {
      const centre = weightedMean(means, weights);
      return centre.map((_, i) =>
        centre.map((_, j) =>
          weights.reduce((sum, weight, k) => {
            const between = (means[k]![i]! - centre[i]!) * (means[k]![j]! - centre[j]!);
            return sum + weight * (covariances[k]![i]![j]! + between);
          }, 0),
        ),
      );
    },
  };
}

/** What noise did to the mixture: x → scale · x + √variance · noise, each one number or `[B]`. */
interface Perturbation {
  readonly scale: tf.Tensor;
  readonly variance: tf.Tensor;
}

interface Components {
  readonly logJoint: tf.Tensor2D;
  readonly gradient: () => tf.Tensor;
}

function added(variance: number | tf.Tensor1D): Perturbation {
  if (typeof variance === "number" && !(variance >= 0 && Number.isFinite(variance))) {
    throw new RangeError(`gaussianMixture: variance must be a finite number ≥ 0; got ${variance}.`);
  }
  return {
    scale: tf.scalar(1),
    variance: typeof variance === "number" ? tf.scalar(variance) : variance,
  };
}

/** exp(log joint − log p), from the largest term down, so that nothing overflows far from all modes. */
function responsibility(logJoint: tf.Tensor2D): tf.Tensor2D {
  return logJoint.sub<tf.Tensor2D>(tf.logSumExp(logJoint, 0, true)).exp();
}

/** `[B, …D]` → `[B, d]` */
function flat(x: tf.Tensor, dim: number): tf.Tensor2D {
  const size = x.shape.slice(1).reduce((product, length) => product * length, 1);
  if (x.rank < 2 || size !== dim) {
    throw new RangeError(
      `gaussianMixture: x must be [B, ${dim}], one point a row; got [${x.shape.join(", ")}].`,
    );
  }
  return x.reshape([-1, dim]);
}

/** Which component each uniform number in [0, 1) falls into. */
function choose(weights: readonly number[], uniforms: ArrayLike<number>): tf.Tensor1D {
  let sum = 0;
  const bounds = weights.map((weight) => (sum += weight));
  const last = weights.length - 1;
  const chosen = Int32Array.from({ length: uniforms.length }, (_, i) => {
    const k = bounds.findIndex((bound) => uniforms[i]! < bound);
    return k < 0 ? last : k; // the bounds' sum may round to a little less than 1
  });
  return tf.tensor1d(chosen, "int32");
}

function weightedMean(means: readonly (readonly number[])[], weights: readonly number[]): number[] {
  return means[0]!.map((_, i) => weights.reduce((sum, w, k) => sum + w * means[k]![i]!, 0));
}

type Checked = Required<Omit<GaussianMixtureInit, "stds">>;

function checked({ means, stds, covariances, weights }: GaussianMixtureInit): Checked {
  const fail = (what: string): never => {
    throw new RangeError(`gaussianMixture: ${what}`);
  };
  const dim = means[0]?.length ?? 0;
  if (dim === 0) fail("means must be [K, d] with K ≥ 1 and d ≥ 1.");
  if (means.some((mean) => mean.length !== dim || !mean.every(Number.isFinite))) {
    fail(`every mean needs ${dim} finite numbers, as many as the first has.`);
  }
  const raw = weights ?? means.map(() => 1);
  if (raw.length !== means.length || !raw.every((w) => w > 0 && Number.isFinite(w))) {
    fail(`needs ${means.length} positive weights, one for each mean; got [${raw.join(", ")}].`);
  }
  if ((stds === undefined) === (covariances === undefined)) {
    fail("give either stds or covariances.");
  }
  const total = raw.reduce((sum, w) => sum + w, 0);
  return {
    means,
    weights: raw.map((w) => w / total),
    covariances: covariances
      ? square(covariances, means.length, dim)
      : round(stds ?? 1, means.length, dim),
  };
}

function round(stds: number | readonly number[], count: number, dim: number): number[][][] {
  const each = typeof stds === "number" ? new Array<number>(count).fill(stds) : stds;
  if (each.length !== count || !each.every((std) => std > 0 && Number.isFinite(std))) {
    throw new RangeError(
      `gaussianMixture: stds must be positive, one or ${count} of them; got [${each.join(", ")}].`,
    );
  }
  const identity = Array.from({ length: dim }, (_, i) =>
    Array.from({ length: dim }, (_, j) => Number(i === j)),
  );
  return each.map((std) => identity.map((row) => row.map((entry) => entry * std ** 2)));
}

function square(
  covariances: readonly (readonly (readonly number[])[])[],
  count: number,
  dim: number,
): Checked["covariances"] {
  const fits =
    covariances.length === count &&
    covariances.every((c) => c.length === dim && c.every((row) => row.length === dim));
  if (!fits)
    throw new RangeError(`gaussianMixture: covariances must be [${count}, ${dim}, ${dim}].`);
  covariances.forEach((c, k) => {
    if (
      !c.every((row, i) =>
        row.every((entry, j) => Math.abs(entry - c[j]![i]!) <= 1e-9 * Math.abs(entry)),
      )
    ) {
      throw new RangeError(`gaussianMixture: covariance ${k} is not symmetric.`);
    }
  });
  return covariances;
}

function requirePositiveDefinite(eigen: readonly Eigen[]): void {
  eigen.forEach(({ values }, k) => {
    if (!values.every((value) => value > 0)) {
      throw new RangeError(
        `gaussianMixture: covariance ${k} is not positive definite; its eigenvalues are ` +
          `[${values.map((value) => value.toPrecision(3)).join(", ")}].`,
      );
    }
  });
}
