// Tickets of attention: the mask of a call and what of its options backward needs, as plain JSON.

import { takeMaskShape } from "../fused/attention.js";
import { MASK_KINDS, type MaskKind } from "../fused/ticket.js";
import { checkChoice, checkFlag, wrongValue } from "../ground/check.js";
import { productOf } from "../ground/shape.js";
import type { Draw } from "../stream/draw.js";
import { checkTicket, type Ticket } from "../stream/ticket.js";
import { type Form, readForm } from "./form.js";

/** The operations whose tickets {@link Attention.backward} takes. */
export const ATTENTION_OPS = ["attention"] as const;

/** Ticket of {@link Attention.forward}; {@link Dropout.replay} draws its mask, of the shape of the scores. */
export interface AttentionTicket extends Ticket<"attention"> {
  /** Shapes of q, k and v. */
  readonly shape: readonly number[];
  readonly kShape: readonly number[];
  readonly vShape: readonly number[];
  readonly scale: number;
  readonly causal: boolean;
  /** Shape of the attention mask; left out where there was none. */
  readonly maskShape?: readonly number[];
  /** "additive" or "boolean", the kind of the attention mask; left out where there was none. */
  readonly maskKind?: MaskKind;
  /** Numbers of keys that are not padding; left out where none were given. */
  readonly keyLengths?: readonly number[];
  /** true: y took the place of q, so that backward refuses the ticket; otherwise left out. */
  readonly overwritten?: boolean;
}

/** The fields of a ticket that are this operation's own, checked. */
export interface Stored {
  readonly form: Form;
  readonly mask: { readonly shape: readonly number[]; readonly kind: MaskKind } | undefined;
}

/** Takes the mask of a ticket into `draw`; returns the other fields. Throws TypeError or RangeError unless it is a ticket of attention. */
export function readTicket(draw: Draw, value: unknown): Stored {
  checkTicket(value);
  // Each property is read once: a proxy may give another value the next time.
  const copy = { ...value } as { readonly [K in keyof AttentionTicket]?: unknown };
  draw.read(copy, ATTENTION_OPS);
  checkChoice(draw.rescale, "ticket.rescale", ["train"]);
  const { shape, kShape, vShape, scale, causal, keyLengths, maskShape, maskKind, overwritten } = copy;
  checkFlag(overwritten, "ticket.overwritten");
  if (overwritten === true) {
    throw wrongValue("ticket", "ticket of a call that left its input as it was", 'one whose result took the place of it ("overwritten")');
  }
  const form = readForm({ shape, kShape, vShape, scale, causal, keyLengths }, "ticket.");
  const { scores } = form.sizes;
  const expected = productOf(scores);
  if (draw.length !== expected) throw wrongValue("ticket.length", `${expected}, the scores of its shapes`, draw.length);
  if (maskShape === undefined) return { form, mask: undefined };
  const own = takeMaskShape(maskShape, "ticket.maskShape", scores);
  checkChoice(maskKind, "ticket.maskKind", MASK_KINDS);
  return { form, mask: { shape: own, kind: maskKind } };
}
