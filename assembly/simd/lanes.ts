// Widening of lane masks: each function doubles every lane of one half of a vector, so that a mask of k-byte lanes becomes one of
// 2k-byte lanes. Low halves are extended by their sign, which is one instruction on every engine; of high halves V8 makes two, so
// they are interleaved with themselves, for which it and NEON have one without a constant. Both lanes of a pair are named as those of the first
// operand: JavaScriptCore takes two swizzles and their union where a shuffle names both operands, even if they are the same.
// Invariant: a mask stays a mask, every lane all ones or all zeros.

// @ts-ignore: decorator
@inline
export function widenLow8(v: v128): v128 {
  return i16x8.extend_low_i8x16_s(v);
}

// @ts-ignore: decorator
@inline
export function widenHigh8(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
}

// @ts-ignore: decorator
@inline
export function widenLow16(v: v128): v128 {
  return i32x4.extend_low_i16x8_s(v);
}

// @ts-ignore: decorator
@inline
export function widenHigh16(v: v128): v128 {
  return v128.shuffle<u16>(v, v, 4, 4, 5, 5, 6, 6, 7, 7);
}

// @ts-ignore: decorator
@inline
export function widenLow32(v: v128): v128 {
  return i64x2.extend_low_i32x4_s(v);
}

// @ts-ignore: decorator
@inline
export function widenHigh32(v: v128): v128 {
  return v128.shuffle<u32>(v, v, 2, 2, 3, 3);
}
