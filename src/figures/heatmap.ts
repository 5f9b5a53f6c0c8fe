/**
 * A function of two variables as colours.
 */
import type { ColorScale, Data } from "plotly.js";
import { requireGrid, type Grid } from "./grid";
import { compact } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout, equalAspect, type FigureOptions } from "./style";

export interface HeatmapOptions extends FigureOptions {
  /** Title of the colour bar. */
  zTitle?: string;
  /** Limits of the colours; unless said the smallest and largest value, evenly about 0 if diverging. */
  zRange?: readonly [number, number];
  /** "sequential" (Viridis) for amounts, "diverging" (blue below 0, white at 0, red above) for signed ones. */
  colors?: "sequential" | "diverging";
  /** One unit as long on y as on x. */
  square?: boolean;
}

/** Readable to red–green colour-blind eyes (ColorBrewer's RdBu). */
const BLUE_WHITE_RED: ColorScale = [
  [0, "#2166ac"],
  [0.25, "#92c5de"],
  [0.5, "#f7f7f7"],
  [0.75, "#f4a582"],
  [1, "#b2182b"],
];

/**
 * Values on a grid as colours, with a colour bar.
 *
 * @throws RangeError where z does not fit x and y, or holds a value that is not finite
 */
export function heatmapFigure(grid: Grid, options: HeatmapOptions = {}): PlotlyFigure {
  requireGrid("heatmapFigure()", grid);
  const { zTitle, zRange, colors = "sequential", square = false } = options;
  const trace: Partial<Data> = {
    type: "heatmap",
    x: compact(grid.x),
    y: compact(grid.y),
    z: Array.from(grid.z, compact),
    colorscale: colors === "diverging" ? BLUE_WHITE_RED : "Viridis",
    ...(zRange ? { zmin: zRange[0], zmax: zRange[1] } : colors === "diverging" ? { zmid: 0 } : {}),
    colorbar: {
      thickness: 16,
      outlinewidth: 0,
      ...(zTitle === undefined ? {} : { title: { text: zTitle, side: "right" } }),
    },
  };
  const layout = baseLayout(square ? { width: 560, height: 480, ...options } : options, false);
  return { data: [trace], layout: square ? equalAspect(layout) : layout };
}
