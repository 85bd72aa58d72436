// The kernels of variants of dropout: <source>_<verb>_<dtype>. The table of src/variants/kernels.ts lists them all; pointers are byte addresses, n counts
// elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Params } from "../stream/params";
import { choose, mix, scaleKept } from "./choose";
import { soften, softenGradient } from "./concrete";
import { fillWords, markLargest } from "./order";
import { gather, indicesOf, scatter } from "./rows";

export function words_fill_u32(dst: usize, n: usize, params: Params): void {
  fillWords(dst, n, params);
}
export function largest_mark_bytes(dst: usize, words: usize, rows: usize, columns: usize, kept: usize, work: usize): void {
  markLargest(dst, words, rows, columns, kept, work);
}

export function bytes_scale_f32(dst: usize, src: usize, keep: usize, n: usize, scale: f64): void {
  scaleKept<f32>(dst, src, keep, n, scale);
}
export function bytes_scale_f64(dst: usize, src: usize, keep: usize, n: usize, scale: f64): void {
  scaleKept<f64>(dst, src, keep, n, scale);
}
export function bytes_choose_f32(dst: usize, kept: usize, dropped: usize, keep: usize, n: usize): void {
  choose<f32>(dst, kept, dropped, keep, n);
}
export function bytes_choose_f64(dst: usize, kept: usize, dropped: usize, keep: usize, n: usize): void {
  choose<f64>(dst, kept, dropped, keep, n);
}
export function shares_mix_f32(dst: usize, a: usize, b: usize, n: usize, share: f64): void {
  mix<f32>(dst, a, b, n, share);
}
export function shares_mix_f64(dst: usize, a: usize, b: usize, n: usize, share: f64): void {
  mix<f64>(dst, a, b, n, share);
}

export function bytes_index_u32(dst: usize, keep: usize, rows: usize, columns: usize, first: usize): void {
  indicesOf(dst, keep, rows, columns, first);
}
export function rows_gather_bytes(dst: usize, src: usize, indices: usize, rows: usize, bytes: usize): void {
  gather(dst, src, indices, rows, bytes);
}
export function rows_scatter_bytes(dst: usize, src: usize, indices: usize, rows: usize, bytes: usize): void {
  scatter(dst, src, indices, rows, bytes);
}

export function words_soften_f32(dst: usize, src: usize, n: usize, p: f64, temperature: f64, params: Params): void {
  soften(dst, src, n, p, temperature, params);
}
export function words_softengradient_f32(
  dx: usize,
  dy: usize,
  x: usize,
  n: usize,
  p: f64,
  temperature: f64,
  sums: usize,
  params: Params,
): void {
  softenGradient(dx, dy, x, n, p, temperature, sums, params);
}
