/** EDM's preconditioning against its own definition, by D. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  constantTime,
  edmPreconditioning,
  exponentialSde,
  noisePreconditioning,
  perturb,
  Random,
  subVpSde,
  tf,
  variancePreservingSde,
  type Sde,
} from "../../src";

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

const SIGMA_DATA = 0.5;
const sdes: { what: string; sde: Sde }[] = [
  { what: "dx = βᵗ dw", sde: exponentialSde() },
  { what: "VP", sde: variancePreservingSde() },
  { what: "sub-VP", sde: subVpSde() },
];

/** Layers that mix what they are shown with what they are told. */
const layers = (x: tf.Tensor4D, noise: tf.Tensor1D): tf.Tensor4D =>
  x.mul(0.7).add(noise.reshape([-1, 1, 1, 1]));

describe.each(sdes)("edmPreconditioning for $what", ({ sde }) => {
  it.each([0.02, 0.4, 0.9])("gives the score of table 1's D at t = %d", (time) => {
    tf.tidy(() => {
      const xt = new Random(1).normal([3, 4, 4, 1]);
      const score = edmPreconditioning(SIGMA_DATA).score(layers, sde)(xt, constantTime(xt, time));
      const [scale, std] = [sde.scaleAt(time), sde.stdAt(time)];
      const sigma = std / scale;
      const total = sigma ** 2 + SIGMA_DATA ** 2;
      const x = xt.div(scale);
      const raw = layers(x.div(Math.sqrt(total)), tf.fill([3], Math.log(sigma) / 4));
      const skip = x.mul(SIGMA_DATA ** 2 / total);
      const denoised = skip.add(raw.mul((sigma * SIGMA_DATA) / Math.sqrt(total)));
      // Tweedie: D = (x(t) + std² s) / α.
      const fromScore = xt.add(score.mul(std ** 2)).div(scale);
      const error = fromScore.sub(denoised).abs().max().dataSync()[0] ?? NaN;
      const size = denoised.abs().max().dataSync()[0] ?? NaN;
      expect(error / size).toBeLessThan(1e-4);
    });
  });

  it("shows the layers numbers of variance 1 at every noise level", () => {
    tf.tidy(() => {
      const random = new Random(2);
      const x0 = random.normal([20, 28, 28, 1]).mul<tf.Tensor4D>(SIGMA_DATA);
      for (const time of [0.01, 0.3, 1]) {
        const t = constantTime(x0, time);
        const xt = perturb(sde, x0, t, random.normal([...x0.shape]));
        const spy = (x: tf.Tensor4D): tf.Tensor4D => {
          // 15,680 numbers: the variance's standard error is √(2 / 15680) = 1.1 %.
          expect(Math.abs((x.square().mean().dataSync()[0] ?? NaN) - 1)).toBeLessThan(0.045);
          return x;
        };
        edmPreconditioning(SIGMA_DATA).score(spy, sde)(xt, t);
      }
    });
  });
});

it("with layers that give 0, EDM's is the score of Gaussian data", () => {
  tf.tidy(() => {
    const sde = exponentialSde();
    const x = new Random(3).normal([2, 2, 2, 1]);
    const zero = edmPreconditioning(SIGMA_DATA).score((h) => tf.zerosLike(h), sde);
    const score = zero(x, constantTime(x, 0.5));
    const expected = x.div(-(sde.stdAt(0.5) ** 2 + SIGMA_DATA ** 2));
    expect(score.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-6);
  });
});

it("the article's divides by std, and tells t", () => {
  tf.tidy(() => {
    const sde = exponentialSde();
    const x = new Random(4).normal([2, 2, 2, 1]);
    const score = noisePreconditioning.score(layers, sde)(x, constantTime(x, 0.5));
    const expected = x.mul(0.7).add(0.5).div(sde.stdAt(0.5));
    expect(score.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-6);
  });
});

it("a spread of the data that is none is refused", () => {
  for (const sigmaData of [0, -1, NaN, Infinity]) {
    expect(() => edmPreconditioning(sigmaData)).toThrow(/sigmaData must be a number > 0; got/);
  }
});
