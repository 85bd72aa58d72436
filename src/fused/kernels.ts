// The table of the kernels of fused operations, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

/** What stands between bias and dropout. */
export type Activation = (typeof ACTIVATIONS)[number];
export const ACTIVATIONS = ["none", "relu", "gelu", "geluTanh", "silu"] as const;

/**
 * `dst`, `src` and `other` are n elements each, the first of them in column `column`. `row` is the address of a record of 16 bytes, for the kernel's use,
 * and behind it of `columns` + 16 elements: a bias of at least 16 columns and its first 16 again. `params` says what is drawn, and the scale. Kernels of
 * source "tile" draw; those of "bytes" read a byte an element at `keep`, 1 = keep, 0 = drop, and keep all where that is 0.
 */
export type Elementwise = (
  dst: number,
  src: number,
  other: number,
  row: number,
  column: number,
  columns: number,
  n: number,
  params: number,
  keep: number,
) => undefined;

/** A kernel on whole rows: `record` is the address of ROW_RECORD bytes, aligned to 16, that begin with its fields (src/ground/abi.ts). */
export type RowKernel = (record: number) => undefined;

// Pointers are byte addresses.
interface Signatures extends Record<Activation | `${Exclude<Activation, "none">}Gradient` | "residual", Elementwise> {
  /** Adds n elements in row-major order, the first in column `column`, to `columns` sums in f64. */
  sum: (sums: number, src: number, n: number, column: number, columns: number) => undefined;
  /** Rows of y and h, and their means and rstds. The fields of the record are those of NormField. */
  norm: RowKernel;
  /** Rows of dx and dresidual; adds to the sums for gamma and beta. The fields are those of NormGradientField. */
  normGradient: RowKernel;
  /** Rows of dropout(softmax(logitScale * logits + mask)). The fields are those of SoftmaxField. */
  softmax: RowKernel;
  /** Rows of the gradient of softmax with respect to the logits. */
  softmaxGradient: RowKernel;
}

export const FUSED = [
  // Bias, activation, residual.
  { verb: "residual", sources: ["tile", "bytes"], dtypes: DTYPES },
  { verb: "none", sources: ["tile", "bytes"], dtypes: ["f32"] },
  { verb: "relu", sources: ["tile", "bytes"], dtypes: ["f32"] },
  { verb: "gelu", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "geluTanh", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "silu", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "reluGradient", sources: ["tile", "bytes"], dtypes: ["f32"] },
  { verb: "geluGradient", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "geluTanhGradient", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "siluGradient", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "sum", sources: ["rows"], dtypes: DTYPES },
  // Layer norm and softmax, on whole rows.
  { verb: "norm", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "normGradient", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "softmax", sources: ["bytes"], dtypes: ["f32"] },
  { verb: "softmaxGradient", sources: ["bytes"], dtypes: ["f32"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type FusedKernels = Bound<(typeof FUSED)[number], Signatures>;
