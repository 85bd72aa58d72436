// The two floating-point formats of 16 bits and f32: IEEE 754 binary16 (f16), and bfloat16 (bf16), which is the upper half of an f32.
// Narrowing rounds to nearest, ties to even, subnormals included. Sources: IEEE 754-2019, section 4.3.1 and table 3.5; the integer and
// magic-number forms for f16 follow F. Giesen's public-domain half/float conversions.
// Invariant: the vector and the scalar form give the same bits; widening is exact; every NaN narrows to the one quiet NaN without a
// sign, as the payload that arithmetic leaves is the engine's choice.

// In f32: bits of an exponent, of the sign, and the difference of the biases 127 and 15 as an exponent.
// @ts-ignore: decorator
@inline
const SIGN: u32 = 0x80000000;
// @ts-ignore: decorator
@inline
const REBIAS: u32 = (127 - 15) << 23;
// 2^-14, the least normal f16, as f32.
// @ts-ignore: decorator
@inline
const LEAST_NORMAL: u32 = (127 - 14) << 23;
// 2^16: what is at least this, 65520 and more having been rounded up to it, is infinite as f16.
// @ts-ignore: decorator
@inline
const BEYOND: u32 = (127 + 16) << 23;
// 2^112, the ratio of numbers that have the same exponent bits.
// @ts-ignore: decorator
@inline
const UP: u32 = (127 + 112) << 23;
// 0.5: its last bit counts 2^-24, the least subnormal f16, so that adding it rounds to a multiple of that.
// @ts-ignore: decorator
@inline
const HALF: u32 = 126 << 23;

/** IEEE 754 binary16. */
@unmanaged
export class F16 {
  /** f32 lanes of f16 bits in 32-bit lanes. Multiplying by 2^112 moves the bias from f16's to f32's, subnormals included. */
  @inline widen4(bits: v128): v128 {
    const magnitude = v128.and(bits, i32x4.splat(0x7fff));
    const value = f32x4.mul(i32x4.shl(magnitude, 13), f32x4.splat(reinterpret<f32>(UP)));
    // Infinities and NaNs have all exponent bits set in f32 too.
    const special = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000));
    return v128.or(v128.or(value, special), i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16));
  }

  @inline widen1(bits: u32): f32 {
    const magnitude = bits & 0x7fff;
    const shifted = magnitude << 13;
    let value = shifted + REBIAS;
    if (magnitude > 0x7bff) value += REBIAS;
    if (magnitude < 0x400) value = reinterpret<u32>(reinterpret<f32>(shifted | LEAST_NORMAL) - reinterpret<f32>(LEAST_NORMAL));
    return reinterpret<f32>(value | ((bits & 0x8000) << 16));
  }

  /**
   * Eight elements times `factor`, which is positive and finite, in f32. Sign, infinities and NaNs pass by the arithmetic in lanes of 16 bits, so
   * that it has magnitudes below 2^16 only.
   */
  @inline scaled8(bits: v128, factor: v128): v128 {
    const magnitude = v128.and(bits, i16x8.splat(0x7fff));
    const low = this.scaledMagnitude4(i32x4.extend_low_i16x8_u(magnitude), factor);
    const high = this.scaledMagnitude4(i32x4.extend_high_i16x8_u(magnitude), factor);
    const infinity = i16x8.splat(0x7c00);
    const nan = i16x8.gt_s(magnitude, infinity);
    const special = v128.or(infinity, v128.and(nan, i16x8.splat(0x0200)));
    const finite = i16x8.lt_s(magnitude, infinity);
    const result = v128.bitselect(i16x8.narrow_i32x4_u(low, high), special, finite);
    return v128.or(result, v128.andnot(v128.andnot(bits, i16x8.splat(0x7fff)), nan));
  }

  // The bias is moved as widen4() does. To round, 4 |y| is added to 2^15 times the power of two
  // below |y|, at least 2: the last bit of the sum is then f16's. By way of 2^112, what is 2^16 or more becomes infinite.
  @inline scaledMagnitude4(magnitude: v128, factor: v128): v128 {
    const up = f32x4.splat(reinterpret<f32>(UP));
    const y = f32x4.mul(f32x4.mul(i32x4.shl(magnitude, 13), up), factor);
    const power = v128.and(i32x4.add(y, i32x4.splat(15 << 23)), i32x4.splat(0x7f800000));
    const four = f32x4.mul(f32x4.mul(y, up), f32x4.splat(reinterpret<f32>((127 - 110) << 23)));
    const sum = f32x4.add(four, i32x4.max_s(power, i32x4.splat(0x40000000)));
    // The fraction brings its leading bit, which counts one up in the exponent.
    return i32x4.add(v128.and(i32x4.shr_u(sum, 13), i32x4.splat(0x7c00)), v128.and(sum, i32x4.splat(0x0fff)));
  }

  /** f16 bits in 32-bit lanes of f32 lanes. */
  @inline narrow4(x: v128): v128 {
    const magnitude = v128.andnot(x, i32x4.splat(SIGN));
    const half = i32x4.splat(HALF);
    const small = i32x4.sub(f32x4.add(magnitude, half), half);
    // Adding half of the last bit that stays, less one where that bit is even, rounds ties to even; a carry moves to the exponent.
    const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
    const normal = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - REBIAS)), odd), 13);
    let bits = v128.bitselect(small, normal, i32x4.lt_s(magnitude, i32x4.splat(LEAST_NORMAL)));
    bits = v128.bitselect(i32x4.splat(0x7c00), bits, i32x4.ge_s(magnitude, i32x4.splat(BEYOND)));
    bits = v128.or(bits, i32x4.shr_u(v128.and(x, i32x4.splat(SIGN)), 16));
    return v128.bitselect(bits, i32x4.splat(0x7e00), f32x4.eq(x, x));
  }

  @inline narrow1(x: f32): u32 {
    if (isNaN(x)) return 0x7e00;
    const magnitude = reinterpret<u32>(x) & ~SIGN;
    const sign = (reinterpret<u32>(x) & SIGN) >> 16;
    if (magnitude >= BEYOND) return 0x7c00 | sign;
    if (magnitude < LEAST_NORMAL) return (reinterpret<u32>(reinterpret<f32>(magnitude) + reinterpret<f32>(HALF)) - HALF) | sign;
    return ((magnitude + (0xfff - REBIAS) + ((magnitude >> 13) & 1)) >> 13) | sign;
  }
}

/** bfloat16. */
@unmanaged
export class BF16 {
  @inline widen4(bits: v128): v128 {
    return i32x4.shl(bits, 16);
  }

  @inline widen1(bits: u32): f32 {
    return reinterpret<f32>(bits << 16);
  }

  /** Eight elements times `factor`, which is positive and finite, in f32. */
  @inline scaled8(bits: v128, factor: v128): v128 {
    const low = this.round4(f32x4.mul(i32x4.shl(i32x4.extend_low_i16x8_u(bits), 16), factor));
    const high = this.round4(f32x4.mul(i32x4.shl(i32x4.extend_high_i16x8_u(bits), 16), factor));
    const nan = i16x8.gt_s(v128.and(bits, i16x8.splat(0x7fff)), i16x8.splat(0x7f80));
    return v128.bitselect(i16x8.splat(0x7fc0), i16x8.narrow_i32x4_u(low, high), nan);
  }

  /** As narrow4(), without a defined result for NaNs. */
  @inline round4(x: v128): v128 {
    const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
    return i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd), 16);
  }

  @inline narrow4(x: v128): v128 {
    return v128.bitselect(this.round4(x), i32x4.splat(0x7fc0), f32x4.eq(x, x));
  }

  @inline narrow1(x: f32): u32 {
    if (isNaN(x)) return 0x7fc0;
    const bits = reinterpret<u32>(x);
    return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  }
}
