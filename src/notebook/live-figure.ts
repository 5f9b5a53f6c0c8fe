/**
 * A figure that grows in place while something runs.
 */
import type { PlotlyFigure } from "../figures";
import { atCellEnd, DisplaySlot, inNotebook } from "./display";
import { figureBundle, pictureBundle } from "./show";

/** A figure, or a function that makes it, which is called only when it is drawn. */
export type FigureSource = PlotlyFigure | (() => PlotlyFigure);

export interface LiveFigure {
  /**
   * Replaces the figure. Cheap to call every step: only now and then one is drawn, the last one always.
   * Pass a function where making the figure takes time.
   */
  update(figure: FigureSource): void;
  /**
   * Draws the last figure now, and makes it interactive. The kernel calls it when the cell ends; call it
   * yourself to have the figure finished earlier.
   */
  done(): Promise<void>;
}

export interface LiveFigureOptions {
  /** Milliseconds between two drawings at least, 500 unless said. */
  interval?: number;
}

/** Drawing may take this part of the time; training gets the rest. */
const SHARE = 0.1;

/**
 * Opens a place under the cell for a figure that changes:
 *
 *     const live = liveFigure();
 *     for await (const s of progress(train(…))) {
 *       losses.push(s.loss);
 *       live.update(() => lossCurve(steps, losses));
 *     }
 *
 * While it grows it is a picture: JupyterLab draws an interactive figure once and no changes to it.
 * Outside the notebook nothing is drawn, and functions passed to `update` are not called.
 */
export function liveFigure(
  initial?: FigureSource,
  { interval = 500 }: LiveFigureOptions = {},
): LiveFigure {
  const live = new Live(interval);
  if (initial) live.update(initial);
  return live;
}

class Live implements LiveFigure {
  private readonly slot = new DisplaySlot();
  private latest: FigureSource | undefined;
  /** Whether `latest` is still to be drawn, as a picture; and whether as an interactive figure. */
  private waiting = false;
  private unfinished = false;
  private timer: NodeJS.Timeout | undefined;
  /** The drawing under way. */
  private drawing: Promise<void> | undefined;
  /** No drawing before this time. */
  private notBefore = 0;

  constructor(private readonly interval: number) {}

  update(figure: FigureSource): void {
    if (!inNotebook()) return;
    if (!this.unfinished) atCellEnd(() => this.done());
    this.latest = figure;
    this.waiting = this.unfinished = true;
    this.schedule();
  }

  async done(): Promise<void> {
    clearTimeout(this.timer);
    this.waiting = false;
    await this.drawing;
    if (!this.unfinished || this.latest === undefined) return;
    this.unfinished = false;
    this.slot.set(await figureBundle(make(this.latest)));
  }

  private schedule(): void {
    if (this.timer || this.drawing || !this.waiting) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.drawing = this.draw();
      },
      Math.max(0, this.notBefore - performance.now()),
    );
  }

  private async draw(): Promise<void> {
    const start = performance.now();
    this.waiting = false;
    try {
      if (this.latest) this.slot.set(await pictureBundle(make(this.latest)));
    } catch {
      // What cannot be drawn is left out until done(), which says why.
    }
    const end = performance.now();
    this.notBefore = end + Math.max(this.interval, (end - start) / SHARE);
    this.drawing = undefined;
    this.schedule();
  }
}

function make(source: FigureSource): PlotlyFigure {
  return typeof source === "function" ? source() : source;
}
