/**
 * Progress of long work, under the cell or on the terminal, and its clean end.
 */
import { interruptSignal, yieldToEventLoop } from "../engine/interrupt";
import type { Step } from "../step";
import { DisplaySlot, inNotebook } from "./display";
import { escapeHtml } from "./html";

export interface ProgressOptions<T extends Step> {
  /** What runs, such as "training". */
  label?: string;
  /** What to say of the latest step; its loss, if it has one, unless said. */
  describe?: (step: T) => string;
  /** Ends the loop after the current step; the notebook's interrupt unless said. */
  signal?: AbortSignal;
  /** Milliseconds from one redrawing to the next, 200 unless said. */
  interval?: number;
}

/**
 * Passes the steps of any long work through and shows how far it is: bar, percent, steps a second, time
 * gone and left.
 *
 *     for await (const s of progress(train(…), { label: "training" })) losses.push(s.loss);
 *
 * The loop ends after the current step when the kernel is interrupted, and the cell goes on behind it.
 * However the loop ends (by itself, `break`, interrupt, an error) the source is told to stop, and the
 * bar becomes one line that says so. On a terminal the bar is drawn on stderr; elsewhere nothing is.
 */
export function progress<T extends Step>(
  steps: AsyncIterable<T>,
  options: ProgressOptions<T> = {},
): AsyncGenerator<T, void, undefined> {
  // Taken now: a generator's own body starts with its first step, which may be in a later cell.
  return follow(steps, options, options.signal ?? interruptSignal());
}

async function* follow<T extends Step>(
  steps: AsyncIterable<T>,
  { label = "", describe = describeLoss, interval = 200 }: ProgressOptions<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const bar = new ProgressBar(label, interval);
  let failed = false;
  try {
    if (signal.aborted) {
      await steps[Symbol.asyncIterator]().return?.();
      return;
    }
    for await (const step of steps) {
      await bar.report(step, () => describe(step));
      yield step;
      // for await … break calls the source's return(), and so do `break` and `throw` of the consumer.
      if (signal.aborted) break;
    }
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    bar.end(failed);
  }
}

function describeLoss(step: Step): string {
  const { loss, runningLoss } = step as { loss?: unknown; runningLoss?: unknown };
  const value = typeof runningLoss === "number" ? runningLoss : loss;
  return typeof value === "number" ? `loss ${Number(value.toPrecision(4))}` : "";
}

class ProgressBar {
  private readonly slot = inNotebook() ? new DisplaySlot() : undefined;
  private readonly startedAt = performance.now();
  private drawnAt = -Infinity;
  private first: Step | undefined;
  private last: Step | undefined;
  private describe = (): string => "";

  constructor(
    private readonly label: string,
    private readonly interval: number,
  ) {}

  /** Takes note of a step; draws, and lets interrupts and messages through, now and then. */
  async report(step: Step, describe: () => string): Promise<void> {
    // Copied: a source may reuse its step object.
    this.last = { step: step.step, numSteps: step.numSteps };
    this.first ??= this.last;
    this.describe = describe;
    const now = performance.now();
    if (now - this.drawnAt < this.interval) return;
    this.drawnAt = now;
    this.draw();
    await yieldToEventLoop();
  }

  /** Replaces the bar by one line that says how it ended. */
  end(failed: boolean): void {
    const line = this.closingLine(failed);
    if (this.slot) this.slot.set({ "text/plain": line });
    else if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line}\n`);
  }

  private draw(): void {
    if (this.slot) this.slot.set({ "text/html": this.html(), "text/plain": this.text() });
    else if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${this.text()}`);
  }

  private closingLine(failed: boolean): string {
    const name = this.label ? `${this.label}: ` : "";
    const mark = failed ? "✗" : this.fraction() >= 1 ? "✓" : "■";
    if (!this.last) return `${mark} ${name}${failed ? "failed" : "ended"} before the first step`;
    const { step, numSteps } = this.last;
    const took = duration(this.elapsed());
    const how = failed
      ? `failed after step ${step} of ${numSteps}, ${took}`
      : step >= numSteps
        ? `${numSteps} steps in ${took}`
        : `stopped at step ${step} of ${numSteps}, ${took}`;
    return joined([`${mark} ${name}${how}`, this.rateText(), this.describe()]);
  }

  private html(): string {
    const label = escapeHtml(this.label);
    const bar = `<progress value="${this.fraction()}" max="1" style="width:16em"></progress>`;
    const style =
      "display:flex;gap:0.8em;align-items:center;font-family:var(--jp-code-font-family,monospace);" +
      "font-size:var(--jp-code-font-size,13px);white-space:nowrap";
    return `<div style="${style}"><span>${label}</span>${bar}<span>${escapeHtml(this.figures())}</span></div>`;
  }

  private text(): string {
    const filled = Math.round(20 * this.fraction());
    const bar = `[${"#".repeat(filled)}${"-".repeat(20 - filled)}]`;
    return `${this.label ? `${this.label} ` : ""}${bar} ${this.figures()}`;
  }

  /** "42 % · 210 of 500 · 12.3 steps/s · 17 s gone · 24 s left · loss 31.2" */
  private figures(): string {
    const { step = 0, numSteps = 0 } = this.last ?? {};
    const left = (numSteps - step) / this.rate();
    return joined([
      `${Math.floor(100 * this.fraction())} %`,
      `${step} of ${numSteps}`,
      this.rateText(),
      `${duration(this.elapsed())} gone`,
      Number.isFinite(left) ? `${duration(left)} left` : "",
      this.describe(),
    ]);
  }

  private fraction(): number {
    const { step = 0, numSteps = 1 } = this.last ?? {};
    return Math.min(1, step / Math.max(1, numSteps));
  }

  /** Seconds since the start. */
  private elapsed(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  /** Steps a second, of this loop: resumed work starts at a later step than 1. */
  private rate(): number {
    const done = (this.last?.step ?? 0) - (this.first?.step ?? 1) + 1;
    return done / this.elapsed();
  }

  private rateText(): string {
    const rate = this.rate();
    if (!Number.isFinite(rate) || rate <= 0) return "";
    const digits = (value: number): string => String(Number(value.toPrecision(3)));
    return rate >= 1 ? `${digits(rate)} steps/s` : `${digits(1 / rate)} s/step`;
  }
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}

/** "0.4 s", "12 s", "3 min 05 s", "2 h 10 min" */
function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
