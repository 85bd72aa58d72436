// Shapes of row-major arrays: the last dimension runs fastest.
// Invariant: dimensions are integers of at least 0, and their product, the number of elements, is exact in a double.

import { checkInteger, isArray, wrongKind, wrongValue } from "./check.js";

/** The most dimensions: as many as NumPy had before its version 2, twice those of any layer. */
export const MAX_RANK = 32;

/** The least and the most dimensions that a shape may have. */
export type Ranks = readonly [least: number, most: number];
const ANY_RANK: Ranks = [1, MAX_RANK];

/**
 * Throws unless `value` is an array of 1 to 32 non-negative integers whose product is `length`, if that is given, and a safe integer; returns the
 * product. A range of ranks may be given instead of 1 to 32.
 */
export function checkShape(value: unknown, name: string, length?: number, ranks: Ranks = ANY_RANK): number {
  const expected = shapeOf(ranks);
  if (!isArray(value)) throw wrongKind(name, expected, value);
  if (value.length < ranks[0] || value.length > ranks[1]) throw wrongValue(name, expected, showShape(value));
  for (let k = 0; k < value.length; ++k) checkInteger(value[k], `${name}[${k}]`, 0, Number.MAX_SAFE_INTEGER);
  const product = productOf(value as number[]);
  // A product above 2^53 may be rounded, but never to less than 2^53.
  if (product > Number.MAX_SAFE_INTEGER) throw wrongValue(name, "dimensions whose product is below 2^53", showShape(value));
  if (length !== undefined && product !== length) throw wrongValue(name, `dimensions whose product is ${length}`, showShape(value));
  return product;
}

/** Returns a copy of `value`, whose items are read once; throws as checkShape() does, before it copies more than the most dimensions. */
export function takeShape(value: unknown, name: string, ranks: Ranks = ANY_RANK): number[] {
  const copy = takeItems(value, name, shapeOf(ranks), ranks);
  checkShape(copy, name, undefined, ranks);
  return copy as number[];
}

function shapeOf([least, most]: Ranks): string {
  return `array of ${least === most ? least : `${least} to ${most}`} non-negative integers`;
}

/** Returns a copy of an array of `least` to `most` items, each read once. Throws unless it is one, before anything is copied. */
export function takeItems(value: unknown, name: string, expected: string, [least, most]: Ranks): unknown[] {
  if (!isArray(value)) throw wrongKind(name, expected, value);
  // Read once, and checked: a proxy may say anything.
  const length: unknown = value.length;
  const known = typeof length === "number" && Number.isInteger(length) ? length : 0;
  const items: unknown[] = [];
  for (let k = 0; k < Math.min(known, MAX_RANK + 1); ++k) items.push(value[k]);
  if (length !== known || known < least || known > most) throw wrongValue(name, expected, showShape(items));
  return items;
}

/** Returns the number of elements of an array of `shape`, whose dimensions have been checked. */
export function productOf(shape: readonly number[]): number {
  // Infinity times 0 would be NaN, where other dimensions have an infinite product.
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/** Returns a shape as text for a message. */
export function showShape(shape: readonly unknown[]): string {
  const some = shape.slice(0, MAX_RANK).map((size) => (typeof size === "number" ? size : typeof size));
  return `[${some.join(", ")}${shape.length > MAX_RANK ? ", …" : ""}]`;
}
