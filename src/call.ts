// One call of a kernel over operands of any length, wherever they lie: the only place that runs kernels.

import type { Dtype } from "./dtypes.js";
import type { StreamKind } from "./kernels.js";
import { DATA_SLOT, type Draw, MASK_SLOT, type Memory, PARAMS, STAGED } from "./memory.js";
import { Operand } from "./operand.js";
import { scale, threshold } from "./probability.js";
import { Recipe } from "./ticket.js";

// Kernels count elements in signed 32 bits.
const CHUNK = 2 ** 30;

type Kernel = (...args: number[]) => number | undefined;

/** Operands and recipe of the present call; kept between calls so that a call allocates nothing. */
export class Call {
  readonly input: Operand;
  readonly output: Operand;
  readonly mask: Operand;
  readonly recipe = new Recipe();
  readonly #memory: Memory;
  readonly #chunk: number;
  readonly #draw: Draw = { seed: this.recipe.seed, stream: this.recipe.stream, threshold: 0, scale: 1 };
  // What the draw's threshold and scale were last made from: a layer asks for the same again and again.
  #p = 0;
  #kind: StreamKind = "tile";
  #dtype: Dtype = "f32";

  /** @param chunk the most elements that one kernel call takes, a multiple of 8 */
  constructor(memory: Memory, chunk = CHUNK) {
    this.#memory = memory;
    this.#chunk = chunk;
    this.input = new Operand(memory, DATA_SLOT);
    this.output = new Operand(memory, DATA_SLOT);
    this.mask = new Operand(memory, MASK_SLOT);
  }

  /** Sets threshold and scale to those of the recipe's probability. */
  setChance(dtype: Dtype): void {
    const { p, kind } = this.recipe;
    if (p === this.#p && kind === this.#kind && dtype === this.#dtype) return;
    this.#draw.threshold = threshold(p, kind);
    this.#draw.scale = scale(this.#draw.threshold, kind, dtype);
    this.#p = p;
    this.#kind = kind;
    this.#dtype = dtype;
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

  /** Lets go of the caller's arrays. */
  end(): void {
    this.input.clear();
    this.output.clear();
    this.mask.clear();
  }
}
