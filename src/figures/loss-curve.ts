/**
 * The loss while a network trains.
 */
import type { PlotlyFigure } from "./plotly-figure";
import { lineFigure, type LineSeries } from "./lines";
import { asList, pick, requireSameLength, thinned } from "./numbers";
import { withOpacity, COLORS, type FigureOptions } from "./style";

/** A value or a curve to compare with. */
export interface LossReference {
  name: string;
  /** One value: a horizontal line. */
  value?: number;
  /** Or a curve. */
  steps?: ArrayLike<number>;
  losses?: ArrayLike<number>;
}

export interface LossCurveOptions extends FigureOptions {
  reference?: LossReference | readonly LossReference[];
  /** How many losses the running mean averages; a fortieth of them, 5 … 100, unless said. */
  window?: number;
}

/** So many points are drawn at most: a screen has no more columns. */
const MAX_POINTS = 1000;

/**
 * The loss of each step, pale, and its running mean. The y axis is logarithmic where the losses are
 * all positive and span more than a factor of ten.
 *
 * @throws RangeError for no losses, lists of different lengths, or a window below 1
 */
export function lossCurve(
  steps: ArrayLike<number>,
  losses: ArrayLike<number>,
  options: LossCurveOptions = {},
): PlotlyFigure {
  requireSameLength("lossCurve()", { steps, losses });
  const { window = defaultWindow(losses.length), reference = [], ...rest } = options;
  if (!(window >= 1)) {
    throw new RangeError(`lossCurve(): window must be at least 1; got ${window}.`);
  }
  const shown = thinned(losses.length, MAX_POINTS);
  const x = pick(steps, shown);
  const each: LineSeries = {
    name: "each step",
    x,
    y: pick(losses, shown),
    width: 1,
    color: withOpacity(COLORS[0], 0.35),
  };
  const mean: LineSeries = {
    name: `mean of the last ${window} steps`,
    x,
    y: pick(runningMean(losses, window), shown),
    color: COLORS[0],
  };
  return lineFigure(
    [each, mean, ...asList(reference).map((one, at) => referenceLine(one, x, at))],
    {
      xTitle: "training step",
      yTitle: "loss",
      yLog: spansDecades(losses),
      ...rest,
    },
  );
}

function defaultWindow(count: number): number {
  return Math.min(100, Math.max(5, Math.round(count / 40)));
}

/** Mean of the last `window` finite values up to each place; NaN where there is none. */
function runningMean(values: ArrayLike<number>, window: number): Float64Array {
  const means = new Float64Array(values.length);
  let sum = 0;
  let count = 0;
  const add = (at: number, sign: number): void => {
    const value = values[at];
    if (value === undefined || !Number.isFinite(value)) return;
    sum += sign * value;
    count += sign;
  };
  for (let i = 0; i < values.length; i++) {
    add(i, 1);
    add(i - window, -1);
    means[i] = count > 0 ? sum / count : NaN;
  }
  return means;
}

function referenceLine(reference: LossReference, x: number[], index: number): LineSeries {
  const { name, value, steps, losses } = reference;
  const style = { name, dash: "dash", color: COLORS[1 + (index % (COLORS.length - 1))] } as const;
  if (value !== undefined) {
    const ends = [x[0] ?? 0, x[x.length - 1] ?? 0];
    return { ...style, x: ends, y: [value, value] };
  }
  if (!steps || !losses) {
    throw new TypeError(`lossCurve(): the reference "${name}" needs a value, or steps and losses.`);
  }
  return { ...style, x: steps, y: losses };
}

function spansDecades(losses: ArrayLike<number>): boolean {
  let low = Infinity;
  let high = -Infinity;
  for (const loss of Array.from(losses)) {
    if (!Number.isFinite(loss)) continue;
    low = Math.min(low, loss);
    high = Math.max(high, loss);
  }
  return low > 0 && high > 10 * low;
}
