// The kernels of fused operations: <source>_<verb>_<dtype>. The table of src/fused/kernels.ts lists them all; pointers are byte addresses.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { sumRows } from "./sum";

export * from "./kernels";

export function rows_sum_f32(sums: usize, src: usize, n: usize, column: usize, columns: usize): void {
  sumRows<f32>(sums, src, n, column, columns);
}
export function rows_sum_f64(sums: usize, src: usize, n: usize, column: usize, columns: usize): void {
  sumRows<f64>(sums, src, n, column, columns);
}

// Layer norm and softmax, on whole rows.

export { norm as bytes_norm_f32, normGradient as bytes_normGradient_f32 } from "./norm";
export { softmax as bytes_softmax_f32, softmaxGradient as bytes_softmaxGradient_f32 } from "./softmax";
