// The kernels of fused operations: <source>_<verb>_<dtype>. The table of src/fused/kernels.ts lists them all; pointers are byte addresses.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { norm, normGradient } from "./norm";
import { softmax, softmaxGradient } from "./softmax";
import { sumRows } from "./sum";

export * from "./kernels";

export function rows_sum_f32(sums: usize, src: usize, n: usize, column: usize, columns: usize): void {
  sumRows<f32>(sums, src, n, column, columns);
}
export function rows_sum_f64(sums: usize, src: usize, n: usize, column: usize, columns: usize): void {
  sumRows<f64>(sums, src, n, column, columns);
}

// Norms and softmax, on whole rows.

export function bytes_norm_f32(record: usize): void {
  norm<f32>(record);
}
export function bytes_norm_f64(record: usize): void {
  norm<f64>(record);
}
export function bytes_normGradient_f32(record: usize): void {
  normGradient<f32>(record);
}
export function bytes_normGradient_f64(record: usize): void {
  normGradient<f64>(record);
}
export function bytes_softmax_f32(record: usize): void {
  softmax<f32>(record);
}
export function bytes_softmax_f64(record: usize): void {
  softmax<f64>(record);
}
export function bytes_softmaxGradient_f32(record: usize): void {
  softmaxGradient<f32>(record);
}
export function bytes_softmaxGradient_f64(record: usize): void {
  softmaxGradient<f64>(record);
}
