// Data for dropout, the same in every engine: made with integers and exact divisions only, without NaN, whose bits engines choose.

/** The name of the check that only the SIMD build has. */
export const LONG_MASKS = "SHA-256 of long masks";

/** The number of elements of each long mask that dropout is applied with, many pieces: engines hash the results in JavaScript, which takes long. */
export const OUTPUT_LENGTH = 2 ** 18;

/** The number of elements at each end of a long mask that every engine draws, slow ones too. */
export const END_LENGTH = 2 ** 14;

/** The first elements of both ends of a long mask. */
export const endsOf = ({ start, count }: { start: number; count: number }): number[] => [start, start + count - END_LENGTH];

/** `length` values in [-4, 4), each exact in f32; those from number `first` on. */
export function sampleData<D extends "f32" | "f64">(
  dtype: D,
  length: number,
  first?: number,
): D extends "f32" ? Float32Array<ArrayBuffer> : Float64Array<ArrayBuffer>;
export function sampleData(dtype: "f32" | "f64", length: number, first = 0): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const x = dtype === "f32" ? new Float32Array(length) : new Float64Array(length);
  // Fibonacci hashing (Knuth, TAOCP 3, 6.4): 2^32 divided by the golden ratio, to the next odd number.
  for (let i = 0; i < length; ++i) x[i] = (Math.imul(first + i, 0x9e3779b1) >> 8) / 2 ** 21;
  return x;
}
