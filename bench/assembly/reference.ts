// The references for the kernels, over the same memory: the copy that ratios refer to, and the least time of a pass over
// f32 data in wasm SIMD, a multiplication without a mask; and a product of matrices by the same tiles as attention's.

import { Apart, FourByEight, sums } from "../../assembly/attention/products";

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

/**
 * dst = a b for row-major a of [rows, depth] and dst of [rows, columns], columns a multiple of 8 and rows of 4: the products of attention one after another.
 * Eight columns of b begin `jump` bytes behind the eight before, and have `down` bytes from one row to the next; `corner` is room for 128 bytes.
 */
export function matmul_f32(
  dst: usize,
  a: usize,
  b: usize,
  rows: usize,
  depth: usize,
  columns: usize,
  down: usize,
  jump: usize,
  corner: usize,
): void {
  const stride = depth << 2;
  for (let row: usize = 0; row < rows; row += 4) {
    let from = b;
    for (let column: usize = 0; column < columns; column += 8) {
      sums<Apart, FourByEight>(corner, a, stride, from, down, depth, depth, 0);
      for (let k: usize = 0; k < 4; ++k) {
        const to = dst + ((k * columns + column) << 2);
        v128.store(to, v128.load(corner + k * 32));
        v128.store(to, v128.load(corner + k * 32, 16), 16);
      }
      from += jump;
    }
    a += 4 * stride;
    dst += columns << 4;
  }
}
