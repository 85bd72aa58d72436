// The kernels of linear layers: <source>_<verb>_<dtype>. The table of src/linear/kernels.ts lists them all; pointers are byte addresses.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { scale, square } from "./elementwise";
import { forward } from "./forward";
import { biasGradient, inputGradient, weightGradient } from "./gradients";
import { Identity, Relu, sample } from "./sample";

// The layer.

export function bytes_forward_f32(
  y: usize,
  stride: usize,
  x: usize,
  w: usize,
  bias: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  scale: f64,
): void {
  forward<f32>(y, stride, x, w, bias, keep, examples, outputs, inputs, scale);
}
export function bytes_forward_f64(
  y: usize,
  stride: usize,
  x: usize,
  w: usize,
  bias: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  scale: f64,
): void {
  forward<f64>(y, stride, x, w, bias, keep, examples, outputs, inputs, scale);
}
export function bytes_inputgradient_f32(
  dx: usize,
  g: usize,
  stride: usize,
  w: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  fresh: bool,
): void {
  inputGradient<f32>(dx, g, stride, w, keep, examples, outputs, inputs, fresh);
}
export function bytes_inputgradient_f64(
  dx: usize,
  g: usize,
  stride: usize,
  w: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  fresh: bool,
): void {
  inputGradient<f64>(dx, g, stride, w, keep, examples, outputs, inputs, fresh);
}
export function bytes_weightgradient_f32(
  dw: usize,
  g: usize,
  stride: usize,
  x: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  fresh: bool,
): void {
  weightGradient<f32>(dw, g, stride, x, keep, examples, outputs, inputs, fresh);
}
export function bytes_weightgradient_f64(
  dw: usize,
  g: usize,
  stride: usize,
  x: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
  fresh: bool,
): void {
  weightGradient<f64>(dw, g, stride, x, keep, examples, outputs, inputs, fresh);
}
export function matrix_biasgradient_f32(db: usize, dy: usize, examples: usize, outputs: usize, fresh: bool): void {
  biasGradient<f32>(db, dy, examples, outputs, fresh);
}
export function matrix_biasgradient_f64(db: usize, dy: usize, examples: usize, outputs: usize, fresh: bool): void {
  biasGradient<f64>(db, dy, examples, outputs, fresh);
}
export function matrix_scale_f32(dst: usize, src: usize, n: usize, factor: f64): void {
  scale<f32>(dst, src, n, factor);
}
export function matrix_scale_f64(dst: usize, src: usize, n: usize, factor: f64): void {
  scale<f64>(dst, src, n, factor);
}

// Moments, and draws from them.

export function matrix_square_f32(dst: usize, src: usize, n: usize): void {
  square<f32>(dst, src, n);
}
export function matrix_square_f64(dst: usize, src: usize, n: usize): void {
  square<f64>(dst, src, n);
}
export function none_sample_f32(sum: usize, mean: usize, variance: usize, normals: usize, n: usize): void {
  sample<f32, Identity>(sum, mean, variance, normals, n);
}
export function none_sample_f64(sum: usize, mean: usize, variance: usize, normals: usize, n: usize): void {
  sample<f64, Identity>(sum, mean, variance, normals, n);
}
export function relu_sample_f32(sum: usize, mean: usize, variance: usize, normals: usize, n: usize): void {
  sample<f32, Relu>(sum, mean, variance, normals, n);
}
export function relu_sample_f64(sum: usize, mean: usize, variance: usize, normals: usize, n: usize): void {
  sample<f64, Relu>(sum, mean, variance, normals, n);
}
