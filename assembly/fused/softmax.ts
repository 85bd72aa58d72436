// Softmax and dropout of attention rows in one pass over memory, and its gradient: y = dropout(P), P = e^(v - max v) / sum e^(v - max v)
// with v = scale * logit + mask, row by row. Source: Vaswani et al., "Attention is all you need", 2017, sections 3.2.1 and 5.4; the row's
// maximum is subtracted so that nothing overflows.
//
// Invariant: columns that causal order hides are not read, and those whose mask is -Infinity count as -Infinity whatever their logit. Both
// are left out: their results are +0, forward and back, whatever stands in the row, NaN too; and where all are so the whole row is +0. A
// row is read before it is written, so results may take the place of operands of the same shape. Sums are those of ./rows.ts.

import { SoftmaxField } from "../../src/ground/abi";
import { mul, sub } from "../math/ops";
import { hold, Masked, powers, Unmasked } from "./powers";
import { elementAt, numberAt, wordAt, workOf } from "./record";
import { AllKept, ByMask, overRow } from "./rows";

// Operations on a row: members as overRow() has them.

/** Multiplies a row by a factor, into another. */
@unmanaged
class Multiply {
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
    const v = mul<T>(load<T>(from), factor);
    store<T>(result, v);
    return v;
  }
}

/** Multiplies a row by a factor and selects in it. */
@unmanaged
class Finish {
  @inline value<T, I>(
    keep: I,
    result: usize,
    b: usize,
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
    const v = changetype<ByMask>(0).select<T, I>(mul<T>(load<T>(result), factor), keep);
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

/** Writes +0 where columns of a row are not seen. */
// @ts-ignore: decorator
@inline
function hide<E>(row: usize, seen: usize, columns: usize): void {
  if (seen < columns) memory.fill(row + seen * sizeof<E>(), 0, (columns - seen) * sizeof<E>());
}

/** Writes +0 where the columns of a row are left out. */
function leaveOut<E>(row: usize, mask: usize, columns: usize): void {
  for (const end = row + columns * sizeof<E>(); row < end; row += sizeof<E>()) {
    if (load<E>(mask) == -Infinity) store<E>(row, <E>0);
    mask += sizeof<E>();
  }
}

/**
 * Rows of y and, where there is room for them, of P. The first is row `maskRow` of the `maskRows` that the mask has, and query `query` of `queries`; both begin anew after their
 * last. `record` has the fields of SoftmaxField and is aligned to 16.
 */
export function softmax<E>(record: usize): void {
  const work = workOf(record);
  hold<E>(work);
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
    const ahead = left > 1 ? bytes : 0;
    const sum = powers<E>(result, x, added, seen, logitScale, work, ahead, ahead);
    if (sum == 0) {
      memory.fill(result, 0, bytes);
      if (probabilities) memory.fill(probabilities, 0, bytes);
    } else {
      const factor = <E>(scale / sum);
      // The columns left out are +0 already, unless they were multiplied with NaN.
      const spoilt = added != 0 && isNaN(sum);
      if (probabilities) {
        overRow<E, AllKept, Multiply>(seen, 0, work, probabilities, result, 0, 0, 0, 0, 0, 0, <E>(1 / sum), 0, 0, 0, 0, 0);
        if (spoilt) leaveOut<E>(probabilities, added, seen);
        hide<E>(probabilities, seen, columns);
      }
      if (keep) overRow<E, ByMask, Finish>(seen, keep, work, result, 0, 0, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
      else overRow<E, AllKept, Multiply>(seen, 0, work, result, result, 0, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0);
      if (spoilt) leaveOut<E>(result, added, seen);
      hide<E>(result, seen, columns);
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
  hold<E>(work);
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
    const sum = powers<E>(row, x, added, seen, logitFactor, work, left > 1 ? bytes : 0, dy - row);
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
      hide<E>(result, seen, columns);
    }
    dy += bytes;
    if (keep) keep += columns;
    result += bytes;
    x += bytes;
    if (++maskRow >= maskRows) maskRow = 0;
    if (++query >= queries) query = 0;
  }
}
