// Residual, dropout and a norm in one pass over memory, and its gradient: h = residual + dropout(x + bias), y = xhat * gamma + beta row by row.
// Layer norm has xhat = (h - mean) * rstd, rstd = 1 / sqrt(variance + epsilon): Ba, Kiros, Hinton, "Layer normalization", 2016. RMS norm takes no mean
// away, which is the same with a mean of 0: Zhang, Sennrich, "Root mean square layer normalization", 2019.
//
// The variance is the mean of squared deviations from the mean that was found before: the second pass over a row is served by the cache,
// nothing cancels in it, and it needs no division an element as Welford's method does. Both sums are those of ./rows.ts; mean and rstd are
// rounded once. A row of f32 far from zero loses its digits where the rounded mean is subtracted; there what rounding took from the mean is
// subtracted too, forward and back, so that xhat has the same bits in the gradient as in the result. Rows that f32 cannot
// hold are left to ./norm-wide.ts.
//
// Branches with more to them (layer scale, factors of rows, rows left out, a second branch) take further passes over a row in the cache rather than
// variants of each operation.
// Invariant: a row is read before it is written, so results may take the place of operands of the same shape; h and dx not of the second branch and of x.

import { NormField, NormGradientField, PARTS } from "../../src/ground/abi";
import { add, mul, sub } from "../math/ops";
import { haveProduct, LARGE, meanOf, normaliseWide, SMALL, wideGradients } from "./norm-wide";
import { elementAt, numberAt, wordAt, workOf } from "./record";
import { AllKept, addWidened, ByMask, overRow } from "./rows";
import { deviation } from "./statistics";

/** A second addend. */
@unmanaged
class Plus {
  @inline of<T>(v: T, other: usize, scale: usize): T {
    return add<T>(v, load<T>(other));
  }
}

/** No second addend. */
@unmanaged
class Alone {
  @inline of<T>(v: T, other: usize, scale: usize): T {
    return v;
  }
}

/** A second addend and then a factor. */
@unmanaged
class Affine {
  @inline of<T>(v: T, other: usize, scale: usize): T {
    return mul<T>(add<T>(v, load<T>(other)), load<T>(scale));
  }
}

// Operations on a row: members as overRow() has them.

/** h = residual + dropout(b(x)), and the sum of h; decisions K, function b of bias and layer scale B. */
@unmanaged
class Join<K, B> {
  @inline sums(): bool {
    return true;
  }

  @inline many(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    h: usize,
    x: usize,
    residual: usize,
    bias: usize,
    layerScale: usize,
    f: usize,
    w: usize,
    z: usize,
    scale: T,
    q: T,
    r: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const k = changetype<K>(0);
    const v = k.select<T, I>(k.scale<T>(changetype<B>(0).of<T>(load<T>(x), bias, layerScale), scale), keep);
    const sum = add<T>(load<T>(residual), v);
    store<T>(h, sum);
    return sum;
  }
}

// The distance of a row from zero. Only Project, which is short, is compiled for both; other operations take Far, whatever the rest.

/** Any row: its mean is mean + rest. */
@unmanaged
class Far {
  /** xhat. */
  @inline centred<T>(h: usize, mean: T, rest: T, rstd: T): T {
    return mul<T>(sub<T>(sub<T>(load<T>(h), mean), rest), rstd);
  }
}

/** A row whose rest is +0, which takes nothing away: the same bits with less work. */
@unmanaged
class Near {
  @inline centred<T>(h: usize, mean: T, rest: T, rstd: T): T {
    return mul<T>(sub<T>(load<T>(h), mean), rstd);
  }
}

/** y = xhat * gamma + beta. */
@unmanaged
class Normalise {
  @inline many(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    y: usize,
    h: usize,
    gamma: usize,
    beta: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    mean: T,
    rstd: T,
    rest: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const xhat = changetype<Far>(0).centred<T>(h, mean, rest, rstd);
    store<T>(y, add<T>(mul<T>(xhat, load<T>(gamma)), load<T>(beta)));
    return xhat;
  }
}

/** The sums of g = dy * gamma and of g * xhat; distance F. */
@unmanaged
class Project<F> {
  @inline sums(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    dy: usize,
    h: usize,
    gamma: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    mean: T,
    rstd: T,
    rest: T,
    s: T,
    t: T,
    u: T,
  ): T {
    return mul<T>(load<T>(dy), load<T>(gamma));
  }

  @inline second<T, I>(
    first: T,
    keep: I,
    dy: usize,
    h: usize,
    gamma: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    mean: T,
    rstd: T,
    rest: T,
    s: T,
    t: T,
    u: T,
  ): T {
    return mul<T>(first, changetype<F>(0).centred<T>(h, mean, rest, rstd));
  }
}

/**
 * dresidual = rstd * (dy * gamma - g - xhat * gx) + dh, and dx; adds dy * xhat to dgamma and dy to dbeta. Decisions K,
 * gradient of the residual stream D.
 */
@unmanaged
class Gradients<K, D> {
  @inline many(): bool {
    return true;
  }

  @inline wide(): bool {
    return true;
  }

  @inline rich(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    dx: usize,
    dresidual: usize,
    dy: usize,
    h: usize,
    gamma: usize,
    dh: usize,
    dgamma: usize,
    dbeta: usize,
    mean: T,
    rstd: T,
    g: T,
    gx: T,
    scale: T,
    rest: T,
  ): T {
    const k = changetype<K>(0);
    const xhat = changetype<Far>(0).centred<T>(h, mean, rest, rstd);
    const dys = load<T>(dy);
    const inner = sub<T>(sub<T>(mul<T>(dys, load<T>(gamma)), g), mul<T>(xhat, gx));
    const v = changetype<D>(0).of<T>(mul<T>(inner, rstd), dh, 0);
    store<T>(dresidual, v);
    store<T>(dx, k.select<T, I>(k.scale<T>(v, scale), keep));
    addWidened<T>(dgamma, mul<T>(dys, xhat));
    addWidened<T>(dbeta, dys);
    return v;
  }
}

/** dx = dropout(dresidual) * layerScale. */
@unmanaged
class Branch {
  @inline value<T, I>(
    keep: I,
    dx: usize,
    dresidual: usize,
    layerScale: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    scale: T,
    q: T,
    r: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const v = changetype<ByMask>(0).select<T, I>(mul<T>(mul<T>(load<T>(dresidual), scale), load<T>(layerScale)), keep);
    store<T>(dx, v);
    return v;
  }
}

/** Adds dropout(dresidual) * (x + bias) to dlayerScale. */
@unmanaged
class Weights {
  @inline wide(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    dresidual: usize,
    from: usize,
    bias: usize,
    d: usize,
    e: usize,
    f: usize,
    dlayerScale: usize,
    x: usize,
    scale: T,
    q: T,
    r: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const product = mul<T>(mul<T>(load<T>(dresidual), scale), add<T>(load<T>(from), load<T>(bias)));
    const v = changetype<ByMask>(0).select<T, I>(product, keep);
    addWidened<T>(dlayerScale, v);
    return v;
  }
}

/**
 * Returns the part of the mean that rounding to f32 lost, or 0 where that is less than a rounding of xhat: where the mean is no larger than the
 * standard deviation.
 */
// @ts-ignore: decorator
@inline
function restOf<E>(mean: f64, rounded: E, rstd: E): E {
  return sizeof<E>() == 4 && isFar<E>(rounded, rstd) ? <E>(mean - <f64>rounded) : <E>0;
}

// @ts-ignore: decorator
@inline
function isFar<E>(mean: E, rstd: E): bool {
  return abs(mean) * rstd > 1;
}

// Between these bounds squares of deviations from the mean are normal numbers of f64.
// @ts-ignore: decorator
@inline
const SMALL_64: f64 = reinterpret<f64>(0x26f0000000000000); // 2^-400
// @ts-ignore: decorator
@inline
const LARGE_64: f64 = reinterpret<f64>(0x58f0000000000000); // 2^400

/** True where deviations from the mean and their products with rstd are normal numbers of E; false for NaN. */
// @ts-ignore: decorator
@inline
function isModerate<E>(rstd: E): bool {
  if (sizeof<E>() == 4) return <f32>rstd >= SMALL && <f32>rstd <= LARGE;
  else return <f64>rstd >= SMALL_64 && <f64>rstd <= LARGE_64;
}

// Below this the mean, in units of the standard deviation, is too coarse a number of f32.
// @ts-ignore: decorator
@inline
const LEAST_VARIANCE: f64 = reinterpret<f64>(0x3370000000000000); // 2^-200

/** Rows of y and h, and their means and rstds; `record` has the fields of NormField and is aligned to 16. */
export function norm<E>(record: usize): void {
  const work = workOf(record);
  const means = wordAt(record, NormField.means);
  const rstds = wordAt(record, NormField.rstds);
  const bias = wordAt(record, NormField.bias);
  const layerScale = wordAt(record, NormField.layerScale);
  const factors = wordAt(record, NormField.factors);
  const paths = wordAt(record, NormField.paths);
  const all = wordAt(record, NormField.all);
  const gamma = wordAt(record, NormField.gamma);
  const beta = wordAt(record, NormField.beta);
  const rows = wordAt(record, NormField.rows);
  const columns = wordAt(record, NormField.columns);
  const count = numberAt(record, NormField.columns);
  const centred = wordAt(record, NormField.centred) != 0;
  const epsilon = numberAt(record, NormField.epsilon);
  const scale = elementAt<E>(record, NormField.scale);
  const residualStep = wordAt(record, NormField.residualStep);
  const bytes = columns * sizeof<E>();
  let y = wordAt(record, NormField.y);
  let h = wordAt(record, NormField.h);
  let x = wordAt(record, NormField.x);
  let residual = wordAt(record, NormField.residual);
  let keep = wordAt(record, NormField.keep);
  let parallel = wordAt(record, NormField.parallel);
  let parallelKeep = wordAt(record, NormField.parallelKeep);
  for (let row: usize = 0; row < rows; ++row) {
    let sum: f64;
    if (sizeof<E>() == 8 || factors) {
      const kept = decisionsOf(keep, paths, all, row, columns);
      sum = join<E, ByMask, Affine>(h, x, residual, bias, layerScale, kept, columns, load<E>(factors + row * sizeof<E>()), work);
    } else if (keep) {
      if (bias) sum = join<E, ByMask, Plus>(h, x, residual, bias, 0, keep, columns, scale, work);
      else sum = join<E, ByMask, Alone>(h, x, residual, 0, 0, keep, columns, scale, work);
    } else {
      if (bias) sum = join<E, AllKept, Plus>(h, x, residual, bias, 0, 0, columns, scale, work);
      else sum = join<E, AllKept, Alone>(h, x, residual, 0, 0, 0, columns, scale, work);
    }
    if (keep) keep += columns;
    if (parallel) {
      sum = join<E, ByMask, Alone>(h, parallel, h, 0, 0, parallelKeep ? parallelKeep : all, columns, scale, work);
      if (parallelKeep) parallelKeep += columns;
      parallel += bytes;
    }
    const mean = centred ? sum / count : 0;
    const variance = deviation<E>(h, mean, columns, work) / count;
    const rounded = <E>mean;
    const rstd = <E>(1 / sqrt<f64>(variance + epsilon));
    const at = row * sizeof<E>();
    if (isModerate<E>(rstd) && (sizeof<E>() == 8 || !centred || variance == 0 || variance > LEAST_VARIANCE)) {
      if (means) store<E>(means + at, rounded);
      store<E>(rstds + at, rstd);
      const rest = restOf<E>(mean, rounded, rstd);
      overRow<E, AllKept, Normalise>(columns, 0, work, y, h, gamma, beta, 0, 0, 0, 0, rounded, rstd, rest, 0, 0, 0);
    } else {
      normaliseWide<E>(y, h, gamma, beta, columns, means ? means + at : 0, rstds + at, centred, epsilon, work);
    }
    y += bytes;
    h += bytes;
    x += bytes;
    residual += residualStep;
  }
}

/** The decisions of a row: those at `keep`; where that is 0, ones; where the row is left out, zeros. */
// @ts-ignore: decorator
@inline
function decisionsOf(keep: usize, paths: usize, all: usize, row: usize, columns: usize): usize {
  if (paths && !load<u8>(paths + row)) return all + columns;
  return keep ? keep : all;
}

// @ts-ignore: decorator
@inline
function join<E, K, B>(
  h: usize,
  x: usize,
  residual: usize,
  bias: usize,
  layerScale: usize,
  keep: usize,
  columns: usize,
  scale: E,
  work: usize,
): f64 {
  return overRow<E, K, Join<K, B>>(columns, keep, work, h, x, residual, bias, layerScale, 0, 0, 0, scale, 0, 0, 0, 0, 0);
}

/**
 * The gradient of norm(): rows of dx and dresidual, and the sums by column, in f64, of dy * xhat (dgamma) and dy (dbeta), to which rows are
 * added in ascending order. `record` has the fields of NormGradientField and is aligned to 16.
 */
export function normGradient<E>(record: usize): void {
  const work = workOf(record);
  const dgamma = wordAt(record, NormGradientField.dgamma);
  const dbeta = wordAt(record, NormGradientField.dbeta);
  const dlayerScale = wordAt(record, NormGradientField.dlayerScale);
  const means = wordAt(record, NormGradientField.means);
  const rstds = wordAt(record, NormGradientField.rstds);
  const gamma = wordAt(record, NormGradientField.gamma);
  const layerScale = wordAt(record, NormGradientField.layerScale);
  const factors = wordAt(record, NormGradientField.factors);
  const paths = wordAt(record, NormGradientField.paths);
  const all = wordAt(record, NormGradientField.all);
  const bias = wordAt(record, NormGradientField.bias);
  const rows = wordAt(record, NormGradientField.rows);
  const columns = wordAt(record, NormGradientField.columns);
  const count = numberAt(record, NormGradientField.columns);
  const scale = elementAt<E>(record, NormGradientField.scale);
  const bytes = columns * sizeof<E>();
  let dx = wordAt(record, NormGradientField.dx);
  let dresidual = wordAt(record, NormGradientField.dresidual);
  let dy = wordAt(record, NormGradientField.dy);
  let h = wordAt(record, NormGradientField.h);
  let x = wordAt(record, NormGradientField.x);
  let dh = wordAt(record, NormGradientField.dh);
  let keep = wordAt(record, NormGradientField.keep);
  let dparallel = wordAt(record, NormGradientField.dparallel);
  let parallelKeep = wordAt(record, NormGradientField.parallelKeep);
  for (let row: usize = 0; row < rows; ++row) {
    const mean = means ? load<E>(means + row * sizeof<E>()) : <E>0;
    const rstd = load<E>(rstds + row * sizeof<E>());
    // Branches with more to them follow from dresidual.
    const direct = sizeof<E>() == 4 && !factors;
    const kept = direct ? keep : 0;
    const to = direct ? dx : dresidual;
    let rest: E = 0;
    let wide = !isModerate<E>(rstd);
    if (sizeof<E>() == 4 && means && !wide && (isFar<E>(mean, rstd) || abs(mean) < <E>SMALL)) {
      const exact = meanOf(h, <f32>mean, columns, work);
      if (abs(mean) < <E>SMALL) wide = exact != <f64>mean;
      else rest = <E>(exact - <f64>mean);
    }
    if (!wide) {
      let sum: f64;
      if (rest == 0) sum = overRow<E, AllKept, Project<Near>>(columns, 0, work, dy, h, gamma, 0, 0, 0, 0, 0, mean, rstd, 0, 0, 0, 0);
      else sum = overRow<E, AllKept, Project<Far>>(columns, 0, work, dy, h, gamma, 0, 0, 0, 0, 0, mean, rstd, rest, 0, 0, 0);
      const product = load<f64>(work, PARTS);
      const g = means ? <E>(sum / count) : <E>0;
      const gx = <E>(product / count);
      if (sizeof<E>() == 4) {
        const size = abs(sum) + abs(product);
        // Sums as large as this, Infinity and NaN come of what f32 may not hold; as small, of what may have vanished.
        if (!(size < LARGE)) wide = true;
        else if (size < SMALL) wide = haveProduct(dy, gamma, columns);
      }
      if (!wide) gradientsOf<E>(to, dresidual, dgamma, dbeta, dy, h, gamma, dh, kept, columns, mean, rstd, g, gx, scale, rest, work);
    }
    if (wide) wideGradients<E>(to, dresidual, dgamma, dbeta, dy, h, gamma, dh, kept, columns, means != 0, mean, rstd, scale, work);
    if (!direct) {
      const decisions = decisionsOf(keep, paths, all, row, columns);
      const factor = load<E>(factors + row * sizeof<E>());
      if (dlayerScale)
        overRow<E, ByMask, Weights>(columns, decisions, work, dresidual, x, bias, 0, 0, 0, dlayerScale, 0, factor, 0, 0, 0, 0, 0);
      branch<E>(dx, dresidual, layerScale, decisions, columns, factor, work);
      if (dparallel) branch<E>(dparallel, dresidual, all - bytes, parallelKeep ? parallelKeep : all, columns, scale, work);
      if (x) x += bytes;
      if (dparallel) dparallel += bytes;
      if (parallelKeep) parallelKeep += columns;
    }
    if (keep) keep += columns;
    dx += bytes;
    dresidual += bytes;
    dy += bytes;
    h += bytes;
    if (dh) dh += bytes;
  }
}

// @ts-ignore: decorator
@inline
function branch<E>(dx: usize, dresidual: usize, layerScale: usize, keep: usize, columns: usize, factor: E, work: usize): void {
  overRow<E, ByMask, Branch>(columns, keep, work, dx, dresidual, layerScale, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
}

/** gradients() for the decisions and the gradient of the residual stream that there are. */
// @ts-ignore: decorator
@inline
function gradientsOf<E>(
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
  mean: E,
  rstd: E,
  g: E,
  gx: E,
  scale: E,
  rest: E,
  work: usize,
): void {
  if (sizeof<E>() == 4 && keep)
    withStream<E, ByMask>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
  else withStream<E, AllKept>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
}

// @ts-ignore: decorator
@inline
function withStream<E, K>(
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
  mean: E,
  rstd: E,
  g: E,
  gx: E,
  scale: E,
  rest: E,
  work: usize,
): void {
  if (dh) gradients<E, K, Plus>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
  else gradients<E, K, Alone>(dx, dresidual, dgamma, dbeta, dy, h, gamma, dh, keep, columns, mean, rstd, g, gx, scale, rest, work);
}

// @ts-ignore: decorator
@inline
function gradients<E, K, D>(
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
  mean: E,
  rstd: E,
  g: E,
  gx: E,
  scale: E,
  rest: E,
  work: usize,
): void {
  overRow<E, K, Gradients<K, D>>(columns, keep, work, dx, dresidual, dy, h, gamma, dh, dgamma, dbeta, mean, rstd, g, gx, scale, rest);
}
