// Widening of lane masks: each function doubles every lane of one half of a vector, so that a mask of k-byte lanes becomes one of
// 2k-byte lanes. Written as interleavings of a vector with itself, for which V8 and NEON have one instruction without a constant.

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

/** A byte of ones for every set bit of the low 16: bit j becomes byte j. */
// @ts-ignore: decorator
@inline
export function bytesOfBits(bits: u32): v128 {
  // Byte 0 eight times, then byte 1 eight times.
  const pairs = widenLow8(i16x8.splat(<i16>bits));
  const spread = v128.shuffle<u32>(widenLow16(pairs), pairs, 0, 0, 1, 1);
  const select = i64x2.splat(<i64>0x8040201008040201);
  return i8x16.eq(v128.and(spread, select), select);
}
