// Decisions about the scores of a tile as words: bit i of word r at 4 r of each 32 bytes is about key i of 32 and query r.

import { readWord } from "../anywhere";
import { LANES } from "./record";

/** Keys of a word. */
// @ts-ignore: decorator
@inline
export const WORD: usize = 32;

/** Writes the words of `keys` keys from bits: those of a query begin `stride` bits behind those of the query before, the first of all at bit `at`. */
export function keepWords(words: usize, keep: usize, at: usize, stride: usize, keys: usize, rows: usize): void {
  for (let row: usize = 0; row < LANES; ++row) {
    for (let key: usize = 0; key < keys; key += WORD) {
      let word: u32 = 0;
      if (row < rows) {
        const bit = at + key;
        word = <u32>(readWord(keep + (bit >> 3)) >> (bit & 7));
      }
      store<u32>(words + key + (row << 2), word);
    }
    at += stride;
  }
}

/** The number of keys, of those from `first` on and at most `keys`, that a query sees. */
// @ts-ignore: decorator
@inline
export function seenBy(limits: usize, row: usize, first: usize, keys: usize): usize {
  const limit = <usize>(<i64>load<f64>(limits + (row << 3)));
  if (limit <= first) return 0;
  return limit - first < keys ? limit - first : keys;
}

/** A bit for each of up to 32 bytes that is not 0. */
function bitsOf(bytes: usize, count: usize): u32 {
  if (ASC_FEATURE_SIMD && count == WORD) {
    const none = i8x16.splat(0);
    return <u32>i8x16.bitmask(i8x16.ne(v128.load(bytes), none)) | ((<u32>i8x16.bitmask(i8x16.ne(v128.load(bytes, 16), none))) << 16);
  }
  let bits: u32 = 0;
  for (let k: usize = 0; k < count; ++k) bits |= (<u32>(load<u8>(bytes + k) != 0)) << (<u32>k);
  return bits;
}

/**
 * Writes the words of the keys that queries see: the first seenBy() of them, of which flags, a byte each, leave out those that are 0. Returns whether any
 * of `keys` keys is left out.
 */
export function seenWords(words: usize, limits: usize, flags: usize, first: usize, keys: usize, rows: usize): bool {
  let some = false;
  for (let row: usize = 0; row < LANES; ++row) {
    const seen: usize = row < rows ? seenBy(limits, row, first, keys) : 0;
    const bytes: usize = flags && row < rows ? <usize>(<i64>load<f64>(flags + (row << 3))) : 0;
    for (let key: usize = 0; key < keys; key += WORD) {
      const count = keys - key < WORD ? keys - key : WORD;
      const all: u32 = count < WORD ? (1 << (<u32>count)) - 1 : -1;
      let word: u32 = 0;
      if (seen > key) {
        const left = seen - key;
        word = left < WORD ? (1 << (<u32>left)) - 1 : -1;
        if (bytes) word &= bitsOf(bytes + key, count);
      }
      some = some || (word & all) != all;
      store<u32>(words + key + (row << 2), word);
    }
  }
  return some;
}
