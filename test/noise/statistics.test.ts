// Tests that the numbers of noise are distributed and independent as promised. Seeds are fixed: a test passes always or never, and every statistic is
// shown to reject numbers that lack what it looks for.

import { beforeAll, describe, expect, it } from "vitest";
import { radius } from "../../docs/normal-reference.js";
import { createDropout } from "../../src/core/index.js";
import { createNoise, type Noise } from "../../src/noise/index.js";
import { momentZs, phi, verdict } from "../support/stats.js";

const N = 2 ** 20;
// By chance a normal deviate lies beyond 5 once in 1.7 million.
const FEW = 5;
// By chance sqrt(n) times Kolmogorov's distance lies beyond 2.6 once in 370,000.
const FAR = 2.6;

const SEEDS = [0n, 1n, 42n, 2n ** 32n, 0x9e3779b97f4a7c15n, 2n ** 64n - 1n];
const STREAMS = [0n, 1n, 2n ** 31n, 2n ** 64n - 1n];

let simd: Noise;
let scalar: Noise;
beforeAll(async () => {
  const dropout = await createDropout({ seed: 42 });
  simd = await createNoise(dropout, { simd: true });
  scalar = await createNoise(dropout, { simd: false });
});

const normals = (seed: bigint, stream: bigint, start = 0) => simd.normal(N, { seed, stream, start });
const uniforms = (seed: bigint, stream: bigint, start = 0) => simd.uniform(N, { seed, stream, start });

/** sqrt(n) times the largest distance between the empirical distribution of x and `distribution`: Kolmogorov. */
function distance(x: Float32Array, distribution: (x: number) => number): number {
  const n = x.length;
  let most = 0;
  x.toSorted().forEach((value, i) => {
    const expected = distribution(value);
    most = Math.max(most, expected - i / n, (i + 1) / n - expected);
  });
  return most * Math.sqrt(n);
}

/** Deviations of the covariances of standard normal x[i] and y[i], and of their squares. */
function covarianceZs(x: ArrayLike<number>, y: ArrayLike<number>): number[] {
  const n = x.length;
  let product = 0;
  let squares = 0;
  for (let i = 0; i < n; ++i) {
    const [a, b] = [x[i] as number, y[i] as number];
    product += a * b;
    squares += (a * a - 1) * (b * b - 1);
  }
  return [product / Math.sqrt(n), squares / Math.sqrt(4 * n)];
}

/** Every other element, from `from`. */
const everyOther = (x: Float32Array, from: 0 | 1) => new Float32Array(x.length / 2).map((_, i) => x[2 * i + from] as number);

describe("normal numbers", () => {
  it("have the moments of the standard normal distribution", () => {
    const zs = SEEDS.flatMap((seed) => STREAMS.flatMap((stream) => momentZs(normals(seed, stream))));
    expect(verdict(zs, FEW)).toBe("fair");
    const x = normals(42n, 0n);
    for (const wrong of [x.map((z) => z + 0.01), x.map((z) => 1.01 * z), x.map((z) => z + 0.01 * z * z), x.map((z) => z + 0.01 * z ** 3)]) {
      expect(verdict(momentZs(wrong), FEW)).not.toBe("fair");
    }
  });

  it("have its distribution", () => {
    for (const seed of [0n, 42n, 2n ** 64n - 1n]) expect(distance(normals(seed, 5n, 77), phi)).toBeLessThan(FAR);
    expect(distance(scalar.normal(2 ** 17, { seed: 1n, stream: 2n, start: 2 ** 40 }), phi)).toBeLessThan(FAR);
    const x = normals(42n, 5n);
    for (const wrong of [x.map((z) => z + 0.01), x.map((z) => 1.02 * z), x.map((z) => (Math.abs(z) < 0.01 ? 0 : z))]) {
      expect(distance(wrong, phi)).toBeGreaterThan(FAR);
    }
  });

  // 2 Phi(-t), and the relative error that the grain of 2^-32 leaves.
  it.each([
    [4, 6.334248366623985e-5, 1e-5],
    [5, 5.733031437583867e-7, 1e-3],
    [6, 1.973175290075396e-9, 2e-2],
  ])("lie beyond %d as often as they should: all words", (t, expected, error) => {
    // Of an angle in a uniform position, |cos| lies beyond t / r with probability 2/pi acos(t / r); r falls as the word grows.
    let sum = 0;
    for (let word = 0, r = radius(0); r > t; r = radius(++word)) sum += (2 / Math.PI) * Math.acos(t / r);
    expect(Math.abs(sum / 2 ** 32 / expected - 1)).toBeLessThan(error);
  });

  it("lie in the tails as often as they should: many draws", () => {
    const rounds = 64;
    const beyond = new Map([4, 5, -4, -5].map((t) => [t, 0]));
    const out = new Float32Array(N);
    for (let round = 0; round < rounds; ++round) {
      simd.normal(N, { seed: 3n, stream: round, out });
      for (const z of out) {
        if (z > -4 && z < 4) continue;
        for (const [t, count] of beyond) if (t > 0 ? z > t : z < t) beyond.set(t, count + 1);
      }
    }
    const zs = [...beyond].map(([t, count]) => {
      const mean = rounds * N * (Math.abs(t) === 4 ? 3.1671241833119924e-5 : 2.866515718791933e-7);
      return (count - mean) / Math.sqrt(mean);
    });
    expect(verdict(zs, FEW)).toBe("fair");
  });

  it("are finite for all that words can be: the smallest, the largest and those around every power of two", () => {
    const words = Array.from({ length: 32 }, (_, k) => [2 ** k - 1, 2 ** k, 2 ** k + 1, 2 ** 32 - 2 ** k]).flat();
    for (const word of words) {
      const r = radius(word);
      expect(r >= 0 && r <= 6.763705730438232, `${word}: ${r}`).toBe(true);
    }
    expect(radius(0)).toBe(6.763705730438232);
    expect(radius(2 ** 32 - 1)).toBe(-0);
  });

  it("are independent: the two of a pair, neighbours, streams and seeds", () => {
    const x = normals(42n, 0n);
    const pairs = SEEDS.map((seed) => normals(seed, 9n)).flatMap((z) => covarianceZs(everyOther(z, 0), everyOther(z, 1)));
    const lags = [1, 2, 3, 4, 5, 8, 16, 31, 32, 64, 1000].flatMap((lag) => covarianceZs(x.subarray(0, N - lag), x.subarray(lag)));
    const streams = STREAMS.slice(1).flatMap((stream) => covarianceZs(x, normals(42n, stream)));
    const seeds = SEEDS.filter((seed) => seed !== 42n).flatMap((seed) => covarianceZs(x, normals(seed, 0n)));
    expect(verdict([...pairs, ...lags, ...streams, ...seeds], FEW)).toBe("fair");
    expect(verdict(covarianceZs(x, x), FEW)).not.toBe("fair");
    // Uncorrelated, and yet dependent.
    expect(
      verdict(
        covarianceZs(
          x,
          x.map((z, i) => (i % 2 ? z : -z)),
        ),
        FEW,
      ),
    ).not.toBe("fair");
  });
});

describe("uniform numbers", () => {
  it("have the uniform distribution on [0, 1)", () => {
    for (const seed of SEEDS) {
      const u = uniforms(seed, 5n, 3);
      expect(distance(u, (x) => x)).toBeLessThan(FAR);
      expect(u.every((x) => x >= 0 && x < 1 && Number.isInteger(x * 2 ** 24))).toBe(true);
    }
    expect(distance(scalar.uniform(2 ** 17, { seed: 1n, stream: 2n }), (x) => x)).toBeLessThan(FAR);
    expect(
      distance(
        uniforms(1n, 0n).map((x) => x ** 1.02),
        (x) => x,
      ),
    ).toBeGreaterThan(FAR);
  });

  it("are independent of their neighbours, and have fair bits", () => {
    const u = uniforms(42n, 0n);
    const standard = u.map((x) => (x - 0.5) * Math.sqrt(12));
    const zs = [1, 2, 3, 4, 5, 8, 32].map((lag) => covarianceZs(standard.subarray(0, N - lag), standard.subarray(lag))[0] as number);
    const ones = new Array<number>(24).fill(0);
    for (const x of u) for (let bit = 0, bits = x * 2 ** 24; bit < 24; ++bit) ones[bit] = (ones[bit] as number) + ((bits >> bit) & 1);
    zs.push(...ones.map((count) => (count - N / 2) / Math.sqrt(N / 4)));
    expect(verdict(zs, FEW)).toBe("fair");
  });
});

describe("operations", () => {
  it.each([0.1, 0.5, 0.8])("Gaussian dropout multiplies by mean 1 and variance p / (1 - p) at p = %d", (p) => {
    const ones = new Float64Array(N).fill(1);
    const zs = STREAMS.flatMap((stream) => {
      const { y } = simd.gaussianDropout(ones, p, { stream });
      return momentZs(y.map((m) => (m - 1) / Math.sqrt(p / (1 - p))));
    });
    expect(verdict(zs, FEW)).toBe("fair");
  });

  it("Gaussian dropout has the mean and the variance of inverted dropout", async () => {
    const p = 0.3;
    const dropout = await createDropout({ seed: 5 });
    const ones = new Float64Array(N).fill(1);
    const spread = (y: Float64Array) => {
      let sum = 0;
      let squares = 0;
      for (const v of y) {
        sum += v;
        squares += v * v;
      }
      return [sum / N, squares / N - (sum / N) ** 2];
    };
    const [gaussianMean, gaussianVariance] = spread(simd.gaussianDropout(ones, p, { stream: 1 }).y) as [number, number];
    const [mean, variance] = spread(dropout.dropout(ones, p, { stream: 1 })) as [number, number];
    // Five standard errors: sqrt(variance / n), and sqrt(fourth central moment - variance^2) / sqrt(n), below 3 variance / sqrt(n).
    expect(Math.abs(gaussianMean - mean)).toBeLessThan((5 * Math.sqrt(2 * variance)) / Math.sqrt(N));
    expect(Math.abs(gaussianVariance - variance)).toBeLessThan((5 * 3 * variance) / Math.sqrt(N));
  });

  it("additive noise has mean 0 and its standard deviation", () => {
    const zs = STREAMS.flatMap((stream) =>
      momentZs(simd.gaussianNoise(new Float64Array(N).fill(3), 0.25, { stream }).y.map((y) => (y - 3) / 0.25)),
    );
    expect(verdict(zs, FEW)).toBe("fair");
  });
});
