// Elementwise results by a byte mask: 0 = drop.
// Invariant: an element's inputs are read before its output is written and nothing outside elements 0..n-1 is touched, so dst may be an input; the SIMD and the
// scalar form give the same bits.

/** All bits of a lane set where the byte of its element is not 0: elements i..i+3 for f32, i..i+1 for f64. */
// @ts-ignore: decorator
@inline
function maskOf<T>(keep: usize): v128 {
  if (sizeof<T>() == 4) return i32x4.ne(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(keep))), i32x4.splat(0));
  else return i64x2.ne(i64x2(<i64>load<u8>(keep), <i64>load<u8>(keep, 1)), i64x2.splat(0));
}

// @ts-ignore: decorator
@inline
function splat<T>(x: f64): v128 {
  return sizeof<T>() == 4 ? f32x4.splat(<f32>x) : f64x2.splat(x);
}

/** dst = keep ? src * scale : +0. */
// @ts-ignore: decorator
@inline
export function scaleKept<T>(dst: usize, src: usize, keep: usize, n: usize, scale: f64): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const lanes: usize = 16 / sizeof<T>();
    const factor = splat<T>(scale);
    for (; i + lanes <= n; i += lanes) {
      const x = v128.load(src + i * sizeof<T>());
      const y = sizeof<T>() == 4 ? f32x4.mul(x, factor) : f64x2.mul(x, factor);
      v128.store(dst + i * sizeof<T>(), v128.and(y, maskOf<T>(keep + i)));
    }
  }
  for (; i < n; ++i) {
    const x = load<T>(src + i * sizeof<T>());
    store<T>(dst + i * sizeof<T>(), load<u8>(keep + i) ? <T>(x * <T>scale) : <T>0);
  }
}

/** dst = keep ? kept : dropped. */
// @ts-ignore: decorator
@inline
export function choose<T>(dst: usize, kept: usize, dropped: usize, keep: usize, n: usize): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const lanes: usize = 16 / sizeof<T>();
    for (; i + lanes <= n; i += lanes) {
      const at = i * sizeof<T>();
      v128.store(dst + at, v128.bitselect(v128.load(kept + at), v128.load(dropped + at), maskOf<T>(keep + i)));
    }
  }
  for (; i < n; ++i) {
    const at = i * sizeof<T>();
    // As bits: a NaN keeps its payload.
    if (sizeof<T>() == 4) store<u32>(dst + at, load<u8>(keep + i) ? load<u32>(kept + at) : load<u32>(dropped + at));
    else store<u64>(dst + at, load<u8>(keep + i) ? load<u64>(kept + at) : load<u64>(dropped + at));
  }
}

/** dst = a * (1 - share) + b * share; a term whose factor is 0 is left out, whatever it holds. */
// @ts-ignore: decorator
@inline
export function mix<T>(dst: usize, a: usize, b: usize, n: usize, share: f64): void {
  if (share == 0 || share == 1) {
    memory.copy(dst, share == 0 ? a : b, n * sizeof<T>());
    return;
  }
  const rest = 1 - share;
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const lanes: usize = 16 / sizeof<T>();
    const s = splat<T>(share);
    const r = splat<T>(rest);
    for (; i + lanes <= n; i += lanes) {
      const at = i * sizeof<T>();
      const x = v128.load(a + at);
      const y = v128.load(b + at);
      if (sizeof<T>() == 4) v128.store(dst + at, f32x4.add(f32x4.mul(x, r), f32x4.mul(y, s)));
      else v128.store(dst + at, f64x2.add(f64x2.mul(x, r), f64x2.mul(y, s)));
    }
  }
  for (; i < n; ++i) {
    const at = i * sizeof<T>();
    store<T>(dst + at, <T>(<T>(load<T>(a + at) * <T>rest) + <T>(load<T>(b + at) * <T>share)));
  }
}
