// Residual, dropout and layer norm in one pass over memory, and its gradient: h = residual + dropout(x + bias), y = xhat * gamma + beta
// with xhat = (h - mean) * rstd, rstd = 1 / sqrt(variance + epsilon), row by row. Source: Ba, Kiros, Hinton, "Layer normalization", 2016.
//
// The variance is the mean of squared deviations from the mean that was found before: the second pass over a row is served by the cache,
// nothing cancels in it, and it needs no division an element as Welford's method does. Both sums are those of ./rows.ts; mean and rstd are
// rounded to f32 once.
// Invariant: a row is read before it is written, so results may take the place of operands of the same shape.

import { pinned } from "../stream/params";
import {
  addToParts,
  addWidened,
  addWidened4,
  AllKept,
  ByMask,
  clearParts,
  high,
  low,
  PARTS,
  storeParts,
  total,
} from "./rows";

/** A second addend. */
@unmanaged
class Plus {
  @inline add4(v: v128, other: usize): v128 {
    return f32x4.add(v, v128.load(other));
  }

  @inline add(v: f32, other: usize): f32 {
    return v + load<f32>(other);
  }
}

/** No second addend. */
@unmanaged
class Alone {
  @inline add4(v: v128, other: usize): v128 {
    return v;
  }

  @inline add(v: f32, other: usize): f32 {
    return v;
  }
}

// Decisions K, bias B.

// @ts-ignore: decorator
@inline
function join4<K, B>(h: usize, x: usize, residual: usize, bias: usize, keep: v128, factor: v128): v128 {
  const k = changetype<K>(0);
  const v = k.select4(k.scale4(changetype<B>(0).add4(v128.load(x), bias), factor), keep);
  const sum = f32x4.add(v128.load(residual), v);
  v128.store(h, sum);
  return sum;
}

/** Writes a row of h and returns its sum. */
function join<K, B>(h: usize, x: usize, residual: usize, bias: usize, keep: usize, columns: usize, scale: f32, work: usize): f64 {
  const k = changetype<K>(0);
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factor = pinned(f32x4.splat(scale), work);
    let s01 = f64x2.splat(0);
    let s23 = s01;
    let s45 = s01;
    let s67 = s01;
    for (; c + 16 <= columns; c += 16) {
      const keeps = k.sixteen(keep, c);
      const front = k.front(keeps);
      let v = join4<K, B>(h, x, residual, bias, k.first(front), factor);
      s01 = f64x2.add(s01, low(v));
      s23 = f64x2.add(s23, high(v));
      v = join4<K, B>(h + 16, x + 16, residual + 16, bias + 16, k.second(front), factor);
      s45 = f64x2.add(s45, low(v));
      s67 = f64x2.add(s67, high(v));
      const back = k.back(keeps);
      v = join4<K, B>(h + 32, x + 32, residual + 32, bias + 32, k.first(back), factor);
      s01 = f64x2.add(s01, low(v));
      s23 = f64x2.add(s23, high(v));
      v = join4<K, B>(h + 48, x + 48, residual + 48, bias + 48, k.second(back), factor);
      s45 = f64x2.add(s45, low(v));
      s67 = f64x2.add(s67, high(v));
      h += 64;
      x += 64;
      residual += 64;
      bias += 64;
    }
    storeParts(work, s01, s23, s45, s67);
  } else {
    clearParts(work);
  }
  for (; c < columns; ++c) {
    const v = k.select(k.scale(changetype<B>(0).add(load<f32>(x), bias), scale), keep, c);
    const sum = load<f32>(residual) + v;
    store<f32>(h, sum);
    addToParts(work, c, sum);
    h += 4;
    x += 4;
    residual += 4;
    bias += 4;
  }
  return total(work);
}

// @ts-ignore: decorator
@inline
function square2(at: usize, mean: v128): v128 {
  const d = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), mean);
  return f64x2.mul(d, d);
}

/** The sum of squared deviations of a row from `mean`. In f64, where squares of f32 neither overflow nor vanish. */
function deviation(h: usize, mean: f64, columns: usize, work: usize): f64 {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const center = pinned(f64x2.splat(mean), work);
    let s01 = f64x2.splat(0);
    let s23 = s01;
    let s45 = s01;
    let s67 = s01;
    for (; c + 8 <= columns; c += 8) {
      s01 = f64x2.add(s01, square2(h, center));
      s23 = f64x2.add(s23, square2(h + 8, center));
      s45 = f64x2.add(s45, square2(h + 16, center));
      s67 = f64x2.add(s67, square2(h + 24, center));
      h += 32;
    }
    storeParts(work, s01, s23, s45, s67);
  } else {
    clearParts(work);
  }
  for (; c < columns; ++c) {
    const d = <f64>load<f32>(h) - mean;
    addToParts(work, c, d * d);
    h += 4;
  }
  return total(work);
}

// @ts-ignore: decorator
@inline
function normalise4(y: usize, h: usize, gamma: usize, beta: usize, mean: v128, rstd: v128): void {
  const xhat = f32x4.mul(f32x4.sub(v128.load(h), mean), rstd);
  v128.store(y, f32x4.add(f32x4.mul(xhat, v128.load(gamma)), v128.load(beta)));
}

/** A row of y. */
function normalise(y: usize, h: usize, gamma: usize, beta: usize, mean: f32, rstd: f32, columns: usize, work: usize): void {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const means = pinned(f32x4.splat(mean), work);
    const rstds = pinned(f32x4.splat(rstd), work + 16);
    for (; c + 16 <= columns; c += 16) {
      normalise4(y, h, gamma, beta, means, rstds);
      normalise4(y + 16, h + 16, gamma + 16, beta + 16, means, rstds);
      normalise4(y + 32, h + 32, gamma + 32, beta + 32, means, rstds);
      normalise4(y + 48, h + 48, gamma + 48, beta + 48, means, rstds);
      y += 64;
      h += 64;
      gamma += 64;
      beta += 64;
    }
  }
  for (; c < columns; ++c) {
    const xhat = (load<f32>(h) - mean) * rstd;
    store<f32>(y, xhat * load<f32>(gamma) + load<f32>(beta));
    y += 4;
    h += 4;
    gamma += 4;
    beta += 4;
  }
}

/**
 * Rows of y, h, and an f32 each of their mean and rstd. `bias` and `keep` may be null: no bias, all kept. `work` is PARTS bytes of scratch,
 * aligned to 16.
 */
export function norm(
  y: usize,
  h: usize,
  means: usize,
  rstds: usize,
  x: usize,
  residual: usize,
  bias: usize,
  gamma: usize,
  beta: usize,
  keep: usize,
  rows: usize,
  columns: usize,
  epsilon: f64,
  scale: f64,
  work: usize,
): void {
  const factor = <f32>scale;
  const bytes = columns << 2;
  for (let row: usize = 0; row < rows; ++row) {
    const at = row * bytes;
    const decisions = keep + row * columns;
    let sum: f64;
    if (keep) {
      if (bias) sum = join<ByMask, Plus>(h + at, x + at, residual + at, bias, decisions, columns, factor, work);
      else sum = join<ByMask, Alone>(h + at, x + at, residual + at, bias, decisions, columns, factor, work);
    } else {
      if (bias) sum = join<AllKept, Plus>(h + at, x + at, residual + at, bias, decisions, columns, factor, work);
      else sum = join<AllKept, Alone>(h + at, x + at, residual + at, bias, decisions, columns, factor, work);
    }
    const mean = sum / <f64>columns;
    const variance = deviation(h + at, mean, columns, work) / <f64>columns;
    const rstd = <f32>(1 / sqrt<f64>(variance + epsilon));
    store<f32>(means + (row << 2), <f32>mean);
    store<f32>(rstds + (row << 2), rstd);
    normalise(y + at, h + at, gamma, beta, <f32>mean, rstd, columns, work);
  }
}

/** Leaves in `work` the parts of the sums over a row of g = dy * gamma and, behind them, of g * xhat. */
function project(dy: usize, h: usize, gamma: usize, mean: f32, rstd: f32, columns: usize, work: usize): void {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const means = pinned(f32x4.splat(mean), work);
    const rstds = pinned(f32x4.splat(rstd), work + 16);
    let g01 = f64x2.splat(0);
    let g23 = g01;
    let g45 = g01;
    let g67 = g01;
    let x01 = g01;
    let x23 = g01;
    let x45 = g01;
    let x67 = g01;
    for (; c + 8 <= columns; c += 8) {
      const g = f32x4.mul(v128.load(dy), v128.load(gamma));
      const gx = f32x4.mul(g, f32x4.mul(f32x4.sub(v128.load(h), means), rstds));
      g01 = f64x2.add(g01, low(g));
      g23 = f64x2.add(g23, high(g));
      x01 = f64x2.add(x01, low(gx));
      x23 = f64x2.add(x23, high(gx));
      const f = f32x4.mul(v128.load(dy, 16), v128.load(gamma, 16));
      const fx = f32x4.mul(f, f32x4.mul(f32x4.sub(v128.load(h, 16), means), rstds));
      g45 = f64x2.add(g45, low(f));
      g67 = f64x2.add(g67, high(f));
      x45 = f64x2.add(x45, low(fx));
      x67 = f64x2.add(x67, high(fx));
      dy += 32;
      h += 32;
      gamma += 32;
    }
    storeParts(work, g01, g23, g45, g67);
    storeParts(work + PARTS, x01, x23, x45, x67);
  } else {
    clearParts(work);
    clearParts(work + PARTS);
  }
  for (; c < columns; ++c) {
    const g = load<f32>(dy) * load<f32>(gamma);
    addToParts(work, c, g);
    addToParts(work + PARTS, c, g * ((load<f32>(h) - mean) * rstd));
    dy += 4;
    h += 4;
    gamma += 4;
  }
}

/** Four columns of gradients(), what is the same for all of the row in every lane. */
@unmanaged
class Gradient<K, D> {
  @inline four(
    dx: usize, dresidual: usize, dgamma: usize, dbeta: usize, dy: usize, h: usize, gamma: usize, dh: usize,
    keep: v128, mean: v128, rstd: v128, g: v128, gx: v128, factor: v128,
  ): void {
    const k = changetype<K>(0);
    const dys = v128.load(dy);
    const xhat = f32x4.mul(f32x4.sub(v128.load(h), mean), rstd);
    const inner = f32x4.sub(f32x4.sub(f32x4.mul(dys, v128.load(gamma)), g), f32x4.mul(xhat, gx));
    const v = changetype<D>(0).add4(f32x4.mul(inner, rstd), dh);
    v128.store(dresidual, v);
    v128.store(dx, k.select4(k.scale4(v, factor), keep));
    addWidened4(dgamma, f32x4.mul(dys, xhat));
    addWidened4(dbeta, dys);
  }
}

/** A row of dresidual = rstd * (dy * gamma - g - xhat * gx) + dh and of dx, decisions K, gradient of the residual stream D. */
function gradients<K, D>(
  dx: usize,
  dresidual: usize,
  dgamma: usize,
  dbeta: usize,
  dy: usize,
  h: usize,
  gamma: usize,
  dh: usize,
  keep: usize,
  mean: f32,
  rstd: f32,
  g: f32,
  gx: f32,
  columns: usize,
  scale: f32,
  work: usize,
): void {
  const k = changetype<K>(0);
  const d = changetype<D>(0);
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const quad = changetype<Gradient<K, D>>(0);
    const means = pinned(f32x4.splat(mean), work);
    const rstds = pinned(f32x4.splat(rstd), work + 16);
    const gs = pinned(f32x4.splat(g), work + 32);
    const gxs = pinned(f32x4.splat(gx), work + 48);
    const factor = pinned(f32x4.splat(scale), work + 64);
    for (; c + 16 <= columns; c += 16) {
      const keeps = k.sixteen(keep, c);
      const front = k.front(keeps);
      const back = k.back(keeps);
      quad.four(
        dx, dresidual, dgamma, dbeta, dy, h, gamma, dh,
        k.first(front), means, rstds, gs, gxs, factor,
      );
      quad.four(
        dx + 16, dresidual + 16, dgamma + 32, dbeta + 32, dy + 16, h + 16, gamma + 16, dh + 16,
        k.second(front), means, rstds, gs, gxs, factor,
      );
      quad.four(
        dx + 32, dresidual + 32, dgamma + 64, dbeta + 64, dy + 32, h + 32, gamma + 32, dh + 32,
        k.first(back), means, rstds, gs, gxs, factor,
      );
      quad.four(
        dx + 48, dresidual + 48, dgamma + 96, dbeta + 96, dy + 48, h + 48, gamma + 48, dh + 48,
        k.second(back), means, rstds, gs, gxs, factor,
      );
      dx += 64;
      dresidual += 64;
      dgamma += 128;
      dbeta += 128;
      dy += 64;
      h += 64;
      gamma += 64;
      dh += 64;
    }
  }
  for (; c < columns; ++c) {
    const dys = load<f32>(dy);
    const xhat = (load<f32>(h) - mean) * rstd;
    const inner = dys * load<f32>(gamma) - g - xhat * gx;
    const v = d.add(inner * rstd, dh);
    store<f32>(dresidual, v);
    store<f32>(dx, k.select(k.scale(v, scale), keep, c));
    addWidened(dgamma, dys * xhat);
    addWidened(dbeta, dys);
    dx += 4;
    dresidual += 4;
    dgamma += 8;
    dbeta += 8;
    dy += 4;
    h += 4;
    gamma += 4;
    dh += 4;
  }
}

/**
 * The gradient of norm(): rows of dx and dresidual, and the sums by column, in f64, of dy * xhat (dgamma) and dy (dbeta), to which rows are
 * added in ascending order. `dh` and `keep` may be null: no gradient from the residual stream, all kept. `work` is 2 * PARTS bytes of
 * scratch, aligned to 16.
 */
export function normGradient(
  dx: usize,
  dresidual: usize,
  dgamma: usize,
  dbeta: usize,
  dy: usize,
  h: usize,
  means: usize,
  rstds: usize,
  gamma: usize,
  dh: usize,
  keep: usize,
  rows: usize,
  columns: usize,
  scale: f64,
  work: usize,
): void {
  const factor = <f32>scale;
  const bytes = columns << 2;
  for (let row: usize = 0; row < rows; ++row) {
    const mean = load<f32>(means + (row << 2));
    const rstd = load<f32>(rstds + (row << 2));
    project(dy, h, gamma, mean, rstd, columns, work);
    const g = <f32>(total(work) / <f64>columns);
    const gx = <f32>(total(work + PARTS) / <f64>columns);
    if (keep) {
      if (dh) gradients<ByMask, Plus>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, mean, rstd, g, gx, columns, factor, work);
      else gradients<ByMask, Alone>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, mean, rstd, g, gx, columns, factor, work);
      keep += columns;
    } else {
      if (dh) gradients<AllKept, Plus>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, mean, rstd, g, gx, columns, factor, work);
      else gradients<AllKept, Alone>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, mean, rstd, g, gx, columns, factor, work);
    }
    dx += bytes;
    dresidual += bytes;
    dy += bytes;
    h += bytes;
    if (dh) dh += bytes;
  }
}
