/**
 * Keeps TensorFlow's start-up lines off the terminal: a learner should not have to wonder whether
 * "oneDNN custom operations are on" is an error.
 */
import fs from "node:fs";

/**
 * Runs `load` with the native side's stderr (file descriptor 2) pointed at nothing.
 *
 * TF_CPP_MIN_LOG_LEVEL silences most lines, but two come before TensorFlow's logger exists and go
 * straight to the descriptor, so the descriptor itself is moved aside. Node has no `dup2`; a
 * closed 2 is the lowest free number, however, and so the next open gets it. Where stderr cannot be
 * opened again by name (Windows, a socket), it is left alone: a spare line beats a lost error.
 */
export function withoutNativeLogs<T>(load: () => T): T {
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "3";
  if (process.env["SCORE_SDE_VERBOSE"]) return load();
  let saved: number;
  try {
    saved = fs.openSync("/dev/fd/2", "a");
  } catch {
    return load();
  }
  try {
    reopenStderr("/dev/null");
    return load();
  } finally {
    reopenStderr(`/dev/fd/${saved}`);
    fs.closeSync(saved);
  }
}

function reopenStderr(path: string): void {
  fs.closeSync(2);
  fs.openSync(path, "a");
}
