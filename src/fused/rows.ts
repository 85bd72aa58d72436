// One pass over the rows of a matrix, wherever it lies, with dropout's decisions drawn beside it: pieces of whole rows, of a row each where
// that is longer than a piece.
// Invariant: what a pass needs is allocated when it is prepared, so that running it cannot fail, and results depend on the rows alone, not
// on the pieces.

import type { Context } from "../core/dropout.js";
import type { WasmBuffer } from "../engine/buffer.js";
import type { Call } from "../engine/call.js";
import { type Frame, type Piece, pieces, rowsOfPiece } from "../engine/frame.js";
import type { AnyDataOf, Operand } from "../engine/operand.js";
import { TILE } from "../ground/abi.js";
import { checkChoice, checkInteger, wrongKind, wrongValue } from "../ground/check.js";
import { type Arrays, type BufferDtype, type HalfDtype, holdersOf } from "../ground/dtypes.js";
import { MAX_INDEX } from "../stream/ticket.js";

/** Elements of two tiles: a draw that begins inside a tile has to catch up, and masks take two at once. */
const TILES = 2 * TILE;

/** What operations whose kernels know f32 only work with. */
export type Rows = AnyDataOf<"f32" | HalfDtype>;

/** The statistics of X, an f32 a row: a buffer for a buffer, an ordinary typed array for a typed array. */
export type Statistics<X extends Rows> = X extends WasmBuffer ? WasmBuffer<"f32"> : Arrays<ArrayBuffer>["f32"];

/** A matrix and the operands that a pass has whole rows of. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Operands of the matrix's shape. */
  readonly matrices: readonly Operand[];
  /** Operands of an element a row. */
  readonly vectors?: readonly Operand[];
  /** A number of rows at whose multiples pieces end. */
  readonly period?: number;
}

/** Takes data that kernels get as f32, to be read; `half` is the dtype of a Uint16Array. */
export function takeF32(frame: Frame, value: unknown, name: string, half: unknown): Operand {
  const operand = frame.anyData(value, name, half);
  if (operand.dtype !== "f32") throw wrongKind(name, holdersOf("f32"), value);
  return operand;
}

/** Takes data of the dtype of `other`, of whatever length, to be read. */
export function takeAlike(frame: Frame, value: unknown, name: string, { stored }: Operand, half: unknown): Operand {
  const operand = frame.anyData(value, name, half);
  if (operand.stored !== stored) throw wrongKind(name, holdersOf(stored), value);
  return operand;
}

/** Takes what a ticket of f32 data says to draw; returns the number of decisions. */
export function takeTicket(call: Call, ticket: unknown): number {
  call.recipe.read(ticket);
  checkChoice(call.recipe.rescale, "ticket.rescale", ["train"]);
  call.setChance("f32");
  return call.recipe.length;
}

/** Takes dy, which kernels get as f32, as long as its ticket says. */
export function takeGradient(frame: Frame, dy: unknown, length: number, half: unknown): Operand {
  const operand = takeF32(frame, dy, "dy", half);
  if (operand.length !== length) throw wrongValue("dy", `length ${length}, the ticket's`, operand.length);
  return operand;
}

/** Throws unless `columns`, of a ticket, divides the number of its elements. */
export function checkColumns(columns: unknown, length: number): asserts columns is number {
  checkInteger(columns, "ticket.columns", 1, MAX_INDEX);
  if (length % columns !== 0) throw wrongValue("ticket.columns", `divisor of ${length}`, columns);
}

/** A result that a call is to write. */
export interface Wanted {
  readonly name: string;
  /** Where to, or undefined for a new array. */
  readonly value: unknown;
  readonly dtype: BufferDtype;
  readonly length: number;
  /** Operands whose very elements it may be. */
  readonly same?: readonly Operand[];
}

/** Takes several results, first those that the caller has made: making one may detach views of wasm memory. */
export function takeResults<const W extends readonly Wanted[]>(frame: Frame, like: unknown, wanted: W) {
  const results = new Map<Wanted, ReturnType<Frame["output"]>>();
  const made = (one: Wanted) => one.value === undefined;
  for (const one of [...wanted.filter((w) => !made(w)), ...wanted.filter(made)]) {
    results.set(one, frame.output(one.value, one.name, one.dtype, one.length, like, one.same));
  }
  return wanted.map((one) => results.get(one)) as { [K in keyof W]: ReturnType<Frame["output"]> };
}

/**
 * Prepares to run `body` on the pieces of a matrix, in order; `keep` is the address of a byte for each element of the piece, drawn for the
 * call's recipe, 0 where nothing is dropped. Results are brought to where they belong after it.
 */
export function prepareRows(
  context: Context,
  frame: Frame,
  { rows, columns, matrices, vectors = [], period = rows }: Matrix,
  body: (piece: Piece, keep: number) => void,
): () => void {
  const most = rowsOfPiece(columns);
  for (const operand of matrices) frame.stage(operand, most * columns);
  for (const operand of vectors) frame.stage(operand, most);
  const decide = prepareDecisions(context, frame, most * columns);
  return () => {
    for (let from = 0; from < rows; from += period) {
      for (const part of pieces(Math.min(period, rows - from), columns, true)) {
        const piece = { ...part, row: from + part.row, at: from * columns + part.at };
        body(piece, decide(piece.at, piece.count));
        for (const operand of matrices) operand.leave(piece.at, piece.count);
        for (const operand of vectors) operand.leave(piece.row, piece.rows);
      }
    }
  };
}

/**
 * Prepares to draw the decisions of pieces of at most `most` elements that follow each other: up to the end of two tiles, the rest kept for
 * the next piece.
 */
function prepareDecisions({ call, kernels, memory }: Context, frame: Frame, most: number): (at: number, count: number) => number {
  const { kind, p, start, length } = call.recipe;
  if (p === 0) return () => 0;
  const kernel = kernels.mask[kind].bytes;
  const size = Math.min(most + TILES, length);
  const scratch = frame.scratch(size);
  // Scratch holds the decisions of elements begin..end-1.
  let begin = 0;
  let end = 0;
  return (at, count) => {
    if (at + count > end) {
      memory.view("bytes", scratch, size).copyWithin(0, at - begin, end - begin);
      begin = at;
      const next = Math.min(Math.ceil((start + at + count) / TILES) * TILES - start, length);
      call.draw(kernel, scratch + end - begin, end, next - end);
      end = next;
    }
    return scratch + at - begin;
  };
}
