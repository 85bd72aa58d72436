// The kernels of attention: <source>_<verb>_<dtype>. The table of src/attention/kernels.ts lists them all; pointers are byte addresses.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { attend, finish } from "./forward";
import { dots, gradient, products } from "./gradient";
import { pack } from "./panels";

export function bits_attend_f32(record: usize): void {
  attend(record);
}
export function bits_products_f32(record: usize): void {
  products(record);
}
export function bits_gradient_f32(record: usize): void {
  gradient(record);
}
export function rows_finish_f32(record: usize): void {
  finish(record);
}
export function rows_pack_f32(dst: usize, src: usize, rows: usize, columns: usize): void {
  pack(dst, src, rows, columns);
}
export function rows_dots_f32(dst: usize, a: usize, b: usize, rows: usize, columns: usize): void {
  dots(dst, a, b, rows, columns);
}
