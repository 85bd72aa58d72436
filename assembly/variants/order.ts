// Random words that put elements in an order, and the largest of each row.
// Source: docs/order-stream.md. Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.

import { philox8, WORDS as STEP, wordOf } from "../stream/generator";
import { Params, workspace } from "../stream/params";

// In the last word of a counter: keeps these words apart from kind "philox", whose indices end at 2^53, and from the normal stream and ties, whose
// counters have the top bit.
// @ts-ignore: decorator
@inline
const ORDER_COUNTER: u32 = 0x40000000;

/** Makes the words of elements x..x+31 of the stream, x a multiple of 32; wordOf() says where. */
// @ts-ignore: decorator
@inline
export function drawWords(params: Params, x: u64): usize {
  const words = workspace(params);
  philox8(words, params.s0, params.s1, <u32>x, <u32>(x >> 32) | ORDER_COUNTER, 0, 4, params.k0, params.k1);
  return words;
}

/** Writes the words of elements start..start+n-1. */
export function fillWords(dst: usize, n: usize, params: Params): void {
  const start = params.start;
  // i is the offset of a step's first element: negative in front of the output.
  for (let i: i32 = -(<i32>start & (STEP - 1)); i < <i32>n; i += STEP) {
    const words = drawWords(params, start + i);
    const end = min(i + STEP, <i32>n);
    for (let j = max(i, 0); j < end; ++j) store<u32>(dst + (j << 2), load<u32>(wordOf(words, j - i)));
  }
}

// @ts-ignore: decorator
@inline
const BINS: usize = 256;

/**
 * Writes 1 for the `kept` elements of each row with the largest words, of equal words the first ones, and 0 for the others. `work` has room for 256 counts
 * of u32. The least of the largest is found byte by byte, from the top: a row is read five times, whatever it holds.
 */
export function markLargest(dst: usize, words: usize, rows: usize, columns: usize, kept: usize, work: usize): void {
  for (let row: usize = 0; row < rows; ++row) {
    if (kept == 0 || kept == columns) {
      memory.fill(dst, kept == 0 ? 0 : 1, columns);
    } else {
      // Words whose upper bytes are `prefix` hold the least of the largest; `missing` of them are kept.
      let prefix: u32 = 0;
      let missing = <u32>kept;
      for (let shift: i32 = 24; shift >= 0; shift -= 8) {
        memory.fill(work, 0, BINS << 2);
        // A shift by 32 would be one by 0.
        const above = shift == 24 ? 0 : prefix >> (shift + 8);
        for (let j: usize = 0; j < columns; ++j) {
          const word = load<u32>(words + (j << 2));
          if ((shift == 24 ? 0 : word >> (shift + 8)) == above) {
            const at = work + ((<usize>(word >> shift) & 255) << 2);
            store<u32>(at, load<u32>(at) + 1);
          }
        }
        let bin: usize = BINS - 1;
        for (; load<u32>(work + (bin << 2)) < missing; --bin) missing -= load<u32>(work + (bin << 2));
        prefix |= (<u32>bin) << shift;
      }
      for (let j: usize = 0; j < columns; ++j) {
        const word = load<u32>(words + (j << 2));
        let keep = word > prefix;
        if (word == prefix && missing > 0) {
          --missing;
          keep = true;
        }
        store<u8>(dst + j, <u8>keep);
      }
    }
    dst += columns;
    words += columns << 2;
  }
}
