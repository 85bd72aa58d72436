// Which bytes of the memory are free: best fit over blocks of 64-byte multiples, neighbours joined on release. Knows addresses only.

/** Alignment of every block, a cache line: no two buffers share one. */
const ALIGN = 64;

export class Allocator {
  // Free blocks in ascending order of address, no two adjacent: starts[k]..ends[k].
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #sizes = new Map<number, number>();

  /** Hands over the addresses from `start`, a multiple of 64, to `end`. */
  extend(start: number, end: number): void {
    this.#insert(start, end);
  }

  /** By how many bytes a memory that ends at `end` must grow so that a block of `bytes` fits; 0 if one fits now. */
  shortage(bytes: number, end: number): number {
    const size = blockSize(bytes);
    if (this.#bestFit(size) >= 0) return 0;
    const last = this.#ends.length - 1;
    const tail = this.#ends[last] === end ? end - (this.#starts[last] as number) : 0;
    return size - tail;
  }

  /** The address of a free block of `bytes`, now taken. Only when shortage() is 0 for it. */
  take(bytes: number): number {
    const size = blockSize(bytes);
    const k = this.#bestFit(size);
    const start = this.#starts[k] as number;
    if (start + size === this.#ends[k]) {
      this.#starts.splice(k, 1);
      this.#ends.splice(k, 1);
    } else {
      this.#starts[k] = start + size;
    }
    this.#sizes.set(start, size);
    return start;
  }

  /** Gives the block at `start`, which take() returned, back. */
  release(start: number): void {
    const size = this.#sizes.get(start) as number;
    this.#sizes.delete(start);
    this.#insert(start, start + size);
  }

  #bestFit(size: number): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < this.#starts.length; ++k) {
      const room = (this.#ends[k] as number) - (this.#starts[k] as number);
      if (room >= size && room < least) {
        best = k;
        least = room;
        if (room === size) break;
      }
    }
    return best;
  }

  #insert(start: number, end: number): void {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) < start) low = middle + 1;
      else high = middle;
    }
    const joinsLeft = low > 0 && this.#ends[low - 1] === start;
    const joinsRight = this.#starts[low] === end;
    if (joinsLeft && joinsRight) {
      this.#ends[low - 1] = this.#ends[low] as number;
      this.#starts.splice(low, 1);
      this.#ends.splice(low, 1);
    } else if (joinsLeft) {
      this.#ends[low - 1] = end;
    } else if (joinsRight) {
      this.#starts[low] = start;
    } else {
      this.#starts.splice(low, 0, start);
      this.#ends.splice(low, 0, end);
    }
  }
}

function blockSize(bytes: number): number {
  return Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
}
