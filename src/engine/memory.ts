// The wasm memory of one instance, its own or a host's: the parameter record and two staging slots for arrays from outside, and blocks for all else.
// Invariant: a view is used only while it belongs to the memory's present buffer: any program that shares the memory may make it grow.

import { bufferOf, bytesOf, detached, isArrayBuffer, offsetOf, wrongState, wrongValue } from "../ground/check.js";
import { type Arrays, type BufferDtype, byteLength, viewOf } from "../ground/dtypes.js";
import type { Words } from "../ground/words.js";
import type { PlainMemory } from "./plain.js";
import { LEAST_ADDRESS, type Store } from "./store.js";

/** The most elements that are staged at once: bytes of a mask or f32 data. Together they fit the L2 cache of a small machine. */
export const STAGED = 32 * 1024;

// The instance's own data: the parameter record, which with its workspace has PARAMS_BYTES in all, and the two staging slots.
const MASK_OFFSET = 17 * 1024;
const DATA_OFFSET = MASK_OFFSET + STAGED;
/** Bytes of the instance's own data. */
export const OWN_BYTES = DATA_OFFSET + /* @__PURE__ */ byteLength("f32", STAGED);
/** Address of the parameter record in a memory of the instance's own. */
export const PARAMS = LEAST_ADDRESS;
/** Address of the staging slot for masks in a memory of the instance's own. */
export const MASK_SLOT = PARAMS + MASK_OFFSET;

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
  /** The most bytes to use. */
  readonly maxBytes: number;
  /** True if other threads may share it. */
  readonly shared: boolean;
  /** Address of the parameter record. */
  readonly params: number;
  /** Address of the staging slot for masks from outside. */
  readonly maskSlot: number;
  /** Address of the staging slot for data from outside. */
  readonly dataSlot: number;
  /** The buffers that callers hold. */
  readonly buffers: Census = { count: 0, bytes: 0 };
  /** The buffers made since the innermost tidy() began, if one is running. */
  scope: { free(): void }[] | undefined;
  /** Calls that have begun and not ended, one within the other; below 0 after dispose(). */
  depth = 0;
  /** Works that go on between calls. */
  detached = 0;
  readonly #store: Store;
  // End of the instance's own data.
  readonly #end: number;
  #buffer!: ArrayBuffer;
  // Of a shared memory: all objects that its buffer has been, which stay views of it.
  readonly #buffers: WeakSet<ArrayBufferLike> | undefined;
  // The parameter record, as words and, for its scale, as f64.
  #words!: Uint32Array;
  #scale!: Float64Array;
  // Buffers from before growth that the engine could not detach.
  readonly #stale = new WeakSet<ArrayBufferLike>();

  /** Takes the block for the instance's own data; throws RangeError if there is none. */
  constructor(store: Store) {
    this.#store = store;
    this.wasm = store.wasm;
    this.maxBytes = store.maxBytes;
    const { buffer } = store.wasm;
    const refuse = (cause?: unknown) => wrongValue("host", store.room(), `${OWN_BYTES} bytes of the instance's own`, cause);
    this.shared = !isArrayBuffer(buffer);
    if (this.shared) this.#buffers = new WeakSet([buffer]);
    this.params = store.take(OWN_BYTES, buffer.byteLength, refuse);
    this.maskSlot = this.params + MASK_OFFSET;
    this.dataSlot = this.params + DATA_OFFSET;
    this.#end = this.params + OWN_BYTES;
    // A memory in JavaScript says when it has grown, as not every engine can detach its buffers.
    (store.wasm as Partial<PlainMemory>).onGrow?.((stale) => {
      if (stale !== undefined) this.#stale.add(stale);
      this.#derive();
    });
    this.#derive();
  }

  /** The memory's present buffer. */
  get buffer(): ArrayBuffer {
    // A buffer that growth has detached has no bytes, a live one always has. A shared one keeps its bytes, and is another object from then on.
    if (this.shared ? this.#buffer !== this.wasm.buffer : this.#buffer.byteLength === 0) this.#derive();
    return this.#buffer;
  }

  #derive(): void {
    this.#buffer = this.wasm.buffer as ArrayBuffer;
    this.#buffers?.add(this.#buffer);
    this.#words = new Uint32Array(this.#buffer, this.params, 8);
    this.#scale = new Float64Array(this.#buffer, this.params + 32, 1);
  }

  /** Returns a fresh view of `length` elements at `pointer`. */
  view<D extends BufferDtype>(dtype: D, pointer: number, length: number): Arrays<ArrayBuffer>[D] {
    return viewOf(dtype, this.buffer, pointer, length);
  }

  /** Returns the address of `array`, called `name`, if it lies in this memory, else -1. Throws RangeError if it lies in the instance's own data. */
  addressOf(array: ArrayBufferView, name: string): number {
    const buffer = bufferOf(array);
    if (buffer !== this.buffer && !this.#buffers?.has(buffer)) {
      if (this.#stale.has(buffer)) throw detached(array, name);
      return -1;
    }
    const offset = offsetOf(array);
    if (offset < this.#end) this.checkRange(offset, bytesOf(array), name);
    return offset;
  }

  /** Throws RangeError that names `name` if bytes lie in the instance's own data or at addresses that kernels do not reach. */
  checkRange(pointer: number, bytes: number, name: string): void {
    if (pointer >= this.#end || bytes === 0) return;
    if (pointer < LEAST_ADDRESS) throw wrongValue(name, `memory from address ${LEAST_ADDRESS} on`, `address ${pointer}`);
    if (pointer + bytes > this.params) throw wrongValue(name, "memory of a buffer", `address ${pointer}, which is the instance's own`);
  }

  /**
   * Returns the address of a new, uninitialised block for `length` elements; grows the memory if it must.
   * Throws RangeError that names `name`, and changes nothing, where the memory cannot grow that far.
   */
  allocate(dtype: BufferDtype, length: number, name: string): number {
    this.checkLive();
    const pointer = this.#store.take(byteLength(dtype, length), this.buffer.byteLength, (cause) =>
      this.#refusal(dtype, length, name, cause),
    );
    // A host's malloc is foreign code, which may have called dispose().
    if (this.disposed) {
      this.#store.release(pointer);
      this.checkLive();
    }
    return pointer;
  }

  #refusal(dtype: BufferDtype, length: number, name: string, cause?: unknown): RangeError {
    const { count, bytes } = this.buffers;
    const held =
      count === 0 ? "" : ` (${count} live ${count === 1 ? "buffer holds" : "buffers hold"} ${bytes} bytes: free() or tidy() releases them)`;
    return wrongValue(name, `${this.#store.room()}${held}`, `${length} elements of ${dtype}, ${byteLength(dtype, length)} bytes`, cause);
  }

  /** As allocate(), the bytes zero. */
  allocateZeros(dtype: BufferDtype, length: number, name: string): number {
    const zeros = this.#store.zerosFrom();
    const pointer = this.allocate(dtype, length, name);
    const used = Math.min(byteLength(dtype, length), zeros - pointer);
    if (used > 0) this.view("bytes", pointer, used).fill(0);
    return pointer;
  }

  /** Gives back the block at `pointer`. */
  release(pointer: number): void {
    this.#store.release(pointer);
  }

  /** Throws TypeError once the memory has been given back. */
  checkLive(): void {
    if (this.disposed) throw wrongState("dropout", "live instance", "one after dispose()");
  }

  /** True once the memory has been given back, and all blocks with it. */
  get disposed(): boolean {
    return this.depth < 0;
  }

  /** Gives all blocks back. Throws TypeError, and changes nothing, within a call. */
  dispose(): void {
    if (this.disposed) return;
    if (this.depth > 0 || this.detached > 0)
      throw wrongState("dropout", "instance that no call or prediction uses", "dispose() within one");
    this.depth = -1;
    this.#store.releaseAll();
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
    // Nearly all calls start at 0; a double takes longer to be taken apart.
    if (start === 0) {
      words[4] = 0;
      words[5] = 0;
    } else {
      words[4] = start >>> 0;
      words[5] = start / 2 ** 32;
    }
    words[6] = threshold >>> 0;
    words[7] = threshold / 2 ** 32;
    this.#scale[0] = draw.scale;
  }

  /** Has the kernels that read the record next leave kept elements as they are. */
  writeNoScale(): void {
    this.#scale[0] = 1;
  }
}
