// A sweep: one pass over a matrix of any size, wherever its operands lie, piece by piece, with dropout's decisions drawn beside it.
// Invariant: all that a sweep needs is allocated when it is taken, so that running it cannot fail; results do not depend on the pieces.

import { CHUNK } from "../engine/memory.js";
import type { Staged, StagedData, Taken, TakenData } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import { PIECE, rowsOfPiece } from "../engine/pieces.js";
import { TILE } from "../ground/abi.js";

/** A draw that begins inside a tile has to catch up, and masks take two tiles at once: draws end at multiples of so many elements. */
const TILES = 2 * TILE;

/**
 * Computes the `count` elements from `at` on, in a sweep over rows those of the `rows` rows from `row` on; `keep` is the address of a byte for each of them,
 * 1 = keep, or 0 where nothing was drawn; `second` is that of a second matrix.
 */
export type Body = (at: number, count: number, keep: number, row: number, rows: number, second: number) => void;

export class Sweep {
  readonly #pass: Taking;
  readonly #rows: number;
  readonly #columns: number;
  readonly #period: number;
  /** The most elements and rows of a part; no rows where a sweep goes by elements. */
  readonly most: number;
  readonly #mostRows: number;
  readonly #matrices: Staged[] = [];
  readonly #vectors: Staged[] = [];
  #decisions: Decisions | undefined;
  #second: Decisions | undefined;
  // True if one part may be the whole: all operands then lie in wasm memory.
  #whole = false;

  private constructor(pass: Taking, rows: number, columns: number, period: number, most: number, mostRows: number) {
    this.#pass = pass;
    this.#rows = rows;
    this.#columns = columns;
    this.#period = period;
    this.most = most;
    this.#mostRows = mostRows;
  }

  /** Returns a sweep over the elements of the draw, in parts that begin where the stream has tiles. */
  static ofElements(pass: Taking): Sweep {
    return new Sweep(pass, 0, 0, 0, PIECE, 0);
  }

  /** Returns a sweep over whole rows; no part goes beyond a multiple of `period` rows. */
  static ofRows(pass: Taking, rows: number, columns: number, period = rows): Sweep {
    const most = rowsOfPiece(columns);
    return new Sweep(pass, columns === 0 ? 0 : rows, columns, period, most * columns, most);
  }

  /** Stages an operand of the matrix's shape. */
  matrix(operand: TakenData): StagedData;
  matrix(operand: Taken): Staged;
  matrix(operand: Taken): Staged {
    const staged = this.#pass.stage(operand, this.most);
    this.#matrices.push(staged);
    return staged;
  }

  /** Stages an operand of an element a row. */
  vector(operand: Taken): Staged {
    const staged = this.#pass.stage(operand, this.#mostRows);
    this.#vectors.push(staged);
    return staged;
  }

  /**
   * Has the decisions of each part drawn in front of it, as bytes, unless nothing is dropped. Returns whether there are any. Those of a second of `matrices`
   * follow in the stream on those of the first.
   */
  drawBytes(matrices: 1 | 2 = 1): boolean {
    const { p, length } = this.#pass.draw;
    if (p === 0) return false;
    const each = length / matrices;
    this.#decisions = new Decisions(this.#pass, this.most, 0, each);
    if (matrices === 2) this.#second = new Decisions(this.#pass, this.most, each, each);
    return true;
  }

  /** Allows a sweep over elements to take all at once. */
  allowWhole(): void {
    this.#whole = true;
  }

  /** Runs `body` on the parts in order, and brings results to where they belong. */
  run(run: Running, body: Body): void {
    if (this.#mostRows === 0) this.#runElements(run, body);
    else this.#runRows(run, body);
  }

  #runElements(run: Running, body: Body): void {
    const { start, length } = this.#pass.draw;
    const most = this.#whole && this.#matrices.every(({ resident }) => resident) ? CHUNK : PIECE;
    for (let at = 0; at < length; ) {
      const count = Math.min(most - ((start + at) % most), length - at);
      this.#runPart(run, body, at, count, 0, 0);
      at += count;
    }
  }

  #runRows(run: Running, body: Body): void {
    const rows = this.#rows;
    const columns = this.#columns;
    for (let from = 0; from < rows; from += this.#period) {
      const end = Math.min(from + this.#period, rows);
      for (let row = from; row < end; row += this.#mostRows) {
        const some = Math.min(this.#mostRows, end - row);
        this.#runPart(run, body, row * columns, some * columns, row, some);
      }
    }
  }

  #runPart(run: Running, body: Body, at: number, count: number, row: number, rows: number): void {
    const keep = this.#decisions === undefined ? 0 : this.#decisions.of(run, at, count);
    body(at, count, keep, row, rows, this.#second === undefined ? 0 : this.#second.of(run, at, count));
    for (const operand of this.#matrices) operand.leave(at, count);
    for (const operand of this.#vectors) operand.leave(row, rows);
  }
}

/**
 * The decisions of parts of at most `most` of `length` elements, from element `first` of the draw on, that follow each other: drawn to the end of two tiles,
 * the rest kept for the next.
 */
class Decisions {
  readonly #pass: Taking;
  readonly #size: number;
  readonly #first: number;
  readonly #length: number;
  readonly #scratch: number;
  // Scratch holds the decisions of elements begin..end-1.
  #begin = 0;
  #end = 0;

  constructor(pass: Taking, most: number, first: number, length: number) {
    this.#pass = pass;
    this.#first = first;
    this.#length = length;
    this.#size = Math.min(most + TILES, length);
    this.#scratch = pass.scratch(this.#size);
  }

  /** Returns the address of those of `count` elements from `at` on. */
  of(run: Running, at: number, count: number): number {
    const end = this.#end;
    if (at + count > end) {
      const { draw, engine } = this.#pass;
      const scratch = this.#scratch;
      if (end > at) engine.memory.view("bytes", scratch, this.#size).copyWithin(0, at - this.#begin, end - this.#begin);
      const start = draw.start + this.#first;
      const next = Math.min(Math.ceil((start + at + count) / TILES) * TILES - start, this.#length);
      engine.kernels.mask[draw.kind].bytes(scratch + end - at, next - end, run.params(this.#first + end));
      this.#begin = at;
      this.#end = next;
    }
    return this.#scratch + at - this.#begin;
  }
}
