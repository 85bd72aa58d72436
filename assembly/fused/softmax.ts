// Softmax and dropout of attention rows in one pass over memory, and its gradient: y = dropout(P), P = e^(v - max v) / sum e^(v - max v)
// with v = scale * logit + mask, row by row. Source: Vaswani et al., "Attention is all you need", 2017, sections 3.2.1 and 5.4; the row's
// maximum is subtracted so that nothing overflows.
//
// Invariant: columns that causal order hides are not read, and those whose mask is -Infinity count as -Infinity whatever their logit; both
// have P = 0, and where all are so the whole row is +0. A row is read before it is written, so results may take the place of operands of
// the same shape. Sums are those of ./rows.ts.

import { expNeg1, expNeg4 } from "../math/exp";
import { pinned } from "../stream/params";
import { addToParts, addToParts4, AllKept, ByMask, clearParts, high, low, storeParts, total } from "./rows";

// Where the search for a maximum begins: not at -Infinity, from which the distance of a column that is -Infinity itself would be NaN.
// @ts-ignore: decorator
@inline const LEAST: f32 = -f32.MAX_VALUE;

/** v = scale * logit. */
@unmanaged
class Unmasked {
  @inline at4(x: usize, mask: usize, scale: v128, never: v128): v128 {
    return f32x4.mul(v128.load(x), scale);
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

/** Writes e^(v - most) for a row and returns the sum. */
function powers<M>(dst: usize, x: usize, mask: usize, columns: usize, scale: f32, most: f32, work: usize): f64 {
  const v = changetype<M>(0);
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const scales = pinned(f32x4.splat(scale), work);
    const never = pinned(f32x4.splat(-Infinity), work + 16);
    const peaks = pinned(f32x4.splat(most), work + 32);
    let s01 = f64x2.splat(0);
    let s23 = s01;
    let s45 = s01;
    let s67 = s01;
    for (; c + 8 <= columns; c += 8) {
      const a = expNeg4(f32x4.sub(v.at4(x, mask, scales, never), peaks));
      const b = expNeg4(f32x4.sub(v.at4(x + 16, mask + 16, scales, never), peaks));
      v128.store(dst, a);
      v128.store(dst, b, 16);
      s01 = f64x2.add(s01, low(a));
      s23 = f64x2.add(s23, high(a));
      s45 = f64x2.add(s45, low(b));
      s67 = f64x2.add(s67, high(b));
      dst += 32;
      x += 32;
      mask += 32;
    }
    storeParts(work, s01, s23, s45, s67);
    if (c + 4 <= columns) {
      const a = expNeg4(f32x4.sub(v.at4(x, mask, scales, never), f32x4.splat(most)));
      v128.store(dst, a);
      addToParts4(work, c, a);
      c += 4;
      dst += 16;
      x += 16;
      mask += 16;
    }
  } else {
    clearParts(work);
  }
  for (; c < columns; ++c) {
    const e = expNeg1(v.at(x, mask, scale) - most);
    store<f32>(dst, e);
    addToParts(work, c, e);
    dst += 4;
    x += 4;
    mask += 4;
  }
  return total(work);
}

// @ts-ignore: decorator
@inline
function finish4<K>(dst: usize, keep: v128, factor: v128): void {
  v128.store(dst, changetype<K>(0).select4(f32x4.mul(v128.load(dst), factor), keep));
}

/** Multiplies a row and selects in it by decisions K. */
function finish<K>(dst: usize, keep: usize, columns: usize, factor: f32, work: usize): void {
  const k = changetype<K>(0);
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factors = pinned(f32x4.splat(factor), work);
    for (; c + 16 <= columns; c += 16) {
      const keeps = k.sixteen(keep, c);
      const front = k.front(keeps);
      const back = k.back(keeps);
      finish4<K>(dst, k.first(front), factors);
      finish4<K>(dst + 16, k.second(front), factors);
      finish4<K>(dst + 32, k.first(back), factors);
      finish4<K>(dst + 48, k.second(back), factors);
      dst += 64;
    }
    for (; c + 4 <= columns; c += 4) {
      finish4<K>(dst, k.first(k.four(keep, c)), factors);
      dst += 16;
    }
  }
  for (; c < columns; ++c) {
    store<f32>(dst, k.select(load<f32>(dst) * factor, keep, c));
    dst += 4;
  }
}

/** How many keys the query sees that causal order puts at place `query` of `queries`; all where `queries` is 0. */
// @ts-ignore: decorator
@inline
function seenBy(query: usize, queries: usize, keys: usize): usize {
  if (queries == 0) return keys;
  const seen = <i32>query + 1 + <i32>keys - <i32>queries;
  return seen < 0 ? 0 : seen;
}

/**
 * Rows of y. The first is row `maskRow` of the `maskRows` that `mask` has, and query `query` of `queries`; both begin anew after their
 * last. `mask` and `keep` may be null: nothing added, all kept; `queries` 0: not causal. `work` is PARTS bytes of scratch, aligned to 16.
 */
export function softmax(
  dst: usize,
  x: usize,
  mask: usize,
  keep: usize,
  rows: usize,
  columns: usize,
  maskRow: usize,
  maskRows: usize,
  query: usize,
  queries: usize,
  logitScale: f64,
  scale: f64,
  work: usize,
): void {
  const multiple = <f32>logitScale;
  const bytes = columns << 2;
  for (let row: usize = 0; row < rows; ++row) {
    const seen = seenBy(query, queries, columns);
    const added = mask + maskRow * bytes;
    let sum: f64;
    if (mask) sum = powers<Masked>(dst, x, added, seen, multiple, peak<Masked>(x, added, seen, multiple, work), work);
    else sum = powers<Unmasked>(dst, x, 0, seen, multiple, peak<Unmasked>(x, 0, seen, multiple, work), work);
    if (sum == 0) {
      memory.fill(dst, 0, bytes);
    } else {
      const factor = <f32>(scale / sum);
      if (keep) finish<ByMask>(dst, keep, seen, factor, work);
      else finish<AllKept>(dst, 0, seen, factor, work);
      memory.fill(dst + (seen << 2), 0, bytes - (seen << 2));
    }
    if (keep) keep += columns;
    dst += bytes;
    x += bytes;
    if (++maskRow >= maskRows) maskRow = 0;
    if (++query >= queries) query = 0;
  }
}

// @ts-ignore: decorator
@inline
function weigh4<K>(dst: usize, e: usize, dy: usize, keep: v128, factor: v128): v128 {
  const k = changetype<K>(0);
  const dp = k.select4(k.scale4(v128.load(dy), factor), keep);
  v128.store(dst, dp);
  return f32x4.mul(dp, v128.load(e));
}

/** Writes dP, what dropout by decisions K passes of dy, for a row and returns the sum of its products with `e`. */
function weigh<K>(dst: usize, e: usize, dy: usize, keep: usize, columns: usize, scale: f32, work: usize): f64 {
  const k = changetype<K>(0);
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factor = pinned(f32x4.splat(scale), work);
    let s01 = f64x2.splat(0);
    let s23 = s01;
    let s45 = s01;
    let s67 = s01;
    for (; c + 16 <= columns; c += 16) {
      const keeps = k.sixteen(keep, c);
      const front = k.front(keeps);
      let v = weigh4<K>(dst, e, dy, k.first(front), factor);
      s01 = f64x2.add(s01, low(v));
      s23 = f64x2.add(s23, high(v));
      v = weigh4<K>(dst + 16, e + 16, dy + 16, k.second(front), factor);
      s45 = f64x2.add(s45, low(v));
      s67 = f64x2.add(s67, high(v));
      const back = k.back(keeps);
      v = weigh4<K>(dst + 32, e + 32, dy + 32, k.first(back), factor);
      s01 = f64x2.add(s01, low(v));
      s23 = f64x2.add(s23, high(v));
      v = weigh4<K>(dst + 48, e + 48, dy + 48, k.second(back), factor);
      s45 = f64x2.add(s45, low(v));
      s67 = f64x2.add(s67, high(v));
      dst += 64;
      e += 64;
      dy += 64;
    }
    storeParts(work, s01, s23, s45, s67);
    for (; c + 4 <= columns; c += 4) {
      addToParts4(work, c, weigh4<K>(dst, e, dy, k.first(k.four(keep, c)), f32x4.splat(scale)));
      dst += 16;
      e += 16;
      dy += 16;
    }
  } else {
    clearParts(work);
  }
  for (; c < columns; ++c) {
    const dp = k.select(k.scale(load<f32>(dy), scale), keep, c);
    store<f32>(dst, dp);
    addToParts(work, c, dp * load<f32>(e));
    dst += 4;
    e += 4;
    dy += 4;
  }
  return total(work);
}

// @ts-ignore: decorator
@inline
function slope4(dst: usize, e: usize, factor: v128, mean: v128): void {
  v128.store(dst, f32x4.mul(f32x4.mul(v128.load(e), factor), f32x4.sub(v128.load(dst), mean)));
}

/** Turns a row of dP into e * factor * (dP - mean). */
function slopes(dst: usize, e: usize, columns: usize, factor: f32, mean: f32, work: usize): void {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const factors = pinned(f32x4.splat(factor), work);
    const means = pinned(f32x4.splat(mean), work + 16);
    for (; c + 16 <= columns; c += 16) {
      slope4(dst, e, factors, means);
      slope4(dst + 16, e + 16, factors, means);
      slope4(dst + 32, e + 32, factors, means);
      slope4(dst + 48, e + 48, factors, means);
      dst += 64;
      e += 64;
    }
    for (; c + 4 <= columns; c += 4) {
      slope4(dst, e, factors, means);
      dst += 16;
      e += 16;
    }
  }
  for (; c < columns; ++c) {
    store<f32>(dst, load<f32>(e) * factor * (load<f32>(dst) - mean));
    dst += 4;
    e += 4;
  }
}

/**
 * The gradient of softmax(): rows of dlogits = logitScale * P * (dP - sum dP P), dP being dropout of dy, P computed anew from the logits.
 * `row` is scratch for one row; the other arguments are those of softmax().
 */
export function softmaxGradient(
  dst: usize,
  dy: usize,
  x: usize,
  mask: usize,
  keep: usize,
  rows: usize,
  columns: usize,
  maskRow: usize,
  maskRows: usize,
  query: usize,
  queries: usize,
  logitScale: f64,
  scale: f64,
  row: usize,
  work: usize,
): void {
  const multiple = <f32>logitScale;
  const bytes = columns << 2;
  for (let left = rows; left > 0; --left) {
    const seen = seenBy(query, queries, columns);
    const added = mask + maskRow * bytes;
    let sum: f64;
    if (mask) sum = powers<Masked>(row, x, added, seen, multiple, peak<Masked>(x, added, seen, multiple, work), work);
    else sum = powers<Unmasked>(row, x, 0, seen, multiple, peak<Unmasked>(x, 0, seen, multiple, work), work);
    if (sum == 0) {
      memory.fill(dst, 0, bytes);
    } else {
      let products: f64;
      if (keep) products = weigh<ByMask>(dst, row, dy, keep, seen, <f32>scale, work);
      else products = weigh<AllKept>(dst, row, dy, 0, seen, 1, work);
      slopes(dst, row, seen, <f32>(logitScale / sum), <f32>(products / sum), work);
      memory.fill(dst + (seen << 2), 0, bytes - (seen << 2));
    }
    if (keep) keep += columns;
    dst += bytes;
    dy += bytes;
    x += bytes;
    if (++maskRow >= maskRows) maskRow = 0;
    if (++query >= queries) query = 0;
  }
}
