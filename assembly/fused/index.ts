// The kernels of fused operations: <source>_<verb>_<dtype>. The table of src/fused/kernels.ts lists them all; pointers are byte addresses.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Params } from "../stream/params";
import { tile } from "../stream/tile";
import { Gelu, GeluTanh, Relu, Silu } from "./activation";
import { Activate, AddBias, AddResidual, Gradient } from "./bias";
import { bytes } from "./bytes";
import { Elementwise, placeOf } from "./elementwise";
import { sumRows } from "./sum";

// Bias, activation, residual. What takes long enough that drawing beside it gains nothing reads its decisions from bytes only.

type Residual32 = Elementwise<f32, AddResidual<f32>>;
type Residual64 = Elementwise<f64, AddResidual<f64>>;

export function tile_residual_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params,
): void {
  tile<Residual32>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}
export function tile_residual_f64(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params,
): void {
  tile<Residual64>(dst, src, placeOf<f64>(row, other, column, columns), n, params);
}
export function tile_none_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params,
): void {
  tile<Elementwise<f32, AddBias<f32>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}
export function tile_none_f64(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params,
): void {
  tile<Elementwise<f64, AddBias<f64>>>(dst, src, placeOf<f64>(row, other, column, columns), n, params);
}
export function tile_relu_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params,
): void {
  tile<Elementwise<f32, Activate<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}
export function tile_reluGradient_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params,
): void {
  tile<Elementwise<f32, Gradient<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}

export function bytes_residual_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Residual32>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_residual_f64(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Residual64>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}
export function bytes_none_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, AddBias<f32>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_none_f64(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f64, AddBias<f64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}
export function bytes_relu_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Activate<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_gelu_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Activate<Gelu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_geluTanh_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Activate<GeluTanh>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_silu_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Activate<Silu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_reluGradient_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_geluGradient_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<Gelu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_geluTanhGradient_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<GeluTanh>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
export function bytes_siluGradient_f32(
  dst: usize, src: usize, other: usize, row: usize, column: usize, columns: usize, n: usize, params: Params, keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<Silu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function rows_sum_f32(sums: usize, src: usize, n: usize, column: usize, columns: usize): void {
  sumRows<f32>(sums, src, n, column, columns);
}
export function rows_sum_f64(sums: usize, src: usize, n: usize, column: usize, columns: usize): void {
  sumRows<f64>(sums, src, n, column, columns);
}

// Layer norm and softmax, on whole rows.

export { norm as bytes_norm_f32, normGradient as bytes_normGradient_f32 } from "./norm";
export { softmax as bytes_softmax_f32, softmaxGradient as bytes_softmaxGradient_f32 } from "./softmax";
