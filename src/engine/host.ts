// Parts of a memory that belongs to another program, the host: blocks of its malloc, or a region that it leaves to the instance.
// Invariant: the host's memory is never made to grow from here, as a host that does not know of it would not renew its views.

import { Allocator } from "../ground/allocator.js";
import { checkFunction, checkInteger, checkObject, isArrayBuffer, wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { LEAST_ADDRESS, MAX_BYTES, type Refuse, type Store } from "./store.js";

/** A host's memory, and the part of it that an instance may use: blocks of the host's `malloc`, or a `region`. */
export interface HostMemory {
  /** The memory, of 32-bit addresses; that of an AssemblyScript, C, C++ or Rust program, or of another wasm library. */
  memory: WebAssembly.Memory;
  /**
   * Returns the address of a new block of so many bytes, or 0 if there is none; whatever its alignment is. Called as a plain function, so give
   * `(bytes) => exports.malloc(bytes)` where it needs its object.
   */
  malloc?: ((bytes: number) => number) | undefined;
  /** Gives back a block of malloc(). */
  free?: ((pointer: number) => void) | undefined;
  /** In place of `malloc` and `free`: a part of the memory that nobody else uses. */
  region?: HostRegion | undefined;
}

/** A part of a host's memory. */
export interface HostRegion {
  /** Byte address, an integer in [1024, 2^32). */
  start: number;
  /** Number of bytes; at least 182 KiB. */
  bytes: number;
}

const HOST_KEYS: Known = /* @__PURE__ */ known("memory", "malloc", "free", "region");
const REGION_KEYS: Known = /* @__PURE__ */ known("start", "bytes");

/** Alignment of blocks, a cache line. */
const ALIGN = 64;

/** Returns the buffer of a memory of whatever realm; throws TypeError if it is none. */
function bufferOf(memory: unknown): ArrayBufferLike {
  try {
    const { get } = Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, "buffer") as { get: () => ArrayBufferLike };
    return get.call(memory);
  } catch (cause) {
    throw wrongKind("host.memory", "WebAssembly.Memory", memory, cause);
  }
}

/** Returns whether threads may share a memory. */
export function isShared(memory: WebAssembly.Memory): boolean {
  return !isArrayBuffer(memory.buffer);
}

/** Returns a copy of option `host`, each property read once; throws TypeError or RangeError that names the part that is wrong. */
export function readHost(host: unknown): HostMemory {
  checkOptions(host, HOST_KEYS, "host");
  const { memory, malloc, free, region } = host as { [K in keyof HostMemory]: unknown };
  const { byteLength } = bufferOf(memory);
  const checked = memory as WebAssembly.Memory;
  if (region === undefined) {
    checkFunction(malloc, "host.malloc");
    checkFunction(free, "host.free");
    return { memory: checked, malloc: malloc as HostMemory["malloc"], free: free as HostMemory["free"] };
  }
  if (malloc !== undefined) throw wrongKind("host.malloc", "nothing beside region", malloc);
  if (free !== undefined) throw wrongKind("host.free", "nothing beside region", free);
  checkObject(region, "host.region", "object with start and bytes");
  checkOptions(region, REGION_KEYS, "host.region");
  const { start, bytes } = region as { [K in keyof HostRegion]: unknown };
  checkInteger(start, "host.region.start", LEAST_ADDRESS, MAX_BYTES - 1);
  checkInteger(bytes, "host.region.bytes", 0, MAX_BYTES);
  if (start + bytes > byteLength) {
    throw wrongValue("host.region", `part of the ${byteLength} bytes of the memory`, `bytes ${start} to ${start + bytes}`);
  }
  return { memory: checked, region: { start, bytes } };
}

/** Returns the store of a host, as readHost() returned it. */
export function storeOf({ memory, malloc, free, region }: HostMemory): Store {
  if (region !== undefined) return new RegionStore(memory, region);
  return new HostStore(memory, malloc as (bytes: number) => number, free as (pointer: number) => void);
}

/** A region of a host's memory. */
class RegionStore implements Store {
  readonly wasm: WebAssembly.Memory;
  readonly maxBytes: number;
  readonly #end: number;
  readonly #allocator = new Allocator();

  constructor(memory: WebAssembly.Memory, { start, bytes }: HostRegion) {
    this.wasm = memory;
    this.maxBytes = bytes;
    const first = Math.ceil(start / ALIGN) * ALIGN;
    this.#end = Math.floor((start + bytes) / ALIGN) * ALIGN;
    if (this.#end > first) this.#allocator.extend(first, this.#end);
  }

  take(bytes: number, _: number, refuse: Refuse): number {
    if (this.#allocator.shortage(bytes, this.#end) > 0) throw refuse();
    return this.#allocator.take(bytes);
  }

  release(pointer: number): void {
    this.#allocator.release(pointer);
  }

  releaseAll(): void {}

  zerosFrom(): number {
    return Number.POSITIVE_INFINITY;
  }

  room(): string {
    return `what fits in host.region of ${this.maxBytes} bytes`;
  }
}

/** Blocks of a host's malloc. */
class HostStore implements Store {
  readonly wasm: WebAssembly.Memory;
  readonly maxBytes = MAX_BYTES;
  readonly #malloc: (bytes: number) => unknown;
  readonly #free: (pointer: number) => void;
  // The address that malloc returned for each block, by the multiple of 64 in it.
  readonly #blocks = new Map<number, number>();

  constructor(memory: WebAssembly.Memory, malloc: (bytes: number) => unknown, free: (pointer: number) => void) {
    this.wasm = memory;
    this.#malloc = malloc;
    this.#free = free;
  }

  take(bytes: number, _: number, refuse: Refuse): number {
    const size = bytes + ALIGN;
    // As a 32-bit argument, a larger size would become a small one.
    if (size >= MAX_BYTES) throw refuse();
    const malloc = this.#malloc;
    let given: unknown;
    try {
      given = malloc(size);
    } catch (cause) {
      throw refuse(cause);
    }
    // An export of wasm returns addresses as signed integers.
    if (typeof given !== "number" || !Number.isInteger(given) || given < -MAX_BYTES / 2 || given >= MAX_BYTES) {
      throw wrongKind("host.malloc", "function that returns an address, an integer below 2^32", given);
    }
    if (given === 0) throw refuse();
    const start = given >>> 0;
    const end = this.wasm.buffer.byteLength;
    if (start + size > end)
      throw wrongValue("host.malloc", `block within the ${end} bytes of host.memory`, `address ${start} of ${size} bytes`);
    if (start < LEAST_ADDRESS) {
      this.#freeRaw(given);
      throw wrongValue("host.malloc", `address of at least ${LEAST_ADDRESS}`, start);
    }
    const pointer = Math.ceil(start / ALIGN) * ALIGN;
    this.#blocks.set(pointer, given);
    return pointer;
  }

  release(pointer: number): void {
    const given = this.#blocks.get(pointer);
    if (given === undefined) return;
    this.#blocks.delete(pointer);
    this.#freeRaw(given);
  }

  #freeRaw(given: number): void {
    const free = this.#free;
    free(given);
  }

  releaseAll(): void {
    const errors: unknown[] = [];
    for (const pointer of [...this.#blocks.keys()]) {
      try {
        this.release(pointer);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  zerosFrom(): number {
    return Number.POSITIVE_INFINITY;
  }

  room(): string {
    return "what the host's malloc has room for";
  }
}
