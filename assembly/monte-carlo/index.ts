// The kernels of Monte-Carlo dropout: <source>_<verb>_<dtype>, which add a pass to the statistics of those before it. The table of
// src/monte-carlo/kernels.ts lists them all; pointers are byte addresses, n, rows and classes count elements, results are f64.
// Invariant: a kernel validates nothing, allocates nothing and keeps no state outside its arguments.

import { entropy, softmax, vote } from "./rows";
import { welford } from "./welford";

export function output_welford_f32(mean: usize, deviations: usize, src: usize, n: usize, count: f64): void {
  welford<f32>(mean, deviations, src, n, count);
}
export function output_welford_f64(mean: usize, deviations: usize, src: usize, n: usize, count: f64): void {
  welford<f64>(mean, deviations, src, n, count);
}

export function logits_softmax_f32(dst: usize, src: usize, rows: usize, classes: usize): void {
  softmax<f32>(dst, src, rows, classes);
}
export function logits_softmax_f64(dst: usize, src: usize, rows: usize, classes: usize): void {
  softmax<f64>(dst, src, rows, classes);
}

export function probabilities_entropy_f32(dst: usize, src: usize, rows: usize, classes: usize, count: f64): void {
  entropy<f32>(dst, src, rows, classes, count);
}
export function probabilities_entropy_f64(dst: usize, src: usize, rows: usize, classes: usize, count: f64): void {
  entropy<f64>(dst, src, rows, classes, count);
}

export function probabilities_vote_f32(dst: usize, src: usize, rows: usize, classes: usize): void {
  vote<f32>(dst, src, rows, classes);
}
export function probabilities_vote_f64(dst: usize, src: usize, rows: usize, classes: usize): void {
  vote<f64>(dst, src, rows, classes);
}
