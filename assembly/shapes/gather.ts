// Decisions of short runs written out side by side, a bit an element, so that many runs go through the vectors as one.
// Invariant: the first `filled` bits of a tile hold decisions; nothing is said of those behind.

import { keeps } from "./runs";

/** Appends the lowest `run` bits of `bits`, at most 32, those above being 0, `times` times; returns how many bits then are filled. */
export function repeat(tile: usize, filled: u32, bits: u64, run: u32, times: u32): u32 {
  let word = wordAt(tile, filled);
  for (; times > 0; --times, filled += run) word = append(tile, filled, word, bits, run);
  store<u64>(addressOf(tile, filled), word);
  return filled;
}

/** Appends each of `times` bits of a mask, from `bit` on, `run` times, at most 32; returns how many bits then are filled. */
export function spread(tile: usize, filled: u32, mask: usize, bit: u64, run: u32, times: u32): u32 {
  const ones = ((<u64>1) << run) - 1;
  let word = wordAt(tile, filled);
  for (; times > 0; --times, ++bit, filled += run) word = append(tile, filled, word, -(<u64>keeps(mask, bit)) & ones, run);
  store<u64>(addressOf(tile, filled), word);
  return filled;
}

// @ts-ignore: decorator
@inline
function addressOf(tile: usize, filled: u32): usize {
  return tile + ((filled >> 6) << 3);
}

/** The bits filled so far of the word that the next bit goes to, and 0 in its other bits. */
// @ts-ignore: decorator
@inline
function wordAt(tile: usize, filled: u32): u64 {
  return load<u64>(addressOf(tile, filled)) & (((<u64>1) << (filled & 63)) - 1);
}

/** Stores the present word with `bits` added; returns the word that then is the present one. Without a branch, as words fill up irregularly. */
// @ts-ignore: decorator
@inline
function append(tile: usize, filled: u32, word: u64, bits: u64, run: u32): u64 {
  const place = filled & 63;
  const sum = word | (bits << place);
  store<u64>(addressOf(tile, filled), sum);
  // In two steps: a shift by 64 is one by 0.
  return select<u64>((bits >> (63 - place)) >> 1, sum, place + run >= 64);
}
