// The records of kernels on whole rows, which src/ground/abi.ts lays out.

import { ROW_FIELDS } from "../../src/ground/abi";

/** A field that is a number. */
// @ts-ignore: decorator
@inline
export function numberAt(record: usize, field: i32): f64 {
  return load<f64>(record + ((<usize>field) << 3));
}

// V8 moves a conversion to where its result is used, into the loop over the rows too, but no load. There it costs more than itself: a
// rounding to f32 waits for what its register held before, of the previous row. So what is converted goes by way of the first word of the
// workspace.

/** A field that is a number, rounded to f32. */
// @ts-ignore: decorator
@inline
export function floatAt(record: usize, field: i32): f32 {
  store<f32>(workOf(record), <f32>numberAt(record, field));
  return load<f32>(workOf(record));
}

/** A field that is a number, as an element E. */
// @ts-ignore: decorator
@inline
export function elementAt<E>(record: usize, field: i32): E {
  if (sizeof<E>() == 4) return <E>floatAt(record, field);
  else return <E>numberAt(record, field);
}

/** A field that is an address or counts something. */
// @ts-ignore: decorator
@inline
export function wordAt(record: usize, field: i32): usize {
  store<usize>(workOf(record), <usize>(<i64>numberAt(record, field)));
  return load<usize>(workOf(record));
}

/** The workspace of a record. */
// @ts-ignore: decorator
@inline
export function workOf(record: usize): usize {
  return record + ((<usize>ROW_FIELDS) << 3);
}
