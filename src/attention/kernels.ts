// The table of the kernels of attention, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";

/** A kernel on a block of queries and a block of keys: `record` is the address of ATTENTION_RECORD bytes, aligned to 16, with the fields of AttentionField. */
type BlockKernel = (record: number) => undefined;

// Pointers are byte addresses.
interface Signatures {
  /** Adds a block of keys to the sums of a block of queries. */
  attend: BlockKernel;
  /** Adds the sums of P dP over a block of keys to `sums`. */
  products: BlockKernel;
  /** Adds to dq, dk and dv. */
  gradient: BlockKernel;
  /** Writes y and the log-sum-exps of a block of queries. */
  finish: BlockKernel;
  /** Writes rows as panels of PANEL rows, column by column. */
  pack: (dst: number, src: number, rows: number, columns: number) => undefined;
  /** Writes the sum of a * b of each row. */
  dots: (dst: number, a: number, b: number, rows: number, columns: number) => undefined;
}

export const ATTENTION = [
  { verb: "attend", sources: ["bits"], dtypes: ["f32"] },
  { verb: "products", sources: ["bits"], dtypes: ["f32"] },
  { verb: "gradient", sources: ["bits"], dtypes: ["f32"] },
  { verb: "finish", sources: ["rows"], dtypes: ["f32"] },
  { verb: "pack", sources: ["rows"], dtypes: ["f32"] },
  { verb: "dots", sources: ["rows"], dtypes: ["f32"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type AttentionKernels = Bound<(typeof ATTENTION)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = ATTENTION;
