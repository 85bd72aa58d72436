// The kernels in plain JavaScript, for engines where WebAssembly is missing or forbidden: their memory is an ArrayBuffer that grows by copying.

import { PlainModule } from "./instantiate.js";

const PAGE = 65536;
/** Kernels compute addresses as signed integers of 32 bits. */
const MOST_PAGES = 2 ** 15 - 1;

/** A function that is called after each growth, with the buffer from before where the engine could not detach it. */
export type Renew = (stale: ArrayBuffer | undefined) => void;

/** Kernels over a memory: they call `onGrow` with what renews their views. */
export type PlainKernels = (memory: PlainMemory) => WebAssembly.Exports;

/** Ways to detach a buffer, the engine's own, which not every engine has. */
interface Engine {
  structuredClone?(value: ArrayBuffer, options: { transfer: [ArrayBuffer] }): ArrayBuffer;
}

/** A memory with the members of WebAssembly.Memory. */
export class PlainMemory {
  #buffer: ArrayBuffer;
  readonly #renewals: Renew[] = [];

  /** @param pages initial size */
  constructor(pages: number) {
    this.#buffer = new ArrayBuffer(pages * PAGE);
  }

  /** The present buffer. Growth makes another one, and detaches the one before if the engine can. */
  get buffer(): ArrayBuffer {
    return this.#buffer;
  }

  /** Adds pages of zeros and returns the number of pages before. Throws RangeError, and changes nothing, if there is no room for so many. */
  grow(pages: number): number {
    const before = this.#buffer;
    const size = before.byteLength / PAGE;
    if (!(size + pages <= MOST_PAGES)) throw new RangeError(`memory of ${size} pages cannot grow by ${pages}`);
    const grown = new ArrayBuffer((size + pages) * PAGE);
    new Uint8Array(grown).set(new Uint8Array(before));
    this.#buffer = grown;
    const stale = detach(before) ? undefined : before;
    for (const renew of this.#renewals) renew(stale);
    return size;
  }

  /** Calls `renew` after each growth. */
  onGrow(renew: Renew): void {
    this.#renewals.push(renew);
  }
}

/** Detaches a buffer; returns false if the engine cannot, and fills it with bits that are no numbers instead, so that a view from before shows that it is stale. */
function detach(buffer: ArrayBuffer): boolean {
  const engine = globalThis as Engine;
  if (engine.structuredClone !== undefined) {
    engine.structuredClone(buffer, { transfer: [buffer] });
    return true;
  }
  new Uint8Array(buffer).fill(0xff);
  return false;
}

/** Returns the loader of an entry whose kernels are JavaScript. */
export function plain(kernels: PlainKernels) {
  const load = () =>
    new PlainModule(
      // The newest members of WebAssembly.Memory, about buffers that grow in place, are not used.
      (pages) => new PlainMemory(pages) as unknown as WebAssembly.Memory,
      (memory) => {
        if (memory instanceof PlainMemory) return kernels(memory);
        throw new TypeError(
          '"module" expected WebAssembly.Module, as the instance has, of an entry without "/js", got the kernels in JavaScript',
        );
      },
    );
  return Object.assign(load, { only: false });
}
