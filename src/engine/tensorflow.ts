/**
 * Starts the native engine: the one place that loads `@tensorflow/tfjs-node-gpu`.
 *
 * There is no fallback to tfjs's plain JavaScript backend: it is hundreds of times slower on this
 * course's network, and a learner who waits an hour for a two-minute cell should be told why.
 */
import "./node-compat";
import { createRequire } from "node:module";
import type * as TF from "@tensorflow/tfjs-node-gpu";
import { withoutNativeLogs } from "./quiet";

/** The native engine could not be loaded; the message says why and how to mend it. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

/** TensorFlow.js on the native `tensorflow` backend. */
export const tf: typeof TF = load();

/** The tensor types, so that `tf.Tensor4D` reads the same as it does with tfjs itself. */
export declare namespace tf {
  export type Tensor<R extends TF.Rank = TF.Rank> = TF.Tensor<R>;
  export type Scalar = TF.Scalar;
  export type Tensor1D = TF.Tensor1D;
  export type Tensor2D = TF.Tensor2D;
  export type Tensor3D = TF.Tensor3D;
  export type Tensor4D = TF.Tensor4D;
  export type Variable<R extends TF.Rank = TF.Rank> = TF.Variable<R>;
  export type DataType = TF.DataType;
  export type TensorLike = TF.TensorLike;
  export type GradSaveFunc = TF.GradSaveFunc;
}

function load(): typeof TF {
  const require = createRequire(__filename);
  // TensorFlow uses oneDNN's kernels by itself only on processors with AVX-512 VNNI, which few laptops
  // have. On those with AVX2 a score takes half as long with them (bench/NOTES.md).
  if (process.arch === "x64") process.env["TF_ENABLE_ONEDNN_OPTS"] ??= "1";
  let engine: typeof TF;
  try {
    engine = withoutNativeLogs(() => {
      const loaded = require("@tensorflow/tfjs-node-gpu") as typeof TF;
      // The first operation creates TensorFlow's device, which has lines of its own to print.
      loaded.tidy(() => loaded.add(1, 1).dataSync());
      return loaded;
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new EngineError(
      `The native tensor engine does not load (${reason}). ` +
        "Run `npm run setup` in the project's folder to build it, then `npm run doctor` to check it.",
      { cause },
    );
  }
  if (engine.getBackend() !== "tensorflow") {
    throw new EngineError(
      `The tensor engine started on the "${engine.getBackend()}" backend, which is far too slow for ` +
        "this course. Run `npm run doctor` to see what is missing.",
    );
  }
  return engine;
}
