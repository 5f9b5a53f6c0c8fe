export { show, showAnimation, showImages, type ImageTensor } from "./show";
export { showTable, type TableOptions, type TableRow } from "./table";
export {
  liveFigure,
  type FigureSource,
  type LiveFigure,
  type LiveFigureOptions,
} from "./live-figure";
export { progress, type ProgressOptions } from "./progress";
