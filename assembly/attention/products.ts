// Matrix products in small tiles that stay in registers: four rows of eight sums each (Goto, van de Geijn, "Anatomy of high-performance matrix
// multiplication", ACM TOMS 34, 2008).
// Invariant: a sum begins at +0 and adds one product after the other in ascending order, each rounded twice, whatever tile it is part of.

import { LANES, LINE } from "./record";

// The places of the four factors of a step: their distance, where `stride` is that of rows in a matrix, and the bytes to those of the next step.

/** One in each of four rows of a matrix. */
@unmanaged
export class Apart {
  @inline distance(stride: usize): usize {
    return stride;
  }

  @inline next(): usize {
    return 4;
  }
}

/** Four next to each other in a row of a tile. */
@unmanaged
export class Beside {
  @inline distance(stride: usize): usize {
    return 4;
  }

  @inline next(): usize {
    return LINE;
  }
}

/** One in each of four rows of a tile. */
@unmanaged
export class Below {
  @inline distance(stride: usize): usize {
    return LINE;
  }

  @inline next(): usize {
    return 4;
  }
}

// Sizes of tiles.

@unmanaged
export class FourByEight {
  @inline rows(): i32 {
    return 4;
  }

  @inline wide(): bool {
    return true;
  }
}

@unmanaged
export class FourByFour {
  @inline rows(): i32 {
    return 4;
  }

  @inline wide(): bool {
    return false;
  }
}

@unmanaged
export class OneByEight {
  @inline rows(): i32 {
    return 1;
  }

  @inline wide(): bool {
    return true;
  }
}

@unmanaged
export class OneByFour {
  @inline rows(): i32 {
    return 1;
  }

  @inline wide(): bool {
    return false;
  }
}

/**
 * Writes the sums of `steps` products to rows of LINE bytes at `to`: row k, lane j has the sum of factor k times lane j at `b`. From one step to the
 * next lanes are `down` bytes apart, and factors as P says; after every `run` steps, factors are `jump` bytes further.
 */
export function sums<P, S>(to: usize, a: usize, stride: usize, b: usize, down: usize, steps: usize, run: usize, jump: usize): void {
  const next = changetype<P>(0).next();
  const size = changetype<S>(0);
  const d1 = changetype<P>(0).distance(stride);
  const d2 = d1 << 1;
  const d3 = d1 + d2;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  while (steps > 0) {
    let left = steps < run ? steps : run;
    steps -= left;
    // Not unrolled: V8 does so, and of more steps in one it keeps sums on the stack.
    for (; left > 0; --left) {
      const x = v128.load(b);
      const y = size.wide() ? v128.load(b, 16) : x;
      let factor = v128.load32_splat(a);
      s00 = f32x4.add(s00, f32x4.mul(factor, x));
      if (size.wide()) s01 = f32x4.add(s01, f32x4.mul(factor, y));
      if (size.rows() > 1) {
        factor = v128.load32_splat(a + d1);
        s10 = f32x4.add(s10, f32x4.mul(factor, x));
        if (size.wide()) s11 = f32x4.add(s11, f32x4.mul(factor, y));
        factor = v128.load32_splat(a + d2);
        s20 = f32x4.add(s20, f32x4.mul(factor, x));
        if (size.wide()) s21 = f32x4.add(s21, f32x4.mul(factor, y));
        factor = v128.load32_splat(a + d3);
        s30 = f32x4.add(s30, f32x4.mul(factor, x));
        if (size.wide()) s31 = f32x4.add(s31, f32x4.mul(factor, y));
      }
      a += next;
      b += down;
    }
    a += jump;
  }
  v128.store(to, s00);
  if (size.wide()) v128.store(to, s01, 16);
  if (size.rows() > 1) {
    v128.store(to, s10, LINE);
    if (size.wide()) v128.store(to, s11, LINE + 16);
    v128.store(to, s20, 2 * LINE);
    if (size.wide()) v128.store(to, s21, 2 * LINE + 16);
    v128.store(to, s30, 3 * LINE);
    if (size.wide()) v128.store(to, s31, 3 * LINE + 16);
  }
}

/** One sum of sums(). */
function sum(a: usize, next: usize, b: usize, down: usize, steps: usize, run: usize, jump: usize): f32 {
  let s: f32 = 0;
  while (steps > 0) {
    let left = steps < run ? steps : run;
    steps -= left;
    for (; left > 0; --left) {
      s += load<f32>(a) * load<f32>(b);
      a += next;
      b += down;
    }
    a += jump;
  }
  return s;
}

/** As sum(), without the products whose first factor is 0, whatever the other is. */
function sumWithoutZeros(a: usize, next: usize, b: usize, down: usize, steps: usize, run: usize, jump: usize): f32 {
  let s: f32 = 0;
  while (steps > 0) {
    let left = steps < run ? steps : run;
    steps -= left;
    for (; left > 0; --left) {
      const factor = load<f32>(a);
      if (factor != 0) s += factor * load<f32>(b);
      a += next;
      b += down;
    }
    a += jump;
  }
  return s;
}

/** Writes a tile: the products of `keys` rows of a matrix, of `depth` columns, with a panel. */
export function scores(tile: usize, matrix: usize, keys: usize, depth: usize, panel: usize): void {
  const stride = depth << 2;
  let left = keys;
  if (ASC_FEATURE_SIMD) {
    for (; left >= 4; left -= 4) {
      sums<Apart, FourByEight>(tile, matrix, stride, panel, LINE, depth, depth, 0);
      tile += 4 * LINE;
      matrix += 4 * stride;
    }
    for (; left > 0; --left) {
      sums<Apart, OneByEight>(tile, matrix, stride, panel, LINE, depth, depth, 0);
      tile += LINE;
      matrix += stride;
    }
  } else {
    for (; left > 0; --left) {
      for (let lane: usize = 0; lane < LINE; lane += 4) {
        store<f32>(tile + lane, sum(matrix, 4, panel + lane, LINE, depth, depth, 0));
      }
      tile += LINE;
      matrix += stride;
    }
  }
}

/** True if a sum of a corner of four rows is infinite or NaN; may be true of finite ones whose sum is not. */
// @ts-ignore: decorator
@inline
function isWild(corner: usize, rows: usize, columns: usize): bool {
  if (ASC_FEATURE_SIMD) {
    let s = v128.load(corner);
    if (columns > 4) s = f32x4.add(s, v128.load(corner, 16));
    for (let r: usize = 1; r < rows; ++r) {
      s = f32x4.add(s, v128.load(corner + r * LINE));
      if (columns > 4) s = f32x4.add(s, v128.load(corner + r * LINE, 16));
    }
    return v128.any_true(f32x4.ne(f32x4.sub(s, s), f32x4.splat(0)));
  }
  return false;
}

/**
 * result[r, j] = result[r, j] * factor[r] + the sum of weight * matrix over `steps` rows of a matrix. Weights of row r are at `a` + r * distance, from one
 * step to the next as sums() has it. A weight of 0 takes nothing of the matrix, whatever stands there.
 */
// @ts-ignore: decorator
@inline
function weighted<P>(
  result: usize,
  factors: usize,
  corner: usize,
  a: usize,
  matrix: usize,
  columns: usize,
  rows: usize,
  steps: usize,
  run: usize,
  jump: usize,
): void {
  const down = columns << 2;
  const distance = changetype<P>(0).distance(0);
  const next = changetype<P>(0).next();
  for (let r: usize = 0; r < rows; ) {
    // Of a tile, whole fours of rows exist, though not all are part of the result.
    const four = ASC_FEATURE_SIMD && (distance == 4 || r + 4 <= rows);
    const some: usize = four ? (rows - r < 4 ? rows - r : 4) : 1;
    for (let j: usize = 0; j < columns; ) {
      let width: usize = 1;
      let wild = false;
      const b = matrix + (j << 2);
      if (ASC_FEATURE_SIMD && j + 4 <= columns) {
        width = j + 8 <= columns ? 8 : 4;
        if (four) {
          if (width == 8) sums<P, FourByEight>(corner, a, 0, b, down, steps, run, jump);
          else sums<P, FourByFour>(corner, a, 0, b, down, steps, run, jump);
        } else {
          if (width == 8) sums<P, OneByEight>(corner, a, 0, b, down, steps, run, jump);
          else sums<P, OneByFour>(corner, a, 0, b, down, steps, run, jump);
        }
        wild = isWild(corner, some, width);
      } else {
        for (let k: usize = 0; k < some; ++k) {
          const s = sum(a + k * distance, next, b, down, steps, run, jump);
          store<f32>(corner + k * LINE, s);
          wild = wild || s - s != 0;
        }
      }
      if (wild) {
        for (let k: usize = 0; k < some; ++k) {
          for (let l: usize = 0; l < width; ++l) {
            store<f32>(corner + k * LINE + (l << 2), sumWithoutZeros(a + k * distance, next, b + (l << 2), down, steps, run, jump));
          }
        }
      }
      for (let k: usize = 0; k < some; ++k) {
        const to = result + k * down + (j << 2);
        const from = corner + k * LINE;
        if (ASC_FEATURE_SIMD && width >= 4) {
          const factor = v128.load32_splat(factors + (k << 2));
          v128.store(to, f32x4.add(f32x4.mul(v128.load(to), factor), v128.load(from)));
          if (width == 8) v128.store(to, f32x4.add(f32x4.mul(v128.load(to, 16), factor), v128.load(from, 16)), 16);
        } else {
          store<f32>(to, load<f32>(to) * load<f32>(factors + (k << 2)) + load<f32>(from));
        }
      }
      j += width;
    }
    r += some;
    a += some * distance;
    result += some * down;
    factors += some << 2;
  }
}

/** result[r, j] = result[r, j] * factor[r] + the sum over keys of tile[key, r] * matrix[key, j], for up to PANEL rows r. */
export function overKeys(
  result: usize,
  factors: usize,
  corner: usize,
  tile: usize,
  matrix: usize,
  columns: usize,
  rows: usize,
  keys: usize,
): void {
  weighted<Beside>(result, factors, corner, tile, matrix, columns, rows, keys, keys, 0);
}

/** result[key, j] += the sum over rows of tile[key, row] * matrix[row, j], the tiles of a panel each being `stride` bytes apart. */
export function overRows(
  result: usize,
  ones: usize,
  corner: usize,
  tile: usize,
  stride: usize,
  matrix: usize,
  columns: usize,
  rows: usize,
  keys: usize,
): void {
  for (let left = keys; left > 0; ) {
    // A call for no more rows than there are factors.
    const some: usize = left < LANES ? left : LANES;
    weighted<Below>(result, ones, corner, tile, matrix, columns, some, rows, LANES, stride - LINE);
    result += some * (columns << 2);
    tile += some * LINE;
    left -= some;
  }
}
