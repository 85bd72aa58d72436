// Polynomials with constant coefficients, c0 the constant term. Evaluated in pairs (Estrin's scheme): as many operations as Horner's, but
// one from x², and half as many that wait for another.

import { lanes, mulAdd } from "./ops";

/** c0 + c1 x */
// @ts-ignore: decorator
@inline
function linear<T>(x: T, c0: f32, c1: f32): T {
  return mulAdd<T>(lanes<T>(c1), x, lanes<T>(c0));
}

/** Degree 2; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly2<T>(x: T, x2: T, c0: f32, c1: f32, c2: f32): T {
  return mulAdd<T>(lanes<T>(c2), x2, linear<T>(x, c0, c1));
}

/** Degree 3; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly3<T>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32): T {
  return mulAdd<T>(linear<T>(x, c2, c3), x2, linear<T>(x, c0, c1));
}

/** Degree 4; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly4<T>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32): T {
  return mulAdd<T>(poly2<T>(x, x2, c2, c3, c4), x2, linear<T>(x, c0, c1));
}

/** Degree 5; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly5<T>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, c5: f32): T {
  return mulAdd<T>(poly3<T>(x, x2, c2, c3, c4, c5), x2, linear<T>(x, c0, c1));
}

/** Degree 7; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly7<T>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, c5: f32, c6: f32, c7: f32): T {
  return mulAdd<T>(poly5<T>(x, x2, c2, c3, c4, c5, c6, c7), x2, linear<T>(x, c0, c1));
}
