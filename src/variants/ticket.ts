// Tickets of variants: the words of the order stream that a call used, or its mask, and its operation, as plain JSON.

import { checkBelowOne, checkChoice, checkInteger, checkNumber, wrongValue } from "../ground/check.js";
import { takeShape } from "../ground/shape.js";
import type { Draw } from "../stream/draw.js";
import { checkOp, checkStart, checkTicket, checkVersion, MAX_INDEX, type Ticket } from "../stream/ticket.js";

/** Version of the specification (docs/order-stream.md). Words never change under the same version. */
export const ORDER_VERSION = 1;

/** Streams of orders: there is one. */
export type OrderKind = (typeof ORDER_KINDS)[number];
export const ORDER_KINDS = ["order"] as const;

/** The operations of variants. */
export const VARIANTS_OPS = ["exactDropout", "patchDropout", "zoneout", "concreteDropout"] as const;

/** Temperatures that the arithmetic of f32 carries. */
export const TEMPERATURES = [2 ** -10, 2 ** 10] as const;
/** Probabilities of Concrete dropout outside [this, 1 - this] are no different from 0 or 1 in f32. */
export const LEAST_P = 2 ** -20;

/** The part of the order stream that a call used. */
interface OrderRange {
  /** Version of the specification of the order stream: 1. */
  readonly version: number;
  /** The stream, "order". */
  readonly kind: OrderKind;
  /** Seed, decimal digits of an integer in [0, 2^64). */
  readonly seed: string;
  /** Stream number, decimal digits of an integer in [0, 2^64). */
  readonly stream: string;
  /** Index in the stream of the first element, in [0, 2^53). */
  readonly start: number;
  /** Number of elements, or of tokens, that were put in an order. */
  readonly length: number;
}

/** Ticket of {@link Variants.exactDropout}. */
export interface ExactDropoutTicket extends OrderRange {
  readonly op: "exactDropout";
  /** Shape of x, [..., n]. */
  readonly shape: readonly number[];
  /** Number of elements kept in each row. */
  readonly kept: number;
}

/** Ticket of {@link Variants.patchDropout}. */
export interface PatchDropoutTicket extends OrderRange {
  readonly op: "patchDropout";
  /** Shape of x, [samples, tokens, features]. */
  readonly shape: readonly number[];
  /** Number of tokens at the start that are always kept. */
  readonly prefix: number;
  /** Number of tokens kept in each sample, beside those. */
  readonly kept: number;
}

/** Ticket of {@link Variants.concreteDropout}. */
export interface ConcreteDropoutTicket extends OrderRange {
  readonly op: "concreteDropout";
  /** Drop probability; 0 for a call outside training. */
  readonly p: number;
  readonly temperature: number;
}

/** Ticket of {@link Variants.zoneout}; {@link Dropout.replay} draws its mask, 1 = the new state. */
export interface ZoneoutTicket extends Ticket<"zoneout"> {
  /** Share of the state before in each element of y outside training; 0 in training. */
  readonly share: number;
}

/** The decisions of a forward call of {@link Variants}: plain JSON, for {@link Variants.backward}. */
export type VariantsTicket = ExactDropoutTicket | PatchDropoutTicket | ConcreteDropoutTicket | ZoneoutTicket;

/** Returns the fields of a ticket that name the words of a draw. */
export function rangeOf({ seed, stream, start, length }: Draw): OrderRange {
  return { version: ORDER_VERSION, kind: "order", seed: seed.toString(), stream: stream.toString(), start, length };
}

/** Rows of equal length of which some elements are kept. */
export interface Rows {
  readonly shape: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly kept: number;
}

/** Samples of tokens. */
export interface Tokens extends Rows {
  readonly prefix: number;
  readonly features: number;
}

/** A ticket as read; the stream's fields are a copy, unchecked but for the operation. */
export type TicketPlan = { readonly range: Fields } & (
  | { readonly op: "exactDropout"; readonly exact: Rows }
  | { readonly op: "patchDropout"; readonly tokens: Tokens }
  | { readonly op: "concreteDropout"; readonly p: number; readonly temperature: number }
  | { readonly op: "zoneout"; readonly share: number }
);

type Fields = { [K in keyof PatchDropoutTicket | keyof ConcreteDropoutTicket | keyof ZoneoutTicket]?: unknown };

/** Reads a ticket of one of `ops`, each property and item once. Throws TypeError or RangeError unless its parts fit each other. */
export function readTicket(value: unknown, ops: readonly (typeof VARIANTS_OPS)[number][] = VARIANTS_OPS): TicketPlan {
  checkTicket(value);
  const { version, op, kind, seed, stream, start, length, p, rescale, shape: given, prefix, kept, temperature, share } = value as Fields;
  checkOp(op, ops);
  const range = { version, op, kind, seed, stream, start, length, p, rescale };
  if (op === "zoneout") {
    checkNumber(share, "ticket.share", 0, 1);
    return { op, range, share };
  }
  checkVersion(version, "ticket.version", ORDER_VERSION);
  checkChoice(kind, "ticket.kind", ORDER_KINDS);
  checkInteger(length, "ticket.length", 0, MAX_INDEX);
  checkStart(start, "ticket.start", length);
  if (op === "concreteDropout") {
    if (p !== 0) checkConcrete(p, "ticket.p");
    checkNumber(temperature, "ticket.temperature", ...TEMPERATURES);
    return { op, range, p: p as number, temperature };
  }
  const shape = takeShape(given, "ticket.shape", op === "patchDropout" ? [3, 3] : undefined);
  const plan = op === "patchDropout" ? tokensOf(shape, prefix, "ticket.") : rowsOf(shape);
  checkInteger(kept, "ticket.kept", 0, plan.columns);
  if (length !== plan.rows * plan.columns) throw wrongValue("ticket.length", `${plan.rows * plan.columns}, as many as decisions`, length);
  const exact = { ...plan, kept };
  return op === "patchDropout" ? { op, range, tokens: exact as Tokens } : { op, range, exact };
}

/** Sets `draw` to the words of a ticket of the order stream. */
export function readRange(draw: Draw, { seed, stream, start, length }: Fields): void {
  draw.seed.parse(seed, "ticket.seed");
  draw.stream.parse(stream, "ticket.stream");
  draw.start = start as number;
  draw.length = length as number;
}

/** Returns the rows of a shape, all of their elements kept. */
export function rowsOf(shape: readonly number[]): Rows {
  const columns = shape[shape.length - 1] as number;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { shape, rows: columns === 0 ? 0 : rows, columns, kept: columns };
}

/** Returns the samples of a shape, all of their tokens kept. */
export function tokensOf(shape: readonly number[], prefix: unknown, where = ""): Tokens {
  const [samples = 0, tokens = 0, features = 0] = shape;
  checkInteger(prefix, `${where}prefix`, 0, tokens);
  return { shape, rows: samples, columns: tokens - prefix, kept: tokens - prefix, prefix, features };
}

/** Throws unless `value` is a probability that Concrete dropout can compute with. */
export function checkConcrete(value: unknown, name: string): asserts value is number {
  checkBelowOne(value, name);
  if (value < LEAST_P || value > 1 - LEAST_P) throw wrongValue(name, "number in [2^-20, 1 - 2^-20]", value);
}
