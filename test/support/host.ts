// A program that owns a memory, as instances over a host's memory meet it: a malloc whose answers are aligned to 8 bytes and to no more, canaries around
// each block, and a free that refuses what it does not know.

const CANARY = 0xa5;
const MARGIN = 24;
/** The address at which its heap begins. */
const FIRST = 2048;
const PAGE = 65536;

export class HostProgram {
  readonly memory: WebAssembly.Memory;
  /** Blocks handed out, by address. */
  readonly blocks = new Map<number, number>();
  /** The most bytes that it grows to. */
  most: number;
  #end = FIRST;

  constructor({ shared = false, pages = 4, most = 2 ** 28 } = {}) {
    this.memory = shared
      ? new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true } as WebAssembly.MemoryDescriptor)
      : new WebAssembly.Memory({ initial: pages });
    this.most = most;
    this.bytes(0, FIRST).fill(CANARY);
  }

  /** The option that an instance takes. */
  get host() {
    return { memory: this.memory, malloc: this.malloc, free: this.free };
  }

  bytes(pointer: number, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, count);
  }

  readonly malloc = (size: number): number => {
    // An odd multiple of 8.
    const pointer = Math.ceil((this.#end + MARGIN) / 16) * 16 + 8;
    const end = pointer + size + MARGIN;
    if (end > this.most) return 0;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    this.bytes(this.#end, end - this.#end).fill(CANARY);
    this.#end = end;
    this.blocks.set(pointer, size);
    return pointer;
  };

  readonly free = (pointer: number): void => {
    const size = this.blocks.get(pointer);
    if (size === undefined) throw new Error(`no block at ${pointer}`);
    this.checkAround(pointer, size);
    this.blocks.delete(pointer);
    this.bytes(pointer, size).fill(CANARY);
  };

  /** Throws if something was written around a block. */
  checkAround(pointer: number, size: number): void {
    const before = this.bytes(pointer - MARGIN, MARGIN);
    const behind = this.bytes(pointer + size, MARGIN);
    for (let k = 0; k < MARGIN; ++k) if (before[k] !== CANARY || behind[k] !== CANARY) throw new Error(`written around block ${pointer}`);
  }

  /** Throws if something was written outside of all blocks. */
  check(): void {
    for (const [pointer, size] of this.blocks) this.checkAround(pointer, size);
    for (const byte of this.bytes(0, FIRST)) if (byte !== CANARY) throw new Error("written below the heap");
  }

  /** Places an array in a block of its own; returns its address. */
  place(array: ArrayBufferView): number {
    const pointer = this.malloc(array.byteLength);
    this.bytes(pointer, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return pointer;
  }
}
