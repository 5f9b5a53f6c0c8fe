/**
 * What MNIST's four files are called, what they must contain, and where the cache keeps them.
 *
 * Nothing here, nor in the modules that fetch and read the files, needs the tensor engine: the data
 * can be fetched before the engine is built.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

/** One file in IDX format, and how to tell that it is whole and unchanged. */
export interface MnistFile {
  /** The name it goes by, uncompressed: "train-images-idx3-ubyte". */
  readonly name: string;
  /** Its canonical address, which is also its key in the cache. The mirrors serve it instead. */
  readonly url: string;
  readonly kind: "images" | "labels";
  /** Number of images, or of labels. */
  readonly count: number;
  /** SHA-256 of the uncompressed bytes, in hexadecimal: recompression does not change it. */
  readonly sha256: string;
}

/** "train": 60,000 images; "test": 10,000 others, by other writers. */
export type Split = "train" | "test";

/** The two files of one split. */
export interface SplitFiles {
  readonly images: MnistFile;
  readonly labels: MnistFile;
}

/** Places that serve the four files, each as `<mirror><name>.gz`: PyTorch's, then TensorFlow's. */
export const MNIST_MIRRORS: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/** The package `mnist-dataset`, as far as it is used: its names and its cache, not its download. */
interface MnistDatasetPackage {
  readonly trainingImagesUrl: string;
  readonly trainingLabelsUrl: string;
  readonly testImagesUrl: string;
  readonly testLabelsUrl: string;
  /** The path at which its own `cache(url)` looks for the uncompressed file; makes the folder. */
  getTempPath(url: string): string;
}

const PROJECT_CACHE = path.join(__dirname, "..", "..", ".cache");
const CACHE = path.join(PROJECT_CACHE, "mnist-dataset");

let mnistDataset: MnistDatasetPackage | undefined;

/**
 * Loads `mnist-dataset` with its cache inside the project instead of the system's temporary folder:
 * it asks for that folder once, while it loads. So what is downloaded here is also what the
 * package's own `cache(url)` finds, it outlives a restart, and `npm run clean` can take it back.
 */
function mnistDatasetPackage(): MnistDatasetPackage {
  if (mnistDataset) return mnistDataset;
  const variables = ["TMPDIR", "TEMP", "TMP"];
  const saved = variables.map((name) => process.env[name]);
  for (const name of variables) process.env[name] = PROJECT_CACHE;
  try {
    mnistDataset = createRequire(__filename)("mnist-dataset") as MnistDatasetPackage;
    return mnistDataset;
  } finally {
    variables.forEach((name, i) => {
      if (saved[i] === undefined) delete process.env[name];
      else process.env[name] = saved[i];
    });
  }
}

/** The files of MNIST's two splits. */
export function mnistFiles(): Readonly<Record<Split, SplitFiles>> {
  const { trainingImagesUrl, trainingLabelsUrl, testImagesUrl, testLabelsUrl } =
    mnistDatasetPackage();
  return {
    train: {
      images: {
        name: path.basename(trainingImagesUrl, ".gz"),
        url: trainingImagesUrl,
        kind: "images",
        count: 60_000,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
      },
      labels: {
        name: path.basename(trainingLabelsUrl, ".gz"),
        url: trainingLabelsUrl,
        kind: "labels",
        count: 60_000,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
      },
    },
    test: {
      images: {
        name: path.basename(testImagesUrl, ".gz"),
        url: testImagesUrl,
        kind: "images",
        count: 10_000,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
      },
      labels: {
        name: path.basename(testLabelsUrl, ".gz"),
        url: testLabelsUrl,
        kind: "labels",
        count: 10_000,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
      },
    },
  };
}

/** Where the cache keeps a file, uncompressed: by default where `mnist-dataset` looks for it too. */
export function cachePath(file: MnistFile, cacheDirectory = CACHE): string {
  return path.join(cacheDirectory, cacheName(file));
}

/** Names under which people keep a file: as published, unpacked, Kaggle's, and this cache's own. */
export function namesOf(file: MnistFile): string[] {
  const dotted = file.name.replace("-idx", ".idx");
  return [file.name, `${file.name}.gz`, dotted, `${dotted}.gz`, cacheName(file)];
}

/** `mnist-dataset`'s name for a file in its cache. */
function cacheName(file: MnistFile): string {
  try {
    // getTempPath makes the folder too, but fails if two processes do so at the same moment.
    fs.mkdirSync(CACHE, { recursive: true });
    return path.basename(mnistDatasetPackage().getTempPath(file.url));
  } catch {
    return file.name; // a project that is read-only, and so has no cache of its own
  }
}
