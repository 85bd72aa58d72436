// The logistic function 1 / (1 + e^-x).
// Invariant: within 3 units in the last place where the result is normal, 0 at -Infinity, 1 at Infinity, NaN gives NaN.

import { exp1, exp4 } from "./exp";

/** 1 / (1 + e^-x) for any x. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** One lane of sigmoid4(). */
// @ts-ignore: decorator
@inline
export function sigmoid1(x: f32): f32 {
  return <f32>1 / (<f32>1 + exp1(-x));
}
