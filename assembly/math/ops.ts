// The operations that the functions of this folder are made of, over one f32 (T = f32, I = i32) or over four lanes (T = I = v128).
// Invariant: every operation is exactly rounded or moves bits, so that a function written once gives the same bits in both forms.
// A comparison gives all ones or all zeros in I.
// V8 makes each constant vector anew in every iteration, but only once in it: a loop that takes four vectors an iteration pays a quarter
// for them. Others hold them (./held.ts).

/** c in every lane. */
// @ts-ignore: decorator
@inline
export function lanes<T>(c: f32): T {
  if (isVector<T>()) return f32x4.splat(c);
  else return c;
}

/** c in every lane. */
// @ts-ignore: decorator
@inline
export function words<I>(c: i32): I {
  if (isVector<I>()) return i32x4.splat(c);
  else return c;
}

// @ts-ignore: decorator
@inline
export function add<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.add(a, b);
  else return a + b;
}

// @ts-ignore: decorator
@inline
export function sub<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.sub(a, b);
  else return a - b;
}

// @ts-ignore: decorator
@inline
export function mul<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.mul(a, b);
  else return a * b;
}

// @ts-ignore: decorator
@inline
export function div<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.div(a, b);
  else return a / b;
}

/** a * b + c, rounded twice. */
// @ts-ignore: decorator
@inline
export function mulAdd<T>(a: T, b: T, c: T): T {
  return add<T>(mul<T>(a, b), c);
}

/** The smaller of x and `bound`; a NaN x stays. */
// @ts-ignore: decorator
@inline
export function atMost<T>(x: T, bound: f32): T {
  if (isVector<T>()) return f32x4.pmin(x, f32x4.splat(bound));
  else return bound < x ? bound : x;
}

/** The smaller of x and y; a NaN x stays. */
// @ts-ignore: decorator
@inline
export function least<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.pmin(x, y);
  else return y < x ? y : x;
}

/** The larger of x and `bound`; a NaN x stays. */
// @ts-ignore: decorator
@inline
export function atLeast<T>(x: T, bound: f32): T {
  if (isVector<T>()) return f32x4.pmax(x, f32x4.splat(bound));
  else return x < bound ? bound : x;
}

// @ts-ignore: decorator
@inline
export function equal<T, I>(a: T, b: T): I {
  if (isVector<T>()) return f32x4.eq(a, b);
  else return -(<i32>(a == b));
}

// @ts-ignore: decorator
@inline
export function less<T, I>(a: T, b: T): I {
  if (isVector<T>()) return f32x4.lt(a, b);
  else return -(<i32>(a < b));
}

/** a >= b; false for NaN. */
// @ts-ignore: decorator
@inline
export function notLess<T, I>(a: T, b: T): I {
  if (isVector<T>()) return f32x4.ge(a, b);
  else return -(<i32>(a >= b));
}

/** a where `mask`, else b. */
// @ts-ignore: decorator
@inline
export function select<T, I>(mask: I, a: T, b: T): T {
  if (isVector<T>()) return v128.bitselect(a, b, mask);
  else return mask ? a : b;
}

/** The bits of x. */
// @ts-ignore: decorator
@inline
export function bitsOf<T, I>(x: T): I {
  if (isVector<T>()) return x;
  else return reinterpret<i32>(x);
}

/** The float with these bits. */
// @ts-ignore: decorator
@inline
export function ofBits<T, I>(x: I): T {
  if (isVector<T>()) return x;
  else return reinterpret<f32>(x);
}

/** The nearest float to an integer. */
// @ts-ignore: decorator
@inline
export function toFloat<T, I>(x: I): T {
  if (isVector<T>()) return f32x4.convert_i32x4_s(x);
  else return <f32>x;
}

// @ts-ignore: decorator
@inline
export function addInt<I>(a: I, b: I): I {
  if (isVector<I>()) return i32x4.add(a, b);
  else return a + b;
}

// @ts-ignore: decorator
@inline
export function subInt<I>(a: I, b: I): I {
  if (isVector<I>()) return i32x4.sub(a, b);
  else return a - b;
}

// @ts-ignore: decorator
@inline
export function shiftLeft<I>(x: I, by: i32): I {
  if (isVector<I>()) return i32x4.shl(x, by);
  else return x << by;
}

/** x >> by, the sign kept. */
// @ts-ignore: decorator
@inline
export function shiftRight<I>(x: I, by: i32): I {
  if (isVector<I>()) return i32x4.shr_s(x, by);
  else return x >> by;
}

// @ts-ignore: decorator
@inline
export function and<I>(a: I, b: I): I {
  if (isVector<I>()) return v128.and(a, b);
  else return a & b;
}

// @ts-ignore: decorator
@inline
export function or<I>(a: I, b: I): I {
  if (isVector<I>()) return v128.or(a, b);
  else return a | b;
}

// @ts-ignore: decorator
@inline
export function xor<I>(a: I, b: I): I {
  if (isVector<I>()) return v128.xor(a, b);
  else return a ^ b;
}

// @ts-ignore: decorator
@inline
export function not<I>(a: I): I {
  if (isVector<I>()) return v128.not(a);
  else return ~a;
}
