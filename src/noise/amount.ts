// Amounts of noise: their ranges, and the standard deviation that follows from a drop probability.

import { checkNumber } from "../ground/check.js";
import { type Dtype, LARGEST } from "../ground/dtypes.js";

/** Throws unless `value` is a number that is not negative and finite in the dtype. */
export function checkDeviation(value: unknown, name: string, dtype: Dtype): asserts value is number {
  checkNumber(value, name, 0, LARGEST[dtype]);
}

/** Throws unless `value` is a number that is finite in f32. */
export function checkMean(value: unknown, name: string): asserts value is number {
  checkNumber(value, name, -LARGEST.f32, LARGEST.f32);
}

/** Returns sqrt(p / (1 - p)), the standard deviation of the factors of dropout at p in [0, 1) (Srivastava et al. 2014, section 10). */
export function dropoutDeviation(p: number): number {
  return Math.sqrt(p / (1 - p));
}
