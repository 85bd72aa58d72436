// erf x = 1 - 2^(-x g(x)) for x >= 0, and odd. g(x) = -log2(1 - erf x) / x is smooth and nearly linear: one polynomial serves all x.
// Invariant: absolute error at most 1.2e-7, within 4.2 units in the last place, erf(-x) = -erf x, |erf x| <= 1,
// NaN gives NaN.

import { SIGN } from "./constants";
import { Literal } from "./held";
import { and, atMost, bitsOf, mul, ofBits, or, words, xor } from "./ops";
import { poly7 } from "./polynomial";
import { saturation } from "./saturation";

// @ts-ignore: decorator
@inline
function erf<T, I>(x: T): T {
  const bits = bitsOf<T, I>(x);
  const sign = and<I>(bits, words<I>(SIGN));
  // From 3.95 on the result is 1.
  const size = atMost<T>(ofBits<T, I>(xor<I>(bits, sign)), 3.95);
  // g on [0, 3.95]. Own fit, made as that of exp.ts: minimax of the relative error of erf x (3.7e-8).
  const g = poly7<T, Literal>(
    size,
    mul<T>(size, size),
    1.627907,
    0.9184447,
    0.14832158,
    -0.027852282,
    0.00026523348,
    0.0018280752,
    -0.00055732194,
    0.00005974969,
  );
  const y = saturation<T, I>(mul<T>(size, g));
  return ofBits<T, I>(or<I>(bitsOf<T, I>(y), sign));
}

/** erf x = 2 / sqrt(pi) times the integral of e^(-t²) from 0 to x, for any x. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  return erf<v128, v128>(x);
}

/** One lane of erf4(). */
// @ts-ignore: decorator
@inline
export function erf1(x: f32): f32 {
  return erf<f32, i32>(x);
}
