// Tickets of linear layers.

import { checkObject, wrongKind, wrongValue } from "../ground/check.js";
import type { Draw } from "../stream/draw.js";
import { checkTicket, type Ticket } from "../stream/ticket.js";
import { checkShape, type LayerShape } from "./layer.js";

/** The mask of a {@link Linear.dropConnect} call: plain JSON. {@link Dropout.replay} draws it again, as [batch, out, in] or [out, in]. */
export interface DropConnectTicket extends Ticket<"dropConnect"> {
  /** true if each example has a mask of its own. */
  readonly perExample: boolean;
  /** Sizes of the layer. */
  readonly shape: LayerShape;
}

/** The operations whose tickets the backward pass takes. */
export const LINEAR_OPS = ["dropConnect"] as const;

/** The fields of a ticket that are this operation's own. */
export type LayerFields = Pick<DropConnectTicket, "perExample" | "shape">;

/** Takes the mask of a ticket into `draw`; returns the other fields. Throws TypeError or RangeError unless it is a ticket of dropConnect. */
export function readTicket(draw: Draw, value: unknown): LayerFields {
  checkTicket(value);
  draw.read(value, LINEAR_OPS);
  const { perExample, shape } = value as { [K in keyof LayerFields]?: unknown };
  if (typeof perExample !== "boolean") throw wrongKind("ticket.perExample", "boolean", perExample);
  checkObject(shape, "ticket.shape", "object with batch, in and out");
  const layer = checkShape(shape, "ticket.shape");
  const count = decisions(layer, perExample, "ticket.shape");
  if (draw.length !== count) throw wrongValue("ticket.length", `${count}, the decisions of ticket.shape`, draw.length);
  return { perExample, shape: layer };
}

/** Returns the number of decisions that a layer draws. Throws RangeError that names `name` if they are too many to number. */
export function decisions({ batch, out, in: inputs }: LayerShape, perExample: boolean, name: string): number {
  const count = (perExample ? batch : 1) * out * inputs;
  if (count > Number.MAX_SAFE_INTEGER) throw wrongValue(name, "fewer than 2^53 decisions", `${batch} * ${out} * ${inputs}`);
  return count;
}
