/** ResidualNet: its score, its classes, its numbers, its file. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  constantTime,
  exponentialSde,
  loadNetwork,
  loadResidualNet,
  loadScoreNet,
  MNIST_STD,
  Random,
  readSafetensors,
  ResidualNet,
  saveNetwork,
  ScoreNet,
  tf,
  toVector,
  variancePreservingSde,
  writeSafetensors,
} from "../../src";

let folder: string;
let net: ResidualNet;
let x: tf.Tensor4D;
let t: tf.Tensor1D;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "residual-"));
  net = disturbed(new ResidualNet({ sde: exponentialSde(), seed: 1 }));
  x = new Random(2).normal([3, 28, 28, 1]);
  t = tf.tensor1d([0.05, 0.4, 0.9]);
});
afterAll(() => {
  net.dispose();
  tf.dispose([x, t]);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** With numbers that do not start at 0, so that every layer has its say. */
function disturbed(net: ResidualNet): ResidualNet {
  tf.tidy(() => {
    const noise = new Random(3).normal([net.layout.size]).mul(0.03);
    net.setVector(net.getVector().add<tf.Tensor1D>(noise));
  });
  return net;
}

/** The largest difference between two tensors, as a part of the largest number of the first. */
function apart(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(
    () => (a.sub(b).abs().max().dataSync()[0] ?? NaN) / (a.abs().max().dataSync()[0] ?? NaN),
  );
}

describe("the score", () => {
  it("has the shape of x, is the same for an example in any batch, and leaks no tensor", () => {
    net.score(x, t).dispose();
    const before = tf.memory().numTensors;
    const all = net.score(x, t);
    expect(all.shape).toEqual([3, 28, 28, 1]);
    const alone = tf.tidy(() => net.score(x.slice(1, 1), t.slice(1, 1)));
    expect(tf.tidy(() => apart(alone, all.slice(1, 1)))).toBeLessThan(1e-4);
    tf.dispose([all, alone]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("of a new network is that of Gaussian data: every block starts as what changes nothing", () => {
    const fresh = new ResidualNet({ sde: exponentialSde() });
    tf.tidy(() => {
      const time = constantTime(x, 0.5);
      const expected = x.div(-(exponentialSde().stdAt(0.5) ** 2 + MNIST_STD ** 2));
      expect(apart(expected, fresh.score(x, time))).toBeLessThan(1e-5);
    });
    fresh.dispose();
  });

  it("of a class is another one, by the label of each example, and refuses what is no class", () => {
    tf.tidy(() => {
      const any = net.score(x, t);
      const classes = net.scoreOf([7, 7, 2])(x, t);
      expect(apart(any, classes)).toBeGreaterThan(1e-3);
      const others = net.scoreOf([7, 7, 3])(x, t);
      expect(apart(classes.slice(0, 2), others.slice(0, 2))).toBeLessThan(1e-5);
      expect(apart(classes.slice(2, 1), others.slice(2, 1))).toBeGreaterThan(1e-4);
    });
    expect(() => net.scoreOf([10])).toThrow(/whole numbers from 0 to 9; got 10/);
    expect(() => net.scoreOf([1.5])).toThrow(/got 1.5/);
    expect(() => net.scoreOf([1])(x, t)).toThrow(/got 1 labels for 3 examples/);
  });

  it("of a network that was trained without classes is none, also after a file and a copy", async () => {
    const file = path.join(folder, "without.safetensors");
    const without = new ResidualNet({ sde: exponentialSde(), classes: false });
    await saveNetwork(file, without);
    const loaded = await loadResidualNet(file);
    const copy = loaded.clone();
    for (const each of [without, loaded, copy]) {
      expect(each.numClasses).toBe(0);
      expect(() => each.scoreOf([1])).toThrow(/trained without classes/);
      each.dispose();
    }
  });

  it("is the denoised image's, whatever the SDE: only the noise level counts", () => {
    const vp = new ResidualNet({ sde: variancePreservingSde() });
    tf.tidy(() => {
      vp.setVector(net.getVector());
      const sigma = 0.7;
      const denoised = [net, vp].map(({ sde, score }) => {
        const time = sde.timeAt(sigma);
        const xt = x.mul(sde.scaleAt(time));
        const correction = score(xt, constantTime(xt, time)).mul(sde.stdAt(time) ** 2);
        return xt.add(correction).div(sde.scaleAt(time));
      });
      expect(apart(denoised[0] as tf.Tensor, denoised[1] as tf.Tensor)).toBeLessThan(1e-3);
    });
    vp.dispose();
  });

  it("refuses other shapes and times", () => {
    const wide: tf.Tensor4D = tf.zeros([3, 32, 32, 1]);
    expect(() => net.score(wide, t)).toThrow(/ResidualNet takes x of shape \[B, 28, 28, 1\]; got/);
    const zero: tf.Tensor1D = tf.zeros([3]);
    expect(() => net.score(x, zero)).toThrow(/t must lie in \(0, 1\]; got 0/);
    tf.dispose([wide, zero]);
  });
});

describe("the numbers", () => {
  it("are at most two million, and every one of them has its part in the score", () => {
    expect(net.layout.size).toBeLessThanOrEqual(2_000_000);
    tf.tidy(() => {
      const classes = tf.oneHot([3, 5, 9], 10).toFloat() as tf.Tensor2D;
      const loss = (...blocks: tf.Tensor[]): tf.Scalar =>
        net.apply(blocks, x, t, classes).square().mean();
      const { grads } = tf.valueAndGrads(loss)(net.layout.toBlocks(net.getVector()));
      const parts = net.layout.toParameters(toVector(grads));
      net.layout.parameters.forEach(({ name }, i) => {
        const norm = (parts[i] as tf.Tensor).norm().dataSync()[0] ?? NaN;
        expect.soft(norm, name).toBeGreaterThan(0);
      });
    });
  });

  it("come back from a file exactly, with the SDE, and are copied by clone", async () => {
    const file = path.join(folder, "net.safetensors");
    const vp = new ResidualNet({ sde: variancePreservingSde({ betaMax: 15 }), sigmaData: 0.4 });
    tf.tidy(() => vp.setVector(net.getVector()));
    await saveNetwork(file, vp, { note: "kept" });
    const loaded = await loadNetwork(file);
    const copy = loaded.clone();
    tf.tidy(() => {
      expect(copy.getVector().dataSync()).toEqual(vp.getVector().dataSync());
      expect(copy.score(x, t).dataSync()).toEqual(vp.score(x, t).dataSync());
    });
    expect(loaded).toBeInstanceOf(ResidualNet);
    expect(copy.sde.parameters).toEqual({
      kind: "variance-preserving",
      betaMin: 0.1,
      betaMax: 15,
    });
    expect(copy.preconditioning.sigmaData).toBe(0.4);
    expect((await readSafetensors(file)).metadata["note"]).toBe("kept");
    [vp, loaded, copy].forEach((each) => each.dispose());
  });
});

describe("a file", () => {
  it("of another network, kind or SDE is refused, with its name", async () => {
    const residual = path.join(folder, "residual.safetensors");
    const article = path.join(folder, "article.safetensors");
    await saveNetwork(residual, net);
    const scoreNet = new ScoreNet({ sde: exponentialSde() });
    await saveNetwork(article, scoreNet);
    scoreNet.dispose();
    const before = tf.memory().numTensors;
    await expect(loadScoreNet(residual)).rejects.toThrow(/holds a ResidualNet, not a ScoreNet/);
    await expect(loadResidualNet(article)).rejects.toThrow(/holds a ScoreNet, not a ResidualNet/);

    const { tensors, metadata } = await readSafetensors(residual);
    const change = async (changes: Record<string, string>): Promise<string> => {
      const file = path.join(folder, "changed.safetensors");
      await writeSafetensors(file, { tensors, metadata: { ...metadata, ...changes } });
      return file;
    };
    const load = async (changes: Record<string, string>): Promise<unknown> =>
      loadNetwork(await change(changes));
    await expect(load({ network: "other" })).rejects.toThrow(/unknown kind, "other"/);
    const { beta, ...withoutBeta } = metadata;
    expect(beta).toBe("25");
    const bare = path.join(folder, "bare.safetensors");
    await writeSafetensors(bare, { tensors, metadata: withoutBeta });
    await expect(loadNetwork(bare)).rejects.toThrow(/gives beta = "", not a number > 0/);
    await expect(load({ sde: "mine" })).rejects.toThrow(/an SDE that is unknown here, "mine"/);
    await expect(load({ beta: "0.5" })).rejects.toThrow(/SDE is damaged: .*beta must be .* > 1/);
    await expect(load({ sigmaData: "wide" })).rejects.toThrow(/sigmaData = "wide", not a number/);
    await expect(load({ network: "score-net" })).rejects.toThrow(
      /no tensor "embed.fourier.weight"/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it("is not written of a network that nobody could read", async () => {
    const file = path.join(folder, "foreign.safetensors");
    const { layout, sde, preconditioning } = net;
    const foreign = { layout, sde, preconditioning, getVector: () => net.getVector() };
    await expect(saveNetwork(file, foreign as unknown as ResidualNet)).rejects.toThrow(
      /A ScoreNet or a ResidualNet can be written/,
    );
    expect(fs.existsSync(file)).toBe(false);
  });

  it("keeps EDM's preconditioning of a ScoreNet, and refuses one that is unknown", async () => {
    const file = path.join(folder, "edm.safetensors");
    const { preconditioning } = net;
    const edm = new ScoreNet({ sde: exponentialSde(), preconditioning, seed: 4 });
    await saveNetwork(file, edm);
    const loaded = await loadScoreNet(file);
    tf.tidy(() => {
      expect(loaded.score(x, t).dataSync()).toEqual(edm.score(x, t).dataSync());
    });
    [edm, loaded].forEach((each) => each.dispose());
    const { tensors, metadata } = await readSafetensors(file);
    await writeSafetensors(file, { tensors, metadata: { ...metadata, preconditioning: "other" } });
    await expect(loadNetwork(file)).rejects.toThrow(
      /preconditioning that is unknown here, "other"/,
    );
  });
});
