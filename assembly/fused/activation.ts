// Activations: a class each, over one f32 (T = f32, I = i32) or over four lanes (T = I = v128). C says where constants come from
// (assembly/math/held.ts).
//
//   value(v, table)      act(v)
//   slope(v, g, table)   g act'(v): what a gradient becomes on its way back
//   long()               whether these are so long that their code is not to stand there several times; they hold their constants then
//
// Invariant: built of operations that are the same in both forms (assembly/math), so that both give the same bits.

import { SIGN } from "../math/constants";
import { raisedBell, raisedExp, raisedPower } from "../math/exp";
import { Holding, spreadAll } from "../math/held";
import { tailRatio } from "../math/normal";
import { add, and, atLeast, bitsOf, div, lanes, least, less, mul, ofBits, select, sub, xor } from "../math/ops";

/** Writes the constants of an activation to a table; its value has none that its slope lacks. */
export function hold<A>(table: usize): void {
  changetype<A>(0).slope<v128, v128, Holding>(i8x16.splat(0), i8x16.splat(0), table);
  spreadAll(table);
}

/** v < 0 ? 0 : v. A gradient passes where v > 0; elsewhere it becomes +0, whatever it was. */
@unmanaged
export class Relu {
  @inline long(): bool {
    return false;
  }

  @inline value<T, _I, _C>(v: T, table: usize): T {
    return atLeast<T>(v, 0);
  }

  @inline slope<T, I, _C>(v: T, g: T, table: usize): T {
    return ofBits<T, I>(and<I>(bitsOf<T, I>(g), less<T, I>(lanes<T>(0), v)));
  }
}

// @ts-ignore: decorator
@inline
const SQRT_2_OVER_PI: f32 = 0.79788456080286536;
// 1 / sqrt(2 pi), the density of the normal distribution at 0.
// @ts-ignore: decorator
@inline
const DENSITY_0: f32 = 0.39894228040143268;

// The smooth activations are v F(v) with a distribution function F, F(-v) = 1 - F(v). Their values are max(v, 0) - |v| F(-|v|), and their
// slopes follow in the same way from those at -|v|: nothing cancels but in the slope at its zero. Exponentials are multiplied by 2^64, so
// that products with them are normal numbers also where they themselves would be none; it is divided out last.
// @ts-ignore: decorator
@inline
const RAISED: f32 = reinterpret<f32>(0x5f800000); // 2^64
// @ts-ignore: decorator
@inline
const LOWER: f32 = reinterpret<f32>(0x1f800000); // 2^-64

/** |v|, at most `bound`. */
// @ts-ignore: decorator
@inline
function size<T, I, C>(v: T, bound: f32, table: usize): T {
  const c = changetype<C>(0);
  return least<T>(ofBits<T, I>(and<I>(bitsOf<T, I>(v), c.word<I>(~SIGN, table, 24))), c.number<T>(bound, table, 25));
}

/** The value at v, where the one at -|v| is -gap. */
// @ts-ignore: decorator
@inline
function valueAt<T>(v: T, gap: T): T {
  return sub<T>(atLeast<T>(v, 0), gap);
}

/** The slope at v times g, where the one at -|v| is `before`. */
// @ts-ignore: decorator
@inline
function slopeAt<T, I, C>(v: T, before: T, g: T, table: usize): T {
  const after = sub<T>(changetype<C>(0).number<T>(1, table, 9), before);
  return mul<T>(g, select<T, I>(less<T, I>(v, lanes<T>(0)), before, after));
}

// From here on the density of the normal distribution is 0 in f32.
// @ts-ignore: decorator
@inline
const LAST_NORMAL: f32 = 15;

/**
 * v P(N <= v), N normally distributed. Source: Hendrycks, Gimpel, "Gaussian error linear units", 2016. The relative error
 * is at most 7e-7 where the value is a normal number, and likewise the slope's but where it passes through 0, near -0.75.
 */
@unmanaged
export class Gelu {
  @inline long(): bool {
    return true;
  }

  @inline value<T, I, C>(v: T, table: usize): T {
    const x = size<T, I, C>(v, LAST_NORMAL, table);
    const gap = mul<T>(mul<T>(x, tailRatio<T, C>(x, table)), raisedBell<T, I, C>(x, table));
    return valueAt<T>(v, mul<T>(gap, changetype<C>(0).number<T>(LOWER, table, 26)));
  }

  @inline slope<T, I, C>(v: T, g: T, table: usize): T {
    const c = changetype<C>(0);
    const x = size<T, I, C>(v, LAST_NORMAL, table);
    const ratio = sub<T>(tailRatio<T, C>(x, table), mul<T>(x, c.number<T>(DENSITY_0, table, 27)));
    const before = mul<T>(mul<T>(ratio, raisedBell<T, I, C>(x, table)), c.number<T>(LOWER, table, 26));
    return slopeAt<T, I, C>(v, before, g, table);
  }
}

/** x L(-z), of q = 2^64 e^-z for z in [0, 132], L(z) = 1 / (1 + e^-z) being the logistic function. */
// @ts-ignore: decorator
@inline
function gated<T, C>(x: T, q: T, table: usize): T {
  return div<T>(mul<T>(x, q), add<T>(q, changetype<C>(0).number<T>(RAISED, table, 27)));
}

/** L(-z) - d L'(-z), of the same q. */
// @ts-ignore: decorator
@inline
function gatedSlope<T, C>(q: T, d: T, table: usize): T {
  const c = changetype<C>(0);
  const raised = c.number<T>(RAISED, table, 27);
  const r = div<T>(raised, add<T>(raised, q));
  const slope = mul<T>(mul<T>(q, r), sub<T>(c.number<T>(1, table, 9), mul<T>(d, r)));
  return mul<T>(slope, c.number<T>(LOWER, table, 26));
}

// The third-order term of the approximation, from the paper on Gelu.
// @ts-ignore: decorator
@inline
const CUBIC: f32 = 0.044715;

/** -2 sqrt(2 / pi) in units of the binary logarithm, and the same times CUBIC. */
// @ts-ignore: decorator
@inline
const LINEAR_TERM: f32 = -2.3022082;
// @ts-ignore: decorator
@inline
const CUBIC_TERM: f32 = -0.10294324;

/**
 * v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v³))) / 2, the approximation of Gelu of the same paper. As (1 + tanh(z / 2)) / 2 = L(z), this is v L(z) with
 * z = 2 sqrt(2 / pi) (v + 0.044715 v³). In the tail the rounding of z, of up to 90, becomes a relative error of up to 2e-5.
 */
@unmanaged
export class GeluTanh {
  @inline long(): bool {
    return true;
  }

  /** 2^64 e^-z. */
  @inline power<T, I, C>(x: T, x2: T, table: usize): T {
    const c = changetype<C>(0);
    const cubic = mul<T>(x2, c.number<T>(CUBIC_TERM, table, 28));
    return raisedPower<T, I, C>(mul<T>(x, add<T>(cubic, c.number<T>(LINEAR_TERM, table, 29))), table);
  }

  @inline value<T, I, C>(v: T, table: usize): T {
    const x = size<T, I, C>(v, LAST_TANH, table);
    return valueAt<T>(v, gated<T, C>(x, this.power<T, I, C>(x, mul<T>(x, x), table), table));
  }

  @inline slope<T, I, C>(v: T, g: T, table: usize): T {
    const c = changetype<C>(0);
    const x = size<T, I, C>(v, LAST_TANH, table);
    const x2 = mul<T>(x, x);
    const cubic = mul<T>(x2, c.number<T>(6 * CUBIC * SQRT_2_OVER_PI, table, 30));
    const d = mul<T>(x, add<T>(cubic, c.number<T>(2 * SQRT_2_OVER_PI, table, 31)));
    return slopeAt<T, I, C>(v, gatedSlope<T, C>(this.power<T, I, C>(x, x2, table), d, table), g, table);
  }
}

// From here on, before z is 132, v L(-z) is 0 in f32: of GeluTanh and of Silu.
// @ts-ignore: decorator
@inline
const LAST_TANH: f32 = 11.6;
// @ts-ignore: decorator
@inline
const LAST_SILU: f32 = 132;

/**
 * v / (1 + e^-v) = v L(v). Source: Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units", 2018; also in the paper on Gelu. Relative
 * errors are bounded as Gelu's; the slope passes through 0 near -1.28.
 */
@unmanaged
export class Silu {
  @inline long(): bool {
    return true;
  }

  /** 2^64 e^-x. */
  @inline power<T, I, C>(x: T, table: usize): T {
    const negative = ofBits<T, I>(xor<I>(bitsOf<T, I>(x), changetype<C>(0).word<I>(SIGN, table, 28)));
    return raisedExp<T, I, C>(negative, table);
  }

  @inline value<T, I, C>(v: T, table: usize): T {
    const x = size<T, I, C>(v, LAST_SILU, table);
    return valueAt<T>(v, gated<T, C>(x, this.power<T, I, C>(x, table), table));
  }

  @inline slope<T, I, C>(v: T, g: T, table: usize): T {
    const x = size<T, I, C>(v, LAST_SILU, table);
    return slopeAt<T, I, C>(v, gatedSlope<T, C>(this.power<T, I, C>(x, table), x, table), g, table);
  }
}
