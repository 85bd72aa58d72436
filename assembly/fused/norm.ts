// Residual, dropout and layer norm in one pass over memory, and its gradient: h = residual + dropout(x + bias), y = xhat * gamma + beta
// with xhat = (h - mean) * rstd, rstd = 1 / sqrt(variance + epsilon), row by row. Source: Ba, Kiros, Hinton, "Layer normalization", 2016.
//
// The variance is the mean of squared deviations from the mean that was found before: the second pass over a row is served by the cache,
// nothing cancels in it, and it needs no division an element as Welford's method does. Both sums are those of ./rows.ts; mean and rstd are
// rounded to f32 once. A row far from zero loses its digits where the rounded mean is subtracted; there what rounding took from the mean is
// subtracted too, forward and back, so that xhat has the same bits in the gradient as in the result. Rows that f32 cannot
// hold are left to ./norm-wide.ts.
// Invariant: a row is read before it is written, so results may take the place of operands of the same shape.

import { NormField, NormGradientField, PARTS } from "../../src/ground/abi";
import { haveProduct, LARGE, meanOf, normaliseWide, SMALL, wideGradients } from "./norm-wide";
import { floatAt, numberAt, wordAt, workOf } from "./record";
import { AllKept, addWidened, addWidened4, ByMask, overRow } from "./rows";
import { deviation } from "./statistics";

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

// Operations on a row: methods as overRow() has them.

/** h = residual + dropout(x + bias), and the sum of h; decisions K, bias B. */
@unmanaged
class Join<K, B> {
  @inline operands(): i32 {
    return 4;
  }

  @inline wide(): bool {
    return false;
  }

  @inline constants(): i32 {
    return 1;
  }

  @inline sums(): i32 {
    return 1;
  }

  @inline four(
    keep: v128,
    h: usize,
    x: usize,
    residual: usize,
    bias: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    scale: v128,
    _q: v128,
    _r: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    const k = changetype<K>(0);
    const v = k.select4(k.scale4(changetype<B>(0).add4(v128.load(x), bias), scale), keep);
    const sum = f32x4.add(v128.load(residual), v);
    v128.store(h, sum);
    return sum;
  }

  @inline one(
    column: usize,
    keep: usize,
    h: usize,
    x: usize,
    residual: usize,
    bias: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    scale: f32,
    _q: f32,
    _r: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    const k = changetype<K>(0);
    const v = k.select(k.scale(changetype<B>(0).add(load<f32>(x), bias), scale), keep, column);
    const sum = load<f32>(residual) + v;
    store<f32>(h, sum);
    return sum;
  }
}

// The distance of a row from zero. Only Project, which is short, is compiled for both; other operations take Far, whatever the rest.

/** Any row: its mean is mean + rest. */
@unmanaged
class Far {
  @inline constants(): i32 {
    return 1;
  }

  /** xhat. */
  @inline centred4(h: usize, mean: v128, rest: v128, rstd: v128): v128 {
    return f32x4.mul(f32x4.sub(f32x4.sub(v128.load(h), mean), rest), rstd);
  }

  /** One lane of centred4(). */
  @inline centred(h: usize, mean: f32, rest: f32, rstd: f32): f32 {
    return (load<f32>(h) - mean - rest) * rstd;
  }
}

/** A row whose rest is +0, which takes nothing away: the same bits with less work. */
@unmanaged
class Near {
  @inline constants(): i32 {
    return 0;
  }

  @inline centred4(h: usize, mean: v128, rest: v128, rstd: v128): v128 {
    return f32x4.mul(f32x4.sub(v128.load(h), mean), rstd);
  }

  @inline centred(h: usize, mean: f32, rest: f32, rstd: f32): f32 {
    return (load<f32>(h) - mean) * rstd;
  }
}

/** y = xhat * gamma + beta. */
@unmanaged
class Normalise {
  @inline operands(): i32 {
    return 4;
  }

  @inline wide(): bool {
    return false;
  }

  @inline constants(): i32 {
    return 3;
  }

  @inline sums(): i32 {
    return 0;
  }

  @inline four(
    _keep: v128,
    y: usize,
    h: usize,
    gamma: usize,
    beta: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    mean: v128,
    rstd: v128,
    rest: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    const xhat = changetype<Far>(0).centred4(h, mean, rest, rstd);
    v128.store(y, f32x4.add(f32x4.mul(xhat, v128.load(gamma)), v128.load(beta)));
    return xhat;
  }

  @inline one(
    _column: usize,
    _keep: usize,
    y: usize,
    h: usize,
    gamma: usize,
    beta: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    mean: f32,
    rstd: f32,
    rest: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    const xhat = changetype<Far>(0).centred(h, mean, rest, rstd);
    store<f32>(y, xhat * load<f32>(gamma) + load<f32>(beta));
    return xhat;
  }
}

/** The sums of g = dy * gamma and of g * xhat; distance F. */
@unmanaged
class Project<F> {
  @inline operands(): i32 {
    return 3;
  }

  @inline wide(): bool {
    return false;
  }

  @inline constants(): i32 {
    return 2 + changetype<F>(0).constants();
  }

  @inline sums(): i32 {
    return 2;
  }

  @inline four(
    _keep: v128,
    dy: usize,
    h: usize,
    gamma: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    mean: v128,
    rstd: v128,
    rest: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    return f32x4.mul(v128.load(dy), v128.load(gamma));
  }

  @inline one(
    _column: usize,
    _keep: usize,
    dy: usize,
    h: usize,
    gamma: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    mean: f32,
    rstd: f32,
    rest: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    return load<f32>(dy) * load<f32>(gamma);
  }

  @inline second4(
    first: v128,
    dy: usize,
    h: usize,
    gamma: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    mean: v128,
    rstd: v128,
    rest: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    return f32x4.mul(first, changetype<F>(0).centred4(h, mean, rest, rstd));
  }

  @inline second(
    first: f32,
    dy: usize,
    h: usize,
    gamma: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    mean: f32,
    rstd: f32,
    rest: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    return first * changetype<F>(0).centred(h, mean, rest, rstd);
  }
}

/**
 * dresidual = rstd * (dy * gamma - g - xhat * gx) + dh, and dx; adds dy * xhat to dgamma and dy to dbeta. Decisions K,
 * gradient of the residual stream D.
 */
@unmanaged
class Gradients<K, D> {
  @inline operands(): i32 {
    return 6;
  }

  @inline wide(): bool {
    return true;
  }

  @inline constants(): i32 {
    return 6;
  }

  @inline sums(): i32 {
    return 0;
  }

  @inline four(
    keep: v128,
    dx: usize,
    dresidual: usize,
    dy: usize,
    h: usize,
    gamma: usize,
    dh: usize,
    dgamma: usize,
    dbeta: usize,
    mean: v128,
    rstd: v128,
    g: v128,
    gx: v128,
    scale: v128,
    rest: v128,
  ): v128 {
    const k = changetype<K>(0);
    const xhat = changetype<Far>(0).centred4(h, mean, rest, rstd);
    const dys = v128.load(dy);
    const inner = f32x4.sub(f32x4.sub(f32x4.mul(dys, v128.load(gamma)), g), f32x4.mul(xhat, gx));
    const v = changetype<D>(0).add4(f32x4.mul(inner, rstd), dh);
    v128.store(dresidual, v);
    v128.store(dx, k.select4(k.scale4(v, scale), keep));
    addWidened4(dgamma, f32x4.mul(dys, xhat));
    addWidened4(dbeta, dys);
    return v;
  }

  @inline one(
    column: usize,
    keep: usize,
    dx: usize,
    dresidual: usize,
    dy: usize,
    h: usize,
    gamma: usize,
    dh: usize,
    dgamma: usize,
    dbeta: usize,
    mean: f32,
    rstd: f32,
    g: f32,
    gx: f32,
    scale: f32,
    rest: f32,
  ): f32 {
    const k = changetype<K>(0);
    const xhat = changetype<Far>(0).centred(h, mean, rest, rstd);
    const dys = load<f32>(dy);
    const inner = dys * load<f32>(gamma) - g - xhat * gx;
    const v = changetype<D>(0).add(inner * rstd, dh);
    store<f32>(dresidual, v);
    store<f32>(dx, k.select(k.scale(v, scale), keep, column));
    addWidened(dgamma, dys * xhat);
    addWidened(dbeta, dys);
    return v;
  }
}

/**
 * Returns the part of the mean that rounding to f32 lost, or 0 where that is less than a rounding of xhat: where the mean is no larger than the
 * standard deviation.
 */
// @ts-ignore: decorator
@inline
function restOf(mean: f64, rounded: f32, rstd: f32): f32 {
  return isFar(rounded, rstd) ? <f32>(mean - <f64>rounded) : 0;
}

// @ts-ignore: decorator
@inline
function isFar(mean: f32, rstd: f32): bool {
  return abs(mean) * rstd > 1;
}

/** True where deviations from the mean and their products with rstd are normal numbers of f32; false for NaN. */
// @ts-ignore: decorator
@inline
function isModerate(rstd: f32): bool {
  return rstd >= SMALL && rstd <= LARGE;
}

// Below this the mean, in units of the standard deviation, is too coarse a number of f32.
// @ts-ignore: decorator
@inline
const LEAST_VARIANCE: f64 = reinterpret<f64>(0x3370000000000000); // 2^-200

/** Rows of y and h, and an f32 each of their mean and rstd; `record` has the fields of NormField and is aligned to 16. */
export function norm(record: usize): void {
  const work = workOf(record);
  const means = wordAt(record, NormField.means);
  const rstds = wordAt(record, NormField.rstds);
  const bias = wordAt(record, NormField.bias);
  const gamma = wordAt(record, NormField.gamma);
  const beta = wordAt(record, NormField.beta);
  const rows = wordAt(record, NormField.rows);
  const columns = wordAt(record, NormField.columns);
  const count = numberAt(record, NormField.columns);
  const epsilon = numberAt(record, NormField.epsilon);
  const scale = floatAt(record, NormField.scale);
  const bytes = columns << 2;
  let y = wordAt(record, NormField.y);
  let h = wordAt(record, NormField.h);
  let x = wordAt(record, NormField.x);
  let residual = wordAt(record, NormField.residual);
  let keep = wordAt(record, NormField.keep);
  for (let row: usize = 0; row < rows; ++row) {
    let sum: f64;
    if (keep) {
      if (bias) sum = join<ByMask, Plus>(h, x, residual, bias, keep, columns, scale, work);
      else sum = join<ByMask, Alone>(h, x, residual, bias, keep, columns, scale, work);
      keep += columns;
    } else {
      if (bias) sum = join<AllKept, Plus>(h, x, residual, bias, keep, columns, scale, work);
      else sum = join<AllKept, Alone>(h, x, residual, bias, keep, columns, scale, work);
    }
    const mean = sum / count;
    const variance = deviation(h, mean, columns, work) / count;
    const inverse = 1 / sqrt<f64>(variance + epsilon);
    const rounded = <f32>mean;
    const rstd = <f32>inverse;
    store<f32>(means + (row << 2), rounded);
    store<f32>(rstds + (row << 2), rstd);
    if (isModerate(rstd) && (variance == 0 || variance > LEAST_VARIANCE)) {
      const rest = restOf(mean, rounded, rstd);
      overRow<AllKept, Normalise>(columns, 0, work, y, h, gamma, beta, 0, 0, 0, 0, rounded, rstd, rest, 0, 0, 0);
    } else {
      normaliseWide(y, h, gamma, beta, columns, mean, inverse);
    }
    y += bytes;
    h += bytes;
    x += bytes;
    residual += bytes;
  }
}

// @ts-ignore: decorator
@inline
function join<K, B>(h: usize, x: usize, residual: usize, bias: usize, keep: usize, columns: usize, scale: f32, work: usize): f64 {
  return overRow<K, Join<K, B>>(columns, keep, work, h, x, residual, bias, 0, 0, 0, 0, scale, 0, 0, 0, 0, 0);
}

/**
 * The gradient of norm(): rows of dx and dresidual, and the sums by column, in f64, of dy * xhat (dgamma) and dy (dbeta), to which rows are
 * added in ascending order. `record` has the fields of NormGradientField and is aligned to 16.
 */
export function normGradient(record: usize): void {
  const work = workOf(record);
  const dgamma = wordAt(record, NormGradientField.dgamma);
  const dbeta = wordAt(record, NormGradientField.dbeta);
  const means = wordAt(record, NormGradientField.means);
  const rstds = wordAt(record, NormGradientField.rstds);
  const gamma = wordAt(record, NormGradientField.gamma);
  const rows = wordAt(record, NormGradientField.rows);
  const columns = wordAt(record, NormGradientField.columns);
  const count = numberAt(record, NormGradientField.columns);
  const scale = floatAt(record, NormGradientField.scale);
  const bytes = columns << 2;
  let dx = wordAt(record, NormGradientField.dx);
  let dresidual = wordAt(record, NormGradientField.dresidual);
  let dy = wordAt(record, NormGradientField.dy);
  let h = wordAt(record, NormGradientField.h);
  let dh = wordAt(record, NormGradientField.dh);
  let keep = wordAt(record, NormGradientField.keep);
  for (let row: usize = 0; row < rows; ++row) {
    const mean = load<f32>(means + (row << 2));
    const rstd = load<f32>(rstds + (row << 2));
    let rest: f32 = 0;
    let wide = !isModerate(rstd);
    if (!wide && (isFar(mean, rstd) || abs(mean) < SMALL)) {
      const exact = meanOf(h, mean, columns, work);
      if (abs(mean) < SMALL) wide = exact != <f64>mean;
      else rest = <f32>(exact - <f64>mean);
    }
    if (!wide) {
      let sum: f64;
      if (rest == 0) sum = overRow<AllKept, Project<Near>>(columns, 0, work, dy, h, gamma, 0, 0, 0, 0, 0, mean, rstd, 0, 0, 0, 0);
      else sum = overRow<AllKept, Project<Far>>(columns, 0, work, dy, h, gamma, 0, 0, 0, 0, 0, mean, rstd, rest, 0, 0, 0);
      const product = load<f64>(work, PARTS);
      const g = <f32>(sum / count);
      const gx = <f32>(product / count);
      const size = abs(sum) + abs(product);
      // Sums as large as this, Infinity and NaN come of what f32 may not hold; as small, of what may have vanished.
      if (!(size < LARGE)) wide = true;
      else if (size < SMALL) wide = haveProduct(dy, gamma, columns);
      if (!wide) gradientsOf(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
    }
    if (wide) wideGradients(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, scale, work);
    if (keep) keep += columns;
    dx += bytes;
    dresidual += bytes;
    dy += bytes;
    h += bytes;
    if (dh) dh += bytes;
  }
}

/** gradients() for the decisions and the gradient of the residual stream that there are. */
// @ts-ignore: decorator
@inline
function gradientsOf(
  dx: usize,
  dresidual: usize,
  dgamma: usize,
  dbeta: usize,
  dy: usize,
  h: usize,
  gamma: usize,
  dh: usize,
  keep: usize,
  columns: usize,
  mean: f32,
  rstd: f32,
  g: f32,
  gx: f32,
  scale: f32,
  rest: f32,
  work: usize,
): void {
  if (keep) withStream<ByMask>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
  else withStream<AllKept>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
}

// @ts-ignore: decorator
@inline
function withStream<K>(
  dx: usize,
  dresidual: usize,
  dgamma: usize,
  dbeta: usize,
  dy: usize,
  h: usize,
  gamma: usize,
  dh: usize,
  keep: usize,
  columns: usize,
  mean: f32,
  rstd: f32,
  g: f32,
  gx: f32,
  scale: f32,
  rest: f32,
  work: usize,
): void {
  if (dh) gradients<K, Plus>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
  else gradients<K, Alone>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
}

// @ts-ignore: decorator
@inline
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
  columns: usize,
  mean: f32,
  rstd: f32,
  g: f32,
  gx: f32,
  scale: f32,
  rest: f32,
  work: usize,
): void {
  overRow<K, Gradients<K, D>>(columns, keep, work, dx, dresidual, dy, h, gamma, dh, dgamma, dbeta, mean, rstd, g, gx, scale, rest);
}
