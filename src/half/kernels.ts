// The table of the kernels of 16-bit data.

import { type Bound, type Family, HALF } from "../engine/kernels.js";
import { HALF_DTYPES } from "../ground/dtypes.js";

interface ConvertSignatures {
  convert: (dst: number, src: number, n: number) => undefined;
}

/** Conversion: the source is the dtype to read, the dtype the one to write. */
export const CONVERT = [
  { verb: "convert", sources: HALF_DTYPES, dtypes: ["f32"] },
  { verb: "convert", sources: ["f32"], dtypes: HALF_DTYPES },
] as const satisfies readonly (Family & { verb: keyof ConvertSignatures })[];

/** All kernels of the module. */
export const HALF_MODULE = [...HALF, ...CONVERT];

export type ConvertKernels = Bound<(typeof CONVERT)[0], ConvertSignatures> & Bound<(typeof CONVERT)[1], ConvertSignatures>;

/** The table under the name that it has in every module. */
export const FAMILIES: readonly Family[] = HALF_MODULE;
