import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { afterEach, describe, expect, it } from "vitest";
import { EngineError, graphFunction, isRecording, Random, tf, type GraphFunction } from "../../src";

let open: GraphFunction[] = [];
afterEach(() => {
  open.forEach((graph) => graph.dispose());
  open = [];
});

function graphOf(f: (...inputs: tf.Tensor[]) => tf.Tensor[]): GraphFunction {
  const graph = graphFunction(f);
  open.push(graph);
  return graph;
}

/** The numbers of all results, which are freed. */
function numbers(results: tf.Tensor[]): number[][] {
  const values = results.map((result) => [...result.dataSync()]);
  tf.dispose(results);
  return values;
}

const loadedGraphs = (): number =>
  (tf.backend() as NodeJSKernelBackend).binding.getNumOfSavedModels();

describe("a graph function", () => {
  it("gives what the plain function gives, for each shape of its inputs", () => {
    const f = (...[x, y]: tf.Tensor[]): tf.Tensor[] => [
      (x as tf.Tensor)
        .mul(y as tf.Tensor)
        .sum(1)
        .sqrt(),
      tf.concat([x as tf.Tensor, tf.tidy(() => (y as tf.Tensor).slice([0, 1]).square())], 1),
      tf.oneHot((x as tf.Tensor).flatten().toInt(), 3),
    ];
    const graph = graphOf(f);
    for (const rows of [2, 5, 2]) {
      const x = tf.range(1, 1 + 3 * rows).reshape([rows, 3]);
      const y = x.add(0.5);
      expect(numbers(graph(x, y))).toEqual(numbers(f(x, y)));
    }
  });

  it("holds operations that tfjs starts without saying their type", () => {
    const f = (x: tf.Tensor): tf.Tensor[] => [x.expandDims(1), x.greater(1).logicalAnd(x.less(3))];
    const graph = graphOf(f);
    const x = tf.tensor1d([1, 2, 3]);
    expect(numbers(graph(x))).toEqual(numbers(f(x)));
    x.dispose();
  });

  it("is recorded once, and not run by JavaScript again", () => {
    let calls = 0;
    const graph = graphOf((x) => {
      calls++;
      expect(isRecording()).toBe(true);
      return [x.add(1)];
    });
    expect([1, 2, 3].map((x) => numbers(graph(tf.tensor1d([x])))[0])).toEqual([[2], [3], [4]]);
    expect(calls).toBe(1);
    expect(isRecording()).toBe(false);
  });

  it("gives inputs, constants and variables as they are, if asked to", () => {
    const constant = tf.tensor1d([7]);
    const variable = tf.variable(tf.tensor1d([8]), false);
    const graph = graphOf((x) => [x, constant, variable]);
    expect(numbers(graph(tf.tensor1d([1])))).toEqual([[1], [7], [8]]);
    expect(numbers(graph(tf.tensor1d([2])))).toEqual([[2], [7], [8]]);
    expect(constant.dataSync()[0]).toBe(7);
    tf.dispose([constant, variable]);
  });

  it("reads variables anew in each run, other tensors once", () => {
    const variable = tf.variable(tf.tensor1d([1]), false);
    const copy = variable.clone();
    const graph = graphOf((x) => [x.add(variable.clone()), copy.add(0)]);
    const x = tf.tensor1d([10]);
    expect(numbers(graph(x))).toEqual([[11], [1]]);
    variable.assign(tf.tensor1d([2]));
    expect(numbers(graph(x))).toEqual([[12], [1]]);
    tf.dispose([variable, copy, x]);
  });

  it("tells apart variables, and inputs, that were the same tensor when it was recorded", () => {
    const start = tf.tensor1d([1]);
    const first = tf.variable(start, false);
    const second = tf.variable(start, false);
    const graph = graphOf((x, y) => [first.sub(second), x.sub(y), x.sub(first)]);
    expect(numbers(graph(start, start))).toEqual([[0], [0], [0]]);
    first.assign(tf.tensor1d([5]));
    expect(numbers(graph(tf.tensor1d([7]), start))).toEqual([[4], [6], [2]]);
    tf.dispose([start, first, second]);
  });

  it("lets a gradient through", () => {
    const graph = graphOf((x) => [x.square().sum()]);
    const gradient = tf.grad((x) => graph(x)[0] as tf.Tensor)(tf.tensor1d([1, 2, 3]));
    expect([...gradient.dataSync()]).toEqual([2, 4, 6]);
  });

  it("can hold gradients, and another graph function", () => {
    const inner = graphOf((x) => [x.square()]);
    const outer = graphOf((x) => [tf.grad((y) => (inner(y)[0] as tf.Tensor).sum())(x)]);
    const before = loadedGraphs();
    expect(numbers(outer(tf.tensor1d([3])))).toEqual([[6]]);
    expect(numbers(outer(tf.tensor1d([4])))).toEqual([[8]]);
    expect(loadedGraphs()).toBe(before + 1);
  });

  it("keeps no tensor, and after dispose no graph", () => {
    const graphs = loadedGraphs();
    const graph = graphFunction((x) => [x.mul(2).add(1)]);
    const x = tf.ones([4]);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 20; i++) tf.dispose(graph(x));
    tf.tidy(() => {
      graph(x);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(loadedGraphs()).toBe(graphs + 1);
    graph.dispose();
    expect(loadedGraphs()).toBe(graphs);
    x.dispose();
  });

  it("keeps the graphs of 16 shapes, and still works with more", () => {
    const before = loadedGraphs();
    const graph = graphOf((x) => [x.sum()]);
    for (const size of [...Array(20).keys(), 0]) {
      expect(numbers(graph(tf.ones([size])))).toEqual([[size]]);
    }
    expect(loadedGraphs()).toBe(before + 16);
  });
});

describe("what a graph cannot do is refused, and all is as before", () => {
  const x = tf.tensor1d([1, -1]);
  const variable: tf.Variable = tf.variable(tf.tensor1d([3]), false);
  const assigning = (x: tf.Tensor): tf.Tensor[] => {
    variable.assign(x.slice(0, 1));
    return [x];
  };

  it.each<[string, (x: tf.Tensor) => tf.Tensor[], RegExp]>([
    ["decide by numbers", (x) => ((x.dataSync()[0] ?? 0) > 0 ? [x] : [x.neg()]), /cannot read/],
    ["decide by results", (x) => ((x.add(1).dataSync()[0] ?? 0) > 0 ? [x] : []), /cannot read/],
    ["decide by a variable", () => [tf.scalar(variable.dataSync()[0] ?? 0)], /cannot read/],
    ["draw random numbers", (x) => [x.add(new Random(0).normal([2]))], /draw before/],
    ["assign a variable", assigning, /assign them outside/],
    ["fail", () => [tf.ones([2]).reshape([3])], /2/],
  ])("%s", (_, f, message) => {
    const graphs = loadedGraphs();
    const graph = graphOf((x) => f(x));
    const before = tf.memory().numTensors;
    expect(() => graph(x)).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    expect(isRecording()).toBe(false);
    expect(loadedGraphs()).toBe(graphs);
    expect([...x.dataSync(), ...variable.dataSync()]).toEqual([1, -1, 3]);
  });

  it("says so where there is no room for temporary files", () => {
    const { TMPDIR } = process.env;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "graph-test-"));
    const graph = graphOf((x) => [x.add(1)]);
    try {
      process.env["TMPDIR"] = path.join(folder, "missing");
      expect(() => graph(x)).toThrow(EngineError);
      expect(() => graph(x)).toThrow(/set TMPDIR to another folder/);
      process.env["TMPDIR"] = folder;
      expect(numbers(graph(x))).toEqual([[2, 0]]);
      expect(fs.readdirSync(folder)).toEqual([]);
    } finally {
      if (TMPDIR === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = TMPDIR;
      fs.rmSync(folder, { recursive: true });
    }
  });
});
