// Activations: a class each, over one f32 (T = f32, I = i32) or over four lanes (T = I = v128).
//
//   value(v)      act(v)
//   slope(v, g)   g act'(v): what a gradient becomes on its way back
//
// Invariant: built of operations that are the same in both forms (assembly/math), so that both give the same bits.

import { erf1, erf4 } from "../math/erf";
import { exp1, exp4 } from "../math/exp";
import { add, and, atLeast, atMost, bitsOf, lanes, less, mul, mulAdd, ofBits, sub } from "../math/ops";
import { sigmoid1, sigmoid4 } from "../math/sigmoid";
import { tanh1, tanh4 } from "../math/tanh";

// @ts-ignore: decorator
@inline
function exp<T>(x: T): T {
  if (isVector<T>()) return exp4(x);
  else return exp1(x);
}

// @ts-ignore: decorator
@inline
function erf<T>(x: T): T {
  if (isVector<T>()) return erf4(x);
  else return erf1(x);
}

// @ts-ignore: decorator
@inline
function sigmoid<T>(x: T): T {
  if (isVector<T>()) return sigmoid4(x);
  else return sigmoid1(x);
}

// @ts-ignore: decorator
@inline
function tanh<T>(x: T): T {
  if (isVector<T>()) return tanh4(x);
  else return tanh1(x);
}

/** v: no activation. */
@unmanaged
export class None {
  @inline long(): bool {
    return false;
  }

  @inline value<T, I>(v: T): T {
    return v;
  }

  @inline slope<T, I>(v: T, g: T): T {
    return g;
  }
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
    const density = mul<T>(exp<T>(mul<T>(mul<T>(v, v), lanes<T>(-0.5))), lanes<T>(DENSITY_0));
    return mul<T>(g, mulAdd<T>(v, density, this.below<T>(v)));
  }
}

// The third-order term of the approximation, from the same paper.
// @ts-ignore: decorator
@inline const CUBIC: f32 = 0.044715;

/** v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v³))) / 2, the approximation of Gelu of the same paper. */
@unmanaged
export class GeluTanh {
  @inline long(): bool {
    return true;
  }

  @inline angle<T>(v: T, v2: T): T {
    return mul<T>(v, mulAdd<T>(v2, lanes<T>(CUBIC * SQRT_2_OVER_PI), lanes<T>(SQRT_2_OVER_PI)));
  }

  @inline value<T, I>(v: T): T {
    return mul<T>(v, mulAdd<T>(tanh<T>(this.angle<T>(v, mul<T>(v, v))), lanes<T>(0.5), lanes<T>(0.5)));
  }

  @inline slope<T, I>(v: T, g: T): T {
    // From 10 on tanh is 1, and the slope what it is at infinity; without a bound infinity times 0 would come up.
    const u = atMost<T>(atLeast<T>(v, -10), 10);
    const u2 = mul<T>(u, u);
    const t = tanh<T>(this.angle<T>(u, u2));
    const inner = mulAdd<T>(u2, lanes<T>(3 * CUBIC * SQRT_2_OVER_PI), lanes<T>(SQRT_2_OVER_PI));
    const left = mul<T>(sub<T>(lanes<T>(1), mul<T>(t, t)), mul<T>(mul<T>(u, lanes<T>(0.5)), inner));
    return mul<T>(g, add<T>(mulAdd<T>(t, lanes<T>(0.5), lanes<T>(0.5)), left));
  }
}

/** v / (1 + e^-v). Source: Hendrycks, Gimpel, as above; Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units", 2018. */
@unmanaged
export class Silu {
  @inline long(): bool {
    return true;
  }

  @inline value<T, I>(v: T): T {
    return mul<T>(v, sigmoid<T>(v));
  }

  @inline slope<T, I>(v: T, g: T): T {
    const s = sigmoid<T>(v);
    return mul<T>(g, mul<T>(s, mulAdd<T>(v, sub<T>(lanes<T>(1), s), lanes<T>(1))));
  }
}
