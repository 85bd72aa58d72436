// The number of kept elements of a bit mask: the set bits among the first n, least significant first.
// Invariant: only the bytes that hold those n bits are read, and bits behind the n-th do not count.

import { readWord } from "../anywhere";

export function popcount(mask: usize, n: usize): u32 {
  const bytes = n >> 3;
  let count: u32 = 0;
  let at: usize = 0;
  if (ASC_FEATURE_SIMD) {
    let sums = i32x4.splat(0);
    for (const whole = bytes & ~15; at < whole; at += 16) {
      const ones = i8x16.popcnt(v128.load(mask + at));
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(ones)));
    }
    count = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  }
  for (const whole = bytes & ~7; at < whole; at += 8) count += <u32>popcnt<u64>(readWord(mask + at));
  for (; at < bytes; ++at) count += popcnt<u32>(load<u8>(mask + at));
  const rest = <u32>n & 7;
  if (rest) count += popcnt<u32>(load<u8>(mask + bytes) & (((<u32>1) << rest) - 1));
  return count;
}
