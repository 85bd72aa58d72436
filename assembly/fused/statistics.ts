// Sums over a row of E, f32 or f64, in f64 and in the order of ./rows.ts.

import { AllKept, addToParts, clearParts, overRow, storeParts, total, totalOf } from "./rows";

// @ts-ignore: decorator
@inline
function square2(at: usize, mean: v128): v128 {
  const d = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), mean);
  return f64x2.mul(d, d);
}

/** The sum of squared deviations of a row from `mean`. In f64, where squares of f32 neither overflow nor vanish. */
export function deviation<E>(h: usize, mean: f64, columns: usize, work: usize): f64 {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    store<f64>(work, mean);
    const center = v128.load64_splat(work);
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
    if (c == columns) return totalOf(s01, s23, s45, s67);
    storeParts(work, s01, s23, s45, s67);
  } else {
    clearParts(work);
  }
  for (; c < columns; ++c) {
    const d = <f64>load<E>(h) - mean;
    addToParts(work, c, d * d);
    h += sizeof<E>();
  }
  return total(work);
}

/** An operation of overRow(): the sum of a row. */
@unmanaged
class Sum {
  @inline sums(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    h: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    p: T,
    q: T,
    r: T,
    s: T,
    t: T,
    u: T,
  ): T {
    return load<T>(h);
  }
}

/** The mean of a row. */
// @ts-ignore: decorator
@inline
export function average<E>(h: usize, columns: usize, work: usize): f64 {
  return overRow<E, AllKept, Sum>(columns, 0, work, h, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) / <f64>columns;
}
