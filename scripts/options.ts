/**
 * What the command line gives, checked.
 */

/** @throws RangeError unless `text` is a whole number ≥ `min` */
export function wholeNumber(text: string, name: string, min: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name} must be a whole number ≥ ${min}; got "${text}".`);
  }
  return value;
}

/** @throws RangeError unless `text` is a number > 0 */
export function positive(text: string, name: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new RangeError(`${name} must be a number > 0; got "${text}".`);
  }
  return value;
}

/** @throws RangeError unless `text` is a number ≥ 0 */
export function notNegative(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0) || !Number.isFinite(value)) {
    throw new RangeError(`${name} must be a number ≥ 0; got "${text}".`);
  }
  return value;
}

/** @throws RangeError unless `text` is a number */
export function finite(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new RangeError(`${name} must be a number; got "${text}".`);
  }
  return value;
}

/** @throws RangeError unless `text` is a number in (0, 1) */
export function inUnit(text: string, name: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) {
    throw new RangeError(`${name} must be a number in (0, 1); got "${text}".`);
  }
  return value;
}

/** @throws RangeError unless `name` is one of the choices */
export function choice<T>(choices: Readonly<Record<string, T>>, name: string, option: string): T {
  const chosen = Object.hasOwn(choices, name) ? choices[name] : undefined;
  if (chosen === undefined) {
    throw new RangeError(`${option} is ${Object.keys(choices).join(" | ")}; got "${name}".`);
  }
  return chosen;
}
