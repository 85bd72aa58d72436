// The table of the kernels of Monte-Carlo dropout.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

// Pointers are byte addresses; n, rows and classes count elements; results are f64. `count` says how many passes there are with this one.
interface Signatures {
  welford: (mean: number, deviations: number, src: number, n: number, count: number) => undefined;
  softmax: (dst: number, src: number, rows: number, classes: number) => undefined;
  entropy: (dst: number, src: number, rows: number, classes: number, count: number) => undefined;
  vote: (dst: number, src: number, rows: number, classes: number) => undefined;
}

export const MONTE_CARLO = [
  { verb: "welford", sources: ["output"], dtypes: DTYPES },
  { verb: "softmax", sources: ["logits"], dtypes: DTYPES },
  { verb: "entropy", sources: ["probabilities"], dtypes: DTYPES },
  { verb: "vote", sources: ["probabilities"], dtypes: DTYPES },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type MonteCarloKernels = Bound<(typeof MONTE_CARLO)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = MONTE_CARLO;
