// Norms and their gradients on rows whose numbers leave the range of f32, or of f64, on the way though results may be within it: an element at a
// time in f64, which holds every product of three numbers of f32; rows of f64 multiplied by a power of 2 that brings the largest near 1. Such rows
// are rare, so both builds share this code.
// Invariant: an element is read before it is written, as in ./norm.ts.

import { PARTS } from "../../src/ground/abi";
import { addToParts, addWidened, clearParts, total } from "./rows";
import { average } from "./statistics";

// Between these bounds rstd, deviations and products of two of them stay far from both ends of f32, which are 2^-149 and 2^128.
// @ts-ignore: decorator
@inline
export const SMALL: f32 = reinterpret<f32>(0x1f800000); // 2^-64
// @ts-ignore: decorator
@inline
export const LARGE: f32 = reinterpret<f32>(0x5f800000); // 2^64

/** The mean of a row of f32 in f64 where `given` is that mean rounded; where it is another number, that number. */
export function meanOf(h: usize, given: f32, columns: usize, work: usize): f64 {
  const mean = average<f32>(h, columns, work);
  return <f32>mean == given ? mean : <f64>given;
}

/** True if a product of elements at the same place is not zero. */
export function haveProduct(dy: usize, gamma: usize, columns: usize): bool {
  for (const end = dy + (columns << 2); dy < end; dy += 4) {
    if (load<f32>(dy) != 0 && load<f32>(gamma) != 0) return true;
    gamma += 4;
  }
  return false;
}

/** The power of 2 to multiply a row by: 1 for f32, and for rows of f64 that have an infinity or nothing but zeros and NaN. */
function factorOf<E>(h: usize, columns: usize): f64 {
  if (sizeof<E>() == 4) return 1;
  let most: f64 = 0;
  for (const end = h + columns * sizeof<E>(); h < end; h += sizeof<E>()) {
    const size = abs(<f64>load<E>(h));
    if (size > most) most = size;
  }
  if (most == 0 || most == Infinity) return 1;
  // Its exponent negated; a subnormal number's is taken for the least. The factor is not subnormal.
  const exponent = max<i64>(<i64>(reinterpret<u64>(most) >> 52) - 1023, -1021);
  return reinterpret<f64>((<i64>1023 - min<i64>(exponent, 1022)) << 52);
}

/** The mean of a row, multiplied by `factor`. */
function scaledMean<E>(h: usize, factor: f64, columns: usize, work: usize): f64 {
  clearParts(work);
  for (let c: usize = 0; c < columns; ++c) addToParts(work, c, <f64>load<E>(h + c * sizeof<E>()) * factor);
  return total(work) / <f64>columns;
}

/** The mean of squared deviations from `mean` of a row multiplied by `factor`. */
function scaledVariance<E>(h: usize, factor: f64, mean: f64, columns: usize, work: usize): f64 {
  clearParts(work);
  for (let c: usize = 0; c < columns; ++c) {
    const d = <f64>load<E>(h + c * sizeof<E>()) * factor - mean;
    addToParts(work, c, d * d);
  }
  return total(work) / <f64>columns;
}

/** A row of y = xhat * gamma + beta, and its mean and rstd. A mean is subtracted where the norm is `centred`. */
export function normaliseWide<E>(
  y: usize,
  h: usize,
  gamma: usize,
  beta: usize,
  columns: usize,
  means: usize,
  rstds: usize,
  centred: bool,
  epsilon: f64,
  work: usize,
): void {
  const factor = factorOf<E>(h, columns);
  const mean = centred ? scaledMean<E>(h, factor, columns, work) : 0;
  const rstd = 1 / sqrt<f64>(scaledVariance<E>(h, factor, mean, columns, work) + epsilon * factor * factor);
  if (means) store<E>(means, <E>(mean / factor));
  store<E>(rstds, <E>(rstd * factor));
  for (let c: usize = 0; c < columns * sizeof<E>(); c += sizeof<E>()) {
    const xhat = (<f64>load<E>(h + c) * factor - mean) * rstd;
    store<E>(y + c, <E>(xhat * <f64>load<E>(gamma + c) + <f64>load<E>(beta + c)));
  }
}

/** The gradients of a row, as Gradients of ./norm.ts; `given` and `rstd` are the mean and rstd of the forward pass. */
export function wideGradients<E>(
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
  centred: bool,
  given: E,
  rstd: E,
  scale: E,
  work: usize,
): void {
  const factor = factorOf<E>(h, columns);
  let mean = <f64>given * factor;
  if (centred) {
    const exact = scaledMean<E>(h, factor, columns, work);
    if (<E>(exact / factor) == given) mean = exact;
  }
  // Epsilon was negligible if the rstd that was given is this one rounded.
  let inverse = 1 / sqrt<f64>(scaledVariance<E>(h, factor, mean, columns, work));
  if (<E>(inverse * factor) != rstd) inverse = <f64>rstd / factor;
  clearParts(work);
  clearParts(work + PARTS);
  for (let c: usize = 0; c < columns; ++c) {
    const at = c * sizeof<E>();
    const g = <f64>load<E>(dy + at) * <f64>load<E>(gamma + at);
    addToParts(work, c, g);
    addToParts(work + PARTS, c, g * ((<f64>load<E>(h + at) * factor - mean) * inverse));
  }
  const g = centred ? total(work) / <f64>columns : 0;
  const gx = total(work + PARTS) / <f64>columns;
  for (let c: usize = 0; c < columns; ++c) {
    const at = c * sizeof<E>();
    const xhat = (<f64>load<E>(h + at) * factor - mean) * inverse;
    const dys = load<E>(dy + at);
    const inner = (<f64>dys * <f64>load<E>(gamma + at) - g - xhat * gx) * inverse * factor;
    const v = <E>(dh ? inner + <f64>load<E>(dh + at) : inner);
    store<E>(dresidual + at, v);
    store<E>(dx + at, keep ? (load<u8>(keep + c) ? v * scale : <E>0) : v);
    addWidened<f64>(dgamma + (c << 3), <f64>dys * xhat);
    addWidened<f64>(dbeta + (c << 3), <f64>dys);
  }
}
