// The natural logarithm: x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt 2), log x = e ln 2 + f - f²/2 + f³ p(f). The form is that of
// Cephes' logf (Moshier).
// Invariant: within 1 unit in the last place, log 1 = +0, NaN gives NaN.

import { LN2_HIGH, LN2_LOW } from "./constants";
import { Literal } from "./held";
import {
  add,
  addInt,
  and,
  bitsOf,
  equal,
  lanes,
  less,
  mul,
  mulAdd,
  not,
  notLess,
  ofBits,
  or,
  select,
  shiftRight,
  sub,
  subInt,
  toFloat,
  words,
} from "./ops";
import { poly7 } from "./polynomial";

// @ts-ignore: decorator
@inline
const SQRT_HALF_BITS: i32 = 0x3f3504f3;
// @ts-ignore: decorator
@inline
const LEAST_NORMAL: f32 = 1.17549435e-38; // 2^-126

/** log(2^scale x) for x positive, normal and finite. */
// @ts-ignore: decorator
@inline
function logNormal<T, I>(x: T, scale: I): T {
  const bits = bitsOf<T, I>(x);
  const above = subInt<I>(bits, words<I>(SQRT_HALF_BITS));
  const e = toFloat<T, I>(addInt<I>(shiftRight<I>(above, 23), scale));
  const f = sub<T>(ofBits<T, I>(subInt<I>(bits, and<I>(above, words<I>(0xff800000)))), lanes<T>(1));
  const f2 = mul<T>(f, f);
  // Own fit, made as that of exp.ts: minimax of the relative error of log(1 + f) (5.9e-9).
  const p = poly7<T, Literal>(f, f2, 0.3333333, -0.2500082, 0.2000124, -0.16623402, 0.1420161, -0.13159755, 0.12762113, -0.07635882);
  const rest = mulAdd<T>(e, lanes<T>(LN2_LOW), mul<T>(mul<T>(f2, f), p));
  return mulAdd<T>(e, lanes<T>(LN2_HIGH), add<T>(f, sub<T>(rest, mul<T>(f2, lanes<T>(0.5)))));
}

// @ts-ignore: decorator
@inline
function log<T, I>(x: T): T {
  // A subnormal number takes 2^23 to become normal.
  const small = less<T, I>(x, lanes<T>(LEAST_NORMAL));
  const normal = select<T, I>(small, mul<T>(x, lanes<T>(8388608)), x);
  let y = logNormal<T, I>(normal, and<I>(small, words<I>(-23)));
  y = select<T, I>(equal<T, I>(x, lanes<T>(0)), lanes<T>(-Infinity), y);
  y = select<T, I>(equal<T, I>(x, lanes<T>(Infinity)), x, y);
  // All ones are a NaN.
  return ofBits<T, I>(or<I>(bitsOf<T, I>(y), not<I>(notLess<T, I>(x, lanes<T>(0)))));
}

/** log x for any x: -Infinity for 0, NaN below. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  return log<v128, v128>(x);
}

/** One lane of log4(). */
// @ts-ignore: decorator
@inline
export function log1(x: f32): f32 {
  return log<f32, i32>(x);
}

/** log x for x positive, normal and finite, in two thirds of the operations: the bits of log4(). */
// @ts-ignore: decorator
@inline
export function logNormal4(x: v128): v128 {
  return logNormal<v128, v128>(x, i32x4.splat(0));
}

/** One lane of logNormal4(). */
// @ts-ignore: decorator
@inline
export function logNormal1(x: f32): f32 {
  return logNormal<f32, i32>(x, 0);
}
