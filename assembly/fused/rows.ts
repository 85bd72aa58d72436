// The parts that operations on whole rows share: keep decisions, sums over a row, and the loop over its columns.
//
// A sum is taken in f64, whatever its addends, in eight parts: part j has columns j, j + 8, j + 16, ... in ascending order, and the total
// is ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). Vectors hold the parts over whole eights of columns; what is left, without SIMD all
// columns, is added to them in memory. Invariant: the order, and with it every bit, depends on the number of columns alone.

import { PARTS } from "../../src/ground/abi";
import { mul } from "../math/ops";
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

  /** Decisions 0..3 of front(), back() or four(), 32 bits each. */
  @inline first(keep: v128): v128 {
    return widenLow16(keep);
  }

  /** Decisions 4..7 of front() or back(). */
  @inline second(keep: v128): v128 {
    return widenHigh16(keep);
  }

  /** The decision of column c. */
  @inline one(keep: usize, c: usize): i32 {
    return load<u8>(keep + c);
  }

  @inline select<T, I>(v: T, keep: I): T {
    if (isVector<T>()) return v128.and(v, keep);
    else return keep ? v : <T>0;
  }

  @inline scale<T>(v: T, factor: T): T {
    return mul<T>(v, factor);
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

  @inline one(keep: usize, c: usize): i32 {
    return 1;
  }

  @inline select<T, I>(v: T, keep: I): T {
    return v;
  }

  @inline scale<T>(v: T, factor: T): T {
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

/** Adds a value, or four f32, to as many f64 in memory. */
// @ts-ignore: decorator
@inline
export function addWidened<T>(sums: usize, v: T): void {
  if (isVector<T>()) {
    v128.store(sums, f64x2.add(v128.load(sums), low(v)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), high(v)), 16);
  } else {
    store<f64>(sums, load<f64>(sums) + <f64>v);
  }
}

// Offset in the workspace of the constants of a row, an f32 each: fewer arguments to hand over, and a vector loaded from there stays in its
// register, while V8 makes a splatted one anew at every use.
// @ts-ignore: decorator
@inline
const CONSTANTS: usize = 2 * PARTS;

/**
 * Runs operation O on a row of E, f32 or f64, with decisions K, and returns the sum of its values; a second sum, an f64, is left in `work` + PARTS.
 * a..f are the addresses of the first column of up to six operands of E, w and x of two of f64, p..u up to six constants. `work` is the workspace of a
 * record (./record.ts). Members of O:
 *
 *   value<T, I>(keep, a..x, p..u)          one column (T = E, I = i32) or four (T = I = v128), of which these are the addresses, decisions and
 *                                          constants; returns what is summed
 *   second<T, I>(first, keep, a..x, p..u)  if there is a second sum: after value(), which returned `first`, what that sum takes
 *   sums()                                 defined where there are sums
 *   many()                                 defined where there are more than three operands
 *   wide()                                 defined where there are operands of f64
 *   rich()                                 defined where there are more than three constants
 *
 * Operands that are left out cost nothing. A base class cannot stand for it: a method that a subclass overrides is called through the header of an object, which
 * there is none of.
 */
// @ts-ignore: decorator
@inline
export function overRow<E, K, O>(
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
  p: E,
  q: E,
  r: E,
  s: E,
  t: E,
  u: E,
): f64 {
  const op = changetype<O>(0);
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    store<E>(work, p, CONSTANTS);
    store<E>(work, q, CONSTANTS + 4);
    store<E>(work, r, CONSTANTS + 8);
    if (isDefined(op.rich)) {
      store<E>(work, s, CONSTANTS + 12);
      store<E>(work, t, CONSTANTS + 16);
      store<E>(work, u, CONSTANTS + 20);
    }
  }
  return overColumns<E, K, O>(columns, keep, work, a, b, c, d, e, f, w, x, p, q, r, s, t, u);
}

/** overRow() with the constants in the workspace where there are vectors, and in p..u where there are none. */
function overColumns<E, K, O>(
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
  p: E,
  q: E,
  r: E,
  s: E,
  t: E,
  u: E,
): f64 {
  const op = changetype<O>(0);
  const k = changetype<K>(0);
  let column: usize = 0;
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    const p4 = v128.load32_splat(work, CONSTANTS);
    const q4 = v128.load32_splat(work, CONSTANTS + 4);
    const r4 = v128.load32_splat(work, CONSTANTS + 8);
    const s4 = isDefined(op.rich) ? v128.load32_splat(work, CONSTANTS + 12) : i8x16.splat(0);
    const t4 = isDefined(op.rich) ? v128.load32_splat(work, CONSTANTS + 16) : i8x16.splat(0);
    const u4 = isDefined(op.rich) ? v128.load32_splat(work, CONSTANTS + 20) : i8x16.splat(0);
    let s01 = f64x2.splat(0);
    let s23 = s01;
    let s45 = s01;
    let s67 = s01;
    let z01 = s01;
    let z23 = s01;
    let z45 = s01;
    let z67 = s01;
    if (isDefined(op.second)) {
      // Eight columns at once: with more the parts of two sums leave no registers for the rest.
      for (; column + 8 <= columns; column += 8) {
        let keeps = k.first(k.four(keep, column));
        let v = op.value<v128, v128>(keeps, a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
        s01 = f64x2.add(s01, low(v));
        s23 = f64x2.add(s23, high(v));
        v = op.second<v128, v128>(v, keeps, a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
        z01 = f64x2.add(z01, low(v));
        z23 = f64x2.add(z23, high(v));
        keeps = k.first(k.four(keep, column + 4));
        v = op.value<v128, v128>(keeps, a + 16, b + 16, c + 16, d + 16, e + 16, f + 16, w + 32, x + 32, p4, q4, r4, s4, t4, u4);
        s45 = f64x2.add(s45, low(v));
        s67 = f64x2.add(s67, high(v));
        v = op.second<v128, v128>(v, keeps, a + 16, b + 16, c + 16, d + 16, e + 16, f + 16, w + 32, x + 32, p4, q4, r4, s4, t4, u4);
        z45 = f64x2.add(z45, low(v));
        z67 = f64x2.add(z67, high(v));
        a += 32;
        b += 32;
        c += 32;
        if (isDefined(op.many)) d += 32;
        if (isDefined(op.many)) e += 32;
        if (isDefined(op.many)) f += 32;
        if (isDefined(op.wide)) w += 64;
        if (isDefined(op.wide)) x += 64;
      }
    } else {
      for (; column + 16 <= columns; column += 16) {
        const keeps = k.sixteen(keep, column);
        const front = k.front(keeps);
        const v0 = op.value<v128, v128>(k.first(front), a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
        if (isDefined(op.sums)) {
          s01 = f64x2.add(s01, low(v0));
          s23 = f64x2.add(s23, high(v0));
        }
        const v1 = op.value<v128, v128>(
          k.second(front),
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
        if (isDefined(op.sums)) {
          s45 = f64x2.add(s45, low(v1));
          s67 = f64x2.add(s67, high(v1));
        }
        const back = k.back(keeps);
        const v2 = op.value<v128, v128>(
          k.first(back),
          a + 32,
          b + 32,
          c + 32,
          d + 32,
          e + 32,
          f + 32,
          w + 64,
          x + 64,
          p4,
          q4,
          r4,
          s4,
          t4,
          u4,
        );
        if (isDefined(op.sums)) {
          s01 = f64x2.add(s01, low(v2));
          s23 = f64x2.add(s23, high(v2));
        }
        const v3 = op.value<v128, v128>(
          k.second(back),
          a + 48,
          b + 48,
          c + 48,
          d + 48,
          e + 48,
          f + 48,
          w + 96,
          x + 96,
          p4,
          q4,
          r4,
          s4,
          t4,
          u4,
        );
        if (isDefined(op.sums)) {
          s45 = f64x2.add(s45, low(v3));
          s67 = f64x2.add(s67, high(v3));
        }
        a += 64;
        b += 64;
        c += 64;
        if (isDefined(op.many)) d += 64;
        if (isDefined(op.many)) e += 64;
        if (isDefined(op.many)) f += 64;
        if (isDefined(op.wide)) w += 128;
        if (isDefined(op.wide)) x += 128;
      }
    }
    if (column == columns) {
      if (isDefined(op.second)) store<f64>(work, totalOf(z01, z23, z45, z67), PARTS);
      return isDefined(op.sums) ? totalOf(s01, s23, s45, s67) : 0;
    }
    if (isDefined(op.sums)) storeParts(work, s01, s23, s45, s67);
    if (isDefined(op.second)) storeParts(work + PARTS, z01, z23, z45, z67);
    for (; column + 4 <= columns; column += 4) {
      const keeps = k.first(k.four(keep, column));
      const v = op.value<v128, v128>(keeps, a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4);
      const part = work + ((column & 4) << 3);
      if (isDefined(op.sums)) addWidened<v128>(part, v);
      if (isDefined(op.second)) {
        addWidened<v128>(part + PARTS, op.second<v128, v128>(v, keeps, a, b, c, d, e, f, w, x, p4, q4, r4, s4, t4, u4));
      }
      a += 16;
      b += 16;
      c += 16;
      if (isDefined(op.many)) d += 16;
      if (isDefined(op.many)) e += 16;
      if (isDefined(op.many)) f += 16;
      if (isDefined(op.wide)) w += 32;
      if (isDefined(op.wide)) x += 32;
    }
    p = load<E>(work, CONSTANTS);
    q = load<E>(work, CONSTANTS + 4);
    r = load<E>(work, CONSTANTS + 8);
    if (isDefined(op.rich)) {
      s = load<E>(work, CONSTANTS + 12);
      t = load<E>(work, CONSTANTS + 16);
      u = load<E>(work, CONSTANTS + 20);
    }
  } else {
    if (isDefined(op.sums)) clearParts(work);
    if (isDefined(op.second)) clearParts(work + PARTS);
  }
  for (; column < columns; ++column) {
    const kept = k.one(keep, column);
    const v = op.value<E, i32>(kept, a, b, c, d, e, f, w, x, p, q, r, s, t, u);
    if (isDefined(op.sums)) addToParts(work, column, v);
    if (isDefined(op.second)) addToParts(work + PARTS, column, op.second<E, i32>(v, kept, a, b, c, d, e, f, w, x, p, q, r, s, t, u));
    a += sizeof<E>();
    b += sizeof<E>();
    c += sizeof<E>();
    if (isDefined(op.many)) d += sizeof<E>();
    if (isDefined(op.many)) e += sizeof<E>();
    if (isDefined(op.many)) f += sizeof<E>();
    if (isDefined(op.wide)) w += 8;
    if (isDefined(op.wide)) x += 8;
  }
  if (isDefined(op.second)) store<f64>(work, total(work + PARTS), PARTS);
  return isDefined(op.sums) ? total(work) : 0;
}
