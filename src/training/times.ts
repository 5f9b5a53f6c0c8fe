/**
 * The times that a batch is perturbed to.
 */
import { nativeOp, tf, type Random } from "../engine";
import { noiseLevelAt, type Sde } from "../sde";

/**
 * How the times of a batch are drawn: each by itself, or one from each of as many equally probable parts of
 * their range, so that no batch has too many early ones. A mean over the batch has the same expectation with
 * both, and scatters less with the second (stratified sampling).
 */
export type TimeSampling = "independent" | "stratified";

/**
 * Which noise levels a network sees how often: those of times uniform on (eps, 1), as in the article, or
 * log-normal ones, ln σ ~ N(mean, std²) (Karras et al. 2022, table 1).
 */
export type NoiseLevels = "uniform" | { readonly logMean: number; readonly logStd: number };

/** What `drawTimes` goes by: a part of a recipe. */
export interface TimeOptions {
  readonly eps: number;
  readonly times: TimeSampling;
  readonly noiseLevels: NoiseLevels;
}

/**
 * Times for a batch, `[B]`; stratified ones in rising order. They go with images in random order, so that which
 * image has which time is left to chance all the same.
 *
 * @throws RangeError saying which option is out of range
 */
export function drawTimes(
  random: Random,
  batch: number,
  options: TimeOptions & { readonly sde: Sde },
): tf.Tensor1D {
  requireTimeOptions(options);
  const { sde, eps, times, noiseLevels } = options;
  return tf.tidy(() => {
    const part = times === "independent" ? unit(random, batch) : strata(random, batch);
    if (noiseLevels === "uniform") return part.mul(1 - eps).add<tf.Tensor1D>(eps);
    const { logMean, logStd } = noiseLevels;
    const [sigmaMin, sigmaMax] = [noiseLevelAt(sde, eps), noiseLevelAt(sde, 1)];
    const logSigma = normalQuantile(part).mul(logStd).add(logMean).dataSync();
    return tf.tensor1d(
      Array.from(logSigma, (log) =>
        sde.timeAt(Math.min(sigmaMax, Math.max(sigmaMin, Math.exp(log)))),
      ),
    );
  });
}

/** @throws RangeError saying which option is out of range */
export function requireTimeOptions({ eps, times, noiseLevels }: TimeOptions): void {
  if (!(eps > 0 && eps < 1)) throw new RangeError(`eps must lie in (0, 1); got ${eps}.`);
  if (times !== "independent" && times !== "stratified") {
    throw new RangeError(`times must be "independent" or "stratified"; got "${String(times)}".`);
  }
  if (noiseLevels === "uniform") return;
  const { logMean, logStd } = noiseLevels;
  if (!Number.isFinite(logMean) || !(logStd > 0) || !Number.isFinite(logStd)) {
    throw new RangeError(
      `noiseLevels must be "uniform", or have a logMean and a logStd > 0; got ${logMean} and ${logStd}.`,
    );
  }
}

/** Uniform on (0, 1). */
function unit(random: Random, batch: number): tf.Tensor1D {
  return random.uniform([batch]);
}

/** One from each of `batch` equal parts of (0, 1). */
function strata(random: Random, batch: number): tf.Tensor1D {
  return tf
    .range(0, batch)
    .add(random.uniform([batch]))
    .div(batch);
}

/** Φ⁻¹: what a standard normal number stays below with a probability. */
function normalQuantile(probability: tf.Tensor1D): tf.Tensor {
  const [quantile] = nativeOp("Ndtri", [probability], { T: { type: "dtype", value: "float32" } });
  return quantile as tf.Tensor;
}
