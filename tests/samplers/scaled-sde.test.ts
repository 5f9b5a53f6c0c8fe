/** Samplers over noise levels on an SDE that shrinks the data, α(t) < 1: nothing in them knows of dx = βᵗ dw. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ancestralEuler,
  ddim,
  denoiser,
  dpmSolver2m,
  eulerMaruyama,
  heun,
  noiseLevelAt,
  sample,
  sdeDpmSolver2m,
  stochasticHeun,
  subVpSde,
  tf,
  variancePreservingSde,
} from "../../src";
import { measure, mixture } from "./support";

const N = 10_000;
/** Of constant rate 9: α(t) = e^(−9t/2), σ(t)² = 1 − α(t)², and so (σ / α)² = e^(9t) − 1. */
const sde = variancePreservingSde({ betaMin: 9, betaMax: 9 });
const score = mixture.perturbedScore(sde);

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("the SDE of this test", () => {
  it("keeps α² + σ² = 1, from the data to nearly nothing of them", () => {
    for (const t of [0, 1e-4, 0.1, 0.5, 1]) {
      expect(sde.scaleAt(t) ** 2 + sde.stdAt(t) ** 2).toBeCloseTo(1, 12);
      expect(sde.timeAt(noiseLevelAt(sde, t))).toBeCloseTo(t, 12);
    }
    expect(sde.scaleAt(0)).toBe(1);
    expect(sde.scaleAt(1)).toBeLessThan(0.02);
  });
});

describe("denoiser", () => {
  it("is in units of the data: half way to the mode where the noise is as wide as the mode", () => {
    // D = μ + v / (v + σ²) (x − μ) with v = σ² = 0.09; the other modes are too far away to count.
    const x = [1.9, -0.7];
    const denoised = tf.tidy(() => denoiser(sde, score)(tf.tensor2d([x]), 0.3).arraySync());
    const [point] = denoised as [[number, number]];
    expect(point[0]).toBeCloseTo(1.7, 3);
    expect(point[1]).toBeCloseTo(-0.6, 3);
  });
});

const byHand = { of: "the SDE of this test", sde, eps: 1e-4 };
const vp = { of: "VP", sde: variancePreservingSde(), eps: 1e-3 };
const subVp = { of: "sub-VP", sde: subVpSde(), eps: 1e-2 };

describe.each([
  { name: "ddim", run: ddim, numSteps: 400, ...byHand },
  { name: "heun", run: heun, numSteps: 50, ...byHand },
  { name: "dpmSolver2m", run: dpmSolver2m, numSteps: 100, ...byHand },
  { name: "ancestralEuler", run: ancestralEuler, numSteps: 400, ...byHand },
  { name: "sdeDpmSolver2m", run: sdeDpmSolver2m, numSteps: 100, ...byHand },
  { name: "stochasticHeun", run: stochasticHeun, numSteps: 60, ...byHand },
  // The reverse SDE in its own times and units, as a witness.
  { name: "eulerMaruyama", run: eulerMaruyama, numSteps: 500, ...byHand },
  { name: "dpmSolver2m", run: dpmSolver2m, numSteps: 150, ...vp },
  { name: "sdeDpmSolver2m", run: sdeDpmSolver2m, numSteps: 150, ...vp },
  { name: "dpmSolver2m", run: dpmSolver2m, numSteps: 150, ...subVp },
  { name: "sdeDpmSolver2m", run: sdeDpmSolver2m, numSteps: 150, ...subVp },
])("$name on $of, 10,000 samples of the mixture", ({ run, numSteps, sde, eps }) => {
  it("has its mean, weights and widths", async () => {
    const score = mixture.perturbedScore(sde);
    const x = await sample(run({ sde, score, shape: [N, 2], numSteps, eps, seed: 4 }));
    const measured = measure(x);
    x.dispose();
    // 4 standard errors, and what the steps are allowed: 0.003 of a weight and 3 % of the variance within a
    // mode. The start is N(0, I) and p₁ has a mean of up to 0.4 α(1): a flow, which remembers that, ends off
    // by 0.4 α(1) / σ(1) standard deviations of the data at most, 0.005.
    mixture.weights.forEach((weight, k) => {
      const error = Math.sqrt((weight * (1 - weight)) / N);
      expect(Math.abs((measured.weights[k] as number) - weight)).toBeLessThan(4 * error + 0.003);
    });
    mixture.mean().forEach((mean, i) => {
      const error = Math.sqrt((mixture.covariance()[i]?.[i] as number) / N);
      expect(Math.abs((measured.mean[i] as number) - mean)).toBeLessThan(4 * error + 0.005);
    });
    expect(Math.abs(measured.varianceWithin / 0.09 - 1)).toBeLessThan(4 * 0.01 + 0.03);
  });
});

describe("what is yielded", () => {
  it("is x(t), scale and all, and at the end the data", async () => {
    // Far from t = 0, p_t is nearly N(0, I) whatever the level of the noise in units of the data.
    const options = { sde, score, shape: [2000, 2], numSteps: 30, seed: 6 };
    let first = NaN;
    for await (const { x } of heun(options)) {
      first = Math.sqrt(tf.tidy(() => tf.moments(x).variance.dataSync()[0] ?? NaN));
      break;
    }
    expect(Math.abs(first - 1)).toBeLessThan(4 / Math.sqrt(2 * 4000) + 0.01);
  });
});
