// Shapes of row-major arrays: the last dimension runs fastest.
// Invariant: dimensions are positive integers, and their product, the number of elements, is exact in a double.

import { checkInteger, wrongKind, wrongValue } from "./check.js";

/** The most dimensions: as many as NumPy had before its version 2, twice those of any layer. */
export const MAX_RANK = 32;

/**
 * Throws unless `value` is an array of 1 to 32 positive integers whose product is `length`, if that is given, and a safe integer; returns the
 * product. A range of ranks may be given instead of 1 to 32.
 */
export function checkShape(
  value: unknown,
  name: string,
  length?: number,
  ranks: readonly [least: number, most: number] = [1, MAX_RANK],
): number {
  const [least, most] = ranks;
  const expected = `array of ${least === most ? least : `${least} to ${most}`} positive integers`;
  if (!Array.isArray(value)) throw wrongKind(name, expected, value);
  if (value.length < least || value.length > most) throw wrongValue(name, expected, showShape(value));
  let product = 1;
  for (let k = 0; k < value.length; ++k) {
    const size: unknown = value[k];
    checkInteger(size, `${name}[${k}]`, 1, Number.MAX_SAFE_INTEGER);
    product *= size;
  }
  // A product beyond 2^53 may be rounded, but never to below it.
  if (product > Number.MAX_SAFE_INTEGER) throw wrongValue(name, "dimensions whose product is below 2^53", showShape(value));
  if (length !== undefined && product !== length) throw wrongValue(name, `dimensions whose product is ${length}`, showShape(value));
  return product;
}

/** A copy of `value`, for calls during which the caller could change it; throws as checkShape() does. */
export function takeShape(value: unknown, name: string, ranks?: readonly [least: number, most: number]): number[] {
  const copy: unknown = Array.isArray(value) ? [...value] : value;
  checkShape(copy, name, undefined, ranks);
  return copy as number[];
}

/** The number of elements of an array of `shape`, which has been checked. */
export function productOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A shape as messages show it. */
export function showShape(shape: readonly unknown[]): string {
  const some = shape.slice(0, MAX_RANK).map((size) => (typeof size === "number" ? size : typeof size));
  return `[${some.join(", ")}${shape.length > MAX_RANK ? ", …" : ""}]`;
}
