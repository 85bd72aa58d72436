// The noise as specified: numbers of the reference (docs/normal-reference.ts), and the operations on them in plain numbers. Shares no code with
// src/ or assembly/.

import { normal, uniform } from "../../docs/normal-reference.js";
import type { Dtype } from "../../src/ground/dtypes.js";

export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Elements start..start+count-1 of a stream. */
export function numbers(
  distribution: "normal" | "uniform",
  seed: bigint,
  stream: bigint,
  start: number,
  count: number,
): Float32Array<ArrayBuffer> {
  const at = { normal, uniform }[distribution];
  return Float32Array.from({ length: count }, (_, i) => at(seed, stream, BigInt(start) + BigInt(i)));
}

const rounding = (x: Floats) => (x instanceof Float32Array ? Math.fround : (value: number) => value);

/** x (1 + s z), or x itself where s is 0 in the type of x. */
export function times<X extends Floats>(x: X, z: Float32Array, deviation: number): X {
  const round = rounding(x);
  const s = round(deviation);
  return s === 0 ? (x.slice() as X) : (x.map((value, i) => value * round(1 + round(s * (z[i] as number)))) as X);
}

/** x + s z, or x itself where s is 0 in the type of x. */
export function plus<X extends Floats>(x: X, z: Float32Array, deviation: number): X {
  const round = rounding(x);
  const s = round(deviation);
  return s === 0 ? (x.slice() as X) : (x.map((value, i) => value + round(s * (z[i] as number))) as X);
}

/** `offset` + factor z as f32. */
export function scaled(z: Float32Array, offset: number, factor: number): Float32Array<ArrayBuffer> {
  return plus(new Float32Array(z.length).fill(offset), z, factor);
}

export const deviationOf = (p: number): number => Math.sqrt(p / (1 - p));

/** The array over the same bytes. */
export const asFloats = (dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): Floats =>
  dtype === "f32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
