// Tests that masks look like independent decisions of the promised probability. Seeds are fixed: a test passes always or never, and every
// statistic is shown to reject a generator that lacks what it looks for. The streams are known answers besides (known-answers.test.ts).

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, keepProbability, type StreamKind } from "../../src/core/index.js";
import { KINDS } from "../support/oracle.js";
import { countPositions, covarianceZ, ones, patternZ, positionZs, rateZ, runZs, verdict, words, wordsOf } from "../support/stats.js";

// By chance a normal deviate lies beyond 5 once in 1.7 million, beyond 5.5 once in 26 million.
const FEW = 5;
const MANY = 5.5;

const SEEDS = [0n, 1n, 42n, 2n ** 32n - 1n, 2n ** 32n, 0x9e3779b97f4a7c15n, 2n ** 63n, 2n ** 64n - 1n];
const STREAMS = [0n, 1n, 2n, 1000n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];

let simd: Dropout;
let scalar: Dropout;
beforeAll(async () => {
  simd = await createDropout({ simd: true });
  scalar = await createDropout({ simd: false });
});

interface Place {
  kind: StreamKind;
  seed: bigint;
  stream?: bigint;
  start?: number;
}
const draw = (n: number, p: number, place: Place, dropout = simd) => words(dropout.mask(n, p, { stream: 0n, ...place }));

describe.each(KINDS)("%s", (kind) => {
  const q = (p: number) => keepProbability(p, kind);

  // With p below 1/256 an element of "tile" is dropped only after a tie, below 1/65,536 only after two.
  it.each([
    [2 ** -10, 2 ** 18],
    [1 / 256 - 2 ** -12, 2 ** 18],
    [1 / 256, 2 ** 18],
    [0.1, 2 ** 18],
    [0.3, 2 ** 18],
    [0.5, 2 ** 18],
    [0.9, 2 ** 18],
    [1 - 1 / 256, 2 ** 18],
    [1 - 2 ** -10, 2 ** 18],
    [0.75 * 2 ** -15, 2 ** 21],
    [1 - 0.75 * 2 ** -15, 2 ** 21],
  ])("keeps as many as it should at p = %d", (p, n) => {
    const zs: number[] = [];
    let total = 0;
    for (const seed of SEEDS) {
      for (const stream of STREAMS) {
        const kept = ones(draw(n, p, { kind, seed, stream, start: 77 * zs.length }));
        total += kept;
        zs.push(rateZ(kept, n, q(p)));
      }
    }
    expect(verdict(zs, FEW)).toBe("fair");
    expect(verdict([rateZ(total, n * zs.length, q(p))], FEW)).toBe("fair");
  });

  it.each([2 ** -10, 0.1, 0.5, 0.9])("keeps as many as it should in the scalar build at p = %d", (p) => {
    const n = 2 ** 15;
    const zs = SEEDS.flatMap((seed) =>
      STREAMS.map((stream) => rateZ(ones(draw(n, p, { kind, seed, stream, start: 2 ** 40 }, scalar)), n, q(p))),
    );
    expect(verdict(zs, FEW)).toBe("fair");
  });

  // Across seeds the first tile has to be fair, across tiles every place in a step, a lane and a byte.
  it.each([2 ** -9, 0.3, 0.5])("treats all positions alike at p = %d", (p) => {
    const tile = 4096;
    const acrossSeeds = new Uint32Array(tile);
    const seeds = 4096;
    for (let seed = 0; seed < seeds; ++seed) countPositions(draw(tile, p, { kind, seed: BigInt(seed), stream: 5n }), acrossSeeds);
    const acrossTiles = new Uint32Array(tile);
    const tiles = 2048;
    countPositions(draw(tiles * tile, p, { kind, seed: 11n }), acrossTiles);
    for (const period of [4, 8, 16, 32, 64, 256, tile]) {
      expect(verdict(positionZs(acrossSeeds, seeds, period, q(p)), MANY), `period ${period} across seeds`).toBe("fair");
      expect(verdict(positionZs(acrossTiles, tiles, period, q(p)), MANY), `period ${period} across tiles`).toBe("fair");
    }
  });

  it.each([2 ** -9, 0.1, 0.5, 0.9])("decides elements at any distance independently at p = %d", (p) => {
    const bits = draw(2 ** 23, p, { kind, seed: 0x0123456789abcdefn, stream: 3n });
    const zs = LAGS.map((lag) => covarianceZ(bits, bits, q(p), lag));
    expect(verdict(zs, MANY)).toBe("fair");
  });

  it.each([0.1, 0.5])("decides independently in other streams, other seeds and far-off parts of a stream at p = %d", (p) => {
    const n = 2 ** 17;
    const top = 2n ** 64n - 1n;
    const zs: number[] = [];
    for (const seed of SEEDS) {
      for (const stream of STREAMS) {
        const here = draw(n, p, { kind, seed, stream });
        const others: [bigint, bigint, number?][] = [
          [seed, (stream + 1n) & top],
          [(seed + 1n) & top, stream],
          [(seed + 1n) & top, (stream - 1n) & top],
          [seed, stream ^ (1n << 32n)],
          [seed ^ (1n << 32n), stream],
          [seed ^ (1n << 63n), stream],
          [seed, stream ^ (1n << 63n)],
          [~seed & top, stream],
          [seed, stream, 4096],
          [seed, stream, 2 ** 32],
          [seed, stream, 2 ** 52],
        ];
        if (seed !== stream) others.push([stream, seed]);
        for (const [s, t, start = 0] of others) zs.push(covarianceZ(here, draw(n, p, { kind, seed: s, stream: t, start }), q(p)));
      }
    }
    expect(zs.length).toBeGreaterThan(11 * 60);
    expect(verdict(zs, MANY)).toBe("fair");
  });

  it.each([0.1, 0.3, 0.5, 0.9])("has runs of the right lengths at p = %d", (p) => {
    const zs = SEEDS.slice(0, 4).flatMap((seed) => runZs(draw(2 ** 20, p, { kind, seed, stream: 8n }), q(p)));
    expect(verdict(zs, FEW)).toBe("fair");
  });

  it.each([0.1, 0.5, 0.7])("has the right bytes and steps of 16 in its bit masks at p = %d", (p) => {
    const zs = SEEDS.slice(0, 4).flatMap((seed) => {
      const bits = draw(2 ** 23, p, { kind, seed, stream: 9n });
      return [patternZ(bits, q(p), 8), patternZ(bits, q(p), 16)];
    });
    expect(verdict(zs, FEW)).toBe("fair");
  });

  it("drops at a larger p whatever it drops at a smaller one", () => {
    const word64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const p = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(256).map((x) => x / 256),
      fc.nat(2 ** 12).map((x) => x / 2 ** 20),
    );
    const start = fc.oneof(
      fc.nat(20_000),
      fc.integer({ min: 2 ** 32 - 5000, max: 2 ** 32 }),
      fc.maxSafeNat().map((x) => x % (2 ** 53 - 5000)),
    );
    fc.assert(
      fc.property(word64, word64, start, fc.integer({ min: 1, max: 5000 }), p, p, (seed, stream, from, n, a, b) => {
        const place = { kind, seed, stream, start: from };
        const few = simd.mask(n, Math.min(a, b), place);
        const many = simd.mask(n, Math.max(a, b), place);
        expect(many.every((kept, i) => (kept & ~(few[i] as number)) === 0)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

// Of vectors, lanes, kernel steps and tiles, and one beside each.
const LAGS = [
  ...Array.from({ length: 64 }, (_, i) => i + 1),
  ...[96, 112, 127, 128, 129, 255, 256, 257, 512, 1000, 1024, 2048, 4032, 4080, 4092, 4095, 4096, 4097, 4100, 4112, 8191, 8192, 8193],
  ...[12_288, 16_384, 32_767, 32_768, 65_536, 2 ** 18, 2 ** 20, 2 ** 22],
];

describe("the statistics reject", () => {
  const n = 2 ** 20;
  const p = 0.3;
  const fair = (seed = 1n) => draw(n, p, { kind: "philox", seed });
  const unfair = /deviates/;

  /** Bit `bit` of a linear congruential generator modulo 2^32 (Numerical Recipes' constants); the low ones have short periods. */
  const lcgBits = (bit: number) => {
    let x = 1;
    return wordsOf(n, () => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return ((x >>> bit) & 1) === 1;
    });
  };

  it("a probability off by one per cent", () => {
    const zs = SEEDS.map((seed) => rateZ(ones(draw(n, p * 1.01, { kind: "tile", seed })), n, 1 - p));
    expect(verdict(zs, FEW)).toMatch(unfair);
    // Lengths of runs tell of it only in a longer mask.
    const long = draw(8 * n, p * 1.01, { kind: "tile", seed: 1n });
    expect(verdict(runZs(long, 1 - p), FEW)).toMatch(unfair);
    expect(verdict([patternZ(long, 1 - p, 8)], FEW)).toMatch(unfair);
  });

  it("a probability rounded to 8 bits", () => {
    const rounded = Math.round(p * 256) / 256;
    const zs = SEEDS.map((seed) => rateZ(ones(draw(n, rounded, { kind: "tile", seed })), n, 1 - p));
    expect(verdict([zs.reduce((sum, z) => sum + z) / Math.sqrt(zs.length)], FEW)).toMatch(unfair);
  });

  it("rates that are too even", () => {
    const zs = SEEDS.flatMap((_, s) =>
      STREAMS.map((_, t) => rateZ(ones(wordsOf(2 ** 12, (i) => ((i + 1000 * s + t) * 0.6180339887498949) % 1 >= p)), 2 ** 12, 1 - p)),
    );
    expect(Math.max(...zs.map(Math.abs))).toBeLessThan(1);
    expect(verdict(zs, FEW)).toMatch(unfair);
  });

  it("the low bits of a linear congruential generator", () => {
    for (const bit of [0, 1, 4, 8]) {
      const bits = lcgBits(bit);
      expect(verdict(runZs(bits, 0.5), FEW), `runs, bit ${bit}`).toMatch(unfair);
      expect(verdict([patternZ(bits, 0.5, 8)], FEW), `bytes, bit ${bit}`).toMatch(unfair);
      expect(
        verdict(
          LAGS.map((lag) => covarianceZ(bits, bits, 0.5, lag)),
          MANY,
        ),
        `lags, bit ${bit}`,
      ).toMatch(unfair);
    }
  });

  it("one element in a hundred copied from 16 before, and nothing but that lag", () => {
    const bits = fair();
    const copied = draw(n, 0.99, { kind: "philox", seed: 2n });
    const at = (from: Uint32Array, i: number) => (((from[i >> 5] as number) >>> (i & 31)) & 1) === 1;
    const bad = wordsOf(n, (i) => at(bits, i >= 16 && at(copied, i) ? i - 16 : i));
    expect(covarianceZ(bad, bad, 1 - p, 16)).toBeGreaterThan(MANY);
    expect(verdict([covarianceZ(bad, bad, 1 - p, 15), covarianceZ(bad, bad, 1 - p, 17)], MANY)).toBe("fair");
    expect(covarianceZ(bits, bad, 1 - p)).toBeGreaterThan(MANY);
  });

  it("steps that repeat in a later tile", () => {
    const bits = fair();
    for (let w = 128; w < bits.length; w += 128) bits[w] = bits[w - 128] as number;
    expect(covarianceZ(bits, bits, 1 - p, 4096)).toBeGreaterThan(MANY);
  });

  it("streams that share a twentieth of their decisions", () => {
    const a = fair(1n);
    const b = fair(2n).map((word, w) => (w % 20 ? word : (a[w] as number)));
    expect(verdict([covarianceZ(a, fair(2n), 1 - p)], MANY)).toBe("fair");
    expect(covarianceZ(a, b, 1 - p)).toBeGreaterThan(MANY);
  });

  it("one place in a tile that is always kept, and one byte in 16 that is a little biased", () => {
    const counts = new Uint32Array(4096);
    const bits = fair();
    countPositions(bits, counts);
    expect(verdict(positionZs(counts, n / 4096, 4096, 1 - p), MANY)).toBe("fair");
    counts[1234] = n / 4096;
    expect(verdict(positionZs(counts, n / 4096, 4096, 1 - p), MANY)).toMatch(unfair);

    const biased = draw(n, p * 1.05, { kind: "philox", seed: 1n });
    const place = 1 << 13;
    const mixed = new Uint32Array(4096);
    countPositions(
      bits.map((word, w) => (word & ~(place | (place << 16))) | ((biased[w] as number) & (place | (place << 16)))),
      mixed,
    );
    expect(verdict(positionZs(mixed, n / 4096, 16, 1 - p), MANY)).toMatch(unfair);
  });

  it("two elements of each step of 16 that exclude each other", () => {
    const bits = fair().map((word) => (word & 0x0100_0100 ? word | 0x0001_0001 : word & ~0x0001_0001));
    expect(patternZ(bits, 1 - p, 16)).toBeGreaterThan(FEW);
  });

  it("runs that are never longer than 20", () => {
    let run = 0;
    const bits = fair();
    const cut = wordsOf(n, (i) => {
      const kept = (((bits[i >> 5] as number) >>> (i & 31)) & 1) === 1 && run < 20;
      run = kept ? run + 1 : 0;
      return kept;
    });
    expect(verdict(runZs(bits, 1 - p), FEW)).toBe("fair");
    expect(verdict(runZs(cut, 1 - p), FEW)).toMatch(unfair);
  });

  it("what is no number", () => {
    expect(verdict([0, Number.NaN, 1], FEW)).toMatch(unfair);
  });
});
