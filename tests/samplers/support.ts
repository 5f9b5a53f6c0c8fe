/**
 * Distributions whose reverse SDE has a known answer, and what is measured of samples.
 */
import { exponentialSde, gaussianMixture, tf, type SamplerStep, type Score } from "../../src";

export const sde = exponentialSde();

/**
 * Three modes of unequal weight. σ(1) = 9.8 is five times as wide as all of it, so that starting from
 * the prior instead of the true p₁ costs little; the modes are 6 standard deviations or more apart, so
 * that "the mode of a sample" has a meaning.
 */
export const mixture = gaussianMixture({
  means: [
    [-1.5, -1],
    [1.5, -0.5],
    [0, 1.5],
  ],
  stds: 0.3,
  weights: [0.2, 0.3, 0.5],
});

export const mixtureScore: Score = mixture.perturbedScore(sde);

/** What is compared with the mixture's own. */
export interface Measured {
  mean: number[];
  covariance: number[][];
  /** Fraction of the samples in each mode. */
  weights: number[];
  /** Variance of the samples around the mean of their mode, averaged over modes and coordinates. */
  varianceWithin: number;
}

export function measure(samples: tf.Tensor): Measured {
  const points = samples.arraySync() as [number, number][];
  const n = points.length;
  const mean = [0, 1].map((i) => average(points.map((p) => p[i] as number)));
  const covariance = [0, 1].map((i) =>
    [0, 1].map((j) =>
      average(
        points.map(
          (p) =>
            ((p[i] as number) - (mean[i] as number)) * ((p[j] as number) - (mean[j] as number)),
        ),
      ),
    ),
  );
  const counts = mixture.means.map(() => 0);
  let squares = 0;
  for (const point of points) {
    const distances = mixture.means.map((m) => squaredDistance(point, m));
    const nearest = distances.indexOf(Math.min(...distances));
    counts[nearest] = (counts[nearest] as number) + 1;
    squares += distances[nearest] as number;
  }
  return { mean, covariance, weights: counts.map((c) => c / n), varianceWithin: squares / (2 * n) };
}

/** Mean and variance of all the numbers of a tensor. */
export function moments(x: tf.Tensor): { mean: number; variance: number } {
  const values = x.dataSync();
  const mean = average(values);
  return { mean, variance: average(values.map((v) => (v - mean) ** 2)) };
}

function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

function squaredDistance(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0);
}

/** Runs a sampler to its end and throws its states away. */
export async function drain(steps: AsyncIterable<SamplerStep>): Promise<void> {
  for await (const step of steps) void step;
}

/** The score of N(0, variance I) under the SDE. */
export function gaussianScore(variance: number): Score {
  return gaussianMixture({ means: [[0, 0]], stds: Math.sqrt(variance) }).perturbedScore(sde);
}

/** A score of 0 everywhere that writes down the times it is asked for. */
export function recordingScore(): { score: Score; times: number[] } {
  const times: number[] = [];
  const score: Score = (x, t) => {
    const values = Array.from(t.dataSync());
    if (new Set(values).size !== 1) throw new Error(`one time a call; got ${values.join(", ")}`);
    times.push(values[0] as number);
    return tf.zerosLike(x);
  };
  return { score, times };
}
