// The table of the kernels of masks with a shape, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

// Pointers are byte addresses, n counts elements; `walk` is the address of the record that walk.ts describes.
interface Signatures {
  /** y = keep ? scale x : +0. */
  broadcast: (dst: number, src: number, mask: number, n: number, walk: number, scale: number) => undefined;
  /** y = keep ? a x + b : dropped. */
  affine: (dst: number, src: number, mask: number, n: number, walk: number, a: number, b: number, dropped: number) => undefined;
  /** Clears the blocks of dropped seeds first..first+n-1 from a mask. */
  blocks: (
    mask: number,
    seeds: number,
    n: number,
    first: number,
    channels: number,
    rows: number,
    columns: number,
    side: number,
  ) => undefined;
}

export const SHAPES = [
  { verb: "broadcast", sources: ["bits"], dtypes: DTYPES },
  { verb: "affine", sources: ["bits"], dtypes: DTYPES },
  { verb: "blocks", sources: ["bits"], dtypes: ["bits"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type ShapesKernels = Bound<(typeof SHAPES)[number], Signatures>;
