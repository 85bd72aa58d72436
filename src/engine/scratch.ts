// Scratch of calls, in a block of wasm memory of its own as far as that suffices: a call that made the memory grow would detach the caller's
// typed arrays over it.
// Invariant: the block is taken when an instance is first extended and stays; buffers never lie in it.

import { Allocator } from "../ground/allocator.js";
import type { Memory } from "./memory.js";

/**
 * Bytes of the block: the pieces of f32 that layer norm's gradient stages of five matrices of 16-bit data, its decisions, and sums for some
 * thousand columns.
 */
const BLOCK = 2 ** 19;
/** The part of the most bytes that an instance may use which the block must not exceed. */
const SHARE = 1 / 16;

export class Scratch {
  readonly #memory: Memory;
  readonly #allocator = new Allocator();
  #start = 0;
  #end = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Sets the block aside, unless that was done before. */
  reserve(): void {
    if (this.#end > 0 || BLOCK > this.#memory.maxBytes * SHARE) return;
    try {
      this.#start = this.#memory.allocate("bytes", BLOCK, "scratch");
    } catch {
      // Without a block, scratch is found as buffers are.
      return;
    }
    this.#end = this.#start + BLOCK;
    this.#allocator.extend(this.#start, this.#end);
  }

  /** Returns the address of `bytes` uninitialised bytes; throws RangeError if the memory cannot grow that far. */
  take(bytes: number): number {
    const fits = this.#allocator.shortage(bytes, this.#end) === 0;
    return fits ? this.#allocator.take(bytes) : this.#memory.allocate("bytes", bytes, "scratch");
  }

  /** Gives back a block of take(). */
  release(pointer: number): void {
    if (pointer >= this.#start && pointer < this.#end) this.#allocator.release(pointer);
    else this.#memory.release(pointer);
  }
}
