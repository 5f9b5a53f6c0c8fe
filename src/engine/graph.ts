/**
 * Many operations as one: a function of tensors is recorded once, as a TensorFlow graph, and from then on
 * runs in a single call.
 *
 * An operation that JavaScript starts costs some 50 µs before it computes anything; ScoreNet's training
 * step has 900 of them. In a graph, TensorFlow starts them itself, several at a time, merges what can be
 * merged and frees each tensor after its last use.
 */
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { recordOperations } from "./recorder";
import { loadGraph } from "./saved-model";
import { tf } from "./tensorflow";

/** A function from tensors to tensors, the results owned by the caller. */
export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** A function that runs as a graph. It holds native memory: dispose it after use. */
export interface GraphFunction extends TensorFunction {
  dispose(): void;
}

/** The shapes for which a function keeps a graph at a time; another one takes the oldest's place. */
const MAX_GRAPHS = 16;

let recording = false;

/**
 * Whether a function is being recorded. Its tensors' numbers stand for those of every later run: checks
 * of them belong to whoever calls the function.
 */
export function isRecording(): boolean {
  return recording;
}

/**
 * The same function, run as one graph. It is recorded when it meets new shapes of inputs (0.3 s for
 * ScoreNet): executed once, operation by operation, while every operation is written down.
 *
 * What holds for TensorFlow's own `tf.function` holds here:
 *
 * - `tf.Variable`s are read anew in each run. Any other tensor that the function did not get as an input
 *   is a constant, and so are JavaScript's numbers: what changes from run to run must be an input.
 * - Numbers cannot be read inside (`dataSync`), nor random ones drawn, nor variables assigned.
 * - Results differ from the plain function's by rounding only, and are the same in each run.
 *
 * Where a gradient is being taken through it, and on a GPU, the plain function runs instead: `tf.grad`
 * has to see the operations, and a graph would bring its results back from the GPU each time.
 *
 * @param f gives at least one tensor, without side effects
 * @throws Error at a call that records, where the function does one of these things
 */
export function graphFunction(f: TensorFunction): GraphFunction {
  const graphs = new Map<string, Graph>();
  const run: TensorFunction = (...inputs) => {
    if (isRecording() || !graphsPay()) return f(...inputs);
    const key = inputs.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join();
    let graph = graphs.get(key);
    if (!graph) {
      graph = record(f, inputs);
      makeRoom(graphs);
      graphs.set(key, graph);
    }
    return graph.run(inputs);
  };
  const dispose = (): void => {
    for (const graph of graphs.values()) graph.dispose();
    graphs.clear();
  };
  return Object.assign(run, { dispose });
}

function graphsPay(): boolean {
  const backend = tf.backend() as NodeJSKernelBackend;
  return tf.engine().state.gradientDepth === 0 && !backend.isUsingGpuDevice;
}

function makeRoom(graphs: Map<string, Graph>): void {
  const [oldest] = graphs;
  if (graphs.size < MAX_GRAPHS || !oldest) return;
  oldest[1].dispose();
  graphs.delete(oldest[0]);
}

interface Graph {
  run(inputs: readonly tf.Tensor[]): tf.Tensor[];
  dispose(): void;
}

function record(f: TensorFunction, inputs: readonly tf.Tensor[]): Graph {
  recording = true;
  let recorded;
  try {
    // The first run, too, is one of the graph: it is to give the very numbers that later ones give.
    recorded = recordOperations(f, inputs);
  } finally {
    recording = false;
  }
  const { nodes, inputNames, outputNames, variables } = recorded;
  const graph = loadGraph(nodes);
  return {
    run: (values) => graph.run([...values, ...variables], inputNames, outputNames),
    dispose: () => graph.dispose(),
  };
}
