/** Reads pictures back, to look at their pixels. */
import { createCanvas, loadImage } from "canvas";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue at a place. */
  at(x: number, y: number): [number, number, number];
}

export async function decode(bytes: Buffer): Promise<Picture> {
  const image = await loadImage(bytes);
  const { width, height } = image;
  const context = createCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return {
    width,
    height,
    at(x, y) {
      const start = (y * width + x) * 4;
      return [data[start] ?? -1, data[start + 1] ?? -1, data[start + 2] ?? -1];
    },
  };
}

/** Fraction of the pixels in a rectangle that are not white. */
export function ink(picture: Picture, box: [number, number, number, number]): number {
  const [left, top, right, bottom] = box;
  let count = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (picture.at(x, y).some((channel) => channel < 250)) count++;
    }
  }
  return count / ((right - left) * (bottom - top));
}
