/**
 * Sheets of small images, such as digits, drawn so that each of their pixels can be seen.
 */
import type { Canvas, SKRSContext2D } from "canvas";
import { canvasWithFonts, FONT_NAME } from "./fonts";

/** Images as numbers: 0 is black, 1 is white (or full red, green, blue). */
export interface ImagePixels {
  /** All values, the last axis changing fastest. Values outside 0 … 1 are clipped. */
  data: ArrayLike<number>;
  /** [N, height, width], [N, height, width, 1] or [N, height, width, 3]. */
  shape: readonly number[];
}

export interface ImageGridOptions {
  /** Images in a row; about as many as there are rows, unless said. */
  columns?: number;
  /** Side of an image's pixel on the sheet, a whole number; 3 unless said. */
  scale?: number;
  /** A line of text under each image. */
  captions?: readonly string[];
  /** A label at the left of each row. */
  rowLabels?: readonly string[];
  /** A label above each column. */
  columnLabels?: readonly string[];
  title?: string;
}

/**
 * Draws images side by side, row after row, to a PNG file's bytes. Pixels become sharp squares.
 *
 * A film strip is a grid whose rows are samples and whose columns are times:
 * `imageGrid(pixels, { columns: times.length, columnLabels: times.map((t) => "t = " + t) })`.
 *
 * @throws RangeError for a shape that is not one of images, data that does not fill it, a value that
 *   is not a number, or more labels than there are places
 */
export function imageGrid(images: ImagePixels, options: ImageGridOptions = {}): Buffer {
  return drawSheet("imageGrid()", images, options).toBuffer("image/png");
}

export interface ImageAnimationOptions extends ImageGridOptions {
  /** A title for each frame; takes the place of `title`. */
  frameTitles?: readonly string[];
  /** How long a frame stays, in milliseconds; 100 unless said. */
  delay?: number;
  /** How long the last frame stays before the film starts again; 2,000 unless said. */
  lastDelay?: number;
}

/**
 * The same sheet of images at several times as a GIF file's bytes, played in a loop.
 *
 * @param frames the images at each time, all of one shape
 * @throws RangeError for no frames, frames of different shapes, and as imageGrid
 */
export function imageAnimation(
  frames: readonly ImagePixels[],
  options: ImageAnimationOptions = {},
): Buffer {
  const where = "imageAnimation()";
  const { frameTitles, delay = 100, lastDelay = 2000, ...sheet } = options;
  const shape = frames[0]?.shape.join(" × ");
  const sheets = frames.map((frame, at) => {
    if (frame.shape.join(" × ") !== shape) {
      throw new RangeError(`${where}: frame ${at} is ${frame.shape.join(" × ")}, not ${shape}.`);
    }
    return drawSheet(where, frame, frameTitles ? { ...sheet, title: frameTitles[at] } : sheet);
  });
  const width = Math.max(...sheets.map((canvas) => canvas.width));
  const height = Math.max(...sheets.map((canvas) => canvas.height));
  if (sheets.length === 0) throw new RangeError(`${where}: frames is empty; nothing to draw.`);
  const { GifEncoder } = canvasWithFonts();
  const encoder = new GifEncoder(width, height, { repeat: 0 });
  sheets.forEach((canvas, at) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const last = at === sheets.length - 1;
    encoder.addFrame(new Uint8Array(data.buffer), width, height, {
      delay: last ? lastDelay : delay,
    });
  });
  return encoder.finish();
}

// --- layout ------------------------------------------------------------------------------------

const GAP = 4;
const MARGIN = 8;
const TITLE = { font: `15px "${FONT_NAME}"`, height: 26 };
const LABEL = { font: `12px "${FONT_NAME}"`, height: 18 };
const CAPTION = { font: `11px "${FONT_NAME}"`, height: 16 };
const INK = "#222222";

/** Where everything of a sheet lies, in its pixels. */
interface SheetLayout {
  readonly width: number;
  readonly height: number;
  /** Left edge of each column's cells and top edge of each row's, images and captions. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly left: number;
  readonly top: number;
}

function drawSheet(where: string, images: ImagePixels, options: ImageGridOptions): Canvas {
  const checked = checkImages(where, images);
  const { count, height, width } = checked;
  const { scale = 3, columns = Math.ceil(Math.sqrt(count)), captions, title } = options;
  requireWhole(where, "scale", scale);
  requireWhole(where, "columns", columns);
  const rows = Math.ceil(count / columns);
  const { rowLabels, columnLabels } = options;
  requireAtMost(where, "captions", captions, count, "images");
  requireAtMost(where, "rowLabels", rowLabels, rows, "rows");
  requireAtMost(where, "columnLabels", columnLabels, columns, "columns");

  const { createCanvas } = canvasWithFonts();
  const measure = createCanvas(1, 1).getContext("2d");
  const layout = sheetLayout(measure, options, [width * scale, height * scale], [columns, rows]);
  const canvas = createCanvas(layout.width, layout.height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, layout.width, layout.height);

  const { left, top, cellWidth, cellHeight } = layout;
  if (title !== undefined) write(context, TITLE.font, title, MARGIN, MARGIN + 14, "left");
  columnLabels?.forEach((label, column) => {
    const x = left + column * (cellWidth + GAP) + cellWidth / 2;
    write(context, LABEL.font, label, x, top - 6, "center");
  });
  rowLabels?.forEach((label, row) => {
    const y = top + row * (cellHeight + GAP) + (height * scale) / 2 + 4;
    write(context, LABEL.font, label, left - 8, y, "right");
  });
  for (let i = 0; i < count; i++) {
    const x = left + (i % columns) * (cellWidth + GAP) + (cellWidth - width * scale) / 2;
    const y = top + Math.floor(i / columns) * (cellHeight + GAP);
    drawImage(context, checked, i, Math.floor(x), y, scale);
    const caption = captions?.[i];
    if (caption === undefined) continue;
    const baseline = y + height * scale + 12;
    write(context, CAPTION.font, caption, Math.floor(x) + (width * scale) / 2, baseline, "center");
  }
  return canvas;
}

/** Makes cells wide enough for the longest caption or column label: no text is cut. */
function sheetLayout(
  context: SKRSContext2D,
  { captions, rowLabels, columnLabels, title }: ImageGridOptions,
  [imageWidth, imageHeight]: readonly [number, number],
  [columns, rows]: readonly [number, number],
): SheetLayout {
  const cellWidth = Math.max(
    imageWidth,
    widest(context, CAPTION.font, captions),
    widest(context, LABEL.font, columnLabels),
  );
  const cellHeight = imageHeight + (captions ? CAPTION.height : 0);
  const left = MARGIN + (rowLabels ? widest(context, LABEL.font, rowLabels) + 8 : 0);
  const top = MARGIN + (title === undefined ? 0 : TITLE.height) + (columnLabels ? LABEL.height : 0);
  const gridWidth = columns * (cellWidth + GAP) - GAP;
  const titleWidth = title === undefined ? 0 : widest(context, TITLE.font, [title]);
  return {
    width: Math.max(left + gridWidth, MARGIN + titleWidth) + MARGIN,
    height: top + rows * (cellHeight + GAP) - GAP + MARGIN,
    cellWidth,
    cellHeight,
    left,
    top,
  };
}

function widest(context: SKRSContext2D, font: string, texts: readonly string[] = []): number {
  context.font = font;
  return Math.ceil(Math.max(0, ...texts.map((text) => context.measureText(text).width)));
}

function write(
  context: SKRSContext2D,
  font: string,
  text: string,
  x: number,
  y: number,
  align: "left" | "center" | "right",
): void {
  context.font = font;
  context.fillStyle = INK;
  context.textAlign = align;
  context.fillText(text, x, y);
}

// --- pixels ------------------------------------------------------------------------------------

interface CheckedImages {
  readonly data: ArrayLike<number>;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

function checkImages(where: string, { data, shape }: ImagePixels): CheckedImages {
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  const whole = shape.every((size) => Number.isInteger(size) && size > 0);
  if (shape.length < 3 || shape.length > 4 || !whole || (channels !== 1 && channels !== 3)) {
    throw new RangeError(
      `${where}: images have the shape [N, height, width], [N, height, width, 1] or ` +
        `[N, height, width, 3]; got [${shape.join(", ")}].`,
    );
  }
  const expected = count * height * width * channels;
  if (data.length !== expected) {
    throw new RangeError(
      `${where}: the shape [${shape.join(", ")}] takes ${expected} values; got ${data.length}.`,
    );
  }
  for (let i = 0; i < expected; i++) {
    if (Number.isNaN(data[i])) {
      const image = Math.floor(i / (height * width * channels));
      throw new RangeError(`${where}: image ${image} holds a value that is not a number (NaN).`);
    }
  }
  return { data, count, height, width, channels };
}

function drawImage(
  context: SKRSContext2D,
  { data, height, width, channels }: CheckedImages,
  index: number,
  left: number,
  top: number,
  scale: number,
): void {
  const size = width * scale;
  const pixels = context.createImageData(size, height * scale);
  const start = index * height * width * channels;
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < size; x++) {
      const from = start + (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
      const to = (y * size + x) * 4;
      for (let c = 0; c < 3; c++) {
        // A Uint8ClampedArray rounds and clips.
        pixels.data[to + c] = 255 * (data[from + (channels === 3 ? c : 0)] ?? 0);
      }
      pixels.data[to + 3] = 255;
    }
  }
  context.putImageData(pixels, left, top);
}

function requireWhole(where: string, name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${where}: ${name} must be a whole number of at least 1; got ${value}.`);
  }
}

function requireAtMost(
  where: string,
  name: string,
  list: readonly string[] | undefined,
  places: number,
  of: string,
): void {
  if (list && list.length > places) {
    throw new RangeError(`${where}: ${list.length} ${name} for ${places} ${of}.`);
  }
}
