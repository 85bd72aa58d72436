// Widening of lane masks: each function doubles every lane of one half of a vector, so that a mask of k-byte lanes becomes one of
// 2k-byte lanes. Low halves are extended by their sign, which is one instruction on every engine; of high halves V8 makes two, so
// they are interleaved with themselves, for which it and NEON have one without a constant.
// Invariant: a mask stays a mask, every lane all ones or all zeros.

// @ts-ignore: decorator
@inline
export function widenLow8(v: v128): v128 {
  return i16x8.extend_low_i8x16_s(v);
}

// @ts-ignore: decorator
@inline
export function widenHigh8(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
export function widenLow16(v: v128): v128 {
  return i32x4.extend_low_i16x8_s(v);
}

// @ts-ignore: decorator
@inline
export function widenHigh16(v: v128): v128 {
  return v128.shuffle<u16>(v, v, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
export function widenLow32(v: v128): v128 {
  return i64x2.extend_low_i32x4_s(v);
}

// @ts-ignore: decorator
@inline
export function widenHigh32(v: v128): v128 {
  return v128.shuffle<u32>(v, v, 2, 6, 3, 7);
}
