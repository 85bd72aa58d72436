// DropBlock's mask: every dropped seed drops the block of elements around it. Source: Ghiasi, Lin, Le, "DropBlock: a regularization method
// for convolutional networks", NeurIPS 2018, algorithm 1. Blocks grow from their seeds along one axis after another, and along an axis by
// doubling: a mask and itself, shifted by the length that is reached, make one of twice the length. The time does not depend on the
// number of seeds, and on the size of the blocks by its logarithm only, in operations on whole words.
// Invariant: bits behind the last decision are neither used nor changed.

import { bitsAt } from "./runs";

/** Elements of an edge, done apart from whole words: what bitsAt() reads at most. */
// @ts-ignore: decorator
@inline
const EDGE: u64 = 32;

/** Clears bits i..i+count-1 where bits j..j+count-1 are clear; count is 1 to EDGE. */
function clearWhereClear(mask: usize, i: u64, j: u64, count: u64): void {
  let clear = (~bitsAt(mask, j, <u32>count) & (((<u64>1) << count) - 1)) << (i & 7);
  for (let at = mask + <usize>(i >> 3); clear; clear >>= 8, ++at) store<u8>(at, load<u8>(at) & ~(<u8>clear));
}

/** Clears bits i..i+63, i being a multiple of 8, where bits j..j+63 are clear. */
// @ts-ignore: decorator
@inline
function clearWord(mask: usize, i: u64, j: u64): void {
  const at = mask + <usize>(i >> 3);
  const from = mask + <usize>(j >> 3);
  // Both words have the bits that they share at the same places; shifts by 0 and by 8 need no case of their own.
  store<u64>(at, load<u64>(at) & ((load<u64>(from) >> (j & 7)) | (load<u64>(from, 1) << (8 - (j & 7)))));
}

/** As clearWord(), of 128 bits. */
// @ts-ignore: decorator
@inline
function clearVector(mask: usize, i: u64, j: u64): void {
  const at = mask + <usize>(i >> 3);
  const from = mask + <usize>(j >> 3);
  const shift = <i32>j & 7;
  const low = i64x2.shr_u(v128.load(from), shift);
  const high = i64x2.shl(v128.load(from, 1), 8 - shift);
  v128.store(at, v128.and(v128.load(at), v128.or(low, high)));
}

/** Clears those of bits from..to-1 that lie `shift` above one of them that is clear. Works downwards: a bit is used before it is changed. */
function clearAbove(mask: usize, from: u64, to: u64, shift: u64): void {
  const first = from + shift;
  if (first >= to) return;
  let i = to - min(to & 7, to - first);
  if (i < to) clearWhereClear(mask, i, i - shift, to - i);
  if (ASC_FEATURE_SIMD) {
    for (; i >= first + 128; i -= 128) clearVector(mask, i - 128, i - 128 - shift);
  }
  for (; i >= first + 64; i -= 64) clearWord(mask, i - 64, i - 64 - shift);
  while (i > first) {
    const count = min(i - first, EDGE);
    i -= count;
    clearWhereClear(mask, i, i - shift, count);
  }
}

/** Clears those of bits from..to-1 that lie `shift` below one of them that is clear. Works upwards: a bit is used before it is changed. */
function clearBelow(mask: usize, from: u64, to: u64, shift: u64): void {
  if (from + shift >= to) return;
  const end = to - shift;
  let i = from;
  const odd = min(-i & 7, end - i);
  if (odd) clearWhereClear(mask, i, i + shift, odd);
  i += odd;
  // Bits are read up to the end of the byte behind a word's last, which has to be there.
  if (ASC_FEATURE_SIMD) for (; i + 136 <= end; i += 128) clearVector(mask, i, i + shift);
  for (; i + 72 <= end; i += 64) clearWord(mask, i, i + shift);
  while (i < end) {
    const count = min(end - i, EDGE);
    clearWhereClear(mask, i, i + shift, count);
    i += count;
  }
}

/** Sets bits from..to-1. */
function setRun(mask: usize, from: u64, to: u64): void {
  if (from >= to) return;
  const last = mask + <usize>((to - 1) >> 3);
  const head = (<u8>0xff) << (<u8>from & 7);
  const tail = <u8>0xff >> (7 - (<u8>(to - 1) & 7));
  let at = mask + <usize>(from >> 3);
  if (at == last) return store<u8>(at, load<u8>(at) | (head & tail));
  store<u8>(at, load<u8>(at) | head);
  if (++at < last) memory.fill(at, 0xff, last - at);
  store<u8>(last, load<u8>(last) | tail);
}

/** Sets, in each line of `line` bits, the first `head` and those from `tail` on; what follows the last whole line is of a line too. */
function setEnds(mask: usize, n: u64, line: u64, head: u64, tail: u64): void {
  if (line <= 64) return setEndsOfShort(mask, n, line, head, tail);
  // The end of a line and the beginning of the next are one run.
  setRun(mask, 0, min(n, head));
  for (let at: u64 = 0; at < n; at += line) setRun(mask, min(n, at + tail), min(n, at + line + head));
}

/** As setEnds(), of lines of at most 64 bits, by words: a run costs as much as many words. */
function setEndsOfShort(mask: usize, n: u64, line: u64, head: u64, tail: u64): void {
  // The first 128 bits of such lines; a word that begins with bit `phase` of a line is a part of them.
  let low: u64 = 0;
  let high: u64 = 0;
  for (let k: u64 = 0, at: u64 = 0; k < 64; ++k, at = at + 1 < line ? at + 1 : 0) low |= (<u64>(at < head || at >= tail)) << k;
  for (let k: u64 = 0, at: u64 = 64 % line; k < 64; ++k, at = at + 1 < line ? at + 1 : 0) high |= (<u64>(at < head || at >= tail)) << k;
  const step = 64 % line;
  let phase: u64 = 0;
  let at = mask;
  for (; n >= 64; n -= 64, at += 8) {
    // In two steps: a shift by 64 is one by 0.
    store<u64>(at, load<u64>(at) | (low >> phase) | ((high << 1) << (63 - phase)));
    phase += step;
    if (phase >= line) phase -= line;
  }
  let rest = ((low >> phase) | ((high << 1) << (63 - phase))) & (((<u64>1) << n) - 1);
  for (; rest; rest >>= 8, ++at) store<u8>(at, load<u8>(at) | <u8>rest);
}

/** Clears those of bits from..to-1 from which one that is clear lies at most `before` steps of `stride` ahead, or `after` steps behind. */
function grow(mask: usize, from: u64, to: u64, stride: u64, before: u64, after: u64): void {
  for (let size: u64 = 1, more: u64 = 0; size <= after; size += more) {
    more = min(size, after + 1 - size);
    clearAbove(mask, from, to, more * stride);
  }
  for (let size: u64 = 1, more: u64 = 0; size <= before; size += more) {
    more = min(size, before + 1 - size);
    clearBelow(mask, from, to, more * stride);
  }
}

/**
 * Grows what is dropped in a mask of n decisions along an axis: `before` places towards its beginning and `after` towards its end. The axis has `size`
 * places, `stride` bits apart. With `clip` a block ends where the axis does; without, what lies so near an end that its block would not fit is kept.
 */
export function dilate(mask: usize, n: u64, stride: u64, size: u64, before: u64, after: u64, clip: bool): void {
  const line = size * stride;
  if (clip) {
    for (let at: u64 = 0; at < n; at += line) grow(mask, at, at + line, stride, before, after);
    return;
  }
  setEnds(mask, n, line, before * stride, line - after * stride);
  // No block that is left reaches from a line into the next.
  grow(mask, 0, n, stride, before, after);
}

/**
 * Clears in a mask of the order [samples, area, channels] what is dropped (0) among seeds first..first+n-1 of the order [samples, channels, area];
 * `seeds` has n bits.
 */
export function scatter(mask: usize, seeds: usize, n: u64, first: u64, channels: u64, area: u64): void {
  let map = first / area;
  let place = first - map * area;
  for (let i: u64 = 0; i < n; ++map, place = 0) {
    const end = min(n, i + area - place);
    let bit = ((map / channels) * area + place) * channels + (map % channels);
    while (i < end) {
      const count = min(end - i, EDGE);
      let dropped = ~bitsAt(seeds, i, <u32>count) & (((<u64>1) << count) - 1);
      for (; dropped; dropped &= dropped - 1) {
        const at = bit + ctz(dropped) * channels;
        const byte = mask + <usize>(at >> 3);
        store<u8>(byte, load<u8>(byte) & ~((<u8>1) << (<u8>at & 7)));
      }
      i += count;
      bit += count * channels;
    }
  }
}
