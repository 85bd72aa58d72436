// The wasm memory of one instance: the only file that touches `memory.buffer`. Low addresses hold the parameter record and two staging
// slots for arrays from outside; the allocator has the rest.
// Invariant: a view is used only while it belongs to the memory's present buffer, whoever made the memory grow.

import { Allocator } from "../ground/allocator.js";
import { bufferOf, offsetOf, wrongValue } from "../ground/check.js";
import { type Arrays, type BufferDtype, byteLength, viewOf } from "../ground/dtypes.js";
import type { Words } from "../ground/words.js";

const PAGE = 65536;
/** The end of 32-bit addresses. */
export const MAX_BYTES = 2 ** 32;

// asc's optimiser assumes that addresses below 1024 are unused (its lowMemoryLimit option), so the parameter record starts there; with
// its workspace, PARAMS_BYTES in all, it ends before the first staging slot.
/** Address of the parameter record. */
export const PARAMS = 1024;
/** Address of the staging slot for masks from outside. */
export const MASK_SLOT = 18 * 1024;
/** The most elements that are staged at once: bytes of a mask or f32 data. Together they fit the L2 cache of a small machine. */
export const STAGED = 32 * 1024;
/** Address of the staging slot for data from outside. */
export const DATA_SLOT = MASK_SLOT + STAGED;
const HEAP = DATA_SLOT + /* @__PURE__ */ byteLength("f32", STAGED);

/** Kernels count elements in signed 32 bits: the most elements that one is given at once, a multiple of 8. */
export const CHUNK = 2 ** 30;

/** The parameter record of assembly/stream/params.ts but for the element that it is about. */
export interface Params {
  readonly seed: Words;
  readonly stream: Words;
  readonly start: number;
  readonly threshold: number;
  readonly scale: number;
}

/** Live buffers, for messages. */
interface Census {
  count: number;
  bytes: number;
}

export class Memory {
  readonly wasm: WebAssembly.Memory;
  /** The most bytes to grow to. */
  readonly maxBytes: number;
  /** The buffers that callers hold. */
  readonly buffers: Census = { count: 0, bytes: 0 };
  /** The buffers made since the innermost tidy() began, if one is running. */
  scope: { free(): void }[] | undefined;
  readonly #allocator = new Allocator();
  // End of the highest block ever handed out: bytes above it are still the zeros that the engine made.
  #touched = HEAP;
  #buffer!: ArrayBuffer;
  // The parameter record, as words and, for its scale, as f64.
  #words!: Uint32Array;
  #scale!: Float64Array;

  /** @param maxBytes most bytes to grow to, at least those of the instance itself */
  constructor(maxBytes: number) {
    const initial = Math.ceil(HEAP / PAGE);
    this.maxBytes = maxBytes;
    // Without a maximum: some engines set the address space aside at once, and small machines refuse that.
    this.wasm = new WebAssembly.Memory({ initial });
    this.#allocator.extend(HEAP, initial * PAGE);
    this.#derive();
  }

  /** The memory's present buffer. */
  get buffer(): ArrayBuffer {
    // A buffer that growth has detached has no bytes, a live one always has.
    if (this.#buffer.byteLength === 0) this.#derive();
    return this.#buffer;
  }

  #derive(): void {
    this.#buffer = this.wasm.buffer as ArrayBuffer;
    this.#words = new Uint32Array(this.#buffer, PARAMS, 8);
    this.#scale = new Float64Array(this.#buffer, PARAMS + 32, 1);
  }

  /** Returns a fresh view of `length` elements at `pointer`. */
  view<D extends BufferDtype>(dtype: D, pointer: number, length: number): Arrays<ArrayBuffer>[D] {
    return viewOf(dtype, this.buffer, pointer, length);
  }

  /** Returns the address of `array`, called `name`, if it lies in this memory, else -1. Throws RangeError if it lies in the instance's own data. */
  addressOf(array: ArrayBufferView, name: string): number {
    if (bufferOf(array) !== this.buffer) return -1;
    const offset = offsetOf(array);
    if (offset < HEAP) throw wrongValue(name, "memory of a buffer", `address ${offset}, which is the instance's own`);
    return offset;
  }

  /**
   * Returns the address of a new, uninitialised block for `length` elements; grows the memory if it must.
   * Throws RangeError that names `name`, and changes nothing, where the memory cannot grow that far.
   */
  allocate(dtype: BufferDtype, length: number, name: string): number {
    const bytes = byteLength(dtype, length);
    const end = this.buffer.byteLength;
    const shortage = this.#allocator.shortage(bytes, end);
    if (shortage > 0) {
      const pages = Math.ceil(shortage / PAGE);
      if (end + pages * PAGE > this.maxBytes) throw this.#refusal(dtype, length, name);
      try {
        this.wasm.grow(pages);
      } catch (cause) {
        throw this.#refusal(dtype, length, name, cause);
      }
      // Only the pages that were added here: those that others grew are theirs.
      this.#allocator.extend(end, end + pages * PAGE);
    }
    const pointer = this.#allocator.take(bytes);
    this.#touched = Math.max(this.#touched, pointer + bytes);
    return pointer;
  }

  #refusal(dtype: BufferDtype, length: number, name: string, cause?: unknown): RangeError {
    const { count, bytes } = this.buffers;
    const held =
      count === 0 ? "" : ` (${count} live ${count === 1 ? "buffer holds" : "buffers hold"} ${bytes} bytes: free() or tidy() releases them)`;
    return wrongValue(
      name,
      `what fits beside the ${this.buffer.byteLength} bytes in use or kept, of at most ${this.maxBytes}${held}`,
      `${length} elements of ${dtype}, ${byteLength(dtype, length)} bytes`,
      cause,
    );
  }

  /** As allocate(), the bytes zero. */
  allocateZeros(dtype: BufferDtype, length: number, name: string): number {
    const touched = this.#touched;
    const pointer = this.allocate(dtype, length, name);
    const used = Math.min(byteLength(dtype, length), touched - pointer);
    if (used > 0) this.view("bytes", pointer, used).fill(0);
    return pointer;
  }

  /** Gives back the block at `pointer`. */
  release(pointer: number): void {
    this.#allocator.release(pointer);
  }

  /** Writes the parameter record for element `at` of a draw. */
  writeParams(draw: Params, at: number): void {
    if (this.#words.length === 0) this.#derive();
    const words = this.#words;
    const { seed, stream, threshold } = draw;
    // Added up here: doubles as arguments are heap objects, and calls make none.
    const start = draw.start + at;
    words[0] = seed.low;
    words[1] = seed.high;
    words[2] = stream.low;
    words[3] = stream.high;
    words[4] = start >>> 0;
    words[5] = start / 2 ** 32;
    words[6] = threshold >>> 0;
    words[7] = threshold / 2 ** 32;
    this.#scale[0] = draw.scale;
  }

  /** Has the kernels that read the record next leave kept elements as they are. */
  writeNoScale(): void {
    this.#scale[0] = 1;
  }
}
