/**
 * Several figures side by side, to be compared.
 */
import type { Annotations, Data, Layout, LayoutAxis } from "plotly.js";
import { requireSome } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout } from "./style";

export interface PanelsOptions {
  title?: string;
  /** Panels in a row; all in one, unless said. */
  columns?: number;
  /** Size of one panel in CSS pixels, axes and labels included: 380 × 340 unless said. */
  panelWidth?: number;
  panelHeight?: number;
}

/** Room in pixels between the plots: tick labels and axis title; for a colour bar, on its right; title. */
const ROOM = { axis: 64, colorbar: 84, below: 52, title: 26 };

/**
 * Figures with one pair of axes each, drawn as panels of one figure. A panel's title is its figure's;
 * series of one name share one entry in the legend.
 *
 * @throws RangeError for no figures, or columns that are not a whole number of at least 1
 */
export function panels(
  figures: readonly PlotlyFigure[],
  options: PanelsOptions = {},
): PlotlyFigure {
  requireSome("panels()", "figures", figures);
  const { columns = figures.length, panelWidth = 380, panelHeight = 340, title } = options;
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(`panels(): columns must be a whole number of at least 1; got ${columns}.`);
  }
  const rows = Math.ceil(figures.length / columns);
  const legendNames = new Set<string>();
  const data = figures.flatMap((figure, at) => panelTraces(figure, axisSuffix(at), legendNames));
  const layout = baseLayout(
    {
      width: columns * panelWidth + 20,
      height: rows * panelHeight + 20 + (title ? 32 : 0) + (legendNames.size > 0 ? 26 : 0),
      ...(title === undefined ? {} : { title }),
    },
    legendNames.size > 0,
  );
  const { margin = {}, width = 0, height = 0, legend } = layout;
  const top = (margin.t ?? 0) + ROOM.title;
  const plot = {
    width: width - (margin.l ?? 0) - (margin.r ?? 0),
    height: height - top - (margin.b ?? 0),
  };
  const bars = figures.find((figure) => figure.layout.barmode !== undefined)?.layout;
  const merged: Partial<Layout> = {
    ...layout,
    ...(bars ? { barmode: bars.barmode, bargap: bars.bargap } : {}),
    margin: { ...margin, t: top },
    ...(legend ? { legend: { ...legend, y: 1 + ROOM.title / plot.height } } : {}),
    annotations: [],
  };
  figures.forEach((figure, at) => {
    const cell = { column: at % columns, row: Math.floor(at / columns) };
    placePanel(merged, data, figure, axisSuffix(at), cellDomain(cell, { columns, rows }, plot));
  });
  return { data, layout: merged };
}

interface Domain {
  readonly x: [number, number];
  readonly y: [number, number];
}

/** Where a panel's plot lies, in fractions of all the plots' area, y upwards. */
function cellDomain(
  cell: { column: number; row: number },
  { columns, rows }: { columns: number; rows: number },
  plot: { width: number; height: number },
): Domain {
  const gap = { x: ROOM.axis / plot.width, y: (ROOM.below + ROOM.title) / plot.height };
  const size = { x: (1 - gap.x * (columns - 1)) / columns, y: (1 - gap.y * (rows - 1)) / rows };
  const left = cell.column * (size.x + gap.x);
  const top = 1 - cell.row * (size.y + gap.y);
  return { x: [left, left + size.x], y: [Math.max(0, top - size.y), top] };
}

/** "" for the first pair of axes, then "2", "3" …: Plotly's names are x, x2, x3. */
function axisSuffix(at: number): string {
  return at === 0 ? "" : String(at + 1);
}

function panelTraces(figure: PlotlyFigure, suffix: string, legendNames: Set<string>): Data[] {
  const shown = figure.layout.showlegend === true;
  return figure.data.map((trace): Data => {
    const placed = { ...trace, xaxis: `x${suffix}`, yaxis: `y${suffix}` } as Record<
      string,
      unknown
    >;
    const { name } = placed;
    if (typeof name !== "string" || placed["showlegend"] === false) return placed;
    const isNew = shown && !legendNames.has(name);
    if (shown) legendNames.add(name);
    return { ...placed, legendgroup: name, showlegend: isNew };
  });
}

/** Adds a panel's axes and title to the layout, and puts its colour bar beside it. */
function placePanel(
  layout: Partial<Layout>,
  data: readonly Data[],
  figure: PlotlyFigure,
  suffix: string,
  domain: Domain,
): void {
  const axes = layout as Record<string, Partial<LayoutAxis>>;
  const [x, y] = [`x${suffix}`, `y${suffix}`];
  const bars = data.filter((trace) => (trace as Scaled).xaxis === x && hasColorbar(trace));
  const plotWidth = (layout.width ?? 0) - (layout.margin?.l ?? 0) - (layout.margin?.r ?? 0);
  // A colour bar takes its room from its own panel.
  const right = domain.x[1] - (bars.length > 0 ? ROOM.colorbar / plotWidth : 0);
  axes[`xaxis${suffix}`] = {
    ...figure.layout.xaxis,
    domain: [domain.x[0], right],
    anchor: y as LayoutAxis["anchor"],
  };
  const { scaleanchor } = figure.layout.yaxis ?? {};
  axes[`yaxis${suffix}`] = {
    ...figure.layout.yaxis,
    domain: domain.y,
    anchor: x as LayoutAxis["anchor"],
    ...(scaleanchor ? { scaleanchor: x as LayoutAxis["scaleanchor"] } : {}),
  };
  for (const trace of bars as Scaled[]) {
    trace.colorbar = {
      ...trace.colorbar,
      x: right + 6 / plotWidth,
      y: (domain.y[0] + domain.y[1]) / 2,
      len: domain.y[1] - domain.y[0],
    };
  }
  const title = figure.layout.title?.text;
  if (title) layout.annotations?.push(panelTitle(title, domain));
}

/** A trace that may have a colour bar. */
interface Scaled {
  xaxis?: string;
  colorbar?: Record<string, unknown>;
}

function hasColorbar(trace: Data): boolean {
  return (trace as Scaled).colorbar !== undefined;
}

function panelTitle(text: string, domain: Domain): Partial<Annotations> {
  return {
    text,
    showarrow: false,
    font: { size: 14 },
    xref: "paper",
    yref: "paper",
    x: domain.x[0],
    y: domain.y[1],
    xanchor: "left",
    yanchor: "bottom",
  };
}
