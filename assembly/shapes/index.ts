// The kernels of masks with a shape: <source>_<verb>_<dtype>. The table of src/shapes/kernels.ts lists them all; pointers are byte addresses,
// n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Affine, Dropped } from "./becomes";
import { interleave, spread, spreadLines } from "./spread";
import { broadcast, Walk } from "./walk";

export function bits_broadcast_f32(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, scale: f64): void {
  broadcast<f32, Dropped<f32>>(dst, src, mask, n, walk, scale, 0, 0);
}
export function bits_broadcast_f64(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, scale: f64): void {
  broadcast<f64, Dropped<f64>>(dst, src, mask, n, walk, scale, 0, 0);
}
export function bits_affine_f32(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, a: f64, b: f64, dropped: f64): void {
  broadcast<f32, Affine<f32>>(dst, src, mask, n, walk, a, b, dropped);
}
export function bits_affine_f64(dst: usize, src: usize, mask: usize, n: usize, walk: Walk, a: f64, b: f64, dropped: f64): void {
  broadcast<f64, Affine<f64>>(dst, src, mask, n, walk, a, b, dropped);
}

export function bits_lines_bits(dst: usize, src: usize, n: f64, size: f64, before: f64, after: f64, border: i32): void {
  spreadLines(dst, src, <u64>n, <u64>size, <u64>before, <u64>after, border != 0);
}
export function bits_spread_bits(mask: usize, outer: f64, size: f64, inner: f64, before: f64, after: f64, border: i32): void {
  spread(mask, <u64>outer, <u64>size, <u64>inner, <u64>before, <u64>after, border != 0);
}
export function bits_interleave_bits(dst: usize, src: usize, samples: f64, channels: f64, size: f64): void {
  interleave(dst, src, <u64>samples, <u64>channels, <u64>size);
}
