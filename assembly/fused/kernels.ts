// The elementwise kernels of fused operations: <source>_<verb>_<dtype>, as in the table of src/fused/kernels.ts.
// Made by `npm run modules` (scripts/entries.ts); pointers are byte addresses, n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Params } from "../stream/params";
import { tile } from "../stream/tile";
import { Gelu, GeluTanh, Relu, Silu } from "./activation";
import { Activate, AddBias, AddResidual, Gradient } from "./bias";
import { bytes } from "./bytes";
import { Elementwise, placeOf } from "./elementwise";

export function tile_residual_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
): void {
  tile<Elementwise<f32, AddResidual<f32>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}

export function tile_residual_f64(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
): void {
  tile<Elementwise<f64, AddResidual<f64>>>(dst, src, placeOf<f64>(row, other, column, columns), n, params);
}

export function bytes_residual_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, AddResidual<f32>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_residual_f64(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f64, AddResidual<f64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function tile_none_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
): void {
  tile<Elementwise<f32, AddBias<f32>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}

export function tile_none_f64(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
): void {
  tile<Elementwise<f64, AddBias<f64>>>(dst, src, placeOf<f64>(row, other, column, columns), n, params);
}

export function bytes_none_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, AddBias<f32>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_none_f64(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f64, AddBias<f64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function tile_relu_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
): void {
  tile<Elementwise<f32, Activate<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}

export function bytes_relu_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Activate<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_gelu_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Activate<Gelu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_geluTanh_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Activate<GeluTanh>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_silu_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Activate<Silu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function tile_reluGradient_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
): void {
  tile<Elementwise<f32, Gradient<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), n, params);
}

export function bytes_reluGradient_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<Relu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_geluGradient_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<Gelu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_geluTanhGradient_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<GeluTanh>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}

export function bytes_siluGradient_f32(
  dst: usize,
  src: usize,
  other: usize,
  row: usize,
  column: usize,
  columns: usize,
  n: usize,
  params: Params,
  keep: usize,
): void {
  bytes<Elementwise<f32, Gradient<Silu>>>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
}
