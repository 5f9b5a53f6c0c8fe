/**
 * The training loss, measured where nothing was trained.
 */
import type { ImageDataset } from "../data";
import { Random, tf } from "../engine";
import { denoisingLoss } from "../losses";
import type { Score, Sde } from "../sde";

/** The article's smallest t. */
const EPS = 1e-5;
/** Images at a time. It also decides which image gets which t and z, and so is no option. */
const CHUNK = 500;

/**
 * The denoising loss by the article's definition, λ = std² and t uniform on (1e-5, 1), as a mean over a
 * dataset: eq. (5). Every call draws the same t and z, one for each image, so that two networks (or one
 * network at two epochs) are compared on the same task.
 *
 * As an estimate of the expectation over t and z it has a standard error of 1 % on 10,000 digits: with the
 * shipped network a single loss has mean 17 and standard deviation 19.
 *
 * @param model a ScoreNet, or any other score with its SDE
 * @throws RangeError for an empty dataset
 */
export function testLoss(model: { sde: Sde; score: Score }, data: ImageDataset): number {
  const { sde, score } = model;
  if (data.size === 0) throw new RangeError(`${data.name} has no images to measure a loss on.`);
  const random = new Random(0);
  let sum = 0;
  for (let start = 0; start < data.size; start += CHUNK) {
    const chunk = data.slice(start, Math.min(start + CHUNK, data.size));
    sum += tf.tidy(() => {
      const x0 = chunk.images();
      const t = random.uniform([chunk.size], EPS, 1);
      const z = random.normal([...x0.shape]);
      const loss = denoisingLoss({ sde, score, x0, t, z });
      return (loss.dataSync()[0] ?? NaN) * chunk.size;
    });
  }
  return sum / data.size;
}
