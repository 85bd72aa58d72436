// The records of kernels on whole rows: fields of f64, whose order is that of an enum of src/ground/abi.ts.

import type { Memory } from "../../src/engine/memory.js";

/** An enum of fields. */
type Fields = Readonly<Record<string, string | number>>;

/** Values of some fields of the enum F. */
export type Values<F extends Fields> = { readonly [K in Extract<keyof F, string>]?: number };

/** Writes fields of the record at `pointer` and leaves the others as they are. */
export function writeFields<F extends Fields>(memory: Memory, pointer: number, fields: F, values: Values<F>): void {
  let last = 0;
  for (const name in values) last = Math.max(last, fields[name] as number);
  const record = memory.view("f64", pointer, last + 1);
  for (const name in values) record[fields[name] as number] = values[name] as number;
}

/** Writes the record at `pointer`: fields that are not among `values` are 0. */
export function writeRecord<F extends Fields>(memory: Memory, pointer: number, fields: F, values: Values<F>): void {
  const names = Object.values(fields).filter((field) => typeof field === "number");
  memory.view("f64", pointer, names.length).fill(0);
  writeFields(memory, pointer, fields, values);
}
