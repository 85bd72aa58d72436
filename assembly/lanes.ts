// Widening of lane masks: each function doubles every lane of one half of a vector, so that a mask of k-byte lanes becomes one of
// 2k-byte lanes. Written as interleavings of a vector with itself, for which V8 and NEON have one instruction without a constant.
// Invariant: a mask stays a mask, every lane all ones or all zeros.

// @ts-ignore: decorator
@inline
export function widenLow8(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
export function widenHigh8(v: v128): v128 {
  return v128.shuffle<u8>(v, v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
export function widenLow16(v: v128): v128 {
  return v128.shuffle<u16>(v, v, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
export function widenHigh16(v: v128): v128 {
  return v128.shuffle<u16>(v, v, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
export function widenLow32(v: v128): v128 {
  return v128.shuffle<u32>(v, v, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
export function widenHigh32(v: v128): v128 {
  return v128.shuffle<u32>(v, v, 2, 6, 3, 7);
}
