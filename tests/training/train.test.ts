import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createTraining,
  DivergenceError,
  drawTimes,
  EDM_RECIPE,
  exponentialSde,
  ImageDataset,
  loadScoreNet,
  loadTraining,
  Random,
  rateAt,
  readSafetensors,
  SafetensorsError,
  saveNetwork,
  saveTraining,
  noiseLevelAt,
  ResidualNet,
  ScoreNet,
  variancePreservingSde,
  tf,
  train,
  writeSafetensors,
  type Recipe,
  type Training,
  type TrainStep,
} from "../../src";
import { expectSameNumbers, take } from "../support/numbers";
import { noiseImages } from "../support/small-data";

const recipe: Partial<Recipe> = { batchSize: 4, learningRate: 1e-3, seed: 5 };
let folder: string;
let open: Training[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "training-"));
  open = [];
});
afterEach(() => {
  open.forEach((training) => training.dispose());
  fs.rmSync(folder, { recursive: true, force: true });
});

function start(overrides: Partial<Recipe> = {}): Training {
  const model = new ScoreNet({ sde: exponentialSde(), seed: 5 });
  return track(createTraining({ model, recipe: { ...recipe, ...overrides } }));
}

function track(training: Training): Training {
  open.push(training);
  return training;
}

async function run(training: Training, epochs: number, stopAfter = Infinity): Promise<TrainStep[]> {
  const steps: TrainStep[] = [];
  for await (const s of train({ training, data: noiseImages(10), epochs })) {
    steps.push(s);
    if (steps.length === stopAfter) break;
  }
  return steps;
}

function weights(training: Training): Float32Array {
  return take(training.model.getVector());
}

function averages(training: Training): Float32Array {
  return Float32Array.from(training.average.dataSync());
}

describe("train", () => {
  it("yields a step a batch, the short last one included, with epoch and running loss", async () => {
    const steps = await run(start(), 2);
    expect(steps.map((s) => s.step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(steps.map((s) => s.epoch)).toEqual([1, 1, 1, 2, 2, 2]);
    expect(steps.every((s) => s.numSteps === 6 && s.examplesPerSecond > 0)).toBe(true);
    expect(steps[0]?.runningLoss).toBe(steps[0]?.loss);
    const [a, b, c] = steps.map((s) => s.loss) as [number, number, number];
    expect(steps[2]?.epochLoss).toBeCloseTo((4 * a + 4 * b + 2 * c) / 10, 2);
    expect(steps[3]?.epochLoss).toBeCloseTo(steps[3]?.loss ?? NaN, 6);
  });

  it("learns", async () => {
    const steps = await run(start(), 12);
    const mean = (part: TrainStep[]): number =>
      part.reduce((sum, s) => sum + s.loss, 0) / part.length;
    expect(mean(steps.slice(-9))).toBeLessThan(0.9 * mean(steps.slice(0, 3)));
  });

  it("is the same for the same seed, and another for another", async () => {
    const losses = (await run(start(), 1)).map((s) => s.loss);
    expect((await run(start(), 1)).map((s) => s.loss)).toEqual(losses);
    expect((await run(start({ seed: 6 }), 1)).map((s) => s.loss)).not.toEqual(losses);
  });

  it.each([1, 2, 3, 4, 5])("cut after step %i, saved and resumed, ends the same", async (cut) => {
    const whole = start();
    const losses = (await run(whole, 2)).map((s) => s.loss);
    const first = start();
    const before = await run(first, 2, cut);
    const file = path.join(folder, "run.safetensors");
    await saveTraining(file, first);
    const second = track(await loadTraining(file));
    const after = await run(second, 2);
    expect([...before, ...after].map((s) => s.loss)).toEqual(losses);
    expect(after.at(-1)?.step).toBe(6);
    expectSameNumbers(weights(second), weights(whole));
    expectSameNumbers(averages(second), averages(whole));
    expect(second.losses).toEqual(whole.losses);
  });

  it("cut at 20 random steps of 30, saved and resumed each time, ends the same", async () => {
    const every = { batchSize: 2, times: "stratified", maxGradientNorm: 1e4 } as const;
    const whole = start(every);
    const losses = (await run(whole, 6)).map((s) => s.loss);
    const shuffled = [...Array(29).keys()].sort(() => Math.random() - 0.5);
    const cuts = shuffled.slice(0, 20).sort((a, b) => a - b);
    const file = path.join(folder, "run.safetensors");
    let part = start(every);
    const seen: number[] = [];
    for (const [i, cut] of cuts.entries()) {
      const until = cut - (cuts[i - 1] ?? -1);
      seen.push(...(await run(part, 6, until)).map((s) => s.loss));
      await saveTraining(file, part);
      part = track(await loadTraining(file));
    }
    seen.push(...(await run(part, 6)).map((s) => s.loss));
    expect(seen, `cut after the steps ${cuts.map((cut) => cut + 1).join(", ")}`).toEqual(losses);
    expectSameNumbers(weights(part), weights(whole));
    expectSameNumbers(averages(part), averages(whole));
  });

  it("ends cleanly after the current step when its signal says so, and goes on later", async () => {
    const controller = new AbortController();
    const training = start();
    const data = noiseImages(10);
    const steps: number[] = [];
    for await (const s of train({ training, data, epochs: 2, signal: controller.signal })) {
      steps.push(s.step);
      if (s.step === 2) controller.abort();
    }
    expect(steps).toEqual([1, 2]);
    expect((await run(training, 2)).map((s) => s.step)).toEqual([3, 4, 5, 6]);
    expect(await run(training, 2)).toEqual([]);
  });

  it("grows by no tensor over 1,000 steps, and leaves none after a break", async () => {
    const training = start({ batchSize: 1 });
    const before = tf.memory().numTensors;
    const counts = new Set<number>();
    for await (const s of train({ training, data: noiseImages(10), epochs: 1000 })) {
      counts.add(tf.memory().numTensors);
      if (s.step === 1000) break;
    }
    expect(counts).toEqual(new Set([before]));
    expect(tf.memory().numTensors).toBe(before);
  });

  it("shortens a gradient that is longer than the recipe allows, and no other", async () => {
    // After its first step, Adam's running mean is (1 − β₁) times the gradient.
    const firstGradient = async (maxGradientNorm: number | null): Promise<number> => {
      const training = start({ maxGradientNorm });
      await run(training, 1, 1);
      return tf.tidy(() => (training.adam.mean.norm().dataSync()[0] ?? NaN) / (1 - 0.9));
    };
    const whole = await firstGradient(null);
    expect((await firstGradient(whole / 10)) / whole).toBeCloseTo(0.1, 4);
    expect((await firstGradient(whole * 2)) / whole).toBeCloseTo(1, 4);
  });

  it("goes on with the recipe of an earlier version's file, which says nothing of times", async () => {
    const training = start();
    await run(training, 2, 2);
    const file = path.join(folder, "run.safetensors");
    await saveTraining(file, training);
    const { tensors, metadata } = await readSafetensors(file);
    const position = JSON.parse(metadata["training"] ?? "") as { recipe: Partial<Recipe> };
    for (const later of ["times", "maxGradientNorm"]) {
      expect(Reflect.deleteProperty(position.recipe, later)).toBe(true);
    }
    const write = (): Promise<void> =>
      writeSafetensors(file, { tensors, metadata: { training: JSON.stringify(position) } });
    await write();
    const resumed = track(await loadTraining(file));
    expect(resumed.recipe).toEqual(training.recipe);
    position.recipe = { ...position.recipe, batchSize: -1 };
    await write();
    await expect(loadTraining(file)).rejects.toThrow(SafetensorsError);
    await expect(loadTraining(file)).rejects.toThrow(/recipe is damaged: batchSize/);
  });

  it("stops at a loss that is no number, with the last good weights", async () => {
    const training = start();
    await run(training, 2, 2);
    const good = weights(training);
    const poisoned = { training, data: noiseImages(10), epochs: 2 };
    const infinite = train({ ...poisoned, weighting: (t) => t.mul<tf.Tensor1D>(Infinity) });
    await expect(infinite.next()).rejects.toThrow(DivergenceError);
    expectSameNumbers(weights(training), good);
    expect(training.step).toBe(2);
    // And the stream of noise is where it was: the run goes on as if nothing had happened.
    const losses = (await run(start(), 2)).map((s) => s.loss);
    expect((await run(training, 2)).map((s) => s.loss)).toEqual(losses.slice(2));
  });

  it.each<[Partial<Recipe>, RegExp]>([
    [{ batchSize: 0 }, /batchSize/],
    [{ batchSize: 2.5 }, /batchSize/],
    [{ learningRate: 0 }, /learning rate/],
    [{ learningRate: { peak: 1e-3, warmupSteps: -1, final: 0 } }, /warmupSteps/],
    [{ eps: 0 }, /eps/],
    [{ emaDecay: 1 }, /emaDecay/],
    [{ maxGradientNorm: 0 }, /maxGradientNorm/],
    [{ times: "sorted" as "stratified" }, /times must be .* got "sorted"/],
    [{ adam: { beta1: 1, beta2: 0.9, epsilon: 1e-8 } }, /beta1/],
  ])("refuses the recipe %j", (bad, message) => {
    const model = new ScoreNet({ sde: exponentialSde() });
    expect(() => createTraining({ model, recipe: bad })).toThrow(message);
    model.dispose();
  });

  it("refuses a number of epochs that is none", async () => {
    const training = start();
    await expect(train({ training, data: noiseImages(4), epochs: 0 }).next()).rejects.toThrow(
      /epochs must be a whole number/,
    );
  });
});

describe("Adam", () => {
  it("follows the published algorithm", async () => {
    const { Adam } = await import("../../src");
    const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-3 };
    const adam = new Adam(2, options);
    let [x, m, v] = [0.5, 0, 0];
    let vector = tf.tensor1d([0.5, 0.5]);
    for (let step = 1; step <= 5; step++) {
      const gradient = 2 * x - 0.3 * step;
      m = 0.9 * m + 0.1 * gradient;
      v = 0.99 * v + 0.01 * gradient ** 2;
      x -= (0.1 * (m / (1 - 0.9 ** step))) / (Math.sqrt(v / (1 - 0.99 ** step)) + 1e-3);
      const next = tf.tidy(() => adam.update(vector, tf.tensor1d([gradient, gradient]), step, 0.1));
      vector.dispose();
      vector = next;
      expect(vector.dataSync()[1]).toBeCloseTo(x, 5);
    }
    vector.dispose();
    adam.dispose();
  });
});

describe("drawTimes", () => {
  const UNIFORM = { sde: exponentialSde(), noiseLevels: "uniform" } as const;

  it("draws stratified times one from each part of (eps, 1)", () => {
    const times = take(drawTimes(new Random(1), 50, { ...UNIFORM, eps: 0.1, times: "stratified" }));
    const parts = [...times].map((t) => Math.floor(((t - 0.1) / 0.9) * 50));
    expect(parts).toEqual([...Array(50).keys()]);
  });

  it.each(["independent", "stratified"] as const)("draws %s times from all of (eps, 1)", (kind) => {
    const random = new Random(2);
    const draws = Array.from({ length: 100 }, () =>
      take(drawTimes(random, 100, { ...UNIFORM, eps: 0.2, times: kind })),
    );
    const all = draws.flatMap((draw) => [...draw]);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0.2);
    expect(Math.max(...all)).toBeLessThan(1);
    // The mean of 10,000 uniform times scatters by 0.8 / √12 / 100 = 0.0023.
    const mean = all.reduce((sum, t) => sum + t, 0) / all.length;
    expect(Math.abs(mean - 0.6)).toBeLessThan(0.0092);
  });
});

describe("drawTimes for log-normal noise levels", () => {
  it.each([
    { what: "dx = βᵗ dw", sde: exponentialSde() },
    { what: "VP", sde: variancePreservingSde() },
  ])("gives ln σ the mean and the spread asked for, for $what", ({ sde }) => {
    const noiseLevels = { logMean: -1, logStd: 0.8 };
    const random = new Random(3);
    const options = { sde, eps: 1e-5, times: "stratified", noiseLevels } as const;
    const times = Array.from({ length: 40 }, () => [
      ...take(drawTimes(random, 100, options)),
    ]).flat();
    const logs = times.map((t) => Math.log(noiseLevelAt(sde, t)));
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length;
    // 4,000 independent draws would have standard errors of 0.013 and 0.009; stratified ones have less.
    expect(Math.abs(mean + 1)).toBeLessThan(0.04);
    expect(Math.abs(Math.sqrt(variance) - 0.8)).toBeLessThan(0.03);
  });

  it("keeps levels that the SDE does not have within (eps, 1)", () => {
    const sde = exponentialSde();
    const options = { sde, eps: 0.01, times: "independent" } as const;
    const draw = (logMean: number): Float32Array =>
      take(drawTimes(new Random(4), 20, { ...options, noiseLevels: { logMean, logStd: 0.1 } }));
    expect([...draw(20)]).toEqual(Array(20).fill(1));
    draw(-20).forEach((t) => expect(t).toBeCloseTo(0.01, 6));
  });
});

describe("a run of EDM's recipe on a ResidualNet, with classes", () => {
  const edm = { ...EDM_RECIPE, batchSize: 5, classDropout: 0.5 };

  it("goes on exactly after it was saved and taken up again", async () => {
    const begin = (): Training =>
      track(
        createTraining({ model: new ResidualNet({ sde: exponentialSde(), seed: 1 }), recipe: edm }),
      );
    const whole = begin();
    const losses = (await run(whole, 4)).map(({ loss }) => loss);
    const cut = begin();
    await run(cut, 4, 3);
    const file = path.join(folder, "training.safetensors");
    await saveTraining(file, cut);
    const resumed = track(await loadTraining(file));
    expect(resumed.recipe).toEqual(edm);
    const rest = (await run(resumed, 4)).map(({ loss }) => loss);
    expect(rest).toEqual(losses.slice(3));
    expectSameNumbers(weights(resumed), weights(whole));
    expectSameNumbers(averages(resumed), averages(whole));
  });

  it("wants images, and labels that are classes", async () => {
    const begin = (): Training =>
      track(createTraining({ model: new ResidualNet({ sde: exponentialSde() }), recipe: edm }));
    const none = train({ training: begin(), data: noiseImages(10).slice(0, 0), epochs: 1 });
    await expect(none.next()).rejects.toThrow(/no images to train on/);
    const { name, source, height, width, pixels } = noiseImages(2);
    const labels = Uint8Array.from([3, 12]);
    const data = new ImageDataset({ name, source, height, width, pixels, labels });
    const foreign = train({ training: begin(), data, epochs: 1 });
    await expect(foreign.next()).rejects.toThrow(/label 12; the network knows the classes 0 … 9/);
  });

  it("leaves no tensor where its file is damaged, and says which file", async () => {
    const file = path.join(folder, "training.safetensors");
    await saveTraining(file, start());
    const { tensors, metadata } = await readSafetensors(file);
    const parts = new Map(tensors);
    parts.delete("ema.conv1.weight");
    const position = JSON.parse(metadata["training"] ?? "") as { recipe: object };
    const recipe = { ...position.recipe, classDropout: 0.2 };
    const training = JSON.stringify({ ...position, recipe });
    const before = tf.memory().numTensors;
    await writeSafetensors(file, { tensors: parts, metadata });
    await expect(loadTraining(file)).rejects.toThrow(/training.safetensors.*"ema.conv1.weight"/);
    await writeSafetensors(file, { tensors, metadata: { ...metadata, training } });
    await expect(loadTraining(file)).rejects.toThrow(/training.safetensors: .*knows of no classes/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("teaches the classes: with all of them hidden, their weights get no gradient", async () => {
    const change = async (classDropout: number): Promise<number> => {
      const model = new ResidualNet({ sde: exponentialSde(), seed: 1 });
      const training = track(createTraining({ model, recipe: { ...edm, classDropout } }));
      const index = model.layout.parameters.findIndex(({ name }) => name === "class.weight");
      const classWeights = (): Float32Array =>
        tf.tidy(() =>
          model.layout.toParameters(model.getVector())[index]?.dataSync(),
        ) as Float32Array;
      const before = classWeights();
      await run(training, 3);
      return Math.max(...classWeights().map((w, i) => Math.abs(w - (before[i] as number))));
    };
    expect(await change(1)).toBe(0);
    expect(await change(0)).toBeGreaterThan(0);
  });

  it("refuses classes for a network that knows of none, and recipes out of range", () => {
    expect(() => start({ classDropout: 0.1 })).toThrow(/classDropout must be null for a network/);
    expect(() => start({ noiseLevels: { logMean: 0, logStd: 0 } })).toThrow(
      /logStd > 0; got 0 and 0/,
    );
    expect(() => start({ weighting: { sigmaData: -1 } })).toThrow(
      /sigmaData must be a number > 0; got -1/,
    );
    const model = new ResidualNet({ sde: exponentialSde() });
    expect(() => createTraining({ model, recipe: { classDropout: 2 } })).toThrow(
      /classDropout must lie in \[0, 1\], or be null; got 2/,
    );
    model.dispose();
  });
});

describe("rateAt", () => {
  it("warms up linearly, then falls along a cosine", () => {
    const rate = { peak: 2, warmupSteps: 10, final: 0.1 };
    expect(rateAt(rate, 1, 110)).toBeCloseTo(0.2);
    expect(rateAt(rate, 10, 110)).toBeCloseTo(2);
    expect(rateAt(rate, 60, 110)).toBeCloseTo(1.1);
    expect(rateAt(rate, 110, 110)).toBeCloseTo(0.2);
    expect(rateAt(3, 5, 10)).toBe(3);
  });
});

describe("checkpoints of a network", () => {
  it("come back exactly, and a network alone is no training run", async () => {
    const training = start();
    await run(training, 1);
    const model = training.model as ScoreNet;
    const file = path.join(folder, "net.safetensors");
    await saveNetwork(file, model, { note: "test" });
    const loaded = await loadScoreNet(file);
    expectSameNumbers(take(loaded.getVector()), weights(training));
    expect(loaded.frequencies.dataSync()).toEqual(model.frequencies.dataSync());
    loaded.dispose();
    await expect(loadTraining(file)).rejects.toThrow(/holds a network but no training run/);
  });

  it("keep β", async () => {
    const net = new ScoreNet({ sde: exponentialSde({ beta: 5 }) });
    const file = path.join(folder, "beta.safetensors");
    await saveNetwork(file, net);
    const loaded = await loadScoreNet(file);
    expect((loaded.sde as { beta?: number }).beta).toBe(5);
    net.dispose();
    loaded.dispose();
  });
});
