/**
 * Writes down every operation that the backend executes, as the nodes of a graph.
 */
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { nativeOp } from "./native-op";
import type { GraphNode, OpAttribute } from "./saved-model";
import { tf } from "./tensorflow";

/** What was recorded. */
export interface Recording {
  readonly nodes: readonly GraphNode[];
  /** Where the inputs and, behind them, the variables enter. */
  readonly inputNames: readonly string[];
  /** The variables that were read, to be fed in each run. */
  readonly variables: readonly tf.Variable[];
  /** Where the results leave. */
  readonly outputNames: readonly string[];
}

/** A tensor as the backend's kernels see it: `dataId` stands for its numbers. */
type TensorInfo = Pick<tf.Tensor, "dataId" | "shape" | "dtype">;

/**
 * Calls a function and records the operations that it executes: the backend's two functions through which
 * every kernel goes are replaced meanwhile by ones that execute and take note.
 *
 * @param f called with stand-ins for the inputs; what it computes is thrown away
 * @param inputs like those that the graph is to take
 */
export function recordOperations(
  f: (...inputs: tf.Tensor[]) => tf.Tensor[],
  inputs: readonly tf.Tensor[],
): Recording {
  let recording: Recording | undefined;
  tf.tidy(() => {
    // `dataId` tells where numbers come from only if no two tensors share it that may differ later.
    const standIns = inputs.map(underOwnId);
    const variables = Object.values(tf.engine().state.registeredVariables).map((variable) => {
      const value = underOwnId(variable);
      variable.assign(value);
      return { variable, value };
    });
    const notes = new Notes(standIns, variables);
    const stop = replaceMethods(notes);
    try {
      recording = notes.recording(f(...standIns));
    } finally {
      stop();
      undoAssignments(variables);
    }
  });
  return recording as unknown as Recording;
}

/** The same numbers, not copied, as a tensor of its own. */
function underOwnId(tensor: tf.Tensor): tf.Tensor {
  const [alias] = nativeOp("Identity", [tensor], { T: { type: "dtype", value: tensor.dtype } });
  return alias as tf.Tensor;
}

interface KnownVariable {
  readonly variable: tf.Variable;
  /** What it holds at the start. */
  readonly value: tf.Tensor;
}

/** @throws Error where a variable is no longer what it was: a graph would not assign it again */
function undoAssignments(variables: readonly KnownVariable[]): void {
  const assigned = variables.filter(
    ({ variable, value }) => !variable.isDisposed && variable.dataId !== value.dataId,
  );
  if (assigned.length === 0) return;
  for (const { variable, value } of assigned) variable.assign(value);
  throw new Error(
    "This function is being recorded as a graph, and assigned a variable, which the graph would not do " +
      "again: return the new numbers, and assign them outside.",
  );
}

/** Has the backend tell `notes` of every operation; gives a function that ends it. */
function replaceMethods(notes: Notes): () => void {
  const backend = tf.backend() as NodeJSKernelBackend;
  const execute = backend.executeMultipleOutputs.bind(backend);
  const readSync = backend.readSync.bind(backend);
  const executeMultipleOutputs: typeof execute = (op, attributes, inputs, numOutputs) => {
    const results = execute(op, attributes, inputs, numOutputs);
    notes.addOperation(op, attributes, inputs, results);
    return results;
  };
  const replaced: Partial<NodeJSKernelBackend> = {
    executeMultipleOutputs,
    executeSingleOutput: (op, attributes, inputs) =>
      executeMultipleOutputs(op, attributes, inputs, 1)[0] as tf.Tensor,
    readSync: (dataId) => {
      if (notes.isInGraph(dataId)) throw new Error(NO_NUMBERS);
      return readSync(dataId);
    },
  };
  Object.assign(backend, replaced);
  return () => {
    // What lies on the object hid the class's methods.
    for (const name of Object.keys(replaced)) Reflect.deleteProperty(backend, name);
  };
}

/** The graph as it grows. */
class Notes {
  private readonly backend = tf.backend() as NodeJSKernelBackend;
  private readonly readSync = this.backend.readSync.bind(this.backend);
  private readonly nodes: GraphNode[] = [];
  private readonly inputNames: string[] = [];
  private readonly variablesRead: tf.Variable[] = [];
  private readonly variables: Map<object, tf.Variable>;
  /** Where the numbers of a tensor come from, as `node:output`, by the tensor's `dataId`. */
  private readonly sources = new Map<object, string>();

  constructor(inputs: readonly tf.Tensor[], variables: readonly KnownVariable[]) {
    this.variables = new Map(variables.map(({ variable, value }) => [value.dataId, variable]));
    for (const input of inputs) this.addInput(input);
  }

  isInGraph(dataId: object): boolean {
    return this.sources.has(dataId) || this.variables.has(dataId);
  }

  addOperation(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TensorInfo[],
    results: readonly TensorInfo[],
  ): void {
    // tfjs starts this one without a type, which TensorFlow infers when it runs it; in a graph it does not.
    const [x] = inputs;
    const typed = op === "ExpandDims" && x ? [...attributes, this.typeOf(x, "T")] : attributes;
    const name = this.addNode(op, typed, inputs);
    results.forEach((result, i) => this.sources.set(result.dataId, `${name}:${i}`));
  }

  recording(results: readonly tf.Tensor[]): Recording {
    const { nodes, inputNames, variablesRead: variables } = this;
    // A graph cannot be asked for what it is fed, so each result is a node of its own.
    const outputNames = results.map(
      (result) => `${this.addNode("Identity", [this.typeOf(result, "T")], [result])}:0`,
    );
    return { nodes, inputNames, variables, outputNames };
  }

  private sourceOf(tensor: TensorInfo): string {
    const known = this.sources.get(tensor.dataId);
    if (known !== undefined) return known;
    const variable = this.variables.get(tensor.dataId);
    if (!variable) return this.addConstant(tensor);
    this.variablesRead.push(variable);
    return this.addInput(tensor);
  }

  private addInput(tensor: TensorInfo): string {
    const { dataId, shape } = tensor;
    const type = this.backend.binding.TF_ATTR_SHAPE;
    const attributes = [this.typeOf(tensor, "dtype"), { name: "shape", type, value: shape }];
    const source = `${this.addNode("Placeholder", attributes, [])}:0`;
    this.sources.set(dataId, source);
    this.inputNames.push(source);
    return source;
  }

  private addConstant(tensor: TensorInfo): string {
    const { buffer, byteOffset, byteLength } = this.readSync(tensor.dataId) as Float32Array;
    const values = new Uint8Array(buffer, byteOffset, byteLength);
    const constant = { shape: tensor.shape, values };
    const source = `${this.addNode("Const", [this.typeOf(tensor, "dtype")], [], constant)}:0`;
    this.sources.set(tensor.dataId, source);
    return source;
  }

  private addNode(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly TensorInfo[],
    constant?: GraphNode["constant"],
  ): string {
    const sources = inputs.map((input) => this.sourceOf(input));
    const name = `${op}_${this.nodes.length}`;
    this.nodes.push({ name, op, inputs: sources, attributes, constant });
    return name;
  }

  private typeOf(tensor: TensorInfo, name: string): OpAttribute {
    const { binding } = this.backend;
    return { name, type: binding.TF_ATTR_TYPE, value: this.backend.getDTypeInteger(tensor.dtype) };
  }
}

const NO_NUMBERS =
  "This function is being recorded as a graph, for inputs of any value: it cannot read a tensor's " +
  "numbers (dataSync, array …) and decide by them. Read them before, and pass on what follows from them.";
