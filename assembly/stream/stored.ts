// Dropout from a stored mask: the keep decisions are read instead of drawn, then go to the same epilogues.
// Invariant: only the bytes of the mask that belong to elements 0..n-1 are read; the result equals that of the stream that made the mask.

import { STEP } from "../../src/ground/abi";
import { Input, Select } from "../epilogue/select";
import { Params, pinned, workspace } from "./params";

/** Decisions from a bit mask, least significant bit first, 1 = keep. Each lane of T compares its own bit, which needs no widening. */
@unmanaged
export class FromBits {
  /** The bits that the lanes of a step's vector number k look at; a step has as many vectors as T has bytes. */
  @inline bits<T>(params: Params, k: i32): v128 {
    if (k >= <i32>sizeof<T>()) return i8x16.splat(0);
    const first = sizeof<T>() == 2 ? i16x8(1, 2, 4, 8, 16, 32, 64, 128) : sizeof<T>() == 4 ? i32x4(1, 2, 4, 8) : i64x2(1, 2);
    const by = k * <i32>(16 / sizeof<T>());
    const own = sizeof<T>() == 2 ? i16x8.shl(first, by) : sizeof<T>() == 4 ? i32x4.shl(first, by) : i64x2.shl(first, by);
    return pinned(own, workspace(params) + 32 + (k << 4));
  }

  @inline lanes<T>(step: v128, bits: v128): v128 {
    const own = v128.and(step, bits);
    return sizeof<T>() == 2 ? i16x8.eq(own, bits) : sizeof<T>() == 4 ? i32x4.eq(own, bits) : i64x2.eq(own, bits);
  }

  @inline step<T, V>(
    dst: usize,
    src: usize,
    mask: usize,
    i: usize,
    factor: v128,
    b0: v128,
    b1: v128,
    b2: v128,
    b3: v128,
    b4: v128,
    b5: v128,
    b6: v128,
    b7: v128,
  ): void {
    const epilogue = changetype<Select<T, V>>(0);
    const step = v128.load16_splat(mask + (i >> 3));
    const d = dst + i * sizeof<T>();
    const s = src + i * sizeof<T>();
    epilogue.vector(d, s, this.lanes<T>(step, b0), factor);
    epilogue.vector(d + 16, s + 16, this.lanes<T>(step, b1), factor);
    if (sizeof<T>() == 2) return;
    epilogue.vector(d + 32, s + 32, this.lanes<T>(step, b2), factor);
    epilogue.vector(d + 48, s + 48, this.lanes<T>(step, b3), factor);
    if (sizeof<T>() == 4) return;
    epilogue.vector(d + 64, s + 64, this.lanes<T>(step, b4), factor);
    epilogue.vector(d + 80, s + 80, this.lanes<T>(step, b5), factor);
    epilogue.vector(d + 96, s + 96, this.lanes<T>(step, b6), factor);
    epilogue.vector(d + 112, s + 112, this.lanes<T>(step, b7), factor);
  }

  @inline one(mask: usize, i: usize): bool {
    return <bool>((load<u8>(mask + (i >> 3)) >> (<u8>i & 7)) & 1);
  }
}

/** Decisions from a byte mask, 0 = drop, anything else = keep. */
@unmanaged
export class FromBytes {
  @inline bits<_T>(params: Params, k: i32): v128 {
    return i8x16.splat(0);
  }

  @inline step<T, V>(
    dst: usize,
    src: usize,
    mask: usize,
    i: usize,
    factor: v128,
    zero: v128,
    b1: v128,
    b2: v128,
    b3: v128,
    b4: v128,
    b5: v128,
    b6: v128,
    b7: v128,
  ): void {
    changetype<Select<T, V>>(0).step(dst, src, 0, i, i8x16.ne(v128.load(mask + i), zero), factor);
  }

  @inline one(mask: usize, i: usize): bool {
    return load<u8>(mask + i) != 0;
  }
}

/** Dropout of n elements of type T, V the value of a kept one, by the decisions of `mask`, read by M. */
export function applyStored<M, T, V>(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  // If everything is dropped the scale is infinite, and the promise is +0 whatever the mask says.
  if (params.scale == Infinity) return changetype<Select<T, V>>(0).dropAll(dst, src, 0, n, params.scale);
  // At probability 0 the promise is a copy of the bits, which even a multiplication by 1 does not keep: it quietens a NaN.
  if (params.threshold == 0) stored<M, T, Input<T>>(dst, src, mask, n, params);
  else stored<M, T, V>(dst, src, mask, n, params);
}

/** Feeds the n decisions of `mask`, read by M, to the epilogue of elements of type T and value V. */
function stored<M, T, V>(dst: usize, src: usize, mask: usize, n: usize, params: Params): void {
  const source = changetype<M>(0);
  const epilogue = changetype<Select<T, V>>(0);
  const scale = params.scale;
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factor = pinned(epilogue.factor(scale), workspace(params) + 16);
    const b0 = source.bits<T>(params, 0);
    const b1 = source.bits<T>(params, 1);
    const b2 = source.bits<T>(params, 2);
    const b3 = source.bits<T>(params, 3);
    const b4 = source.bits<T>(params, 4);
    const b5 = source.bits<T>(params, 5);
    const b6 = source.bits<T>(params, 6);
    const b7 = source.bits<T>(params, 7);
    for (const whole = n & ~(STEP - 1); i < whole; i += STEP) {
      source.step<T, V>(dst, src, mask, i, factor, b0, b1, b2, b3, b4, b5, b6, b7);
    }
  }
  for (; i < n; ++i) epilogue.one(dst, src, 0, i, source.one(mask, i), scale);
}
