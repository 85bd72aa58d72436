// The sources of blocks of wasm memory: a memory of the instance's own that grows, or a part of a host's memory.

import { Allocator } from "../ground/allocator.js";
import { newMemory } from "./instantiate.js";

const PAGE = 65536;
/** The end of 32-bit addresses. */
export const MAX_BYTES = 2 ** 32;
/** asc's optimiser assumes that addresses below this are unused (its lowMemoryLimit option). */
export const LEAST_ADDRESS = 1024;

/** Returns the error for a block that there is no room for. */
export type Refuse = (cause?: unknown) => Error;

/** A source of blocks at addresses that are multiples of 64. */
export interface Store {
  readonly wasm: WebAssembly.Memory;
  /** The most bytes that there will ever be for blocks and the instance's own data. */
  readonly maxBytes: number;
  /**
   * Returns the address of a new, uninitialised block; grows the memory, which ends at `end`, if it must. Throws what `refuse` returns if there is no
   * room.
   */
  take(bytes: number, end: number, refuse: Refuse): number;
  /** Gives back a block. */
  release(pointer: number): void;
  /** Gives back all blocks. */
  releaseAll(): void;
  /** Returns the least address from which on all bytes are zero, but for blocks handed out since. */
  zerosFrom(): number;
  /** Returns a description of what fits, for messages. */
  room(): string;
}

/** A memory of the instance's own, which grows as it must. */
export class OwnStore implements Store {
  readonly wasm: WebAssembly.Memory;
  readonly maxBytes: number;
  readonly #allocator = new Allocator();
  // End of the highest block ever handed out: bytes above it are still the zeros that the engine made.
  #touched = LEAST_ADDRESS;

  /**
   * @param maxBytes most bytes to grow to
   * @param bytes bytes to begin with
   * @param module the kernels that are to work in the memory, by default wasm
   */
  constructor(maxBytes: number, bytes: number, module?: unknown) {
    const initial = Math.ceil((LEAST_ADDRESS + bytes) / PAGE);
    this.maxBytes = maxBytes;
    this.wasm = newMemory(module, initial);
    this.#allocator.extend(LEAST_ADDRESS, initial * PAGE);
  }

  take(bytes: number, end: number, refuse: Refuse): number {
    const shortage = this.#allocator.shortage(bytes, end);
    if (shortage > 0) {
      const pages = Math.ceil(shortage / PAGE);
      if (end + pages * PAGE > this.maxBytes) throw refuse();
      try {
        this.wasm.grow(pages);
      } catch (cause) {
        throw refuse(cause);
      }
      // Only the pages that were added here: those that others grew are theirs.
      this.#allocator.extend(end, end + pages * PAGE);
    }
    const pointer = this.#allocator.take(bytes);
    this.#touched = Math.max(this.#touched, pointer + bytes);
    return pointer;
  }

  release(pointer: number): void {
    this.#allocator.release(pointer);
  }

  releaseAll(): void {}

  zerosFrom(): number {
    return this.#touched;
  }

  room(): string {
    return `what fits beside the ${this.wasm.buffer.byteLength} bytes in use or kept, of at most ${this.maxBytes}`;
  }
}
