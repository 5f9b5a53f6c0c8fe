/** The samplers that SMLD and DDPM came with, as steps of the forward chain turned round. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ancestralSampling,
  eulerMaruyama,
  Random,
  reverseDiffusion,
  sample,
  subVpSde,
  tf,
  transition,
  varianceExplodingSde,
  variancePreservingSde,
  type SamplerOptions,
  type SamplerStep,
  type Sde,
} from "../../src";
import { measure, mixture } from "./support";

const VP = variancePreservingSde();
const VE = varianceExplodingSde();

let tensorsBefore: number;
beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
});

describe("one step of the forward chain", () => {
  it("is DDPM's for the VP SDE: b² = 1 − a², and 1 − a² = β / N to first order", () => {
    const off = (N: number): number => {
      const { a, b } = transition(VP, 0.5 - 1 / N, 0.5);
      expect(Math.abs(a ** 2 + b ** 2 - 1)).toBeLessThan(1e-12);
      return (1 - a ** 2) / ((0.1 + 19.9 * 0.5) / N) - 1;
    };
    expect(off(1000) / off(2000)).toBeCloseTo(2, 1);
    expect(Math.abs(off(100_000))).toBeLessThan(1e-3);
  });

  it("is SMLD's for the VE SDE: a = 1, b² = σᵢ² − σᵢ₋₁² of its geometric ladder", () => {
    const sigma = (t: number): number => VE.sigmaMin * (VE.sigmaMax / VE.sigmaMin) ** t;
    for (const t of [0.1, 0.5, 1]) {
      const { a, b } = transition(VE, t - 0.01, t);
      expect(a).toBe(1);
      expect(Math.abs(b / Math.sqrt(sigma(t) ** 2 - sigma(t - 0.01) ** 2) - 1)).toBeLessThan(1e-9);
    }
  });

  it("two steps are one long one", () => {
    for (const sde of [VE, VP, subVpSde()]) {
      const [first, second] = [transition(sde, 0.2, 0.5), transition(sde, 0.5, 0.9)];
      const both = transition(sde, 0.2, 0.9);
      expect(first.a * second.a).toBeCloseTo(both.a, 12);
      const variance = (second.a * first.b) ** 2 + second.b ** 2;
      expect(Math.abs(variance / both.b ** 2 - 1)).toBeLessThan(1e-9);
    }
  });
});

type Sampler = (options: SamplerOptions) => AsyncGenerator<SamplerStep, void, undefined>;
const samplers: { name: string; run: Sampler }[] = [
  { name: "reverseDiffusion", run: reverseDiffusion },
  { name: "ancestralSampling", run: ancestralSampling },
];
const sdes: { what: string; sde: Sde }[] = [
  { what: "VE", sde: VE },
  { what: "VP", sde: VP },
  { what: "sub-VP", sde: subVpSde() },
];

describe.each(samplers)("$name", ({ run }) => {
  it.each(sdes)("draws a mixture with its exact score, through the $what SDE", async ({ sde }) => {
    const N = 4000;
    const score = mixture.perturbedScore(sde);
    const x = await sample(run({ sde, score, shape: [N, 2], numSteps: 400, seed: 3 }));
    const measured = measure(x);
    x.dispose();
    // Four standard errors of a fraction, √(w (1 − w) / N), and 1 % for the steps.
    mixture.weights.forEach((weight, k) => {
      const error = Math.sqrt((weight * (1 - weight)) / N);
      expect(Math.abs((measured.weights[k] as number) - weight)).toBeLessThan(4 * error + 0.01);
    });
    // Of a variance from 2 N numbers √(2 / 2N) = 1.6 %, and 6 % for the steps (of first order).
    expect(Math.abs(measured.varianceWithin / 0.09 - 1)).toBeLessThan(4 * 0.016 + 0.06);
  });

  it.each(sdes)("steps like Euler–Maruyama for the $what SDE, to first order", async ({ sde }) => {
    // One step from t = 1, without noise (it is the last): what it adds to x, against Euler–Maruyama's.
    const apart = async (dt: number): Promise<number> => {
      const options = { sde, shape: [50, 2], numSteps: 1, eps: 1 - dt, seed: 1 };
      const score = (x: tf.Tensor): tf.Tensor => x.mul(-0.2);
      const start = tf.tidy(() => sde.prior([50, 2], new Random(1)));
      const [ours, theirs] = [
        await sample(run({ ...options, score })),
        await sample(eulerMaruyama({ ...options, score })),
      ];
      const ratio = tf.tidy(() => {
        const moves = [ours, theirs].map((end) => end.sub(start)) as [tf.Tensor, tf.Tensor];
        return (
          (moves[0].sub(moves[1]).norm().dataSync()[0] ?? NaN) /
          (moves[1].norm().dataSync()[0] ?? NaN)
        );
      });
      tf.dispose([start, ours, theirs]);
      return ratio;
    };
    const [coarse, fine] = [await apart(0.01), await apart(0.005)];
    // The moves differ by O(dt²), that is by a part O(dt) of them.
    expect(coarse / fine).toBeGreaterThan(1.8);
    expect(coarse / fine).toBeLessThan(2.3);
  });

  it("counts its evaluations, ends at eps, and keeps nothing after a break", async () => {
    const score = mixture.perturbedScore(VP);
    const seen: SamplerStep[] = [];
    for await (const s of run({ sde: VP, score, shape: [2, 2], numSteps: 5, eps: 0.01 }))
      seen.push(s);
    expect(seen.map(({ nfe }) => nfe)).toEqual([1, 2, 3, 4, 5]);
    expect(seen.at(-1)?.t).toBeCloseTo(0.01, 12);
    for await (const s of run({ sde: VP, score, shape: [2, 2], numSteps: 5 })) {
      if (s.step === 2) break;
    }
    await expect(async () => {
      for await (const s of run({ sde: VP, score, shape: [2, 2], numSteps: 0 })) void s;
    }).rejects.toThrow(/numSteps must be a whole number ≥ 1/);
  });
});
