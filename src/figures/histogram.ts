/**
 * Histograms, normalised to a density so that a theoretical one can be laid over them.
 */
import type { Data } from "plotly.js";
import { lineTraces, type LineSeries } from "./lines";
import { anyNamed, asList, compact, requireFinite, requireSome } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout, seriesColor, type FigureOptions } from "./style";

export interface HistogramSeries {
  name?: string;
  values: ArrayLike<number>;
  color?: string;
}

export interface HistogramOptions extends FigureOptions {
  /** Number of bins, 60 unless said. */
  bins?: number;
  /** Curves over the histogram: densities, in the unit 1 / x. */
  density?: LineSeries | readonly LineSeries[];
}

/**
 * Histograms as densities: a bar's area is the fraction of the values in its bin, so that values
 * outside `xRange` lower the bars instead of being forgotten.
 *
 * @throws RangeError for no values, one that is not finite, or bins below 1
 */
export function histogramFigure(
  series: HistogramSeries | readonly HistogramSeries[],
  options: HistogramOptions = {},
): PlotlyFigure {
  const where = "histogramFigure()";
  const all = asList(series);
  const { bins = 60, density = [], xRange = span(where, all), ...rest } = options;
  if (!Number.isInteger(bins) || bins < 1) {
    throw new RangeError(`${where}: bins must be a whole number of at least 1; got ${bins}.`);
  }
  const curves = asList(density);
  const data = [
    ...all.map((one, index) => barsTrace(one, index, xRange, bins)),
    ...curves.flatMap((line, index) => lineTraces(where, line, all.length + index)),
  ];
  const named = anyNamed([...all, ...curves]);
  const layout = baseLayout({ yTitle: "density", xRange, ...rest }, named);
  return { data, layout: { ...layout, barmode: "overlay", bargap: 0 } };
}

function barsTrace(
  { name, values, color }: HistogramSeries,
  index: number,
  [low, high]: readonly [number, number],
  bins: number,
): Data {
  const width = (high - low) / bins;
  const counts = new Float64Array(bins);
  for (const value of Array.from(values)) {
    const bin = value === high ? bins - 1 : Math.floor((value - low) / width);
    if (bin >= 0 && bin < bins) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return {
    type: "bar",
    ...(name === undefined ? { showlegend: false } : { name }),
    x: compact(counts.map((_, bin) => low + (bin + 0.5) * width)),
    y: compact(counts.map((count) => count / (values.length * width))),
    width,
    marker: { color: color ?? seriesColor(index), line: { width: 0 } },
    opacity: 0.55,
  };
}

/** Smallest and largest value of all the series. */
function span(where: string, series: readonly HistogramSeries[]): [number, number] {
  requireSome(where, "series", series);
  let [low, high] = [Infinity, -Infinity];
  series.forEach(({ values }, at) => {
    requireSome(where, `series[${at}].values`, values);
    requireFinite(where, `series[${at}].values`, values);
    for (const value of Array.from(values)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  });
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}
