// The kernels of noise: <source>_<verb>_<dtype>, the source being the distribution. The table of src/noise/kernels.ts lists them all; pointers
// are byte addresses, n counts elements.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { Params } from "../stream/params";
import { fill, noiseOn, Plus, Times } from "./noise";
import { Normal, Uniform } from "./values";

export function normal_times_f32(dst: usize, src: usize, n: usize, sigma: f64, params: Params): void {
  noiseOn<f32, Times<f32>>(dst, src, n, sigma, params);
}
export function normal_times_f64(dst: usize, src: usize, n: usize, sigma: f64, params: Params): void {
  noiseOn<f64, Times<f64>>(dst, src, n, sigma, params);
}
export function normal_plus_f32(dst: usize, src: usize, n: usize, sigma: f64, params: Params): void {
  noiseOn<f32, Plus<f32>>(dst, src, n, sigma, params);
}
export function normal_plus_f64(dst: usize, src: usize, n: usize, sigma: f64, params: Params): void {
  noiseOn<f64, Plus<f64>>(dst, src, n, sigma, params);
}

export function normal_fill_f32(dst: usize, n: usize, mean: f64, sigma: f64, params: Params): void {
  fill<Normal>(dst, n, mean, sigma, params);
}
export function uniform_fill_f32(dst: usize, n: usize, offset: f64, factor: f64, params: Params): void {
  fill<Uniform>(dst, n, offset, factor, params);
}
