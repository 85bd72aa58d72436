// The step: 16 consecutive elements from a multiple of 16 of a stream, which sources decide together and hand to an epilogue.
// Invariant: only elements of the output, 0..n-1, reach the epilogue, in ascending order.

import { STEP } from "../../src/ground/abi";

/** The part of a step that lies in the output: bit j of `keep` decides element i + j; i may be negative. */
// @ts-ignore: decorator
@inline
export function partOfStep<S>(dst: usize, src: usize, bits: usize, n: usize, i: i32, keep: u32, scale: f64): void {
  const end = min(i + STEP, <i32>n);
  for (let j = max(i, 0); j < end; ++j) {
    changetype<S>(0).one(dst, src, bits, j, <bool>((keep >> (j - i)) & 1), scale);
  }
}
