// The parts that operations on whole rows share: keep decisions, sums over a row, and the loop over its columns.
//
// A sum is taken in f64, whatever its addends, in eight parts: part j has columns j, j + 8, j + 16, ... in ascending order, and the total
// is ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). Vectors hold the parts over whole eights of columns; what is left, without SIMD all
// columns, is added to them in memory. Invariant: the order, and with it every bit, depends on the number of columns alone.

import { PARTS } from "../../src/ground/abi";
import { widenHigh8, widenHigh16, widenLow8, widenLow16 } from "../simd/lanes";

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

/** total() of parts that are in vectors. */
// @ts-ignore: decorator
@inline
export function totalOf(s01: v128, s23: v128, s45: v128, s67: v128): f64 {
  const halves = f64x2.add(f64x2.add(s01, s45), f64x2.add(s23, s67));
  return f64x2.extract_lane(halves, 0) + f64x2.extract_lane(halves, 1);
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

// Offset in the workspace of the constants of a row, an f32 each: fewer arguments to hand over, and a vector loaded from there stays in its
// register, while V8 makes a splatted one anew at every use.
// @ts-ignore: decorator
@inline
const CONSTANTS: usize = 2 * PARTS;

/**
 * Runs operation O on a row with decisions K and returns the sum of its values; a second sum, an f64, is left in `work` + PARTS.
 * a..f are the addresses of the first column of up to six operands of f32, w and x of two of f64, p..u up to six constants.
 * `work` is the workspace of a record (./record.ts). Methods of O, with addresses of the columns in question:
 *
 *   operands()                         the number of operands of f32, at least 1
 *   wide()                             whether there are operands of f64
 *   constants()                        the number of constants
 *   sums()                             the number of sums: 0, 1, or 2 if O has second4() and second()
 *   four(keep, a..x, p..u)             four columns, decisions and constants in every lane; returns what is summed
 *   second4(first, a..x, p..u)         after four(), which returned `first`: returns what the second sum takes
 *   one(column, keep, a..x, p..u)      a single column, whose decision K finds at keep + column
 *   second(first, a..x, p..u)          after one()
 */
// @ts-ignore: decorator
@inline
export function overRow<K, O>(
  columns: usize,
  keep: usize,
  work: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
  w: usize,
  x: usize,
  p: f32,
  q: f32,
  r: f32,
  s: f32,
  t: f32,
  u: f32,
): f64 {
  const op = changetype<O>(0);
  if (ASC_FEATURE_SIMD) {
    if (op.constants() > 0) store<f32>(work, p, CONSTANTS);
    if (op.constants() > 1) store<f32>(work, q, CONSTANTS + 4);
    if (op.constants() > 2) store<f32>(work, r, CONSTANTS + 8);
    if (op.constants() > 3) store<f32>(work, s, CONSTANTS + 12);
    if (op.constants() > 4) store<f32>(work, t, CONSTANTS + 16);
    if (op.constants() > 5) store<f32>(work, u, CONSTANTS + 20);
  }
  return overColumns<K, O>(columns, keep, work, a, b, c, d, e, f, w, x, p, q, r, s, t, u);
}

/** overRow() with the constants in the workspace where there is SIMD, and in p..u where there is none. */
function overColumns<K, O>(
  columns: usize,
  keep: usize,
  work: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
  w: usize,
  x: usize,
  p: f32,
  q: f32,
  r: f32,
  s: f32,
  t: f32,
  u: f32,
): f64 {
  const op = changetype<O>(0);
  let column: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const k = changetype<K>(0);
    const p4 = op.constants() > 0 ? v128.load32_splat(work, CONSTANTS) : i8x16.splat(0);
    const q4 = op.constants() > 1 ? v128.load32_splat(work, CONSTANTS + 4) : i8x16.splat(0);
    const r4 = op.constants() > 2 ? v128.load32_splat(work, CONSTANTS + 8) : i8x16.splat(0);
    const s4 = op.constants() > 3 ? v128.load32_splat(work, CONSTANTS + 12) : i8x16.splat(0);
    const t4 = op.constants() > 4 ? v128.load32_splat(work, CONSTANTS + 16) : i8x16.splat(0);
    const u4 = op.constants() > 5 ? v128.load32_splat(work, CONSTANTS + 20) : i8x16.splat(0);
    let s01 = f64x2.splat(0);
    let s23 = s01;
    let s45 = s01;
    let s67 = s01;
    let z01 = s01;
    let z23 = s01;
    let z45 = s01;
    let z67 = s01;
    if (isDefined(op.second4)) {
      // Eight columns at once: with more the parts of two sums leave no registers for the rest.
      for (; column + 8 <= columns; column += 8) {
        let v = op.four(k.first(k.four(keep, column)), a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
        s01 = f64x2.add(s01, low(v));
        s23 = f64x2.add(s23, high(v));
        v = op.second4(v, a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
        z01 = f64x2.add(z01, low(v));
        z23 = f64x2.add(z23, high(v));
        v = op.four(
          k.first(k.four(keep, column + 4)),
          a + 16,
          b + 16,
          c + 16,
          d + 16,
          e + 16,
          f + 16,
          w + 32,
          x + 32,
          p4,
          q4,
          r4,
          s4,
          t4,
          u4,
        );
        s45 = f64x2.add(s45, low(v));
        s67 = f64x2.add(s67, high(v));
        v = op.second4(v, a + 16, b + 16, c + 16, d + 16, e + 16, f + 16, w + 32, x + 32, p4, q4, r4, s4, t4, u4);
        z45 = f64x2.add(z45, low(v));
        z67 = f64x2.add(z67, high(v));
        a += 32;
        if (op.operands() > 1) b += 32;
        if (op.operands() > 2) c += 32;
        if (op.operands() > 3) d += 32;
        if (op.operands() > 4) e += 32;
        if (op.operands() > 5) f += 32;
        if (op.wide()) w += 64;
        if (op.wide()) x += 64;
      }
    } else {
      for (; column + 16 <= columns; column += 16) {
        const keeps = k.sixteen(keep, column);
        const front = k.front(keeps);
        let v = op.four(k.first(front), a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
        if (op.sums() > 0) {
          s01 = f64x2.add(s01, low(v));
          s23 = f64x2.add(s23, high(v));
        }
        v = op.four(k.second(front), a + 16, b + 16, c + 16, d + 16, e + 16, f + 16, w + 32, x + 32, p4, q4, r4, s4, t4, u4);
        if (op.sums() > 0) {
          s45 = f64x2.add(s45, low(v));
          s67 = f64x2.add(s67, high(v));
        }
        const back = k.back(keeps);
        v = op.four(k.first(back), a + 32, b + 32, c + 32, d + 32, e + 32, f + 32, w + 64, x + 64, p4, q4, r4, s4, t4, u4);
        if (op.sums() > 0) {
          s01 = f64x2.add(s01, low(v));
          s23 = f64x2.add(s23, high(v));
        }
        v = op.four(k.second(back), a + 48, b + 48, c + 48, d + 48, e + 48, f + 48, w + 96, x + 96, p4, q4, r4, s4, t4, u4);
        if (op.sums() > 0) {
          s45 = f64x2.add(s45, low(v));
          s67 = f64x2.add(s67, high(v));
        }
        a += 64;
        if (op.operands() > 1) b += 64;
        if (op.operands() > 2) c += 64;
        if (op.operands() > 3) d += 64;
        if (op.operands() > 4) e += 64;
        if (op.operands() > 5) f += 64;
        if (op.wide()) w += 128;
        if (op.wide()) x += 128;
      }
    }
    if (column == columns) {
      if (isDefined(op.second4)) store<f64>(work, totalOf(z01, z23, z45, z67), PARTS);
      return op.sums() > 0 ? totalOf(s01, s23, s45, s67) : 0;
    }
    if (op.sums() > 0) storeParts(work, s01, s23, s45, s67);
    if (isDefined(op.second4)) storeParts(work + PARTS, z01, z23, z45, z67);
    for (; column + 4 <= columns; column += 4) {
      const v = op.four(k.first(k.four(keep, column)), a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
      if (op.sums() > 0) addToParts4(work, column, v);
      if (isDefined(op.second4)) addToParts4(work + PARTS, column, op.second4(v, a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4));
      a += 16;
      if (op.operands() > 1) b += 16;
      if (op.operands() > 2) c += 16;
      if (op.operands() > 3) d += 16;
      if (op.operands() > 4) e += 16;
      if (op.operands() > 5) f += 16;
      if (op.wide()) w += 32;
      if (op.wide()) x += 32;
    }
    if (op.constants() > 0) p = load<f32>(work, CONSTANTS);
    if (op.constants() > 1) q = load<f32>(work, CONSTANTS + 4);
    if (op.constants() > 2) r = load<f32>(work, CONSTANTS + 8);
    if (op.constants() > 3) s = load<f32>(work, CONSTANTS + 12);
    if (op.constants() > 4) t = load<f32>(work, CONSTANTS + 16);
    if (op.constants() > 5) u = load<f32>(work, CONSTANTS + 20);
  } else {
    if (op.sums() > 0) clearParts(work);
    if (isDefined(op.second)) clearParts(work + PARTS);
  }
  for (; column < columns; ++column) {
    const v = op.one(column, keep, a, b, c, d, e, f, w, x, p, q, r, s, t, u);
    if (op.sums() > 0) addToParts(work, column, v);
    if (isDefined(op.second)) addToParts(work + PARTS, column, op.second(v, a, b, c, d, e, f, w, x, p, q, r, s, t, u));
    a += 4;
    if (op.operands() > 1) b += 4;
    if (op.operands() > 2) c += 4;
    if (op.operands() > 3) d += 4;
    if (op.operands() > 4) e += 4;
    if (op.operands() > 5) f += 4;
    if (op.wide()) w += 8;
    if (op.wide()) x += 8;
  }
  if (isDefined(op.second)) store<f64>(work, total(work + PARTS), PARTS);
  return op.sums() > 0 ? total(work) : 0;
}
