// Polynomials with constant coefficients, c0 the constant term. Evaluated in pairs (Estrin's scheme): as many operations as Horner's, but
// one from x², and half as many that wait for another. C says where the coefficients come from (./held.ts), c0 of `slot`.

import { add, mul } from "./ops";

// Each coefficient is read next to its use, and the lower half of a polynomial comes first: V8 keeps to the order of loads, and what is loaded early
// for late use is spilled.

/** c0 + c1 x */
// @ts-ignore: decorator
@inline
function linear<T, C>(x: T, c0: f32, c1: f32, table: usize, slot: usize): T {
  const c = changetype<C>(0);
  const product = mul<T>(x, c.number<T>(c1, table, slot + 1));
  return add<T>(product, c.number<T>(c0, table, slot));
}

/** Degree 2; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly2<T, C>(x: T, x2: T, c0: f32, c1: f32, c2: f32, table: usize = 0, slot: usize = 0): T {
  const low = linear<T, C>(x, c0, c1, table, slot);
  return add<T>(mul<T>(x2, changetype<C>(0).number<T>(c2, table, slot + 2)), low);
}

/** Degree 3; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly3<T, C>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, table: usize = 0, slot: usize = 0): T {
  const low = linear<T, C>(x, c0, c1, table, slot);
  return add<T>(mul<T>(linear<T, C>(x, c2, c3, table, slot + 2), x2), low);
}

/** Degree 4; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly4<T, C>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, table: usize = 0, slot: usize = 0): T {
  const low = linear<T, C>(x, c0, c1, table, slot);
  return add<T>(mul<T>(poly2<T, C>(x, x2, c2, c3, c4, table, slot + 2), x2), low);
}

/** Degree 5; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly5<T, C>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, c5: f32, table: usize = 0, slot: usize = 0): T {
  const low = linear<T, C>(x, c0, c1, table, slot);
  return add<T>(mul<T>(poly3<T, C>(x, x2, c2, c3, c4, c5, table, slot + 2), x2), low);
}

/** Degree 7; x2 = x². */
// @ts-ignore: decorator
@inline
export function poly7<T, C>(x: T, x2: T, c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, c5: f32, c6: f32, c7: f32): T {
  const low = linear<T, C>(x, c0, c1, 0, 0);
  return add<T>(mul<T>(poly5<T, C>(x, x2, c2, c3, c4, c5, c6, c7), x2), low);
}

// The same of coefficients that are given, as those that a loop has in registers.

/** Degree 4; x2 = x². */
// @ts-ignore: decorator
@inline
export function given4<T>(x: T, x2: T, c0: T, c1: T, c2: T, c3: T, c4: T): T {
  const high = add<T>(mul<T>(x2, c4), add<T>(mul<T>(x, c3), c2));
  return add<T>(mul<T>(high, x2), add<T>(mul<T>(x, c1), c0));
}

/** Degree 5; x2 = x². */
// @ts-ignore: decorator
@inline
export function given5<T>(x: T, x2: T, c0: T, c1: T, c2: T, c3: T, c4: T, c5: T): T {
  const high = add<T>(mul<T>(add<T>(mul<T>(x, c5), c4), x2), add<T>(mul<T>(x, c3), c2));
  return add<T>(mul<T>(high, x2), add<T>(mul<T>(x, c1), c0));
}
