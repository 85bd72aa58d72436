// The results of fused operations, one element at a time in plain numbers. Shares no code with src/ or assembly/.

import type { Chance } from "../support/oracle.js";

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
export type ActivationName = keyof typeof ACTIVATION;

/** erf in double precision, by Simpson's rule: within 1e-12. */
export function erf(x: number): number {
  const end = Math.min(Math.abs(x), 6);
  const steps = 256;
  const h = end / steps;
  let sum = 1 + Math.exp(-end * end);
  for (let k = 1; k < steps; ++k) sum += (k % 2 === 1 ? 4 : 2) * Math.exp(-((k * h) ** 2));
  return (Math.sign(x) * sum * h * 2) / (3 * Math.sqrt(Math.PI));
}

/** Activations in double precision. */
export const ACTIVATION = {
  none: (v: number) => v,
  relu: (v: number) => (v < 0 ? 0 : v),
  gelu: (v: number) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
  geluTanh: (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
  silu: (v: number) => v / (1 + Math.exp(-v)),
};

/** Their derivatives, by central differences. */
export function derivative(name: ActivationName, v: number): number {
  if (name === "relu") return v > 0 ? 1 : 0;
  const h = 2 ** -14;
  return (ACTIVATION[name](v + h) - ACTIVATION[name](v - h)) / (2 * h);
}

const rounder = (x: Floats) => (x instanceof Float32Array ? Math.fround : (v: number) => v);

/** x + bias, each sum rounded. Without a bias x. */
export function biased<X extends Floats>(x: X, bias?: Floats, column = 0): X {
  return x.map((v, i) => (bias === undefined ? v : v + (bias[(column + i) % bias.length] as number))) as X;
}

/** residual + dropout(v). */
export function addResidual<X extends Floats>(v: X, residual: Floats, keep: Uint8Array, chance: Chance): X {
  const round = rounder(v);
  const s = v instanceof Float32Array ? chance.scale32 : chance.scale64;
  return v.map((value, i) => (residual[i] as number) + (keep[i] ? round(value * s) : 0)) as X;
}

/** The sums of the columns of x, each in double precision from row 0 on, rounded to the type of x. */
export function columnSums<X extends Floats>(x: X, columns: number): X {
  const sums = new Float64Array(columns);
  x.forEach((v, i) => {
    sums[i % columns] = (sums[i % columns] as number) + v;
  });
  return (x instanceof Float32Array ? Float32Array : Float64Array).from(sums) as X;
}

/**
 * The largest difference allowed between a result in f32 and that in double precision, as a multiple of |v| s for activations and |dy| s for gradients: of erf and tanh
 * 1.6e-7 at most, and some roundings of 6e-8.
 */
export const ACTIVATION_ERROR = 2e-7;
export const GRADIENT_ERROR = 4e-7;

/** Throws unless dropped elements are +0 and kept ones within `error` times size[i] of expected[i]. */
export function expectClose(
  got: Float32Array,
  expected: ArrayLike<number>,
  size: ArrayLike<number>,
  keep: Uint8Array,
  error: number,
  what: string,
): void {
  if (got.length !== expected.length) throw new Error(`${what}: length ${got.length} instead of ${expected.length}`);
  got.forEach((y, i) => {
    const e = expected[i] as number;
    const fits = keep[i] ? Object.is(y, Math.fround(e)) || Math.abs(y - e) <= error * (size[i] as number) : Object.is(y, 0);
    if (!fits) throw new Error(`${what}: element ${i} is ${y} instead of ${keep[i] ? e : 0}`);
  });
}
