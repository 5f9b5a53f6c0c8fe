/**
 * Curves: anything against anything, with bands and error bars.
 */
import type { Dash, Data } from "plotly.js";
import { anyNamed, asList, compact, requireSameLength, requireSome } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout, logTicks, seriesColor, withOpacity, type FigureOptions } from "./style";

/** One curve. */
export interface LineSeries {
  name?: string;
  x: ArrayLike<number>;
  /** As many values as x; one that is not finite leaves a gap. */
  y: ArrayLike<number>;
  /** Half heights of error bars, such as a standard error. */
  error?: ArrayLike<number>;
  /** Lower and upper edge of a shaded band. */
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
  mode?: "lines" | "markers" | "lines+markers";
  dash?: "solid" | "dash" | "dot" | "dashdot";
  /** Width of the line in pixels, 2 unless said. */
  width?: number;
  /** "#RRGGBB"; from the palette, in order, where missing. */
  color?: string;
}

/**
 * Curves over a common x axis.
 *
 * @throws RangeError for no series, an empty one, or lists of different lengths
 */
export function lineFigure(
  series: LineSeries | readonly LineSeries[],
  options: FigureOptions = {},
): PlotlyFigure {
  const all = asList(series);
  requireSome("lineFigure()", "series", all);
  const data = all.flatMap((line, index) => lineTraces("lineFigure()", line, index));
  const layout = baseLayout(options, anyNamed(all));
  if (options.xLog && !options.xTicks) {
    Object.assign(layout.xaxis ?? {}, logTicks(all.flatMap(({ x }) => Array.from(x))));
  }
  if (options.yLog) Object.assign(layout.yaxis ?? {}, logTicks(all.flatMap(yExtent)));
  return { data, layout };
}

/**
 * A quantity measured at a few chosen settings: markers joined by lines, error bars where given, and
 * the ticks of the x axis at the settings themselves.
 *
 * @throws RangeError as lineFigure
 */
export function sweepFigure(
  series: LineSeries | readonly LineSeries[],
  options: FigureOptions = {},
): PlotlyFigure {
  const all = asList(series);
  const settings = [...new Set(all.flatMap(({ x }) => Array.from(x)))].sort((a, b) => a - b);
  const marked = all.map((line): LineSeries => ({ mode: "lines+markers", ...line }));
  return lineFigure(marked, { xTicks: settings, ...options });
}

/** All that a curve draws on the y axis. */
function yExtent({ y, low = [], high = [] }: LineSeries): number[] {
  return [...Array.from(y), ...Array.from(low), ...Array.from(high)];
}

/** The traces of one curve: its band, if any, under its line. */
export function lineTraces(where: string, line: LineSeries, index: number): Data[] {
  const { x, y, error, low, high, color = seriesColor(index) } = line;
  const { mode = "lines", width = 2, dash = "solid" } = line;
  requireSameLength(where, {
    x,
    y,
    ...(error ? { error } : {}),
    ...(low ? { low } : {}),
    ...(high ? { high } : {}),
  });
  const trace: Data = {
    type: "scatter",
    mode,
    ...(line.name === undefined ? { showlegend: false } : { name: line.name }),
    x: compact(x),
    y: compact(y),
    ...(mode.includes("lines") ? { line: { color, width, dash: dash as Dash } } : {}),
    ...(mode.includes("markers") ? { marker: { color, size: 7 } } : {}),
    ...(error
      ? { error_y: { type: "data", array: compact(error), color, thickness: 1.5, width: 4 } }
      : {}),
  };
  return low && high ? [bandTrace(x, low, high, color), trace] : [trace];
}

/** A shaded band between two curves: one outline, there along `high` and back along `low`. */
function bandTrace(
  x: ArrayLike<number>,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  color: string,
): Data {
  const there = Array.from(x);
  return {
    type: "scatter",
    mode: "lines",
    x: compact([...there, ...there.slice().reverse()]),
    y: compact([...Array.from(high), ...Array.from(low).reverse()]),
    fill: "toself",
    fillcolor: withOpacity(color, 0.18),
    line: { width: 0 },
    hoverinfo: "skip",
    showlegend: false,
  };
}
