// Dropout from a stored mask: the keep decisions are read instead of drawn, then go to the same sinks.
// Invariant: only the bytes of the mask that belong to elements 0..n-1 are read; the result equals that of the stream that made the mask.

import { widenLow16, widenLow8 } from "./lanes";
import { Params, pinned, workspace } from "./params";
import { Input, Select } from "./sinks";
import { STEP } from "./step";

/** Decisions from a bit mask, least significant bit first, 1 = keep. */
@unmanaged
export class FromBits {
  @inline constant(params: Params): v128 {
    return pinned(i64x2.splat(<i64>0x8040201008040201), workspace(params));
  }

  // Bit j becomes byte j: byte 0 eight times, then byte 1 eight times, each compared with its own bit.
  @inline step(mask: usize, i: usize, bitOfByte: v128): v128 {
    const pairs = widenLow8(v128.load16_splat(mask + (i >> 3)));
    const bytes = v128.shuffle<u32>(widenLow16(pairs), pairs, 0, 0, 1, 1);
    return i8x16.eq(v128.and(bytes, bitOfByte), bitOfByte);
  }

  @inline one(mask: usize, i: usize): bool {
    return <bool>((load<u8>(mask + (i >> 3)) >> (<u8>i & 7)) & 1);
  }
}

/** Decisions from a byte mask, 0 = drop, anything else = keep. */
@unmanaged
export class FromBytes {
  @inline constant(params: Params): v128 {
    return i8x16.splat(0);
  }

  @inline step(mask: usize, i: usize, zero: v128): v128 {
    return i8x16.ne(v128.load(mask + i), zero);
  }

  @inline one(mask: usize, i: usize): bool {
    return load<u8>(mask + i) != 0;
  }
}

/** Dropout of n elements of type T, V the value of a kept one, by the decisions of `mask`, read by M. */
export function applyStored<M, T, V>(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  // Where everything is dropped the scale is infinite, and the promise is +0 whatever the mask says.
  if (params.scale == Infinity) return changetype<Select<T, V>>(0).dropAll(dst, src, 0, n, params.scale);
  // At probability 0 the promise is a copy of the bits, which even a multiplication by 1 does not keep: it quietens a NaN.
  if (params.threshold == 0) stored<M, Select<T, Input<T>>>(dst, src, mask, n, params);
  else stored<M, Select<T, V>>(dst, src, mask, n, params);
}

/** Feeds the n decisions of `mask`, read by M, to sink S. */
function stored<M, S>(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  const source = changetype<M>(0);
  const sink = changetype<S>(0);
  const scale = params.scale;
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factor = pinned(sink.factor(scale), workspace(params) + 16);
    const constant = source.constant(params);
    for (const whole = n & ~(STEP - 1); i < whole; i += STEP) sink.step(dst, src, 0, i, source.step(mask, i, constant), factor);
  }
  for (; i < n; ++i) sink.one(dst, src, 0, i, source.one(mask, i), scale);
}
