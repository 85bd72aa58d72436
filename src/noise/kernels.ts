// The table of the kernels of noise, which tests and benchmarks walk.

import type { Bound, Family } from "../engine/kernels.js";
import { DTYPES } from "../ground/dtypes.js";

// Pointers are byte addresses, n counts elements, params is the address of the parameter record. z is a value of the source's distribution.
interface Signatures {
  /** dst = src * (1 + sigma z) */
  times: (dst: number, src: number, n: number, sigma: number, params: number) => undefined;
  /** dst = src + sigma z */
  plus: (dst: number, src: number, n: number, sigma: number, params: number) => undefined;
  /** dst = offset + factor z */
  fill: (dst: number, n: number, offset: number, factor: number, params: number) => undefined;
}

export const NOISE = [
  { verb: "times", sources: ["normal"], dtypes: DTYPES },
  { verb: "plus", sources: ["normal"], dtypes: DTYPES },
  { verb: "fill", sources: ["normal", "uniform"], dtypes: ["f32"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

export type NoiseKernels = Bound<(typeof NOISE)[number], Signatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = NOISE;
