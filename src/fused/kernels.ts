// The table of the kernels of fused operations, which tests and benchmarks walk.

import { DTYPES } from "../dtypes.js";
import type { Bound, Family } from "../kernels.js";

// Pointers are byte addresses. `keep` holds a byte for each element, 1 = keep, 0 = drop; 0 in its place keeps all.
interface Signatures {
  residual: (
    dst: number,
    x: number,
    residual: number,
    bias: number,
    keep: number,
    rows: number,
    columns: number,
    scale: number,
  ) => undefined;
}

export const FUSED = [
  // Bias, activation, residual.
  { verb: "residual", sources: ["bytes"], dtypes: DTYPES },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type FusedKernels = Bound<(typeof FUSED)[number], Signatures>;
