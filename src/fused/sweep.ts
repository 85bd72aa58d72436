// A sweep: one pass over a matrix of any size, wherever its operands lie, piece by piece, with dropout's decisions drawn beside it.
// Invariant: all that a sweep needs is allocated when it is taken, so that running it cannot fail; results do not depend on the pieces.

import { CHUNK } from "../engine/memory.js";
import type { Staged, StagedData, Taken, TakenData } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import { PIECE, pieces, rowsOfPiece } from "../engine/pieces.js";
import { TILE } from "../ground/abi.js";

/** A draw that begins inside a tile has to catch up, and masks take two tiles at once: draws end at multiples of so many elements. */
const TILES = 2 * TILE;

/** A part of the matrix. */
export interface Part {
  /** Offset of its first element. */
  readonly at: number;
  /** Number of elements. */
  readonly count: number;
  /** Its first row, and the number of rows; 0 where a sweep goes by elements. */
  readonly row: number;
  readonly rows: number;
}

/** Computes one part; `keep` is the address of a byte for each of its elements, 1 = keep, or 0 where nothing was drawn. */
export type Body = (part: Part, keep: number) => void;

type Decide = (run: Running, at: number, count: number) => number;

export class Sweep {
  readonly #pass: Taking;
  readonly #parts: (whole: boolean) => Iterable<Part>;
  /** The most elements of a part that is not all. */
  readonly most: number;
  readonly #mostRows: number;
  readonly #matrices: Staged[] = [];
  readonly #vectors: Staged[] = [];
  #decide: Decide | undefined;
  // Whether one part may be all, if all operands lie in wasm memory.
  #whole = false;

  private constructor(pass: Taking, most: number, mostRows: number, parts: (whole: boolean) => Iterable<Part>) {
    this.#pass = pass;
    this.most = most;
    this.#mostRows = mostRows;
    this.#parts = parts;
  }

  /** Returns a sweep over the elements of the draw, in parts that begin where the stream has tiles. */
  static ofElements(pass: Taking): Sweep {
    const { draw } = pass;
    return new Sweep(pass, PIECE, 0, function* (whole) {
      const { start, length } = draw;
      const most = whole ? CHUNK : PIECE;
      for (let at = 0; at < length; ) {
        const count = Math.min(most - ((start + at) % most), length - at);
        yield { at, count, row: 0, rows: 0 };
        at += count;
      }
    });
  }

  /** Returns a sweep over whole rows; no part goes beyond a multiple of `period` rows. */
  static ofRows(pass: Taking, rows: number, columns: number, period = rows): Sweep {
    const most = rowsOfPiece(columns);
    return new Sweep(pass, most * columns, most, function* () {
      for (let from = 0; from < rows; from += period) {
        for (const { at, count, row, rows: some } of pieces(Math.min(period, rows - from), columns, true)) {
          yield { at: from * columns + at, count, row: from + row, rows: some };
        }
      }
    });
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

  /** Has the decisions of each part drawn in front of it, as bytes, unless nothing is dropped. Returns whether there are any. */
  drawBytes(): boolean {
    if (this.#pass.draw.p === 0) return false;
    this.#decide = takeDecisions(this.#pass, this.most);
    return true;
  }

  /** Allows a sweep over elements to take all at once. */
  allowWhole(): void {
    this.#whole = true;
  }

  /** Runs `body` on the parts in order, and brings results to where they belong. */
  run(run: Running, body: Body): void {
    const whole = this.#whole && this.#matrices.every(({ resident }) => resident);
    for (const part of this.#parts(whole)) {
      body(part, this.#decide === undefined ? 0 : this.#decide(run, part.at, part.count));
      for (const operand of this.#matrices) operand.leave(part.at, part.count);
      for (const operand of this.#vectors) operand.leave(part.row, part.rows);
    }
  }
}

/** Takes room for the decisions of parts of at most `most` elements that follow each other: drawn to the end of two tiles, the rest kept for the next. */
function takeDecisions(pass: Taking, most: number): Decide {
  const { draw, engine } = pass;
  const { start, length } = draw;
  const kernel = engine.kernels.mask[draw.kind].bytes;
  const size = Math.min(most + TILES, length);
  const scratch = pass.scratch(size);
  // Scratch holds the decisions of elements begin..end-1.
  let begin = 0;
  let end = 0;
  return (run, at, count) => {
    if (at + count > end) {
      if (end > at) engine.memory.view("bytes", scratch, size).copyWithin(0, at - begin, end - begin);
      begin = at;
      const next = Math.min(Math.ceil((start + at + count) / TILES) * TILES - start, length);
      kernel(scratch + end - begin, next - end, run.params(end));
      end = next;
    }
    return scratch + at - begin;
  };
}
