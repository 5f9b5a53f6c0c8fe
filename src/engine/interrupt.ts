/**
 * How long work learns that it should stop.
 *
 * JavaScript is single-threaded: pressing Interrupt in a notebook cannot cut into a running loop, the
 * loop has to look. `train` and every sampler take an `AbortSignal` that defaults to
 * `interruptSignal()`, look at it once a step and end cleanly. The kernel aborts it.
 *
 * The signal is kept on `globalThis` under a registered symbol, because the kernel's launcher and the
 * notebook's copy of this module are loaded separately and must still meet.
 */

interface InterruptScope {
  controller: AbortController;
}

const KEY = Symbol.for("score-sde.interrupt");

function scope(): InterruptScope {
  const store = globalThis as unknown as Record<symbol, InterruptScope | undefined>;
  return (store[KEY] ??= { controller: new AbortController() });
}

/** The signal of the running notebook cell; outside the kernel, one that nothing aborts. */
export function interruptSignal(): AbortSignal {
  return scope().controller.signal;
}

/** A new cell starts: an earlier interrupt is forgotten. */
export function beginInterruptScope(): void {
  scope().controller = new AbortController();
}

/** Asks whatever listens to `interruptSignal()` to end after its current step. */
export function raiseInterrupt(reason = "interrupted"): void {
  scope().controller.abort(new Error(reason));
}

/**
 * Lets the event loop turn once. An `await` alone does not: signals, timers and a notebook's messages
 * wait until JavaScript has nothing left to do, and so each step of long work awaits this.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
