import { describe, expect, it } from "vitest";
import { imageAnimation, imageGrid } from "../../src/figures";
import { decode, ink } from "./decode";

/** Three images of 2 × 2 pixels: every value different. */
const three = {
  data: [0, 0.2, 0.4, 0.6, 0.8, 1, 0.12, 0.29, 0.52, 0.72, 0.93, 0.05],
  shape: [3, 2, 2, 1],
};

describe("imageGrid", () => {
  it("draws each pixel as a square of its grey, at its place", async () => {
    const picture = await decode(imageGrid(three, { columns: 2, scale: 5 }));
    // Margins of 8, images of 10, gaps of 4.
    expect([picture.width, picture.height]).toEqual([8 + 10 + 4 + 10 + 8, 40]);
    const origin = [
      [8, 8],
      [22, 8],
      [8, 22],
    ] as const;
    origin.forEach(([left, top], image) => {
      for (let y = 0; y < 10; y++) {
        for (let x = 0; x < 10; x++) {
          const value = three.data[image * 4 + Math.floor(y / 5) * 2 + Math.floor(x / 5)] ?? NaN;
          const grey = Math.round(255 * value);
          expect(picture.at(left + x, top + y)).toEqual([grey, grey, grey]);
        }
      }
    });
    expect(ink(picture, [0, 0, 40, 8])).toBe(0); // margin
    expect(ink(picture, [18, 0, 22, 40])).toBe(0); // gap
    expect(ink(picture, [22, 22, 40, 40])).toBe(0); // no fourth image
  });

  it("clips to 0 … 1", async () => {
    const picture = await decode(
      imageGrid({ data: [-3, 7, Infinity, -Infinity], shape: [4, 1, 1] }, { columns: 4, scale: 1 }),
    );
    expect([0, 1, 2, 3].map((at) => picture.at(8 + 5 * at, 8)[0])).toEqual([0, 255, 255, 0]);
  });

  it("draws three channels as red, green, blue", async () => {
    const picture = await decode(
      imageGrid({ data: [1, 0.4, 0], shape: [1, 1, 1, 3] }, { scale: 2 }),
    );
    expect(picture.at(9, 9)).toEqual([255, 102, 0]);
  });

  it("writes captions, labels and a title where they belong, and cuts none", async () => {
    const picture = await decode(
      imageGrid(three, {
        columns: 3,
        scale: 10,
        title: "A title that is longer than the images are wide",
        captions: ["a", "a long caption", "b"],
        rowLabels: ["row"],
        columnLabels: ["t = 1", "t = 0.5", "t = 0.001"],
      }),
    );
    const { width, height } = picture;
    expect(ink(picture, [0, 8, width, 30])).toBeGreaterThan(0.03);
    expect(ink(picture, [0, 36, width, 52])).toBeGreaterThan(0.03);
    expect(ink(picture, [8, 52, 34, 72])).toBeGreaterThan(0.03);
    expect(ink(picture, [0, height - 22, width, height - 8])).toBeGreaterThan(0.02);
    expect(ink(picture, [0, 0, width, 4]) + ink(picture, [width - 4, 0, width, height])).toBe(0);
  });

  it("names what does not fit", () => {
    const grid =
      (shape: number[], data: number[] = [0]) =>
      () =>
        imageGrid({ data, shape });
    expect(grid([28, 28])).toThrow("[N, height, width]");
    expect(grid([1, 1, 1, 2])).toThrow(RangeError);
    expect(grid([0, 28, 28])).toThrow(RangeError);
    expect(grid([2, 1, 1])).toThrow("takes 2 values; got 1");
    expect(grid([2, 1, 1], [0, NaN])).toThrow("image 1 holds a value that is not a number");
    expect(() => imageGrid(three, { scale: 1.5 })).toThrow("scale");
    expect(() => imageGrid(three, { columns: 0 })).toThrow("columns");
    expect(() => imageGrid(three, { captions: ["", "", "", ""] })).toThrow(
      "4 captions for 3 images",
    );
    expect(() => imageGrid(three, { columns: 3, rowLabels: ["a", "b"] })).toThrow("2 rowLabels");
  });
});

describe("imageAnimation", () => {
  it("is a GIF with a frame for each time, in a loop", () => {
    const gif = imageAnimation([three, three, three], { frameTitles: ["1", "0.5", "0"] });
    expect(gif.subarray(0, 6).toString()).toBe("GIF89a");
    expect(gif.includes("NETSCAPE2.0")).toBe(true);
    // One graphic control extension (0x21 0xF9 0x04) a frame.
    expect(gif.toString("latin1").split("\x21\xf9\x04").length - 1).toBe(3);
  });

  it("names what does not fit", () => {
    expect(() => imageAnimation([])).toThrow("frames is empty");
    const other = { data: [0], shape: [1, 1, 1] };
    expect(() => imageAnimation([three, other])).toThrow("frame 1 is 1 × 1 × 1, not 3 × 2 × 2 × 1");
  });
});
