// The free bytes of the memory, as blocks of 64-byte multiples, neighbours joined on release. Knows addresses only.
// Blocks stand in runs of some hundred by ascending address. A block is taken where it fits best in the first run that has one large enough, so
// that few blocks are searched best-fit, and of very many not all are looked at.
// Invariant: no two free blocks are adjacent, and no run is empty.

/** Alignment of every block, a cache line: no two buffers share one. */
const ALIGN = 64;
/** The most blocks of a run, which is then cut in two. */
const LONGEST = 512;

/** Neighbouring free blocks in ascending order: starts[k]..ends[k]. */
interface Run {
  readonly starts: number[];
  readonly ends: number[];
  /** Bytes of the largest of them. */
  largest: number;
}

export class Allocator {
  readonly #runs: Run[] = [];
  // Sizes of the blocks that are taken, by start.
  readonly #taken = new Map<number, number>();

  /** Adds the addresses from `start`, a multiple of 64, to `end` as free. */
  extend(start: number, end: number): void {
    this.#insert(start, end);
  }

  /** Returns the number of bytes that a memory which ends at `end` must grow by so that a block of `bytes` fits; 0 if one fits now. */
  shortage(bytes: number, end: number): number {
    const size = blockSize(bytes);
    for (const run of this.#runs) if (run.largest >= size) return 0;
    const last = this.#runs[this.#runs.length - 1];
    const tail = last !== undefined && last.ends[last.ends.length - 1] === end ? end - (last.starts[last.starts.length - 1] as number) : 0;
    return size - tail;
  }

  /** Takes a block of `bytes` and returns its address. Call it only when shortage() is 0 for `bytes`. */
  take(bytes: number): number {
    const size = blockSize(bytes);
    let place = 0;
    while ((this.#runs[place] as Run).largest < size) ++place;
    const run = this.#runs[place] as Run;
    const k = bestFit(run, size);
    const start = run.starts[k] as number;
    const room = (run.ends[k] as number) - start;
    if (room === size) {
      run.starts.splice(k, 1);
      run.ends.splice(k, 1);
      if (run.starts.length === 0) this.#runs.splice(place, 1);
    } else {
      run.starts[k] = start + size;
    }
    if (room === run.largest) measure(run);
    this.#taken.set(start, size);
    return start;
  }

  /** Gives back a block of take(). */
  release(start: number): void {
    const size = this.#taken.get(start) as number;
    this.#taken.delete(start);
    this.#insert(start, start + size);
  }

  #insert(start: number, end: number): void {
    const place = this.#placeOf(start);
    const run = this.#runs[place];
    if (run === undefined) {
      this.#runs.push({ starts: [start], ends: [end], largest: end - start });
      return;
    }
    const { starts, ends } = run;
    const k = lowerBound(starts, start);
    // The neighbour behind may be the first of the next run; the one in front is in this run, as its first block begins no later.
    const next = k < starts.length ? run : this.#runs[place + 1];
    const behind = next === run ? k : 0;
    const joinsLeft = k > 0 && ends[k - 1] === start;
    const joinsRight = next?.starts[behind] === end;
    let [from, to] = [start, end];
    if (joinsRight) {
      to = (next as Run).ends[behind] as number;
      this.#drop(next as Run, behind);
    }
    if (joinsLeft) {
      from = starts[k - 1] as number;
      ends[k - 1] = to;
    } else {
      starts.splice(k, 0, from);
      ends.splice(k, 0, to);
    }
    run.largest = Math.max(run.largest, to - from);
    if (starts.length > LONGEST) this.#cut(place);
    else if (starts.length === 0) this.#runs.splice(place, 1);
  }

  /** Drops block k of a run; a run that has none left goes, but for the one that insert() is about to add to. */
  #drop(run: Run, k: number): void {
    const room = (run.ends[k] as number) - (run.starts[k] as number);
    run.starts.splice(k, 1);
    run.ends.splice(k, 1);
    if (room === run.largest) measure(run);
  }

  #cut(place: number): void {
    const run = this.#runs[place] as Run;
    const half = run.starts.length >>> 1;
    const rest = { starts: run.starts.splice(half), ends: run.ends.splice(half), largest: 0 };
    measure(run);
    measure(rest);
    this.#runs.splice(place + 1, 0, rest);
  }

  /** Returns the place of the last run that begins at or before `start`, or of the first run. */
  #placeOf(start: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#runs[middle] as Run).starts[0] as number) <= start) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Returns the smallest block of a run that has at least `size` bytes; one exists. */
function bestFit({ starts, ends }: Run, size: number): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < starts.length; ++k) {
    const room = (ends[k] as number) - (starts[k] as number);
    if (room >= size && room < least) {
      best = k;
      least = room;
      if (room === size) break;
    }
  }
  return best;
}

function measure(run: Run): void {
  let largest = 0;
  for (let k = 0; k < run.starts.length; ++k) largest = Math.max(largest, (run.ends[k] as number) - (run.starts[k] as number));
  run.largest = largest;
}

/** Returns the place of the first of the ascending `values` that is not below `value`. */
function lowerBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function blockSize(bytes: number): number {
  return Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
}
