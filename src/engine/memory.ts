// The wasm memory of one instance: the only file that touches `memory.buffer`. Low addresses hold the parameter record and two staging
// slots for arrays from outside; the allocator has the rest.
// Invariant: a view is used only while it belongs to the memory's present buffer, whoever made the memory grow.

import { Allocator } from "../ground/allocator.js";
import { wrongValue } from "../ground/check.js";
import { type Arrays, type BufferDtype, byteLength, viewOf } from "../ground/dtypes.js";
import type { Words } from "../ground/words.js";

const PAGE = 65536;
/** What 32-bit addresses reach. */
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
const HEAP = DATA_SLOT + byteLength("f32", STAGED);

/** The parameter record of assembly/stream/params.ts without its start. */
export interface Draw {
  readonly seed: Words;
  readonly stream: Words;
  threshold: number;
  scale: number;
}

export class Memory {
  readonly wasm: WebAssembly.Memory;
  /** The most bytes to grow to. */
  readonly maxBytes: number;
  readonly #allocator = new Allocator();
  // End of what was ever handed out: bytes above it are still the zeros that the engine made.
  #touched = HEAP;
  #buffer!: ArrayBuffer;
  // The parameter record, as words and, for its scale, as f64.
  #words!: Uint32Array;
  #scale!: Float64Array;

  /** @param maxBytes most bytes to grow to, at least what the instance itself takes */
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

  /** A fresh view of `length` elements at `pointer`. */
  view<D extends BufferDtype>(dtype: D, pointer: number, length: number): Arrays<ArrayBuffer>[D] {
    return viewOf(dtype, this.buffer, pointer, length);
  }

  /** The address of `array`, called `name`, if it lies in this memory, else -1. Throws RangeError if it lies where the instance's own data are. */
  addressOf(array: ArrayBufferView, name: string): number {
    if (array.buffer !== this.buffer) return -1;
    if (array.byteOffset < HEAP) throw wrongValue(name, "memory of a buffer", `address ${array.byteOffset}, which is the instance's own`);
    return array.byteOffset;
  }

  /**
   * The address of a new block for `length` elements, its bytes as they happen to be; grows the memory if it must.
   * Throws RangeError that names `name`, and changes nothing, where the memory cannot grow that far.
   */
  allocate(dtype: BufferDtype, length: number, name: string): number {
    const bytes = byteLength(dtype, length);
    const end = this.buffer.byteLength;
    const shortage = this.#allocator.shortage(bytes, end);
    if (shortage > 0) {
      const pages = Math.ceil(shortage / PAGE);
      const refusal = (cause?: unknown) =>
        wrongValue(
          name,
          `what fits beside the ${end} bytes in use or kept, of at most ${this.maxBytes}`,
          `${length} elements of ${dtype}, ${bytes} bytes`,
          cause,
        );
      if (end + pages * PAGE > this.maxBytes) throw refusal();
      try {
        this.wasm.grow(pages);
      } catch (cause) {
        throw refusal(cause);
      }
      // Only what was added here: pages that others grew are theirs.
      this.#allocator.extend(end, end + pages * PAGE);
    }
    const pointer = this.#allocator.take(bytes);
    this.#touched = Math.max(this.#touched, pointer + bytes);
    return pointer;
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

  /** Writes the parameter record; `start` is the index in the stream of the first element. */
  writeParams(draw: Draw, start: number): void {
    if (this.#words.length === 0) this.#derive();
    const words = this.#words;
    words[0] = draw.seed.low;
    words[1] = draw.seed.high;
    words[2] = draw.stream.low;
    words[3] = draw.stream.high;
    words[4] = start >>> 0;
    words[5] = start / 2 ** 32;
    words[6] = draw.threshold >>> 0;
    words[7] = draw.threshold / 2 ** 32;
    this.#scale[0] = draw.scale;
  }
}
