// The gradients of y = s (W masked) x + b from g = s dy: dx = g (W masked), dW = the sum over examples of g x, masked, and db that of dy.
// Invariant: an element of dx is summed over outputs in ascending order, one of dW or db over examples in ascending order, each from +0 and
// one term at a time, so that a sum may go on in a later call.

import { All, Bytes, STEP } from "./keep";

/** A product with a masked weight. */
@unmanaged
class Weight<M> {
  @inline vector<T>(v: v128, g: v128, step: v128, k: i32): v128 {
    return v128.mul<T>(changetype<M>(0).vector<T>(v, step, k), g);
  }

  @inline one<T>(v: T, g: T, keep: usize): T {
    return changetype<M>(0).one<T>(v, keep) * g;
  }
}

/** A masked product: +0 where dropped, for any factors. */
@unmanaged
class Product<M> {
  @inline vector<T>(v: v128, g: v128, step: v128, k: i32): v128 {
    return changetype<M>(0).vector<T>(v128.mul<T>(v, g), step, k);
  }

  @inline one<T>(v: T, g: T, keep: usize): T {
    return changetype<M>(0).one<T>(v * g, keep);
  }
}

/** dst + the product P with vector number k of a step. */
// @ts-ignore: decorator
@inline
function addVector<T, P>(dst: usize, src: usize, g: v128, step: v128, k: i32): void {
  v128.store(dst + 16 * k, v128.add<T>(v128.load(dst + 16 * k), changetype<P>(0).vector<T>(v128.load(src + 16 * k), g, step, k)));
}

/** dst + four products P with vector number k of a step of four rows. */
// @ts-ignore: decorator
@inline
function addVectors<T, P>(
  dst: usize,
  s0: usize,
  s1: usize,
  s2: usize,
  s3: usize,
  g0: v128,
  g1: v128,
  g2: v128,
  g3: v128,
  k0: v128,
  k1: v128,
  k2: v128,
  k3: v128,
  k: i32,
): void {
  const product = changetype<P>(0);
  let acc = v128.load(dst + 16 * k);
  acc = v128.add<T>(acc, product.vector<T>(v128.load(s0 + 16 * k), g0, k0, k));
  acc = v128.add<T>(acc, product.vector<T>(v128.load(s1 + 16 * k), g1, k1, k));
  acc = v128.add<T>(acc, product.vector<T>(v128.load(s2 + 16 * k), g2, k2, k));
  acc = v128.add<T>(acc, product.vector<T>(v128.load(s3 + 16 * k), g3, k3, k));
  v128.store(dst + 16 * k, acc);
}

/**
 * dst[i] += g[0] src[0, i] + ... + g[3] src[3, i], masked, for i in whole steps of n; returns the end of those steps. `row`, `keepRow` and `gRow` are
 * strides of rows in bytes.
 */
function add4<T, M, P>(dst: usize, src: usize, row: usize, g: usize, gRow: usize, keep: usize, keepRow: usize, n: usize): usize {
  const decide = changetype<M>(0);
  const g0 = v128.load_splat<T>(g);
  const g1 = v128.load_splat<T>(g + gRow);
  const g2 = v128.load_splat<T>(g + 2 * gRow);
  const g3 = v128.load_splat<T>(g + 3 * gRow);
  const whole = n & ~(STEP - 1);
  for (let i: usize = 0; i < whole; i += STEP) {
    const to = dst + i * sizeof<T>();
    const s0 = src + i * sizeof<T>();
    const s1 = s0 + row;
    const s2 = s1 + row;
    const s3 = s2 + row;
    const k0 = decide.step(decide.at(keep, i));
    const k1 = decide.step(decide.at(keep, i + keepRow));
    const k2 = decide.step(decide.at(keep, i + 2 * keepRow));
    const k3 = decide.step(decide.at(keep, i + 3 * keepRow));
    addVectors<T, P>(to, s0, s1, s2, s3, g0, g1, g2, g3, k0, k1, k2, k3, 0);
    addVectors<T, P>(to, s0, s1, s2, s3, g0, g1, g2, g3, k0, k1, k2, k3, 1);
    if (sizeof<T>() == 8) {
      addVectors<T, P>(to, s0, s1, s2, s3, g0, g1, g2, g3, k0, k1, k2, k3, 2);
      addVectors<T, P>(to, s0, s1, s2, s3, g0, g1, g2, g3, k0, k1, k2, k3, 3);
    }
  }
  return whole;
}

/** The same for any number of rows, one after another, from element `from` on, a multiple of a step. */
function addRows<T, M, P>(
  dst: usize,
  src: usize,
  row: usize,
  g: usize,
  gRow: usize,
  keep: usize,
  keepRow: usize,
  rows: usize,
  from: usize,
  n: usize,
): void {
  const decide = changetype<M>(0);
  const product = changetype<P>(0);
  for (let r: usize = 0; r < rows; ++r) {
    let i = from;
    if (ASC_FEATURE_SIMD) {
      const factor = v128.load_splat<T>(g);
      for (const whole = n & ~(STEP - 1); i < whole; i += STEP) {
        const step = decide.step(decide.at(keep, i));
        addVector<T, P>(dst + i * sizeof<T>(), src + i * sizeof<T>(), factor, step, 0);
        addVector<T, P>(dst + i * sizeof<T>(), src + i * sizeof<T>(), factor, step, 1);
        if (sizeof<T>() == 8) {
          addVector<T, P>(dst + i * sizeof<T>(), src + i * sizeof<T>(), factor, step, 2);
          addVector<T, P>(dst + i * sizeof<T>(), src + i * sizeof<T>(), factor, step, 3);
        }
      }
    }
    const factor = load<T>(g);
    for (; i < n; ++i) {
      const at = i * sizeof<T>();
      store<T>(dst + at, load<T>(dst + at) + product.one<T>(load<T>(src + at), factor, decide.at(keep, i)));
    }
    src += row;
    g += gRow;
    keep = decide.at(keep, keepRow);
  }
}

/** dst[i] += the sum over rows of g[row] src[row, i], masked, in ascending order of rows. */
// @ts-ignore: decorator
@inline
function add<T, M, P>(dst: usize, src: usize, row: usize, g: usize, gRow: usize, keep: usize, keepRow: usize, rows: usize, n: usize): void {
  const decide = changetype<M>(0);
  let r: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; r + 4 <= rows; r += 4) {
      const k = decide.at(keep, r * keepRow);
      const i = add4<T, M, P>(dst, src + r * row, row, g + r * gRow, gRow, k, keepRow, n);
      if (i < n) addRows<T, M, P>(dst, src + r * row, row, g + r * gRow, gRow, k, keepRow, 4, i, n);
    }
  }
  if (r < rows) addRows<T, M, P>(dst, src + r * row, row, g + r * gRow, gRow, decide.at(keep, r * keepRow), keepRow, rows - r, 0, n);
}

function everyInput<T, M>(dx: usize, g: usize, stride: usize, w: usize, keep: usize, examples: usize, outputs: usize, inputs: usize): void {
  const row = inputs * sizeof<T>();
  for (let n: usize = 0; n < examples; ++n) {
    const k = changetype<M>(0).at(keep, n * outputs * inputs);
    add<T, M, Weight<M>>(dx + n * row, w, row, g + n * stride * sizeof<T>(), sizeof<T>(), k, inputs, outputs, inputs);
  }
}

function everyWeight<T, M>(
  dw: usize,
  g: usize,
  stride: usize,
  x: usize,
  keep: usize,
  examples: usize,
  outputs: usize,
  inputs: usize,
): void {
  const row = inputs * sizeof<T>();
  for (let o: usize = 0; o < outputs; ++o) {
    const k = changetype<M>(0).at(keep, o * inputs);
    add<T, M, Product<M>>(dw + o * row, x, row, g + o * sizeof<T>(), stride * sizeof<T>(), k, outputs * inputs, examples, inputs);
  }
}

/**
 * dx[n, i] += the sum over o of g[n, o] * (keep[n, o, i] ? w[o, i] : +0), or = if `fresh`; the rows of g lie `stride` elements apart. All
 * kept if keep is 0.
 */
export function inputGradient<T>(
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
  if (fresh) memory.fill(dx, 0, examples * inputs * sizeof<T>());
  if (keep) everyInput<T, Bytes>(dx, g, stride, w, keep, examples, outputs, inputs);
  else everyInput<T, All>(dx, g, stride, w, keep, examples, outputs, inputs);
}

/**
 * dw[o, i] += the sum over n of keep[n, o, i] ? g[n, o] * x[n, i] : +0, or = if `fresh`; the rows of g lie `stride` elements apart. All
 * kept if keep is 0.
 */
export function weightGradient<T>(
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
  if (fresh) memory.fill(dw, 0, outputs * inputs * sizeof<T>());
  if (keep) everyWeight<T, Bytes>(dw, g, stride, x, keep, examples, outputs, inputs);
  else everyWeight<T, All>(dw, g, stride, x, keep, examples, outputs, inputs);
}

/** db[o] += the sum over n of dy[n, o], or = if `fresh`. */
export function biasGradient<T>(db: usize, dy: usize, examples: usize, outputs: usize, fresh: bool): void {
  if (fresh) memory.fill(db, 0, outputs * sizeof<T>());
  for (let n: usize = 0; n < examples; ++n, dy += outputs * sizeof<T>()) {
    let at: usize = 0;
    if (ASC_FEATURE_SIMD) {
      for (; at + 16 <= outputs * sizeof<T>(); at += 16) v128.store(db + at, v128.add<T>(v128.load(db + at), v128.load(dy + at)));
    }
    for (; at < outputs * sizeof<T>(); at += sizeof<T>()) store<T>(db + at, load<T>(db + at) + load<T>(dy + at));
  }
}
