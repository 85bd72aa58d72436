// Tickets of operations with shapes: the decisions, as the core's tickets name them, and their places in the data.

import { checkChoice, wrongKind, wrongValue } from "../ground/check.js";
import { takeShape } from "../ground/shape.js";
import { checkOp, checkTicket, type Ticket } from "../stream/ticket.js";
import { type BlockFields, type Blocks, readBlocks } from "./drop-block.js";
import { checkNoise, DATA_FORMATS, type Noise } from "./noise-shape.js";
import { alignShape, type RatesTicket, type Use } from "./rates.js";

/** The parts of a ticket that name the places of decisions with a noise shape. */
export interface NoiseFields {
  /** Shape of the data. */
  readonly shape: readonly number[];
  /** Shape of the mask; the product is the ticket's `length`. */
  readonly noiseShape: readonly number[];
}

/** Ticket of {@link Shapes.broadcastDropout}, {@link Shapes.spatialDropout} and {@link Shapes.dropPath}. */
export interface BroadcastDropoutTicket extends Ticket<"broadcastDropout">, NoiseFields {}

/** Ticket of {@link Shapes.alphaDropout} and {@link Shapes.featureAlphaDropout}. */
export interface AlphaDropoutTicket extends Ticket<"alphaDropout">, NoiseFields {}

/** Ticket of {@link Shapes.dropBlock}: `p` is gamma, the probability to drop a seed. */
export interface DropBlockTicket extends Ticket<"dropBlock">, BlockFields {}

/**
 * The mask of a forward call of {@link Shapes}: plain JSON, for {@link Shapes.backward}. {@link Dropout.replay} draws the mask from it: a decision for each
 * element of the noise shape, or, of DropBlock, for each seed.
 */
export type ShapesTicket =
  | BroadcastDropoutTicket
  | AlphaDropoutTicket
  | DropBlockTicket
  | RatesTicket<BroadcastDropoutTicket>
  | RatesTicket<AlphaDropoutTicket>;

export const SHAPES_OPS = ["broadcastDropout", "alphaDropout", "dropBlock"] as const;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

// Tickets are new objects: fields are added, as a copy of all properties takes longer than the kernels of a small call.

/** Returns `ticket`, which nobody else has, with the places of decisions with a noise shape. */
export function noiseTicket<O extends "broadcastDropout" | "alphaDropout">(
  ticket: Ticket<O>,
  shape: readonly number[],
  noiseShape: readonly number[],
): Ticket<O> & NoiseFields {
  const made = ticket as Writable<Ticket<O> & NoiseFields>;
  made.shape = shape;
  made.noiseShape = noiseShape;
  return made;
}

/** Returns the ticket of a call with several probabilities of `pShape`, which dropped nothing if `use` is undefined. */
export function ratesTicket<O extends "broadcastDropout" | "alphaDropout">(
  { p: _, ...ticket }: Ticket<O>,
  { shape, noiseShape }: Noise,
  pShape: readonly number[],
  use: Use | undefined,
): RatesTicket<Ticket<O> & NoiseFields> {
  const made = { ...ticket, shape, noiseShape, pShape };
  if (use === undefined) return { ...made, p: 0 };
  return use === "none" || use === "test" ? { ...made, rescale: use } : made;
}

/** Returns `ticket`, which nobody else has, with the places of blocks. */
export function blockTicket(ticket: Ticket<"dropBlock">, fields: BlockFields): DropBlockTicket {
  const made = ticket as Writable<DropBlockTicket>;
  made.shape = fields.shape;
  made.dataFormat = fields.dataFormat;
  made.batched = fields.batched;
  made.blockSize = fields.blockSize;
  made.batchwise = fields.batchwise;
  made.coupleChannels = fields.coupleChannels;
  made.borderSeeds = fields.borderSeeds;
  made.scaleByKeep = fields.scaleByKeep;
  made.withNoise = fields.withNoise;
  return made;
}

/** The part of a ticket about several probabilities. */
export interface SeveralPlan {
  /** As many dimensions as the data, each the same or 1. */
  readonly pShape: readonly number[];
  /** True if the call dropped and scaled nothing, whatever they are. */
  readonly unused: boolean;
}

/** A ticket as read: a copy of the core's part, unchecked but for `op`, and the places of its decisions. */
export type TicketPlan = { readonly ticket: object } & (
  | { readonly op: "broadcastDropout" | "alphaDropout"; readonly noise: Noise; readonly several: SeveralPlan | undefined }
  | { readonly op: "dropBlock"; readonly blocks: Blocks }
);

type Fields = { [K in keyof BroadcastDropoutTicket | keyof DropBlockTicket | "pShape"]?: unknown };

/** Reads a ticket, each property and item once. Throws TypeError or RangeError unless its decisions fit its shape. */
export function readTicket(value: unknown): TicketPlan {
  checkTicket(value);
  // Each named, and no rest or spread, which take longer than the kernels of a small call.
  const { version, op, kind, seed, stream, start, p, rescale, length, shape: given, noiseShape: givenNoise } = value as Fields;
  checkOp(op, SHAPES_OPS);
  // The other operations have no other form than that of training.
  if (op !== "broadcastDropout" && rescale !== undefined) checkChoice(rescale, "ticket.rescale", ["train"]);
  const { pShape } = value as Fields;
  // Those of several probabilities have none of their own, or 0 where nothing was dropped.
  if (pShape !== undefined && p !== undefined && p !== 0) throw wrongKind("ticket.p", "nothing beside ticket.pShape, or 0", p);
  const ticket = { version, op, kind, seed, stream, start, p: pShape === undefined ? p : 0, rescale, length };
  if (op === "dropBlock") {
    const { dataFormat, batched, blockSize, batchwise, coupleChannels, borderSeeds, scaleByKeep, withNoise } = value as Fields;
    const fields = { shape: given, dataFormat, batched, blockSize, batchwise, coupleChannels, borderSeeds, scaleByKeep, withNoise };
    return { op, ticket, blocks: blocksOfTicket(fields, length) };
  }
  const shape = takeShape(given, "ticket.shape");
  const noiseShape = takeShape(givenNoise, "ticket.noiseShape");
  const noise = checkNoise(shape, noiseShape, "ticket.noiseShape", length);
  const several = pShape === undefined ? undefined : { pShape: alignShape(pShape, shape, "ticket.pShape"), unused: p === 0 };
  return { op, ticket, noise, several };
}

function blocksOfTicket(fields: Fields, length: unknown): Blocks {
  const { dataFormat } = fields;
  checkChoice(dataFormat, "ticket.dataFormat", DATA_FORMATS);
  const blocks = readBlocks(fields, dataFormat, "ticket.");
  const { decisions } = blocks.noise;
  if (length !== decisions) {
    const expected = `${decisions}, as many as seeds`;
    throw typeof length === "number" ? wrongValue("ticket.length", expected, length) : wrongKind("ticket.length", expected, length);
  }
  return blocks;
}
