// Values of 16-bit data for the epilogues of assembly/epilogue/, computed in f32, and conversion of whole arrays.
// Invariant: an element's input is read before its output is written, so dst = src is allowed where both have 16 bits.

import { scaleAll } from "../epilogue/select";

/** The input times the scale: inverted dropout of format H. */
@unmanaged
export class ScaledHalf<H> {
  @inline vector(src: usize, factor: v128): v128 {
    return changetype<H>(0).scaled8(v128.load(src), factor);
  }

  @inline one(dst: usize, src: usize, scale: f64): void {
    const format = changetype<H>(0);
    store<u16>(dst, <u16>format.narrow1(format.widen1(load<u16>(src)) * <f32>scale));
  }

  @inline all(dst: usize, src: usize, n: usize, scale: f64): void {
    scaleAll<u16, ScaledHalf<H>>(dst, src, n, scale);
  }
}

/** n elements of format H as f32. */
export function widen<H>(dst: usize, src: usize, n: usize): void {
  const format = changetype<H>(0);
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= n; i += 4) v128.store(dst + (i << 2), format.widen4(v128.load16x4_u(src + (i << 1))));
  }
  for (; i < n; ++i) store<f32>(dst + (i << 2), format.widen1(load<u16>(src + (i << 1))));
}

/** n elements of f32 in format H. */
export function narrow<H>(dst: usize, src: usize, n: usize): void {
  const format = changetype<H>(0);
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 8 <= n; i += 8) {
      const from = src + (i << 2);
      v128.store(dst + (i << 1), i16x8.narrow_i32x4_u(format.narrow4(v128.load(from)), format.narrow4(v128.load(from, 16))));
    }
  }
  for (; i < n; ++i) store<u16>(dst + (i << 1), <u16>format.narrow1(load<f32>(src + (i << 2))));
}
