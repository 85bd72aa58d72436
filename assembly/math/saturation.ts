// 1 - 2^-y, on which erf and tanh are built: relatively exact at 0, and 1 from y = 25 on.

import { TO_INTEGER } from "./constants";
import { Literal } from "./held";
import { bitsOf, lanes, mul, ofBits, shiftLeft, sub } from "./ops";
import { poly5 } from "./polynomial";

/** 1 - 2^-y for y in [0, 126]; never below 0 nor above 1. */
// @ts-ignore: decorator
@inline
export function saturation<T, I>(y: T): T {
  const t = sub<T>(lanes<T>(TO_INTEGER + 127), y);
  const r = sub<T>(sub<T>(lanes<T>(TO_INTEGER + 127), t), y);
  // (2^r - 1) / r on [-1/2, 1/2]. Own fit, made as that of exp.ts: minimax of the relative error (1.3e-8).
  const p = poly5<T, Literal>(r, mul<T>(r, r), 0.6931472, 0.24022649, 0.055503674, 0.009618311, 0.0013387382, 0.00015382112);
  const power = ofBits<T, I>(shiftLeft<I>(bitsOf<T, I>(t), 23));
  return sub<T>(sub<T>(lanes<T>(1), power), mul<T>(power, mul<T>(r, p)));
}
