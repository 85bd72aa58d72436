// Softmax and dropout of attention rows in one pass over memory, and its gradient: y = dropout(P), P = e^(v - max v) / sum e^(v - max v)
// with v = scale * logit + mask, row by row. Source: Vaswani et al., "Attention is all you need", 2017, sections 3.2.1 and 5.4; the row's
// maximum is subtracted so that nothing overflows.
//
// Invariant: columns that causal order hides are not read, and those whose mask is -Infinity count as -Infinity whatever their logit. Both
// are left out: their results are +0, forward and back, whatever stands in the row, NaN too; and where all are so the whole row is +0. A
// row is read before it is written, so results may take the place of operands of the same shape. Sums are those of ./rows.ts.

import { SoftmaxField } from "../../src/ground/abi";
import { exp } from "../math/elementary";
import { expNeg1, expNeg4 } from "../math/exp";
import { One } from "../math/lanes";
import { add, equal, mul, select, sub } from "../math/ops";
import { pinned } from "../stream/params";
import { elementAt, numberAt, wordAt, workOf } from "./record";
import { AllKept, ByMask, overRow } from "./rows";

// The start of the search for a maximum: not at -Infinity, from which the distance of a column that is -Infinity itself would be NaN.
// @ts-ignore: decorator
@inline
function least<E>(): E {
  if (sizeof<E>() == 4) return <E>-f32.MAX_VALUE;
  else return <E>-f64.MAX_VALUE;
}

/** v = scale * logit. */
@unmanaged
class Unmasked {
  @inline at<T, _I>(logit: usize, mask: usize, scale: T, never: T): T {
    return mul<T>(load<T>(logit), scale);
  }

  /** v, or +0 where the column is left out. */
  @inline within<T, _I>(v: T, mask: usize, never: T): T {
    return v;
  }
}

/** The logit itself. */
@unmanaged
class Unscaled {
  @inline at<T, _I>(logit: usize, mask: usize, scale: T, never: T): T {
    return load<T>(logit);
  }
}

/** v = scale * logit + mask. */
@unmanaged
class Masked {
  @inline at<T, I>(logit: usize, mask: usize, scale: T, never: T): T {
    const m = load<T>(mask);
    return select<T, I>(equal<T, I>(m, never), m, add<T>(mul<T>(load<T>(logit), scale), m));
  }

  @inline within<T, I>(v: T, mask: usize, never: T): T {
    const hidden = equal<T, I>(load<T>(mask), never);
    if (isVector<T>()) return v128.andnot(v, hidden);
    else return hidden ? <T>0 : v;
  }
}

/** The largest v of a row, a NaN passed over, or least(). */
function peak<E, M>(x: usize, mask: usize, columns: usize, scale: E, work: usize): E {
  const v = changetype<M>(0);
  let c: usize = 0;
  let most = least<E>();
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    const scales = pinned(f32x4.splat(scale), work);
    const never = pinned(f32x4.splat(-Infinity), work + 16);
    let m0 = f32x4.splat(<f32>most);
    let m1 = m0;
    let m2 = m0;
    let m3 = m0;
    // pmax(a, b) is a < b ? b : a. Each waits for the one before it, so there are four.
    for (; c + 16 <= columns; c += 16) {
      m0 = f32x4.pmax(m0, v.at<v128, v128>(x, mask, scales, never));
      m1 = f32x4.pmax(m1, v.at<v128, v128>(x + 16, mask + 16, scales, never));
      m2 = f32x4.pmax(m2, v.at<v128, v128>(x + 32, mask + 32, scales, never));
      m3 = f32x4.pmax(m3, v.at<v128, v128>(x + 48, mask + 48, scales, never));
      x += 64;
      mask += 64;
    }
    for (; c + 4 <= columns; c += 4) {
      m0 = f32x4.pmax(m0, v.at<v128, v128>(x, mask, scales, never));
      x += 16;
      mask += 16;
    }
    let a = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
    a = f32x4.pmax(a, v128.shuffle<u32>(a, a, 2, 3, 0, 1));
    most = <E>f32x4.extract_lane(f32x4.pmax(a, v128.shuffle<u32>(a, a, 1, 0, 3, 2)), 0);
  }
  for (; c < columns; ++c) {
    const one = v.at<E, i32>(x, mask, scale, <E>-Infinity);
    most = most < one ? one : most;
    x += sizeof<E>();
    mask += sizeof<E>();
  }
  return most;
}

/** e^v for v <= 0 or NaN; +0 some way below the least normal number. */
// @ts-ignore: decorator
@inline
function power<T>(v: T): T {
  if (isVector<T>()) return expNeg4(v);
  else if (sizeof<T>() == 4) return expNeg1(v);
  else return exp<f64, One>(v);
}

// Operations on a row: members as overRow() has them.

/** e^(v - most), and its sum; mask M. */
@unmanaged
class Powers<M> {
  @inline sums(): bool {
    return true;
  }

  @inline bounded(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    result: usize,
    logit: usize,
    mask: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    scale: T,
    most: T,
    never: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const v = power<T>(sub<T>(changetype<M>(0).at<T, I>(logit, mask, scale, never), most));
    store<T>(result, v);
    return v;
  }
}

/** Multiplies a row by a factor and selects in it; decisions K. */
@unmanaged
class Finish<K> {
  @inline value<T, I>(
    keep: I,
    result: usize,
    from: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    factor: T,
    q: T,
    r: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const v = changetype<K>(0).select<T, I>(mul<T>(load<T>(from), factor), keep);
    store<T>(result, v);
    return v;
  }
}

/** dP, what dropout by decisions K passes of dy, and the sum of its products with `power`. */
@unmanaged
class Weigh<K> {
  @inline sums(): bool {
    return true;
  }

  @inline value<T, I>(
    keep: I,
    result: usize,
    power: usize,
    dy: usize,
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
    const k = changetype<K>(0);
    const dp = k.select<T, I>(k.scale<T>(load<T>(dy), scale), keep);
    store<T>(result, dp);
    return mul<T>(dp, load<T>(power));
  }
}

/** Turns a row of dP into power * factor * (dP - mean); mask M. */
@unmanaged
class Slopes<M> {
  @inline value<T, I>(
    keep: I,
    result: usize,
    power: usize,
    mask: usize,
    d: usize,
    e: usize,
    f: usize,
    w: usize,
    x: usize,
    factor: T,
    mean: T,
    never: T,
    s: T,
    t: T,
    u: T,
  ): T {
    const slope = mul<T>(mul<T>(load<T>(power), factor), sub<T>(load<T>(result), mean));
    const v = changetype<M>(0).within<T, I>(slope, mask, never);
    store<T>(result, v);
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
function leaveOut<E>(row: usize, mask: usize, columns: usize): void {
  for (const end = row + columns * sizeof<E>(); row < end; row += sizeof<E>()) {
    if (load<E>(mask) == -Infinity) store<E>(row, <E>0);
    mask += sizeof<E>();
  }
}

/** Writes e^(v - max v) for the first `columns` of a row and returns their sum. */
// @ts-ignore: decorator
@inline
function powers<E>(to: usize, x: usize, mask: usize, columns: usize, scale: E, work: usize): f64 {
  if (mask) return powersOf<E, Masked>(to, x, mask, columns, scale, work);
  return powersOf<E, Unmasked>(to, x, 0, columns, scale, work);
}

/** peak(); of logits without a mask, which a positive scale leaves in their order, that of the logits is multiplied. */
// @ts-ignore: decorator
@inline
function peakOf<E, M>(x: usize, mask: usize, columns: usize, scale: E, work: usize): E {
  if (mask || !(scale > 0)) return peak<E, M>(x, mask, columns, scale, work);
  const most = peak<E, Unscaled>(x, 0, columns, scale, work) * scale;
  return most < least<E>() ? least<E>() : most;
}

// @ts-ignore: decorator
@inline
function powersOf<E, M>(to: usize, x: usize, mask: usize, columns: usize, scale: E, work: usize): f64 {
  const most = peakOf<E, M>(x, mask, columns, scale, work);
  return overRow<E, AllKept, Powers<M>>(columns, 0, work, to, x, mask, 0, 0, 0, 0, 0, scale, most, <E>-Infinity, 0, 0, 0);
}

/**
 * Rows of y and, where there is room for them, of P. The first is row `maskRow` of the `maskRows` that the mask has, and query `query` of `queries`; both begin anew after their
 * last. `record` has the fields of SoftmaxField and is aligned to 16.
 */
export function softmax<E>(record: usize): void {
  const work = workOf(record);
  const mask = wordAt(record, SoftmaxField.mask);
  const rows = wordAt(record, SoftmaxField.rows);
  const columns = wordAt(record, SoftmaxField.columns);
  const maskRows = wordAt(record, SoftmaxField.maskRows);
  const queries = wordAt(record, SoftmaxField.queries);
  const logitScale = elementAt<E>(record, SoftmaxField.logitScale);
  const scale = numberAt(record, SoftmaxField.scale);
  const bytes = columns * sizeof<E>();
  let result = wordAt(record, SoftmaxField.result);
  let x = wordAt(record, SoftmaxField.logits);
  let keep = wordAt(record, SoftmaxField.keep);
  let maskRow = wordAt(record, SoftmaxField.maskRow);
  let query = wordAt(record, SoftmaxField.query);
  let probabilities = wordAt(record, SoftmaxField.probabilities);
  for (let left = rows; left > 0; --left) {
    const seen = seenBy(query, queries, columns);
    const added = mask ? mask + maskRow * bytes : 0;
    const sum = powers<E>(result, x, added, seen, logitScale, work);
    if (sum == 0) {
      memory.fill(result, 0, bytes);
      if (probabilities) memory.fill(probabilities, 0, bytes);
    } else {
      const factor = <E>(scale / sum);
      // The columns left out are +0 already, unless they were multiplied with NaN.
      const spoilt = added != 0 && isNaN(sum);
      if (probabilities) {
        overRow<E, AllKept, Finish<AllKept>>(seen, 0, work, probabilities, result, 0, 0, 0, 0, 0, 0, <E>(1 / sum), 0, 0, 0, 0, 0);
        if (spoilt) leaveOut<E>(probabilities, added, seen);
        memory.fill(probabilities + seen * sizeof<E>(), 0, bytes - seen * sizeof<E>());
      }
      if (keep) overRow<E, ByMask, Finish<ByMask>>(seen, keep, work, result, result, 0, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
      else overRow<E, AllKept, Finish<AllKept>>(seen, 0, work, result, result, 0, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
      if (spoilt) leaveOut<E>(result, added, seen);
      memory.fill(result + seen * sizeof<E>(), 0, bytes - seen * sizeof<E>());
    }
    if (keep) keep += columns;
    if (probabilities) probabilities += bytes;
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
export function softmaxGradient<E>(record: usize): void {
  const work = workOf(record);
  const mask = wordAt(record, SoftmaxField.mask);
  const rows = wordAt(record, SoftmaxField.rows);
  const columns = wordAt(record, SoftmaxField.columns);
  const maskRows = wordAt(record, SoftmaxField.maskRows);
  const queries = wordAt(record, SoftmaxField.queries);
  const logitScale = numberAt(record, SoftmaxField.logitScale);
  const logitFactor = elementAt<E>(record, SoftmaxField.logitScale);
  const scale = elementAt<E>(record, SoftmaxField.scale);
  const bytes = columns * sizeof<E>();
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
    const sum = powers<E>(row, x, added, seen, logitFactor, work);
    if (sum == 0) {
      memory.fill(result, 0, bytes);
    } else {
      let products: f64;
      if (keep) products = overRow<E, ByMask, Weigh<ByMask>>(seen, keep, work, result, row, dy, 0, 0, 0, 0, 0, scale, 0, 0, 0, 0, 0);
      else products = overRow<E, AllKept, Weigh<AllKept>>(seen, 0, work, result, row, dy, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
      if (added && products - products != 0) {
        // Infinity or NaN: it may come of dy where a column is left out, which the others do not depend on.
        leaveOut<E>(result, added, seen);
        products = overRow<E, AllKept, Weigh<AllKept>>(seen, 0, work, result, row, result, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
      }
      const factor = <E>(logitScale / sum);
      const mean = <E>(products / sum);
      if (added) overRow<E, AllKept, Slopes<Masked>>(seen, 0, work, result, row, added, 0, 0, 0, 0, 0, factor, mean, <E>-Infinity, 0, 0, 0);
      else overRow<E, AllKept, Slopes<Unmasked>>(seen, 0, work, result, row, 0, 0, 0, 0, 0, 0, factor, mean, 0, 0, 0, 0);
      memory.fill(result + seen * sizeof<E>(), 0, bytes - seen * sizeof<E>());
    }
    dy += bytes;
    if (keep) keep += columns;
    result += bytes;
    x += bytes;
    if (++maskRow >= maskRows) maskRow = 0;
    if (++query >= queries) query = 0;
  }
}
