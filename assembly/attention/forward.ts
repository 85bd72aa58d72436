// Attention with dropout, blockwise: y = dropout(softmax(v)) V for a block of queries, one block of keys after another. Beside the sums a query
// has the largest score so far and the sum of its powers; where a larger score comes, both are multiplied by e^(old - new). Sources: Dao et al.,
// "FlashAttention", 2022, algorithm 1, and Dao, "FlashAttention-2", 2023, algorithm 1: sums are divided at the end.
//
// Invariant: the results of a query depend on its own row of q and on the blocks of keys, not on the queries beside it.

import { AttentionField } from "../../src/ground/abi";
import { expNeg1, expNeg4 } from "../math/exp";
import { log1 } from "../math/log";
import { add, and, equal, lanes, not, or, select, shiftLeft, shiftRight, sub } from "../math/ops";
import { overKeys } from "./products";
import { cornerOf, factorsOf, keptOf, LANES, LINE, settle, wordAt } from "./record";
import { keysOf, score } from "./scores";
import { keepWords, WORD } from "./words";

// The start of the search for a maximum: not at -Infinity, from which the distance of a score that is -Infinity itself would be NaN.
// @ts-ignore: decorator
@inline
const LEAST: f32 = -f32.MAX_VALUE;

// @ts-ignore: decorator
@inline
export function power<T>(x: T): T {
  if (isVector<T>()) return expNeg4(x);
  else return expNeg1(x);
}

/** The larger of each two; b where a is NaN. */
// @ts-ignore: decorator
@inline
function larger<T>(a: T, b: T): T {
  if (isVector<T>()) return f32x4.pmax(b, a);
  else return b < a ? a : b;
}

/** The larger of `most` and all scores in some lanes, NaN passed over. */
// @ts-ignore: decorator
@inline
function peak<T>(at: usize, keys: usize, most: T): T {
  let second = most;
  let third = most;
  let fourth = most;
  for (; keys >= 4; keys -= 4) {
    most = larger<T>(load<T>(at), most);
    second = larger<T>(load<T>(at, LINE), second);
    third = larger<T>(load<T>(at, 2 * LINE), third);
    fourth = larger<T>(load<T>(at, 3 * LINE), fourth);
    at += 4 * LINE;
  }
  for (; keys > 0; --keys) {
    most = larger<T>(load<T>(at), most);
    at += LINE;
  }
  return larger<T>(larger<T>(most, second), larger<T>(third, fourth));
}

/** Multiplies sums in f64 by a factor of f32 each. */
// @ts-ignore: decorator
@inline
function multiplySums<T>(sums: usize, factor: T): void {
  if (isVector<T>()) {
    v128.store(sums, f64x2.mul(v128.load(sums), f64x2.promote_low_f32x4(factor)));
    const high = f64x2.promote_low_f32x4(v128.shuffle<u32>(factor, factor, 2, 3, 2, 3));
    v128.store(sums, f64x2.mul(v128.load(sums, 16), high), 16);
  } else {
    store<f64>(sums, load<f64>(sums) * <f64>factor);
  }
}

// Sums in f64 of the lanes of T: one, or in vectors two of S each.

// @ts-ignore: decorator
@inline
export function addLow<T, S>(sum: S, v: T): S {
  if (isVector<T>()) return f64x2.add(sum, f64x2.promote_low_f32x4(v));
  else return sum + <f64>v;
}

// @ts-ignore: decorator
@inline
export function addHigh<T, S>(sum: S, v: T): S {
  if (isVector<T>()) return f64x2.add(sum, f64x2.promote_low_f32x4(v128.shuffle<u32>(v, v, 2, 3, 2, 3)));
  else return sum;
}

// @ts-ignore: decorator
@inline
export function loadHigh<T, S>(sums: usize): S {
  if (isVector<T>()) return load<S>(sums, 16);
  else return load<S>(sums);
}

// @ts-ignore: decorator
@inline
export function storeSums<T, S>(sums: usize, low: S, high: S): void {
  store<S>(sums, low);
  if (isVector<T>()) store<S>(sums, high, 16);
}

/** All ones in the lanes whose word has bit `bit`. */
// @ts-ignore: decorator
@inline
export function decisions<I>(word: I, bit: i32): I {
  return shiftRight<I>(shiftLeft<I>(word, 31 - bit), 31);
}

/** Decisions of words. */
@unmanaged
class Drawn {
  @inline drops(): bool {
    return true;
  }
}

/** Dropout outside training. */
@unmanaged
class AllKept {
  @inline drops(): bool {
    return false;
  }
}

// @ts-ignore: decorator
@inline
function powerAt<T>(at: usize, most: T): T {
  return power<T>(sub<T>(load<T>(at), most));
}

/** Marks the lanes in which a key with score v is kept and not left out. */
// @ts-ignore: decorator
@inline
function mark<T, I>(alive: I, word: I, bit: i32, v: T): I {
  return or<I>(alive, and<I>(decisions<I>(word, bit), not<I>(equal<T, I>(v, lanes<T>(-Infinity)))));
}

// @ts-ignore: decorator
@inline
function storeKept<T, I, K>(at: usize, e: T, word: I, bit: i32): void {
  if (changetype<K>(0).drops()) store<T>(at, select<T, I>(decisions<I>(word, bit), e, lanes<T>(0)));
  else store<T>(at, e);
}

/**
 * Turns scores in some lanes into e^(v - most), +0 where they are dropped by decisions K; adds them, also those dropped, to sums in f64, four keys at
 * once, and marks the lanes in which a key is kept. Four are taken an iteration as V8 makes the constants of the power anew in each.
 */
// @ts-ignore: decorator
@inline
function powers<T, I, S, K>(tile: usize, keys: usize, words: usize, most: T, sums: usize, live: usize): void {
  const drops = changetype<K>(0).drops();
  let alive = load<I>(live);
  let at = tile;
  let low = load<S>(sums);
  let high = loadHigh<T, S>(sums);
  for (let key: usize = 0; key < keys; key += WORD) {
    let word = drops ? load<I>(words + key) : alive;
    let left = keys - key < WORD ? keys - key : WORD;
    for (; left >= 4; left -= 4) {
      if (drops) {
        alive = mark<T, I>(alive, word, 0, load<T>(at));
        alive = mark<T, I>(alive, word, 1, load<T>(at, LINE));
        alive = mark<T, I>(alive, word, 2, load<T>(at, 2 * LINE));
        alive = mark<T, I>(alive, word, 3, load<T>(at, 3 * LINE));
      }
      const e0 = powerAt<T>(at, most);
      const e1 = powerAt<T>(at + LINE, most);
      const e2 = powerAt<T>(at + 2 * LINE, most);
      const e3 = powerAt<T>(at + 3 * LINE, most);
      storeKept<T, I, K>(at, e0, word, 0);
      storeKept<T, I, K>(at + LINE, e1, word, 1);
      storeKept<T, I, K>(at + 2 * LINE, e2, word, 2);
      storeKept<T, I, K>(at + 3 * LINE, e3, word, 3);
      const four = add<T>(add<T>(e0, e1), add<T>(e2, e3));
      low = addLow<T, S>(low, four);
      high = addHigh<T, S>(high, four);
      word = shiftRight<I>(word, 4);
      at += 4 * LINE;
    }
    for (; left > 0; --left) {
      if (drops) alive = mark<T, I>(alive, word, 0, load<T>(at));
      const e = powerAt<T>(at, most);
      storeKept<T, I, K>(at, e, word, 0);
      low = addLow<T, S>(low, e);
      high = addHigh<T, S>(high, e);
      word = shiftRight<I>(word, 1);
      at += LINE;
    }
  }
  storeSums<T, S>(sums, low, high);
  if (drops) store<I>(live, alive);
}

/** The step from scores to powers of the lanes from byte `lane` of a line on, with what has been summed before. */
function stepOf<T, I, S>(record: usize, tile: usize, row: usize, lane: usize, keys: usize, drops: bool): void {
  const at = (row << 2) + lane;
  const most = wordAt(record, AttentionField.most) + at;
  const sums = wordAt(record, AttentionField.sums) + 2 * at;
  const live = wordAt(record, AttentionField.live) + at;
  const before = load<T>(most);
  const now = peak<T>(tile + lane, keys, before);
  store<T>(most, now);
  const factor = power<T>(sub<T>(before, now));
  store<T>(factorsOf(record) + lane, factor);
  multiplySums<T>(sums, factor);
  if (drops) powers<T, I, S, Drawn>(tile + lane, keys, keptOf(record) + lane, now, sums, live);
  else powers<T, I, S, AllKept>(tile + lane, keys, 0, now, sums, live);
}

function step(record: usize, tile: usize, row: usize, keys: usize, drops: bool): void {
  if (ASC_FEATURE_SIMD) {
    stepOf<v128, v128, v128>(record, tile, row, 0, keys, drops);
    stepOf<v128, v128, v128>(record, tile, row, 16, keys, drops);
  } else {
    for (let lane: usize = 0; lane < LINE; lane += 4) stepOf<f32, i32, f64>(record, tile, row, lane, keys, drops);
  }
}

/** Adds a block of keys to the sums of a block of queries. `record` has the fields of AttentionField and is aligned to 16. */
export function attend(record: usize): void {
  settle(record);
  const rows = wordAt(record, AttentionField.rows);
  const size = wordAt(record, AttentionField.size);
  const tile = wordAt(record, AttentionField.tile);
  const out = wordAt(record, AttentionField.out);
  const keep = wordAt(record, AttentionField.keep);
  const stride = wordAt(record, AttentionField.keepStride);
  if (!wordAt(record, AttentionField.first)) begin(record, rows, size);
  for (let row: usize = 0; row < rows; row += LANES) {
    const keys = keysOf(record, row);
    if (!keys) continue;
    const some = rows - row < LANES ? rows - row : LANES;
    score(record, tile, row, some, keys);
    if (keep) keepWords(keptOf(record), keep, wordAt(record, AttentionField.keepAt) + row * stride, stride, keys, some);
    step(record, tile, row, keys, keep != 0);
    overKeys(out + row * (size << 2), factorsOf(record), cornerOf(record), tile, wordAt(record, AttentionField.v), size, some, keys);
  }
}

function begin(record: usize, rows: usize, size: usize): void {
  const all = (rows + LANES - 1) & ~(LANES - 1);
  memory.fill(wordAt(record, AttentionField.out), 0, (all * size) << 2);
  memory.fill(wordAt(record, AttentionField.sums), 0, all << 3);
  memory.fill(wordAt(record, AttentionField.live), 0, all << 2);
  const most = wordAt(record, AttentionField.most);
  for (let row: usize = 0; row < all; ++row) store<f32>(most + (row << 2), LEAST);
}

/** Writes y and the log-sum-exps of a block of queries, after the last block of keys. */
export function finish(record: usize): void {
  settle(record);
  const rows = wordAt(record, AttentionField.rows);
  const size = wordAt(record, AttentionField.size);
  const drops = wordAt(record, AttentionField.keep) != 0;
  const scale = load<f64>(record + ((<usize>AttentionField.scale) << 3));
  let out = wordAt(record, AttentionField.out);
  let y = wordAt(record, AttentionField.y);
  for (let row: usize = 0; row < rows; ++row) {
    const sum = load<f64>(wordAt(record, AttentionField.sums) + (row << 3));
    const most = load<f32>(wordAt(record, AttentionField.most) + (row << 2));
    const live = load<u32>(wordAt(record, AttentionField.live) + (row << 2));
    store<f32>(wordAt(record, AttentionField.logSumExp) + (row << 2), <f32>(<f64>most + <f64>log1(<f32>sum)));
    // A row without a kept key is +0 even where a score is NaN: dropout selects.
    if (sum == 0 || (drops && !live)) memory.fill(y, 0, size << 2);
    else multiplyRow(y, out, size, <f32>(scale / sum));
    out += size << 2;
    y += size << 2;
  }
}

function multiplyRow(y: usize, x: usize, size: usize, factor: f32): void {
  for (const end = x + (size << 2); x < end; x += 4) {
    store<f32>(y, load<f32>(x) * factor);
    y += 4;
  }
}
