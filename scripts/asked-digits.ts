/**
 * Digits that were asked for, on the command line.
 */
import { classifierFreeGuidance, ResidualNet, type Score, type ScoreNet } from "../src";
import { notNegative } from "./options";

/** How they are asked for, in a command's usage. */
export const DIGITS_USAGE = `--digits DIGITS  which ones, in turn: 7, or 0123456789      (default any)
  --guidance X     how clearly they are to show, ≥ 0      (default 1: as they come)`;

/** Digits to draw in turn, and the guidance scale. */
export interface AskedDigits {
  readonly digits: readonly number[];
  readonly scale: number;
}

/**
 * @returns undefined where nothing is asked for
 * @throws RangeError where these are no digits, or no scale
 */
export function askedDigits(digits?: string, guidance?: string): AskedDigits | undefined {
  if (digits === undefined) {
    if (guidance === undefined) return undefined;
    throw new RangeError("--guidance is for digits that are asked for: give --digits, too.");
  }
  if (!/^\d+$/.test(digits)) {
    throw new RangeError(`--digits takes digits alone, such as 0123456789; got "${digits}".`);
  }
  const scale = guidance === undefined ? 1 : notNegative(guidance, "--guidance");
  return { digits: [...digits].map(Number), scale };
}

/** Which digit each of a batch is to show. */
export function digitsInTurn(digits: readonly number[], size: number): number[] {
  return Array.from({ length: size }, (_, i) => digits[i % digits.length] as number);
}

/**
 * The network's score of what was asked for, for a batch of any size.
 *
 * @param name what the network is called in an error
 * @throws RangeError where digits are asked of a network that does not know them
 */
export function scoreOfAsked(
  net: ScoreNet | ResidualNet,
  asked: AskedDigits | undefined,
  name: string,
): Score {
  if (!asked) return net.score;
  if (!(net instanceof ResidualNet && net.numClasses > 0)) {
    throw new RangeError(
      `${name} is a network that cannot be asked for digits. pretrained/residual-mnist.safetensors can.`,
    );
  }
  const { digits, scale } = asked;
  return (x, t) => {
    const labels = digitsInTurn(digits, x.shape[0] ?? 0);
    return classifierFreeGuidance({ net, labels, scale })(x, t);
  };
}
