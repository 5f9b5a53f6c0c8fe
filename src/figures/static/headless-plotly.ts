/**
 * Plotly without a browser: plotly.js in a jsdom window, which is enough for it to lay a figure out
 * and to write it as SVG.
 *
 * jsdom knows the document but neither lays out nor paints, so this file lends it the few things that
 * Plotly asks for: sizes of text and shapes, and canvases for heat maps.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import type { Canvas } from "canvas";
import { canvasWithFonts } from "../fonts";
import { boundingBox, clientBox, textWidth, type Box, type SvgNode } from "./text-metrics";

/** The functions of plotly.js that are used here. Figures go in and out as JSON text. */
export interface HeadlessPlotly {
  /** plotly.js's version. */
  readonly version: string;
  /** The figure as an SVG document, width × height pixels. */
  toSvg(figureJson: string, width: number, height: number): Promise<string>;
  /** What `Plotly.validate` finds wrong with the figure, one line each; none where it is right. */
  validate(figureJson: string): string[];
}

/**
 * jsdom's types need TypeScript's DOM library, which the notebook kernel's compiler does not load;
 * so the little that is used is written down here.
 */
interface JsdomPackage {
  JSDOM: new (html: string, options: object) => { window: HeadlessWindow };
  VirtualConsole: new () => object;
}

interface HeadlessWindow {
  eval(code: string): unknown;
  HTMLElement: { prototype: object };
  SVGElement: { prototype: object };
  HTMLCanvasElement: { prototype: object };
  URL: { createObjectURL?: () => string };
}

let started: HeadlessPlotly | undefined;

/** Starts the window on first use (about half a second); later calls return the same. */
export function headlessPlotly(): HeadlessPlotly {
  return (started ??= start());
}

function start(): HeadlessPlotly {
  const require = createRequire(__filename);
  const { JSDOM, VirtualConsole } = require("jsdom") as JsdomPackage;
  // "outside-only": window.eval runs, <script> elements of a document do not. The console of the
  // window goes nowhere: Plotly's hints are about browsers.
  const { window } = new JSDOM("<!doctype html><body></body>", {
    runScripts: "outside-only",
    virtualConsole: new VirtualConsole(),
  });
  lendLayout(window);
  lendCanvas(window);
  // plotly.js looks for it while it loads (its maps make a worker from a URL), and never calls it.
  window.URL.createObjectURL = () => "";
  // The bundle with every trace type: what `Plotly.validate` accepts must be what a notebook shows.
  window.eval(fs.readFileSync(require.resolve("plotly.js/dist/plotly.min.js"), "utf8"));
  // Plotly tells plain objects by their prototype, which differs between the window and Node; JSON
  // text crosses the border and is parsed on the other side.
  return window.eval(`({
    version: Plotly.version,
    toSvg(json, width, height) {
      const { data, layout } = JSON.parse(json);
      return Plotly.toImage({ data, layout }, { format: "svg", width, height, imageDataOnly: true });
    },
    validate(json) {
      const { data, layout } = JSON.parse(json);
      return (Plotly.validate(data, layout) ?? []).map((problem) => problem.msg);
    },
  })`) as HeadlessPlotly;
}

/** Sizes of elements, from text-metrics.ts. */
function lendLayout(window: HeadlessWindow): void {
  Object.assign(window.SVGElement.prototype, {
    getBBox(this: SvgNode) {
      return domRect(boundingBox(this));
    },
    getBoundingClientRect(this: SvgNode) {
      return domRect(clientBox(this));
    },
    getComputedTextLength(this: SvgNode) {
      return textWidth(this);
    },
  });
}

function domRect(box: Box = { left: 0, top: 0, right: 0, bottom: 0 }) {
  const { left, top, right, bottom } = box;
  return { x: left, y: top, left, top, right, bottom, width: right - left, height: bottom - top };
}

/**
 * Canvases of the `canvas` package behind <canvas> elements. jsdom would do this by itself with
 * node-canvas, but it writes a property that @napi-rs/canvas makes read-only.
 */
function lendCanvas(window: HeadlessWindow): void {
  interface CanvasElement {
    readonly width: number;
    readonly height: number;
  }
  const { createCanvas } = canvasWithFonts();
  const surfaces = new WeakMap<CanvasElement, Canvas>();
  const surfaceOf = (element: CanvasElement): Canvas => {
    const { width, height } = element;
    const earlier = surfaces.get(element);
    if (earlier?.width === width && earlier.height === height) return earlier;
    const surface = createCanvas(width, height);
    surfaces.set(element, surface);
    return surface;
  };
  Object.assign(window.HTMLCanvasElement.prototype, {
    getContext(this: CanvasElement, kind: string) {
      return kind === "2d" ? surfaceOf(this).getContext("2d") : null;
    },
    toDataURL(this: CanvasElement) {
      return surfaceOf(this).toDataURL("image/png");
    },
  });
}
