/**
 * TensorFlow's SavedModel format: the one way in which a whole graph enters tfjs-node.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import protobuf from "protobufjs";
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { EngineError, tf } from "./tensorflow";

/** An attribute of an operation, as tfjs-node's kernels give it to the backend. */
export interface OpAttribute {
  readonly name: string;
  /** One of the binding's `TF_ATTR_…` numbers. */
  readonly type: number;
  readonly value: unknown;
}

/** One operation of a graph. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Where the inputs come from, each as `node:output`. */
  readonly inputs: readonly string[];
  readonly attributes: readonly OpAttribute[];
  /** What an operation "Const" holds. */
  readonly constant?: { readonly shape: readonly number[]; readonly values: Uint8Array };
}

/** A graph that TensorFlow has loaded. */
export interface LoadedGraph {
  /** Runs it. The inputs in the order of their names; the caller owns the results. */
  run(
    inputs: tf.Tensor[],
    inputNames: readonly string[],
    outputNames: readonly string[],
  ): tf.Tensor[];
  dispose(): void;
}

/**
 * Hands a graph to TensorFlow, by way of a temporary file.
 *
 * @throws EngineError where the system's folder for temporary files cannot be written
 */
export function loadGraph(nodes: readonly GraphNode[]): LoadedGraph {
  const backend = tf.backend() as NodeJSKernelBackend;
  const id = inTemporaryFolder((folder) => {
    fs.writeFileSync(path.join(folder, "saved_model.pb"), encodeSavedModel(nodes));
    return backend.loadSavedModelMetaGraph(folder, TAG);
  });
  return {
    run(inputs, inputNames, outputNames) {
      const infos = inputNames.map((name) => ({ name })) as Parameters<
        typeof backend.runSavedModel
      >[2];
      return backend.runSavedModel(id, inputs, infos, [...outputNames]);
    },
    dispose: () => backend.deleteSavedModel(id),
  };
}

function inTemporaryFolder<T>(use: (folder: string) => T): T {
  const parent = os.tmpdir();
  let folder: string | undefined;
  try {
    folder = fs.mkdtempSync(path.join(parent, "score-sde-graph-"));
    return use(folder);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && "syscall" in cause)) throw cause;
    throw new EngineError(
      `A graph passes to TensorFlow through a file in ${parent}, which cannot be written ` +
        `(${cause.message}). Free some space there, or set TMPDIR to another folder.`,
      { cause },
    );
  } finally {
    if (folder) fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The tag under which the graph is found in the file. */
const TAG = "serve";
/** The format's version of TensorFlow 2.9; it says only how operations that changed since are to be read. */
const GRAPH_VERSION = 987;

/**
 * The bytes of a `saved_model.pb` with the graph and nothing else. The messages are those of
 * tensorflow/core/protobuf/saved_model.proto, of which tfjs-node has a copy.
 */
function encodeSavedModel(nodes: readonly GraphNode[]): Uint8Array {
  const graphDef = { versions: { producer: GRAPH_VERSION }, node: nodes.map(nodeDef) };
  const metaGraphs = [{ metaInfoDef: { tags: [TAG] }, graphDef }];
  return savedModelType().encode({ savedModelSchemaVersion: 1, metaGraphs }).finish();
}

let savedModel: protobuf.Type | undefined;

function savedModelType(): protobuf.Type {
  const schema = "@tensorflow/tfjs-node-gpu/src/proto/api.proto";
  return (savedModel ??= protobuf
    .loadSync(createRequire(__filename).resolve(schema))
    .lookupType("tensorflow.SavedModel"));
}

function nodeDef({ name, op, inputs, attributes, constant }: GraphNode): object {
  const attr = Object.fromEntries(attributes.map((a) => [a.name, attrValue(a)]));
  if (constant) {
    const { shape, values } = constant;
    const type = attributes.find((a) => a.name === "dtype");
    const tensor = { dtype: type?.value, tensorShape: shapeDef(shape), tensorContent: values };
    attr["value"] = { tensor };
  }
  return { name, op, input: inputs, attr };
}

function attrValue({ name, type, value }: OpAttribute): object {
  const { binding } = tf.backend() as NodeJSKernelBackend;
  if (type === binding.TF_ATTR_SHAPE) return { shape: shapeDef(value as readonly number[]) };
  if (type === binding.TF_ATTR_INT)
    return Array.isArray(value) ? { list: { i: value } } : { i: value };
  if (Array.isArray(value)) {
    throw new EngineError(`The attribute ${name} is a list not of ints: no graph can hold it yet.`);
  }
  if (type === binding.TF_ATTR_STRING) return { s: Buffer.from(String(value)) };
  if (type === binding.TF_ATTR_FLOAT) return { f: value };
  if (type === binding.TF_ATTR_BOOL) return { b: Boolean(value) };
  return { type: value };
}

function shapeDef(shape: readonly number[]): object {
  return { dim: shape.map((size) => ({ size })) };
}
