// The predictions that an isolate works on: how many passes at once, and who waits. An isolate has one thread for all of its requests.

import { Refusal } from "./request.js";

/** The limits of a desk. */
export interface Limits {
  /** The most multiplications of predictions that are computed at once; one is admitted alone, whatever it asks for. */
  readonly atOnce: number;
  /** Predictions of at most so many multiplications do not wait. */
  readonly small: number;
  /** The most predictions that are computed or wait, and the most bodies that are read. */
  readonly inFlight: number;
  readonly reading: number;
}

/** The time between two looks of a waiting request whether it is its turn: by a timer of its own, as the runtime may end another's request at any time. */
const LOOK_MS = 10;
/** A prediction that has not been heard of for so long is over: the runtime can end a request without a word, when it has used up its time. */
const SILENT_MS = 10_000;

interface Entry {
  readonly work: number;
  admitted: boolean;
  heard: number;
}

/** Numbers of an isolate since it started. */
export interface Counts {
  /** Requests whose body is being read, predictions that are computed, and those that wait. */
  readonly reading: number;
  readonly computing: number;
  readonly waiting: number;
  /** Predictions that were answered, refused for want of room, and given up as their client was gone. */
  readonly answered: number;
  readonly refused: number;
  readonly gone: number;
}

/** The requests in flight, in the order in which they came. */
export class Desk {
  readonly #limits: Limits;
  readonly #reading = new Set<Entry>();
  readonly #entries = new Set<Entry>();
  #free: number;
  #cleared = 0;
  #answered = 0;
  #refused = 0;
  #gone = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#free = limits.atOnce;
  }

  get counts(): Counts {
    this.#clear();
    const computing = [...this.#entries].filter(({ admitted }) => admitted).length;
    return {
      ...{ reading: this.#reading.size, computing, waiting: this.#entries.size - computing },
      ...{ answered: this.#answered, refused: this.#refused, gone: this.#gone },
    };
  }

  /** Reads a body while not too many others are read. Throws Refusal with status 503. */
  async read<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    this.#checkRoom(this.#reading, this.#limits.reading, "bodies");
    const entry = { work: 0, admitted: true, heard: Date.now() };
    const leave = () => this.#reading.delete(entry);
    this.#reading.add(entry);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await body();
    } finally {
      leave();
      signal.removeEventListener("abort", leave);
    }
  }

  /**
   * Runs `act` when there is room for its work.
   *
   * @param work multiplications
   * @param signal of the request: who hangs up gives its place away
   * @param act gets a function to call now and then, which says that the request is alive
   * @throws Refusal with status 503 where too many are in flight; the signal's reason
   */
  async serve<T>(work: number, signal: AbortSignal, act: (alive: () => void) => Promise<T>): Promise<T> {
    this.#checkRoom(this.#entries, this.#limits.inFlight, "predictions");
    const entry = { work, admitted: false, heard: Date.now() };
    const alive = () => {
      entry.heard = Date.now();
    };
    // All of it in the listener: after it the runtime runs nothing more of the request but promises that follow from it.
    const gone = () => {
      if (this.#leave(entry)) ++this.#gone;
    };
    signal.addEventListener("abort", gone, { once: true });
    this.#entries.add(entry);
    try {
      this.#admit();
      while (!entry.admitted) {
        await look(signal);
        alive();
        this.#clear();
      }
      signal.throwIfAborted();
      const result = await act(alive);
      ++this.#answered;
      return result;
    } finally {
      this.#leave(entry);
      signal.removeEventListener("abort", gone);
    }
  }

  #checkRoom(entries: ReadonlySet<Entry>, most: number, what: string): void {
    this.#clear();
    if (entries.size < most) return;
    ++this.#refused;
    throw new Refusal(503, `expected at most ${most} ${what} at once, got one more`, { "retry-after": "1" });
  }

  /** Returns whether it was there. */
  #leave(entry: Entry): boolean {
    const was = this.#entries.delete(entry);
    if (was && entry.admitted && entry.work > this.#limits.small) this.#free += entry.work;
    if (was) this.#admit();
    return was;
  }

  /** Admits small ones, and of the others those that came first, as far as there is room. */
  #admit(): void {
    const { atOnce, small } = this.#limits;
    let full = false;
    for (const entry of this.#entries) {
      if (entry.admitted) continue;
      if (entry.work <= small) entry.admitted = true;
      else if (full || (entry.work > this.#free && this.#free < atOnce)) full = true;
      else {
        entry.admitted = true;
        this.#free -= entry.work;
      }
    }
  }

  /** Removes those that are over, at most once a second. */
  #clear(): void {
    const now = Date.now();
    if (now - this.#cleared < 1000) return;
    this.#cleared = now;
    for (const entry of this.#entries) if (entry.heard < now - SILENT_MS) this.#leave(entry);
    for (const entry of this.#reading) if (entry.heard < now - 2 * SILENT_MS) this.#reading.delete(entry);
  }
}

/** Waits for a moment; rejects as soon as the signal aborts. */
function look(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, LOOK_MS);
  });
}
