/**
 * The one typeface of every picture, carried in npm: a machine with no fonts at all (a container, a
 * continuous-integration runner) draws the same text as a laptop does. DejaVu Sans also has the Greek
 * letters and the signs (∇, √, ∂, ‖) that the course's labels need.
 */
import { createRequire } from "node:module";

/** What to write as a CSS font family; the names after the first are for a reader's browser. */
export const FONT_FAMILY = "DejaVu Sans, Verdana, Arial, sans-serif";

/** The family's name as the font files themselves give it. */
export const FONT_NAME = "DejaVu Sans";

const FILES = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"];

/** Paths of the regular, bold, oblique and bold oblique TrueType files. */
export function fontFiles(): string[] {
  const { resolve } = createRequire(__filename);
  return FILES.map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
}

type CanvasPackage = typeof import("canvas");
let loaded: CanvasPackage | undefined;

/**
 * The `canvas` package with the typeface registered.
 *
 * Loaded on first use: it is native code, and most imports of the library draw nothing.
 */
export function canvasWithFonts(): CanvasPackage {
  if (loaded) return loaded;
  const canvas = createRequire(__filename)("canvas") as CanvasPackage;
  for (const file of fontFiles()) canvas.GlobalFonts.registerFromPath(file, FONT_NAME);
  return (loaded = canvas);
}
