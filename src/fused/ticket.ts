// Tickets of fused operations: the mask of a call and what of its options backward needs, as plain JSON.

import { checkChoice, checkFlag, checkInteger, wrongKind, wrongValue } from "../ground/check.js";
import type { Draw } from "../stream/draw.js";
import { checkOp, checkTicket, MAX_INDEX, type Ticket } from "../stream/ticket.js";
import type { Activation, GluActivation } from "./kernels.js";

/** The operations whose tickets {@link Fused.backward} takes. */
export const FUSED_OPS = [
  "biasDropoutResidual",
  "biasActivationDropout",
  "dropoutResidualLayerNorm",
  "dropoutResidualRMSNorm",
  "softmaxDropout",
  "gluDropout",
] as const;
export type FusedOp = (typeof FUSED_OPS)[number];
export type NormOp = Extract<FusedOp, `${string}Norm`>;

/** Ticket of {@link Fused.biasDropoutResidual}. */
export interface ResidualTicket extends Ticket<"biasDropoutResidual"> {
  /** True if there was a residual. */
  readonly residual: boolean;
  /** Length of the bias; left out where there was none. */
  readonly columns?: number;
}

/** Ticket of {@link Fused.biasActivationDropout}. */
export interface ActivationTicket extends Ticket<"biasActivationDropout"> {
  /** Length of the bias; left out where there was none. */
  readonly columns?: number;
  readonly activation: Activation;
  /** true: y took the place of x, so that backward refuses the ticket; otherwise left out. */
  readonly overwritten?: boolean;
}

/** Ticket of {@link Fused.dropoutResidualLayerNorm} and {@link Fused.dropoutResidualRMSNorm}; the mask of a second branch follows on that of the first. */
export interface NormTicket<O extends NormOp = NormOp> extends Ticket<O> {
  /** Length of gamma. */
  readonly columns: number;
  /** True if there was a residual. */
  readonly residual: boolean;
  /** True if there was a bias. */
  readonly bias: boolean;
  /** True if there was a beta. */
  readonly beta: boolean;
  /** True if there was a layer scale; otherwise, as with all that follows, left out. */
  readonly layerScale?: boolean;
  /** True if there were factors of rows. */
  readonly rowScale?: boolean;
  /** True if there was a second branch. */
  readonly parallel?: boolean;
  /** Probability that a sample's branch was left out. */
  readonly dropPath?: number;
  /** Number of samples; left out where each row was one. */
  readonly samples?: number;
  /** true: a result took the place of x, which the gradient of the layer scale reads again, so that backward refuses the ticket. */
  readonly overwritten?: boolean;
}

/** Ticket of {@link Fused.softmaxDropout}. */
export interface SoftmaxTicket extends Ticket<"softmaxDropout"> {
  /** Shape of the logits. */
  readonly shape: readonly number[];
  readonly scale: number;
  readonly causal: boolean;
  /** Shape of the attention mask; left out where there was none. */
  readonly maskShape?: readonly number[];
  /** "additive" or "boolean", the kind of the attention mask; left out where there was none. */
  readonly maskKind?: MaskKind;
  /** Numbers of keys that are not padding; left out where none were given. */
  readonly keyLengths?: readonly number[];
  /** true: y took the place of the logits, so that backward refuses the ticket; otherwise left out. */
  readonly overwritten?: boolean;
}

/** Ticket of {@link Fused.gluDropout}. */
export interface GatedTicket extends Ticket<"gluDropout"> {
  readonly activation: GluActivation;
  /** Columns of a half, where gate and value are the halves of the rows of one array; otherwise, as gateFirst, left out. */
  readonly columns?: number;
  readonly gateFirst?: boolean;
  /** true: y took the place of the gate or the value, so that backward refuses the ticket; otherwise left out. */
  readonly overwritten?: boolean;
}

/** Kinds of attention masks: numbers that are added to the scores, or flags of keys that may be attended to. */
export type MaskKind = (typeof MASK_KINDS)[number];
export const MASK_KINDS = ["additive", "boolean"] as const;

type Field = keyof ResidualTicket | keyof ActivationTicket | keyof NormTicket | keyof SoftmaxTicket | keyof GatedTicket;

/** A ticket as read, each property once. What stands in it is checked by its operation. */
export type StoredTicket = { readonly [K in Exclude<Field, "op">]?: unknown } & { readonly op: FusedOp };

/** Reads a ticket of a fused operation. Throws TypeError or RangeError for what is none. */
export function readTicket(value: unknown): StoredTicket {
  checkTicket(value);
  const {
    version,
    op,
    kind,
    seed,
    stream,
    start,
    p,
    rescale,
    length,
    columns,
    activation,
    bias,
    residual,
    beta,
    layerScale,
    rowScale,
    parallel,
    dropPath,
    samples,
    gateFirst,
    shape,
    scale,
    causal,
    maskShape,
    maskKind,
    keyLengths,
    overwritten,
  } = value as { readonly [K in Field]?: unknown };
  checkOp(op, FUSED_OPS);
  checkFlag(overwritten, "ticket.overwritten");
  if (overwritten === true) {
    throw wrongValue("ticket", "ticket of a call that left its input as it was", 'one whose result took the place of it ("overwritten")');
  }
  return {
    version,
    op,
    kind,
    seed,
    stream,
    start,
    p,
    rescale,
    length,
    columns,
    activation,
    bias,
    residual,
    beta,
    layerScale,
    rowScale,
    parallel,
    dropPath,
    samples,
    gateFirst,
    shape,
    scale,
    causal,
    maskShape,
    maskKind,
    keyLengths,
  };
}

/** Takes the mask of a ticket into `draw`: fused operations use inverted dropout only. */
export function drawAgain(draw: Draw, ticket: StoredTicket): void {
  draw.read(ticket, FUSED_OPS);
  checkChoice(draw.rescale, "ticket.rescale", ["train"]);
}

/** Throws unless `columns`, of a ticket, divides the number of its elements. */
export function checkColumns(columns: unknown, length: number): asserts columns is number {
  checkInteger(columns, "ticket.columns", length === 0 ? 0 : 1, MAX_INDEX);
  if (columns > 0 && length % columns !== 0) throw wrongValue("ticket.columns", `divisor of ${length}`, columns);
}

/** Throws unless `value` is a boolean. */
export function checkBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== "boolean") throw wrongKind(name, "boolean", value);
}
