// How much noise: what callers may ask for, and the standard deviation that follows from a drop probability.

import { wrongKind, wrongValue } from "../check.js";
import type { Dtype } from "../dtypes.js";

const LARGEST: Record<Dtype, number> = { f32: (2 - 2 ** -23) * 2 ** 127, f64: Number.MAX_VALUE };

/** Throws unless `value` is a number in [0, 1). */
export function checkDropProbability(value: unknown, name: string): asserts value is number {
  const expected = "number in [0, 1)";
  if (typeof value !== "number") throw wrongKind(name, expected, value);
  if (!(value >= 0 && value < 1)) throw wrongValue(name, expected, value);
}

/** Throws unless `value` is a number that is not negative and finite in the dtype. */
export function checkDeviation(value: unknown, name: string, dtype: Dtype): asserts value is number {
  checkBetween(value, name, 0, LARGEST[dtype]);
}

/** Throws unless `value` is a number that is finite in f32. */
export function checkMean(value: unknown, name: string): asserts value is number {
  checkBetween(value, name, -LARGEST.f32, LARGEST.f32);
}

function checkBetween(value: unknown, name: string, least: number, most: number): void {
  const expected = `number in [${least}, ${most}]`;
  if (typeof value !== "number") throw wrongKind(name, expected, value);
  if (!(value >= least && value <= most)) throw wrongValue(name, expected, value);
}

/** sqrt(p / (1 - p)), the standard deviation of what dropout at p in [0, 1) multiplies by (Srivastava et al. 2014, section 10). */
export function dropoutDeviation(p: number): number {
  return Math.sqrt(p / (1 - p));
}
