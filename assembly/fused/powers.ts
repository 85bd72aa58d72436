// The scores v of a row, their peak, and their powers e^(v - max v) with the sum of these: the first half of ./softmax.ts.
//
// With vectors the powers of a run of columns are taken in two passes: one leaves the exponent and the fraction of each, the other makes the power
// of them. Either has its constants in registers, and its chains of dependent operations are half as long, so that a processor has twice as many
// under way at once.

import { EXPONENTS, POWER_TABLE, ROW_WORKSPACE } from "../../src/ground/abi";
import { LN2_HIGH, LN2_LOW } from "../math/constants";
import { exp } from "../math/elementary";
import { C0, C1, C2, C3, C4, expNeg1, exponentOf, fractionOf, LEAST, LOG2_E, powerOf, TO_EXPONENT } from "../math/exp";
import { One } from "../math/lanes";
import { add, equal, mul, select, sub } from "../math/ops";
import { pinned } from "../stream/params";
import { AllKept, addToParts, addWidened, clearParts, high, low, overRow, storeParts, total } from "./rows";

// The start of the search for a maximum: not at -Infinity, from which the distance of a column that is -Infinity itself would be NaN.
// @ts-ignore: decorator
@inline
function least<E>(): E {
  if (sizeof<E>() == 4) return <E>-f32.MAX_VALUE;
  else return <E>-f64.MAX_VALUE;
}

/** v = scale * logit. */
@unmanaged
export class Unmasked {
  @inline at<T, _I>(logit: usize, mask: usize, scale: T, never: T): T {
    return mul<T>(load<T>(logit), scale);
  }

  /** v, or +0 where the column is left out. */
  @inline within<T, _I>(v: T, mask: usize, never: T): T {
    return v;
  }
}

/** The logit itself. */
@unmanaged
class Unscaled {
  @inline at<T, _I>(logit: usize, mask: usize, scale: T, never: T): T {
    return load<T>(logit);
  }
}

/** v = scale * logit + mask. */
@unmanaged
export class Masked {
  @inline at<T, I>(logit: usize, mask: usize, scale: T, never: T): T {
    const m = load<T>(mask);
    return select<T, I>(equal<T, I>(m, never), m, add<T>(mul<T>(load<T>(logit), scale), m));
  }

  @inline within<T, I>(v: T, mask: usize, never: T): T {
    const hidden = equal<T, I>(load<T>(mask), never);
    if (isVector<T>()) return v128.andnot(v, hidden);
    else return hidden ? <T>0 : v;
  }
}

/** The largest v of a row, a NaN passed over, or least(). */
function peak<E, M>(x: usize, mask: usize, columns: usize, scale: E, work: usize): E {
  const v = changetype<M>(0);
  let c: usize = 0;
  let most = least<E>();
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    const scales = pinned(f32x4.splat(scale), work);
    const never = pinned(f32x4.splat(-Infinity), work + 16);
    let m0 = f32x4.splat(<f32>most);
    let m1 = m0;
    let m2 = m0;
    let m3 = m0;
    let m4 = m0;
    let m5 = m0;
    let m6 = m0;
    let m7 = m0;
    // pmax(a, b) is a < b ? b : a. Each waits for the one before it, so there are eight.
    for (; c + 32 <= columns; c += 32) {
      m0 = f32x4.pmax(m0, v.at<v128, v128>(x, mask, scales, never));
      m1 = f32x4.pmax(m1, v.at<v128, v128>(x + 16, mask + 16, scales, never));
      m2 = f32x4.pmax(m2, v.at<v128, v128>(x + 32, mask + 32, scales, never));
      m3 = f32x4.pmax(m3, v.at<v128, v128>(x + 48, mask + 48, scales, never));
      m4 = f32x4.pmax(m4, v.at<v128, v128>(x + 64, mask + 64, scales, never));
      m5 = f32x4.pmax(m5, v.at<v128, v128>(x + 80, mask + 80, scales, never));
      m6 = f32x4.pmax(m6, v.at<v128, v128>(x + 96, mask + 96, scales, never));
      m7 = f32x4.pmax(m7, v.at<v128, v128>(x + 112, mask + 112, scales, never));
      x += 128;
      mask += 128;
    }
    for (; c + 4 <= columns; c += 4) {
      m0 = f32x4.pmax(m0, v.at<v128, v128>(x, mask, scales, never));
      x += 16;
      mask += 16;
    }
    m0 = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
    m4 = f32x4.pmax(f32x4.pmax(m4, m5), f32x4.pmax(m6, m7));
    let a = f32x4.pmax(m0, m4);
    a = f32x4.pmax(a, v128.shuffle<u32>(a, a, 2, 3, 0, 1));
    most = <E>f32x4.extract_lane(f32x4.pmax(a, v128.shuffle<u32>(a, a, 1, 0, 3, 2)), 0);
  }
  for (; c < columns; ++c) {
    const one = v.at<E, i32>(x, mask, scale, <E>-Infinity);
    most = most < one ? one : most;
    x += sizeof<E>();
    mask += sizeof<E>();
  }
  return most;
}

/** peak(); of logits without a mask, which a positive scale leaves in their order, that of the logits is multiplied. */
// @ts-ignore: decorator
@inline
function peakOf<E, M>(x: usize, mask: usize, columns: usize, scale: E, work: usize): E {
  if (mask || !(scale > 0)) return peak<E, M>(x, mask, columns, scale, work);
  const most = peak<E, Unscaled>(x, 0, columns, scale, work) * scale;
  return most < least<E>() ? least<E>() : most;
}

// Sums of f32 in [0, 1] begin at START. As no addend is larger than the sum, what rounding takes from an addition is v - (to - whole) exactly: Dekker, "A
// floating-point technique for extending the available precision", 1971. After RUN columns they are added in f64, so that the sum of these rests stays
// some 2^-33 of the whole; it is four operations where widening four lanes is seven. Columns c, c + 4, ... of the whole sixteens go to part c of ./rows.ts
// for the first four, the others to parts as there.
// @ts-ignore: decorator
@inline
const START: f32 = 2;
// @ts-ignore: decorator
@inline
const RUN: usize = EXPONENTS >> 2;

// Offsets in the workspace: constants of the power, and the exponents of a run.
// @ts-ignore: decorator
@inline
const TABLE: usize = ROW_WORKSPACE;
// @ts-ignore: decorator
@inline
const EXPONENTS_AT: usize = TABLE + POWER_TABLE;

/** Writes the constants of powers(). */
// @ts-ignore: decorator
@inline
export function hold<E>(work: usize): void {
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    store<f32>(work, LEAST, TABLE);
    store<f32>(work, LOG2_E, TABLE + 4);
    store<f32>(work, TO_EXPONENT, TABLE + 8);
    store<f32>(work, LN2_HIGH, TABLE + 12);
    store<f32>(work, LN2_LOW, TABLE + 16);
    store<f32>(work, C0, TABLE + 20);
    store<f32>(work, C1, TABLE + 24);
    store<f32>(work, C2, TABLE + 28);
    store<f32>(work, C3, TABLE + 32);
    store<f32>(work, C4, TABLE + 36);
    store<f32>(work, 1, TABLE + 40);
  }
}

/**
 * Writes e^(v - max v) for the first `columns` of a row and returns their sum. `work` is as hold() left it. `ahead` and `beside` are distances, from the
 * logits and from the powers, to rows that are needed next: a byte of each of their lines is read and dropped, which brings them into the cache while the
 * processor computes. It fetches ahead by itself only within a page.
 */
// @ts-ignore: decorator
@inline
export function powers<E>(to: usize, x: usize, mask: usize, columns: usize, scale: E, work: usize, ahead: usize, beside: usize): f64 {
  if (sizeof<E>() == 8) {
    if (mask) return wide<Masked>(to, x, mask, columns, scale, work);
    return wide<Unmasked>(to, x, 0, columns, scale, work);
  }
  if (mask)
    return narrow<Masked>(to, x, mask, columns, <f32>scale, peakOf<f32, Masked>(x, mask, columns, <f32>scale, work), work, ahead, beside);
  const most = peakOf<f32, Unmasked>(x, 0, columns, <f32>scale, work);
  if (ASC_FEATURE_SIMD && scale == 1) return narrow<Unscaled>(to, x, 0, columns, 1, most, work, ahead, beside);
  return narrow<Unmasked>(to, x, 0, columns, <f32>scale, most, work, ahead, beside);
}

/** An operation of overRow(): e^(v - most), and its sum; mask M. */
@unmanaged
class Powers<M> {
  @inline sums(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    result: usize,
    logit: usize,
    mask: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    scale: T,
    most: T,
    never: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const v = exp<f64, One>(sub<T>(changetype<M>(0).at<T, I>(logit, mask, scale, never), most));
    store<T>(result, v);
    return v;
  }
}

/** powers() of a row of f64. */
// @ts-ignore: decorator
@inline
function wide<M>(to: usize, x: usize, mask: usize, columns: usize, scale: f64, work: usize): f64 {
  const most = peakOf<f64, M>(x, mask, columns, scale, work);
  return overRow<f64, AllKept, Powers<M>>(columns, 0, work, to, x, mask, 0, 0, 0, 0, 0, scale, most, -Infinity, 0, 0, 0);
}

/** The first pass for four columns: exponents to `at`, fractions to `to`. */
// @ts-ignore: decorator
@inline
function split<M>(
  to: usize,
  at: usize,
  x: usize,
  mask: usize,
  scale: v128,
  never: v128,
  most: v128,
  bound: v128,
  log2E: v128,
  toExponent: v128,
  ln2High: v128,
  ln2Low: v128,
): void {
  const v = changetype<M>(0).at<v128, v128>(x, mask, scale, never);
  const distance = f32x4.pmax(f32x4.sub(v, most), bound);
  const exponent = exponentOf<v128>(distance, log2E, toExponent);
  v128.store(at, exponent);
  v128.store(to, fractionOf<v128>(distance, exponent, toExponent, ln2High, ln2Low));
}

/** The second pass of a run: turns the fractions at `to` into powers, and adds these to the parts of a sum. */
function raise(to: usize, columns: usize, work: usize, beside: usize): void {
  const c0 = v128.load32_splat(work, TABLE + 20);
  const c1 = v128.load32_splat(work, TABLE + 24);
  const c2 = v128.load32_splat(work, TABLE + 28);
  const c3 = v128.load32_splat(work, TABLE + 32);
  const c4 = v128.load32_splat(work, TABLE + 36);
  const one = v128.load32_splat(work, TABLE + 40);
  let at = work + EXPONENTS_AT;
  let sum = f32x4.splat(START);
  let rest = f32x4.splat(0);
  for (const end = at + ((columns & -16) << 2); at < end; at += 64) {
    const v0 = powerOf<v128, v128>(v128.load(at), v128.load(to), c0, c1, c2, c3, c4, one);
    v128.store(to, v0);
    const t0 = f32x4.add(sum, v0);
    rest = f32x4.add(rest, f32x4.sub(v0, f32x4.sub(t0, sum)));
    const v1 = powerOf<v128, v128>(v128.load(at, 16), v128.load(to, 16), c0, c1, c2, c3, c4, one);
    v128.store(to, v1, 16);
    const t1 = f32x4.add(t0, v1);
    rest = f32x4.add(rest, f32x4.sub(v1, f32x4.sub(t1, t0)));
    const v2 = powerOf<v128, v128>(v128.load(at, 32), v128.load(to, 32), c0, c1, c2, c3, c4, one);
    v128.store(to, v2, 32);
    const t2 = f32x4.add(t1, v2);
    rest = f32x4.add(rest, f32x4.sub(v2, f32x4.sub(t2, t1)));
    const v3 = powerOf<v128, v128>(v128.load(at, 48), v128.load(to, 48), c0, c1, c2, c3, c4, one);
    v128.store(to, v3, 48);
    const t3 = f32x4.add(t2, v3);
    rest = f32x4.add(rest, f32x4.sub(v3, f32x4.sub(t3, t2)));
    sum = t3;
    load<u8>(to + beside);
    to += 64;
  }
  const start = f64x2.splat(START);
  v128.store(work, f64x2.add(v128.load(work), f64x2.add(f64x2.sub(low(sum), start), low(rest))));
  v128.store(work, f64x2.add(v128.load(work, 16), f64x2.add(f64x2.sub(high(sum), start), high(rest))), 16);
  for (let column: usize = 0; column < (columns & 12); column += 4) {
    const v = powerOf<v128, v128>(v128.load(at), v128.load(to), c0, c1, c2, c3, c4, one);
    v128.store(to, v);
    addWidened<v128>(work + ((column & 4) << 3), v);
    at += 16;
    to += 16;
  }
}

/** powers() of a row of f32 whose peak is `most`. */
function narrow<M>(to: usize, x: usize, mask: usize, columns: usize, scale: f32, most: f32, work: usize, ahead: usize, beside: usize): f64 {
  let column: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const scales = pinned(f32x4.splat(scale), work);
    const mosts = pinned(f32x4.splat(most), work + 16);
    const never = pinned(f32x4.splat(-Infinity), work + 32);
    const bound = v128.load32_splat(work, TABLE);
    const log2E = v128.load32_splat(work, TABLE + 4);
    const toExponent = v128.load32_splat(work, TABLE + 8);
    const ln2High = v128.load32_splat(work, TABLE + 12);
    const ln2Low = v128.load32_splat(work, TABLE + 16);
    const none = f64x2.splat(0);
    storeParts(work, none, none, none, none);
    for (const fours = columns & -4; column < fours; ) {
      const run = fours - column < RUN ? fours - column : RUN;
      let at = work + EXPONENTS_AT;
      let r = to;
      for (const end = at + ((run & -16) << 2); at < end; at += 64) {
        split<M>(r, at, x, mask, scales, never, mosts, bound, log2E, toExponent, ln2High, ln2Low);
        split<M>(r + 16, at + 16, x + 16, mask + 16, scales, never, mosts, bound, log2E, toExponent, ln2High, ln2Low);
        split<M>(r + 32, at + 32, x + 32, mask + 32, scales, never, mosts, bound, log2E, toExponent, ln2High, ln2Low);
        split<M>(r + 48, at + 48, x + 48, mask + 48, scales, never, mosts, bound, log2E, toExponent, ln2High, ln2Low);
        load<u8>(x + ahead);
        x += 64;
        mask += 64;
        r += 64;
      }
      for (let left = run & 12; left > 0; left -= 4) {
        split<M>(r, at, x, mask, scales, never, mosts, bound, log2E, toExponent, ln2High, ln2Low);
        x += 16;
        mask += 16;
        r += 16;
        at += 16;
      }
      raise(to, run, work, beside);
      to = r;
      column += run;
    }
  } else {
    const whole = columns & -16;
    clearParts(work);
    for (let part: usize = 0; part < 4; ++part) {
      let sum: f32 = START;
      let rest: f32 = 0;
      for (column = part; column < whole; column += 4) {
        const v = single<M>(to, x, mask, column << 2, scale, most);
        const t = sum + v;
        rest += v - (t - sum);
        sum = t;
        if ((column & (RUN - 4)) == RUN - 4) {
          addToParts(work, part, <f64>sum - START + <f64>rest);
          sum = START;
          rest = 0;
        }
      }
      addToParts(work, part, <f64>sum - START + <f64>rest);
    }
    column = whole;
    to += whole << 2;
    x += whole << 2;
    mask += whole << 2;
  }
  for (; column < columns; ++column) {
    addToParts(work, column, single<M>(to, x, mask, 0, scale, most));
    to += 4;
    x += 4;
    mask += 4;
  }
  return total(work);
}

/** Writes and returns e^(v - most) of the column `at` bytes on. */
// @ts-ignore: decorator
@inline
function single<M>(to: usize, x: usize, mask: usize, at: usize, scale: f32, most: f32): f32 {
  const v = expNeg1(changetype<M>(0).at<f32, i32>(x + at, mask + at, scale, -Infinity) - most);
  store<f32>(to + at, v);
  return v;
}
