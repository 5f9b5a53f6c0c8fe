/**
 * Sizes of SVG elements, which Plotly asks the browser for and jsdom does not know: it lays nothing
 * out. Without them every label has size 0, and margins, legends and titles land on top of each other.
 *
 * Only what Plotly lays out is measured: text (with its <tspan> lines, sub- and superscripts), the
 * simple shapes, and groups of those. Everything else counts as empty.
 */
import { FONT_NAME, canvasWithFonts } from "../fonts";

/** The part of an SVG DOM element that measuring needs. */
export interface SvgNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: ArrayLike<SvgNode>;
  readonly parentNode: SvgNode | null;
  readonly style?: { getPropertyValue(name: string): string };
  getAttribute(name: string): string | null;
}

/** An axis-parallel rectangle in pixels; y grows downwards. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** [a, b, c, d, e, f] as in SVG: x' = a x + c y + e, y' = b x + d y + f. */
type Matrix = readonly [number, number, number, number, number, number];

const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];
const TEXT_NODE = 3;

/** The box around an element in its own coordinates (its `transform` not applied): `getBBox`. */
export function boundingBox(element: SvgNode): Box | undefined {
  return contentBox(element, IDENTITY);
}

/** The box around an element on the page, all transforms applied: `getBoundingClientRect`. */
export function clientBox(element: SvgNode): Box | undefined {
  let matrix = transformOf(element);
  for (let node = element.parentNode; node; node = node.parentNode) {
    if (node.nodeType === 1) matrix = multiply(transformOf(node), matrix);
  }
  return contentBox(element, matrix);
}

/** Width in pixels of an element's text, set in the font that its styles name. */
export function textWidth(element: SvgNode): number {
  const box = textBox(element);
  return box ? box.right - box.left : 0;
}

function contentBox(element: SvgNode, matrix: Matrix): Box | undefined {
  switch (element.nodeName.toLowerCase()) {
    case "text":
      return transformed(textBox(element), matrix);
    case "rect":
    case "image":
      return transformed(rectBox(element), matrix);
    case "path":
      return transformed(pathBox(element), matrix);
    case "g":
    case "a":
    case "svg":
      return childElements(element)
        .map((child) => contentBox(child, multiply(matrix, transformOf(child))))
        .reduce(union, undefined as Box | undefined);
    default:
      return undefined;
  }
}

// --- text --------------------------------------------------------------------------------------

interface Font {
  readonly size: number;
  readonly weight: string;
  readonly style: string;
}

/**
 * Plotly writes one <text>; where the text has several lines, each is a <tspan class="line" dy="…em">.
 * A sub- or superscript is a smaller <tspan> within the line.
 */
function textBox(text: SvgNode): Box | undefined {
  if (!text.textContent?.trim()) return undefined;
  const font = fontOf(text);
  const lines = childElements(text).filter((child) => child.getAttribute("class") === "line");
  const widths = lines.length > 0 ? lines.map((line) => runWidth(line)) : [runWidth(text)];
  const width = Math.max(...widths);
  const x = number(text.getAttribute("x"));
  const baseline = number(text.getAttribute("y"));
  const anchor = property(text, "text-anchor");
  const left = anchor === "middle" ? x - width / 2 : anchor === "end" ? x - width : x;
  const last = lines[lines.length - 1];
  const descend = last ? emLength(last.getAttribute("dy"), font.size) : 0;
  // Ascent and descent of DejaVu Sans, in units of the font size.
  return {
    left,
    right: left + width,
    top: baseline - 0.93 * font.size,
    bottom: baseline + descend + 0.24 * font.size,
  };
}

/** Width of a piece of text whose parts may have fonts of their own. */
function runWidth(node: SvgNode): number {
  let width = 0;
  for (const child of Array.from(node.childNodes)) {
    if (child.nodeType === TEXT_NODE) width += stringWidth(child.textContent ?? "", fontOf(node));
    else width += runWidth(child);
  }
  return width;
}

let context: ReturnType<typeof createContext> | undefined;

function createContext() {
  return canvasWithFonts().createCanvas(1, 1).getContext("2d");
}

function stringWidth(text: string, { style, weight, size }: Font): number {
  context ??= createContext();
  context.font = `${style} ${weight} ${size}px "${FONT_NAME}"`;
  return context.measureText(text).width;
}

/** Plotly sets a font on the <text>, and on each <tspan> that differs; sizes may be in percent. */
function fontOf(node: SvgNode): Font {
  const size = property(node, "font-size");
  const inherited = (): number => {
    const parent = node.parentNode;
    return parent && parent.nodeType === 1 ? fontOf(parent).size : 12;
  };
  return {
    size: size.endsWith("%")
      ? (inherited() * number(size)) / 100
      : size
        ? number(size)
        : inherited(),
    weight: inheritedProperty(node, "font-weight") || "normal",
    style: inheritedProperty(node, "font-style") || "normal",
  };
}

function inheritedProperty(node: SvgNode, name: string): string {
  for (let at: SvgNode | null = node; at && at.nodeType === 1; at = at.parentNode) {
    const value = property(at, name);
    if (value) return value;
  }
  return "";
}

function property(node: SvgNode, name: string): string {
  return node.style?.getPropertyValue(name) || node.getAttribute(name) || "";
}

function emLength(value: string | null, fontSize: number): number {
  return value?.endsWith("em") ? number(value) * fontSize : number(value);
}

// --- shapes ------------------------------------------------------------------------------------

function rectBox(node: SvgNode): Box {
  const left = number(node.getAttribute("x"));
  const top = number(node.getAttribute("y"));
  return {
    left,
    top,
    right: left + number(node.getAttribute("width")),
    bottom: top + number(node.getAttribute("height")),
  };
}

/** The box of a path's end points: exact for the straight ticks and symbols that Plotly measures. */
function pathBox(node: SvgNode): Box | undefined {
  let [x, y] = [0, 0];
  const points: { x: number; y: number }[] = [];
  const commands = (node.getAttribute("d") ?? "").match(/[a-z][^a-z]*/gi) ?? [];
  for (const command of commands) {
    const letter = command.charAt(0);
    const relative = letter === letter.toLowerCase();
    const values = (command.slice(1).match(/-?\d*\.?\d+(e[-+]?\d+)?/gi) ?? []).map(Number);
    const [last = 0] = values.slice(-1);
    const [beforeLast = 0] = values.slice(-2);
    switch (letter.toLowerCase()) {
      case "z":
        continue;
      case "h":
        x = relative ? x + last : last;
        break;
      case "v":
        y = relative ? y + last : last;
        break;
      default:
        x = relative ? x + beforeLast : beforeLast;
        y = relative ? y + last : last;
    }
    points.push({ x, y });
  }
  return around(points);
}

// --- geometry ----------------------------------------------------------------------------------

function transformOf(node: SvgNode): Matrix {
  let matrix = IDENTITY;
  const calls = (node.getAttribute("transform") ?? "").matchAll(/(\w+)\(([^)]*)\)/g);
  for (const [, name = "", list = ""] of calls) {
    const values = list.split(/[\s,]+/).map(Number);
    matrix = multiply(matrix, elementary(name, values));
  }
  return matrix;
}

function elementary(name: string, [p = 0, q, r = 0]: number[]): Matrix {
  switch (name) {
    case "translate":
      return [1, 0, 0, 1, p, q ?? 0];
    case "scale":
      return [p, 0, 0, q ?? p, 0, 0];
    case "rotate": {
      const [cos, sin] = [Math.cos((p * Math.PI) / 180), Math.sin((p * Math.PI) / 180)];
      const [x, y] = [q ?? 0, r];
      return [cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y];
    }
    default:
      return IDENTITY;
  }
}

function multiply(m: Matrix, n: Matrix): Matrix {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}

function transformed(box: Box | undefined, [a, b, c, d, e, f]: Matrix): Box | undefined {
  if (!box) return undefined;
  const corners = [
    [box.left, box.top],
    [box.right, box.top],
    [box.left, box.bottom],
    [box.right, box.bottom],
  ] as const;
  return around(corners.map(([x, y]) => ({ x: a * x + c * y + e, y: b * x + d * y + f })));
}

function around(points: readonly { x: number; y: number }[]): Box | undefined {
  return points
    .map(({ x, y }): Box => ({ left: x, right: x, top: y, bottom: y }))
    .reduce(union, undefined as Box | undefined);
}

function union(one: Box | undefined, other: Box | undefined): Box | undefined {
  if (!one || !other) return one ?? other;
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

function childElements(node: SvgNode): SvgNode[] {
  return Array.from(node.childNodes).filter((child) => child.nodeType === 1);
}

/** The leading number of "12px", "-0.3em", "70%"; 0 where there is none. */
function number(text: string | null): number {
  const value = Number.parseFloat(text ?? "");
  return Number.isFinite(value) ? value : 0;
}
