/**
 * Shows figures and images under a cell.
 */
import {
  figureToPng,
  imageAnimation,
  imageGrid,
  type ImageAnimationOptions,
  type ImageGridOptions,
  type ImagePixels,
  type PlotlyFigure,
} from "../figures";
import { escapeHtml } from "./html";
import { atCellEnd, display, inNotebook, printLine, type Bundle } from "./display";

/** A tensor of images: [N, height, width], [N, height, width, 1] or [N, height, width, 3] in 0 … 1. */
export interface ImageTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  data(): Promise<ArrayLike<number>>;
}

/**
 * Shows an interactive figure, with a static picture of it for pages that run no scripts.
 *
 * Outside the notebook: one line with its title on stderr.
 */
export function show(figure: PlotlyFigure): Promise<void> {
  const shown = showFigure(figure);
  // Should the cell not await it, it is still shown under this cell and not under the next.
  atCellEnd(() => shown);
  return shown;
}

async function showFigure(figure: PlotlyFigure): Promise<void> {
  if (!inNotebook()) return printLine(`[${figureName(figure)}]`);
  display(await figureBundle(figure));
}

/** A figure in all the forms that a notebook keeps of it. */
export async function figureBundle(figure: PlotlyFigure): Promise<Bundle> {
  const interactive = {
    "application/vnd.plotly.v1+json": { ...figure, config: { displaylogo: false } },
  };
  try {
    return { ...interactive, ...(await pictureBundle(figure)) };
  } catch (error) {
    // A 3-D figure, for one, cannot be drawn without a browser; it is still worth showing.
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ...interactive,
      "text/plain": `[${figureName(figure)}; no static picture: ${reason}]`,
    };
  }
}

/**
 * Only the static picture, at one image pixel to a CSS pixel: JupyterLab shows it so, until the pointer
 * comes near and the interactive figure takes its place.
 */
export async function pictureBundle(figure: PlotlyFigure): Promise<Bundle> {
  const png = await figureToPng(figure, { scale: 1 });
  return { "image/png": png.toString("base64"), "text/plain": `[${figureName(figure)}]` };
}

/** "Figure: title", the title without its HTML tags. */
function figureName({ layout }: PlotlyFigure): string {
  const title = layout.title?.text?.replace(/<[^>]*>/g, "");
  return title ? `Figure: ${title}` : "Figure";
}

/**
 * Shows images side by side, with captions, labels and a title as `imageGrid` takes them. The tensor
 * stays its owner's.
 *
 * Outside the notebook: one line on stderr.
 *
 * @throws RangeError as imageGrid
 */
export async function showImages(
  images: ImageTensor | ImagePixels,
  options: ImageGridOptions = {},
): Promise<void> {
  const pixels = await toPixels(images);
  const png = imageGrid(pixels, options);
  const text = `[${imagesName([pixels], options.title)}]`;
  if (!inNotebook()) return printLine(text);
  display({ "image/png": png.toString("base64"), "text/plain": text });
}

/**
 * Shows the same images at several times as a film in a loop, as `imageAnimation` makes it. Pages that
 * cannot play it show the last frame.
 *
 * Outside the notebook: one line on stderr.
 *
 * @throws RangeError as imageAnimation
 */
export async function showAnimation(
  frames: readonly (ImageTensor | ImagePixels)[],
  options: ImageAnimationOptions = {},
): Promise<void> {
  const pixels = await Promise.all(frames.map(toPixels));
  const gif = imageAnimation(pixels, options);
  const text = `[${imagesName(pixels, options.title)}, ${pixels.length} frames]`;
  if (!inNotebook()) return printLine(text);
  const last = pixels.slice(-1).map((frame) => imageGrid(frame, options).toString("base64"));
  display({
    "text/html": `<img alt="${escapeHtml(text)}" src="data:image/gif;base64,${gif.toString("base64")}">`,
    "image/png": last[0],
    "text/plain": text,
  });
}

async function toPixels(images: ImageTensor | ImagePixels): Promise<ImagePixels> {
  const { shape } = images;
  return { shape, data: "dtype" in images ? await images.data() : images.data };
}

function imagesName(frames: readonly ImagePixels[], title?: string): string {
  const [count, height, width] = frames[0]?.shape ?? [];
  const size = `${count} images of ${height} × ${width} pixels`;
  return title === undefined ? size : `${title}: ${size}`;
}
