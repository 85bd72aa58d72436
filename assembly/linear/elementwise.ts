// Passes over single elements.

/** dst[i] = src[i] * factor. */
export function scale<T>(dst: usize, src: usize, n: usize, factor: f64): void {
  let at: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factors = sizeof<T>() == 4 ? f32x4.splat(<f32>factor) : f64x2.splat(factor);
    for (; at + 16 <= n * sizeof<T>(); at += 16) v128.store(dst + at, v128.mul<T>(v128.load(src + at), factors));
  }
  for (; at < n * sizeof<T>(); at += sizeof<T>()) store<T>(dst + at, load<T>(src + at) * <T>factor);
}

/** dst[i] = src[i] * src[i]. */
export function square<T>(dst: usize, src: usize, n: usize): void {
  let at: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; at + 16 <= n * sizeof<T>(); at += 16) {
      const v = v128.load(src + at);
      v128.store(dst + at, v128.mul<T>(v, v));
    }
  }
  for (; at < n * sizeof<T>(); at += sizeof<T>()) {
    const v = load<T>(src + at);
    store<T>(dst + at, v * v);
  }
}
