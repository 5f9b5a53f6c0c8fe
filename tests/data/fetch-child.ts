/**
 * A process that fetches one file: `fetch-child.ts <file as JSON> <cache folder> <mirror>`. Started, and
 * killed, by killed-download.test.ts.
 */
import { fetchFile } from "../../src/data/fetch-mnist";
import type { MnistFile } from "../../src/data/mnist-files";

const [file = "", cacheDirectory, mirror = ""] = process.argv.slice(2);
fetchFile(JSON.parse(file) as MnistFile, { cacheDirectory, mirrors: [mirror] }).then(
  ({ source }) => process.stdout.write(source),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);
