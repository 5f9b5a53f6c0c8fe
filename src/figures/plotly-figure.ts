/**
 * What a figure is: the plain JSON that Plotly draws.
 */
import type { Data, Frame, Layout } from "plotly.js";

/** A Plotly figure as plain JSON, with no browser and no notebook in it. */
export interface PlotlyFigure {
  data: Data[];
  layout: Partial<Layout>;
  /** Steps of an animation, played by `layout.sliders` or `layout.updatemenus`. */
  frames?: Partial<Frame>[];
}
