// The record of attention, which src/ground/abi.ts lays out.

import { ATTENTION_KEYS, AttentionField, PANEL } from "../../src/ground/abi";

/** Queries of a panel. */
// @ts-ignore: decorator
@inline
export const LANES: usize = PANEL;

/** Bytes of a row of a tile, and of a step of a panel. */
// @ts-ignore: decorator
@inline
export const LINE: usize = 4 * PANEL;

// @ts-ignore: decorator
@inline
const WORDS: usize = (<usize>AttentionField.fields) << 3;

/** Writes the fields once more as words behind them: V8 moves a conversion to where its result is used, into loops too, but no load. */
export function settle(record: usize): void {
  for (let field: usize = 0; field < <usize>AttentionField.fields; ++field) {
    store<u32>(record + WORDS + (field << 2), <u32>(<i64>load<f64>(record + (field << 3))));
  }
}

/** A field that is an address or counts something, after settle(). */
// @ts-ignore: decorator
@inline
export function wordAt(record: usize, field: i32): usize {
  return load<u32>(record + WORDS + ((<usize>field) << 2));
}

/** A field that is a number, rounded to f32. */
// @ts-ignore: decorator
@inline
export function floatAt(record: usize, field: i32): f32 {
  return <f32>load<f64>(record + ((<usize>field) << 3));
}

/** Room for the words of the keys that are kept. */
// @ts-ignore: decorator
@inline
export function keptOf(record: usize): usize {
  return record + AttentionField.fields * 12;
}

/** Room for the words of the keys that are seen. */
// @ts-ignore: decorator
@inline
export function seenOf(record: usize): usize {
  return keptOf(record) + ATTENTION_KEYS;
}

/** Room for four sums of eight lanes. */
// @ts-ignore: decorator
@inline
export function cornerOf(record: usize): usize {
  return seenOf(record) + ATTENTION_KEYS;
}

/** Room for eight factors. */
// @ts-ignore: decorator
@inline
export function factorsOf(record: usize): usize {
  return cornerOf(record) + 128;
}
