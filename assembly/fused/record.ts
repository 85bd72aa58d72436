// The records of kernels on whole rows, which src/ground/abi.ts lays out.

import { ROW_FIELDS } from "../../src/ground/abi";

/** A field that is a number. */
// @ts-ignore: decorator
@inline
export function numberAt(record: usize, field: i32): f64 {
  return load<f64>(record + (<usize>field << 3));
}

/** A field that is an address or counts something. */
// @ts-ignore: decorator
@inline
export function wordAt(record: usize, field: i32): usize {
  return <usize>(<i64>numberAt(record, field));
}

/** The workspace of a record. */
// @ts-ignore: decorator
@inline
export function workOf(record: usize): usize {
  return record + (<usize>ROW_FIELDS << 3);
}
