// The table of the kernels of masks with a shape, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";
import { STREAM_KINDS } from "../stream/kinds.js";

// Pointers are byte addresses, n counts elements; `walk` is the address of the record that walk.ts describes.
interface Signatures {
  /** y = keep ? scale x : +0. */
  broadcast: (dst: number, src: number, mask: number, n: number, walk: number, scale: number) => undefined;
  /** y = keep ? a x + b : dropped. */
  affine: (dst: number, src: number, mask: number, n: number, walk: number, a: number, b: number, dropped: number) => undefined;
  /**
   * Grows what a mask of n decisions, whole lines, drops along an axis of `size` places, `stride` bits apart, by `before` and `after` places. With `clip`
   * (1) a block ends where the axis does; without (0), what lies so near an end that its block would not fit is kept. Needs 16 bytes on both sides of
   * the mask, which stay as they are.
   */
  dilate: (mask: number, n: number, stride: number, size: number, before: number, after: number, clip: number) => undefined;
  /**
   * Writes normal numbers of the decisions' indices to what a mask drops of elements first..first+n-1 of data with `channels` of `area` places; `form` has
   * the bits of BlockForm.
   */
  noise: (dst: number, mask: number, n: number, first: number, channels: number, area: number, form: number, params: number) => undefined;
  /** Writes the random integers of elements of a stream. */
  integers: (dst: number, n: number, params: number) => undefined;
  /** Writes an integer for each of decisions first..first+n-1 of a stored mask: `kept`, or -1 where it drops. */
  certain: (dst: number, mask: number, first: number, n: number, kept: number) => undefined;
  /** y = keep ? a x + b : dropped, or the bits of the mask, where the integer of an element is compared with the threshold of its rate. */
  rated: (dst: number, src: number, n: number, integers: number, rates: number, walk: number) => undefined;
  /** Clears in a mask [samples, area, channels] what is dropped among seeds first..first+n-1 of [samples, channels, area]. */
  scatter: (mask: number, seeds: number, n: number, first: number, channels: number, area: number) => undefined;
}

export const SHAPES = [
  { verb: "broadcast", sources: ["bits"], dtypes: DTYPES },
  { verb: "affine", sources: ["bits"], dtypes: DTYPES },
  { verb: "dilate", sources: ["bits"], dtypes: ["bits"] },
  { verb: "scatter", sources: ["bits"], dtypes: ["bits"] },
  { verb: "noise", sources: ["bits"], dtypes: DTYPES },
  { verb: "integers", sources: STREAM_KINDS, dtypes: ["f64"] },
  { verb: "certain", sources: ["bits"], dtypes: ["f64"] },
  { verb: "rated", sources: ["integers"], dtypes: [...DTYPES, "bits"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type ShapesKernels = Bound<(typeof SHAPES)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = SHAPES;
