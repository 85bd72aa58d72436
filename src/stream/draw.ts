// A draw: which random decisions one call takes, and with which threshold and scale. It belongs to a pass, never to an instance.
// Invariant: a number of the instance's sequence is taken and used up in one step, when nothing can be refused any more.

import { checkChoice, checkInteger, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import type { DataDtype } from "../ground/dtypes.js";
import { Words } from "../ground/words.js";
import { STREAM_KINDS, type StreamKind } from "./kinds.js";
import { keepFactor, scale, threshold } from "./probability.js";
import type { Sequence } from "./sequence.js";
import {
  checkOp,
  checkStart,
  checkTicket,
  checkVersion,
  MAX_INDEX,
  type Op,
  RESCALES,
  type Rescale,
  STREAM_VERSION,
  type Ticket,
} from "./ticket.js";

/** From this value on, f16 rounds to infinity: halfway between its largest number, 65504, and the next power of two (IEEE 754-2019, section 4.3.1). */
export const F16_OVERFLOW = 65520;

export class Draw {
  kind: StreamKind = "tile";
  readonly seed = new Words();
  readonly stream = new Words();
  start = 0;
  length = 0;
  p = 0;
  rescale: Rescale = "train";
  /** An element is dropped where its random integer is below this; settle() computes it. */
  threshold = 0;
  /** The factor of kept elements, rounded to the dtype; Infinity where everything is dropped; settle() computes it. */
  scale = 1;
  /** True if kept elements are multiplied by `scale`; false where an operation has a factor of its own, whatever p is. */
  scaled = true;
  readonly #sequence: Sequence;
  // True while a number from the sequence is to be used up by the call.
  #numbered = false;
  #training = true;
  // The values that threshold and scale were last computed from: a layer asks for the same again and again.
  #lastP = 0;
  #lastKind: StreamKind = "tile";
  #lastRescale: Rescale = "train";
  #lastDtype: DataDtype = "f32";

  constructor(sequence: Sequence) {
    this.#sequence = sequence;
  }

  /** Forgets the call before: a refused one may have stopped half-way. */
  begin(): void {
    this.#numbered = false;
    this.#training = true;
    this.scaled = true;
    this.start = 0;
    this.length = 0;
    this.p = 0;
    this.rescale = "train";
  }

  /** Takes kind, seed and stream number from options; those left out are the sequence's. */
  choose(kind?: unknown, seed?: unknown, stream?: unknown): void {
    if (kind === undefined) this.kind = this.#sequence.kind;
    else {
      checkChoice(kind, "kind", STREAM_KINDS);
      this.kind = kind;
    }
    if (seed === undefined) this.seed.copy(this.#sequence.seed);
    else this.seed.set(seed, "seed");
    this.#numbered = stream === undefined;
    if (stream !== undefined) this.stream.set(stream, "stream");
  }

  /** Takes the place in the stream of a call on `length` elements: `start`, or behind the equally long parts of lower ranks. */
  range(length: number, start?: unknown): void {
    const { rank } = this.#sequence;
    if (start === undefined && rank === 0) this.start = 0;
    else {
      const from = start === undefined ? rank * length : start;
      checkStart(from, "start", length);
      this.start = from;
    }
    this.length = length;
  }

  /** Takes a drop probability, which has been checked, and its use in or outside training. */
  chance(p: number, rescale: Rescale, training: boolean): void {
    this.#training = training;
    this.p = training || rescale === "test" ? p : 0;
    // In training the classic form is the same as "none", and at p = 0 all forms are the same.
    if (this.p === 0) this.rescale = "train";
    else this.rescale = rescale === "test" && training ? "none" : rescale;
  }

  /** Takes all of it from a ticket of one of `ops`, or of any operation; returns the operation. Throws TypeError or RangeError that names the field. */
  read<O extends Op>(value: unknown, ops?: readonly O[]): O {
    checkTicket(value);
    const { version, op, kind, seed, stream, start, p, rescale = "train", length } = value as { [K in keyof Ticket]?: unknown };
    checkVersion(version, "ticket.version");
    if (ops !== undefined) checkOp(op, ops);
    checkChoice(kind, "ticket.kind", STREAM_KINDS);
    this.seed.parse(seed, "ticket.seed");
    this.stream.parse(stream, "ticket.stream");
    if (p === undefined && "pShape" in value)
      throw wrongKind("ticket.p", "number in [0, 1]: a ticket with pShape has none, and only Shapes.backward takes it, with saved.p", p);
    checkProbability(p, "ticket.p");
    checkChoice(rescale, "ticket.rescale", RESCALES);
    checkInteger(length, "ticket.length", 0, MAX_INDEX);
    checkStart(start, "ticket.start", length);
    this.kind = kind;
    this.start = start;
    this.p = p;
    this.rescale = rescale;
    this.length = length;
    return op as O;
  }

  /** Computes threshold and scale for data of `dtype`. Throws RangeError where a kept 1 would be infinite in `stored`, the dtype of the results. */
  settle(dtype: DataDtype, stored: DataDtype): void {
    const { p, kind, rescale } = this;
    if (p !== this.#lastP || kind !== this.#lastKind || rescale !== this.#lastRescale || dtype !== this.#lastDtype) {
      const t = threshold(p, kind);
      this.threshold = t;
      // Infinite where everything is dropped, which tells kernels of stored masks so.
      this.scale = scale(t, kind, dtype);
      if (rescale !== "train" && this.scale < Infinity) {
        this.scale = rescale === "none" ? 1 : keepFactor(t, kind, dtype);
        if (rescale === "test") this.threshold = 0;
      }
      this.#lastP = p;
      this.#lastKind = kind;
      this.#lastRescale = rescale;
      this.#lastDtype = dtype;
    }
    if (stored === "f16" && this.scaled && this.scale >= F16_OVERFLOW && this.scale < Infinity) {
      throw wrongValue("p", "1, or below 1 - 1 / 65520 for f16, from where on a kept 1 is infinite", p);
    }
  }

  /** True if there are decisions to draw: not all are kept, not all dropped. */
  get random(): boolean {
    return this.threshold > 0 && this.scale < Infinity;
  }

  /** Takes the next number of the sequence, if the call named none, and uses it up in training. */
  number(): void {
    if (!this.#numbered) return;
    const { next } = this.#sequence;
    this.stream.copy(next);
    if (this.#training) next.increment();
    this.#numbered = false;
  }

  /** Returns the ticket of an operation. */
  ticket<O extends Op>(op: O): Ticket<O> {
    const { kind, start, p, rescale, length } = this;
    const seed = this.seed.toString();
    const stream = this.stream.toString();
    // Both written out: a spread takes longer than the kernels of a small call.
    if (rescale === "train") return { version: STREAM_VERSION, op, kind, seed, stream, start, p, length };
    return { version: STREAM_VERSION, op, kind, seed, stream, start, p, rescale, length };
  }
}
