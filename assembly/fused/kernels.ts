// The elementwise kernels of fused operations, and those of gated linear units: <source>_<verb>_<dtype>, as in the table of src/fused/kernels.ts.
// Made by `npm run modules` (scripts/entries.ts); pointers are byte addresses, n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Params } from "../stream/params";
import { tile } from "../stream/tile";
import { Gelu, GeluTanh, Relu, Silu } from "./activation";
import { Gelu64, GeluTanh64, Relu64, Silu64 } from "./activation64";
import { Activate, Activate64, AddBias, AddResidual, Gradient, Gradient64 } from "./bias";
import { bytes, singly } from "./bytes";
import { Elementwise, placeOf } from "./elementwise";
import { gate, Product, Slopes } from "./gated";
import { GeluPasses, GeluTanhPasses, inPasses } from "./passes";

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
  inPasses<GeluPasses, Gelu>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
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
  inPasses<GeluTanhPasses, GeluTanh>(dst, src, placeOf<f32>(row, other, column, columns), keep, n, params);
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

export function bytes_relu_f64(
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
  singly<Elementwise<f64, Activate64<Relu64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_gelu_f64(
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
  singly<Elementwise<f64, Activate64<Gelu64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_geluTanh_f64(
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
  singly<Elementwise<f64, Activate64<GeluTanh64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_silu_f64(
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
  singly<Elementwise<f64, Activate64<Silu64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
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

export function bytes_reluGradient_f64(
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
  singly<Elementwise<f64, Gradient64<Relu64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_geluGradient_f64(
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
  singly<Elementwise<f64, Gradient64<Gelu64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_geluTanhGradient_f64(
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
  singly<Elementwise<f64, Gradient64<GeluTanh64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_siluGradient_f64(
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
  singly<Elementwise<f64, Gradient64<Silu64>>>(dst, src, placeOf<f64>(row, other, column, columns), keep, n, params);
}

export function bytes_reluGate_f32(record: usize): void {
  gate<f32, Product<Relu>>(record);
}

export function bytes_reluGate_f64(record: usize): void {
  gate<f64, Product<Relu64>>(record);
}

export function bytes_geluGate_f32(record: usize): void {
  gate<f32, Product<Gelu>>(record);
}

export function bytes_geluGate_f64(record: usize): void {
  gate<f64, Product<Gelu64>>(record);
}

export function bytes_geluTanhGate_f32(record: usize): void {
  gate<f32, Product<GeluTanh>>(record);
}

export function bytes_geluTanhGate_f64(record: usize): void {
  gate<f64, Product<GeluTanh64>>(record);
}

export function bytes_siluGate_f32(record: usize): void {
  gate<f32, Product<Silu>>(record);
}

export function bytes_siluGate_f64(record: usize): void {
  gate<f64, Product<Silu64>>(record);
}

export function bytes_reluGateGradient_f32(record: usize): void {
  gate<f32, Slopes<Relu>>(record);
}

export function bytes_reluGateGradient_f64(record: usize): void {
  gate<f64, Slopes<Relu64>>(record);
}

export function bytes_geluGateGradient_f32(record: usize): void {
  gate<f32, Slopes<Gelu>>(record);
}

export function bytes_geluGateGradient_f64(record: usize): void {
  gate<f64, Slopes<Gelu64>>(record);
}

export function bytes_geluTanhGateGradient_f32(record: usize): void {
  gate<f32, Slopes<GeluTanh>>(record);
}

export function bytes_geluTanhGateGradient_f64(record: usize): void {
  gate<f64, Slopes<GeluTanh64>>(record);
}

export function bytes_siluGateGradient_f32(record: usize): void {
  gate<f32, Slopes<Silu>>(record);
}

export function bytes_siluGateGradient_f64(record: usize): void {
  gate<f64, Slopes<Silu64>>(record);
}
