// The keys that the queries of a block see: numbers of keys by causal order and lengths, and the rows of an attention mask.

import type { Staged } from "../engine/operand.js";
import type { Taking } from "../engine/pass.js";
import { indexOf, rowsOf, stridesOf, type TakenMask } from "../fused/attention.js";
import { byteLength } from "../ground/dtypes.js";
import type { Form } from "./form.js";

/** Bytes of an address or a number in a table that kernels read. */
const ENTRY = 8;

export class Seen {
  readonly #pass: Taking;
  readonly #form: Form;
  readonly #leading: readonly number[];
  readonly #lengthOf: (row: number) => number;
  readonly #mask: MaskRows | undefined;
  /** Address of a number of keys for each query of the block, in f64. */
  readonly limits: number;

  /** Takes room for blocks of at most `rows` queries and `keys` keys. */
  constructor(pass: Taking, form: Form, mask: TakenMask | undefined, rows: number, keys: number) {
    const { scores } = form.sizes;
    this.#pass = pass;
    this.#form = form;
    this.#leading = scores.slice(0, -1);
    this.#lengthOf = lengthsOf(form);
    this.limits = pass.scratch(rows * ENTRY);
    this.#mask = mask === undefined ? undefined : new MaskRows(pass, mask, this.#leading, scores[scores.length - 1] as number, rows, keys);
  }

  /** Goes to the block of `rows` queries from row `row` of the scores on; returns the most keys that one of them sees. */
  goTo(row: number, rows: number): number {
    const { causal, sizes } = this.#form;
    const { queries, keys } = sizes;
    const limits = this.#pass.engine.memory.view("f64", this.limits, rows);
    let most = 0;
    for (let k = 0; k < rows; ++k) {
      const length = this.#lengthOf(row + k);
      const seen = causal ? Math.max(0, Math.min(length, ((row + k) % queries) + 1 + keys - queries)) : length;
      limits[k] = seen;
      most = Math.max(most, seen);
    }
    this.#mask?.goTo(row, rows);
    return most;
  }

  /** Returns the tables of the mask's rows, additive and boolean, for the block's queries and `keys` keys from `key` on; 0 for one that there is not. */
  tables(key: number, keys: number): { readonly added: number; readonly flags: number } {
    return this.#mask === undefined ? { added: 0, flags: 0 } : this.#mask.tables(key, keys);
  }
}

/** Returns the number of keys of a row of the scores that are not padding. */
function lengthsOf({ keyLengths, sizes: { scores, keys } }: Form): (row: number) => number {
  if (keyLengths === undefined) return () => keys;
  const rows = rowsOf(scores);
  const each = Math.max(1, rows / keyLengths.length);
  return (row) => keyLengths[Math.floor(row / each)] as number;
}

/** The rows of an attention mask that belong to the queries of a block, as kernels read them: where they lie, or copied to scratch. */
class MaskRows {
  readonly #pass: Taking;
  readonly #leading: readonly number[];
  readonly #additive: boolean;
  /** 1 where all keys of a row share an element. */
  readonly #width: number;
  readonly #strides: readonly number[];
  readonly #staged: Staged;
  /** True if kernels read rows where they lie. */
  readonly #ready: boolean;
  readonly #table: number;
  readonly #copies: number;
  readonly #size: number;
  // The mask's row of each query.
  readonly #rows: number[] = [];

  constructor(pass: Taking, mask: TakenMask, leading: readonly number[], keys: number, rows: number, most: number) {
    this.#pass = pass;
    this.#leading = leading;
    this.#additive = mask.kind === "additive";
    const width = mask.shape[mask.shape.length - 1] as number;
    this.#width = width === keys ? keys : 1;
    this.#strides = stridesOf(mask.shape.slice(0, -1), leading.length);
    this.#staged = pass.stage(mask.operand, width === keys ? Math.min(most, keys) : 1);
    this.#ready = this.#staged.resident && width === keys;
    this.#size = byteLength(this.#additive ? "f32" : "bytes", most);
    this.#table = pass.scratch(rows * ENTRY);
    this.#copies = this.#ready ? 0 : pass.scratch(rows * this.#size);
  }

  goTo(row: number, rows: number): void {
    this.#rows.length = 0;
    for (let k = 0; k < rows; ++k) this.#rows.push(indexOf(row + k, this.#leading, this.#strides));
  }

  tables(key: number, keys: number): { readonly added: number; readonly flags: number } {
    const { memory } = this.#pass.engine;
    const table = memory.view("f64", this.#table, this.#rows.length);
    const copied = new Map<number, number>();
    this.#rows.forEach((row, k) => {
      let address = copied.get(row);
      if (address === undefined) {
        address = this.#ready ? this.#staged.enter(row * this.#width + key, keys) : this.#copy(row, key, keys, copied.size);
        copied.set(row, address);
      }
      table[k] = address;
    });
    return this.#additive ? { added: this.#table, flags: 0 } : { added: 0, flags: this.#table };
  }

  /** Copies keys of a row of the mask to place `k` of scratch; returns the address. */
  #copy(row: number, key: number, keys: number, k: number): number {
    const { memory } = this.#pass.engine;
    const to = this.#copies + k * this.#size;
    const one = this.#width === 1;
    const from = one ? this.#staged.enter(row, 1) : this.#staged.enter(row * this.#width + key, keys);
    if (this.#additive) {
      const values = memory.view("f32", to, keys);
      if (one) values.fill(memory.view("f32", from, 1)[0] as number);
      else values.set(memory.view("f32", from, keys));
    } else {
      const values = memory.view("bytes", to, keys);
      if (one) values.fill(memory.view("bytes", from, 1)[0] as number);
      else values.set(memory.view("bytes", from, keys));
    }
    return to;
  }
}
