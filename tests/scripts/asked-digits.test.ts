/** Digits asked for on the command line. */
import { describe, expect, it } from "vitest";
import {
  classifierFreeGuidance,
  constantTime,
  exponentialSde,
  loadNetwork,
  loadResidualNet,
  Random,
  ResidualNet,
  tf,
} from "../../src";
import { askedDigits, digitsInTurn, scoreOfAsked } from "../../scripts/asked-digits";
import { take } from "../support/numbers";

describe("--digits and --guidance", () => {
  it("ask for digits in turn, as they come where no scale is given", () => {
    expect(askedDigits("70")).toEqual({ digits: [7, 0], scale: 1 });
    expect(askedDigits("3", "1.5")).toEqual({ digits: [3], scale: 1.5 });
    expect(askedDigits()).toBeUndefined();
    expect(digitsInTurn([7, 0], 5)).toEqual([7, 0, 7, 0, 7]);
  });

  it("refuse what is no digit and no scale, and a scale with nothing to go to", () => {
    for (const digits of ["", "seven", "1,2", "-1"]) {
      expect(() => askedDigits(digits), digits).toThrow(`--digits takes digits alone, such as`);
    }
    for (const scale of ["", "much", "-1", "Infinity"]) {
      expect(() => askedDigits("1", scale), scale).toThrow(/--guidance must be a number ≥ 0; got/);
    }
    expect(() => askedDigits(undefined, "2")).toThrow(/give --digits, too/);
  });

  it("are a matter of the network: its score of the class, for a batch of any size, or an error", async () => {
    const residual = await loadResidualNet("pretrained/residual-mnist.safetensors");
    const article = await loadNetwork("pretrained/scorenet-mnist.safetensors");
    const asked = askedDigits("47");
    const score = scoreOfAsked(residual, asked, "residual");
    for (const size of [1, 3]) {
      const x = new Random(1).normal([size, 28, 28, 1]);
      const t = constantTime(x, 0.5);
      const labels = [4, 7, 4].slice(0, size);
      expect(take(score(x, t))).toEqual(take(residual.scoreOf(labels)(x, t)));
      const guided = scoreOfAsked(residual, askedDigits("47", "2"), "residual");
      const expected = classifierFreeGuidance({ net: residual, labels, scale: 2 });
      expect(take(guided(x, t))).toEqual(take(expected(x, t)));
      tf.dispose([x, t]);
    }
    expect(scoreOfAsked(article, undefined, "article")).toBe(article.score);
    expect(() => scoreOfAsked(article, asked, "article")).toThrow(
      /article is a network that cannot/,
    );
    const without = new ResidualNet({ sde: exponentialSde(), classes: false });
    expect(() => scoreOfAsked(without, asked, "without")).toThrow(
      /without is a network that cannot/,
    );
    [residual, article, without].forEach((net) => net.dispose());
  });
});
