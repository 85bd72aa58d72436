// Activations: a class each, over one f32 (T = f32, I = i32) or over four lanes (T = I = v128).
//
//   value(v)      act(v)
//   slope(v, g)   g act'(v): what a gradient becomes on its way back
//
// Invariant: built of operations that are the same in both forms (assembly/math), so that both give the same bits.

import { SIGN } from "../math/constants";
import { erf1, erf4 } from "../math/erf";
import { expNeg1, expNeg4 } from "../math/exp";
import { add, and, atLeast, atMost, bitsOf, div, lanes, less, mul, mulAdd, ofBits, or, select, words } from "../math/ops";

/** e^x for x <= 0. */
// @ts-ignore: decorator
@inline
function expNeg<T>(x: T): T {
  if (isVector<T>()) return expNeg4(x);
  else return expNeg1(x);
}

// @ts-ignore: decorator
@inline
function erf<T>(x: T): T {
  if (isVector<T>()) return erf4(x);
  else return erf1(x);
}

/** v < 0 ? 0 : v. A gradient passes where v > 0; elsewhere it becomes +0, whatever it was. */
@unmanaged
export class Relu {
  @inline long(): bool {
    return false;
  }

  @inline value<T, I>(v: T): T {
    return atLeast<T>(v, 0);
  }

  @inline slope<T, I>(v: T, g: T): T {
    return ofBits<T, I>(and<I>(bitsOf<T, I>(g), less<T, I>(lanes<T>(0), v)));
  }
}

// @ts-ignore: decorator
@inline const SQRT_HALF: f32 = 0.70710678118654752;
// @ts-ignore: decorator
@inline const SQRT_2_OVER_PI: f32 = 0.79788456080286536;
// 1 / sqrt(2 pi), the density of the normal distribution at 0.
// @ts-ignore: decorator
@inline const DENSITY_0: f32 = 0.39894228040143268;

/** v P(N <= v), N normally distributed: v (1 + erf(v / sqrt 2)) / 2. Source: Hendrycks, Gimpel, "Gaussian error linear units", 2016. */
@unmanaged
export class Gelu {
  @inline long(): bool {
    return true;
  }

  @inline below<T>(v: T): T {
    return mulAdd<T>(erf<T>(mul<T>(v, lanes<T>(SQRT_HALF))), lanes<T>(0.5), lanes<T>(0.5));
  }

  @inline value<T, I>(v: T): T {
    return mul<T>(v, this.below<T>(v));
  }

  @inline slope<T, I>(v: T, g: T): T {
    const density = mul<T>(expNeg<T>(mul<T>(mul<T>(v, v), lanes<T>(-0.5))), lanes<T>(DENSITY_0));
    return mul<T>(g, mulAdd<T>(v, density, this.below<T>(v)));
  }
}

/** e^-|z|, of which the logistic function L and its derivative are quotients that cancel nowhere. */
// @ts-ignore: decorator
@inline
function decay<T, I>(z: T): T {
  return expNeg<T>(ofBits<T, I>(or<I>(bitsOf<T, I>(z), words<I>(SIGN))));
}

/** L(z) = 1 / (1 + e^-z) with q = decay(z) and r = 1 / (1 + q). */
// @ts-ignore: decorator
@inline
function logistic<T, I>(z: T, q: T, r: T): T {
  return mul<T>(r, select<T, I>(less<T, I>(z, lanes<T>(0)), q, lanes<T>(1)));
}

/** v L(z). */
// @ts-ignore: decorator
@inline
function gated<T, I>(v: T, z: T): T {
  const q = decay<T, I>(z);
  return mul<T>(v, logistic<T, I>(z, q, reciprocal<T>(q)));
}

/** L(z) + d L'(z). */
// @ts-ignore: decorator
@inline
function gatedSlope<T, I>(z: T, d: T): T {
  const q = decay<T, I>(z);
  const r = reciprocal<T>(q);
  return mulAdd<T>(d, mul<T>(mul<T>(q, r), r), logistic<T, I>(z, q, r));
}

/** 1 / (1 + q). */
// @ts-ignore: decorator
@inline
function reciprocal<T>(q: T): T {
  return div<T>(lanes<T>(1), add<T>(lanes<T>(1), q));
}

// The third-order term of the approximation, from the paper on Gelu.
// @ts-ignore: decorator
@inline const CUBIC: f32 = 0.044715;

/**
 * v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v³))) / 2, the approximation of Gelu of the same paper. As (1 + tanh(z / 2)) / 2 = L(z), this is v L(z) with
 * z = 2 sqrt(2 / pi) (v + 0.044715 v³).
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
    return gated<T, I>(v, this.z<T>(v, mul<T>(v, v)));
  }

  @inline slope<T, I>(v: T, g: T): T {
    // From 11 on e^-|z| is 0, and the slope what it is at infinity; without a bound infinity times 0 would come up.
    const u = atMost<T>(atLeast<T>(v, -11), 11);
    const u2 = mul<T>(u, u);
    const dz = mulAdd<T>(u2, lanes<T>(6 * CUBIC * SQRT_2_OVER_PI), lanes<T>(2 * SQRT_2_OVER_PI));
    return mul<T>(g, gatedSlope<T, I>(this.z<T>(u, u2), mul<T>(u, dz)));
  }
}

/** v / (1 + e^-v) = v L(v). Source: Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units", 2018; also in the paper on Gelu. */
@unmanaged
export class Silu {
  @inline long(): bool {
    return true;
  }

  @inline value<T, I>(v: T): T {
    return gated<T, I>(v, v);
  }

  @inline slope<T, I>(v: T, g: T): T {
    return mul<T>(g, gatedSlope<T, I>(v, v));
  }
}
