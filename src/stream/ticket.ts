// Tickets: which mask a call used, small enough to store as JSON, complete enough to make that mask again anywhere.

import { STREAM_KINDS, type StreamKind } from "../engine/kernels.js";
import { checkChoice, checkInteger, checkObject, checkProbability } from "../ground/check.js";
import { Words } from "../ground/words.js";

/** Version of the keep-stream specification (docs/keep-streams.md). A mask never changes under the same version. */
export const STREAM_VERSION = 1;

/** Indices in a stream end here: all of them are exact in a double. */
export const MAX_INDEX = 2 ** 53;

/**
 * When dropout makes up for what it drops. "train", inverted dropout: kept elements are multiplied by 1 / (1 - P(drop)) in training, and nothing is
 * done outside (Srivastava et al. 2014, section 10). "test", the classic form: kept elements are left as they are in training, and outside
 * all are multiplied by 1 - P(drop) (Hinton et al. 2012), unless the weights behind them are. "none": never.
 */
export type Rescale = (typeof RESCALES)[number];
export const RESCALES = ["train", "test", "none"] as const;

/**
 * What a forward call used to draw its mask: plain JSON, to be kept instead of the mask. {@link Dropout.backward} and {@link Dropout.replay}
 * make the same mask from it, in this process, a resumed one, or on another machine.
 *
 * A slice of the mask has the ticket `{ ...ticket, start: ticket.start + begin, length: end - begin }`.
 */
export interface Ticket {
  /** Version of the stream specification: 1. */
  readonly version: number;
  /** Keep stream, "tile" or "philox". */
  readonly kind: StreamKind;
  /** Seed, decimal digits of an integer in [0, 2^64). */
  readonly seed: string;
  /** Stream number, decimal digits of an integer in [0, 2^64). */
  readonly stream: string;
  /** Index in the stream of the first element, in [0, 2^53). */
  readonly start: number;
  /** Drop probability in [0, 1]; 0 for a call outside training, unless that multiplied all by 1 - P(drop). */
  readonly p: number;
  /** How p was used. "none": kept elements as they are; "test": nothing dropped, all multiplied by 1 - P(drop). If left out, "train": inverted dropout. */
  readonly rescale?: Rescale;
  /** Number of elements. */
  readonly length: number;
}

/** What a call draws: a ticket in the form that calls work with. */
export class Recipe {
  kind: StreamKind = "tile";
  readonly seed = new Words();
  readonly stream = new Words();
  start = 0;
  p = 0;
  rescale: Rescale = "train";
  length = 0;

  /** Takes what a ticket says; throws TypeError or RangeError unless it is one of this version. */
  read(value: unknown): void {
    checkObject(value, "ticket", "ticket");
    const { version, kind, seed, stream, start, p, rescale = "train", length } = value as { [K in keyof Ticket]?: unknown };
    checkVersion(version, "ticket.version");
    checkChoice(kind, "ticket.kind", STREAM_KINDS);
    this.seed.parse(seed, "ticket.seed");
    this.stream.parse(stream, "ticket.stream");
    checkProbability(p, "ticket.p");
    checkChoice(rescale, "ticket.rescale", RESCALES);
    checkInteger(length, "ticket.length", 0, MAX_INDEX);
    checkStart(start, "ticket.start", length);
    this.kind = kind;
    this.start = start;
    this.p = p;
    this.rescale = rescale;
    this.length = length;
  }

  /** Takes a drop probability and how a call in or outside training uses it. */
  use(p: number, rescale: Rescale, training: boolean): void {
    this.p = training || rescale === "test" ? p : 0;
    // What the classic form does in training is what "none" does, and at p = 0 all forms do the same.
    if (this.p === 0) this.rescale = "train";
    else this.rescale = rescale === "test" && training ? "none" : rescale;
  }

  toTicket(): Ticket {
    const { kind, seed, stream, start, p, rescale, length } = this;
    const how = rescale === "train" ? {} : { rescale };
    return { version: STREAM_VERSION, kind, seed: seed.toString(), stream: stream.toString(), start, p, ...how, length };
  }
}

/** Throws unless `value` is the version of the stream specification that this package draws by. */
export function checkVersion(value: unknown, name: string): void {
  checkInteger(value, name, STREAM_VERSION, STREAM_VERSION);
}

/** Throws unless elements start..start+length-1 are in a stream, `value` being the start. */
export function checkStart(value: unknown, name: string, length: number): asserts value is number {
  // Compared here, not by passing the bound on: doubles as arguments are heap objects, and calls make none.
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_INDEX - length) return;
  checkInteger(value, name, 0, MAX_INDEX - length);
}
