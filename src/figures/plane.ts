/**
 * Pictures of the plane: samples as dots, a density as shades, a vector field as arrows.
 */
import type { Data } from "plotly.js";
import { requireGrid, type Grid } from "./grid";
import { anyNamed, asList, columns, compact, pick, requireSome, rounded, thinned } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout, equalAspect, seriesColor, type FigureOptions } from "./style";

/** One cloud of points. */
export interface ScatterSeries {
  name?: string;
  /** [N][2]: what `await tensor.array()` gives of a [N, 2] tensor. */
  points: ArrayLike<ArrayLike<number>>;
  color?: string;
  /** Diameter of a dot in pixels, 4 unless said. */
  size?: number;
  /** 0 … 1, 0.6 unless said. */
  opacity?: number;
  /** "lines" joins the points in their order: the path of a chain. */
  mode?: "markers" | "lines" | "lines+markers";
}

export interface PlaneOptions extends FigureOptions {
  /** A density drawn in shades of grey behind everything. */
  density?: Grid;
  /** At most so many points of each series are drawn (evenly picked), 2,000 unless said. */
  maxPoints?: number;
}

/**
 * Samples in the plane; one unit is as long on x as on y.
 *
 * @throws RangeError for no series or a point that is not [x, y]
 */
export function scatterFigure(
  series: ScatterSeries | readonly ScatterSeries[],
  options: PlaneOptions = {},
): PlotlyFigure {
  const all = asList(series);
  requireSome("scatterFigure()", "series", all);
  const { maxPoints = 2000 } = options;
  const clouds = all.map((one, index) => cloudTrace("scatterFigure()", one, index, maxPoints));
  return planeFigure([...densityTraces(options.density), ...clouds], all, options);
}

/** One field of arrows: `vectors[i]` starts at `at[i]`. */
export interface VectorField {
  name?: string;
  /** [N][2] */
  at: ArrayLike<ArrayLike<number>>;
  /** [N][2] */
  vectors: ArrayLike<ArrayLike<number>>;
  color?: string;
}

export interface VectorFieldOptions extends PlaneOptions {
  /** Samples or paths drawn over the arrows. */
  points?: ScatterSeries | readonly ScatterSeries[];
  /** Length of the longest arrow, in units of the axes; the arrows' spacing unless said. */
  maxLength?: number;
  /**
   * An arrow is drawn as long as its vector's norm to this power, so that a field that spans decades
   * can be read: 1 is to scale, 0.5 (unless said) its square root, 0 the direction only.
   */
  lengthPower?: number;
}

/**
 * A vector field in the plane, such as a score, as arrows. Several fields share one scale.
 *
 * @throws RangeError for no field, a point or vector that is not [x, y], or lists of different lengths
 */
export function vectorFieldFigure(
  fields: VectorField | readonly VectorField[],
  options: VectorFieldOptions = {},
): PlotlyFigure {
  const where = "vectorFieldFigure()";
  const all = asList(fields);
  requireSome(where, "fields", all);
  const { points = [], maxPoints = 2000, lengthPower = 0.5 } = options;
  const arrows = all.map(({ at, vectors }) => {
    if (at.length !== vectors.length) {
      throw new RangeError(`${where}: ${at.length} places, but ${vectors.length} vectors.`);
    }
    return { from: columns(where, at), vector: columns(where, vectors) };
  });
  const largest = maximum(arrows.flatMap(({ vector }) => norms(vector)));
  const maxLength = options.maxLength ?? spacing(arrows[0]?.from ?? { x: [], y: [] });
  const traces = arrows.map(({ from, vector }, index) => {
    const color = all[index]?.color ?? seriesColor(index);
    const length = (norm: number): number =>
      largest > 0 ? maxLength * (norm / largest) ** lengthPower : 0;
    return arrowTrace(from, vector, length, color, all[index]?.name);
  });
  const clouds = asList(points).map((one, index) =>
    cloudTrace(where, one, index + all.length, maxPoints),
  );
  return planeFigure(
    [...densityTraces(options.density), ...traces, ...clouds],
    [...all, ...asList(points)],
    options,
  );
}

function planeFigure(
  data: Data[],
  series: readonly { name?: string }[],
  options: FigureOptions,
): PlotlyFigure {
  const layout = baseLayout(
    {
      xTitle: "x<sub>1</sub>",
      yTitle: "x<sub>2</sub>",
      width: 560,
      height: 540,
      ...options,
    },
    anyNamed(series),
  );
  return { data, layout: equalAspect(layout) };
}

function cloudTrace(where: string, series: ScatterSeries, index: number, max: number): Data {
  const { mode = "markers", size = 4, opacity = 0.6, color = seriesColor(index) } = series;
  const { x, y } = columns(where, series.points);
  // A path loses its meaning without its points in between.
  const shown = thinned(x.length, mode === "markers" ? max : Infinity);
  return {
    type: "scatter",
    mode,
    ...(series.name === undefined ? { showlegend: false } : { name: series.name }),
    x: compact(pick(x, shown)),
    y: compact(pick(y, shown)),
    ...(mode.includes("markers") ? { marker: { color, size } } : {}),
    ...(mode.includes("lines") ? { line: { color, width: 1.5 } } : {}),
    opacity,
  };
}

function densityTraces(density: Grid | undefined): Data[] {
  if (!density) return [];
  requireGrid("density", density);
  return [
    {
      type: "contour",
      x: compact(density.x),
      y: compact(density.y),
      z: Array.from(density.z, compact),
      colorscale: [
        [0, "#ffffff"],
        [1, "#8a8a8a"],
      ],
      contours: { coloring: "heatmap" },
      line: { width: 0.5, color: "#b0b0b0" },
      showscale: false,
      showlegend: false,
      hoverinfo: "skip",
    },
  ];
}

interface Columns {
  x: number[];
  y: number[];
}

/** All arrows as one trace of line pieces, each: shaft, then the two strokes of its head. */
function arrowTrace(
  from: Columns,
  vector: Columns,
  lengthOf: (norm: number) => number,
  color: string,
  name: string | undefined,
): Data {
  const x: (number | null)[] = [];
  const y: (number | null)[] = [];
  norms(vector).forEach((norm, i) => {
    const length = lengthOf(norm);
    if (!(norm > 0 && length > 0)) return;
    const [x0, y0] = [from.x[i] ?? NaN, from.y[i] ?? NaN];
    const [dx, dy] = [((vector.x[i] ?? 0) / norm) * length, ((vector.y[i] ?? 0) / norm) * length];
    const [x1, y1] = [x0 + dx, y0 + dy];
    const barb = (turn: number): [number, number] => {
      const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
      return [x1 - 0.35 * (dx * cos - dy * sin), y1 - 0.35 * (dx * sin + dy * cos)];
    };
    const [left, right] = [barb(0.45), barb(-0.45)];
    x.push(rounded(x0), rounded(x1), rounded(left[0]), null);
    y.push(rounded(y0), rounded(y1), rounded(left[1]), null);
    x.push(rounded(x1), rounded(right[0]), null);
    y.push(rounded(y1), rounded(right[1]), null);
  });
  return {
    type: "scatter",
    mode: "lines",
    ...(name === undefined ? { showlegend: false } : { name }),
    x,
    y,
    line: { color, width: 1.3 },
    hoverinfo: "skip",
  };
}

function norms({ x, y }: Columns): number[] {
  return x.map((xAt, i) => Math.hypot(xAt, y[i] ?? NaN));
}

function maximum(values: readonly number[]): number {
  return values.reduce((most, value) => (value > most ? value : most), 0);
}

/** About the distance from one arrow to the next: the side of the square that each has to itself. */
function spacing({ x, y }: Columns): number {
  const extent = (values: readonly number[]): number =>
    maximum(values) + maximum(values.map((value) => -value));
  const area = Math.max(extent(x), 1e-9) * Math.max(extent(y), 1e-9);
  return Math.sqrt(area / Math.max(x.length, 1));
}
