// Sums over a row of f32, in f64 and in the order of ./rows.ts.

import { AllKept, addToParts, clearParts, overRow, storeParts, total, totalOf } from "./rows";

// @ts-ignore: decorator
@inline
function square2(at: usize, mean: v128): v128 {
  const d = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), mean);
  return f64x2.mul(d, d);
}

/** The sum of squared deviations of a row from `mean`. In f64, where squares of f32 neither overflow nor vanish. */
export function deviation(h: usize, mean: f64, columns: usize, work: usize): f64 {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
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
    const d = <f64>load<f32>(h) - mean;
    addToParts(work, c, d * d);
    h += 4;
  }
  return total(work);
}

/** An operation of overRow(): the sum of a row. */
@unmanaged
class Sum {
  @inline operands(): i32 {
    return 1;
  }

  @inline wide(): bool {
    return false;
  }

  @inline constants(): i32 {
    return 0;
  }

  @inline sums(): i32 {
    return 1;
  }

  @inline four(
    _keep: v128,
    h: usize,
    _b: usize,
    _c: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    _p: v128,
    _q: v128,
    _r: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    return v128.load(h);
  }

  @inline one(
    _column: usize,
    _keep: usize,
    h: usize,
    _b: usize,
    _c: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    _p: f32,
    _q: f32,
    _r: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    return load<f32>(h);
  }
}

/** The mean of a row. */
// @ts-ignore: decorator
@inline
export function average(h: usize, columns: usize, work: usize): f64 {
  return overRow<AllKept, Sum>(columns, 0, work, h, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) / <f64>columns;
}
