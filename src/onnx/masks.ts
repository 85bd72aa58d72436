// The feeds of a model's dropouts for several passes at once, in arrays that are written again and again: masks of bytes, or data that are dropped from.

import type { Engine } from "../engine/engine.js";
import { wrongKind } from "../ground/check.js";
import { layerOfName } from "../stream/domains.js";
import { type Drawing, drawRows, dropRows, Streams } from "./rows.js";
import { around, copy, type Elements, type Values } from "./runtime.js";
import { type Growth, sizesOf } from "./separable.js";
import type { LiveSite } from "./split.js";

/** The examples and passes that run at once. */
export interface Drawn {
  readonly samples: number;
  /** Number of passes. */
  readonly count: number;
  readonly perExample: boolean;
  readonly firstSample: number;
}

/** The feed of a dropout. */
export interface SiteFeed {
  /** The tensor. */
  readonly values: Values;
  /** Bytes of the arrays. */
  readonly bytes: number;
  /** Writes it for the passes from number `first` on. */
  draw(engine: Engine, drawing: Drawing, first: number): void;
}

/** Returns the parts of a tensor's shape: the elements of an example are [outer, perRow * inner]. */
function partsOf({ dims, axis }: Growth): { outer: number; perRow: number; features: number } {
  const all = dims.reduce((a, b) => a * b, 1);
  if (axis < 0) return { outer: 1, perRow: 1, features: all };
  const { outer, size } = around(dims, axis);
  return { outer, perRow: size, features: all };
}

/** The mask of a dropout. */
export class SiteMask implements SiteFeed {
  readonly #p: number;
  readonly #streams: Streams;
  readonly #drawn: Drawn;
  /** True if the examples of a pass have one row. */
  readonly #shared: boolean;
  // One for each example of each pass, or for each pass.
  readonly #rows: Uint8Array<ArrayBuffer>;
  readonly #all: Uint8Array<ArrayBuffer>;
  readonly #total: number;
  readonly #outer: number;
  readonly values: Values;

  constructor({ name, p, form }: Pick<LiveSite, "name" | "p" | "form">, growth: Growth, drawn: Drawn) {
    const { samples, count, perExample, firstSample } = drawn;
    const { outer, perRow, features } = partsOf(growth);
    const shared = !perExample && samples > 1;
    this.#p = p;
    this.#streams = new Streams(layerOfName(name), count, perExample ? firstSample : undefined);
    this.#drawn = drawn;
    this.#shared = shared;
    this.#rows = new Uint8Array((shared ? count : count * samples) * features);
    // A mask that all examples share is broadcast, if the axis of examples has one place for each.
    const broadcast = shared && count === 1 && perRow === 1;
    this.#total = broadcast ? 1 : count * samples;
    this.#all = shared && !broadcast ? new Uint8Array(this.#total * features) : this.#rows;
    this.#outer = outer;
    const data = outer > 1 ? new Uint8Array(this.#all.length) : this.#all;
    this.values = { type: form === "bool" ? "bool" : "uint8", dims: sizesOf(growth, this.#total), data };
  }

  get bytes(): number {
    return this.#rows.length + this.#all.length + (this.values.data as Uint8Array).length;
  }

  draw(engine: Engine, drawing: Drawing, first: number): void {
    const { samples, count } = this.#drawn;
    const rows = this.#rows;
    const all = this.#all;
    this.#streams.begin(first);
    drawRows(engine, drawing, this.#p, rows, count, this.#shared ? 1 : samples, this.#streams);
    if (all !== rows) {
      const features = all.length / this.#total;
      for (let row = 0; row < this.#total; ++row) copy(all, row * features, rows, Math.floor(row / samples) * features, features);
    }
    if (this.#outer > 1) placeRows(this.values.data, all, this.#total, this.#outer);
  }
}

/** Data that are the same in all passes, with what a dropout drops from them. */
export class DroppedData implements SiteFeed {
  readonly #p: number;
  readonly #streams: Streams;
  readonly #drawn: Drawn;
  readonly #rows: Float32Array<ArrayBuffer>;
  readonly #outer: number;
  readonly values: Values;
  /** [samples, features], set by take(). */
  #data: Float32Array<ArrayBuffer>;

  constructor({ name, p }: Pick<LiveSite, "name" | "p">, growth: Growth, drawn: Drawn) {
    const { samples, count, perExample, firstSample } = drawn;
    const { outer, features } = partsOf(growth);
    const length = samples * features;
    this.#p = p;
    this.#streams = new Streams(layerOfName(name), count, perExample ? firstSample : undefined);
    this.#drawn = drawn;
    this.#outer = outer;
    this.#rows = new Float32Array(count * length);
    this.#data = new Float32Array(outer > 1 ? length : 0);
    this.values = {
      type: "float32",
      dims: sizesOf(growth, samples * count),
      data: outer > 1 ? new Float32Array(count * length) : this.#rows,
    };
  }

  get bytes(): number {
    return Float32Array.BYTES_PER_ELEMENT * (this.#rows.length + this.#data.length + (this.values.data as Float32Array).length);
  }

  /** Takes the data, as long as they stay as they are. */
  take({ type, data }: Values): void {
    if (type !== "float32") throw wrongKind("data", "tensor of float32", type);
    if (this.#outer > 1) gatherRows(this.#data, data, this.#drawn.samples, this.#outer);
    else this.#data = data as unknown as Float32Array<ArrayBuffer>;
  }

  draw(engine: Engine, drawing: Drawing, first: number): void {
    const { samples, count } = this.#drawn;
    this.#streams.begin(first);
    dropRows(engine, drawing, this.#p, this.#data, this.#rows, count, samples, this.#streams);
    if (this.#outer > 1) placeRows(this.values.data, this.#rows, samples * count, this.#outer);
  }
}

/** Copies rows, each an example's [outer, inner], into a tensor [outer, examples, inner]. */
function placeRows(to: Elements, rows: Elements, count: number, outer: number): void {
  const features = rows.length / count;
  const inner = features / outer;
  for (let row = 0; row < count; ++row) {
    for (let o = 0; o < outer; ++o) copy(to, (o * count + row) * inner, rows, row * features + o * inner, inner);
  }
}

/** Copies a tensor [outer, examples, inner] into rows, each an example's [outer, inner]. */
function gatherRows(rows: Elements, from: Elements, count: number, outer: number): void {
  const features = rows.length / count;
  const inner = features / outer;
  for (let row = 0; row < count; ++row) {
    for (let o = 0; o < outer; ++o) copy(rows, row * features + o * inner, from, (o * count + row) * inner, inner);
  }
}
