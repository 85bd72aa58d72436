// The scores of a tile before softmax: v = scale * (q . k) + mask, and -Infinity where a query leaves a key out, whatever its score is.

import { AttentionField } from "../../src/ground/abi";
import { lanes, mul, select, shiftLeft, shiftRight } from "../math/ops";
import { scores } from "./products";
import { floatAt, LANES, LINE, seenOf, wordAt } from "./record";
import { seenBy, seenWords, WORD } from "./words";

/** Multiplies `count` elements. */
// @ts-ignore: decorator
@inline
function multiply<T>(at: usize, count: usize, factor: f32): void {
  const by = lanes<T>(factor);
  for (const end = at + (count << 2); at < end; at += sizeof<T>()) store<T>(at, mul<T>(load<T>(at), by));
}

/** Writes -Infinity in the lanes of a tile from byte `lane` of a line on, where their bit is 0. */
function hide<T, I>(tile: usize, words: usize, keys: usize, lane: usize): void {
  const never = lanes<T>(-Infinity);
  let at = tile + lane;
  for (let key: usize = 0; key < keys; key += WORD) {
    let word = load<I>(words + key + lane);
    const end = at + (keys - key < WORD ? keys - key : WORD) * LINE;
    for (; at < end; at += LINE) {
      store<T>(at, select<T, I>(shiftRight<I>(shiftLeft<I>(word, 31), 31), load<T>(at), never));
      word = shiftRight<I>(word, 1);
    }
  }
}

/** v + m, or -Infinity where m is, whatever v is. */
// @ts-ignore: decorator
@inline
function added4(v: v128, m: v128): v128 {
  return v128.bitselect(m, f32x4.add(v, m), f32x4.eq(m, f32x4.splat(-Infinity)));
}

/** Adds a row of the mask to a lane of a tile. */
function addToLane(at: usize, mask: usize, keys: usize): void {
  for (const end = mask + (keys << 2); mask < end; mask += 4) {
    const m = load<f32>(mask);
    store<f32>(at, m == -Infinity ? m : load<f32>(at) + m);
    at += LINE;
  }
}

/** Adds one row of the mask to all lanes. */
function addToAll(tile: usize, mask: usize, keys: usize): void {
  for (const end = mask + (keys << 2); mask < end; mask += 4) {
    const m = v128.load32_splat(mask);
    v128.store(tile, added4(v128.load(tile), m));
    v128.store(tile, added4(v128.load(tile, 16), m), 16);
    tile += LINE;
  }
}

/** Adds four rows of the mask to four lanes, a number of keys that is a multiple of 4. */
function addToFour(at: usize, a: usize, b: usize, c: usize, d: usize, keys: usize): void {
  for (const end = a + (keys << 2); a < end; a += 16) {
    const p = v128.load(a);
    const q = v128.load(b);
    const r = v128.load(c);
    const s = v128.load(d);
    const pq = v128.shuffle<u32>(p, q, 0, 4, 1, 5);
    const rs = v128.shuffle<u32>(r, s, 0, 4, 1, 5);
    v128.store(at, added4(v128.load(at), v128.shuffle<u64>(pq, rs, 0, 2)));
    v128.store(at, added4(v128.load(at, LINE), v128.shuffle<u64>(pq, rs, 1, 3)), LINE);
    const pq2 = v128.shuffle<u32>(p, q, 2, 6, 3, 7);
    const rs2 = v128.shuffle<u32>(r, s, 2, 6, 3, 7);
    v128.store(at, added4(v128.load(at, 2 * LINE), v128.shuffle<u64>(pq2, rs2, 0, 2)), 2 * LINE);
    v128.store(at, added4(v128.load(at, 3 * LINE), v128.shuffle<u64>(pq2, rs2, 1, 3)), 3 * LINE);
    b += 16;
    c += 16;
    d += 16;
    at += 4 * LINE;
  }
}

// @ts-ignore: decorator
@inline
function addressAt(table: usize, row: usize): usize {
  return <usize>(<i64>load<f64>(table + (row << 3)));
}

/** Adds the rows of the mask whose addresses are in a table; rows that do not exist have none. */
function add(tile: usize, table: usize, keys: usize, rows: usize): void {
  let row: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const first = addressAt(table, 0);
    let same = true;
    for (let r: usize = 1; r < rows; ++r) same = same && addressAt(table, r) == first;
    // The values that are added to lanes without a query are hidden later.
    if (same) return addToAll(tile, first, keys);
    const whole = keys & ~3;
    for (; row + 4 <= rows; row += 4) {
      const at = tile + (row << 2);
      const a = addressAt(table, row);
      const b = addressAt(table, row + 1);
      const c = addressAt(table, row + 2);
      const d = addressAt(table, row + 3);
      addToFour(at, a, b, c, d, whole);
      const rest = at + whole * LINE;
      const by = whole << 2;
      addToLane(rest, a + by, keys - whole);
      addToLane(rest + 4, b + by, keys - whole);
      addToLane(rest + 8, c + by, keys - whole);
      addToLane(rest + 12, d + by, keys - whole);
    }
  }
  for (; row < rows; ++row) addToLane(tile + (row << 2), addressAt(table, row), keys);
}

/** The most keys that a query of the panel from `row` on sees, of those of the block. */
export function keysOf(record: usize, row: usize): usize {
  const limits = wordAt(record, AttentionField.limits);
  const first = wordAt(record, AttentionField.first);
  const keys = wordAt(record, AttentionField.keys);
  const rows = wordAt(record, AttentionField.rows);
  let most: usize = 0;
  for (const end = row + LANES < rows ? row + LANES : rows; row < end; ++row) {
    const seen = seenBy(limits, row, first, keys);
    if (seen > most) most = seen;
  }
  return most;
}

/** Writes the scores of the panel from `row` on, which has `rows` rows, with the first `keys` keys of the block. */
export function score(record: usize, tile: usize, row: usize, rows: usize, keys: usize): void {
  const depth = wordAt(record, AttentionField.depth);
  const panel = wordAt(record, AttentionField.panels) + row * (depth << 2);
  scores(tile, wordAt(record, AttentionField.k), keys, depth, panel);
  const scale = floatAt(record, AttentionField.logitScale);
  if (ASC_FEATURE_SIMD) multiply<v128>(tile, keys * LANES, scale);
  else multiply<f32>(tile, keys * LANES, scale);
  const added = wordAt(record, AttentionField.added);
  if (added) add(tile, added + (row << 3), keys, rows);
  const words = seenOf(record);
  const flags = wordAt(record, AttentionField.flags);
  const limits = wordAt(record, AttentionField.limits) + (row << 3);
  if (!seenWords(words, limits, flags ? flags + (row << 3) : 0, wordAt(record, AttentionField.first), keys, rows)) return;
  if (ASC_FEATURE_SIMD) {
    hide<v128, v128>(tile, words, keys, 0);
    hide<v128, v128>(tile, words, keys, 16);
  } else {
    for (let lane: usize = 0; lane < LINE; lane += 4) hide<f32, i32>(tile, words, keys, lane);
  }
}
