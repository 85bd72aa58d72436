// The event loop between passes: giving way to it, and waiting for it no longer than a signal allows.
// Invariant: timers and clock are those of the program's start. Tests replace the global ones by fakes that stand still, and a run would hang.

/** Resolves in a task of its own, after others that are waiting had their turn. */
export type NextTask = () => Promise<void>;

/** The parts of a global scope that say how to give way to other tasks. */
export interface Scope {
  readonly setTimeout: (callback: () => void, ms: number) => unknown;
  readonly setImmediate?: ((callback: () => void) => unknown) | undefined;
  readonly MessageChannel?: (new () => Pick<MessageChannel, "port1" | "port2">) | undefined;
  /** A global of Vercel's and Next's edge runtimes. */
  readonly EdgeRuntime?: unknown;
  /** A global of workerd. */
  readonly WebSocketPair?: unknown;
}

/** Returns the fastest way of a scope to give way to all other tasks. */
export function nextTaskOf({ setTimeout, setImmediate, MessageChannel, EdgeRuntime, WebSocketPair }: Scope): NextTask {
  const nextTimeout: NextTask = () => new Promise((resolve) => void setTimeout(resolve, 0));
  // workerd serves message ports before timers and requests, and Next's sandbox refuses them.
  if (EdgeRuntime !== undefined || WebSocketPair !== undefined) return nextTimeout;
  // Node serves message ports a thousand at a time before timers and sockets, so setImmediate comes first.
  if (setImmediate !== undefined) return () => new Promise((resolve) => void setImmediate(resolve));
  if (MessageChannel === undefined) return nextTimeout;
  // Browsers slow nested timeouts down, to seconds in hidden pages, and not message ports.
  return () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    });
}

const nextTask: NextTask = /* @__PURE__ */ nextTaskOf(globalThis as Scope);
const now: () => number = /* @__PURE__ */ performance.now.bind(performance);

/** Returns the time in milliseconds, from a moment in the past on. */
export function milliseconds(): number {
  return now();
}

/** Throws the reason of a signal that has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/** Signals of some libraries have no reason. */
function reasonOf({ reason }: AbortSignal): unknown {
  return reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
}

/** Resolves or rejects as `promise`, unless `signal` aborts before: then rejects with its reason, and the outcome of the promise is ignored. */
export function unlessAborted<T>(promise: PromiseLike<T>, signal: AbortSignal | undefined): PromiseLike<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(reasonOf(signal));
    // Taken off again after each pass: a signal may outlive any number of them. Signals of some libraries cannot take it off.
    const settle = <A>(how: (value: A) => void) => {
      return (value: A) => {
        how(value);
        try {
          signal.removeEventListener?.("abort", abort);
        } catch {
          // The result is there, and a listener that stays does nothing more.
        }
      };
    };
    // The promise first: if the signal refuses the listener, a rejection is still taken care of.
    promise.then(settle(resolve), settle(reject));
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}

// In Cloudflare's Workers the clock stands still while code runs, and no slice ever seems to end.
const MOST_UNTIMED = 32;

/** Time slices: how long passes have run since other tasks last had their turn. */
export class Slices {
  readonly #length: number;
  readonly #clock: () => number;
  readonly #nextTask: NextTask;
  #began: number;
  #passes = 0;

  /** @param length of a slice in milliseconds; Infinity: other tasks have no turn */
  constructor(length: number, clock = milliseconds, next = nextTask) {
    this.#length = length;
    this.#clock = clock;
    this.#nextTask = next;
    this.#began = clock();
  }

  /** Called after each pass; returns whether a slice has ended with it. */
  ended(): boolean {
    if (this.#length === Number.POSITIVE_INFINITY) return false;
    const elapsed = this.#clock() - this.#began;
    return elapsed >= this.#length || (elapsed === 0 && ++this.#passes >= MOST_UNTIMED);
  }

  /** Gives way to other tasks; the next slice begins after them. */
  async pause(): Promise<void> {
    await this.#nextTask();
    this.#began = this.#clock();
    this.#passes = 0;
  }
}
