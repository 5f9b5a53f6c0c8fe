/**
 * The rest of an image from a part of it.
 */
import { tf } from "../engine";
import { perExample, requireBatch, requireTimes, type Score, type Sde } from "../sde";

/** What is known of the images. */
export interface ImputationOptions {
  sde: Sde;
  /** The score of all images. */
  score: Score;
  /** Images whose known pixels are right, `[B, …D]`; the others do not matter. It stays the caller's. */
  known: tf.Tensor;
  /** 1 where a pixel is known, 0 elsewhere; of the shape of `known`, or of one example of it, `[1, …D]`. */
  mask: tf.Tensor;
}

/**
 * The score of images of which some pixels are known (Song et al. 2021, appendix I.2; notebook 10, G3 and G4).
 *
 * Of a known pixel y we know how it looks at every time: N(α(t) y, std(t)²), so its score is exact,
 * (α y − x) / std². It draws the pixel along until, at t = 0, it is y. The network sees the known pixels,
 * with just the noise of time t on them, and gives the score of the others. (The paper draws the known pixels
 * anew at each step instead; so written, it is a score like any other and any sampler takes it.)
 *
 * It is an approximation, as in the paper: the unknown pixels are drawn given the *noisy* known ones.
 *
 * @throws RangeError where the shapes do not fit, or the mask holds other numbers than 0 and 1; of the score: for
 * images of another shape than `known`
 */
export function imputationScore({ sde, score, known, mask }: ImputationOptions): Score {
  requireMask(mask, known);
  return (x, t) => {
    requireTimes(t, { excludeZero: true });
    requireBatch(x, t);
    requireShape(x, known);
    return tf.tidy(() => {
      const { mean, std } = sde.marginal(known, t);
      const exact = mean.sub(x).div(perExample(std.square(), x));
      return tf.where(everywhere(mask, known), exact, score(x, t));
    });
  };
}

/**
 * The known pixels put into images: what a sampler left of a rounding error, or of the noise of its last step,
 * is gone.
 *
 * @returns of the shape of `known`, owned by the caller
 * @throws RangeError where the shapes do not fit, or the mask holds other numbers than 0 and 1
 */
export function impute(
  x: tf.Tensor,
  { known, mask }: Pick<ImputationOptions, "known" | "mask">,
): tf.Tensor {
  requireMask(mask, known);
  requireShape(x, known);
  return tf.tidy(() => tf.where(everywhere(mask, known), known.cast("float32"), x));
}

/** The mask as yes and no, for each number of `known`. */
function everywhere(mask: tf.Tensor, known: tf.Tensor): tf.Tensor {
  return mask.cast("bool").broadcastTo(known.shape);
}

function requireShape(x: tf.Tensor, known: tf.Tensor): void {
  if (String(x.shape) === String(known.shape)) return;
  throw new RangeError(
    `x must have the shape of known, [${known.shape.join(", ")}]; got [${x.shape.join(", ")}].`,
  );
}

function requireMask(mask: tf.Tensor, known: tf.Tensor): void {
  const [examples, ...rest] = mask.shape;
  const fits =
    String(rest) === String(known.shape.slice(1)) && [1, known.shape[0]].includes(examples);
  if (!fits) {
    throw new RangeError(
      `mask must have the shape of known, [${known.shape.join(", ")}], or of one example of it; got ` +
        `[${mask.shape.join(", ")}].`,
    );
  }
  const other = mask.dataSync().find((value) => value !== 0 && value !== 1);
  if (other !== undefined) {
    throw new RangeError(`mask must hold 0 (unknown) and 1 (known) alone; it holds ${other}.`);
  }
}
