// Theorems of the literature about dropout, checked on the results of the package.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, keepProbability } from "../../src/core/index.js";
import { createLinear, type Linear } from "../../src/linear/index.js";
import { createNoise } from "../../src/noise/index.js";
import { createShapes } from "../../src/shapes/index.js";

let dropout: Dropout;
let linear: Linear;
beforeAll(async () => {
  dropout = await createDropout({ seed: 2012 });
  linear = await createLinear(dropout);
});

/** Numbers around 0 that follow no pattern of the tests, from a generator of their own. */
function numbers(length: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const sum = (x: Iterable<number>) => [...x].reduce((a, b) => a + b, 0);
/** The largest difference of any element. */
const distance = (a: Float64Array, b: Float64Array) => Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))));
const dot = (a: Float64Array, b: Float64Array) => sum(a.map((v, i) => v * (b[i] as number)));

/** Bits of a number as a bit mask of up to 16 elements. */
const maskOf = (bits: number) => Uint8Array.of(bits & 255, bits >> 8);

/** Mean and variance of a sample. */
function moments(x: ArrayLike<number>): { mean: number; variance: number } {
  let total = 0;
  for (let i = 0; i < x.length; ++i) total += x[i] as number;
  const mean = total / x.length;
  let squares = 0;
  for (let i = 0; i < x.length; ++i) squares += ((x[i] as number) - mean) ** 2;
  return { mean, variance: squares / x.length };
}

// Hinton et al. 2012, "Improving neural networks by preventing co-adaptation of feature detectors": for one hidden layer and a softmax, the
// mean network gives exactly the geometric mean of the predictions of all networks, renormalised.
describe("a hidden layer of 10 units under a softmax", () => {
  const hidden = Float64Array.from(numbers(10, 1), Math.abs);
  const weights = numbers(5 * 10, 2);
  const biases = numbers(5, 3);

  const softmax = (units: Float64Array, w: Float64Array) => {
    const exps = Float64Array.from(biases, (b, o) => Math.exp(b + dot(w.subarray(10 * o, 10 * o + 10), units)));
    const total = sum(exps);
    return exps.map((e) => e / total);
  };

  /** The geometric mean over all subnetworks, each with the probability that dropout gives it, normalised. */
  const geometricMean = (p: number, rescale: "train" | "none") => {
    const keep = keepProbability(p);
    const logs = new Float64Array(5);
    for (let bits = 0; bits < 1024; ++bits) {
      const mask = maskOf(bits);
      const kept = dropout.countKept(mask, 10);
      const probability = keep ** kept * (1 - keep) ** (10 - kept);
      const prediction = softmax(dropout.backward(hidden, { p, rescale }, { mask }).dx, weights);
      prediction.forEach((q, o) => {
        logs[o] = (logs[o] as number) + probability * Math.log(q);
      });
    }
    const exps = logs.map(Math.exp);
    return exps.map((e) => e / sum(exps));
  };

  it.each([0.5, 0.2, 0.9])("the mean network is the normalised geometric mean of its 1,024 subnetworks: p = %d", (p) => {
    const classic = softmax(hidden, linear.scaleWeights(weights, p));
    expect(distance(geometricMean(p, "none"), classic)).toBeLessThan(1e-12);
    const rescaled = softmax(dropout.dropout(hidden, p, { rescale: "test", training: false }), weights);
    expect(distance(rescaled, classic)).toBeLessThan(1e-12);
    const inverted = softmax(dropout.dropout(hidden, p, { training: false }), weights);
    expect(distance(geometricMean(p, "train"), inverted)).toBeLessThan(1e-12);
  });

  it("a network without the right scale is not", () => {
    expect(distance(geometricMean(0.5, "none"), softmax(hidden, weights))).toBeGreaterThan(0.01);
  });
});

// Srivastava et al. 2014, section 9.1: with keep probability q, E |t - (R * X) w|^2 = |t - q X w|^2 + q (1 - q) |G w|^2, G = diag(X'X)^(1/2).
// For inverted dropout w stands for q w: |t - X w|^2 + (1 - q) / q |G w|^2.
describe("linear regression", () => {
  const [rows, columns] = [3, 4];
  const x = numbers(rows * columns, 5);
  const w = numbers(columns, 6);
  const targets = numbers(rows, 7);
  const loss = (data: Float64Array) => sum(targets.map((t, r) => (t - dot(data.subarray(r * columns, (r + 1) * columns), w)) ** 2));
  const penalty = sum(w.map((v, c) => v * v * sum([0, 1, 2].map((r) => (x[r * columns + c] as number) ** 2))));

  it.each([0.5, 0.2, 0.9])("the loss expected under dropout is that of a ridge: p = %d", (p) => {
    const q = keepProbability(p);
    const expected = { none: 0, train: 0 };
    for (let bits = 0; bits < 4096; ++bits) {
      const mask = maskOf(bits);
      const kept = dropout.countKept(mask, 12);
      const probability = q ** kept * (1 - q) ** (12 - kept);
      for (const rescale of ["none", "train"] as const)
        expected[rescale] += probability * loss(dropout.backward(x, { p, rescale }, { mask }).dx);
    }
    expect(Math.abs(expected.none - (loss(x.map((v) => v * q)) + q * (1 - q) * penalty))).toBeLessThan(1e-12);
    expect(Math.abs(expected.train - (loss(x) + ((1 - q) / q) * penalty))).toBeLessThan(1e-12 * (1 + expected.train));
  });

  it("and drawn masks come to it", () => {
    const p = 0.3;
    const losses = Float64Array.from({ length: 40_000 }, (_, stream) => loss(dropout.dropout(x, p, { stream })));
    const { mean, variance } = moments(losses);
    const q = keepProbability(p);
    expect(Math.abs(mean - (loss(x) + ((1 - q) / q) * penalty))).toBeLessThan(4 * Math.sqrt(variance / losses.length));
  });
});

// Klambauer et al. 2017, "Self-normalizing neural networks": SELU keeps activations at mean 0 and variance 1, and alpha dropout leaves them there.
it.each([0.05, 0.1, 0.5])("SELU activations keep mean 0 and variance 1 under alpha dropout: p = %d", async (p) => {
  const [lambda, alpha] = [1.0507009873554805, 1.6732632423543772];
  const n = 1 << 20;
  const noise = await createNoise(dropout);
  const shapes = await createShapes(dropout);
  const z = noise.normal(n, { stream: 1 });
  const selu = z.map((v) => lambda * (v > 0 ? v : alpha * (Math.exp(v) - 1)));
  const before = moments(selu);
  expect(Math.abs(before.mean)).toBeLessThan(0.005);
  expect(Math.abs(before.variance - 1)).toBeLessThan(0.01);
  const after = moments(shapes.alphaDropout(selu, p, { stream: 2 }).y);
  expect(Math.abs(after.mean)).toBeLessThan(0.01);
  expect(Math.abs(after.variance - 1)).toBeLessThan(0.02);
  // Plain dropout does not.
  expect(moments(dropout.dropout(selu, p, { stream: 2 })).variance).toBeGreaterThan(1 + 0.9 * (p / (1 - p)));
});

// Srivastava et al. 2014, section 10: multiplying by a normal of mean 1 and variance (1 - q) / q, q the keep probability, has the moments of
// multiplying by inverted dropout's Bernoulli variable.
it.each([0.1, 0.5, 0.8])("Gaussian dropout has the mean and variance of Bernoulli dropout: p = %d", async (p) => {
  const n = 1 << 20;
  const noise = await createNoise(dropout);
  const ones = new Float32Array(n).fill(1);
  const wanted = p / (1 - p);
  for (const y of [noise.gaussianDropout(ones, p, { stream: 3 }).y, dropout.dropout(ones, p, { stream: 3 })]) {
    const { mean, variance } = moments(y);
    expect(Math.abs(mean - 1)).toBeLessThan(5 * Math.sqrt(wanted / n));
    expect(Math.abs(variance - wanted)).toBeLessThan(0.02 * wanted);
  }
});
