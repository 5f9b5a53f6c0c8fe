/**
 * Training runs side by side.
 */
import { lineFigure, type LineSeries } from "./lines";
import type { PlotlyFigure } from "./plotly-figure";
import { COLORS, type FigureOptions } from "./style";

/** The losses of a run by epoch. Plain data, as `docs/data/loss-curves.json` holds it. */
export interface TrainingCurve {
  readonly name: string;
  /** How it was made. */
  readonly how: string;
  /** Made elsewhere, to compare with: drawn dashed. */
  readonly reference?: boolean;
  /** Mean training loss of each epoch; where it was measured, the loss on images not trained on. */
  readonly epochs: readonly EpochLoss[];
  /** The first steps more finely: mean loss of the steps up to each. */
  readonly firstSteps?: readonly { readonly step: number; readonly loss: number }[];
}

/** One epoch of a run. */
export interface EpochLoss {
  /** Counted from 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly testLoss?: number;
}

/**
 * Mean training loss of each epoch over the epochs trained, both logarithmic. An epoch's mean stands for its
 * middle.
 *
 * @throws RangeError for no curves, or one without epochs
 */
export function trainingCurvesFigure(
  curves: readonly TrainingCurve[],
  options: FigureOptions & { extra?: readonly LineSeries[] } = {},
): PlotlyFigure {
  const { extra = [], ...rest } = options;
  const lines = curves.map(({ name, epochs, reference }, i): LineSeries => ({
    name,
    x: epochs.map(({ epoch }) => epoch - 0.5),
    y: epochs.map(({ loss }) => loss),
    dash: reference ? "dash" : "solid",
    color: COLORS[i % COLORS.length],
  }));
  return lineFigure([...lines, ...extra], {
    xTitle: "epochs of 60,000 images",
    yTitle: "training loss",
    xLog: true,
    yLog: true,
    ...rest,
  });
}
