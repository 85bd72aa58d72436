// The table of the kernels of masks with a shape, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

// Pointers are byte addresses, n counts elements; `walk` is the address of the record that walk.ts describes.
interface Signatures {
  /** y = keep ? scale x : +0. */
  broadcast: (dst: number, src: number, mask: number, n: number, walk: number, scale: number) => undefined;
  /** y = keep ? a x + b : dropped. */
  affine: (dst: number, src: number, mask: number, n: number, walk: number, a: number, b: number, dropped: number) => undefined;
  /**
   * Drops in `dst` what lies up to `before` places below and `after` above a dropped element of `src` in its line of `size` elements, of n in all.
   * Unless `border` is 1, leaves out those whose neighbours would not all lie in the line. Both need 8 bytes behind them.
   */
  lines: (dst: number, src: number, n: number, size: number, before: number, after: number, border: number) => undefined;
  /**
   * Drops, in a mask of outer x size x inner elements, what lies up to `before` places below and `after` above a dropped element along the middle axis.
   * Unless `border` is 1, first keeps those whose neighbours would not all lie in it. Needs 8 bytes in front of the mask and 16 behind it.
   */
  spread: (mask: number, outer: number, size: number, inner: number, before: number, after: number, border: number) => undefined;
  /** Drops in `dst` of samples x size x channels what `src` of samples x channels x size drops. Reads up to 8 bytes behind src. */
  interleave: (dst: number, src: number, samples: number, channels: number, size: number) => undefined;
}

export const SHAPES = [
  { verb: "broadcast", sources: ["bits"], dtypes: DTYPES },
  { verb: "affine", sources: ["bits"], dtypes: DTYPES },
  { verb: "lines", sources: ["bits"], dtypes: ["bits"] },
  { verb: "spread", sources: ["bits"], dtypes: ["bits"] },
  { verb: "interleave", sources: ["bits"], dtypes: ["bits"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type ShapesKernels = Bound<(typeof SHAPES)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = SHAPES;
