/**
 * A part of a dataset that stands for the whole.
 */
import { Random } from "../engine";

/**
 * `count` of the numbers 0 … size − 1, drawn at random without repetition: the same in each call.
 *
 * Not the first ones, nor every n-th: MNIST's files are no random order. Its test images begin with the 5,000
 * easier ones, and in its training images two groups of writers take turns, so that those of even index are
 * thinner than those of odd. 10,000 training images have a Fréchet distance of 13 to all 60,000 where every
 * sixth is taken, and of 0.4 where they are drawn at random.
 *
 * @returns all of the numbers, in order, where there are no more than `count`
 * @throws RangeError unless both are whole numbers ≥ 0
 */
export function randomSubset(size: number, count: number, seed = 0): Uint32Array {
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`count must be a whole number ≥ 0; got ${count}.`);
  }
  const order = new Random(seed).permutation(size);
  return count < size ? order.slice(0, count) : order.sort();
}
