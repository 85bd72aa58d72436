// The variants in plain numbers, one element at a time, from the reference of the order stream. Shares no code with src/ or assembly/.

import { largest, word } from "../../docs/order-reference.js";

export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Words start..start+count-1 of a stream. */
export function words(seed: bigint, stream: bigint, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => word(seed, stream, BigInt(start) + BigInt(i)));
}

/** For each row of `columns`, the elements that are kept. */
export function marks(all: readonly number[], columns: number, kept: number): boolean[] {
  const rows = columns === 0 ? 0 : all.length / columns;
  return Array.from({ length: rows }, (_, row) => largest(all.slice(row * columns, (row + 1) * columns), kept)).flat();
}

/** y of exact dropout. */
export function exact<X extends Floats>(x: X, keep: readonly boolean[], factor: number): X {
  const round = x instanceof Float32Array ? Math.fround : (value: number) => value;
  return x.map((value, i) => (keep[i] ? value * round(factor) : 0)) as X;
}

/** m of Concrete dropout in double precision. */
export function soft(w: number, p: number, temperature: number): number {
  const u = (Math.floor(w / 2 ** 9) + 0.5) / 2 ** 23;
  const logit = (q: number) => Math.log(q) - Math.log1p(-q);
  return 1 / (1 + Math.exp((logit(p) + logit(u)) / temperature));
}

/** The derivative of m / (1 - p) with respect to p. */
export function slope(w: number, p: number, temperature: number): number {
  const m = soft(w, p, temperature);
  return m / (1 - p) ** 2 - (m * (1 - m)) / (temperature * p * (1 - p) ** 2);
}
