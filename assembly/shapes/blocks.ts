// DropBlock's mask: every dropped seed drops the block of elements around it. Source: Ghiasi, Lin, Le, "DropBlock: a regularization method
// for convolutional networks", NeurIPS 2018, algorithm 1. Blocks grow from their seeds along one axis after another, and along an axis by
// doubling: a mask and itself, shifted by the length that is reached, make one of twice the length. The time grows with the logarithm of
// the blocks' size, in operations on whole words, and does not grow with the number of seeds.
// Invariant: whole words are read and written, up to 16 bytes on both sides of a mask to grow in; bits outside of it stay as they are.

import { readWord, writeWord } from "../anywhere";
import { bitsAt } from "./runs";

/** Bits of a word. */
// @ts-ignore: decorator
@inline
const WORD: u64 = 64;

/** Bits that one operation treats. */
// @ts-ignore: decorator
@inline
const WIDE: u64 = ASC_FEATURE_SIMD ? 128 : 64;

/** Bits that a word read from a byte on has at least of those from any bit of that byte on. */
// @ts-ignore: decorator
@inline
const WINDOW: u64 = 57;

/** Seeds that are read at once: what bitsAt() reads at most. */
// @ts-ignore: decorator
@inline
const PART: u64 = 32;

/** Length of a line from which on it costs less to treat each apart than to find their ends in the words of all. */
// @ts-ignore: decorator
@inline
const MANY: u64 = 256;

/** The lowest `count` bits, without a branch. */
// @ts-ignore: decorator
@inline
function ones(count: u64): u64 {
  return select<u64>(((<u64>1) << count) - 1, -1, count < WORD);
}

/** The bits of the word from bit `word` on that lie in [from, to). */
// @ts-ignore: decorator
@inline
function within(word: u64, from: u64, to: u64): u64 {
  return ones(max<i64>(to - word, 0)) & ~ones(max<i64>(from - word, 0));
}

/** Clears those of the WIDE bits at `at` whose neighbours are clear: the bits from bit `shift` of the byte at `src` on. */
// @ts-ignore: decorator
@inline
function clearWide(at: usize, src: usize, shift: i32): void {
  // Both words have the bits that they share at the same places; shifts by 0 and by 8 need no case of their own.
  if (ASC_FEATURE_SIMD) {
    const kept = v128.or(i64x2.shr_u(v128.load(src), shift), i64x2.shl(v128.load(src, 1), 8 - shift));
    v128.store(at, v128.and(v128.load(at), kept));
  } else writeWord(at, readWord(at) & ((readWord(src) >> shift) | (readWord(src + 1) << (8 - shift))));
}

/** As clearWide(), from bit i, a multiple of 8, with neighbours from bit j on; changes none but bits from..to-1. */
// @ts-ignore: decorator
@inline
function clearEnd(mask: usize, i: u64, j: i64, from: u64, to: u64): void {
  const at = mask + <usize>(i >> 3);
  const src = mask + <usize>(j >> 3);
  const shift = <i32>j & 7;
  if (ASC_FEATURE_SIMD) {
    const kept = v128.or(i64x2.shr_u(v128.load(src), shift), i64x2.shl(v128.load(src, 1), 8 - shift));
    const changed = i64x2.replace_lane(i64x2.splat(within(i, from, to)), 1, within(i + WORD, from, to));
    v128.store(at, v128.andnot(v128.load(at), v128.andnot(changed, kept)));
  } else {
    const kept = (readWord(src) >> shift) | (readWord(src + 1) << (8 - shift));
    writeWord(at, readWord(at) & (kept | ~within(i, from, to)));
  }
}

/** Returns true if all bits of the 65 bytes from `src` on are set. */
// @ts-ignore: decorator
@inline
function keepsAll(src: usize): bool {
  const words = v128.and(v128.and(v128.load(src), v128.load(src, 16)), v128.and(v128.load(src, 32), v128.load(src, 48)));
  return !v128.any_true(v128.not(v128.and(words, v128.load(src, 49))));
}

/** Clears those of bits from..to-1 that lie `shift` above a clear one of them. Works downwards: a bit is used before it is changed. */
function clearAbove(mask: usize, from: u64, to: u64, shift: u64): void {
  const first = from + shift;
  if (first >= to) return;
  const last = first & ~7;
  const i = last + ((to - 1 - last) & ~(WIDE - 1));
  clearEnd(mask, i, i - shift, first, to);
  if (i == last) return;
  const end = mask + <usize>(last >> 3);
  const odd = <i32>(last - shift) & 7;
  let at = mask + <usize>(i >> 3);
  let src = mask + <usize>(<i64>(i - shift) >> 3);
  if (ASC_FEATURE_SIMD) {
    // If seeds are few, most of a mask keeps all.
    while (at > end + 64) {
      at -= 64;
      src -= 64;
      if (keepsAll(src)) continue;
      for (let k: usize = 64; k > 0; k -= 16) clearWide(at + k - 16, src + k - 16, odd);
    }
  }
  for (;;) {
    at -= <usize>(WIDE / 8);
    src -= <usize>(WIDE / 8);
    if (at <= end) break;
    clearWide(at, src, odd);
  }
  clearEnd(mask, last, last - shift, first, to);
}

/** Clears those of bits from..to-1 that lie `shift` below a clear one of them. Works upwards: a bit is used before it is changed. */
function clearBelow(mask: usize, from: u64, to: u64, shift: u64): void {
  if (from + shift >= to) return;
  const end = to - shift;
  let i = from & ~7;
  clearEnd(mask, i, i + shift, from, end);
  i += WIDE;
  const odd = <i32>(i + shift) & 7;
  let at = mask + <usize>(i >> 3);
  let src = mask + <usize>((i + shift) >> 3);
  if (ASC_FEATURE_SIMD) {
    for (; i + 512 <= end; i += 512, at += 64, src += 64) {
      if (keepsAll(src)) continue;
      for (let k: usize = 0; k < 64; k += 16) clearWide(at + k, src + k, odd);
    }
  }
  for (; i + WIDE <= end; i += WIDE, at += <usize>(WIDE / 8), src += <usize>(WIDE / 8)) clearWide(at, src, odd);
  if (i < end) clearEnd(mask, i, i + shift, from, end);
}

/** 64 bits from place `q` of a line of `line` bits on, set at the first `run` places of every line; `heads` are those from place 0 on. */
// @ts-ignore: decorator
@inline
function headsFrom(q: u64, line: u64, run: u64, heads: u64): u64 {
  const next = line - q;
  return ones(max<i64>(run - q, 0)) | select<u64>(heads << next, 0, next < WORD);
}

/** The `heads` of headsFrom(). Lines are longer than WINDOW, so that no third one begins in a word. */
// @ts-ignore: decorator
@inline
function headsOf(line: u64, run: u64): u64 {
  return ones(run) | select<u64>(ones(run) << line, 0, line < WORD);
}

/** As clearWide(), of bits i..i+WIDE-1 those below n, but the first `run` of each line, of which `q` is the place of bit i. */
// @ts-ignore: decorator
@inline
function clearInLines(mask: usize, i: u64, j: i64, n: u64, q: u64, line: u64, run: u64, heads: u64): void {
  const at = mask + <usize>(i >> 3);
  const src = mask + <usize>(j >> 3);
  const shift = <i32>j & 7;
  let low = headsFrom(q, line, run, heads);
  if (ASC_FEATURE_SIMD) {
    const next = q + (WORD % line);
    let high = headsFrom(next >= line ? next - line : next, line, run, heads);
    if (i + WIDE > n) {
      low |= ~within(i, 0, n);
      high |= ~within(i + WORD, 0, n);
    }
    const kept = v128.or(i64x2.shr_u(v128.load(src), shift), i64x2.shl(v128.load(src, 1), 8 - shift));
    v128.store(at, v128.and(v128.load(at), v128.or(kept, i64x2.replace_lane(i64x2.splat(low), 1, high))));
  } else {
    if (i + WIDE > n) low |= ~within(i, 0, n);
    writeWord(at, readWord(at) & ((readWord(src) >> shift) | (readWord(src + 1) << (8 - shift)) | low));
  }
}

/** As clearAbove(), of each line of n bits. */
function clearAboveInLines(mask: usize, n: u64, line: u64, shift: u64): void {
  if (shift >= line) return;
  // The first places of a line have nothing so far below them.
  const heads = headsOf(line, shift);
  const first = shift & ~7;
  const step = WIDE % line;
  let i = first + ((n - 1 - first) & ~(WIDE - 1));
  for (let q = i % line; ; i -= WIDE) {
    clearInLines(mask, i, i - shift, n, q, line, shift, heads);
    if (i == first) break;
    q = q >= step ? q - step : q + line - step;
  }
}

/** As clearBelow(), of each line of n bits. */
function clearBelowInLines(mask: usize, n: u64, line: u64, shift: u64): void {
  if (shift >= line) return;
  // The last places of a line have what is so far above them among the first of the next.
  const heads = headsOf(line, shift);
  const step = WIDE % line;
  let q = shift;
  for (let i: u64 = 0; i + shift < n; i += WIDE) {
    clearInLines(mask, i, i + shift, n - shift, q, line, shift, heads);
    q += step;
    if (q >= line) q -= line;
  }
}

/** Sets bits from..to-1. */
function setRun(mask: usize, from: u64, to: u64): void {
  for (let i = from & ~7; i < to; i += WORD) {
    const at = mask + <usize>(i >> 3);
    writeWord(at, readWord(at) | within(i, from, to));
  }
}

/**
 * Clears those of n bits, in lines of `line` bits, from which a clear one of their line lies at most `before` steps of `stride` ahead, or
 * `after` steps behind.
 */
function grow(mask: usize, n: u64, line: u64, stride: u64, before: u64, after: u64): void {
  const many = line < min(n, MANY);
  for (let size: u64 = 1, more: u64 = 0; size <= after; size += more) {
    more = min(size, after + 1 - size);
    if (many) clearAboveInLines(mask, n, line, more * stride);
    else for (let at: u64 = 0; at < n; at += line) clearAbove(mask, at, at + line, more * stride);
  }
  for (let size: u64 = 1, more: u64 = 0; size <= before; size += more) {
    more = min(size, before + 1 - size);
    if (many) clearBelowInLines(mask, n, line, more * stride);
    else for (let at: u64 = 0; at < n; at += line) clearBelow(mask, at, at + line, more * stride);
  }
}

/** `word` in all lanes of T, a word or a vector of two. */
// @ts-ignore: decorator
@inline
function all<T>(word: u64): T {
  if (isVector<T>()) return i64x2.splat(word);
  return word;
}

/** Returns the bits that lie `shift` places below. */
// @ts-ignore: decorator
@inline
function fromBelow<T>(value: T, shift: u64): T {
  if (isVector<T>()) return i64x2.shl(value, <i32>shift);
  return value << shift;
}

/** Returns the bits that lie `shift` places above. */
// @ts-ignore: decorator
@inline
function fromAbove<T>(value: T, shift: u64): T {
  if (isVector<T>()) return i64x2.shr_u(value, <i32>shift);
  return value >> shift;
}

// @ts-ignore: decorator
@inline
function and<T>(a: T, b: T): T {
  if (isVector<T>()) return v128.and(a, b);
  return a & b;
}

// @ts-ignore: decorator
@inline
function or<T>(a: T, b: T): T {
  if (isVector<T>()) return v128.or(a, b);
  return a | b;
}

/** A word from bit i on; of a vector, another from bit i + 8 window on, which lies as far from the beginning of its byte. */
// @ts-ignore: decorator
@inline
function windowAt<T>(mask: usize, i: u64, window: u64): T {
  const at = mask + <usize>(i >> 3);
  if (isVector<T>()) return fromAbove<T>(v128.load64_lane(at + <usize>window, v128.load64_zero(at), 1), i & 7);
  return fromAbove<T>(readWord(at), i & 7);
}

/** Writes the lowest bits, as many as `bits` has ones, of what windowAt() reads. */
// @ts-ignore: decorator
@inline
function setWindow<T>(mask: usize, i: u64, window: u64, bits: u64, value: T): void {
  const at = mask + <usize>(i >> 3);
  const shift = i & 7;
  const changed = bits << shift;
  if (isVector<T>()) {
    const old = v128.load64_lane(at + <usize>window, v128.load64_zero(at), 1);
    const words = v128.bitselect(fromBelow<T>(value, shift), old, i64x2.splat(changed));
    v128.store64_lane(at, words, 0);
    v128.store64_lane(at + <usize>window, words, 1);
  } else writeWord(at, (readWord(at) & ~changed) | (fromBelow<T>(value, shift) & changed));
}

/** As grow(), of all lines of a word, of which `first` has the first places. Times ones(k), it has the first k. */
// @ts-ignore: decorator
@inline
function grown<T>(kept: T, first: u64, line: u64, stride: u64, before: u64, after: u64): T {
  for (let size: u64 = 1, more: u64 = 0; size <= after; size += more) {
    more = min(size, after + 1 - size);
    const shift = more * stride;
    if (shift >= line) break;
    kept = and<T>(kept, or<T>(fromBelow<T>(kept, shift), all<T>(first * ones(shift))));
  }
  for (let size: u64 = 1, more: u64 = 0; size <= before; size += more) {
    more = min(size, before + 1 - size);
    const shift = more * stride;
    if (shift >= line) break;
    kept = and<T>(kept, or<T>(fromAbove<T>(kept, shift), all<T>((first * ones(shift)) << (line - shift))));
  }
  return kept;
}

/** As dilate(), of lines of at most WINDOW bits: those that fit a word are treated in it, at all lengths one after the other. */
function dilateShort<T>(mask: usize, n: u64, line: u64, stride: u64, before: u64, after: u64, clip: bool): void {
  const window = WINDOW - (WINDOW % line);
  const bits = ones(window);
  let first: u64 = 1;
  for (let length = line; length < window; length *= 2) first |= first << length;
  first &= bits;
  const ends = clip ? 0 : (first * ones(before * stride)) | ((first * ones(after * stride)) << (line - after * stride));
  const kept = all<T>(ends);
  const step = 2 * window;
  let i: u64 = 0;
  for (const block = (isVector<T>() ? 16 : 8) * window; i + block <= n; i += block) {
    // Windows next to each other share a byte: those in between are read when the ones before them have long been written.
    for (let p = i; p < i + step; p += window) {
      const a = grown<T>(or<T>(windowAt<T>(mask, p, window), kept), first, line, stride, before, after);
      const b = grown<T>(or<T>(windowAt<T>(mask, p + step, window), kept), first, line, stride, before, after);
      const c = grown<T>(or<T>(windowAt<T>(mask, p + 2 * step, window), kept), first, line, stride, before, after);
      const d = grown<T>(or<T>(windowAt<T>(mask, p + 3 * step, window), kept), first, line, stride, before, after);
      setWindow<T>(mask, p, window, bits, a);
      setWindow<T>(mask, p + step, window, bits, b);
      setWindow<T>(mask, p + 2 * step, window, bits, c);
      setWindow<T>(mask, p + 3 * step, window, bits, d);
    }
  }
  for (; i < n; i += window) {
    const word = grown<u64>(windowAt<u64>(mask, i, window) | ends, first, line, stride, before, after);
    setWindow<u64>(mask, i, window, bits & ones(n - i), word);
  }
}

/**
 * Grows what is dropped in a mask of n decisions, whole lines, along an axis: `before` places towards its beginning and `after` towards its
 * end. The axis has `size` places, `stride` bits apart. With `clip` a block ends where the axis does; without, what lies so near an end
 * that its block would not fit is kept.
 */
export function dilate(mask: usize, n: u64, stride: u64, size: u64, before: u64, after: u64, clip: bool): void {
  if (n == 0 || before + after == 0) return;
  const line = size * stride;
  if (line <= WINDOW) {
    if (ASC_FEATURE_SIMD) return dilateShort<v128>(mask, n, line, stride, before, after, clip);
    return dilateShort<u64>(mask, n, line, stride, before, after, clip);
  }
  if (clip) return grow(mask, n, line, stride, before, after);
  // The end of a line and the beginning of the next are one run.
  setRun(mask, 0, min(n, before * stride));
  for (let at = line; at <= n; at += line) setRun(mask, at - after * stride, min(n, at + before * stride));
  // No block that is left reaches from a line into the next: all are as one.
  grow(mask, n, n, stride, before, after);
}

/**
 * Clears in a mask of the order [samples, area, channels] what is dropped (0) among seeds first..first+n-1 of the order
 * [samples, channels, area]; `seeds` has n bits.
 */
export function scatter(mask: usize, seeds: usize, n: u64, first: u64, channels: u64, area: u64): void {
  let map = first / area;
  let place = first - map * area;
  for (let i: u64 = 0; i < n; ++map, place = 0) {
    const end = min(n, i + area - place);
    let bit = ((map / channels) * area + place) * channels + (map % channels);
    while (i < end) {
      const count = min(end - i, PART);
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
