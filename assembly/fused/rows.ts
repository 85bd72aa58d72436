// What operations on whole rows share: keep decisions, and sums over a row.
//
// A sum is taken in f64, whatever its addends, in eight parts: part j has columns j, j + 8, j + 16, ... in ascending order, and the total
// is ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). Vectors hold the parts over whole eights of columns; what is left, without SIMD all
// columns, is added to them in memory. Invariant: the order, and with it every bit, depends on the number of columns alone.

import { widenHigh16, widenHigh8, widenLow16, widenLow8 } from "../simd/lanes";

/** Bytes of the parts of one sum. */
// @ts-ignore: decorator
@inline
export const PARTS: usize = 64;

/** Decisions of a byte mask, 1 = keep, 0 = drop. A dropped value gives +0 whatever it was. */
@unmanaged
export class ByMask {
  /** The decisions of columns c..c+15: a byte of ones for each kept one. */
  @inline sixteen(keep: usize, c: usize): v128 {
    return i8x16.neg(v128.load(keep + c));
  }

  /** Decisions 0..7 of sixteen(), 16 bits each. */
  @inline front(keep: v128): v128 {
    return widenLow8(keep);
  }

  /** Decisions 8..15 of sixteen(), 16 bits each. */
  @inline back(keep: v128): v128 {
    return widenHigh8(keep);
  }

  /** The decisions of columns c..c+3. */
  @inline four(keep: usize, c: usize): v128 {
    return widenLow8(i8x16.neg(v128.load32_zero(keep + c)));
  }

  /** Decisions 0..3 of eight() or four(), 32 bits each. */
  @inline first(keep: v128): v128 {
    return widenLow16(keep);
  }

  /** Decisions 4..7 of eight(). */
  @inline second(keep: v128): v128 {
    return widenHigh16(keep);
  }

  @inline select4(v: v128, keep: v128): v128 {
    return v128.and(v, keep);
  }

  @inline select(v: f32, keep: usize, c: usize): f32 {
    return load<u8>(keep + c) ? v : 0;
  }

  @inline scale4(v: v128, factor: v128): v128 {
    return f32x4.mul(v, factor);
  }

  @inline scale(v: f32, factor: f32): f32 {
    return v * factor;
  }
}

/** Dropout outside training: all values as they are. */
@unmanaged
export class AllKept {
  @inline sixteen(keep: usize, c: usize): v128 {
    return i8x16.splat(0);
  }

  @inline front(keep: v128): v128 {
    return keep;
  }

  @inline back(keep: v128): v128 {
    return keep;
  }

  @inline four(keep: usize, c: usize): v128 {
    return i8x16.splat(0);
  }

  @inline first(keep: v128): v128 {
    return keep;
  }

  @inline second(keep: v128): v128 {
    return keep;
  }

  @inline select4(v: v128, keep: v128): v128 {
    return v;
  }

  @inline select(v: f32, keep: usize, c: usize): f32 {
    return v;
  }

  @inline scale4(v: v128, factor: v128): v128 {
    return v;
  }

  @inline scale(v: f32, factor: f32): f32 {
    return v;
  }
}

/** Lanes 0 and 1 of f32 as f64. */
// @ts-ignore: decorator
@inline
export function low(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

/** Lanes 2 and 3 of f32 as f64. */
// @ts-ignore: decorator
@inline
export function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u32>(v, v, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
export function clearParts(parts: usize): void {
  memory.fill(parts, 0, PARTS);
}

/** Parts 0 and 1, 2 and 3, and so on, after whole eights of columns. */
// @ts-ignore: decorator
@inline
export function storeParts(parts: usize, s01: v128, s23: v128, s45: v128, s67: v128): void {
  v128.store(parts, s01);
  v128.store(parts, s23, 16);
  v128.store(parts, s45, 32);
  v128.store(parts, s67, 48);
}

/** Adds four f32 to the parts of columns c..c+3, c a multiple of 4. */
// @ts-ignore: decorator
@inline
export function addToParts4(parts: usize, c: usize, v: v128): void {
  addWidened4(parts + ((c & 4) << 3), v);
}

/** Adds a value to the part of column c. */
// @ts-ignore: decorator
@inline
export function addToParts(parts: usize, c: usize, v: f64): void {
  const at = parts + ((c & 7) << 3);
  store<f64>(at, load<f64>(at) + v);
}

// @ts-ignore: decorator
@inline
export function total(parts: usize): f64 {
  const even = load<f64>(parts) + load<f64>(parts, 32) + (load<f64>(parts, 16) + load<f64>(parts, 48));
  const odd = load<f64>(parts, 8) + load<f64>(parts, 40) + (load<f64>(parts, 24) + load<f64>(parts, 56));
  return even + odd;
}

/** Adds four f32 to four f64 in memory. */
// @ts-ignore: decorator
@inline
export function addWidened4(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), low(v)));
  v128.store(sums, f64x2.add(v128.load(sums, 16), high(v)), 16);
}

/** Adds a value to an f64 in memory. */
// @ts-ignore: decorator
@inline
export function addWidened(sum: usize, v: f32): void {
  store<f64>(sum, load<f64>(sum) + <f64>v);
}
