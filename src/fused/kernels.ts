// The table of the kernels of fused operations, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES, type Dtype } from "../ground/dtypes.js";

// The sources of decisions. What takes long enough that drawing beside it gains nothing reads its decisions from bytes only.
const DRAWN_OR_READ = ["tile", "bytes"] as const;
const READ = ["bytes"] as const;

/** The activations, each with the sources of its kernels in f32. */
const ACTIVATION_SOURCES = {
  relu: DRAWN_OR_READ,
  gelu: READ,
  geluTanh: READ,
  silu: READ,
} as const;

/** The function between bias and dropout. */
export type Activation = "none" | Smooth;
type Smooth = keyof typeof ACTIVATION_SOURCES;
const NAMES = Object.keys(ACTIVATION_SOURCES) as Smooth[];
/** The function of the gate of a gated linear unit. */
export type GluActivation = Exclude<Activation, "none">;
/** The names of the activations. */
export const ACTIVATIONS: readonly Activation[] = ["none", ...NAMES];
export const GLU_ACTIVATIONS: readonly GluActivation[] = NAMES;

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
interface Signatures {
  residual: Elementwise;
  none: Elementwise;
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

// Their gradient is that of dropout.
const LINEAR = [
  { verb: "residual", sources: DRAWN_OR_READ, dtypes: DTYPES },
  { verb: "none", sources: DRAWN_OR_READ, dtypes: DTYPES },
] as const;
const ROWS = [
  { verb: "sum", sources: ["rows"], dtypes: DTYPES },
  // Norms and softmax, on whole rows.
  { verb: "norm", sources: READ, dtypes: DTYPES },
  { verb: "normGradient", sources: READ, dtypes: DTYPES },
  { verb: "softmax", sources: READ, dtypes: DTYPES },
  { verb: "softmaxGradient", sources: READ, dtypes: DTYPES },
] as const;

const activated = (suffix: string): Family[] =>
  NAMES.map((name) => ({ verb: `${name}${suffix}`, sources: ACTIVATION_SOURCES[name], dtypes: ["f32"] }));
// Of f64, and of gated linear units, decisions are read.
const activated64 = (suffix: string): Family[] => NAMES.map((name) => ({ verb: `${name}${suffix}`, sources: READ, dtypes: ["f64"] }));
const gated = (suffix: string): Family[] => NAMES.map((name) => ({ verb: `${name}${suffix}`, sources: READ, dtypes: DTYPES }));

export const FUSED: readonly Family[] = [
  ...LINEAR,
  ...activated(""),
  ...activated64(""),
  ...activated("Gradient"),
  ...activated64("Gradient"),
  ...gated("Gate"),
  ...gated("GateGradient"),
  ...ROWS,
];

/** The kernels of an activation by source and dtype. */
interface BySource {
  readonly tile?: { readonly f32: Elementwise };
  readonly bytes: Readonly<Record<Dtype, Elementwise>>;
}

export type FusedKernels = Bound<(typeof LINEAR)[number] | (typeof ROWS)[number], Signatures> &
  Readonly<Record<Smooth | `${Smooth}Gradient`, BySource>> &
  Readonly<Record<`${Smooth}Gate` | `${Smooth}GateGradient`, { readonly bytes: Readonly<Record<Dtype, RowKernel>> }>>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = FUSED;
