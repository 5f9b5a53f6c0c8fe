/**
 * Node 23 took `util.isNullOrUndefined` and `util.isArray` away, and tfjs-node 4.22 calls both on
 * every operation (tensorflow/tfjs #8609: mended upstream, not released). This module puts them
 * back, and so it must be imported before the engine is.
 */
import util from "node:util";

const legacy = util as unknown as Record<string, unknown>;
legacy["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
legacy["isArray"] ??= Array.isArray;
