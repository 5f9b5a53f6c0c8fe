/**
 * Checks and small arithmetic that the figures share.
 */

/**
 * Numbers as a figure keeps them: six significant digits, since a picture shows three and a
 * notebook's file keeps every digit; `null`, which Plotly leaves out, for what is not finite.
 */
export function compact(values: ArrayLike<number>): (number | null)[] {
  return Array.from(values, (value) => (Number.isFinite(value) ? rounded(value) : null));
}

export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** @throws RangeError unless every list has as many entries as the first, and at least one */
export function requireSameLength(where: string, lists: Record<string, ArrayLike<unknown>>): void {
  const entries = Object.entries(lists);
  const [first] = entries;
  if (!first) return;
  if (first[1].length === 0) throw new RangeError(`${where}: ${first[0]} is empty.`);
  for (const [name, list] of entries) {
    if (list.length !== first[1].length) {
      throw new RangeError(
        `${where}: ${first[0]} has ${first[1].length} entries, but ${name} has ${list.length}.`,
      );
    }
  }
}

/** @throws RangeError for a list with a value that is not finite */
export function requireFinite(where: string, name: string, values: ArrayLike<number>): void {
  const at = Array.from(values).findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new RangeError(`${where}: ${name}[${at}] is ${values[at]}; a finite number is needed.`);
  }
}

/** @throws RangeError for an empty list of series */
export function requireSome(where: string, name: string, list: ArrayLike<unknown>): void {
  if (list.length === 0) throw new RangeError(`${where}: ${name} is empty; nothing to draw.`);
}

/** Points of the plane as two columns. @throws RangeError for a point that is not [x, y] */
export function columns(
  where: string,
  points: ArrayLike<ArrayLike<number>>,
): { x: number[]; y: number[] } {
  const x: number[] = [];
  const y: number[] = [];
  Array.from(points).forEach((point, at) => {
    if (point.length !== 2) {
      throw new RangeError(`${where}: point ${at} has ${point.length} coordinates instead of 2.`);
    }
    x.push(point[0] ?? NaN);
    y.push(point[1] ?? NaN);
  });
  return { x, y };
}

/** At most `max` indices out of 0 … length − 1, evenly spread, the first and the last among them. */
export function thinned(length: number, max: number): number[] {
  if (length <= max) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: max }, (_, i) => Math.round((i * (length - 1)) / (max - 1)));
}

export function pick(values: ArrayLike<number>, indices: readonly number[]): number[] {
  return indices.map((i) => values[i] ?? NaN);
}

/** A list as it is; anything else as a list of one. */
export function asList<T extends object>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** Whether a legend has anything to say. */
export function anyNamed(series: readonly { name?: string }[]): boolean {
  return series.some(({ name }) => name !== undefined);
}
