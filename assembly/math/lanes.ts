// Arithmetic on one f64 or on two at once, in classes with the same inline methods, reached by changetype<L>(0): code over them
// is written once for both builds.
// Invariant: each lane gives the bits that One gives. Inputs of type S, f32 or f64, are widened exactly.

// 2^52: an integer n in [0, 2^52) and the f64 2^52 + n share their low bits.
// @ts-ignore: decorator
@inline
const SHIFTER: f64 = 4503599627370496.0;
// @ts-ignore: decorator
@inline
const SHIFTER_BITS: i64 = 0x4330000000000000;
// @ts-ignore: decorator
@inline
const MANTISSA: i64 = 0x000fffffffffffff;
// @ts-ignore: decorator
@inline
const BIAS: f64 = 1023.0;
// sqrt(1/2), its low word zero, and the distance of its bits from those of 1 (FreeBSD, e_log.c).
// @ts-ignore: decorator
@inline
const HALF_ROOT: i64 = 0x3fe6a09e00000000;
// @ts-ignore: decorator
@inline
const TO_ONE: i64 = 0x3ff0000000000000 - HALF_ROOT;

@unmanaged
export class One {
  @inline load<S>(src: usize): f64 {
    return <f64>load<S>(src);
  }
  @inline splat(a: f64): f64 {
    return a;
  }
  @inline add(a: f64, b: f64): f64 {
    return a + b;
  }
  @inline sub(a: f64, b: f64): f64 {
    return a - b;
  }
  @inline mul(a: f64, b: f64): f64 {
    return a * b;
  }
  @inline div(a: f64, b: f64): f64 {
    return a / b;
  }
  @inline nearest(a: f64): f64 {
    return nearest(a);
  }
  /** The larger; `a` where either is NaN. */
  @inline max(a: f64, b: f64): f64 {
    return a < b ? b : a;
  }
  /** `a`, but 0 where x < limit. */
  @inline zeroBelow(a: f64, x: f64, limit: f64): f64 {
    return x < limit ? 0 : a;
  }
  /** `a`, but NaN where x < 0. */
  @inline nanBelowZero(a: f64, x: f64): f64 {
    return x < 0 ? NaN : a;
  }
  /** k of x = 2^k m, m in [sqrt(1/2), sqrt(2)), for a positive normal x. */
  @inline exponent(x: f64): f64 {
    return <f64>((reinterpret<u64>(x) + TO_ONE) >> 52) - BIAS;
  }
  /** m of the same. */
  @inline mantissa(x: f64): f64 {
    return reinterpret<f64>(((reinterpret<i64>(x) + TO_ONE) & MANTISSA) + HALF_ROOT);
  }
  /** 2^k for an integer k in (-1023, 1023]. */
  @inline power(k: f64): f64 {
    return reinterpret<f64>(reinterpret<i64>(k + (SHIFTER + BIAS)) << 52);
  }
}

@unmanaged
export class Two {
  @inline load<S>(src: usize): v128 {
    return sizeof<S>() == 4 ? f64x2.promote_low_f32x4(v128.load64_zero(src)) : v128.load(src);
  }
  @inline splat(a: f64): v128 {
    return f64x2.splat(a);
  }
  @inline add(a: v128, b: v128): v128 {
    return f64x2.add(a, b);
  }
  @inline sub(a: v128, b: v128): v128 {
    return f64x2.sub(a, b);
  }
  @inline mul(a: v128, b: v128): v128 {
    return f64x2.mul(a, b);
  }
  @inline div(a: v128, b: v128): v128 {
    return f64x2.div(a, b);
  }
  @inline nearest(a: v128): v128 {
    return f64x2.nearest(a);
  }
  @inline max(a: v128, b: v128): v128 {
    return f64x2.pmax(a, b);
  }
  @inline zeroBelow(a: v128, x: v128, limit: f64): v128 {
    return v128.andnot(a, f64x2.lt(x, f64x2.splat(limit)));
  }
  @inline nanBelowZero(a: v128, x: v128): v128 {
    return v128.or(a, f64x2.lt(x, f64x2.splat(0)));
  }
  @inline exponent(x: v128): v128 {
    const biased = i64x2.shr_u(i64x2.add(x, i64x2.splat(TO_ONE)), 52);
    return f64x2.sub(v128.or(biased, i64x2.splat(SHIFTER_BITS)), f64x2.splat(SHIFTER + BIAS));
  }
  @inline mantissa(x: v128): v128 {
    return i64x2.add(v128.and(i64x2.add(x, i64x2.splat(TO_ONE)), i64x2.splat(MANTISSA)), i64x2.splat(HALF_ROOT));
  }
  @inline power(k: v128): v128 {
    return i64x2.shl(f64x2.add(k, f64x2.splat(SHIFTER + BIAS)), 52);
  }
}
