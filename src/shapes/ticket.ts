// Tickets of operations with shapes: the core's, which names the decisions, and what the operation made of them.

import type { Ticket } from "../stream/ticket.js";
import type { ChannelFormat } from "./noise-shape.js";

/** What tickets of masks with a noise shape say beside the core's fields. */
export interface NoiseFields {
  /** "dropout": dropout, spatial dropout, drop path; "alphaDropout": alpha dropout, feature alpha dropout. */
  readonly op: "dropout" | "alphaDropout";
  /** Shape of the data. */
  readonly shape: readonly number[];
  /** Shape of the mask; the product is the ticket's `length`. */
  readonly noiseShape: readonly number[];
}

/** What tickets of DropBlock say beside the core's fields, among which `p` is gamma, the probability to drop a seed. */
export interface BlockFields {
  readonly op: "dropBlock";
  /** Shape of the data, in the order that `format` says. */
  readonly shape: readonly number[];
  readonly format: ChannelFormat;
  /** Elements along each side of a block, at least 1; where a feature map is smaller, so are the blocks. */
  readonly blockSize: number;
  /** Whether all samples share a mask. */
  readonly batchwise: boolean;
}

/**
 * What a forward call of {@link Shapes} used to draw its mask: plain JSON, for {@link Shapes.backward}. {@link Dropout.replay} makes the mask from it:
 * a decision an element of the noise shape, or of DropBlock a decision a seed.
 */
export type ShapesTicket = Ticket & (NoiseFields | BlockFields);

export const OPS = ["dropout", "alphaDropout", "dropBlock"] as const;
