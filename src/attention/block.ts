// Blocks of queries and keys: their sizes, and the record by which kernels know them.
// Invariant: sizes depend on the shapes alone, so that results depend on neither where operands lie nor in what parts they are staged.

import type { Memory } from "../engine/memory.js";
import type { Staged, Taken } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import type { TakenMask } from "../fused/attention.js";
import { ATTENTION_RECORD, AttentionField, PANEL } from "../ground/abi.js";
import type { Decisions } from "./decisions.js";
import type { Form, Sizes } from "./form.js";
import { Seen } from "./seen.js";

/** Elements of k or v of a block: with those of the other matrix, and the scores, they stay in the L2 cache. */
const BLOCK = 16384;
/** The least keys of a block. */
const LEAST = 32;

/** Returns the number of keys of a block, at most `most`: a multiple of 32, the keys of a word of decisions. */
export function keysOfBlock({ depth, size }: Sizes, most: number): number {
  const fitting = Math.floor(BLOCK / Math.max(1, depth, size) / LEAST) * LEAST;
  return Math.max(LEAST, Math.min(most, fitting));
}

/** Returns `rows` rounded up to whole panels. */
export function panelsOf(rows: number): number {
  return Math.ceil(rows / PANEL) * PANEL;
}

/** Yields the blocks of a problem's queries, of at most `most`: those of one head only, unless that would leave most of a block empty. */
export function* queryBlocks({ rows, queries }: Sizes, most: number): Generator<{ readonly row: number; readonly rows: number }> {
  const run = queries >= most / 2 ? queries : rows;
  for (let begin = 0; begin < rows; begin += run) {
    for (let row = begin; row < begin + run; row += most) yield { row, rows: Math.min(most, begin + run - row) };
  }
}

/** A kernel's view of a block of queries and a block of keys. */
export class Block {
  readonly record: number;
  readonly #memory: Memory;
  readonly #seen: Seen;
  readonly #decisions: Decisions;
  #first = 0;
  #rows = 0;

  constructor(pass: Taking, form: Form, mask: TakenMask | undefined, decisions: Decisions, rows: number, keys: number) {
    this.record = pass.scratch(ATTENTION_RECORD);
    this.#memory = pass.engine.memory;
    this.#seen = new Seen(pass, form, mask, rows, keys);
    this.#decisions = decisions;
  }

  /** Writes fields of the record. */
  write(fields: { readonly [K in keyof typeof AttentionField]?: number }): void {
    const record = this.#memory.view("f64", this.record, AttentionField.fields);
    for (const name in fields)
      record[AttentionField[name as keyof typeof AttentionField]] = fields[name as keyof typeof AttentionField] as number;
  }

  /** Goes to the block of `rows` queries from row `row` of the scores on; returns the most keys that one of them sees. */
  goTo(row: number, rows: number): number {
    this.#first = row;
    this.#rows = rows;
    const most = this.#seen.goTo(row, rows);
    this.write({ rows, limits: this.#seen.limits });
    return most;
  }

  /** Goes to the block of `keys` keys from `key` on. */
  goToKeys(run: Running, key: number, keys: number): void {
    const { keep, keepAt, keepStride } = this.#decisions.of(run, this.#first, this.#rows, key);
    const { added, flags } = this.#seen.tables(key, keys);
    this.write({ first: key, keys, keep, keepAt, keepStride, added, flags });
  }
}

/** Rows of a matrix that is read, a block at a time; a block that comes again is not staged anew. */
export class Window {
  readonly #staged: Staged;
  readonly #columns: number;
  #row = -1;
  #rows = -1;
  #address = 0;

  constructor(pass: Taking, operand: Taken, rows: number, columns: number) {
    this.#staged = pass.stage(operand, rows * columns);
    this.#columns = columns;
  }

  /** Returns the address of `rows` rows from row `row` on. */
  enter(row: number, rows: number): number {
    if (row !== this.#row || rows !== this.#rows) {
      this.#address = this.#staged.enter(row * this.#columns, rows * this.#columns);
      this.#row = row;
      this.#rows = rows;
    }
    return this.#address;
  }
}
