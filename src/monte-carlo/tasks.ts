// The event loop between passes: giving way to it, and waiting for it no longer than a signal allows.

/** Resolves in a task of its own, after others that are waiting had their turn. */
export type NextTask = () => Promise<void>;

/** By a timeout: slow in browsers, but all that edge runtimes have. workerd serves message ports before timers and requests, Next's sandbox refuses them. */
export const nextTimeout: NextTask = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * By what is fast: browsers slow nested timeouts down, to seconds in hidden pages, and have message ports, which Node serves a thousand at a time
 * before timers and sockets, so setImmediate comes first.
 */
export const nextTask: NextTask = () => {
  const { setImmediate, MessageChannel } = globalThis as {
    setImmediate?: (callback: () => void) => void;
    MessageChannel?: typeof globalThis.MessageChannel;
  };
  if (setImmediate !== undefined) return new Promise((resolve) => setImmediate(resolve));
  if (MessageChannel === undefined) return nextTimeout();
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
};

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
  readonly #nextTask: NextTask;
  #began = performance.now();
  #passes = 0;

  /** @param length of a slice in milliseconds; Infinity: nobody else has a turn */
  constructor(length: number, nextTask: NextTask) {
    this.#length = length;
    this.#nextTask = nextTask;
  }

  /** Called after each pass: whether a slice has ended with it. */
  ended(): boolean {
    if (this.#length === Number.POSITIVE_INFINITY) return false;
    const elapsed = performance.now() - this.#began;
    return elapsed >= this.#length || (elapsed === 0 && ++this.#passes >= MOST_UNTIMED);
  }

  /** Gives way to other tasks; the next slice begins after them. */
  async pause(): Promise<void> {
    await this.#nextTask();
    this.#began = performance.now();
    this.#passes = 0;
  }
}
