/**
 * What the engine runs on: shown by `npm run doctor` and at the head of a notebook.
 */
import fs from "node:fs";
import os from "node:os";
import { createRequire } from "node:module";
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { tf } from "./tensorflow";

/** A description of the running engine. */
export interface EngineInfo {
  /** tfjs's name of the backend: always "tensorflow". */
  readonly backend: string;
  /** Where tensors live: "CPU" or "GPU". */
  readonly device: "CPU" | "GPU";
  /** Version of the native TensorFlow library, for example "2.21.0". */
  readonly tensorflowVersion: string;
  /** Version of @tensorflow/tfjs-node-gpu. */
  readonly tfjsVersion: string;
  /** Number of threads one operation may use. */
  readonly threads: number;
}

/** Tells backend, device, TensorFlow version and threads. */
export function engineInfo(): EngineInfo {
  const backend = tf.backend() as NodeJSKernelBackend;
  const limit = Number(process.env["TF_NUM_INTRAOP_THREADS"]);
  return {
    backend: tf.getBackend(),
    device: backend.isUsingGpuDevice ? "GPU" : "CPU",
    tensorflowVersion: String(backend.binding.TF_Version),
    tfjsVersion: packageVersion(),
    threads: limit > 0 ? limit : os.availableParallelism(),
  };
}

function packageVersion(): string {
  const file = createRequire(__filename).resolve("@tensorflow/tfjs-node-gpu/package.json");
  return (JSON.parse(fs.readFileSync(file, "utf8")) as { version: string }).version;
}
