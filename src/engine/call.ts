// One call of a kernel over operands of any length, wherever they lie: the only place that runs kernels.

import { checkChoice } from "../ground/check.js";
import { type BufferDtype, type DataDtype, DTYPES } from "../ground/dtypes.js";
import { keepFactor, scale, threshold } from "../stream/probability.js";
import type { Sequence } from "../stream/sequence.js";
import { checkStart, Recipe, type Rescale } from "../stream/ticket.js";
import { STREAM_KINDS, type StreamKind } from "./kernels.js";
import { DATA_SLOT, type Draw, MASK_SLOT, type Memory, PARAMS, STAGED } from "./memory.js";
import { type Conversion, Operand } from "./operand.js";

// Kernels count elements in signed 32 bits.
const CHUNK = 2 ** 30;

type Kernel = (...args: number[]) => number | undefined;

/** Operands and recipe of the present call; kept between calls so that a call allocates nothing. */
export class Call {
  readonly input: Operand;
  readonly output: Operand;
  readonly mask: Operand;
  readonly recipe = new Recipe();
  /** Of which data there are kernels. */
  dtypes: readonly DataDtype[] = DTYPES;
  /** What brings 16-bit data to f32 and back, for kernels that know f32 only. */
  conversions: readonly Conversion[] = [];
  readonly #memory: Memory;
  readonly #sequence: Sequence;
  readonly #chunk: number;
  readonly #draw: Draw = { seed: this.recipe.seed, stream: this.recipe.stream, threshold: 0, scale: 1 };
  // What the draw's threshold and scale were last made from: a layer asks for the same again and again.
  #p = 0;
  #kind: StreamKind = "tile";
  #rescale: Rescale = "train";
  #dtype: DataDtype = "f32";

  /** @param chunk the most elements that one kernel call takes, a multiple of 8 */
  constructor(memory: Memory, sequence: Sequence, chunk = CHUNK) {
    this.#memory = memory;
    this.#sequence = sequence;
    this.#chunk = chunk;
    this.input = new Operand(memory, DATA_SLOT);
    this.output = new Operand(memory, DATA_SLOT);
    this.mask = new Operand(memory, MASK_SLOT);
  }

  /** Takes the stream that a call's options name, or the next of the sequence, which stays there for now. */
  takeStream(kind: StreamKind = this.#sequence.kind, seed: unknown, stream: unknown): void {
    const { recipe } = this;
    checkChoice(kind, "kind", STREAM_KINDS);
    recipe.kind = kind;
    if (seed === undefined) recipe.seed.copy(this.#sequence.seed);
    else recipe.seed.set(seed, "seed");
    if (stream === undefined) recipe.stream.copy(this.#sequence.next);
    else recipe.stream.set(stream, "stream");
  }

  /** Takes the place in the stream of a call on `length` elements. */
  takeRange(length: number, start: unknown = 0): void {
    checkStart(start, "start", length);
    this.recipe.start = start;
    this.recipe.length = length;
  }

  /** Moves the sequence on if the call took its stream from there. */
  useStream(stream: unknown): void {
    if (stream === undefined) this.#sequence.next.increment();
  }

  /** What a kept element is multiplied by, as setChance() found it. */
  get scale(): number {
    return this.#draw.scale;
  }

  /** Sets threshold and scale to those of the recipe's probability. */
  setChance(dtype: DataDtype): void {
    const { p, kind, rescale } = this.recipe;
    if (p === this.#p && kind === this.#kind && rescale === this.#rescale && dtype === this.#dtype) return;
    const draw = this.#draw;
    const t = threshold(p, kind);
    draw.threshold = t;
    // Infinite where everything is dropped, which tells kernels of stored masks so.
    draw.scale = scale(t, kind, dtype);
    if (rescale !== "train" && draw.scale < Infinity) {
      draw.scale = rescale === "none" ? 1 : keepFactor(t, kind, dtype);
      if (rescale === "test") draw.threshold = 0;
    }
    this.#p = p;
    this.#kind = kind;
    this.#rescale = rescale;
    this.#dtype = dtype;
  }

  /** Has `kernel` write elements at..at+count-1 of the recipe's mask to an address in wasm memory. */
  draw(kernel: (dst: number, n: number, params: number) => unknown, pointer: number, at: number, count: number): void {
    this.#memory.writeParams(this.#draw, this.recipe.start + at);
    kernel(pointer, count, PARAMS);
  }

  /** Has `kernel` take elements at..at+count-1 of data through the recipe's mask, from one address in wasm memory to another. */
  drop(kernel: Kernel, dst: number, src: number, at: number, count: number): void {
    this.#memory.writeParams(this.#draw, this.recipe.start + at);
    kernel(dst, src, count, PARAMS);
  }

  /** Runs `kernel` from an extension's `input` to its `output`, both of one dtype: what lies outside wasm memory goes through one slot, in place. */
  transform(kernel: Kernel, output: Operand, input: Operand): void {
    output.slot = input.slot = DATA_SLOT;
    this.run(kernel, output, input);
  }

  /** Runs `kernel` on its operands in the order of its signature, piece by piece if one lies outside wasm memory; returns the sum of its results. */
  run(kernel: Kernel, a: Operand, b?: Operand, c?: Operand): number {
    const { length } = a;
    const resident = a.resident && b?.resident !== false && c?.resident !== false;
    const most = resident ? this.#chunk : a.dtype === "f64" ? STAGED / 2 : STAGED;
    let sum = 0;
    for (let at = 0; at < length; at += most) {
      const count = Math.min(most, length - at);
      this.#memory.writeParams(this.#draw, this.recipe.start + at);
      const first = a.enter(at, count);
      let result: number | undefined;
      if (b === undefined) {
        result = kernel(first, count, PARAMS);
      } else {
        const second = b.enter(at, count);
        result = c === undefined ? kernel(first, second, count, PARAMS) : kernel(first, second, c.enter(at, count), count, PARAMS);
      }
      if (result !== undefined) sum += result >>> 0;
      a.leave(at, count);
      b?.leave(at, count);
      c?.leave(at, count);
    }
    return sum;
  }

  /** What brings data of `dtype` to f32 and back; undefined for those that need none. */
  conversionOf(dtype: BufferDtype): Conversion | undefined {
    return this.conversions.find((conversion) => conversion.dtype === dtype);
  }

  /** Lets go of the caller's arrays. */
  end(): void {
    this.input.clear();
    this.output.clear();
    this.mask.clear();
  }
}
