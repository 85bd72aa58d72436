// The masks of passes, drawn as bytes straight into the arrays that are fed: a row for each example, or one for all.

import type { Engine } from "../engine/engine.js";
import { pieces } from "../engine/pieces.js";
import type { Words } from "../ground/words.js";
import { setStream } from "../monte-carlo/streams.js";
import { layerOfName } from "../stream/domains.js";
import type { StreamKind } from "../stream/kinds.js";
import type { Arrays } from "./arrays.js";
import { around, copy, type Values } from "./runtime.js";
import type { Growth } from "./separable.js";
import type { LiveSite } from "./split.js";

/** The decisions of a run. */
export interface Drawing {
  readonly kind: StreamKind;
  readonly seed: bigint;
}

/**
 * Draws rows of a mask, 1 = keep, each from the start of a stream of its own.
 *
 * @param out [rows, features]
 * @param setStream sets the number of a row's stream
 */
export function drawRows(
  engine: Engine,
  { kind, seed }: Drawing,
  p: number,
  out: Uint8Array<ArrayBuffer>,
  rows: number,
  setStream: (stream: Words, row: number) => void,
): void {
  const pass = engine.open();
  try {
    const features = rows === 0 ? 0 : out.length / rows;
    const output = pass.output(out, "mask", "bytes", out.length, undefined);
    const { draw } = pass;
    draw.choose(kind, seed, 0);
    draw.range(features, 0);
    draw.chance(p, "train", true);
    const dst = pass.stageFixed(output);
    const run = pass.ready();
    const kernel = engine.kernels.mask[kind].bytes;
    for (const { at, count, row, rows: some, column, columns } of pieces(rows, features)) {
      const to = dst.enter(at, count);
      for (let r = 0; r < some; ++r) {
        setStream(draw.stream, row + r);
        kernel(to + r * columns, columns, run.params(column));
      }
      dst.leave(at, count);
    }
  } finally {
    engine.close(pass);
  }
}

/** The examples and passes whose masks are fed at once. */
export interface Drawn {
  readonly samples: number;
  /** Number of passes. */
  readonly count: number;
  readonly perExample: boolean;
  readonly firstSample: number;
}

/** The mask of a dropout for runs of so many passes, which is drawn into the same array again and again. */
export class SiteMask {
  readonly #p: number;
  readonly #layer: number;
  readonly #drawn: Drawn;
  /** True if the examples of a pass have one row. */
  readonly #shared: boolean;
  // Rows drawn: one for each example of each pass, or for each pass.
  readonly #count: number;
  readonly #rows: Uint8Array<ArrayBuffer>;
  readonly #all: Uint8Array<ArrayBuffer>;
  readonly #total: number;
  readonly #outer: number;
  /** The tensor that is fed. */
  readonly values: Values;

  constructor({ name, p, mask }: Pick<LiveSite, "name" | "p" | "mask">, { dims, axis }: Growth, drawn: Drawn, arrays: Arrays) {
    const { samples, count, perExample } = drawn;
    const { outer, size: perRow, inner } = axis < 0 ? { outer: 1, size: 1, inner: dims.reduce((a, b) => a * b, 1) } : around(dims, axis);
    const features = outer * perRow * inner;
    const shared = !perExample && samples > 1;
    this.#p = p;
    this.#layer = layerOfName(name);
    this.#drawn = drawn;
    this.#shared = shared;
    this.#count = shared ? count : count * samples;
    this.#rows = arrays.bytes(`${mask} drawn`, this.#count * features);
    // A mask that all examples share is broadcast, if the axis of examples has one place for each.
    const broadcast = shared && count === 1 && perRow === 1;
    this.#total = broadcast ? 1 : count * samples;
    this.#all = shared && !broadcast ? arrays.bytes(`${mask} all`, this.#total * features) : this.#rows;
    this.#outer = outer;
    const data = outer > 1 ? arrays.bytes(`${mask} placed`, this.#all.length) : this.#all;
    this.values = { type: "bool", dims: axis < 0 ? dims : dims.map((one, k) => (k === axis ? perRow * this.#total : one)), data };
  }

  /** Draws the masks of passes from number `first` on. */
  draw(engine: Engine, drawing: Drawing, first: number): void {
    const { samples, perExample, firstSample } = this.#drawn;
    const rows = this.#rows;
    const all = this.#all;
    const layer = this.#layer;
    drawRows(engine, drawing, this.#p, rows, this.#count, (stream, row) => {
      if (this.#shared) setStream(stream, first + row, layer, 0);
      else setStream(stream, first + Math.floor(row / samples), layer, perExample ? firstSample + (row % samples) : 0);
    });
    if (all !== rows) {
      const features = all.length / this.#total;
      for (let row = 0; row < this.#total; ++row) copy(all, row * features, rows, Math.floor(row / samples) * features, features);
    }
    if (this.#outer > 1) placeRows(this.values.data as Uint8Array, all, this.#total, this.#outer);
  }
}

/** Copies rows, each an example's [outer, inner], into a tensor [outer, examples, inner]. */
export function placeRows(to: Uint8Array, rows: Uint8Array, count: number, outer: number): void {
  const features = rows.length / count;
  const inner = features / outer;
  for (let row = 0; row < count; ++row) {
    for (let o = 0; o < outer; ++o) copy(to, (o * count + row) * inner, rows, row * features + o * inner, inner);
  }
}
