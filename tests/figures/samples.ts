/** One figure of each kind, as a notebook would make it. */
import * as figures from "../../src/figures";
import type { PlotlyFigure } from "../../src/figures";

export function range(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}

const t = range(0, 1, 51);
const std = t.map((at) => Math.sqrt((25 ** (2 * at) - 1) / (2 * Math.log(25))));
const grid = figures.gridPoints([-3, 3], [-2, 2], 9);
const density = grid.toGrid(grid.points.map(([x, y]) => Math.exp(-(x * x + y * y) / 2)));
const cloud = range(0, 6.28, 40).map((at) => [Math.cos(at), Math.sin(at)]);

export const samples: Record<string, PlotlyFigure> = {
  line: figures.lineFigure(
    [
      { name: "β = 25", x: t, y: std, low: std.map((y) => y - 1), high: std.map((y) => y + 1) },
      { name: "β = 10", x: t, y: t, dash: "dash" },
    ],
    { title: "Standard deviation σ(t)", xTitle: "time t", yTitle: "std σ(t)" },
  ),
  bareLine: figures.lineFigure({ x: [1, 2, 3], y: [1e6, 2e6, NaN] }),
  logLine: figures.lineFigure(
    { x: [1e-5, 1e-3, 1], y: [30, 80, 400] },
    { xLog: true, yLog: true, yRange: [20, 500], xTitle: "t", yTitle: "loss" },
  ),
  sweep: figures.sweepFigure(
    [{ name: "EM", x: [10, 100, 500], y: [90, 70, 64], error: [3, 2, 1] }],
    { title: "Steps", xTitle: "score evaluations", yTitle: "distance", xLog: true },
  ),
  loss: figures.lossCurve(
    range(1, 3000, 3000),
    range(1, 3000, 3000).map((step) => 20 + 1e4 / step),
    { title: "Training", reference: [{ name: "PyTorch", value: 64.5 }] },
  ),
  paths: figures.pathsFigure(
    { t, paths: [t, t.map((at) => -at)], mean: t.map(() => 0), std },
    { title: "Paths", empirical: true },
  ),
  scatter: figures.scatterFigure(
    [
      { name: "data", points: cloud },
      { name: "chain", points: cloud, mode: "lines+markers" },
    ],
    { title: "Samples", density },
  ),
  field: figures.vectorFieldFigure(
    { name: "score", at: grid.points, vectors: grid.points.map(([x, y]) => [-x, -y]) },
    { title: "Score", density, points: { name: "data", points: cloud } },
  ),
  histogram: figures.histogramFigure(
    { name: "values", values: [1, 2, 2, 3, 3, 3] },
    { bins: 3, xTitle: "x", density: { name: "p(x)", x: [1, 2, 3], y: [0.2, 0.4, 0.2] } },
  ),
  heatmap: figures.heatmapFigure(density, { title: "Density", zTitle: "p", square: true }),
  diverging: figures.heatmapFigure(density, { colors: "diverging", zRange: [-1, 1] }),
  bars: figures.barFigure(
    ["0", "1", "2"],
    [
      { name: "data", values: [3, 5, 4], error: [1, 1, 1] },
      { name: "samples", values: [4, 4, 4] },
    ],
  ),
  panels: figures.panels(
    [
      figures.lineFigure({ name: "a", x: [1, 2], y: [3, 4] }, { title: "Left" }),
      figures.heatmapFigure(density, { title: "Right", square: true }),
      figures.barFigure(["a"], { name: "a", values: [1] }, { title: "Below" }),
    ],
    { title: "Three panels", columns: 2 },
  ),
};
