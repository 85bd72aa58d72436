// Refusals of outputs that are not what the options call them: logits that pass for probabilities give entropies that mean nothing.

import { wrongValue } from "../ground/check.js";
import type { BufferDtype } from "../ground/dtypes.js";
import type { ClassOutput } from "./choices.js";

// Probabilities that were rounded to a dtype, or printed with three digits, do not add up to 1: of bf16, which has 8 bits, less so.
const TOLERANCE = 2 ** -9;
const TOLERANCE_BF16 = 2 ** -6;

/** Returns by how much the sum of a row of probabilities of `stored` may differ from 1. */
function toleranceOf(stored: BufferDtype): number {
  return stored === "bf16" ? TOLERANCE_BF16 : TOLERANCE;
}

const HINT = ' (output: "logits" is for logits, "sigmoids" for labels that do not exclude each other)';

/** Throws RangeError unless rows `row` and on of a pass's output are what `output` says; `values` are rows of `classes`. */
export function checkRows(values: ArrayLike<number>, classes: number, output: ClassOutput, stored: BufferDtype, row: number): void {
  if (output === "logits") checkLogits(values, classes, row);
  else checkProbabilities("output", values, classes, output === "probabilities", toleranceOf(stored), row, HINT);
}

/** Throws RangeError unless rows `row` and on of `values`, called `name`, are numbers in [0, 1], and their sums 1 if classes are `exclusive`. */
export function checkProbabilities(
  name: string,
  values: ArrayLike<number>,
  classes: number,
  exclusive = true,
  tolerance = TOLERANCE,
  row = 0,
  hint = "",
): void {
  const { length } = values;
  for (let at = 0; at < length; at += classes) {
    // Two sums of each kind, as an addition waits for the one before. A sum of numbers that are not negative bounds them all, and one with a NaN is NaN.
    let [even, odd, evenSize, oddSize] = [0, 0, 0, 0];
    const end = at + classes;
    let k = at;
    for (; k + 1 < end; k += 2) {
      const a = values[k] as number;
      const b = values[k + 1] as number;
      even += a;
      odd += b;
      evenSize += Math.abs(a);
      oddSize += Math.abs(b);
    }
    if (k < end) {
      even += values[k] as number;
      evenSize += Math.abs(values[k] as number);
    }
    const sum = even + odd;
    const fits = exclusive ? Math.abs(sum - 1) <= tolerance : sum <= 1 + tolerance;
    if (fits && even === evenSize && odd === oddSize) continue;
    for (let c = 0; c < classes; ++c) {
      const value = values[at + c] as number;
      if (value >= 0 && value <= 1 + tolerance) continue;
      throw wrongValue(name, `probabilities in [0, 1]${hint}`, `${value} for class ${c} of row ${row + at / classes}`);
    }
    if (exclusive) throw wrongValue(name, `rows of probabilities whose sum is 1${hint}`, `a sum of ${sum} in row ${row + at / classes}`);
  }
}

function checkLogits(values: ArrayLike<number>, classes: number, row: number): void {
  for (let at = 0; at < values.length; at += classes) {
    let most = -Infinity;
    for (let c = 0; c < classes; ++c) {
      const value = values[at + c] as number;
      if (!(value < Infinity)) throw wrongValue("output", "logits below Infinity", `${value} for class ${c} of row ${row + at / classes}`);
      if (value > most) most = value;
    }
    if (most === -Infinity) throw wrongValue("output", "a finite logit in each row", `-Infinity in all of row ${row + at / classes}`);
  }
}
