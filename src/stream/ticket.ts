// Tickets: which mask a call used and for which operation, small enough to store as JSON, complete enough to make that mask again anywhere.

import { checkChoice, checkInteger, checkObject, wrongKind, wrongValue } from "../ground/check.js";
import type { StreamKind } from "./kinds.js";

/** Version of the keep-stream specification (docs/keep-streams.md). A mask never changes under the same version. */
export const STREAM_VERSION = 1;

/** Indices in a stream end here: all of them are exact in a double. */
export const MAX_INDEX = 2 ** 53;

/**
 * When kept values are scaled. "train", inverted dropout: multiplied by 1 / (1 - P(drop)) in training, unchanged outside (Srivastava et al. 2014,
 * section 10). "test", the classic form: unchanged in training, and outside all are multiplied by 1 - P(drop) (Hinton et al. 2012), unless the
 * weights behind them are. "none": never.
 */
export type Rescale = (typeof RESCALES)[number];
export const RESCALES = ["train", "test", "none"] as const;

/** The operations that tickets name, each with the object whose `backward` takes it. */
export const OPERATIONS = {
  dropout: "Dropout",
  broadcastDropout: "Shapes",
  alphaDropout: "Shapes",
  dropBlock: "Shapes",
  gaussianDropout: "Noise",
  gaussianNoise: "Noise",
  dropConnect: "Linear",
  biasDropoutResidual: "Fused",
  biasActivationDropout: "Fused",
  dropoutResidualLayerNorm: "Fused",
  dropoutResidualRMSNorm: "Fused",
  softmaxDropout: "Fused",
  gluDropout: "Fused",
  attention: "Attention",
  exactDropout: "Variants",
  patchDropout: "Variants",
  zoneout: "Variants",
  concreteDropout: "Variants",
} as const;

/** The name of an operation with a backward pass. */
export type Op = keyof typeof OPERATIONS;

/**
 * The mask of a forward call: plain JSON, to be kept instead of the mask. {@link Dropout.backward} and {@link Dropout.replay} make the same mask
 * from it, in this process, a resumed one, or on another machine.
 *
 * A slice of the mask has the ticket `{ ...ticket, start: ticket.start + begin, length: end - begin }`.
 */
export interface Ticket<O extends Op = Op> {
  /** Version of the stream specification: 1. */
  readonly version: number;
  /** The operation; only its own `backward` takes the ticket. */
  readonly op: O;
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
  /** Use of p. "none": kept elements unchanged; "test": nothing dropped, all multiplied by 1 - P(drop). If left out, "train": inverted dropout. */
  readonly rescale?: Rescale;
  /** Number of elements. */
  readonly length: number;
}

/** Throws unless `value` is the version of the stream specification that this package draws by. */
export function checkVersion(value: unknown, name: string, version = STREAM_VERSION): void {
  if (value === version) return;
  const expected = `${version}, the only version of the specification so far`;
  throw typeof value === "number" ? wrongValue(name, expected, value) : wrongKind(name, expected, value);
}

/** Throws unless elements start..start+length-1 are in a stream, `value` being the start. */
export function checkStart(value: unknown, name: string, length: number): asserts value is number {
  // Compared here, not by passing the bound on: doubles as arguments are heap objects, and calls make none.
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_INDEX - length) return;
  checkInteger(value, name, 0, MAX_INDEX - length);
}

/** Throws unless `value` is an object that can be a ticket; says so where the whole result of a forward call came in its place. Reads no property. */
export function checkTicket(value: unknown, name = "ticket"): asserts value is object {
  checkObject(value, name, "ticket");
  if (!("version" in value) && "ticket" in value) {
    throw wrongKind(name, "ticket: pass the .ticket of the forward call's result", value);
  }
}

/** Throws unless `op` is one of `ops`, those of the backward that was called; names the right object where there is one. */
export function checkOp<O extends Op>(op: unknown, ops: readonly O[], name = "ticket.op"): asserts op is O {
  if (op === ops[0] || ops.includes(op as O)) return;
  if (typeof op === "string" && Object.hasOwn(OPERATIONS, op)) {
    const expected = ops.map((one) => JSON.stringify(one)).join(" or ");
    throw wrongValue(name, expected, `${JSON.stringify(op)}, whose backward is that of ${OPERATIONS[op as Op]}`);
  }
  checkChoice(op, name, ops);
}
