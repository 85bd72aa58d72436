// The averages that operations with shapes promise: SELU's mean and variance survive alpha dropout, DropBlock drops about p.
// Seeds are fixed, so the figures are always the same.

import { describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { createShapes } from "../../src/shapes/index.js";
import { rateZ } from "../support/stats.js";
import { blockShare, product } from "./oracle.js";

const dropout = await createDropout({ seed: 20 });
const shapes = await createShapes(dropout);

/** Standard normal values by Box and Muller's method, of a multiplicative generator (Park, Miller 1988). */
function normals(length: number): Float64Array<ArrayBuffer> {
  let state = 1;
  const uniform = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  return Float64Array.from({ length }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

// Klambauer et al. 2017, section "Derivation of the parameters".
const selu = (x: number) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x));

function moments(x: Float32Array | Float64Array): { mean: number; variance: number } {
  let [sum, squares] = [0, 0];
  for (const value of x) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / x.length;
  return { mean, variance: squares / x.length - mean * mean };
}

describe("alpha dropout", () => {
  const x = normals(2 ** 20).map(selu);

  it("its input has mean 0 and variance 1", () => {
    const { mean, variance } = moments(x);
    expect(Math.abs(mean)).toBeLessThan(0.004);
    expect(Math.abs(variance - 1)).toBeLessThan(0.006);
  });

  it.each([0.05, 0.1, 0.5, 0.9])("keeps mean and variance at p = %s", (p) => {
    for (const data of [x, Float32Array.from(x)]) {
      const plain = moments(shapes.alphaDropout(data, p, { stream: 1 }).y);
      expect(Math.abs(plain.mean)).toBeLessThan(0.01);
      expect(Math.abs(plain.variance - 1)).toBeLessThan(0.02);
      // Of small maps, which are many decisions still.
      const features = moments(shapes.featureAlphaDropout(data, p, { shape: [2 ** 9, 2 ** 9, 4], stream: 2 }).y);
      expect(Math.abs(features.mean)).toBeLessThan(0.01);
      expect(Math.abs(features.variance - 1)).toBeLessThan(0.02);
    }
  });
});

describe("DropBlock", () => {
  interface Case {
    readonly p: number;
    readonly sizes: readonly number[];
    readonly blockSize: number;
    readonly borderSeeds?: boolean;
    /** The share that the docstring states. */
    readonly stated?: number;
  }
  const cases: Case[] = [
    { p: 0.05, sizes: [28, 28], blockSize: 7 },
    { p: 0.1, sizes: [28, 28], blockSize: 7 },
    { p: 0.1, sizes: [14, 14], blockSize: 3 },
    { p: 0.2, sizes: [40, 40], blockSize: 5 },
    { p: 0.1, sizes: [7, 7], blockSize: 7 },
    { p: 0.3, sizes: [9, 9], blockSize: 1 },
    { p: 0.1, sizes: [4, 8], blockSize: 7 },
    { p: 0.1, sizes: [200], blockSize: 9 },
    { p: 0.1, sizes: [8, 9, 10], blockSize: 3 },
    { p: 0.1, sizes: [14, 14], blockSize: 7, stated: 0.09 },
    { p: 0.5, sizes: [14, 14], blockSize: 7, stated: 0.355 },
    { p: 0.1, sizes: [14, 14], blockSize: 7, borderSeeds: true, stated: 0.208 },
  ];

  it.each(cases)("as many dropped as gamma says, about p of all: %j", ({ p, sizes, blockSize, borderSeeds = false, stated }) => {
    const maps = 1000;
    const size = product(sizes);
    const ones = new Float32Array(maps * size).fill(1);
    const { y, ticket } = shapes.dropBlock(ones, p, { shape: [10, 100, ...sizes], blockSize, borderSeeds, stream: 5 });
    const perMap = new Float64Array(maps);
    y.forEach((value, i) => {
      if (value === 0) perMap[Math.floor(i / size)] = (perMap[Math.floor(i / size)] as number) + 1;
    });
    const rate = blockShare(ticket.p, sizes, blockSize, borderSeeds);
    const { mean, variance } = moments(perMap);
    expect(Math.abs(mean - rate * size) / Math.sqrt(variance / maps)).toBeLessThan(4);
    if (stated !== undefined) expect(Math.abs(rate - stated)).toBeLessThan(0.0051);
    if (!borderSeeds) {
      expect(rate).toBeLessThanOrEqual(p * (1 + 1e-12));
      if (p < 0.5) expect(rate).toBeGreaterThan(0.8 * p);
    }
    // The kept values make up for the dropped ones, to the rounding of the scale.
    expect(Math.abs(moments(y).mean - 1)).toBeLessThan(1e-6);
  });
});

describe("noise masks", () => {
  it.each([0.1, 0.5])("drop p = %s of what shares a decision", (p) => {
    const { y } = shapes.spatialDropout(new Float32Array(2 ** 20).fill(1), p, { shape: [256, 512, 8], stream: 9 });
    const kept = y.filter((value) => value !== 0).length / 8;
    expect(Math.abs(rateZ(kept, 2 ** 17, 1 - p))).toBeLessThan(4);
    expect(y.every((value, i) => value === y[i - (i % 8)])).toBe(true);
  });
});
