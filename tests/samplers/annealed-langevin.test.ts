/** Annealed Langevin dynamics on a mixture whose score is known. */
import { expect, it } from "vitest";
import {
  annealedLangevin,
  sample,
  tf,
  variancePreservingSde,
  type SamplerStep,
  type Sde,
} from "../../src";
import { measure, mixture, sde as exponential } from "./support";

it.each<{ what: string; sde: Sde }>([
  { what: "dx = βᵗ dw", sde: exponential },
  { what: "VP", sde: variancePreservingSde() },
])("draws the mixture, through $what", async ({ sde }) => {
  const score = mixture.perturbedScore(sde);
  const options = { sde, score, shape: [3000, 2], numSteps: 200, seed: 5, snr: 0.12 };
  const x = await sample(annealedLangevin({ ...options, correctorSteps: 15 }));
  const measured = measure(x);
  x.dispose();
  // Four standard errors of a fraction, and 3 % for chains that are short at each time.
  mixture.weights.forEach((weight, k) => {
    const error = Math.sqrt((weight * (1 - weight)) / 3000);
    expect(Math.abs((measured.weights[k] as number) - weight)).toBeLessThan(4 * error + 0.03);
  });
  expect(Math.abs(measured.varianceWithin / 0.09 - 1)).toBeLessThan(0.1);
});

it("looks correctorSteps times at each of its times, and once more at the end, which is D", async () => {
  const times: number[] = [];
  const score = (x: tf.Tensor, t: tf.Tensor1D): tf.Tensor => {
    times.push(t.dataSync()[0] ?? NaN);
    return x.neg();
  };
  const steps: SamplerStep[] = [];
  const options = { sde: exponential, score, shape: [2, 2], numSteps: 3, eps: 0.1 };
  for await (const s of annealedLangevin({ ...options, correctorSteps: 2 })) steps.push(s);
  expect(steps.map(({ nfe }) => nfe)).toEqual([2, 4, 7]);
  [0.7, 0.4, 0].forEach((t, i) => expect(steps[i]?.t).toBeCloseTo(t, 5));
  const expected = [0.7, 0.7, 0.4, 0.4, 0.1, 0.1, 0.1];
  expect(times).toHaveLength(expected.length);
  times.forEach((t, i) => expect(t).toBeCloseTo(expected[i] as number, 5));
});
