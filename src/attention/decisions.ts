// The decisions about a block of queries and a block of keys, drawn as bits from the stream of the whole matrix of scores.
// Invariant: the decision about a score depends on its place in the matrix of all scores, not on the blocks.

import type { Running, Taking } from "../engine/pass.js";
import { byteLength } from "../ground/dtypes.js";

/** Kernels read the bits of 32 keys from eight bytes at once. */
const BEHIND = 16;

/** The bits of a block: their address, the index of the first, and the distance from one query to the next. */
export interface Bits {
  readonly keep: number;
  readonly keepAt: number;
  readonly keepStride: number;
}

const NONE: Bits = { keep: 0, keepAt: 0, keepStride: 0 };

export class Decisions {
  readonly #pass: Taking;
  readonly #keys: number;
  /** The keys of a query that are drawn at once: all, together with those of the queries behind it, or so many of each query. */
  readonly #span: number;
  readonly #scratch: number;
  // The part that scratch holds.
  #row = -1;
  #key = -1;

  /**
   * Takes room for blocks of at most `rows` queries. Drawing for a query from a key inside a tile has to catch up with it, so that all keys are drawn at once
   * unless there are more than `all`; then `span` keys are.
   */
  constructor(pass: Taking, keys: number, rows: number, all: number, span: number) {
    this.#pass = pass;
    this.#keys = keys;
    this.#span = keys <= all ? keys : span;
    this.#scratch = pass.draw.p === 0 ? 0 : pass.scratch(byteLength("bits", rows * this.#span) + BEHIND);
  }

  /** Returns the bits of `rows` queries, from row `row` of the scores on, and the keys from `key` on that end in the same span. */
  of(run: Running, row: number, rows: number, key: number): Bits {
    if (this.#scratch === 0) return NONE;
    const { engine, draw } = this.#pass;
    const [keys, span] = [this.#keys, this.#span];
    const from = span === keys ? 0 : key - (key % span);
    if (row !== this.#row || from !== this.#key) {
      const mask = engine.kernels.mask[draw.kind].bits;
      if (span === keys) mask(this.#scratch, rows * keys, run.params(row * keys));
      else {
        const some = Math.min(span, keys - from);
        for (let k = 0; k < rows; ++k) mask(this.#scratch + (k * span) / 8, some, run.params((row + k) * keys + from));
      }
      this.#row = row;
      this.#key = from;
    }
    return { keep: this.#scratch, keepAt: key - from, keepStride: span };
  }
}
