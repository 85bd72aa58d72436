// The kernels of masks with a shape: <source>_<verb>_<dtype>. The table of src/shapes/kernels.ts lists them all; pointers are byte addresses,
// n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Params } from "../stream/params";
import { philoxIntegers } from "../stream/philox";
import { tileIntegers } from "../stream/tile";
import { Affine, Dropped } from "./becomes";
import { dilate, scatter } from "./blocks";
import { noiseDropped } from "./noise";
import { RatesWalk, Result, rated, storedIntegers } from "./rates";
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

export function bits_dilate_bits(mask: usize, n: f64, stride: f64, size: f64, before: f64, after: f64, clip: bool): void {
  dilate(mask, <u64>n, <u64>stride, <u64>size, <u64>before, <u64>after, clip);
}
export function bits_scatter_bits(mask: usize, seeds: usize, n: usize, first: f64, channels: f64, area: f64): void {
  scatter(mask, seeds, n, <u64>first, <u64>channels, <u64>area);
}
export function bits_noise_f32(dst: usize, mask: usize, n: usize, first: f64, channels: f64, area: f64, form: u32, params: Params): void {
  noiseDropped(false, dst, mask, n, <u64>first, <u64>channels, <u64>area, form, params);
}
export function bits_noise_f64(dst: usize, mask: usize, n: usize, first: f64, channels: f64, area: f64, form: u32, params: Params): void {
  noiseDropped(true, dst, mask, n, <u64>first, <u64>channels, <u64>area, form, params);
}

export function tile_integers_f64(dst: usize, n: usize, params: Params): void {
  tileIntegers(dst, n, params);
}
export function philox_integers_f64(dst: usize, n: usize, params: Params): void {
  philoxIntegers(dst, n, params);
}
export function bits_certain_f64(dst: usize, mask: usize, first: f64, n: usize, kept: f64): void {
  storedIntegers(dst, mask, <u64>first, n, kept);
}
export function integers_rated_f32(dst: usize, src: usize, n: usize, integers: usize, rates: usize, walk: RatesWalk): void {
  rated(Result.single, dst, src, n, integers, rates, walk);
}
export function integers_rated_f64(dst: usize, src: usize, n: usize, integers: usize, rates: usize, walk: RatesWalk): void {
  rated(Result.double, dst, src, n, integers, rates, walk);
}
export function integers_rated_bits(dst: usize, src: usize, n: usize, integers: usize, rates: usize, walk: RatesWalk): void {
  rated(Result.bits, dst, src, n, integers, rates, walk);
}
