// Thresholds and scales: that what the kernels compare and multiply with is what the reference computes in whole numbers.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as reference from "../../docs/reference.js";
import { keepProbability } from "../../src/core/index.js";
import type { StreamKind } from "../../src/stream/kinds.js";
import { scale, threshold } from "../../src/stream/probability.js";
import { KIND } from "../support/messages.js";
import { KINDS } from "../support/oracle.js";

const RANGE = { tile: 2 ** 48, philox: 2 ** 32 };

// The ends of the interval, halves that Math.round takes up, and neighbours of values that are exact.
const EDGES = [
  0,
  -0,
  5e-324,
  2 ** -50,
  2 ** -49 - 2 ** -102,
  2 ** -49,
  2 ** -48,
  1.5 * 2 ** -48,
  2.5 * 2 ** -48,
  2 ** -33 - 2 ** -86,
  2 ** -33,
  2 ** -32,
  2.5 * 2 ** -32,
  1 / 256,
  0.1,
  1 / 3,
  0.5 - 2 ** -54,
  0.5,
  0.5 + 2 ** -53,
  0.9,
  1 - 1 / 256,
  1 - 2 ** -32,
  1 - 2 ** -33,
  1 - 2 ** -48,
  1 - 2 ** -49,
  1 - 2 ** -53,
  1,
];

// Thresholds whose quotient, once rounded to f64, lies halfway between two f32 values and not on the side of the true quotient.
const TILE_TWICE_ROUNDED: [t: number, single: number][] = [
  [99944465638533, 1.5505656003952026],
  [104045811352795, 1.5864075422286987],
  [13563960353771, 1.0506285429000854],
  [119081274247589, 1.7332874536514282],
];
// All there are in the 2^32 of "philox".
const PHILOX_TWICE_ROUNDED = [
  268435441, 286094850, 522162148, 536870884, 804901358, 900048281, 908040900, 1066742890, 2290531073, 2408564722, 2415919090, 2549934327,
  2601504098, 2680855093, 3351766009, 3355443193, 3448235697,
];

function expectReference(kind: StreamKind, p: number): void {
  const t = Number(reference.threshold(kind, p));
  const got = {
    t: threshold(p, kind) + 0,
    kept: keepProbability(p, kind),
    f32: scale(threshold(p, kind), kind, "f32"),
    f64: scale(threshold(p, kind), kind, "f64"),
  };
  expect(got, `${kind} at ${p}`).toEqual({
    t,
    kept: (RANGE[kind] - t) / RANGE[kind],
    f32: reference.scale(kind, p, 24),
    f64: reference.scale(kind, p, 53),
  });
}

describe.each(KINDS)("%s", (kind) => {
  const range = RANGE[kind];

  it.each(EDGES)("gives what the reference gives at p = %d", (p) => {
    expectReference(kind, p);
  });

  it("gives what the reference gives at any p", () => {
    const small = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60)).map(([x, k]) => x * 2 ** -k);
    const anyP = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(2 ** 31 - 1).map((x) => x / 2 ** 31),
      small,
      small.map((x) => 1 - x),
    );
    fc.assert(
      fc.property(anyP, (p) => expectReference(kind, p)),
      { numRuns: 3000 },
    );
  });

  it("gives the reference's scale at any threshold", () => {
    // Few elements kept make large scales, down to one element in the range.
    const kept = fc.oneof(
      fc.maxSafeNat().map((x) => 1 + (x % range)),
      fc.integer({ min: 0, max: Math.log2(range) }).map((k) => 2 ** k),
      fc.tuple(fc.maxSafeNat(), fc.nat(30)).map(([x, k]) => 1 + (x % (range / 2 ** k))),
    );
    fc.assert(
      fc.property(kept, (k) => {
        const t = range - k;
        expect(threshold(t / range, kind)).toBe(t);
        expect(scale(t, kind, "f32")).toBe(reference.scale(kind, t / range, 24));
        expect(scale(t, kind, "f64")).toBe(reference.scale(kind, t / range, 53));
      }),
      { numRuns: 3000 },
    );
  });

  it("keeps thresholds, keep probabilities and scales in the order of p", () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(p, p, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(threshold(low, kind)).toBeLessThanOrEqual(threshold(high, kind));
        expect(keepProbability(low, kind)).toBeGreaterThanOrEqual(keepProbability(high, kind));
        expect(scale(threshold(low, kind), kind, "f32")).toBeLessThanOrEqual(scale(threshold(high, kind), kind, "f32"));
      }),
      { numRuns: 1000 },
    );
  });

  it("drops nothing at 0 and everything at 1, and differs from p by half a unit at most", () => {
    expect([threshold(0, kind), threshold(1, kind)]).toEqual([0, range]);
    expect([keepProbability(0, kind), keepProbability(1, kind)]).toEqual([1, 0]);
    for (const dtype of ["f32", "f64"] as const) {
      expect([scale(0, kind, dtype), scale(range, kind, dtype)]).toEqual([1, Number.POSITIVE_INFINITY]);
    }
    expect(threshold(0.5 / range, kind)).toBe(1);
    expect(threshold((0.5 - 2 ** -54) / range, kind)).toBe(0);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (p) => Math.abs(threshold(p, kind) - p * range) <= 0.5),
      { numRuns: 1000 },
    );
  });
});

describe("the f32 scale is rounded once", () => {
  it.each(TILE_TWICE_ROUNDED)("tile, T = %d", (t, single) => {
    expect(reference.scale("tile", t / 2 ** 48, 24)).toBe(single);
    expect(scale(t, "tile", "f32")).toBe(single);
    expect(Math.fround(2 ** 48 / (2 ** 48 - t))).not.toBe(single);
  });

  it.each(PHILOX_TWICE_ROUNDED)("philox, T = %d", (t) => {
    const single = scale(t, "philox", "f32");
    expect(single).toBe(reference.scale("philox", t / 2 ** 32, 24));
    expect(single).not.toBe(Math.fround(2 ** 32 / (2 ** 32 - t)));
  });

  it("also where the f64 quotient lies halfway and rounding twice happens to be right", () => {
    // For a halfway value h, the threshold next to 1 - 1/h has the quotient h in one case of about 32.
    let found = 0;
    let twice = 0;
    for (let h = 2 ** 24 + 1; h < 2 ** 25; h += 2 * 997) {
      const quotient = h / 2 ** 24;
      const kept = Math.round(2 ** 48 / quotient);
      if (2 ** 48 / kept !== quotient) continue;
      const t = 2 ** 48 - kept;
      const single = scale(t, "tile", "f32");
      expect(single).toBe(reference.scale("tile", t / 2 ** 48, 24));
      ++found;
      if (single !== Math.fround(quotient)) ++twice;
    }
    expect(found).toBeGreaterThan(100);
    expect(twice).toBeGreaterThan(30);
    expect(found - twice).toBeGreaterThan(30);
  });
});

describe("keepProbability refuses", () => {
  const unknown = keepProbability as (p?: unknown, kind?: unknown) => number;

  it.each([
    [Number.NaN, "NaN"],
    [-0.1, "-0.1"],
    [1.5, "1.5"],
    [-5e-324, "-5e-324"],
    [1 + 2 ** -52, "1.0000000000000002"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ])("p = %d with a RangeError", (p, shown) => {
    expect(() => keepProbability(p)).toThrow(new RangeError(`"p" expected number in [0, 1], got ${shown}`));
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    ["0.5", 'string "0.5"'],
    [1n, "1n"],
    [true, "true"],
    [[0.5], "Array(1)"],
  ])("p = %o with a TypeError", (p, shown) => {
    expect(() => unknown(p)).toThrow(new TypeError(`"p" expected number in [0, 1], got ${shown}`));
  });

  it("an unknown kind with a RangeError, and a kind that is no string with a TypeError", () => {
    expect(() => unknown(0.5, "Tile")).toThrow(new RangeError(`"kind" expected ${KIND}, got string "Tile"`));
    expect(() => unknown(0.5, 1)).toThrow(new TypeError(`"kind" expected ${KIND}, got 1`));
    expect(() => unknown(0.5, null)).toThrow(new TypeError(`"kind" expected ${KIND}, got null`));
  });
});
