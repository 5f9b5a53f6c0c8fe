import { ImageDataset, Random } from "../../src";

/** A few images of noise: enough for a loop, quick to train on. */
export function noiseImages(size: number, seed = 1): ImageDataset {
  const random = new Random(seed);
  const draw = random.uniform([size * 784], 0, 255);
  const pixels = Uint8Array.from(draw.dataSync());
  draw.dispose();
  return new ImageDataset({
    name: "noise",
    source: "test",
    height: 28,
    width: 28,
    pixels,
    labels: new Uint8Array(size),
  });
}
