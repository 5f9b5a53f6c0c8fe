import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  denoisingLosses,
  exponentialSde,
  graphFunction,
  loadScoreNet,
  PARAMETER_COUNT,
  PARAMETERS,
  readSafetensors,
  ScoreNet,
  tf,
  toVector,
  type StoredTensors,
} from "../../src";
import { expectSameNumbers, take } from "../support/numbers";

// Weights, inputs, outputs and gradient norms computed in PyTorch in float64.
const GOLDEN = "tests/fixtures/scorenet-golden.safetensors";

let golden: StoredTensors;
let net: ScoreNet;

beforeAll(async () => {
  golden = await readSafetensors(GOLDEN);
  net = await loadScoreNet(GOLDEN);
});
afterAll(() => net.dispose());

function stored(name: string): Float32Array {
  const tensor = golden.tensors.get(name);
  if (!tensor) throw new Error(`no golden tensor ${name}`);
  return Float32Array.from(tensor.data);
}

/** `[8, 1, 28, 28]` of PyTorch is `[8, 28, 28, 1]` of ours: one channel, the same numbers. */
const images = (name: string): tf.Tensor4D => tf.tensor4d(stored(name), [8, 28, 28, 1]);

function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN)));
    scale = Math.max(scale, Math.abs(expected[i] ?? NaN));
  }
  return worst / scale;
}

describe("ScoreNet against PyTorch", () => {
  it("has 1,115,297 trainable parameters and 128 fixed frequencies", () => {
    expect(PARAMETER_COUNT).toBe(1_115_297);
    expect(net.frequencies.shape).toEqual([128]);
  });

  it("gives the same scores to 1e-4", () => {
    const score = tf.tidy(() => net.score(images("io.xt"), tf.tensor1d(stored("io.t"))).dataSync());
    expect(relativeError(score, stored("io.score"))).toBeLessThan(1e-4);
  });

  it("gives the same scores to 1e-4 for each example by itself, small or large", () => {
    const score = tf.tidy(() => net.score(images("io.xt"), tf.tensor1d(stored("io.t"))).dataSync());
    const expected = stored("io.score");
    for (let b = 0; b < 8; b++) {
      const range: [number, number] = [b * 784, (b + 1) * 784];
      expect(relativeError(score.slice(...range), expected.slice(...range))).toBeLessThan(1e-4);
    }
  });

  it("gives a batch at one time the scores that each example has by itself", () => {
    const { oneTime, each } = tf.tidy(() => {
      const x = images("io.xt");
      const t: tf.Tensor1D = tf.fill([8], 0.3);
      const alone = tf.split(x, 8).map((example) => net.score(example, tf.tensor1d([0.3])));
      const oneTime = net.score(x, t).dataSync();
      return { oneTime, each: tf.concat(alone).dataSync() };
    });
    expect(relativeError(oneTime, each)).toBeLessThan(1e-5);
    // And so does a batch in which only one example has another time.
    const mixed = tf.tidy(() =>
      net.score(images("io.xt"), tf.tensor1d([...Array<number>(7).fill(0.3), 0.9])).dataSync(),
    );
    const most = 7 * 784;
    expect(relativeError(mixed.slice(0, most), each.slice(0, most))).toBeLessThan(1e-5);
    expect(relativeError(mixed.slice(most), each.slice(most))).toBeGreaterThan(0.1);
  });

  it("lets a gradient by x through its score, as implicit score matching takes it", () => {
    tf.tidy(() => {
      const x = images("io.xt");
      const t = tf.tensor1d(stored("io.t"));
      const blocks = net.layout.toBlocks(net.getVector());
      const squares = (score: tf.Tensor): tf.Tensor => score.square().sum();
      const through = tf
        .grad((y) => squares(net.score(y, t)))(x)
        .dataSync();
      const expected = tf
        .grad((y) => squares(net.apply(blocks, y, t)))(x)
        .dataSync();
      expect(Math.hypot(...through.slice(0, 784))).toBeGreaterThan(0);
      expect(relativeError(through, expected)).toBeLessThan(1e-6);
    });
  });

  it("gives the same loss for each example to 1e-3", () => {
    const losses = tf.tidy(() => lossesWith(net.score).dataSync());
    const expected = stored("io.loss_per_example");
    losses.forEach((loss, i) => {
      expect(Math.abs(loss / (expected[i] ?? NaN) - 1)).toBeLessThan(1e-3);
    });
  });

  it("gives every parameter's gradient norm to 1e-3", () => {
    const norms = tf.tidy(() => {
      const blocks = net.layout.toBlocks(net.getVector());
      const gradients = tf.grads((...w) => lossesWith((x, t) => net.apply(w, x, t)).mean())(blocks);
      expect(gradients).toHaveLength(net.layout.blockNames.length);
      return net.layout.toParameters(toVector(gradients)).map((g) => g.norm().dataSync()[0] ?? NaN);
    });
    const largest = Math.max(...norms);
    PARAMETERS.forEach(({ name }, i) => {
      const expected = stored(`grad_norm.${name}`)[0] ?? NaN;
      const norm = norms[i] ?? NaN;
      if (name.startsWith("dense7")) {
        // tgnorm2 has a group for each channel, so it takes the time bias of dense7 away again: its
        // gradient is 0 in exact arithmetic, and rounding alone in any other.
        expect(norm, name).toBeLessThan(1e-6 * largest);
        expect(expected, name).toBeLessThan(1e-6 * largest);
      } else {
        expect(Math.abs(norm / expected - 1), name).toBeLessThan(1e-3);
      }
    });
  });

  function lossesWith(score: (x: tf.Tensor, t: tf.Tensor1D) => tf.Tensor): tf.Tensor1D {
    return denoisingLosses({
      sde: net.sde,
      score,
      x0: images("io.x0"),
      t: tf.tensor1d(stored("io.t")),
      z: images("io.z"),
    });
  }
});

describe("a new ScoreNet", () => {
  it("is the same for the same seed and another for another", () => {
    const first = vectorOf(7);
    expectSameNumbers(vectorOf(7), first);
    expect(vectorOf(8).slice(0, 100)).not.toEqual(first.slice(0, 100));
  });

  it("starts within PyTorch's bounds, and its norms at 1 and 0", () => {
    const fresh = new ScoreNet({ sde: exponentialSde(), seed: 1 });
    const parameters = fresh.parameters();
    const range = (name: string): number[] => {
      const tensor = parameters.get(name) as tf.Tensor;
      return [tensor.min().dataSync()[0] ?? NaN, tensor.max().dataSync()[0] ?? NaN];
    };
    const [low, high] = range("conv2.weight") as [number, number];
    const bound = 1 / Math.sqrt(32 * 9);
    expect(low).toBeGreaterThanOrEqual(-bound);
    expect(low).toBeLessThan(-0.99 * bound);
    expect(high).toBeLessThanOrEqual(bound);
    expect(high).toBeGreaterThan(0.99 * bound);
    expect(range("gnorm3.weight")).toEqual([1, 1]);
    expect(range("gnorm3.bias")).toEqual([0, 0]);
    tf.dispose([...parameters.values()]);
    fresh.dispose();
  });

  it("refuses images of another shape and times outside (0, 1], and says so", () => {
    const t = tf.tensor1d([0.5]);
    expect(() => net.score(tf.zeros([1, 32, 32, 1]), t)).toThrow(/\[B, 28, 28, 1\]/);
    expect(() => net.score(tf.zeros([1, 28, 28, 1]), tf.tensor1d([0]))).toThrow(RangeError);
    expect(() => net.score(tf.zeros([1, 28, 28, 1]), tf.tensor1d([1.5]))).toThrow(/\(0, 1\]/);
    expect(() => net.score(tf.zeros([2, 28, 28, 1]), t)).toThrow(/one row an example/);
  });

  it("has other scores once its numbers are set, and the old ones when they are set back", () => {
    const fresh = new ScoreNet({ sde: exponentialSde(), seed: 3 });
    const scores = (): Float32Array =>
      tf.tidy(() =>
        fresh.score(images("io.xt"), tf.tensor1d(stored("io.t"))).dataSync<"float32">(),
      );
    const first = scores();
    const vector = fresh.getVector();
    tf.tidy(() => fresh.setVector(net.getVector()));
    tf.tidy(() => fresh.frequencies.assign(net.frequencies));
    expect(relativeError(scores(), stored("io.score"))).toBeLessThan(1e-4);
    tf.tidy(() => fresh.setVector(vector));
    const other = new ScoreNet({ sde: exponentialSde(), seed: 3 });
    fresh.frequencies.assign(other.frequencies);
    expectSameNumbers(scores(), first);
    vector.dispose();
    other.dispose();
    fresh.dispose();
  });

  it("can be part of a graph: before its first use, at other times, after its numbers were set", () => {
    const fresh = new ScoreNet({ sde: exponentialSde(), seed: 2 });
    const graph = graphFunction((x, t) => [fresh.score(x, t as tf.Tensor1D).mul(2)]);
    const x = tf.ones([2, 28, 28, 1]);
    const halved = tf.tidy(() => fresh.getVector().mul<tf.Tensor1D>(0.5));
    for (const times of [[0.4, 0.4], [0.1, 0.9], null, [0.2, 0.3]]) {
      if (times === null) {
        fresh.setVector(halved);
        continue;
      }
      const t = tf.tensor1d(times);
      const inGraph = take(graph(x, t)[0] as tf.Tensor);
      const plain = take(tf.tidy(() => fresh.score(x, t).mul(2)));
      expect(relativeError(inGraph, plain)).toBeLessThan(1e-5);
      t.dispose();
    }
    tf.dispose([x, halved]);
    graph.dispose();
    fresh.dispose();
  });

  it("keeps no tensor behind", () => {
    const before = tf.memory().numTensors;
    const fresh = new ScoreNet({ sde: exponentialSde() });
    tf.tidy(() => {
      fresh.score(tf.zeros([2, 28, 28, 1]), tf.tensor1d([0.1, 1]));
    });
    const copy = fresh.clone();
    copy.dispose();
    fresh.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

function vectorOf(seed: number): Float32Array {
  const fresh = new ScoreNet({ sde: exponentialSde(), seed });
  const vector = take(fresh.getVector());
  fresh.dispose();
  return vector;
}
