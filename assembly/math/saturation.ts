// 1 - 2^-y, on which erf and tanh are built: relatively exact at 0, and 1 from y = 25 on.

import { TO_INTEGER } from "./constants";
import { powerRatio } from "./exp";
import { Literal } from "./held";
import { bitsOf, lanes, mul, ofBits, shiftLeft, sub } from "./ops";

/** 1 - 2^-y for y in [0, 126]; never below 0 nor above 1. */
// @ts-ignore: decorator
@inline
export function saturation<T, I>(y: T): T {
  const t = sub<T>(lanes<T>(TO_INTEGER + 127), y);
  const r = sub<T>(sub<T>(lanes<T>(TO_INTEGER + 127), t), y);
  const power = ofBits<T, I>(shiftLeft<I>(bitsOf<T, I>(t), 23));
  return sub<T>(sub<T>(lanes<T>(1), power), mul<T>(power, mul<T>(r, powerRatio<T, Literal>(r))));
}
