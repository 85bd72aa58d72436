// Gated linear units with dropout, and their gradients: y = dropout(act(gate) * value). Source: Shazeer, "GLU variants improve transformer", 2020.
// Invariant: four columns, or one, are read before any of theirs is written, so results may take the place of operands of the same layout.

import { GATE_TABLE, GateField } from "../../src/ground/abi";
import { Held, Literal } from "../math/held";
import { mul } from "../math/ops";
import { pinned } from "../stream/params";
import { hold } from "./activation";
import { elementAt, wordAt, workOf } from "./record";
import { ByMask } from "./rows";

/** act(gate) * value, with activation A; `dy` and `second` are not used. */
@unmanaged
export class Product<A> {
  @inline hold(table: usize): void {
    hold<A>(table);
  }

  @inline write<T, I, C>(keep: I, result: usize, second: usize, dy: usize, gate: usize, value: usize, scale: T, table: usize): void {
    const product = mul<T>(changetype<A>(0).value<T, I, C>(load<T>(gate), table), load<T>(value));
    store<T>(result, changetype<ByMask>(0).select<T, I>(mul<T>(product, scale), keep));
  }
}

/** d * value * act'(gate) to `result` and d * act(gate) to `second`, d being what dropout passes of dy. */
@unmanaged
export class Slopes<A> {
  @inline hold(table: usize): void {
    hold<A>(table);
  }

  @inline write<T, I, C>(keep: I, result: usize, second: usize, dy: usize, gate: usize, value: usize, scale: T, table: usize): void {
    const a = changetype<A>(0);
    const mask = changetype<ByMask>(0);
    const g = load<T>(gate);
    const d = mul<T>(load<T>(dy), scale);
    const v = load<T>(value);
    // Selected last: what a dropped element reads may be infinite.
    store<T>(second, mask.select<T, I>(mul<T>(d, a.value<T, I, C>(g, table)), keep));
    store<T>(result, mask.select<T, I>(a.slope<T, I, C>(g, mul<T>(d, v), table), keep));
  }
}

/** Rows of operation P, over elements of E; `record` has the fields of GateField, and is aligned to 16. */
export function gate<E, P>(record: usize): void {
  const p = changetype<P>(0);
  const rows = wordAt(record, GateField.rows);
  const columns = wordAt(record, GateField.columns);
  const dyStep = columns * sizeof<E>();
  const gateStep = wordAt(record, GateField.gateStep);
  const resultStep = wordAt(record, GateField.resultStep);
  let result = wordAt(record, GateField.result);
  let second = wordAt(record, GateField.second);
  let dy = wordAt(record, GateField.dy);
  let from = wordAt(record, GateField.gate);
  let value = wordAt(record, GateField.value);
  let keep = wordAt(record, GateField.keep);
  const scale = elementAt<E>(record, GateField.scale);
  const table = workOf(record);
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) p.hold(table);
  for (let row: usize = 0; row < rows; ++row) {
    overGate<E, P>(columns, keep, result, second, dy, from, value, scale, table);
    if (keep) keep += columns;
    result += resultStep;
    second += resultStep;
    dy += dyStep;
    from += gateStep;
    value += gateStep;
  }
}

function overGate<E, P>(
  columns: usize,
  keep: usize,
  result: usize,
  second: usize,
  dy: usize,
  from: usize,
  value: usize,
  scale: E,
  table: usize,
): void {
  const p = changetype<P>(0);
  const k = changetype<ByMask>(0);
  let c: usize = 0;
  if (ASC_FEATURE_SIMD && sizeof<E>() == 4) {
    const scales = pinned(f32x4.splat(<f32>scale), table + GATE_TABLE);
    for (; c + 4 <= columns; c += 4) {
      const kept = keep ? k.first(k.four(keep, c)) : i8x16.splat(-1);
      p.write<v128, v128, Held>(kept, result, second, dy, from, value, scales, table);
      result += 16;
      second += 16;
      dy += 16;
      from += 16;
      value += 16;
    }
  }
  for (; c < columns; ++c) {
    p.write<E, i32, Literal>(keep ? k.one(keep, c) : 1, result, second, dy, from, value, scale, 0);
    result += sizeof<E>();
    second += sizeof<E>();
    dy += sizeof<E>();
    from += sizeof<E>();
    value += sizeof<E>();
  }
}
