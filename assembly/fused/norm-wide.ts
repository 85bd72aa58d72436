// Layer norm and its gradient on rows whose numbers leave the range of f32 on the way though results may be within it: an element at a
// time in f64, which holds every product of three numbers of f32. Such rows are rare, so both builds share this code.
// Invariant: an element is read before it is written, as in ./norm.ts.

import { PARTS } from "../../src/ground/abi";
import { addToParts, addWidened, clearParts, total } from "./rows";
import { average, deviation } from "./statistics";

// Between these bounds rstd, deviations and products of two of them stay far from both ends of f32, which are 2^-149 and 2^128.
// @ts-ignore: decorator
@inline
export const SMALL: f32 = reinterpret<f32>(0x1f800000); // 2^-64
// @ts-ignore: decorator
@inline
export const LARGE: f32 = reinterpret<f32>(0x5f800000); // 2^64

/** The mean of a row in f64 where `given` is that mean rounded; where it is another number, that number. */
export function meanOf(h: usize, given: f32, columns: usize, work: usize): f64 {
  const mean = average(h, columns, work);
  return <f32>mean == given ? mean : <f64>given;
}

/** The reciprocal of the standard deviation in f64 where `given` is that rounded, epsilon being negligible; else the number given. */
function inverseOf(h: usize, mean: f64, given: f32, columns: usize, work: usize): f64 {
  const inverse = 1 / sqrt<f64>(deviation(h, mean, columns, work) / <f64>columns);
  return <f32>inverse == given ? inverse : <f64>given;
}

/** True if a product of elements at the same place is not zero. */
export function haveProduct(dy: usize, gamma: usize, columns: usize): bool {
  for (const end = dy + (columns << 2); dy < end; dy += 4) {
    if (load<f32>(dy) != 0 && load<f32>(gamma) != 0) return true;
    gamma += 4;
  }
  return false;
}

/** A row of y = xhat * gamma + beta, from mean and rstd in f64. */
export function normaliseWide(y: usize, h: usize, gamma: usize, beta: usize, columns: usize, mean: f64, rstd: f64): void {
  for (let c: usize = 0; c < columns << 2; c += 4) {
    store<f32>(y + c, <f32>((<f64>load<f32>(h + c) - mean) * rstd * <f64>load<f32>(gamma + c) + <f64>load<f32>(beta + c)));
  }
}

/** The gradients of a row, as Gradients of ./norm.ts; `given` and `rstd` are the mean and rstd of the forward pass. */
export function wideGradients(
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
  given: f32,
  rstd: f32,
  scale: f32,
  work: usize,
): void {
  const mean = meanOf(h, given, columns, work);
  const inverse = inverseOf(h, mean, rstd, columns, work);
  clearParts(work);
  clearParts(work + PARTS);
  for (let c: usize = 0; c < columns; ++c) {
    const at = c << 2;
    const g = <f64>load<f32>(dy + at) * <f64>load<f32>(gamma + at);
    addToParts(work, c, g);
    addToParts(work + PARTS, c, g * ((<f64>load<f32>(h + at) - mean) * inverse));
  }
  const g = total(work) / <f64>columns;
  const gx = total(work + PARTS) / <f64>columns;
  for (let c: usize = 0; c < columns; ++c) {
    const at = c << 2;
    const xhat = (<f64>load<f32>(h + at) - mean) * inverse;
    const dys = load<f32>(dy + at);
    const inner = <f64>dys * <f64>load<f32>(gamma + at) - g - xhat * gx;
    const v = <f32>(dh ? inner * inverse + <f64>load<f32>(dh + at) : inner * inverse);
    store<f32>(dresidual + at, v);
    store<f32>(dx + at, keep ? (load<u8>(keep + c) ? v * scale : 0) : v);
    const sum = dgamma + (c << 3);
    store<f64>(sum, load<f64>(sum) + <f64>dys * xhat);
    addWidened(dbeta + (c << 3), dys);
  }
}
