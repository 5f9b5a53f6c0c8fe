export type { PlotlyFigure } from "./plotly-figure";
export { COLORS, type FigureOptions } from "./style";
export { lineFigure, sweepFigure, type LineSeries } from "./lines";
export { lossCurve, type LossCurveOptions, type LossReference } from "./loss-curve";
export { pathsFigure, type Paths, type PathsOptions } from "./paths";
export { gridPoints, type Grid, type GridPoints } from "./grid";
export {
  scatterFigure,
  vectorFieldFigure,
  type PlaneOptions,
  type ScatterSeries,
  type VectorField,
  type VectorFieldOptions,
} from "./plane";
export { histogramFigure, type HistogramOptions, type HistogramSeries } from "./histogram";
export { heatmapFigure, type HeatmapOptions } from "./heatmap";
export { barFigure, type BarSeries } from "./bars";
export { panels, type PanelsOptions } from "./panels";
export { figureToPng, validateFigure, type PngOptions } from "./static";
export {
  imageAnimation,
  imageGrid,
  type ImageAnimationOptions,
  type ImageGridOptions,
  type ImagePixels,
} from "./image-grid";
export { trainingCurvesFigure, type EpochLoss, type TrainingCurve } from "./training-curves";
