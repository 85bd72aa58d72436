// The table of the kernels of 16-bit data: the core's operations on them, and conversion.

import { type Bound, type Family, type Signatures, STREAM_KINDS } from "../engine/kernels.js";
import { HALF_DTYPES, STORED_FORMATS } from "../ground/dtypes.js";

interface ConvertSignatures {
  convert: (dst: number, src: number, n: number) => undefined;
}

/** Kernels that the core gets. */
export const HALF = [
  { verb: "dropout", sources: STREAM_KINDS, dtypes: HALF_DTYPES },
  { verb: "dropoutbits", sources: STREAM_KINDS, dtypes: HALF_DTYPES },
  { verb: "apply", sources: STORED_FORMATS, dtypes: HALF_DTYPES },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

/** Conversion: the source is what is read, the dtype what is written. */
export const CONVERT = [
  { verb: "convert", sources: HALF_DTYPES, dtypes: ["f32"] },
  { verb: "convert", sources: ["f32"], dtypes: HALF_DTYPES },
] as const satisfies readonly (Family & { verb: keyof ConvertSignatures })[];

export type ConvertKernels = Bound<(typeof CONVERT)[0], ConvertSignatures> & Bound<(typeof CONVERT)[1], ConvertSignatures>;
