/// <reference lib="esnext.disposable" preserve="true" />

// A handle on data in wasm memory.

import { wrongKind } from "../ground/check.js";
import { type Arrays, type BufferDtype, byteLength } from "../ground/dtypes.js";
import { inspectable } from "../ground/inspect.js";
import type { Memory } from "./memory.js";

// Engines without explicit resource management have no such symbol yet; the registered one is what polyfills agree on.
const DISPOSE: typeof Symbol.dispose = /* @__PURE__ */ disposeSymbol();
function disposeSymbol(): typeof Symbol.dispose {
  return Symbol.dispose ?? Symbol.for("Symbol.dispose");
}

/** Elements that a printed buffer shows. */
const SHOWN = 8;

/** A block of memory and its state, apart from the handle, which must not keep itself alive. */
interface Block {
  readonly memory: Memory;
  readonly bytes: number;
  /** False for data of the host, which are not the instance's to give back. */
  readonly owned: boolean;
  /** Address, or -1 once freed. */
  pointer: number;
  /** True if the caller has seen address or bytes, which may then be in use without the handle. */
  exposed: boolean;
}

/** Returns the address of a block, or -1 once it was freed. */
function addressOf({ memory, pointer }: Block): number {
  return memory.disposed ? -1 : pointer;
}

// Some engines of the edge have none: there, buffers that are forgotten stay taken.
const forgotten: FinalizationRegistry<Block> | undefined =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : /* @__PURE__ */ new FinalizationRegistry((block) => {
        try {
          if (!block.exposed) release(block);
        } catch {
          // The host's free() throws once its program has ended, and its memory with it. Nobody is there to be told.
        }
      });

// True while the prototype lacks the methods whose names are computed: in the class they would keep bundlers from leaving it out.
let bare = true;

function release(block: Block): void {
  const { memory, bytes, owned } = block;
  const pointer = addressOf(block);
  block.pointer = -1;
  if (pointer < 0 || !owned) return;
  --memory.buffers.count;
  memory.buffers.bytes -= bytes;
  memory.release(pointer);
}

/**
 * Data in wasm memory, made by {@link Dropout.alloc} and {@link Dropout.from}: what the kernels read and write without a copy.
 *
 * It stays valid when the memory grows; a typed array taken from `array` does not, so take `array` anew after anything that may allocate.
 * Free it with `free()`, `using` or {@link Dropout.tidy}. A buffer that is unreachable is freed by the garbage collector, at a time of its choice,
 * but only if neither `array` nor `pointer` was ever read: what they showed may still be in use.
 */
export class WasmBuffer<D extends BufferDtype = BufferDtype> {
  readonly #dtype: D;
  readonly #length: number;
  readonly #block: Block;
  #view: Arrays<ArrayBuffer>[D] | undefined;

  /** @internal Takes over the block at `pointer`, unless that is not `owned`. */
  constructor(memory: Memory, dtype: D, pointer: number, length: number, owned = true) {
    this.#dtype = dtype;
    this.#length = length;
    const bytes = byteLength(dtype, length);
    this.#block = { memory, bytes, owned, pointer, exposed: false };
    if (owned) {
      ++memory.buffers.count;
      memory.buffers.bytes += bytes;
    }
    forgotten?.register(this, this.#block, this.#block);
    memory.scope?.push(this);
    if (bare) {
      bare = false;
      inspectable(WasmBuffer.prototype, WasmBuffer.#shown);
      Object.defineProperty(WasmBuffer.prototype, DISPOSE, { configurable: true, writable: true, value: WasmBuffer.prototype.free });
    }
  }

  /** @internal Whether `value` is a buffer made by this package; own properties cannot pretend it. */
  static _is(value: unknown): value is WasmBuffer {
    return typeof value === "object" && value !== null && #block in value;
  }

  /** @internal The dtype, whatever own properties say. */
  static _dtypeOf(buffer: WasmBuffer): BufferDtype {
    return buffer.#dtype;
  }

  /** @internal The length, whatever own properties say. */
  static _lengthOf(buffer: WasmBuffer): number {
    return buffer.#length;
  }

  /** @internal The address, which stays unknown to the caller; -1 once freed. */
  static _addressOf(buffer: WasmBuffer): number {
    return addressOf(buffer.#block);
  }

  /** @internal The memory that it lies in. */
  static _memoryOf(buffer: WasmBuffer): Memory {
    return buffer.#block.memory;
  }

  /** @internal Its data, which stay unknown to the caller. */
  static _viewOf(buffer: WasmBuffer): Arrays<ArrayBuffer>[BufferDtype] {
    const { memory, pointer } = buffer.#block;
    return memory.view(buffer.#dtype, pointer, buffer.#length);
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
    const { memory } = this.#block;
    if (this.#view?.buffer !== memory.buffer) this.#view = memory.view(this.#dtype, pointer, this.#length);
    return this.#view as Arrays<ArrayBuffer>[D];
  }

  /** Byte address in wasm memory, a multiple of 64. Throws TypeError after free(). */
  get pointer(): number {
    const block = this.#block;
    if (this.freed) throw wrongKind("buffer", "live buffer", this);
    block.exposed = true;
    return block.pointer;
  }

  /** True if the memory was given back. */
  get freed(): boolean {
    return addressOf(this.#block) < 0;
  }

  /**
   * Gives the memory back. A second call does nothing; any other use throws from now on. Typed arrays taken from `array` before must not be used any more:
   * their bytes may belong to another buffer.
   *
   * @example
   * const x = dropout.alloc("f32", 4);
   * x.free();
   */
  free(): void {
    if (this.freed) return;
    forgotten?.unregister(this.#block);
    release(this.#block);
    this.#view = undefined;
  }

  /** Same as free(), for `using`. */
  declare [DISPOSE]: () => void;

  get [Symbol.toStringTag](): string {
    // Consoles also show the prototype, and what inherits from it.
    if (!WasmBuffer._is(this)) return "WasmBuffer";
    return `${this.freed ? "freed " : ""}${this.#dtype} buffer`;
  }

  /** Returns the text that consoles print for a buffer, or for the prototype. */
  static #shown(value: unknown): string {
    if (!WasmBuffer._is(value)) return "WasmBuffer {}";
    const name = `${value[Symbol.toStringTag]}(${value.#length})`;
    if (value.freed) return name;
    const items = WasmBuffer._viewOf(value);
    return `${name} [${Array.from(items.subarray(0, SHOWN)).join(", ")}${items.length > SHOWN ? ", …" : ""}]`;
  }
}

/** A buffer of dtype D; of one of them, where D is several. */
export type BufferOf<D extends BufferDtype> = D extends BufferDtype ? WasmBuffer<D> : never;
