import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lineFigure, type PlotlyFigure } from "../../src/figures";
import { liveFigure, show, showAnimation, showImages, showTable } from "../../src/notebook";
import { useFakeKernel } from "./fake-kernel";

const figure = (title: string): PlotlyFigure => lineFigure({ x: [0, 1], y: [0, 1] }, { title });
const images = { data: new Float32Array(4 * 9), shape: [4, 3, 3, 1] };
const tensor = { shape: images.shape, dtype: "float32", data: () => Promise.resolve(images.data) };

/** Width of a PNG, from its header. */
function pngWidth(base64: unknown): number {
  return Buffer.from(String(base64), "base64").readUInt32BE(16);
}

describe("in the notebook", () => {
  const kernel = useFakeKernel();
  const { outputs } = kernel;
  const keys = (at: number): string[] => Object.keys(outputs[at]?.data ?? {}).sort();

  it("show sends one bundle, the picture as large as the figure", async () => {
    await show(figure("x<sub>t</sub>"));
    expect(outputs).toHaveLength(1);
    expect(keys(0)).toEqual(["application/vnd.plotly.v1+json", "image/png", "text/plain"]);
    expect(pngWidth(outputs[0]?.data["image/png"])).toBe(700);
    expect(outputs[0]?.data["text/plain"]).toBe("[Figure: xt]");
  });

  it("show sends a figure that cannot be drawn, and says why there is no picture", async () => {
    const surface = { data: [{ type: "surface", z: [[1]] }], layout: {} } as unknown;
    await show(surface as PlotlyFigure);
    expect(keys(0)).toEqual(["application/vnd.plotly.v1+json", "text/plain"]);
    expect(outputs[0]?.data["text/plain"]).toMatch(/no static picture: .*"surface"/);
  });

  it("show that is not awaited is finished when the cell ends", async () => {
    void show(figure("a"));
    expect(outputs).toHaveLength(0);
    await kernel.endCell();
    expect(outputs).toHaveLength(1);
  });

  it("showImages takes a tensor or plain numbers", async () => {
    await showImages(tensor, { columns: 2, scale: 1 });
    await showImages(images, { columns: 2, scale: 1 });
    expect(outputs[0]).toEqual(outputs[1]);
    expect(pngWidth(outputs[0]?.data["image/png"])).toBe(8 + 3 + 4 + 3 + 8);
    expect(outputs[0]?.data["text/plain"]).toBe("[4 images of 3 × 3 pixels]");
  });

  it("showImages names what does not fit", async () => {
    await expect(showImages({ data: [1], shape: [28, 28] })).rejects.toThrow(RangeError);
  });

  it("showAnimation sends a film, and its last frame", async () => {
    await showAnimation([tensor, images], { scale: 1, columns: 4 });
    expect(keys(0)).toEqual(["image/png", "text/html", "text/plain"]);
    expect(outputs[0]?.data["text/html"]).toContain("data:image/gif;base64,R0lGOD");
  });

  it("showTable sends HTML, Markdown and text, numbers at the right", () => {
    showTable(
      [
        { sampler: "<EM>", steps: 1000, fid: 64.123456 },
        { sampler: "P|C", steps: 500 },
      ],
      { caption: "Distance", digits: 3 },
    );
    const data = outputs[0]?.data ?? {};
    expect(data["text/html"]).toContain("&lt;EM&gt;</td>");
    expect(data["text/html"]).toContain('<td style="text-align:right">64.1</td>');
    expect(data["text/markdown"]).toBe(
      "**Distance**\n\n| sampler | steps | fid |\n| :--- | ---: | ---: |\n" +
        "| <EM> | 1,000 | 64.1 |\n| P\\|C | 500 |  |",
    );
    expect(data["text/plain"]).toBe(
      "Distance\nsampler  steps   fid\n<EM>     1,000  64.1\nP|C        500",
    );
  });

  it("showTable takes the columns asked for, in their order", () => {
    showTable([{ a: 1, b: 2, c: 3 }], { columns: ["c", "a"] });
    expect(outputs[0]?.data["text/plain"]).toBe("c  a\n3  1");
    expect(() => showTable([])).toThrow(RangeError);
  });

  it("liveFigure draws pictures in one place, and at last the interactive figure", async () => {
    const live = liveFigure(figure("1"), { interval: 0 });
    await vi.waitFor(() => expect(outputs.length).toBeGreaterThan(0), 30_000);
    live.update(figure("2"));
    await live.done();
    expect(keys(0)).toEqual(["image/png", "text/plain"]);
    const last = outputs[outputs.length - 1];
    expect(last?.data["text/plain"]).toBe("[Figure: 2]");
    expect(last?.data["application/vnd.plotly.v1+json"]).toMatchObject({
      layout: { title: { text: "2" } },
    });
    expect(new Set(outputs.map(({ id }) => id)).size).toBe(1);
    expect(outputs.map(({ update }) => update)).toEqual(outputs.map((_, at) => at > 0));
  });

  it("liveFigure draws few of many updates, and never an older one last", async () => {
    const live = liveFigure();
    let made = 0;
    for (let n = 1; n <= 200; n++) {
      live.update(() => {
        made++;
        return figure(String(n));
      });
      await new Promise(setImmediate);
    }
    await kernel.endCell();
    expect(made).toBeLessThan(20);
    expect(outputs[outputs.length - 1]?.data["text/plain"]).toBe("[Figure: 200]");
    const drawn = outputs.length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(outputs).toHaveLength(drawn);
  });

  it("liveFigure that was done takes further updates", async () => {
    const live = liveFigure(figure("1"));
    await live.done();
    await live.done();
    expect(outputs).toHaveLength(1);
    live.update(figure("2"));
    await kernel.endCell();
    expect(outputs[outputs.length - 1]?.data["text/plain"]).toBe("[Figure: 2]");
  });

  it("liveFigure tells at its end of a figure that cannot be made", async () => {
    const live = liveFigure(() => lineFigure([]));
    await expect(live.done()).rejects.toThrow(RangeError);
  });
});

describe("outside of the notebook", () => {
  let written: string[];
  beforeEach(() => {
    written = [];
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  });
  afterEach(() => vi.restoreAllMocks());

  it("each output is one line on stderr", async () => {
    await show(figure("Two points"));
    await showImages(images, { title: "Digits" });
    await showAnimation([images], { title: "Film" });
    showTable([{ a: 1 }, { a: 2 }], { caption: "Sums" });
    expect(written).toEqual([
      "[Figure: Two points]\n",
      "[Digits: 4 images of 3 × 3 pixels]\n",
      "[Film: 4 images of 3 × 3 pixels, 1 frames]\n",
      "[Table: Sums: 2 rows]\n",
    ]);
  });

  it("a live figure does nothing", async () => {
    const live = liveFigure(() => {
      throw new Error("not to be called");
    });
    live.update(figure("a"));
    await live.done();
    expect(written).toEqual([]);
  });
});
