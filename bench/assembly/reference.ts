// The references for the kernels, over the same memory: the copy that ratios refer to, and the least time of a pass over
// f32 data in wasm SIMD, a multiplication without a mask.

/** Copies `bytes` bytes with the engine's own copy. */
export function copy_bytes(dst: usize, src: usize, bytes: usize): void {
  memory.copy(dst, src, bytes);
}

// @ts-ignore: decorator
@inline
function multiply(dst: usize, src: usize, factor: v128): void {
  v128.store(dst, f32x4.mul(v128.load(src), factor));
}

/** dst[i] = src[i] * scale for n elements, a multiple of 16: as many an iteration as one step of the kernels decides. */
export function multiply_f32(dst: usize, src: usize, n: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (const end = src + n * 4; src < end; src += 64, dst += 64) {
    multiply(dst, src, factor);
    multiply(dst + 16, src + 16, factor);
    multiply(dst + 32, src + 32, factor);
    multiply(dst + 48, src + 48, factor);
  }
}
