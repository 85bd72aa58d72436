// cos and sin of a part of a turn, 2 pi w / 2^32 for w in 0..2^32-1: w is an integer, so that its quadrant and the rest are exact.
// Invariant: absolute error at most 1.3e-7; exactly 0, 1 and -1 at the quarters.

import { SIGN } from "./constants";
import { Literal } from "./held";
import { addInt, and, bitsOf, lanes, mul, mulAdd, ofBits, select, shiftLeft, shiftRight, sub, subInt, toFloat, words, xor } from "./ops";
import { poly2 } from "./polynomial";

// @ts-ignore: decorator
@inline
const EIGHTH: i32 = 0x20000000;
// @ts-ignore: decorator
@inline
const QUARTER: i32 = 0x40000000;
// @ts-ignore: decorator
@inline
const RADIANS: f32 = 1.46291807927e-9; // 2 pi / 2^32

/** The angle from the nearest quarter, in radians: in [-pi / 4, pi / 4]. `ahead` = w + EIGHTH, whose upper two bits number that quarter. */
// @ts-ignore: decorator
@inline
function fromQuarter<T, I>(ahead: I): T {
  return mul<T>(toFloat<T, I>(subInt<I>(and<I>(ahead, words<I>(QUARTER - 1)), words<I>(EIGHTH))), lanes<T>(RADIANS));
}

// Polynomials of Cephes' sinf and cosf (Moshier), for [-pi / 4, pi / 4].
// @ts-ignore: decorator
@inline
function sine<T>(a: T): T {
  const a2 = mul<T>(a, a);
  return mulAdd<T>(mul<T>(a2, a), poly2<T, Literal>(a2, mul<T>(a2, a2), -1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4), a);
}
// @ts-ignore: decorator
@inline
function cosine<T>(a: T): T {
  const a2 = mul<T>(a, a);
  const a4 = mul<T>(a2, a2);
  const p = poly2<T, Literal>(a2, a4, 4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5);
  return mulAdd<T>(a4, p, sub<T>(lanes<T>(1), mul<T>(a2, lanes<T>(0.5))));
}

/** All ones where sine and cosine of the angle from the quarter change places. */
// @ts-ignore: decorator
@inline
function swapped<I>(ahead: I): I {
  return shiftRight<I>(shiftLeft<I>(ahead, 1), 31);
}

/** y with its sign turned where the highest bit of `turn` is set. */
// @ts-ignore: decorator
@inline
function turned<T, I>(y: T, turn: I): T {
  return ofBits<T, I>(xor<I>(bitsOf<T, I>(y), and<I>(turn, words<I>(SIGN))));
}

// @ts-ignore: decorator
@inline
function sinTurn<T, I>(w: I): T {
  const ahead = addInt<I>(w, words<I>(EIGHTH));
  const a = fromQuarter<T, I>(ahead);
  return turned<T, I>(select<T, I>(swapped<I>(ahead), cosine<T>(a), sine<T>(a)), ahead);
}

// @ts-ignore: decorator
@inline
function cosTurn<T, I>(w: I): T {
  const ahead = addInt<I>(w, words<I>(EIGHTH));
  const a = fromQuarter<T, I>(ahead);
  return turned<T, I>(select<T, I>(swapped<I>(ahead), sine<T>(a), cosine<T>(a)), addInt<I>(ahead, words<I>(QUARTER)));
}

/** sin(2 pi w / 2^32) for w in integer lanes. Of the same w as cosTurn4(), nearly free: they share all but the choice at the end. */
// @ts-ignore: decorator
@inline
export function sinTurn4(w: v128): v128 {
  return sinTurn<v128, v128>(w);
}

/** One lane of sinTurn4(). */
// @ts-ignore: decorator
@inline
export function sinTurn1(w: u32): f32 {
  return sinTurn<f32, i32>(w);
}

/** cos(2 pi w / 2^32) for w in integer lanes. */
// @ts-ignore: decorator
@inline
export function cosTurn4(w: v128): v128 {
  return cosTurn<v128, v128>(w);
}

/** One lane of cosTurn4(). */
// @ts-ignore: decorator
@inline
export function cosTurn1(w: u32): f32 {
  return cosTurn<f32, i32>(w);
}
