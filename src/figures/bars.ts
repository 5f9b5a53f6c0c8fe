/**
 * Amounts by category.
 */
import type { Data } from "plotly.js";
import { anyNamed, asList, compact, requireSameLength, requireSome } from "./numbers";
import type { PlotlyFigure } from "./plotly-figure";
import { baseLayout, seriesColor, type FigureOptions } from "./style";

export interface BarSeries {
  name?: string;
  /** One amount for each label. */
  values: ArrayLike<number>;
  /** Half heights of error bars. */
  error?: ArrayLike<number>;
  color?: string;
}

/**
 * Bars side by side, a group for each label.
 *
 * @throws RangeError for no labels or series, or lists of different lengths
 */
export function barFigure(
  labels: readonly string[],
  series: BarSeries | readonly BarSeries[],
  options: FigureOptions = {},
): PlotlyFigure {
  const all = asList(series);
  requireSome("barFigure()", "series", all);
  const data = all.map(({ name, values, error, color }, index): Data => {
    requireSameLength("barFigure()", { labels, values, ...(error ? { error } : {}) });
    return {
      type: "bar",
      ...(name === undefined ? { showlegend: false } : { name }),
      x: [...labels],
      y: compact(values),
      marker: { color: color ?? seriesColor(index) },
      ...(error ? { error_y: { type: "data", array: compact(error), thickness: 1.5 } } : {}),
    };
  });
  const layout = baseLayout(options, anyNamed(all));
  return {
    data,
    layout: {
      ...layout,
      barmode: "group",
      bargap: 0.3,
      // Labels such as "0" … "9" are names, not numbers.
      xaxis: { ...layout.xaxis, type: "category", exponentformat: undefined },
    },
  };
}
