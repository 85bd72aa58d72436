// Activations: a class each, over one f32 (T = f32, I = i32) or over four lanes (T = I = v128).
//
//   value(v)      act(v)
//   slope(v, g)   g act'(v): what a gradient becomes on its way back
//
// Invariant: built of operations that are the same in both forms (assembly/math), so that both give the same bits.

import { SIGN } from "../math/constants";
import { raisedBell, raisedExp } from "../math/exp";
import { tailRatio } from "../math/normal";
import { add, and, atLeast, atMost, bitsOf, div, lanes, less, mul, mulAdd, ofBits, select, sub, words, xor } from "../math/ops";

/** v < 0 ? 0 : v. A gradient passes where v > 0; elsewhere it becomes +0, whatever it was. */
@unmanaged
export class Relu {
  @inline long(): bool {
    return false;
  }

  @inline value<T, _I>(v: T): T {
    return atLeast<T>(v, 0);
  }

  @inline slope<T, I>(v: T, g: T): T {
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
// that products with them are normal numbers also where they themselves would be none; the product is divided by it last.
// @ts-ignore: decorator
@inline
const RAISED: f32 = reinterpret<f32>(0x5f800000); // 2^64
// @ts-ignore: decorator
@inline
const LOWER: f32 = reinterpret<f32>(0x1f800000); // 2^-64

/** |v|, at most `bound`. */
// @ts-ignore: decorator
@inline
function size<T, I>(v: T, bound: f32): T {
  return atMost<T>(ofBits<T, I>(and<I>(bitsOf<T, I>(v), words<I>(~SIGN))), bound);
}

/** The value at v, where the one at -|v| is -gap / 2^64. */
// @ts-ignore: decorator
@inline
function valueAt<T>(v: T, gap: T): T {
  return sub<T>(atLeast<T>(v, 0), mul<T>(gap, lanes<T>(LOWER)));
}

/** The slope at v times g, where the one at -|v| is gap / 2^64. */
// @ts-ignore: decorator
@inline
function slopeAt<T, I>(v: T, gap: T, g: T): T {
  const before = mul<T>(gap, lanes<T>(LOWER));
  return mul<T>(g, select<T, I>(less<T, I>(v, lanes<T>(0)), before, sub<T>(lanes<T>(1), before)));
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

  @inline value<T, I>(v: T): T {
    const x = size<T, I>(v, LAST_NORMAL);
    return valueAt<T>(v, mul<T>(mul<T>(x, tailRatio<T>(x)), raisedBell<T, I>(x)));
  }

  @inline slope<T, I>(v: T, g: T): T {
    const x = size<T, I>(v, LAST_NORMAL);
    return slopeAt<T, I>(v, mul<T>(sub<T>(tailRatio<T>(x), mul<T>(x, lanes<T>(DENSITY_0))), raisedBell<T, I>(x)), g);
  }
}

/** 1 / (1 + e^-z), of q = 2^64 e^-z. */
// @ts-ignore: decorator
@inline
function reciprocal<T>(q: T): T {
  return div<T>(lanes<T>(RAISED), add<T>(lanes<T>(RAISED), q));
}

/** 2^64 x L(-z) for z in [0, 132], L(z) = 1 / (1 + e^-z) being the logistic function. */
// @ts-ignore: decorator
@inline
function gated<T, I>(x: T, z: T): T {
  const q = raisedExp<T, I>(negated<T, I>(z));
  return mul<T>(x, mul<T>(reciprocal<T>(q), q));
}

/** 2^64 (L(-z) - d L'(-z)) for z in [0, 132]. */
// @ts-ignore: decorator
@inline
function gatedSlope<T, I>(z: T, d: T): T {
  const q = raisedExp<T, I>(negated<T, I>(z));
  const r = reciprocal<T>(q);
  return mul<T>(mul<T>(q, r), sub<T>(lanes<T>(1), mul<T>(d, r)));
}

// @ts-ignore: decorator
@inline
function negated<T, I>(x: T): T {
  return ofBits<T, I>(xor<I>(bitsOf<T, I>(x), words<I>(SIGN)));
}

// The third-order term of the approximation, from the paper on Gelu.
// @ts-ignore: decorator
@inline
const CUBIC: f32 = 0.044715;

/**
 * v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v³))) / 2, the approximation of Gelu of the same paper. As (1 + tanh(z / 2)) / 2 = L(z), this is v L(z) with
 * z = 2 sqrt(2 / pi) (v + 0.044715 v³). In the tail the rounding of z, of up to 90, becomes a relative error of up to 2e-5.
 */
@unmanaged
export class GeluTanh {
  @inline long(): bool {
    return true;
  }

  @inline z<T>(v: T, v2: T): T {
    return mul<T>(v, mulAdd<T>(v2, lanes<T>(2 * CUBIC * SQRT_2_OVER_PI), lanes<T>(2 * SQRT_2_OVER_PI)));
  }

  @inline value<T, I>(v: T): T {
    const x = size<T, I>(v, LAST_TANH);
    return valueAt<T>(v, gated<T, I>(x, this.z<T>(x, mul<T>(x, x))));
  }

  @inline slope<T, I>(v: T, g: T): T {
    const x = size<T, I>(v, LAST_TANH);
    const x2 = mul<T>(x, x);
    const dz = mulAdd<T>(x2, lanes<T>(6 * CUBIC * SQRT_2_OVER_PI), lanes<T>(2 * SQRT_2_OVER_PI));
    return slopeAt<T, I>(v, gatedSlope<T, I>(this.z<T>(x, x2), mul<T>(x, dz)), g);
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

  @inline value<T, I>(v: T): T {
    const x = size<T, I>(v, LAST_SILU);
    return valueAt<T>(v, gated<T, I>(x, x));
  }

  @inline slope<T, I>(v: T, g: T): T {
    const x = size<T, I>(v, LAST_SILU);
    return slopeAt<T, I>(v, gatedSlope<T, I>(x, x), g);
  }
}
