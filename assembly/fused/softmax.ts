// Softmax and dropout of attention rows in one pass over memory, and its gradient: y = dropout(P), P = e^(v - max v) / sum e^(v - max v)
// with v = scale * logit + mask, row by row. Source: Vaswani et al., "Attention is all you need", 2017, sections 3.2.1 and 5.4; the row's
// maximum is subtracted so that nothing overflows.
//
// Invariant: columns that causal order hides are not read, and those whose mask is -Infinity count as -Infinity whatever their logit. Both
// are left out: their results are +0, forward and back, whatever stands in the row, NaN too; and where all are so the whole row is +0. A
// row is read before it is written, so results may take the place of operands of the same shape. Sums are those of ./rows.ts.

import { SoftmaxField } from "../../src/ground/abi";
import { expNeg1, expNeg4 } from "../math/exp";
import { pinned } from "../stream/params";
import { floatAt, numberAt, wordAt, workOf } from "./record";
import { AllKept, ByMask, overRow } from "./rows";

// The start of the search for a maximum: not at -Infinity, from which the distance of a column that is -Infinity itself would be NaN.
// @ts-ignore: decorator
@inline
const LEAST: f32 = -f32.MAX_VALUE;

/** v = scale * logit. */
@unmanaged
class Unmasked {
  @inline at4(x: usize, mask: usize, scale: v128, never: v128): v128 {
    return f32x4.mul(v128.load(x), scale);
  }

  /** v, or +0 where the column is left out. */
  @inline within4(v: v128, mask: usize, never: v128): v128 {
    return v;
  }

  @inline within(v: f32, mask: usize): f32 {
    return v;
  }

  @inline at(x: usize, mask: usize, scale: f32): f32 {
    return load<f32>(x) * scale;
  }
}

/** v = scale * logit + mask. */
@unmanaged
class Masked {
  @inline at4(x: usize, mask: usize, scale: v128, never: v128): v128 {
    const m = v128.load(mask);
    return v128.bitselect(m, f32x4.add(f32x4.mul(v128.load(x), scale), m), f32x4.eq(m, never));
  }

  @inline within4(v: v128, mask: usize, never: v128): v128 {
    return v128.andnot(v, f32x4.eq(v128.load(mask), never));
  }

  @inline within(v: f32, mask: usize): f32 {
    return load<f32>(mask) == -Infinity ? 0 : v;
  }

  @inline at(x: usize, mask: usize, scale: f32): f32 {
    const m = load<f32>(mask);
    return m == -Infinity ? m : load<f32>(x) * scale + m;
  }
}

/** The largest v of a row, a NaN passed over, or LEAST. */
function peak<M>(x: usize, mask: usize, columns: usize, scale: f32, work: usize): f32 {
  const v = changetype<M>(0);
  let c: usize = 0;
  let most = LEAST;
  if (ASC_FEATURE_SIMD) {
    const scales = pinned(f32x4.splat(scale), work);
    const never = pinned(f32x4.splat(-Infinity), work + 16);
    let a = f32x4.splat(LEAST);
    let b = a;
    // pmax(a, b) is a < b ? b : a.
    for (; c + 8 <= columns; c += 8) {
      a = f32x4.pmax(a, v.at4(x, mask, scales, never));
      b = f32x4.pmax(b, v.at4(x + 16, mask + 16, scales, never));
      x += 32;
      mask += 32;
    }
    if (c + 4 <= columns) {
      b = f32x4.pmax(b, v.at4(x, mask, scales, never));
      c += 4;
      x += 16;
      mask += 16;
    }
    a = f32x4.pmax(a, b);
    a = f32x4.pmax(a, v128.shuffle<u32>(a, a, 2, 3, 0, 1));
    most = f32x4.extract_lane(f32x4.pmax(a, v128.shuffle<u32>(a, a, 1, 0, 3, 2)), 0);
  }
  for (; c < columns; ++c) {
    const w = v.at(x, mask, scale);
    most = most < w ? w : most;
    x += 4;
    mask += 4;
  }
  return most;
}

// Operations on a row: methods as overRow() has them.

/** e^(v - most), and its sum; mask M. */
@unmanaged
class Powers<M> {
  @inline operands(): i32 {
    return 3;
  }

  @inline wide(): bool {
    return false;
  }

  @inline constants(): i32 {
    return 3;
  }

  @inline sums(): i32 {
    return 1;
  }

  @inline four(
    _keep: v128,
    result: usize,
    x: usize,
    mask: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    scale: v128,
    most: v128,
    never: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    const power = expNeg4(f32x4.sub(changetype<M>(0).at4(x, mask, scale, never), most));
    v128.store(result, power);
    return power;
  }

  @inline one(
    _column: usize,
    _keep: usize,
    result: usize,
    x: usize,
    mask: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    scale: f32,
    most: f32,
    never: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    const power = expNeg1(changetype<M>(0).at(x, mask, scale) - most);
    store<f32>(result, power);
    return power;
  }
}

/** Multiplies a row by a factor and selects in it; decisions K. */
@unmanaged
class Finish<K> {
  @inline operands(): i32 {
    return 1;
  }

  @inline wide(): bool {
    return false;
  }

  @inline constants(): i32 {
    return 1;
  }

  @inline sums(): i32 {
    return 0;
  }

  @inline four(
    keep: v128,
    result: usize,
    _b: usize,
    _c: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    factor: v128,
    _q: v128,
    _r: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    const v = changetype<K>(0).select4(f32x4.mul(v128.load(result), factor), keep);
    v128.store(result, v);
    return v;
  }

  @inline one(
    column: usize,
    keep: usize,
    result: usize,
    _b: usize,
    _c: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    factor: f32,
    _q: f32,
    _r: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    const v = changetype<K>(0).select(load<f32>(result) * factor, keep, column);
    store<f32>(result, v);
    return v;
  }
}

/** dP, what dropout by decisions K passes of dy, and the sum of its products with `power`. */
@unmanaged
class Weigh<K> {
  @inline operands(): i32 {
    return 3;
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
    result: usize,
    power: usize,
    dy: usize,
    _d: usize,
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
    const dp = k.select4(k.scale4(v128.load(dy), scale), keep);
    v128.store(result, dp);
    return f32x4.mul(dp, v128.load(power));
  }

  @inline one(
    column: usize,
    keep: usize,
    result: usize,
    power: usize,
    dy: usize,
    _d: usize,
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
    const dp = k.select(k.scale(load<f32>(dy), scale), keep, column);
    store<f32>(result, dp);
    return dp * load<f32>(power);
  }
}

/** Turns a row of dP into power * factor * (dP - mean); mask M. */
@unmanaged
class Slopes<M> {
  @inline operands(): i32 {
    return 3;
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
    result: usize,
    power: usize,
    mask: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    factor: v128,
    mean: v128,
    never: v128,
    _s: v128,
    _t: v128,
    _u: v128,
  ): v128 {
    const slope = f32x4.mul(f32x4.mul(v128.load(power), factor), f32x4.sub(v128.load(result), mean));
    const v = changetype<M>(0).within4(slope, mask, never);
    v128.store(result, v);
    return v;
  }

  @inline one(
    _column: usize,
    _keep: usize,
    result: usize,
    power: usize,
    mask: usize,
    _d: usize,
    _e: usize,
    _f: usize,
    _w: usize,
    _x: usize,
    factor: f32,
    mean: f32,
    _r: f32,
    _s: f32,
    _t: f32,
    _u: f32,
  ): f32 {
    const v = changetype<M>(0).within(load<f32>(power) * factor * (load<f32>(result) - mean), mask);
    store<f32>(result, v);
    return v;
  }
}

/** Returns the number of keys seen by the query that causal order puts at place `query` of `queries`; all where `queries` is 0. */
// @ts-ignore: decorator
@inline
function seenBy(query: usize, queries: usize, keys: usize): usize {
  if (queries == 0) return keys;
  const seen = <i32>query + 1 + <i32>keys - <i32>queries;
  return seen < 0 ? 0 : seen;
}

/** Writes +0 where the columns of a row are left out. */
function leaveOut(row: usize, mask: usize, columns: usize): void {
  for (const end = row + (columns << 2); row < end; row += 4) {
    if (load<f32>(mask) == -Infinity) store<f32>(row, 0);
    mask += 4;
  }
}

/** Writes e^(v - max v) for the first `columns` of a row and returns their sum. */
// @ts-ignore: decorator
@inline
function powers(to: usize, x: usize, mask: usize, columns: usize, scale: f32, work: usize): f64 {
  if (mask) return powersOf<Masked>(to, x, mask, columns, scale, work);
  return powersOf<Unmasked>(to, x, 0, columns, scale, work);
}

// @ts-ignore: decorator
@inline
function powersOf<M>(to: usize, x: usize, mask: usize, columns: usize, scale: f32, work: usize): f64 {
  const most = peak<M>(x, mask, columns, scale, work);
  return overRow<AllKept, Powers<M>>(columns, 0, work, to, x, mask, 0, 0, 0, 0, 0, scale, most, -Infinity, 0, 0, 0);
}

/**
 * Rows of y. The first is row `maskRow` of the `maskRows` that the mask has, and query `query` of `queries`; both begin anew after their
 * last. `record` has the fields of SoftmaxField and is aligned to 16.
 */
export function softmax(record: usize): void {
  const work = workOf(record);
  const mask = wordAt(record, SoftmaxField.mask);
  const rows = wordAt(record, SoftmaxField.rows);
  const columns = wordAt(record, SoftmaxField.columns);
  const maskRows = wordAt(record, SoftmaxField.maskRows);
  const queries = wordAt(record, SoftmaxField.queries);
  const logitScale = floatAt(record, SoftmaxField.logitScale);
  const scale = numberAt(record, SoftmaxField.scale);
  const bytes = columns << 2;
  let result = wordAt(record, SoftmaxField.result);
  let x = wordAt(record, SoftmaxField.logits);
  let keep = wordAt(record, SoftmaxField.keep);
  let maskRow = wordAt(record, SoftmaxField.maskRow);
  let query = wordAt(record, SoftmaxField.query);
  for (let left = rows; left > 0; --left) {
    const seen = seenBy(query, queries, columns);
    const added = mask ? mask + maskRow * bytes : 0;
    const sum = powers(result, x, added, seen, logitScale, work);
    if (sum == 0) {
      memory.fill(result, 0, bytes);
    } else {
      const factor = <f32>(scale / sum);
      if (keep) overRow<ByMask, Finish<ByMask>>(seen, keep, work, result, 0, 0, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
      else overRow<AllKept, Finish<AllKept>>(seen, 0, work, result, 0, 0, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
      // The columns left out are +0 already, unless they were multiplied with NaN.
      if (added && isNaN(sum)) leaveOut(result, added, seen);
      memory.fill(result + (seen << 2), 0, bytes - (seen << 2));
    }
    if (keep) keep += columns;
    result += bytes;
    x += bytes;
    if (++maskRow >= maskRows) maskRow = 0;
    if (++query >= queries) query = 0;
  }
}

/**
 * The gradient of softmax(): rows of dlogits = logitScale * P * (dP - sum dP P), dP being dropout of dy, P computed anew from the logits.
 * The record is that of softmax(), with dy and room for a row.
 */
export function softmaxGradient(record: usize): void {
  const work = workOf(record);
  const mask = wordAt(record, SoftmaxField.mask);
  const rows = wordAt(record, SoftmaxField.rows);
  const columns = wordAt(record, SoftmaxField.columns);
  const maskRows = wordAt(record, SoftmaxField.maskRows);
  const queries = wordAt(record, SoftmaxField.queries);
  const logitScale = numberAt(record, SoftmaxField.logitScale);
  const logitFactor = floatAt(record, SoftmaxField.logitScale);
  const scale = floatAt(record, SoftmaxField.scale);
  const bytes = columns << 2;
  let result = wordAt(record, SoftmaxField.result);
  let x = wordAt(record, SoftmaxField.logits);
  let keep = wordAt(record, SoftmaxField.keep);
  let maskRow = wordAt(record, SoftmaxField.maskRow);
  let query = wordAt(record, SoftmaxField.query);
  let dy = wordAt(record, SoftmaxField.dy);
  const row = wordAt(record, SoftmaxField.row);
  for (let left = rows; left > 0; --left) {
    const seen = seenBy(query, queries, columns);
    const added = mask ? mask + maskRow * bytes : 0;
    const sum = powers(row, x, added, seen, logitFactor, work);
    if (sum == 0) {
      memory.fill(result, 0, bytes);
    } else {
      let products: f64;
      if (keep) products = overRow<ByMask, Weigh<ByMask>>(seen, keep, work, result, row, dy, 0, 0, 0, 0, 0, scale, 0, 0, 0, 0, 0);
      else products = overRow<AllKept, Weigh<AllKept>>(seen, 0, work, result, row, dy, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
      if (added && products - products != 0) {
        // Infinity or NaN: it may come of dy where a column is left out, which the others do not depend on.
        leaveOut(result, added, seen);
        products = overRow<AllKept, Weigh<AllKept>>(seen, 0, work, result, row, result, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
      }
      const factor = <f32>(logitScale / sum);
      const mean = <f32>(products / sum);
      if (added) overRow<AllKept, Slopes<Masked>>(seen, 0, work, result, row, added, 0, 0, 0, 0, 0, factor, mean, -Infinity, 0, 0, 0);
      else overRow<AllKept, Slopes<Unmasked>>(seen, 0, work, result, row, 0, 0, 0, 0, 0, 0, factor, mean, 0, 0, 0, 0);
      memory.fill(result + (seen << 2), 0, bytes - (seen << 2));
    }
    dy += bytes;
    if (keep) keep += columns;
    result += bytes;
    x += bytes;
    if (++maskRow >= maskRows) maskRow = 0;
    if (++query >= queries) query = 0;
  }
}
