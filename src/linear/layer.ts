// The sizes of a linear layer, from what a caller says and the lengths of the operands; and the parts in which calls work on it.

import { PIECE } from "../engine/pieces.js";
import { checkInteger, checkObject, wrongKind, wrongValue } from "../ground/check.js";

/** Sizes of a linear layer: x is [batch, in], w [out, in], the bias [out] and y [batch, out], all row-major. */
export interface LayerShape {
  /** Number of examples. */
  readonly batch: number;
  /** Inputs of an example: the length of a row of x and of w. */
  readonly in: number;
  /** Outputs of an example: the number of rows of w. */
  readonly out: number;
}

const SIDES = ["batch", "in", "out"] as const;

/** Those of batch, in and out that `value` gives, undefined being none; throws unless it is an object, and they are integers of at least 0. */
export function checkSides(value: unknown, name: string): Partial<LayerShape> {
  if (value === undefined) return {};
  checkObject(value, name, "object with batch, in or out");
  const sides: Partial<Record<(typeof SIDES)[number], number>> = {};
  for (const side of SIDES) {
    const size = (value as Partial<LayerShape>)[side];
    if (size === undefined) continue;
    checkInteger(size, `${name}.${side}`, 0, Number.MAX_SAFE_INTEGER);
    sides[side] = size;
  }
  return sides;
}

/** The same, all of them required. */
export function checkShape(value: unknown, name: string): LayerShape {
  const { batch, in: inputs, out } = checkSides(value, name);
  if (batch === undefined || inputs === undefined || out === undefined) throw wrongKind(name, "object with batch, in and out", value);
  return { batch, in: inputs, out };
}

/**
 * The layer's sizes. One of them gives the others by the lengths of x and w, and a bias gives `out`; what is given beside it has to agree.
 *
 * @param bias the bias's length, if there is one
 */
export function layerOf(sides: Partial<LayerShape>, x: number, w: number, bias: number | undefined): LayerShape {
  const out = sides.out ?? bias;
  // Several may be given: the number of inputs follows from the first of in, batch and out that says it.
  const inputs = sides.in ?? quotient(x, "x", sides.batch, "batch") ?? quotient(w, "w", out, "out");
  if (inputs === undefined) {
    const zero = sides.batch === 0 || out === 0;
    throw wrongKind("shape", zero ? "object with in, which a size of 0 leaves open" : LEAST, undefined);
  }
  const batch = sides.batch ?? quotient(x, "x", inputs, "in");
  const outputs = out ?? quotient(w, "w", inputs, "in");
  if (batch === undefined || outputs === undefined) throw wrongKind("shape", "object with batch and out beside an in of 0", undefined);
  const layer = { batch, in: inputs, out: outputs };
  checkLength("x", x, layer.batch, "batch", inputs);
  checkLength("w", w, layer.out, "out", inputs);
  if (bias !== undefined && bias !== layer.out) throw wrongValue("bias", `length ${layer.out}, out`, bias);
  return layer;
}

const LEAST = "object with batch, in or out, or a bias, which gives out";

/** Returns how often `size` goes into the `length` of an operand; undefined if it does not say. */
function quotient(length: number, name: string, size: number | undefined, side: string): number | undefined {
  if (size === undefined || size === 0) return undefined;
  if (length % size !== 0) throw wrongValue(name, `a length that is a multiple of ${side}, ${size}`, length);
  return length / size;
}

function checkLength(name: string, length: number, rows: number, side: string, inputs: number): void {
  if (length !== rows * inputs) throw wrongValue(name, `length ${rows * inputs}, ${side} * in = ${rows} * ${inputs}`, length);
}

/** The order in which a call works on a layer: chunks of examples, in each all blocks of rows of w, in each all groups of examples whose masks are drawn at once. */
export interface Plan {
  /** Examples in a chunk. */
  readonly chunk: number;
  /** Rows of w in a block. */
  readonly rows: number;
  /** Examples in a group. */
  readonly group: number;
}

// Kernels take four rows together. A block of w stays in the caches over the examples of a chunk, whose x and y are what foreign arrays stage.
const ROWS = 4;
const CHUNK = 8 * PIECE;
const LEAST_CHUNK = 16;

export function planOf(layer: LayerShape): Plan {
  const rows = Math.min(layer.out, ROWS * Math.max(1, Math.floor(PIECE / (ROWS * layer.in))));
  const chunk = Math.min(layer.batch, Math.max(LEAST_CHUNK, Math.floor(CHUNK / Math.max(layer.in, layer.out))));
  return { chunk, rows, group: Math.min(chunk, Math.max(1, Math.floor((ROWS * PIECE) / (rows * layer.in)))) };
}
