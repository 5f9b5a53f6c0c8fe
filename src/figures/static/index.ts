/**
 * Static pictures of Plotly figures, for readers whose page runs no script: a code host shows a
 * notebook's PNG and leaves its interactive figure out.
 */
import { createRequire } from "node:module";
import { FONT_NAME, fontFiles } from "../fonts";
import type { PlotlyFigure } from "../plotly-figure";
import { headlessPlotly } from "./headless-plotly";
import { withoutUnseenMarkers } from "./unseen-markers";

export interface PngOptions {
  /** Width in CSS pixels; the figure's own `layout.width`, else 700. */
  width?: number;
  /** Height in CSS pixels; the figure's own `layout.height`, else 420. */
  height?: number;
  /** Image pixels to one CSS pixel, above 0 and up to 4; 2 is sharp on a high-density screen. */
  scale?: number;
}

/**
 * Draws a Plotly figure to a PNG file's bytes, `width · scale` × `height · scale` pixels.
 *
 * plotly.js lays the figure out in a simulated window and writes SVG, which resvg paints: no browser
 * has a part in it. Traces that need WebGL (scattergl, 3-D) and maps cannot be drawn so.
 *
 * @throws RangeError for a size that is no positive number, or a trace that cannot be drawn
 */
export async function figureToPng(figure: PlotlyFigure, options: PngOptions = {}): Promise<Buffer> {
  const width = options.width ?? figure.layout.width ?? 700;
  const height = options.height ?? figure.layout.height ?? 420;
  const scale = options.scale ?? 2;
  requireSize("width", width, 10_000);
  requireSize("height", height, 10_000);
  requireSize("scale", scale, 4);
  requireDrawable(figure);
  const svg = await headlessPlotly().toSvg(JSON.stringify(figure), width, height);
  return rasterize(withoutUnseenMarkers(svg), scale);
}

/** What `Plotly.validate` finds wrong with a figure, one line each; an empty list where it is right. */
export function validateFigure(figure: PlotlyFigure): string[] {
  return headlessPlotly().validate(JSON.stringify(figure));
}

function rasterize(svg: string, scale: number): Buffer {
  type Resvg = typeof import("@resvg/resvg-js");
  const { Resvg } = createRequire(__filename)("@resvg/resvg-js") as Resvg;
  // resvg knows SVG's own word for "no smoothing", not the one of CSS that Plotly writes.
  const crisp = svg.replaceAll("image-rendering: pixelated", "image-rendering: optimizeSpeed");
  const image = new Resvg(crisp, {
    background: "white",
    fitTo: { mode: "zoom", value: scale },
    font: {
      loadSystemFonts: false,
      fontFiles: fontFiles(),
      defaultFontFamily: FONT_NAME,
      sansSerifFamily: FONT_NAME,
    },
  });
  return image.render().asPng();
}

/** The kinds of traces that Plotly draws as SVG; with others it would wait for WebGL without end. */
const DRAWABLE = new Set(
  "scatter bar box violin histogram histogram2d histogram2dcontour heatmap contour pie".split(" "),
);

function requireDrawable({ data }: PlotlyFigure): void {
  for (const { type = "scatter" } of data) {
    if (!DRAWABLE.has(type)) {
      throw new RangeError(
        `figureToPng(): a trace of type "${type}" cannot be drawn without a browser.`,
      );
    }
  }
}

function requireSize(name: string, value: number, max: number): void {
  if (!(value > 0 && value <= max)) {
    throw new RangeError(
      `figureToPng(): ${name} must be above 0 and at most ${max}; got ${value}.`,
    );
  }
}
