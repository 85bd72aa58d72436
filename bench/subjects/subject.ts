// The subjects of a benchmark: calls of kernels or of the API over n elements each, and the addresses of their operands.

import { type Memory, PARAMS, type Params } from "../../src/engine/memory.js";
import { byteLength, type DataDtype, DTYPES, HALF_DTYPES, isHalf, type StoredFormat } from "../../src/ground/dtypes.js";
import { Words } from "../../src/ground/words.js";
import type { StreamKind } from "../../src/stream/kinds.js";
import { scale, threshold } from "../../src/stream/probability.js";
import type { Description } from "../results.js";

/** The drop probability of the subjects whose names give none. */
export const P = 0.1;
/** A second drop probability, at which branches on decisions would be mispredicted most. */
export const EVEN = 0.5;

/** A call to measure. */
export interface Subject extends Description {
  readonly call: () => void;
}

export type Kernel = (...args: number[]) => number | undefined;

/** The dtype whose copy and memory stand for all of 16 bits. */
const [HALF] = HALF_DTYPES;

/** Dtypes that are copied, each the yardstick of its own. */
export const COPIED = [...DTYPES, HALF] as const;

/** The name of the copy that data of `dtype` are compared with. */
export function copyOf(dtype: DataDtype): string {
  return `copy_${isHalf(dtype) ? HALF : dtype}`;
}

/** The operands: data to read, ones but for 16-bit data, room for results, and a mask of each stored form. */
export class Placement {
  readonly src: Record<DataDtype, number>;
  readonly dst: Record<DataDtype, number>;
  readonly mask: Record<StoredFormat, number>;
  readonly #seed = new Words();
  readonly #stream = new Words();

  constructor(
    readonly memory: Memory,
    readonly n: number,
  ) {
    this.src = this.#rooms();
    this.dst = this.#rooms();
    this.mask = { bits: this.room("bits"), bytes: this.room("bytes") };
    for (const dtype of DTYPES) for (const pointer of [this.src[dtype], this.dst[dtype]]) memory.view(dtype, pointer, n).fill(1);
    // 1.875 as f16, 1 as bf16.
    for (const pointer of [this.src[HALF], this.dst[HALF]]) memory.view(HALF, pointer, n).fill(0x3f80);
  }

  /** Room for n elements of each dtype, the same for all of 16 bits. */
  #rooms(): Record<DataDtype, number> {
    const half = this.room(HALF);
    const rooms = [...DTYPES.map((dtype) => [dtype, this.room(dtype)]), ...HALF_DTYPES.map((dtype) => [dtype, half])];
    return Object.fromEntries(rooms) as Record<DataDtype, number>;
  }

  /** The address of room for `n` more elements. */
  room(dtype: DataDtype | StoredFormat, n = this.n): number {
    return this.memory.allocate(dtype, n, "size");
  }

  /** The bytes of n elements. */
  bytes(dtype: DataDtype | StoredFormat): number {
    return byteLength(dtype, this.n);
  }

  /** A call of `kernel` on addresses, n and the parameter record. Each call has a stream of its own: a branch predictor learns a mask that comes again. */
  drawing(kernel: Kernel, p: number, kind: StreamKind, dtype: DataDtype, ...addresses: number[]): () => void {
    const t = threshold(p, kind);
    const draw: Params = { seed: this.#seed, stream: this.#stream, start: 0, threshold: t, scale: scale(t, kind, dtype) };
    const { memory, n } = this;
    const [a = 0, b, c] = addresses;
    const prepare = () => {
      this.#stream.increment();
      memory.writeParams(draw, 0);
    };
    return () => {
      prepare();
      if (b === undefined) kernel(a, n, PARAMS);
      else if (c === undefined) kernel(a, b, n, PARAMS);
      else kernel(a, b, c, n, PARAMS);
    };
  }
}
