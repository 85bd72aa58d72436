// The event loop between passes: giving way to it, and waiting for it no longer than a signal allows.

/** Globals that not every runtime has. */
interface Globals {
  readonly setImmediate?: (callback: () => void) => void;
  readonly MessageChannel?: typeof MessageChannel;
  /** How Vercel's edge runtime tells what it is. */
  readonly EdgeRuntime?: string;
}

/**
 * Resolves in a task of its own, after those that are waiting. Node's message ports are served a thousand at a time before timers and
 * sockets, so setImmediate comes first; browsers slow nested timeouts down, to seconds in hidden pages, so timeouts come last. Next's edge
 * sandbox has all three, but the first two only throw.
 */
export function nextTask(): Promise<void> {
  const { setImmediate, MessageChannel, EdgeRuntime } = globalThis as Globals;
  return new Promise((resolve) => {
    if (EdgeRuntime !== undefined) setTimeout(resolve, 0);
    else if (setImmediate !== undefined) setImmediate(resolve);
    else if (MessageChannel !== undefined) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    } else setTimeout(resolve, 0);
  });
}

/** What `promise` comes to, unless `signal` aborts before: then rejects with its reason, whatever becomes of the promise. */
export function unlessAborted<T>(promise: PromiseLike<T>, signal: AbortSignal | undefined): PromiseLike<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    // Taken off again after each pass: a signal may outlive any number of them.
    const settle = <A>(how: (value: A) => void) => {
      return (value: A) => {
        signal.removeEventListener("abort", abort);
        how(value);
      };
    };
    signal.addEventListener("abort", abort);
    promise.then(settle(resolve), settle(reject));
    if (signal.aborted) abort();
  });
}

// Where the clock stands still while code runs, as in Cloudflare's Workers, no slice ever seems to end.
const MOST_UNTIMED = 32;

/** Time slices: how long passes have run since other tasks last had their turn. */
export class Slices {
  readonly #length: number;
  #began = performance.now();
  #passes = 0;

  /** @param length of a slice in milliseconds */
  constructor(length: number) {
    this.#length = length;
  }

  /** Called after each pass: gives way to other tasks where a slice has ended. */
  async pause(): Promise<void> {
    const elapsed = performance.now() - this.#began;
    if (elapsed < this.#length && (elapsed > 0 || ++this.#passes < MOST_UNTIMED)) return;
    await nextTask();
    this.#began = performance.now();
    this.#passes = 0;
  }
}
