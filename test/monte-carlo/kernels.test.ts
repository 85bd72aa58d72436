// Every kernel of Monte-Carlo dropout, in both release builds, on raw addresses: against plain double precision, build against build bit
// for bit, at sizes around a vector, at odd addresses, with canaries around results.

import { describe, expect, it } from "vitest";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { MONTE_CARLO, type MonteCarloKernels } from "../../src/monte-carlo/kernels.js";
import { expectBytes, expectSame, sample } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";

const SPAN = 5000;
const DTYPES: readonly Dtype[] = ["f32", "f64"];
const SIZES = [...Array.from({ length: 40 }, (_, n) => n), 1023, 1024, 4097];
const SHAPES = [
  ...Array.from({ length: 20 }, (_, c): [number, number] => [3, c + 1]),
  ...[0, 1, 2, 7].map((rows): [number, number] => [rows, 10]),
  [2, 1001],
] as [number, number][];

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

function load(build: (typeof BUILDS)[number]) {
  const wasm = loadBuild(build, "monte-carlo");
  const region = () => wasm.region(8 * SPAN + 64);
  const kernels = bindKernels<MonteCarloKernels>(wasm.exports, MONTE_CARLO);
  return { ...wasm, kernels, regions: { src: region(), a: region(), b: region() } };
}

const builds = BUILDS.map(load);

const make = (dtype: Dtype, length: number, value: (i: number) => number): Floats =>
  dtype === "f32" ? Float32Array.from({ length }, (_, i) => value(i)) : Float64Array.from({ length }, (_, i) => value(i));

/** Runs `call` in both builds on `src` and f64 results that begin as `initial`, at addresses that move with `salt`; gives results that are the same in both. */
function both(
  src: Floats,
  initial: readonly Float64Array<ArrayBuffer>[],
  salt: number,
  what: string,
  call: (kernels: MonteCarloKernels, src: number, dst: readonly number[]) => void,
): Float64Array<ArrayBuffer>[] {
  const [simd, scalar] = builds.map((wasm) => {
    const at = wasm.regions.src + (salt % 5) * src.BYTES_PER_ELEMENT + (salt % 3);
    wasm.place(at, src);
    const dst = [wasm.regions.a, wasm.regions.b].map((pointer) => pointer + (salt % 7));
    for (const [k, array] of initial.entries()) wasm.place(dst[k] as number, array);
    let run = () => call(wasm.kernels, at, dst);
    const results: Uint8Array<ArrayBuffer>[] = [];
    initial.forEach(({ byteLength }, k) => {
      const inner = run;
      run = () => {
        results[k] = wasm.written(dst[k] as number, byteLength, true, what, inner);
      };
    });
    run();
    expectBytes(wasm.bytes(at, src.byteLength).slice(), new Uint8Array(src.buffer), `${what}, input`);
    return results.map((bytes) => new Float64Array(bytes.buffer));
  }) as [Float64Array<ArrayBuffer>[], Float64Array<ArrayBuffer>[]];
  for (const [k, array] of simd.entries()) expectSame(array, scalar[k] as Float64Array<ArrayBuffer>, `${what}, builds`);
  return simd;
}

/** Throws unless the values agree to `ulps` units in the last place of the larger, or 1e-300; NaN and infinities exactly. */
function expectClose(got: Float64Array, expected: readonly number[], ulps: number, what: string): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => {
    const actual = got[i] as number;
    if (Object.is(actual, value) || actual === value) return;
    if (!(Math.abs(actual - value) <= ulps * Number.EPSILON * Math.abs(value) + 1e-300))
      throw new Error(`${what}: ${i} is ${actual} instead of ${value}`);
  });
}

const xlogx = (x: number) => (x === 0 ? 0 : x * Math.log(x));
const rowsIn = (src: Floats, rows: number, classes: number) =>
  Array.from({ length: rows }, (_, r) => Array.from(src.subarray(r * classes, (r + 1) * classes)));

describe("modules", () => {
  it.each(builds.map((wasm, k) => [BUILDS[k], wasm] as const))(
    "%s exports the table and nothing else, and imports only memory",
    (_, wasm) => {
      const names = rowsOf(MONTE_CARLO).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
      expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
      expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    },
  );
});

describe.each(DTYPES)("%s", (dtype) => {
  it("output_welford: Welford's update to the bit", () => {
    for (const n of SIZES) {
      for (const count of [1, 2, 3, 1000]) {
        const x = sample(dtype, n, n + count);
        const mean = sample("f64", n, 3 * n) as Float64Array<ArrayBuffer>;
        const deviations = sample("f64", n, n + 5) as Float64Array<ArrayBuffer>;
        const what = `n ${n}, count ${count}`;
        const [gotMean, gotDeviations] = both(x, [mean, deviations], n, what, ({ welford }, src, [m, d]) =>
          welford.output[dtype](m as number, d as number, src, n, count),
        );
        const now = mean.map((m, i) => m + ((x[i] as number) - m) / count);
        expectSame(gotMean as Float64Array, now, `${what}, mean`);
        const sums = deviations.map((d, i) => d + ((x[i] as number) - (mean[i] as number)) * ((x[i] as number) - (now[i] as number)));
        expectSame(gotDeviations as Float64Array, sums, `${what}, deviations`);
      }
    }
  });

  it("output_welford: means and variances of long streams, far from 0 and without spread too", () => {
    const n = 6;
    const passes = 2000;
    let [mean, deviations] = [new Float64Array(n), new Float64Array(n)];
    const all: number[][] = Array.from({ length: n }, () => []);
    for (let pass = 0; pass < passes; ++pass) {
      const x = make(
        dtype,
        n,
        (i) => [1e7 + (pass % 3), Math.sin(pass), 0.1, -3 + (pass % 2) * 1e-3, pass * pass, 1e-20 * pass][i] as number,
      );
      for (const [i, values] of all.entries()) values.push(x[i] as number);
      [mean, deviations] = both(x, [mean, deviations], 1, "stream", ({ welford }, src, [m, d]) =>
        welford.output[dtype](m as number, d as number, src, n, pass + 1),
      ) as [Float64Array<ArrayBuffer>, Float64Array<ArrayBuffer>];
    }
    all.forEach((values, i) => {
      // From the first on, so that rounding does not make values differ that are the same.
      const origin = values[0] as number;
      const average = origin + values.reduce((a, b) => a + (b - origin), 0) / passes;
      const spread = values.reduce((a, b) => a + (b - average) ** 2, 0);
      expect(Math.abs((mean[i] as number) - average)).toBeLessThanOrEqual(1e-12 * (Math.abs(average) || 1));
      expect(Math.abs((deviations[i] as number) - spread)).toBeLessThanOrEqual(1e-12 * (spread || 1));
    });
    expect(deviations[2]).toBe(0);
  });

  it("logits_softmax", () => {
    for (const [rows, classes] of SHAPES) {
      const x = make(dtype, rows * classes, (i) => 20 * Math.sin(i * i + classes));
      const what = `${rows} x ${classes}`;
      const [got] = both(x, [new Float64Array(rows * classes)], classes, what, ({ softmax }, src, [dst]) =>
        softmax.logits[dtype](dst as number, src, rows, classes),
      );
      const expected = rowsIn(x, rows, classes).flatMap((row) => {
        const most = Math.max(...row);
        const powers = row.map((value) => Math.exp(value - most));
        const sum = powers.reduce((a, b) => a + b, 0);
        return powers.map((power) => power / sum);
      });
      expectClose(got as Float64Array, expected, 4 + classes / 4, what);
    }
  });

  it("logits_softmax: e^x over its whole range", () => {
    const rows = 2000;
    const x = make(dtype, 2 * rows, (i) => (i % 2 ? -(i * 0.187) : 0));
    const [got] = both(x, [new Float64Array(2 * rows)], 0, "e^x", ({ softmax }, src, [dst]) =>
      softmax.logits[dtype](dst as number, src, rows, 2),
    );
    const expected = Array.from(x, (value, i) => (i % 2 ? (value < -708 ? 0 : Math.exp(value)) : 1) / (1 + Math.exp(x[i | 1] as number)));
    expectClose(got as Float64Array, expected, 3, "e^x");
  });

  it("logits_softmax: infinities and NaN", () => {
    const nan = Number.NaN;
    const inf = Number.POSITIVE_INFINITY;
    const most = dtype === "f32" ? 3e38 : Number.MAX_VALUE;
    const cases = [
      { row: [0, -inf, 0], gives: [0.5, 0, 0.5] },
      { row: [-inf, 5, -inf], gives: [0, 1, 0] },
      { row: [1, nan, 2], gives: [nan, nan, nan] },
      { row: [1, 2, nan], gives: [nan, nan, nan] },
      { row: [1, inf, 2], gives: [nan, nan, nan] },
      { row: [-inf, -inf, -inf], gives: [nan, nan, nan] },
      { row: [most, -most, 0], gives: [1, 0, 0] },
      { row: [-0, 0, -0], gives: [1 / 3, 1 / 3, 1 / 3] },
    ];
    const x = make(dtype, 3 * cases.length, (i) => cases.flatMap(({ row }) => row)[i] as number);
    const [got] = both(x, [new Float64Array(x.length)], 0, "special", ({ softmax }, src, [dst]) =>
      softmax.logits[dtype](dst as number, src, cases.length, 3),
    );
    const expected = cases.flatMap(({ gives }) => gives);
    expectClose(got as Float64Array, expected, 1, "special");
  });

  it("probabilities_entropy", () => {
    for (const [rows, classes] of SHAPES) {
      for (const count of [1, 2, 7]) {
        const x = make(dtype, rows * classes, (i) => (i % 11 === 3 ? 0 : Math.abs(Math.sin(i + classes)) / classes));
        const before = Float64Array.from({ length: rows }, (_, r) => r);
        const what = `${rows} x ${classes}, count ${count}`;
        const [got] = both(x, [before], classes, what, ({ entropy }, src, [dst]) =>
          entropy.probabilities[dtype](dst as number, src, rows, classes, count),
        );
        const expected = rowsIn(x, rows, classes).map((row, r) => r + (row.reduce((sum, value) => sum - xlogx(value), 0) - r) / count);
        expectClose(got as Float64Array, expected, 8 + classes / 4, what);
      }
    }
  });

  it("probabilities_entropy: x ln x over its whole range, and outside it as arithmetic says", () => {
    const inf = Number.POSITIVE_INFINITY;
    const special = [
      0,
      -0,
      1,
      2,
      1e-38,
      1e-45,
      Number.MIN_VALUE,
      Number.NaN,
      inf,
      -1e-30,
      -1,
      -inf,
      1 - 2 ** -24,
      1 + 2 ** -23,
      Math.SQRT1_2,
      Math.SQRT2,
    ];
    const smallest = dtype === "f32" ? 100 : 1000;
    const x = make(dtype, SPAN, (i) => special[i] ?? Math.exp(-((i - 16) / SPAN) * Math.log(2) * smallest) * 1.5);
    const [got] = both(x, [new Float64Array(SPAN)], 0, "x ln x", ({ entropy }, src, [dst]) =>
      entropy.probabilities[dtype](dst as number, src, SPAN, 1, 1),
    );
    const expected = Array.from(x, (value) => (value < 0 ? Number.NaN : -xlogx(value)));
    expectClose(got as Float64Array, expected, 2, "x ln x");
  });

  it("probabilities_entropy: known answers", () => {
    const rows = [
      [1, 0, 0, 0],
      [0.25, 0.25, 0.25, 0.25],
      [0.5, 0.5, 0, 0],
      [0.5, 0.25, 0.125, 0.125],
    ];
    const x = make(dtype, 16, (i) => rows.flat()[i] as number);
    const [got] = both(x, [new Float64Array(4)], 0, "known", ({ entropy }, src, [dst]) =>
      entropy.probabilities[dtype](dst as number, src, 4, 4, 1),
    );
    expectClose(got as Float64Array, [0, 2 * Math.LN2, Math.LN2, 1.75 * Math.LN2], 1, "known");
  });

  it("probabilities_vote", () => {
    for (const [rows, classes] of SHAPES) {
      const x = make(dtype, rows * classes, (i) => Math.round(3 * Math.sin(i * 5 + classes)));
      const before = Float64Array.from({ length: rows * classes }, (_, i) => i);
      const [got] = both(x, [before], classes, "vote", ({ vote }, src, [dst]) =>
        vote.probabilities[dtype](dst as number, src, rows, classes),
      );
      const expected = before.slice();
      rowsIn(x, rows, classes).forEach((row, r) => {
        const at = r * classes + row.indexOf(Math.max(...row));
        expected[at] = (expected[at] as number) + 1;
      });
      expectSame(got as Float64Array, expected, `${rows} x ${classes}`);
    }
    const nan = Number.NaN;
    const x = make(dtype, 9, (i) => [nan, 1, 2, nan, nan, nan, 3, nan, 3][i] as number);
    const [got] = both(x, [new Float64Array(9)], 0, "NaN", ({ vote }, src, [dst]) => vote.probabilities[dtype](dst as number, src, 3, 3));
    expectSame(got as Float64Array, Float64Array.of(0, 0, 1, 1, 0, 0, 1, 0, 0), "NaN");
  });
});
