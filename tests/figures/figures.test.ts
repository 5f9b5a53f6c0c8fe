import { describe, expect, it } from "vitest";
import {
  barFigure,
  gridPoints,
  heatmapFigure,
  histogramFigure,
  lineFigure,
  lossCurve,
  panels,
  pathsFigure,
  scatterFigure,
  sweepFigure,
  validateFigure,
  vectorFieldFigure,
  type PlotlyFigure,
} from "../../src/figures";
import { range, samples } from "./samples";

/** A trace's own numbers. */
function trace(figure: PlotlyFigure, at: number): { x: (number | null)[]; y: (number | null)[] } {
  return figure.data[at] as unknown as { x: (number | null)[]; y: (number | null)[] };
}

describe("every figure", () => {
  it.each(Object.keys(samples))("%s is right in the eyes of Plotly", (name) => {
    expect(validateFigure(samples[name] as PlotlyFigure)).toEqual([]);
  });

  it.each(Object.keys(samples))("%s is plain JSON", (name) => {
    const figure = samples[name];
    expect(JSON.parse(JSON.stringify(figure))).toEqual(figure);
  });

  it("is told apart from a wrong one", () => {
    const wrong = { data: [{ type: "scatter", mode: "zigzag" }], layout: {} } as unknown;
    expect(validateFigure(wrong as PlotlyFigure).join()).toContain("mode");
  });
});

describe("lineFigure", () => {
  it("keeps six digits, and leaves out what is not finite", () => {
    const figure = lineFigure({ x: Float32Array.of(0.1, 0.2), y: [1 / 3, Infinity] });
    expect(trace(figure, 0)).toMatchObject({ x: [0.1, 0.2], y: [0.333333, null] });
  });

  it("draws a band under its line", () => {
    const figure = lineFigure({ x: [1, 2], y: [5, 6], low: [4, 5], high: [6, 7] });
    expect(trace(figure, 0)).toMatchObject({ x: [1, 2, 2, 1], y: [6, 7, 5, 4], fill: "toself" });
    expect(trace(figure, 1).y).toEqual([5, 6]);
  });

  it("writes the ticks of a log axis in full, or as powers over many decades", () => {
    const ticks = (y: number[]): string[] | undefined =>
      lineFigure({ x: [1, 2], y }, { yLog: true }).layout.yaxis?.ticktext;
    expect(ticks([30, 400])).toContain("200");
    expect(ticks([1e-6, 1e6])).toContain("10<sup>-6</sup>");
    expect(ticks([1e-6, 1e6])?.length).toBeLessThan(12);
  });

  it("takes limits in data units on a log axis", () => {
    const { layout } = lineFigure({ x: [1, 2], y: [1, 2] }, { yLog: true, yRange: [0.1, 1000] });
    expect(layout.yaxis?.range).toEqual([-1, 3]);
  });

  it("names what does not fit", () => {
    expect(() => lineFigure([])).toThrow(RangeError);
    expect(() => lineFigure({ x: [], y: [] })).toThrow("x is empty");
    expect(() => lineFigure({ x: [1, 2], y: [1] })).toThrow("x has 2 entries, but y has 1");
    expect(() => lineFigure({ x: [1], y: [1], error: [] })).toThrow("error has 0");
  });
});

describe("sweepFigure", () => {
  it("has its ticks at the settings tried", () => {
    const { layout } = sweepFigure([
      { x: [500, 10], y: [1, 2] },
      { x: [100, 10], y: [1, 2] },
    ]);
    expect(layout.xaxis?.tickvals).toEqual([10, 100, 500]);
  });
});

describe("lossCurve", () => {
  it("averages the last losses", () => {
    const figure = lossCurve([1, 2, 3, 4], [4, 2, 6, 8], { window: 2 });
    expect(trace(figure, 0).y).toEqual([4, 2, 6, 8]);
    expect(trace(figure, 1).y).toEqual([4, 3, 4, 7]);
  });

  it("averages over a loss that is not finite", () => {
    const figure = lossCurve([1, 2, 3], [4, NaN, 6], { window: 2 });
    expect(trace(figure, 1).y).toEqual([4, 4, 6]);
  });

  it("draws a thousand points of a long run, the first and the last among them", () => {
    const steps = range(1, 50_000, 50_000);
    const { x } = trace(lossCurve(steps, steps), 0);
    expect([x.length, x[0], x[999]]).toEqual([1000, 1, 50_000]);
  });

  it("is logarithmic where the losses are positive and span decades", () => {
    const axis = (losses: number[]): unknown => lossCurve([1, 2], losses).layout.yaxis?.type;
    expect(axis([1000, 20])).toBe("log");
    expect(axis([30, 20])).toBeUndefined();
    expect(axis([1000, -20])).toBeUndefined();
  });

  it("names what does not fit", () => {
    expect(() => lossCurve([], [])).toThrow("steps is empty");
    expect(() => lossCurve([1], [1], { window: 0 })).toThrow("window");
    expect(() => lossCurve([1], [1], { reference: { name: "r" } })).toThrow(TypeError);
  });
});

describe("pathsFigure", () => {
  it("draws the paths as one trace, with gaps between them", () => {
    const figure = pathsFigure({ t: [0, 1], paths: [Float32Array.of(1, 2), [3, 4]] });
    expect(trace(figure, 0)).toMatchObject({ x: [0, 1, null, 0, 1, null] });
    expect(trace(figure, 0).y).toEqual([1, 2, null, 3, 4, null]);
  });

  it("has the moments of the paths, the variance with n − 1", () => {
    const figure = pathsFigure(
      {
        t: [0, 1],
        paths: [
          [0, 1],
          [0, 3],
        ],
      },
      { empirical: true },
    );
    const lines = [1, 2, 3].map((at) => trace(figure, at).y[1]);
    expect(lines).toEqual([0.585786, 2, 3.41421]);
  });

  it("names what does not fit", () => {
    expect(() => pathsFigure({ t: [0], paths: [] })).toThrow("paths is empty");
    expect(() => pathsFigure({ t: [0, 1], paths: [[0, 1], [0]] })).toThrow("paths[1] has 1");
  });
});

describe("scatterFigure", () => {
  it("thins large clouds, but no path", () => {
    const points = range(0, 1, 5000).map((x) => [x, x]);
    const lengths = scatterFigure([{ points }, { points, mode: "lines" }], { maxPoints: 100 });
    expect([0, 1].map((at) => trace(lengths, at).x.length)).toEqual([100, 5000]);
  });

  it("is as wide as it is high to the eye", () => {
    expect(scatterFigure({ points: [[1, 2]] }).layout.yaxis).toMatchObject({ scaleanchor: "x" });
  });

  it("names a point that is not in the plane", () => {
    expect(() =>
      scatterFigure({
        points: [
          [1, 2],
          [1, 2, 3],
        ],
      }),
    ).toThrow("point 1 has 3");
  });
});

describe("vectorFieldFigure", () => {
  it("draws the longest arrow as long as the spacing, others by a power of their norm", () => {
    const at = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ];
    const vectors = [
      [4, 0],
      [0, 1],
      [0, 0],
      [0, 0],
    ];
    const { x, y } = trace(vectorFieldFigure({ at, vectors }), 0);
    // Shaft of the first arrow, and of the second; the vectors of norm 0 have none.
    expect([x[1], y[1]]).toEqual([0.5, 0]);
    expect([x[7], y[7], x[8], y[8]]).toEqual([1, 0, 1, 0.25]);
    expect(x.length).toBe(14);
    const toScale = trace(vectorFieldFigure({ at, vectors }, { lengthPower: 1, maxLength: 2 }), 0);
    expect([toScale.x[1], toScale.y[8]]).toEqual([2, 0.5]);
  });

  it("names what does not fit", () => {
    expect(() => vectorFieldFigure({ at: [[0, 0]], vectors: [] })).toThrow("1 places, but 0");
    expect(() => vectorFieldFigure([])).toThrow("fields is empty");
  });
});

describe("histogramFigure", () => {
  it("has the area 1, the last value in the last bin", () => {
    const figure = histogramFigure({ values: [0, 1, 1, 4] }, { bins: 4 });
    expect(trace(figure, 0)).toMatchObject({ x: [0.5, 1.5, 2.5, 3.5], y: [0.25, 0.5, 0, 0.25] });
  });

  it("counts what lies outside of its limits", () => {
    const figure = histogramFigure({ values: [0.5, 0.5, 9, 9] }, { bins: 1, xRange: [0, 1] });
    expect(trace(figure, 0).y).toEqual([0.5]);
  });

  it("draws values that are all the same", () => {
    expect(trace(histogramFigure({ values: [2, 2] }, { bins: 1 }), 0).y).toEqual([1]);
  });

  it("names what does not fit", () => {
    expect(() => histogramFigure({ values: [] })).toThrow("values is empty");
    expect(() => histogramFigure({ values: [1, NaN] })).toThrow("values[1] is NaN");
    expect(() => histogramFigure({ values: [1] }, { bins: 0 })).toThrow("bins");
  });
});

describe("grids", () => {
  it("go row after row, x changing fastest", () => {
    const grid = gridPoints([0, 1], [5, 7], 2);
    expect(grid.points).toEqual([
      [0, 5],
      [1, 5],
      [0, 7],
      [1, 7],
    ]);
    expect(grid.toGrid([1, 2, 3, 4]).z).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("name what does not fit", () => {
    expect(() => gridPoints([1, 0])).toThrow("xRange must increase");
    expect(() => gridPoints([0, 1], [0, 1], 1)).toThrow("size");
    expect(() => gridPoints([0, 1], [0, 1], 2).toGrid([1])).toThrow("4 points, but 1");
    expect(() => heatmapFigure({ x: [0], y: [0, 1], z: [[1]] })).toThrow("1 rows");
    expect(() => heatmapFigure({ x: [0, 1], y: [0], z: [[1]] })).toThrow("row 0 of z has 1");
    expect(() => heatmapFigure({ x: [0], y: [0], z: [[NaN]] })).toThrow("z[0][0] is NaN");
  });
});

describe("barFigure", () => {
  it("takes digits for names", () => {
    expect(barFigure(["7", "1"], { values: [1, 2] }).layout.xaxis?.type).toBe("category");
  });

  it("names what does not fit", () => {
    expect(() => barFigure([], { values: [] })).toThrow("labels is empty");
    expect(() => barFigure(["a"], { values: [1, 2] })).toThrow("values has 2");
  });
});

describe("panels", () => {
  it("gives each figure axes of its own, and a name one entry in the legend", () => {
    const one = lineFigure({ name: "a", x: [1], y: [1] }, { title: "One" });
    const { data, layout } = panels([one, one]);
    expect(data).toMatchObject([
      { xaxis: "x", showlegend: true },
      { xaxis: "x2", yaxis: "y2", showlegend: false, legendgroup: "a" },
    ]);
    expect(layout.xaxis2?.domain?.[0]).toBeGreaterThan(layout.xaxis?.domain?.[1] ?? 1);
    expect(layout.annotations?.map(({ text }) => text)).toEqual(["One", "One"]);
  });

  it("leaves the figures as they were", () => {
    const heatmap = heatmapFigure({
      x: [0, 1],
      y: [0, 1],
      z: [
        [1, 2],
        [3, 4],
      ],
    });
    const before = JSON.stringify(heatmap);
    panels([heatmap, heatmap]);
    expect(JSON.stringify(heatmap)).toBe(before);
  });

  it("names what does not fit", () => {
    expect(() => panels([])).toThrow("figures is empty");
    expect(() => panels([samples["line"] as PlotlyFigure], { columns: 0 })).toThrow("columns");
  });
});
