/**
 * Markers that lie outside their plot, and so are cut off.
 */

/** Half of the largest marker, in pixels. */
const REACH = 50;

/** The size of each plot that something is cut to: `<clipPath id="…"><rect width="…" height="…"/>`. */
const CLIP = /<clipPath id="([^"]+)"[^>]*><rect width="([\d.]+)" height="([\d.]+)"/g;
/** What is cut to a plot, and a marker in it, in the order in which Plotly writes them. */
const CUT_OR_MARKER =
  /<g [^>]*clip-path="url\(#([^")]+)\)"[^>]*>|<path class="point" transform="translate\(([^,]+),([^)]+)\)"[^>]*\/>/g;

/**
 * The same picture without those markers. resvg ends the whole process where it should paint a half-transparent
 * cloud of points that reaches far beyond the canvas.
 */
export function withoutUnseenMarkers(svg: string): string {
  const sizes = new Map<string, [width: number, height: number]>();
  for (const [, id = "", width, height] of svg.matchAll(CLIP)) {
    sizes.set(id, [Number(width), Number(height)]);
  }
  let [width, height] = [Infinity, Infinity];
  return svg.replace(CUT_OR_MARKER, (tag: string, clip?: string, x?: string, y?: string) => {
    if (clip !== undefined) {
      [width, height] = sizes.get(clip) ?? [Infinity, Infinity];
      return tag;
    }
    return isNear(Number(x), width) && isNear(Number(y), height) ? tag : "";
  });
}

function isNear(at: number, length: number): boolean {
  return at >= -REACH && at <= length + REACH;
}
