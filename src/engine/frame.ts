// One call of an extension: its operands, wherever they lie, and its scratch in wasm memory, taken piece by piece.
// Invariant: all is checked and allocated before the first byte is written; what the call took is given back when it ends, and so are
// results that it made if it fails.

import type { Context } from "../core/dropout.js";
import { type BufferDtype, byteLength, type Dtype } from "../ground/dtypes.js";
import { WasmBuffer } from "./buffer.js";
import type { Call } from "./call.js";
import type { Memory } from "./memory.js";
import { makeLike, Operand } from "./operand.js";
import { type Scratch, scratchOf } from "./scratch.js";

/** The most elements of a piece: its decisions and data stay in the L1 and L2 cache between the kernels that make and use them. */
export const PIECE = 16384;

/** A part of a matrix in row-major order: whole rows, or a part of one. */
export interface Piece {
  /** Offset of its first element. */
  readonly at: number;
  /** Number of elements: rows times columns. */
  readonly count: number;
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** 0..total-1 in parts of at most `most`. */
export function* parts(total: number, most = PIECE): Generator<{ readonly at: number; readonly count: number }> {
  for (let at = 0; at < total; at += most) yield { at, count: Math.min(most, total - at) };
}

/** The pieces of a matrix, of at most PIECE elements each, or of a row each where rows must stay `whole`. */
export function* pieces(rows: number, columns: number, whole = false): Generator<Piece> {
  for (const { at: row, count: some } of parts(rows, rowsOfPiece(columns))) {
    for (const { at: column, count } of parts(columns, whole ? columns : PIECE)) {
      yield { at: row * columns + column, count: some * count, row, rows: some, column, columns: count };
    }
  }
}

/** The most rows of a piece of whole rows. */
export function rowsOfPiece(columns: number): number {
  return Math.max(1, Math.floor(PIECE / columns));
}

/** An operand of a call with the name that messages use. */
interface Taken {
  readonly name: string;
  readonly operand: Operand;
}

export class Frame {
  readonly #memory: Memory;
  readonly #call: Call;
  readonly #taken: Taken[] = [];
  readonly #made: WasmBuffer[] = [];
  readonly #scratch: Scratch;
  readonly #pointers: number[] = [];

  constructor({ memory, call }: Context) {
    this.#memory = memory;
    this.#call = call;
    this.#scratch = scratchOf(memory);
  }

  #operand(name: string): Operand {
    const operand = new Operand(this.#memory, -1);
    this.#taken.push({ name, operand });
    return operand;
  }

  /** Takes data of either float type, to be read; `operand.dtype` says which, `operand.length` how many. */
  data(value: unknown, name: string): Operand & { readonly dtype: Dtype } {
    const operand = this.#operand(name);
    operand.takeData(value, name);
    return operand as Operand & { readonly dtype: Dtype };
  }

  /**
   * As data(), also 16-bit data where the instance knows them, which kernels then get as f32; `half` is the dtype of a Uint16Array, called "dtype".
   */
  anyData(value: unknown, name: string, half: unknown): Operand & { readonly dtype: Dtype } {
    const operand = this.#operand(name);
    operand.takeData(value, name, this.#call.dtypes, half);
    return this.#converted(operand) as Operand & { readonly dtype: Dtype };
  }

  #converted(operand: Operand): Operand {
    operand.convert(this.#call.conversionOf(operand.dtype));
    return operand;
  }

  /** Takes an array of `length` elements of `dtype`, to be read; kernels get f32 in place of 16-bit data. */
  input(value: unknown, name: string, dtype: BufferDtype, length: number): Operand {
    const operand = this.#operand(name);
    operand.takeExactly(value, name, dtype, length, false);
    return this.#converted(operand);
  }

  /**
   * Takes `value`, or a new array where that is undefined (in wasm memory if `like` is a buffer), for a result of `length` elements of `dtype`. It may be
   * the very elements of the operands in `same`, and must lie apart from all others taken before. Kernels write f32 in place of 16-bit data.
   */
  output(value: unknown, name: string, dtype: BufferDtype, length: number, like: unknown, same: readonly Operand[] = []) {
    const array = value === undefined ? makeLike(this.#memory, like, dtype, length, name) : value;
    if (value === undefined && array instanceof WasmBuffer) this.#made.push(array);
    const operand = new Operand(this.#memory, -1);
    operand.takeExactly(array, name, dtype, length, true);
    for (const other of this.#taken) operand.refuseOverlap(name, other.operand, other.name, same.includes(other.operand));
    this.#taken.push({ name, operand });
    return { operand: this.#converted(operand), array };
  }

  /** The address of `bytes` bytes of scratch, their content left to chance; throws RangeError if the memory cannot grow that far. */
  scratch(bytes: number): number {
    const pointer = this.#scratch.take(bytes);
    this.#pointers.push(pointer);
    return pointer;
  }

  /** Makes room for what `operand` stages at once, `count` elements, if it lies outside wasm memory. */
  stage(operand: Operand, count = PIECE): void {
    if (!operand.resident) operand.slot = this.scratch(byteLength(operand.dtype, Math.min(count, operand.length)));
  }

  /** Gives back scratch, lets go of the caller's arrays, and frees the buffers made here if the call has `failed`. */
  end(failed: boolean): void {
    for (const { operand } of this.#taken) operand.clear();
    for (const pointer of this.#pointers) this.#scratch.release(pointer);
    if (failed) for (const buffer of this.#made) buffer.free();
  }
}

/** Runs `body` as one call of an extension. */
export function framed<R>(context: Context, body: (frame: Frame) => R): R {
  const frame = new Frame(context);
  let failed = true;
  try {
    const result = body(frame);
    failed = false;
    return result;
  } finally {
    frame.end(failed);
    context.call.end();
  }
}
