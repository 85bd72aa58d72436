// Concrete dropout: a soft decision m in [0, 1] for each element, with a derivative with respect to p.
//
//   m = sigmoid(-(logit p + logit u) / t),  y = x m / (1 - p)
//
// Source: Gal, Hron, Kendall, "Concrete dropout", NeurIPS 2017, equation 5.
// Invariant: as choose.ts; the sums are taken over every fourth element, so that neither lanes nor pieces of a multiple of four change their bits.

import { log1, log4 } from "../math/log";
import { sigmoid1, sigmoid4 } from "../math/sigmoid";
import { WORDS as STEP, wordOf } from "../stream/generator";
import { Params } from "../stream/params";
import { drawWords } from "./order";

// u is the middle of one of 2^23 cells, so that it and 1 - u are exact and neither is 0.
// @ts-ignore: decorator
@inline
const CELL: f32 = 1.1920928955078125e-7; // 2^-23
// @ts-ignore: decorator
@inline
const HALF_CELL: f32 = 5.9604644775390625e-8; // 2^-24

/** The words of elements j..j+3 of a step. */
// @ts-ignore: decorator
@inline
function words4(words: usize, j: i32): v128 {
  return i32x4(
    load<u32>(wordOf(words, j)),
    load<u32>(wordOf(words, j + 1)),
    load<u32>(wordOf(words, j + 2)),
    load<u32>(wordOf(words, j + 3)),
  );
}

// @ts-ignore: decorator
@inline
function logit1(u: f32): f32 {
  return log1(u) - log1(<f32>1 - u);
}

/** m of four words. */
// @ts-ignore: decorator
@inline
function soft4(word: v128, logitP: f32, factor: f32): v128 {
  const u = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 9)), f32x4.splat(CELL)), f32x4.splat(HALF_CELL));
  const logit = f32x4.sub(log4(u), log4(f32x4.sub(f32x4.splat(1), u)));
  return sigmoid4(f32x4.mul(f32x4.add(logit, f32x4.splat(logitP)), f32x4.splat(factor)));
}

// @ts-ignore: decorator
@inline
function soft1(word: u32, logitP: f32, factor: f32): f32 {
  const u = <f32>(<i32>(word >> 9)) * CELL + HALF_CELL;
  return sigmoid1((logit1(u) + logitP) * factor);
}

/** dst = src m / (1 - p). */
export function soften(dst: usize, src: usize, n: usize, probability: f64, temperature: f64, params: Params): void {
  const p = <f32>probability;
  const logitP = logit1(p);
  const factor = <f32>-1 / <f32>temperature;
  const rest = <f32>1 - p;
  const start = params.start;
  for (let i: i32 = -(<i32>start & (STEP - 1)); i < <i32>n; i += STEP) {
    const words = drawWords(params, start + i);
    let j = max(i, 0);
    const end = min(i + STEP, <i32>n);
    if (ASC_FEATURE_SIMD) {
      for (; j + 4 <= end; j += 4) {
        const m = soft4(words4(words, j - i), logitP, factor);
        v128.store(dst + (j << 2), f32x4.div(f32x4.mul(v128.load(src + (j << 2)), m), f32x4.splat(rest)));
      }
    }
    for (; j < end; ++j) {
      const m = soft1(load<u32>(wordOf(words, j - i)), logitP, factor);
      store<f32>(dst + (j << 2), (load<f32>(src + (j << 2)) * m) / rest);
    }
  }
}

/**
 * dx = dy m / (1 - p), and adds to the four f64 at `sums` the terms of the derivative with respect to p,
 * dy x (m / (1 - p)^2 - m (1 - m) / (t p (1 - p)^2)), of elements 0, 4, 8 ..., 1, 5, 9 ... and so on. `dx` may be 0: not wanted.
 */
export function softenGradient(
  dx: usize,
  dy: usize,
  x: usize,
  n: usize,
  probability: f64,
  temperature: f64,
  sums: usize,
  params: Params,
): void {
  const p = <f32>probability;
  const logitP = logit1(p);
  const factor = <f32>-1 / <f32>temperature;
  const rest = <f32>1 - p;
  const a = 1 / (<f64>rest * <f64>rest);
  const b = a / (temperature * <f64>p);
  const start = params.start;
  for (let i: i32 = -(<i32>start & (STEP - 1)); i < <i32>n; i += STEP) {
    const words = drawWords(params, start + i);
    const end = min(i + STEP, <i32>n);
    for (let j = max(i, 0); j < end; ++j) {
      const m = soft1(load<u32>(wordOf(words, j - i)), logitP, factor);
      const d = load<f32>(dy + (j << 2));
      const at = sums + ((j & 3) << 3);
      const value = load<f32>(x + (j << 2));
      store<f64>(at, load<f64>(at) + <f64>d * <f64>value * (<f64>m * a - <f64>m * (1 - <f64>m) * b));
      if (dx != 0) store<f32>(dx + (j << 2), (d * m) / rest);
    }
  }
}
