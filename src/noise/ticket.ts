// Tickets of noise: the numbers of the normal stream that a call used, and its operation, as plain JSON.

import { checkBelowOne, checkChoice, checkInteger } from "../ground/check.js";
import type { Draw } from "../stream/draw.js";
import { checkOp, checkStart, checkTicket, checkVersion, MAX_INDEX } from "../stream/ticket.js";
import { checkDeviation, dropoutDeviation } from "./amount.js";

/** Version of the specification (docs/normal-stream.md). Numbers never change under the same version. */
export const NORMAL_VERSION = 1;

/** Streams of noise: there is one. */
export type NoiseKind = (typeof NOISE_KINDS)[number];
export const NOISE_KINDS = ["normal"] as const;

/** The operations of noise. */
export const NOISE_OPS = ["gaussianDropout", "gaussianNoise"] as const;

/** The part of a stream that a call used. */
interface NoiseRange {
  /** Version of the specification of the normal stream: 1. */
  readonly version: number;
  /** The stream of noise, "normal". */
  readonly kind: NoiseKind;
  /** Seed, decimal digits of an integer in [0, 2^64). */
  readonly seed: string;
  /** Stream number, decimal digits of an integer in [0, 2^64). */
  readonly stream: string;
  /** Index in the stream of the first element, in [0, 2^53). */
  readonly start: number;
  /** Number of elements. */
  readonly length: number;
}

/** Ticket of {@link Noise.gaussianDropout}. */
export interface GaussianDropoutTicket extends NoiseRange {
  readonly op: "gaussianDropout";
  /** Drop probability in [0, 1); 0 for a call outside training. */
  readonly p: number;
}

/** Ticket of {@link Noise.gaussianNoise}. */
export interface GaussianNoiseTicket extends NoiseRange {
  readonly op: "gaussianNoise";
  /** Standard deviation of the noise, finite and not negative; 0 for a call outside training. */
  readonly stddev: number;
}

/**
 * The noise of a forward call: plain JSON, to be kept instead of the noise, which {@link Noise.backward} draws again from it.
 *
 * A slice of the noise has the ticket `{ ...ticket, start: ticket.start + begin, length: end - begin }`.
 */
export type NoiseTicket = GaussianDropoutTicket | GaussianNoiseTicket;

/** Returns the fields of a ticket that name the numbers of a draw. */
export function rangeOf({ seed, stream, start, length }: Draw): NoiseRange {
  return { version: NORMAL_VERSION, kind: "normal", seed: seed.toString(), stream: stream.toString(), start, length };
}

/**
 * Sets `draw` to the numbers of a ticket; returns the standard deviation of the factors of its operation, 0 if it only added.
 * Throws TypeError or RangeError unless it is a ticket of this version.
 */
export function readTicket(draw: Draw, value: unknown): number {
  checkTicket(value);
  const { version, kind, op, seed, stream, start, length, p, stddev } = value as {
    [K in keyof GaussianDropoutTicket | keyof GaussianNoiseTicket]?: unknown;
  };
  checkOp(op, NOISE_OPS);
  checkVersion(version, "ticket.version", NORMAL_VERSION);
  checkChoice(kind, "ticket.kind", NOISE_KINDS);
  draw.seed.parse(seed, "ticket.seed");
  draw.stream.parse(stream, "ticket.stream");
  checkInteger(length, "ticket.length", 0, MAX_INDEX);
  checkStart(start, "ticket.start", length);
  draw.start = start;
  draw.length = length;
  if (op === "gaussianDropout") {
    checkBelowOne(p, "ticket.p");
    return dropoutDeviation(p);
  }
  checkDeviation(stddev, "ticket.stddev", "f64");
  return 0;
}
