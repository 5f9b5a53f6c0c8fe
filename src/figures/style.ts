/**
 * The common look of every figure: one typeface, colours that colour-blind readers can tell apart,
 * thin grey grids, and a tool bar of only what helps.
 */
import type { Layout, LayoutAxis } from "plotly.js";
import { FONT_FAMILY } from "./fonts";

/** Okabe and Ito's palette (2008), without its yellow, which is too pale for thin lines on white. */
export const COLORS = [
  "#0072B2", // blue
  "#D55E00", // vermilion
  "#009E73", // green
  "#CC79A7", // pink
  "#E69F00", // orange
  "#56B4E9", // sky blue
  "#000000",
] as const;

/** Colour of the n-th series; the palette repeats after seven. */
export function seriesColor(index: number): string {
  return COLORS[index % COLORS.length] ?? COLORS[0];
}

/** "#RRGGBB" and an opacity 0 … 1 as a CSS colour. */
export function withOpacity(hex: string, opacity: number): string {
  const channel = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${channel(1)}, ${channel(3)}, ${channel(5)}, ${opacity})`;
}

/** What every figure function takes besides its data. */
export interface FigureOptions {
  title?: string;
  /** Axis titles; name the unit where there is one. Plotly's HTML (`x<sub>t</sub>`) works. */
  xTitle?: string;
  yTitle?: string;
  /** Limits of the axes, in data units also on a log axis; automatic where missing. */
  xRange?: readonly [number, number];
  yRange?: readonly [number, number];
  /** Logarithmic axes. */
  xLog?: boolean;
  yLog?: boolean;
  /** Exact places of the ticks on the x axis: the values tried, in a sweep. */
  xTicks?: ArrayLike<number>;
  /** Size in CSS pixels: 700 × 420 unless said. */
  width?: number;
  height?: number;
}

/** The layout that all figures start from, with a legend or without. */
export function baseLayout(options: FigureOptions, legend: boolean): Partial<Layout> {
  const { title, width = 700, height = 420 } = options;
  return {
    width,
    height,
    font: { family: FONT_FAMILY, size: 13, color: "#222222" },
    ...(title === undefined ? {} : { title: titleAt(title, height) }),
    margin: { l: 70, r: 24, t: 16 + (title === undefined ? 0 : 32) + (legend ? 26 : 0), b: 60 },
    paper_bgcolor: "#ffffff",
    plot_bgcolor: "#ffffff",
    colorway: [...COLORS],
    hovermode: "closest",
    showlegend: legend,
    // Above the plot, under the title: the plot keeps its width, and long names have room.
    ...(legend
      ? { legend: { orientation: "h", x: 0, xanchor: "left", y: 1.01, yanchor: "bottom" } }
      : {}),
    modebar: { remove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"] },
    xaxis: axis(options.xTitle, options.xRange, options.xLog, options.xTicks),
    yaxis: axis(options.yTitle, options.yRange, options.yLog),
  };
}

/** Left-aligned, its top 14 pixels under the figure's. */
function titleAt(text: string, height: number): Layout["title"] {
  return {
    text,
    font: { size: 16 },
    x: 0.01,
    xanchor: "left",
    y: 1 - 14 / height,
    yanchor: "top",
    yref: "container",
  };
}

function axis(
  title: string | undefined,
  range: readonly [number, number] | undefined,
  log = false,
  ticks?: ArrayLike<number>,
): Partial<LayoutAxis> {
  return {
    ...(title === undefined ? {} : { title: { text: title, standoff: 10 } }),
    ...(range === undefined ? {} : { range: range.map((at) => (log ? Math.log10(at) : at)) }),
    ...(log ? { type: "log" } : {}),
    ...tickOptions(ticks),
    automargin: true,
    showline: true,
    linecolor: "#555555",
    ticks: "outside",
    ticklen: 5,
    tickcolor: "#555555",
    gridcolor: "#e4e4e4",
    zeroline: false,
  };
}

function tickOptions(ticks?: ArrayLike<number>): Partial<LayoutAxis> {
  if (!ticks) return { exponentformat: "power" };
  const values = Array.from(ticks);
  return { tickmode: "array", tickvals: values, ticktext: values.map(String) };
}

/** Makes one unit as long on y as on x, as pictures of the plane need. */
export function equalAspect(layout: Partial<Layout>): Partial<Layout> {
  return {
    ...layout,
    xaxis: { ...layout.xaxis, constrain: "domain" },
    yaxis: { ...layout.yaxis, constrain: "domain", scaleanchor: "x", scaleratio: 1 },
  };
}

/**
 * Ticks for a logarithmic axis over the values drawn on it: 1, 2, 5, 10, 20 … written in full over up
 * to three decades, powers of ten beyond. Plotly's own write a bare "2" for 200.
 */
export function logTicks(values: Iterable<number>): Partial<LayoutAxis> {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!(value > 0 && value < Infinity)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > 0)) return {};
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = last - first;
  const within = decades <= 3 ? [1, 2, 5] : [1];
  const step = Math.ceil(decades / 9);
  const values10 = Array.from(
    { length: Math.floor(decades / step) + 1 },
    (_, i) => first + i * step,
  );
  const tickvals = values10.flatMap((power) => within.map((m) => Number(`${m}e${power}`)));
  return { tickmode: "array", tickvals, ticktext: tickvals.map(tickText) };
}

function tickText(value: number): string {
  const power = Math.round(Math.log10(value));
  const isPower = Number(`1e${power}`) === value;
  return isPower && Math.abs(power) > 3 ? `10<sup>${power}</sup>` : String(value);
}
