// Several probabilities in one call: an array of them, broadcast against the shape of the data. An element is dropped where a call with its probability
// alone, of the same stream, drops it, and scaled as there.

import { WasmBuffer } from "../engine/buffer.js";
import type { Taking } from "../engine/pass.js";
import { RateField } from "../ground/abi.js";
import { bufferOf, checkProbability, isArray, isTypedArray, lengthOf, offsetOf, tagOf, wrongKind, wrongValue } from "../ground/check.js";
import { DTYPES, type Dtype, dtypeOfArray, viewOf } from "../ground/dtypes.js";
import { productOf, takeShape } from "../ground/shape.js";
import { F16_OVERFLOW } from "../stream/draw.js";
import type { StreamKind } from "../stream/kinds.js";
import { keepFactor, scale, threshold } from "../stream/probability.js";
import type { Rescale } from "../stream/ticket.js";
import { alphaConstants } from "./alpha.js";
import { fits } from "./noise-shape.js";

/** Drop probabilities in [0, 1]: one for each sample, or an array that `pShape` broadcasts against the shape of the data. */
export type Probabilities = readonly number[] | Float32Array | Float64Array | WasmBuffer<"f32"> | WasmBuffer<"f64">;

/** The ticket of a call with several probabilities: `saved.p` has them in the backward call. */
export type RatesTicket<T extends { readonly p: number }> = Omit<T, "p"> & {
  /** Shape of the probabilities: as many dimensions as the data, each the same or 1. */
  readonly pShape: readonly number[];
  /** 0 for a call outside training that dropped nothing, else left out. */
  readonly p?: 0;
};

/** The ticket of a call with probabilities of type P. */
export type TicketOf<T extends { readonly p: number }, P> = P extends number ? T : RatesTicket<T>;

/** The probabilities of a call, as read. */
export interface Rates {
  /** As many dimensions as the data, each the same or 1. */
  readonly shape: readonly number[];
  readonly length: number;
  /** The argument's name in messages. */
  readonly name: string;
  /** A copy of an ordinary array, whose items have been checked; or else what is to be taken. */
  readonly values: readonly number[] | undefined;
  readonly given: unknown;
  readonly dtype: Dtype;
}

/** Returns true if `p` is one of the types that several probabilities have, of whatever dtype. */
export function isSeveral(p: unknown): boolean {
  return isArray(p) || isTypedArray(p) || WasmBuffer._is(p);
}

/** Returns a shape broadcast against `shape` by NumPy's rules: with as many dimensions, each the same or 1. Throws unless that can be. */
export function alignShape(value: unknown, shape: readonly number[], name: string): number[] {
  const given = takeShape(value, name, [0, shape.length]);
  const missing = shape.length - given.length;
  return shape.map((size, k) => (k < missing ? 1 : fits(given[k - missing], size, `${name}[${k - missing}]`)));
}

/** Returns the shape of one probability for each sample; throws TypeError unless there are samples. */
export function sampleShape(shape: readonly number[], batched: unknown, name: string): number[] {
  if (batched === false) throw wrongKind(name, "shape of p, as data without samples have no probability for each", undefined);
  return shape.map((size, k) => (k === 0 ? size : 1));
}

/**
 * Reads several probabilities of `shape`, which was aligned. The items of an ordinary array are read once and checked here; `most` is the length of the
 * data, beyond which nothing is copied, as the call is refused. Throws TypeError or RangeError.
 */
export function readRates(p: unknown, shape: readonly number[], most: number, name = "p"): Rates {
  const length = productOf(shape);
  if (!isArray(p)) return { shape, length, name, values: undefined, given: p, dtype: dtypeOf(p, name) };
  const count: unknown = p.length;
  if (count !== length) throw wrongLength(length, count, name);
  const values: number[] = [];
  for (let k = 0; k < length && length <= most; ++k) {
    const item: unknown = p[k];
    checkProbability(item, `${name}[${k}]`);
    values.push(item);
  }
  return { shape, length, name, values, given: undefined, dtype: "f64" };
}

function dtypeOf(p: unknown, name: string): Dtype {
  const dtype = WasmBuffer._is(p) ? WasmBuffer._dtypeOf(p) : isTypedArray(p) ? dtypeOfArray(tagOf(p), DTYPES) : undefined;
  if (dtype === "f32" || dtype === "f64") return dtype;
  throw wrongKind(name, "number in [0, 1], or array, Float32Array, Float64Array or buffer of f32 or f64 of such numbers", p);
}

function wrongLength(expected: number, got: unknown, name: string) {
  const length = `length ${expected}: one for each sample, or as many as pShape says`;
  return typeof got === "number" ? wrongValue(name, length, got) : wrongKind(name, length, got);
}

/** Takes probabilities: `data` is the first data of the call. Throws TypeError or RangeError that names the first that does not fit. */
export function takeRates(pass: Taking, { values, given, name, dtype, length }: Rates): ArrayLike<number> {
  if (values !== undefined) return values;
  const count = WasmBuffer._is(given) ? WasmBuffer._lengthOf(given) : lengthOf(given as Float32Array);
  // Taken as an operand, so that no result overwrites what backward needs again.
  if (count === length || count === 0) pass.input(given, name, dtype, length);
  else throw wrongLength(length, count, name);
  const copy = Float64Array.from(viewOfData(given, dtype, length));
  copy.forEach((value, k) => {
    checkProbability(value, `${name}[${k}]`);
  });
  return copy;
}

function viewOfData(given: unknown, dtype: Dtype, length: number): ArrayLike<number> {
  if (WasmBuffer._is(given)) return WasmBuffer._viewOf(given);
  const array = given as Float32Array;
  return viewOf(dtype, bufferOf(array), offsetOf(array), length);
}

/** The use of probabilities: how kept values are scaled in training, or "test" for all of them outside it; or one of alpha dropout's. */
export type Use = Rescale | "alpha" | "alphaBackward";

/** Throws RangeError where a kept 1 would be infinite in f16. */
export function checkOverflow(values: ArrayLike<number>, { name }: Rates, use: Use, kind: StreamKind): void {
  if (use === "none" || use === "test") return;
  for (let k = 0; k < values.length; ++k) {
    const p = values[k] as number;
    const factor = scale(threshold(p, kind), kind, "f32");
    if (factor === Infinity) continue;
    const alpha = use !== "train";
    if ((alpha ? alphaConstants(p, kind, "f32").a : factor) < F16_OVERFLOW) continue;
    const expected = alpha
      ? "a value at which the factor a of alpha dropout is below 65520, infinity of f16"
      : "below 1 - 1 / 65520 for f16";
    throw wrongValue(`${name}[${k}]`, `1, or ${expected}`, p);
  }
}

/** Writes the rate of probability `p` to fields at..at+3 of `rates`. */
export function writeRate(rates: Float64Array, at: number, p: number, use: Use, kind: StreamKind, dtype: Dtype): void {
  const t = threshold(p, kind);
  const factor = scale(t, kind, dtype);
  let [least, a, b, dropped] = [t, factor, -0, 0];
  // Everything is dropped at an infinite factor, and is +0 in alpha dropout too.
  if (factor === Infinity) a = 1;
  else if (use === "none") a = 1;
  else if (use === "test") [least, a] = [0, keepFactor(t, kind, dtype)];
  else if (use === "alpha") ({ a, b, dropped } = alphaConstants(p, kind, dtype));
  else if (use === "alphaBackward") ({ a } = alphaConstants(p, kind, dtype));
  rates[at + RateField.threshold] = least;
  rates[at + RateField.a] = a;
  rates[at + RateField.b] = b;
  rates[at + RateField.dropped] = dropped;
}

/** Throws TypeError unless elements that share a decision have one probability, so that a mask of decisions says what was dropped. */
export function checkMask(mask: unknown, { shape, name }: Rates, noiseShape: readonly number[]): void {
  if (mask === undefined || shape.every((size, k) => size === 1 || size === noiseShape[k])) return;
  throw wrongKind("mask", `nothing, as "${name}" differs among elements that share a decision`, mask);
}
