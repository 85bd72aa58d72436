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

// Pointers are byte addresses.
interface Signatures extends Record<Activation | `${Exclude<Activation, "none">}Gradient` | "residual", Elementwise> {
  /** Adds n elements in row-major order, the first in column `column`, to `columns` sums in f64. */
  sum: (sums: number, src: number, n: number, column: number, columns: number) => undefined;
  /** Rows of y and h, and their means and rstds. bias and keep may be 0: none, all kept. `work` is 64 bytes of scratch. */
  norm: (
    y: number,
    h: number,
    means: number,
    rstds: number,
    x: number,
    residual: number,
    bias: number,
    gamma: number,
    beta: number,
    keep: number,
    rows: number,
    columns: number,
    epsilon: number,
    scale: number,
    work: number,
  ) => undefined;
  /** Rows of dx and dresidual; adds to `columns` sums in f64 each for gamma and beta. dh and keep may be 0. `work` is 128 bytes of scratch. */
  normGradient: (
    dx: number,
    dresidual: number,
    dgamma: number,
    dbeta: number,
    dy: number,
    h: number,
    means: number,
    rstds: number,
    gamma: number,
    dh: number,
    keep: number,
    rows: number,
    columns: number,
    scale: number,
    work: number,
  ) => undefined;
  /**
   * Rows of dropout(softmax(logitScale * logits + mask)), the first of them with row maskRow of maskRows and query `query` of `queries`. mask and keep may
   * be 0: nothing added, all kept; queries may be 0: not causal. `work` is 64 bytes of scratch.
   */
  softmax: (
    dst: number,
    logits: number,
    mask: number,
    keep: number,
    rows: number,
    columns: number,
    maskRow: number,
    maskRows: number,
    query: number,
    queries: number,
    logitScale: number,
    scale: number,
    work: number,
  ) => undefined;
  /** The gradient of softmax with respect to the logits; `row` is scratch for `columns` of f32. */
  softmaxGradient: (
    dst: number,
    dy: number,
    logits: number,
    mask: number,
    keep: number,
    rows: number,
    columns: number,
    maskRow: number,
    maskRows: number,
    query: number,
    queries: number,
    logitScale: number,
    scale: number,
    row: number,
    work: number,
  ) => undefined;
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
