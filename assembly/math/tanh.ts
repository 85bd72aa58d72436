// tanh x = (1 - e^-2x) / (1 + e^-2x) for x >= 0, and odd.
// Invariant: absolute error at most 1.6e-7, within 4 units in the last place, tanh(-x) = -tanh x, |tanh x| <= 1,
// NaN gives NaN.

import { SIGN } from "./constants";
import { and, atMost, bitsOf, div, lanes, mul, ofBits, or, sub, words, xor } from "./ops";
import { saturation } from "./saturation";

// @ts-ignore: decorator
@inline
const TWO_LOG2_E: f32 = 2.885390082;

// @ts-ignore: decorator
@inline
function tanh<T, I>(x: T): T {
  const bits = bitsOf<T, I>(x);
  const sign = and<I>(bits, words<I>(SIGN));
  // From 10 on the result is 1.
  const size = atMost<T>(ofBits<T, I>(xor<I>(bits, sign)), 10);
  const d = saturation<T, I>(mul<T>(size, lanes<T>(TWO_LOG2_E)));
  const y = div<T>(d, sub<T>(lanes<T>(2), d));
  return ofBits<T, I>(or<I>(bitsOf<T, I>(y), sign));
}

/** tanh x for any x. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  return tanh<v128, v128>(x);
}

/** One lane of tanh4(). */
// @ts-ignore: decorator
@inline
export function tanh1(x: f32): f32 {
  return tanh<f32, i32>(x);
}
