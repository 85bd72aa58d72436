/// <reference lib="esnext.disposable" preserve="true" />

// A handle on data that lies in wasm memory.

import { wrongKind } from "../ground/check.js";
import type { Arrays, BufferDtype } from "../ground/dtypes.js";
import type { Memory } from "./memory.js";

// Engines without explicit resource management have no such symbol yet; the registered one is what polyfills agree on.
const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/**
 * Data in wasm memory, made by {@link Dropout.alloc} and {@link Dropout.from}: what the kernels read and write without a copy.
 *
 * It stays valid when the memory grows; a typed array taken from `array` does not, so take `array` anew after anything that may allocate.
 * Free it with `free()` or `using`; the garbage collector does not.
 */
export class WasmBuffer<D extends BufferDtype = BufferDtype> {
  readonly #dtype: D;
  readonly #length: number;
  readonly #memory: Memory;
  #pointer: number;
  #view: Arrays<ArrayBuffer>[D] | undefined;

  /** @internal Takes over the block at `pointer`. */
  constructor(memory: Memory, dtype: D, pointer: number, length: number) {
    this.#memory = memory;
    this.#pointer = pointer;
    this.#dtype = dtype;
    this.#length = length;
  }

  /** "f32", "f64", "f16", "bf16", "bytes" (a byte an element) or "bits" (a bit an element, least significant first). */
  get dtype(): D {
    return this.#dtype;
  }

  /** Number of elements. */
  get length(): number {
    return this.#length;
  }

  /**
   * The data as a typed array over wasm memory: Float32Array, Float64Array, Uint16Array (for "f16" and "bf16"), or Uint8Array (for "bits" of ceil(length / 8) bytes).
   *
   * @throws TypeError after free()
   * @example
   * const x = dropout.alloc("f32", 4);
   * x.array.set([1, 2, 3, 4]);
   */
  get array(): Arrays<ArrayBuffer>[D] {
    const pointer = this.pointer;
    if (this.#view?.buffer !== this.#memory.buffer) this.#view = this.#memory.view(this.dtype, pointer, this.length);
    return this.#view as Arrays<ArrayBuffer>[D];
  }

  /** Byte address in wasm memory, a multiple of 64. Throws TypeError after free(). */
  get pointer(): number {
    if (this.#pointer < 0) throw wrongKind("buffer", "live buffer", this);
    return this.#pointer;
  }

  /** Whether free() was called. */
  get freed(): boolean {
    return this.#pointer < 0;
  }

  /** @internal Whether it lies in `memory`. */
  livesIn(memory: Memory): boolean {
    return this.#memory === memory;
  }

  /**
   * Gives the memory back. A second call does nothing; any other use throws from now on. Typed arrays taken from `array` before must not be used any more:
   * what they show may belong to another buffer.
   *
   * @example
   * const x = dropout.alloc("f32", 4);
   * x.free();
   */
  free(): void {
    if (this.#pointer < 0) return;
    this.#memory.release(this.#pointer);
    this.#pointer = -1;
    this.#view = undefined;
  }

  /** Same as free(), for `using`. */
  [DISPOSE](): void {
    this.free();
  }

  get [Symbol.toStringTag](): string {
    return `${this.freed ? "freed " : ""}${this.dtype} buffer`;
  }
}

/** A buffer of dtype D; of one of them, where D is several. */
export type BufferOf<D extends BufferDtype> = D extends BufferDtype ? WasmBuffer<D> : never;
