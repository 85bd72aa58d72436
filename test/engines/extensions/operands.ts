// The operands of the checks of extensions.

import type { Data, Dropout } from "wasm-dropout";
import { sampleData } from "../data.js";

export const DTYPES = ["f32", "f64"] as const;
export const KINDS = ["tile", "philox"] as const;

/** A ticket as another process gets it. */
export function posted<T>(ticket: T): T {
  return JSON.parse(JSON.stringify(ticket));
}

/** The same data as an array and in wasm memory, where it is freed when the next is asked for. */
export function* places(dropout: Dropout, dtype: "f32" | "f64", length: number, first = 0): Generator<Data> {
  yield sampleData(dtype, length, first);
  using buffer = dropout.from(sampleData(dtype, length, first) as Float32Array);
  yield buffer;
}
