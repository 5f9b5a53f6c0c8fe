import { describe, expect, it } from "vitest";
import {
  figureToPng,
  lineFigure,
  panels,
  scatterFigure,
  type PlotlyFigure,
} from "../../src/figures";
import { Random } from "../../src/engine";
import { decode, ink } from "./decode";
import { samples } from "./samples";

describe("figureToPng", () => {
  it.each(Object.keys(samples))(
    "%s has ink inside, and none cut off at the edges",
    async (name) => {
      const figure = samples[name] as PlotlyFigure;
      const picture = await decode(await figureToPng(figure, { scale: 1 }));
      const { width, height } = picture;
      expect([width, height]).toEqual([figure.layout.width, figure.layout.height]);
      expect(ink(picture, [0, 0, width, height])).toBeGreaterThan(0.005);
      for (const edge of [
        [0, 0, width, 1],
        [0, height - 1, width, height],
        [0, 0, 1, height],
        [width - 1, 0, width, height],
      ] as const) {
        expect(ink(picture, [...edge])).toBe(0);
      }
    },
  );

  it("draws title, tick labels and axis titles beside the plot", async () => {
    const options = { title: "Title", xTitle: "time t", yTitle: "std σ(t)" };
    const line = { x: [0, 1], y: [0, 1_000_000] };
    const picture = await decode(await figureToPng(lineFigure(line, options), { scale: 1 }));
    expect(ink(picture, [0, 10, 100, 34])).toBeGreaterThan(0.03); // title
    expect(ink(picture, [0, 60, 40, 360])).toBeGreaterThan(0.01); // y title, turned
    expect(ink(picture, [300, 385, 500, 420])).toBeGreaterThan(0.01); // x title
  });

  it("draws heat maps as sharp squares in their colours", async () => {
    const heatmap = { type: "heatmap", z: [[0, 1]], colorscale: "Greys", showscale: false };
    const layout = { width: 200, height: 100, margin: { l: 0, r: 0, t: 0, b: 0 } };
    const figure = { data: [heatmap], layout } as unknown as PlotlyFigure;
    const picture = await decode(await figureToPng(figure, { scale: 1 }));
    const [left, right] = [picture.at(98, 50), picture.at(102, 50)];
    expect(left).toEqual(picture.at(2, 50));
    expect(right).toEqual(picture.at(198, 50));
    expect(Math.abs((left[0] ?? 0) - (right[0] ?? 0))).toBeGreaterThan(200);
  });

  it("draws points of which most lie far outside, as if those were not there", async () => {
    // Noise about 40 times as wide as the plot, as a sampler leaves it that was stopped too early.
    const wide = new Random(1).normal([800, 2]);
    const points = (wide.mul(160).arraySync() as number[][]).concat([[1, 2]]);
    wide.dispose();
    const near = points.filter((point) => point.every((value) => Math.abs(value) <= 8));
    const draw = async (points: number[][]): Promise<Buffer> => {
      const options = { xRange: [-4, 4], yRange: [-4, 4], title: "a" } as const;
      const panel = scatterFigure({ points, size: 3, opacity: 0.5 }, options);
      const row = Array.from({ length: 8 }, () => panel);
      return figureToPng(panels(row, { columns: 4, panelWidth: 235, panelHeight: 235 }), {
        scale: 1,
      });
    };
    expect(near.length).toBeLessThan(20);
    expect((await draw(points)).equals(await draw(near))).toBe(true);
  });

  it("takes a size and a scale", async () => {
    const figure = lineFigure({ x: [0, 1], y: [0, 1] });
    const picture = await decode(
      await figureToPng(figure, { width: 300, height: 200, scale: 1.5 }),
    );
    expect([picture.width, picture.height]).toEqual([450, 300]);
  });

  it("leaves the figure as it was", async () => {
    const before = JSON.stringify(samples["line"]);
    await figureToPng(samples["line"] as PlotlyFigure);
    expect(JSON.stringify(samples["line"])).toBe(before);
  });

  it("refuses sizes that are none", async () => {
    const figure = lineFigure({ x: [0, 1], y: [0, 1] });
    await expect(figureToPng(figure, { width: 0 })).rejects.toThrow(RangeError);
    await expect(figureToPng(figure, { scale: NaN })).rejects.toThrow("scale");
  });

  it("says in a line what it cannot draw", async () => {
    const figure = { data: [{ type: "scatter3d", x: [1], y: [1], z: [1] }], layout: {} } as unknown;
    await expect(figureToPng(figure as PlotlyFigure)).rejects.toThrow(/cannot be drawn/);
  });
});
