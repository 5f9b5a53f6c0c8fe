/**
 * Regular grids of the plane, on which a density or a score is evaluated to be drawn.
 */
import { requireFinite } from "./numbers";

/** Values on a regular grid: `z[row][column]` is the value at (x[column], y[row]). */
export interface Grid {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  z: ArrayLike<ArrayLike<number>>;
}

/** The places of a grid, row after row, as the [N, 2] points that a score function takes. */
export interface GridPoints {
  readonly x: number[];
  readonly y: number[];
  /** [x.length · y.length][2], x changing fastest. */
  readonly points: [number, number][];
  /** Puts N values, in the order of `points`, back into the grid. @throws RangeError for other N */
  toGrid(values: ArrayLike<number>): Grid;
}

/**
 * `size` × `size` points that cover a rectangle, edges included.
 *
 * @param xRange smallest and largest x
 * @param yRange the same of y; as x where missing
 * @throws RangeError for a size below 2 or a range that is not finite and increasing
 */
export function gridPoints(
  xRange: readonly [number, number],
  yRange: readonly [number, number] = xRange,
  size = 25,
): GridPoints {
  const x = evenly("xRange", xRange, size);
  const y = evenly("yRange", yRange, size);
  const points = y.flatMap((yAt) => x.map((xAt): [number, number] => [xAt, yAt]));
  return {
    x,
    y,
    points,
    toGrid(values) {
      if (values.length !== points.length) {
        throw new RangeError(
          `toGrid(): the grid has ${points.length} points, but ${values.length} values came.`,
        );
      }
      const flat = Array.from(values);
      return { x, y, z: y.map((_, row) => flat.slice(row * x.length, (row + 1) * x.length)) };
    },
  };
}

function evenly(name: string, [low, high]: readonly [number, number], size: number): number[] {
  if (!Number.isInteger(size) || size < 2) {
    throw new RangeError(`gridPoints(): size must be a whole number of at least 2; got ${size}.`);
  }
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
    throw new RangeError(`gridPoints(): ${name} must increase; got [${low}, ${high}].`);
  }
  return Array.from({ length: size }, (_, i) => low + ((high - low) * i) / (size - 1));
}

/** @throws RangeError unless z has a row for each y, and each row a finite value for each x */
export function requireGrid(where: string, { x, y, z }: Grid): void {
  if (z.length !== y.length || z.length === 0) {
    throw new RangeError(`${where}: z has ${z.length} rows, but there are ${y.length} y values.`);
  }
  Array.from(z).forEach((row, at) => {
    if (row.length !== x.length || row.length === 0) {
      throw new RangeError(
        `${where}: row ${at} of z has ${row.length} values, but there are ${x.length} x values.`,
      );
    }
    requireFinite(where, `z[${at}]`, row);
  });
}
