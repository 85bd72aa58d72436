// The gradients of attention, blockwise: the scores of a tile are computed anew and turned into probabilities by the log-sum-exps of the forward
// call. With P the probabilities, M dropout's factors and D = sum of dy * y, as long as a row each:
//
//   dv = (P M)' dy        dP = (dy v') M        dS = scale * P (dP - D)        dq = dS k        dk = dS' q
//
// Source: Dao, "FlashAttention-2", 2023, algorithm 2. Invariant: sums over queries go by blocks of queries, and sums over keys by blocks of keys;
// in a block they have the order of ./products.ts.

import { AttentionField } from "../../src/ground/abi";
import { equal, lanes, mul, select, shiftRight, sub } from "../math/ops";
import { addHigh, addLow, decisions, loadHigh, power, storeSums } from "./forward";
import { overKeys, overRows, scores } from "./products";
import { cornerOf, factorsOf, floatAt, keptOf, LANES, LINE, settle, wordAt } from "./record";
import { keysOf, score } from "./scores";
import { keepWords, WORD } from "./words";

/** e^(v - lse), and 0 where v is -Infinity, whatever lse is. */
// @ts-ignore: decorator
@inline
function probability<T, I>(v: T, lse: T): T {
  return select<T, I>(equal<T, I>(v, lanes<T>(-Infinity)), lanes<T>(0), power<T>(sub<T>(v, lse)));
}

/** dropout's gradient of v: v * factor where the word has bit `bit`, else +0. */
// @ts-ignore: decorator
@inline
function passed<T, I>(v: T, factor: T, word: I, bit: i32): T {
  return select<T, I>(decisions<I>(word, bit), mul<T>(v, factor), lanes<T>(0));
}

/** v, and +0 where p is 0, whatever v is. */
// @ts-ignore: decorator
@inline
function unlessZero<T, I>(p: T, v: T): T {
  return select<T, I>(equal<T, I>(p, lanes<T>(0)), lanes<T>(0), v);
}

/** Turns a score in some lanes into P M, and the product of dy and v into dS. */
// @ts-ignore: decorator
@inline
function slopeAt<T, I>(at: usize, second: usize, p: T, word: I, bit: i32, delta: T, factor: T, logitFactor: T): void {
  store<T>(at, passed<T, I>(p, factor, word, bit));
  const dp = passed<T, I>(load<T>(second), factor, word, bit);
  store<T>(second, unlessZero<T, I>(p, mul<T>(mul<T>(p, logitFactor), sub<T>(dp, delta))));
}

/** Turns scores in some lanes into P M, and the products of dy and v in `slopes` into dS; four keys an iteration, as the powers of ./forward.ts. */
function slope<T, I>(tile: usize, slopes: usize, keys: usize, words: usize, lse: T, delta: T, scale: f32, logitScale: f32): void {
  const factor = lanes<T>(scale);
  const logitFactor = lanes<T>(logitScale);
  for (let key: usize = 0; key < keys; key += WORD) {
    let word = load<I>(words + key);
    let left = keys - key < WORD ? keys - key : WORD;
    for (; left >= 4; left -= 4) {
      const p0 = probability<T, I>(load<T>(tile), lse);
      const p1 = probability<T, I>(load<T>(tile, LINE), lse);
      const p2 = probability<T, I>(load<T>(tile, 2 * LINE), lse);
      const p3 = probability<T, I>(load<T>(tile, 3 * LINE), lse);
      slopeAt<T, I>(tile, slopes, p0, word, 0, delta, factor, logitFactor);
      slopeAt<T, I>(tile + LINE, slopes + LINE, p1, word, 1, delta, factor, logitFactor);
      slopeAt<T, I>(tile + 2 * LINE, slopes + 2 * LINE, p2, word, 2, delta, factor, logitFactor);
      slopeAt<T, I>(tile + 3 * LINE, slopes + 3 * LINE, p3, word, 3, delta, factor, logitFactor);
      word = shiftRight<I>(word, 4);
      tile += 4 * LINE;
      slopes += 4 * LINE;
    }
    for (; left > 0; --left) {
      slopeAt<T, I>(tile, slopes, probability<T, I>(load<T>(tile), lse), word, 0, delta, factor, logitFactor);
      word = shiftRight<I>(word, 1);
      tile += LINE;
      slopes += LINE;
    }
  }
}

/** Adds P dP to sums in f64, from scores in some lanes and the products of dy and v. */
function weigh<T, I, S>(tile: usize, slopes: usize, keys: usize, words: usize, lse: T, scale: f32, sums: usize): void {
  const factor = lanes<T>(scale);
  let low = load<S>(sums);
  let high = loadHigh<T, S>(sums);
  for (let key: usize = 0; key < keys; key += WORD) {
    let word = load<I>(words + key);
    for (let left = keys - key < WORD ? keys - key : WORD; left > 0; --left) {
      const p = probability<T, I>(load<T>(tile), lse);
      const product = unlessZero<T, I>(p, mul<T>(p, passed<T, I>(load<T>(slopes), factor, word, 0)));
      low = addLow<T, S>(low, product);
      high = addHigh<T, S>(high, product);
      word = shiftRight<I>(word, 1);
      tile += LINE;
      slopes += LINE;
    }
  }
  storeSums<T, S>(sums, low, high);
}

/** Writes the scores of a panel, the products of dy and v, and the words of its decisions. */
function prepare(record: usize, tile: usize, slopes: usize, row: usize, rows: usize, keys: usize): void {
  score(record, tile, row, rows, keys);
  const size = wordAt(record, AttentionField.size);
  scores(slopes, wordAt(record, AttentionField.v), keys, size, wordAt(record, AttentionField.dyPanels) + row * (size << 2));
  const keep = wordAt(record, AttentionField.keep);
  const stride = wordAt(record, AttentionField.keepStride);
  if (keep) keepWords(keptOf(record), keep, wordAt(record, AttentionField.keepAt) + row * stride, stride, keys, rows);
  else memory.fill(keptOf(record), 0xff, (keys + WORD - 1) & ~(WORD - 1));
}

function ones(record: usize): usize {
  const factors = factorsOf(record);
  for (let k: usize = 0; k < LANES; ++k) store<f32>(factors + (k << 2), 1);
  return factors;
}

/**
 * Adds to the gradients of a block of queries and a block of keys. Where `first` is 0, the sums for the queries begin at 0. `record` has the fields of
 * AttentionField and is aligned to 16.
 */
export function gradient(record: usize): void {
  settle(record);
  const rows = wordAt(record, AttentionField.rows);
  const keys = wordAt(record, AttentionField.keys);
  const depth = wordAt(record, AttentionField.depth);
  const size = wordAt(record, AttentionField.size);
  const tiles = wordAt(record, AttentionField.tile);
  const slopes = wordAt(record, AttentionField.slopes);
  const dq = wordAt(record, AttentionField.dq);
  const dk = wordAt(record, AttentionField.dk);
  const dv = wordAt(record, AttentionField.dv);
  const stride = keys * LINE;
  const factors = ones(record);
  if (dq && !wordAt(record, AttentionField.first)) memory.fill(dq, 0, (rows * depth) << 2);
  let at: usize = 0;
  for (let row: usize = 0; row < rows; row += LANES) {
    const seen = keysOf(record, row);
    const some = rows - row < LANES ? rows - row : LANES;
    const tile = tiles + at;
    const second = slopes + at;
    if (seen) {
      prepare(record, tile, second, row, some, seen);
      slopesOf(record, tile, second, row, seen);
      if (dq) overKeys(dq + row * (depth << 2), factors, cornerOf(record), second, wordAt(record, AttentionField.k), depth, some, seen);
    }
    memory.fill(tile + seen * LINE, 0, (keys - seen) * LINE);
    memory.fill(second + seen * LINE, 0, (keys - seen) * LINE);
    at += stride;
  }
  if (dv) overRows(dv, factors, cornerOf(record), tiles, stride, wordAt(record, AttentionField.dy), size, rows, keys);
  if (dk) overRows(dk, factors, cornerOf(record), slopes, stride, wordAt(record, AttentionField.q), depth, rows, keys);
}

function slopesOf(record: usize, tile: usize, second: usize, row: usize, keys: usize): void {
  const scale = floatAt(record, AttentionField.scale);
  const logitScale = floatAt(record, AttentionField.logitScale);
  const lse = wordAt(record, AttentionField.lse) + (row << 2);
  const delta = wordAt(record, AttentionField.delta) + (row << 2);
  const words = keptOf(record);
  if (ASC_FEATURE_SIMD) {
    slope<v128, v128>(tile, second, keys, words, v128.load(lse), v128.load(delta), scale, logitScale);
    slope<v128, v128>(tile + 16, second + 16, keys, words + 16, v128.load(lse, 16), v128.load(delta, 16), scale, logitScale);
  } else {
    for (let lane: usize = 0; lane < LINE; lane += 4) {
      slope<f32, i32>(tile + lane, second + lane, keys, words + lane, load<f32>(lse + lane), load<f32>(delta + lane), scale, logitScale);
    }
  }
}

/** Adds the sums over a block of keys of P dP to those of a block of queries, in `sums`; where `first` is 0, they begin at 0. */
export function products(record: usize): void {
  settle(record);
  const rows = wordAt(record, AttentionField.rows);
  const tile = wordAt(record, AttentionField.tile);
  const second = wordAt(record, AttentionField.slopes);
  const scale = floatAt(record, AttentionField.scale);
  const words = keptOf(record);
  if (!wordAt(record, AttentionField.first)) memory.fill(wordAt(record, AttentionField.sums), 0, (rows + LANES) << 3);
  for (let row: usize = 0; row < rows; row += LANES) {
    const seen = keysOf(record, row);
    if (!seen) continue;
    prepare(record, tile, second, row, rows - row < LANES ? rows - row : LANES, seen);
    const lse = wordAt(record, AttentionField.lse) + (row << 2);
    const sums = wordAt(record, AttentionField.sums) + (row << 3);
    if (ASC_FEATURE_SIMD) {
      weigh<v128, v128, v128>(tile, second, seen, words, v128.load(lse), scale, sums);
      weigh<v128, v128, v128>(tile + 16, second + 16, seen, words + 16, v128.load(lse, 16), scale, sums + 32);
    } else {
      for (let lane: usize = 0; lane < LINE; lane += 4) {
        weigh<f32, i32, f64>(tile + lane, second + lane, seen, words + lane, load<f32>(lse + lane), scale, sums + 2 * lane);
      }
    }
  }
}

/** Writes the sums of a * b of each row, taken in f64 and rounded once. */
export function dots(dst: usize, a: usize, b: usize, rows: usize, columns: usize): void {
  for (const end = dst + (rows << 2); dst < end; dst += 4) {
    let sum: f64 = 0;
    for (let k: usize = 0; k < columns; ++k) sum += <f64>load<f32>(a + (k << 2)) * <f64>load<f32>(b + (k << 2));
    store<f32>(dst, <f32>sum);
    a += columns << 2;
    b += columns << 2;
  }
}
