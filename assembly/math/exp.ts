// e^x = 2^n e^r, with n the integer next to x / ln 2 and r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2]: Cody and Waite, "Software manual for the
// elementary functions", 1980.
// C says where constants come from (./held.ts): slots 0 to 9.
// Invariant: e^0 = 1, NaN gives NaN, and where the result is a normal number it is within 1 unit in the last place.

import { LN2_HIGH, LN2_LOW, TO_INTEGER } from "./constants";
import { Literal } from "./held";
import { add, and, atLeast, atMost, bitsOf, lanes, mul, mulAdd, ofBits, shiftLeft, shiftRight, sub, subInt } from "./ops";
import { given4, poly4, poly5 } from "./polynomial";

// @ts-ignore: decorator
@inline
export const LOG2_E: f32 = 1.442695041;

// Coefficients of (e^r - 1 - r) / r². Own fit, by Lawson's iteration: minimax of the relative error of e^r (3.1e-9), coefficients rounded to
// f32 one after another from the constant term up, and the others fitted again each time.
// @ts-ignore: decorator
@inline
export const C0: f32 = 0.49999994;
// @ts-ignore: decorator
@inline
export const C1: f32 = 0.16666521;
// @ts-ignore: decorator
@inline
export const C2: f32 = 0.041668266;
// @ts-ignore: decorator
@inline
export const C3: f32 = 0.008368684;
// @ts-ignore: decorator
@inline
export const C4: f32 = 0.0013820945;

/** The bound of expNeg(), which makes n = -127, and with it 2^n = 0. */
// @ts-ignore: decorator
@inline
export const LEAST: f32 = -87.7;
/** Brings n + 127 into the low bits of a float. */
// @ts-ignore: decorator
@inline
export const TO_EXPONENT: f32 = TO_INTEGER + 127;

/** x - n ln 2. */
// @ts-ignore: decorator
@inline
function remainder<T, C>(x: T, n: T, table: usize): T {
  const c = changetype<C>(0);
  const high = sub<T>(x, mul<T>(n, c.number<T>(LN2_HIGH, table, 2)));
  return sub<T>(high, mul<T>(n, c.number<T>(LN2_LOW, table, 3)));
}

/** e^r for r in [-ln 2 / 2, ln 2 / 2]. */
// @ts-ignore: decorator
@inline
function reduced<T, C>(r: T, table: usize): T {
  const r2 = mul<T>(r, r);
  const p = poly4<T, C>(r, r2, C0, C1, C2, C3, C4, table, 4);
  return add<T>(mulAdd<T>(r2, p, r), changetype<C>(0).number<T>(1, table, 9));
}

// 2^n in two factors, as neither 2^128 nor 2^-127 is a normal number. At the lower bound the first factor is 0, which keeps most of what
// gives 0, -Infinity too, from products below the normal range: some processors take a hundred times as long for these.
// @ts-ignore: decorator
@inline
function exp<T, I>(x: T): T {
  const bounded = atMost<T>(atLeast<T>(x, -176), 89);
  const t = mulAdd<T>(bounded, lanes<T>(LOG2_E), lanes<T>(TO_INTEGER + 254));
  const n = sub<T>(t, lanes<T>(TO_INTEGER + 254));
  const exponents = bitsOf<T, I>(t);
  const first = shiftRight<I>(exponents, 1);
  const second = subInt<I>(exponents, first);
  const y = mul<T>(reduced<T, Literal>(remainder<T, Literal>(bounded, n, 0), 0), ofBits<T, I>(shiftLeft<I>(first, 23)));
  return mul<T>(y, ofBits<T, I>(shiftLeft<I>(second, 23)));
}

// Parts of expNeg(), with their constants given: a loop that takes one part for many x, and then the next, has these in registers.

/** n + 127 as the low bits of a float. */
// @ts-ignore: decorator
@inline
export function exponentOf<T>(x: T, log2E: T, toInteger: T): T {
  return mulAdd<T>(x, log2E, toInteger);
}

/** r, from x and its exponent. */
// @ts-ignore: decorator
@inline
export function fractionOf<T>(x: T, exponent: T, toInteger: T, high: T, low: T): T {
  const n = sub<T>(exponent, toInteger);
  return sub<T>(sub<T>(x, mul<T>(n, high)), mul<T>(n, low));
}

/** 2^n e^r: reduced() and its factor. */
// @ts-ignore: decorator
@inline
export function powerOf<T, I>(exponent: T, r: T, c0: T, c1: T, c2: T, c3: T, c4: T, one: T): T {
  const r2 = mul<T>(r, r);
  const p = given4<T>(r, r2, c0, c1, c2, c3, c4);
  return mul<T>(add<T>(mulAdd<T>(r2, p, r), one), ofBits<T, I>(shiftLeft<I>(bitsOf<T, I>(exponent), 23)));
}

// @ts-ignore: decorator
@inline
function expNeg<T, I>(x: T): T {
  const toInteger = lanes<T>(TO_EXPONENT);
  const bounded = atLeast<T>(x, LEAST);
  const exponent = exponentOf<T>(bounded, lanes<T>(LOG2_E), toInteger);
  const r = fractionOf<T>(bounded, exponent, toInteger, lanes<T>(LN2_HIGH), lanes<T>(LN2_LOW));
  return powerOf<T, I>(exponent, r, lanes<T>(C0), lanes<T>(C1), lanes<T>(C2), lanes<T>(C3), lanes<T>(C4), lanes<T>(1));
}

/** 2^64 e^x for x in [-132, 44]: a normal number also where e^x is none. */
// @ts-ignore: decorator
@inline
export function raisedExp<T, I, C>(x: T, table: usize): T {
  const power = mul<T>(x, changetype<C>(0).number<T>(LOG2_E, table, 0));
  const magic = changetype<C>(0).number<T>(TO_INTEGER + 127 + 64, table, 1);
  const t = add<T>(power, magic);
  const n = sub<T>(t, magic);
  return mul<T>(reduced<T, C>(remainder<T, C>(x, n, table), table), ofBits<T, I>(shiftLeft<I>(bitsOf<T, I>(t), 23)));
}

/** (2^r - 1) / r for r in [-1/2, 1/2]; coefficients of slots 0 to 5. */
// @ts-ignore: decorator
@inline
export function powerRatio<T, C>(r: T, table: usize = 0): T {
  // Own fit, made as that of reduced(): minimax of the relative error (1.3e-8).
  return poly5<T, C>(r, mul<T>(r, r), 0.6931472, 0.24022649, 0.055503674, 0.009618311, 0.0013387382, 0.00015382112, table, 0);
}

/** 2^(64 + y) for y in [-190, 63]: a normal number also where 2^y is none. Slots 0 to 6 and 9. */
// @ts-ignore: decorator
@inline
export function raisedPower<T, I, C>(y: T, table: usize): T {
  const c = changetype<C>(0);
  const magic = c.number<T>(TO_INTEGER + 127 + 64, table, 6);
  const t = add<T>(y, magic);
  const r = sub<T>(y, sub<T>(t, magic));
  const power = add<T>(mul<T>(r, powerRatio<T, C>(r, table)), c.number<T>(1, table, 9));
  return mul<T>(power, ofBits<T, I>(shiftLeft<I>(bitsOf<T, I>(t), 23)));
}

/**
 * 2^64 e^(-x² / 2) for x in [0, 16]. Most of x² is taken exactly, as of a number of 12 bits, so that the relative error stays that of the
 * exponential: rounding x² = 160 would cost 5e-6. Slots 21 to 23 besides.
 */
// @ts-ignore: decorator
@inline
export function raisedBell<T, I, C>(x: T, table: usize): T {
  const c = changetype<C>(0);
  const most = ofBits<T, I>(and<I>(bitsOf<T, I>(x), c.word<I>(0xfffff000, table, 21)));
  const exact = mul<T>(mul<T>(most, most), c.number<T>(-0.5, table, 22));
  const rest = mul<T>(mul<T>(sub<T>(most, x), add<T>(most, x)), c.number<T>(0.5, table, 23));
  const power = mul<T>(add<T>(exact, rest), c.number<T>(LOG2_E, table, 0));
  const magic = c.number<T>(TO_INTEGER + 127 + 64, table, 1);
  const t = add<T>(power, magic);
  const n = sub<T>(t, magic);
  const r = add<T>(remainder<T, C>(exact, n, table), rest);
  return mul<T>(reduced<T, C>(r, table), ofBits<T, I>(shiftLeft<I>(bitsOf<T, I>(t), 23)));
}

/** e^x for any x; results below 2^-126 are rounded to subnormal numbers or 0. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  return exp<v128, v128>(x);
}

/** One lane of exp4(). */
// @ts-ignore: decorator
@inline
export function exp1(x: f32): f32 {
  return exp<f32, i32>(x);
}

/** e^x for x <= 88, in fewer operations: the bits of exp4(), but +0 for x < -126.5 ln 2 = -87.683. */
// @ts-ignore: decorator
@inline
export function expNeg4(x: v128): v128 {
  return expNeg<v128, v128>(x);
}

/** One lane of expNeg4(). */
// @ts-ignore: decorator
@inline
export function expNeg1(x: f32): f32 {
  return expNeg<f32, i32>(x);
}
