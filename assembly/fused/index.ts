// The kernels of fused operations: <source>_<verb>_<dtype>. The table of src/fused/kernels.ts lists them all; pointers are byte addresses.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { residual } from "./bias";

// Bias, activation, residual.

export function bytes_residual_f32(dst: usize, x: usize, other: usize, bias: usize, keep: usize, rows: usize, columns: usize, scale: f64): void {
  residual<f32>(dst, x, other, bias, keep, rows, columns, scale);
}
export function bytes_residual_f64(dst: usize, x: usize, other: usize, bias: usize, keep: usize, rows: usize, columns: usize, scale: f64): void {
  residual<f64>(dst, x, other, bias, keep, rows, columns, scale);
}
