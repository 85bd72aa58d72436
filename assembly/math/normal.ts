// The upper tail of the normal distribution, P(N > x) = e^(-x² / 2) R(x). R, Mills' ratio over sqrt(2 pi), falls from 1/2 like
// 1 / (x sqrt(2 pi)) and never vanishes, so that the tail keeps its relative accuracy however small it is. The form, the exponential
// times a quotient of polynomials, is that of Cody, "Rational Chebyshev approximations for the error function", 1969.

import { div, mul } from "./ops";
import { poly4, poly5 } from "./polynomial";

/** R(x) for x in [0, 15]. C says where coefficients come from (./held.ts): slots 10 to 20. */
// @ts-ignore: decorator
@inline
export function tailRatio<T, C>(x: T, table: usize): T {
  const x2 = mul<T>(x, x);
  // Own fit, by Lawson's iteration with the denominator linearised: minimax of the relative error (6.4e-9; 2.1e-8 with coefficients
  // rounded to f32). As all coefficients are positive, nothing cancels.
  const p = poly4<T, C>(x, x2, 0.5, 0.43928301, 0.18396875, 0.040881027, 0.0041532125, table, 10);
  const q = poly5<T, C>(x, x2, 1, 1.676451, 1.2055469, 0.4714078, 0.10247962, 0.01041045, table, 15);
  return div<T>(p, q);
}
