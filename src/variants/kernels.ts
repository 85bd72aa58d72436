// The table of the kernels of variants, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

// Pointers are byte addresses, n counts elements, params is the address of the parameter record.
interface Signatures {
  /** Writes the words of the order stream. */
  fill: (dst: number, n: number, params: number) => undefined;
  /** Marks the `kept` elements of each row with the largest words. `work` has room for 1 KiB. */
  mark: (dst: number, words: number, rows: number, columns: number, kept: number, work: number) => undefined;
  /** dst = keep ? scale src : +0. */
  scale: (dst: number, src: number, keep: number, n: number, scale: number) => undefined;
  /** dst = keep ? kept : dropped. */
  choose: (dst: number, kept: number, dropped: number, keep: number, n: number) => undefined;
  /** dst = (1 - share) a + share b. */
  mix: (dst: number, a: number, b: number, n: number, share: number) => undefined;
  /** Writes the indices, plus `first`, of what is kept in each row. */
  index: (dst: number, keep: number, rows: number, columns: number, first: number) => undefined;
  /** Copies rows from where indices say. */
  gather: (dst: number, src: number, indices: number, rows: number, bytes: number) => undefined;
  /** Copies rows to where indices say. */
  scatter: (dst: number, src: number, indices: number, rows: number, bytes: number) => undefined;
  /** Concrete dropout. */
  soften: (dst: number, src: number, n: number, p: number, temperature: number, params: number) => undefined;
  /** Its gradients; adds to four f64 at `sums`. */
  softengradient: (dx: number, dy: number, x: number, n: number, p: number, temperature: number, sums: number, params: number) => undefined;
}

export const VARIANTS = [
  { verb: "fill", sources: ["words"], dtypes: ["u32"] },
  { verb: "mark", sources: ["largest"], dtypes: ["bytes"] },
  { verb: "scale", sources: ["bytes"], dtypes: DTYPES },
  { verb: "choose", sources: ["bytes"], dtypes: DTYPES },
  { verb: "mix", sources: ["shares"], dtypes: DTYPES },
  { verb: "index", sources: ["bytes"], dtypes: ["u32"] },
  { verb: "gather", sources: ["rows"], dtypes: ["bytes"] },
  { verb: "scatter", sources: ["rows"], dtypes: ["bytes"] },
  { verb: "soften", sources: ["words"], dtypes: ["f32"] },
  { verb: "softengradient", sources: ["words"], dtypes: ["f32"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type VariantsKernels = Bound<(typeof VARIANTS)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = VARIANTS;
