/**
 * Sample paths of a stochastic differential equation beside the moments that theory gives.
 */
import type { Data } from "plotly.js";
import { lineTraces, type LineSeries } from "./lines";
import { compact, requireSameLength, requireSome } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout, COLORS, withOpacity, type FigureOptions } from "./style";

export interface Paths {
  /** Times, in order. */
  t: ArrayLike<number>;
  /** Each path's values at those times. */
  paths: ArrayLike<ArrayLike<number>>;
  /** Mean and standard deviation by theory, as eq. (7) gives them, at the same times. */
  mean?: ArrayLike<number>;
  std?: ArrayLike<number>;
}

export interface PathsOptions extends FigureOptions {
  /** Name of the theory's band in the legend. */
  theoryName?: string;
  /** Also draw mean ± standard deviation of the paths themselves, dotted. Takes two paths or more. */
  empirical?: boolean;
  /** At most so many paths are drawn, 60 unless said; all of them count for `empirical`. */
  maxPaths?: number;
}

/**
 * Many thin sample paths over time, the theory's mean ± std as a shaded band behind them.
 *
 * @throws RangeError for no paths, or lists of different lengths
 */
export function pathsFigure(
  { t, paths, mean, std }: Paths,
  options: PathsOptions = {},
): PlotlyFigure {
  const where = "pathsFigure()";
  const { theoryName = "mean ± std, eq. (7)", empirical = false, maxPaths = 60, ...rest } = options;
  const all = Array.from(paths);
  requireSome(where, "paths", all);
  all.forEach((path, i) => requireSameLength(where, { t, [`paths[${i}]`]: path }));
  if (mean && std) requireSameLength(where, { t, mean, std });

  const data: Data[] = [pathsTrace(t, all.slice(0, maxPaths))];
  if (mean && std) data.push(...bandTraces(where, t, mean, std, theoryName));
  if (empirical && all.length > 1) data.push(...empiricalTraces(where, t, all));
  return { data, layout: baseLayout({ xTitle: "time t", yTitle: "x(t)", ...rest }, true) };
}

/** All paths as one trace, a gap between one and the next: one legend entry, quick to draw. */
function pathsTrace(t: ArrayLike<number>, paths: readonly ArrayLike<number>[]): Data {
  const times = compact(t);
  return {
    type: "scatter",
    mode: "lines",
    name: "sample paths",
    x: paths.flatMap(() => [...times, null]),
    y: paths.flatMap((path) => [...compact(path), null]),
    line: { color: withOpacity(COLORS[0], 0.35), width: 1 },
    hoverinfo: "skip",
  };
}

function bandTraces(
  where: string,
  t: ArrayLike<number>,
  mean: ArrayLike<number>,
  std: ArrayLike<number>,
  name: string,
): Data[] {
  const color = COLORS[1];
  const edge = (sign: number): number[] => offset(mean, std, sign);
  const center: LineSeries = { name, x: t, y: mean, low: edge(-1), high: edge(1), color };
  const rim = (sign: number): LineSeries => ({ x: t, y: edge(sign), color, width: 1.5 });
  return [center, rim(1), rim(-1)].flatMap((line) => lineTraces(where, line, 1));
}

function empiricalTraces(
  where: string,
  t: ArrayLike<number>,
  paths: readonly ArrayLike<number>[],
): Data[] {
  const mean = new Float64Array(t.length);
  const std = new Float64Array(t.length);
  for (let i = 0; i < t.length; i++) {
    const values = paths.map((path) => path[i] ?? NaN);
    const center = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
    mean[i] = center;
    std[i] = Math.sqrt(squares / (values.length - 1));
  }
  const name = `mean ± std of ${paths.length} paths`;
  return [-1, 0, 1].flatMap((sign) => {
    const line: LineSeries = { x: t, y: offset(mean, std, sign), dash: "dot", color: COLORS[6] };
    return lineTraces(where, sign === 0 ? { ...line, name } : line, 6);
  });
}

function offset(mean: ArrayLike<number>, std: ArrayLike<number>, sign: number): number[] {
  return Array.from(mean, (value, i) => value + sign * (std[i] ?? NaN));
}
