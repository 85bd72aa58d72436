// Activations of f64, as those of ./activation.ts (T = f64), an element at a time: the same code in both builds.
//
// Values come from those at -|v|, and slopes likewise, so that nothing cancels but in the slope at its zero. Relative errors are some units in the last
// place; what is below e^-708 is 0.

import { exp } from "../math/elementary";
import { One } from "../math/lanes";

// @ts-ignore: decorator
@inline
function valueAt(v: f64, gap: f64): f64 {
  return (v < 0 ? 0 : v) - gap;
}

// @ts-ignore: decorator
@inline
function slopeAt(v: f64, before: f64, g: f64): f64 {
  return g * (v < 0 ? before : 1 - before);
}

/** As Relu. */
@unmanaged
export class Relu64 {
  @inline value<_T, _I, _C>(v: f64, table: usize): f64 {
    return v < 0 ? 0 : v;
  }

  @inline slope<_T, _I, _C>(v: f64, g: f64, table: usize): f64 {
    return v > 0 ? g : 0;
  }
}

// From here on the density of the normal distribution is 0, and so is the logistic function.
// @ts-ignore: decorator
@inline
const LAST_NORMAL: f64 = 38.6;
// @ts-ignore: decorator
@inline
const LAST: f64 = 750;
// @ts-ignore: decorator
@inline
const DENSITY_0: f64 = 0.39894228040143267794;
// @ts-ignore: decorator
@inline
const SQRT_8_OVER_PI: f64 = 1.5957691216057307117;
// @ts-ignore: decorator
@inline
const CUBIC: f64 = 0.044715;

/** |v|, at most `bound`; NaN stays. */
// @ts-ignore: decorator
@inline
function size(v: f64, bound: f64): f64 {
  const x = abs(v);
  return bound < x ? bound : x;
}

/** e^(x² / 2) P(N > x), N normally distributed, for x in [0, 38.7]. */
function tailRatio(x: f64): f64 {
  // Own fit, by Lawson's iteration with the denominator linearised, in 60 digits: minimax of the relative error (5.1e-17). As all coefficients are
  // positive, nothing cancels.
  let p: f64 = 1.3830948862622363e-6;
  p = p * x + 3.719556849555088e-5;
  p = p * x + 0.0004897716013513022;
  p = p * x + 0.0040848434299331415;
  p = p * x + 0.023601356707242428;
  p = p * x + 0.0976303124988222;
  p = p * x + 0.28917864463610354;
  p = p * x + 0.5938304256827002;
  p = p * x + 0.7747247593406406;
  p = p * x + 0.5;
  let q: f64 = 3.466904748413026e-6;
  q = q * x + 9.323546367974394e-5;
  q = q * x + 0.001231142249009557;
  q = q * x + 0.010332419491247002;
  q = q * x + 0.06038057000702678;
  q = q * x + 0.25477560305153035;
  q = q * x + 0.7816027594867493;
  q = q * x + 1.7136850335189038;
  q = q * x + 2.560562472432517;
  q = q * x + 2.3473340794841366;
  return p / (q * x + 1);
}

/** e^(-x² / 2) for x in [0, 38.6], most of x² exact. */
function bell(x: f64): f64 {
  const most = reinterpret<f64>(reinterpret<u64>(x) & 0xfffffffff8000000);
  return exp<f64, One>(most * most * -0.5) * exp<f64, One>((most - x) * (most + x) * 0.5);
}

/** As Gelu. */
@unmanaged
export class Gelu64 {
  @inline value<_T, _I, _C>(v: f64, table: usize): f64 {
    const x = size(v, LAST_NORMAL);
    return valueAt(v, x * tailRatio(x) * bell(x));
  }

  @inline slope<_T, _I, _C>(v: f64, g: f64, table: usize): f64 {
    const x = size(v, LAST_NORMAL);
    return slopeAt(v, (tailRatio(x) - x * DENSITY_0) * bell(x), g);
  }
}

/** x / (1 + e^z) for z >= 0. */
function gated(x: f64, z: f64): f64 {
  const q = exp<f64, One>(-z);
  return (x * q) / (1 + q);
}

/** L(-z) - d L'(-z) for z >= 0, L(z) = 1 / (1 + e^-z). */
function gatedSlope(z: f64, d: f64): f64 {
  const q = exp<f64, One>(-z);
  const r = 1 / (1 + q);
  return q * r * (1 - d * r);
}

/** As GeluTanh. */
@unmanaged
export class GeluTanh64 {
  @inline z(x: f64): f64 {
    return SQRT_8_OVER_PI * (x + CUBIC * x * x * x);
  }

  @inline value<_T, _I, _C>(v: f64, table: usize): f64 {
    const x = size(v, LAST);
    return valueAt(v, gated(x, this.z(x)));
  }

  @inline slope<_T, _I, _C>(v: f64, g: f64, table: usize): f64 {
    const x = size(v, LAST);
    return slopeAt(v, gatedSlope(this.z(x), x * SQRT_8_OVER_PI * (1 + 3 * CUBIC * x * x)), g);
  }
}

/** As Silu. */
@unmanaged
export class Silu64 {
  @inline value<_T, _I, _C>(v: f64, table: usize): f64 {
    const x = size(v, LAST);
    return valueAt(v, gated(x, x));
  }

  @inline slope<_T, _I, _C>(v: f64, g: f64, table: usize): f64 {
    const x = size(v, LAST);
    return slopeAt(v, gatedSlope(x, x), g);
  }
}
