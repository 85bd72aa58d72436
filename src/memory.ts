// The wasm memory of one instance: the only file that touches `memory.buffer`. Low addresses hold the parameter record and two staging
// slots for arrays from outside; the allocator has the rest.
// Invariant: a view is used only while it belongs to the memory's present buffer, whoever made the memory grow.

import { Allocator } from "./allocator.js";
import { wrongValue } from "./check.js";
import type { BufferDtype } from "./kernels.js";
import type { Words } from "./words.js";

const PAGE = 65536;
/** What 32-bit addresses reach. */
export const MAX_BYTES = 2 ** 32;

// Below 1024 asc's optimiser takes no address to lie, so the parameter record and its workspace (assembly/params.ts, assembly/tile.ts:
// 48 + 128 + 256 * 32 bytes) start there and end before the mask slot.
/** Address of the parameter record. */
export const PARAMS = 1024;
/** Address of the staging slot for masks of arrays from outside. */
export const MASK_SLOT = 10 * 1024;
/** Bytes in the mask slot, and f32 elements in the data slot: together they fit the L2 cache of a small machine. */
export const SLOT = 32 * 1024;
/** Address of the staging slot for their data. */
export const DATA_SLOT = MASK_SLOT + SLOT;
const HEAP = DATA_SLOT + 4 * SLOT;

interface ViewOf {
  f32: Float32Array<ArrayBuffer>;
  f64: Float64Array<ArrayBuffer>;
  bits: Uint8Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
}
/** The typed array that shows data of dtype D. */
export type View<D extends BufferDtype> = ViewOf[D];

/** Bytes that `length` elements take. */
export function byteLength(dtype: BufferDtype, length: number): number {
  switch (dtype) {
    case "f32":
      return length * 4;
    case "f64":
      return length * 8;
    case "bits":
      return Math.ceil(length / 8);
    case "bytes":
      return length;
  }
}

/** What a parameter record says but for its position: see assembly/params.ts. */
export interface Draw {
  readonly seed: Words;
  readonly stream: Words;
  threshold: number;
  scale: number;
}

export class Memory {
  readonly wasm: WebAssembly.Memory;
  readonly #maxBytes: number;
  readonly #allocator = new Allocator(HEAP);
  // End of what was ever handed out: bytes above it are still the zeros that the engine made.
  #touched = HEAP;
  #buffer!: ArrayBuffer;
  // The parameter record, as words and, for its scale, as f64.
  #words!: Uint32Array;
  #scale!: Float64Array;

  /** @param maxBytes most bytes to grow to, at least what the instance itself takes */
  constructor(maxBytes: number) {
    const initial = Math.ceil(HEAP / PAGE);
    this.#maxBytes = maxBytes;
    // Without a maximum: some engines set the address space aside at once, and small machines refuse that.
    this.wasm = new WebAssembly.Memory({ initial });
    this.#allocator.extend(initial * PAGE);
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
  view<D extends BufferDtype>(dtype: D, pointer: number, length: number): View<D>;
  view(dtype: BufferDtype, pointer: number, length: number): View<BufferDtype> {
    switch (dtype) {
      case "f32":
        return new Float32Array(this.buffer, pointer, length);
      case "f64":
        return new Float64Array(this.buffer, pointer, length);
      default:
        return new Uint8Array(this.buffer, pointer, byteLength(dtype, length));
    }
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
    const shortage = this.#allocator.shortage(bytes);
    if (shortage > 0) {
      const before = this.buffer.byteLength;
      const pages = Math.ceil(shortage / PAGE);
      const refusal = () =>
        wrongValue(
          name,
          `what fits beside the ${before} bytes in use or kept, of at most ${this.#maxBytes}`,
          `${length} elements of ${dtype}, ${bytes} bytes`,
        );
      if (before + pages * PAGE > this.#maxBytes) throw refusal();
      try {
        this.wasm.grow(pages);
      } catch (cause) {
        throw Object.assign(refusal(), { cause });
      }
      this.#allocator.extend(this.buffer.byteLength);
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
    this.buffer;
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
