// Layer norm, activations and softmax at the edges of f32: rows far from zero, near its ends, tails of activations, and what is left out next to
// NaN. The kernels in both builds, on raw addresses, against double precision.

import { describe, expect, it } from "vitest";
import { bindKernels } from "../../src/engine/kernels.js";
import { PARAMS } from "../../src/engine/memory.js";
import { type Elementwise, FUSED, type FusedKernels } from "../../src/fused/kernels.js";
import { BIAS_RECORD, NormField, NormGradientField, SOFTMAX_RECORD, SoftmaxField } from "../../src/ground/abi.js";
import { Words } from "../../src/ground/words.js";
import { expectSame } from "../support/oracle.js";
import { writeRecord } from "../support/record.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import { erf } from "./oracle.js";
import { numbers } from "./rows-oracle.js";

type Floats = Float32Array<ArrayBuffer>;
type Results = Record<string, Floats | Float64Array<ArrayBuffer>>;

const ROOM = 2 ** 14;
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] as const;

const builds = BUILDS.map((build) => {
  const wasm = loadBuild(build, "fused");
  const at = Object.fromEntries(NAMES.map((name) => [name, wasm.region(ROOM)])) as Record<(typeof NAMES)[number], number>;
  const record = wasm.memory.allocate("bytes", SOFTMAX_RECORD, "record");
  const read = (pointer: number, count: number) => wasm.memory.view("f32", pointer, count).slice() as Floats;
  const read64 = (pointer: number, count: number) => wasm.memory.view("f64", pointer, count).slice() as Float64Array<ArrayBuffer>;
  return { ...wasm, kernels: bindKernels<FusedKernels>(wasm.exports, FUSED), at, record, read, read64 };
});
type Build = (typeof builds)[number];

/** Runs `call` in both builds and gives results that are the same. */
function both<R extends Results>(what: string, call: (wasm: Build) => R): R {
  const [simd, scalar] = builds.map(call) as [R, R];
  for (const name in simd) expectSame(simd[name] as Floats, scalar[name] as Floats, `${what}, builds, ${name}`);
  return simd;
}

/** The largest error, as a part of the largest of the expected numbers. Units in the last place of subnormal numbers do not count. */
function errorOf(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < expected.length; ++i) {
    const [g, e] = [got[i] as number, expected[i] as number];
    size = Math.max(size, Math.abs(e));
    if (Object.is(g, Math.fround(e))) continue;
    if (!Number.isFinite(g)) return Infinity;
    error = Math.max(error, Math.abs(g - e) - 2 ** -149);
  }
  return error > 0 ? error / size : 0;
}

interface NormCase {
  readonly h: Floats;
  readonly gamma: Floats;
  readonly beta: Floats;
  readonly dy: Floats;
  readonly dh?: Floats;
  readonly epsilon: number;
}

/** Mean and reciprocal standard deviation of a row in double precision, by deviations from its first element. */
function statistics(h: Floats, epsilon: number): { mean: number; rstd: number } {
  const first = h[0] as number;
  const mean = first + h.reduce((sum, v) => sum + (v - first), 0) / h.length;
  // Taken twice: the second time finds what rounding left.
  const rest = h.reduce((sum, v) => sum + (v - mean), 0) / h.length;
  const variance = h.reduce((sum, v) => sum + (v - mean - rest) ** 2, 0) / h.length;
  return { mean: mean + rest, rstd: 1 / Math.sqrt(variance + epsilon) };
}

/** Results and gradients of a row in double precision. */
function reference({ h, gamma, beta, dy, dh, epsilon }: NormCase) {
  const { mean, rstd } = statistics(h, epsilon);
  const xhat = Float64Array.from(h, (v) => (v - mean) * rstd);
  const g = Float64Array.from(dy, (v, c) => v * (gamma[c] as number));
  const meanG = g.reduce((sum, v) => sum + v, 0) / h.length;
  const meanGx = g.reduce((sum, v, c) => sum + v * (xhat[c] as number), 0) / h.length;
  return {
    y: xhat.map((v, c) => v * (gamma[c] as number) + (beta[c] as number)),
    dresidual: g.map((v, c) => rstd * (v - meanG - (xhat[c] as number) * meanGx) + (dh?.[c] ?? 0)),
    dgamma: xhat.map((v, c) => v * (dy[c] as number)),
  };
}

/** A row forward and back. */
function normRow(one: NormCase, what: string) {
  const columns = one.h.length;
  return both(what, ({ at, kernels, memory, place, read, read64, record }) => {
    const { a: h, b: gamma, c: beta, d: dy, e: y, f: statistics, g: dgamma, h: dbeta, i: dx, j: dh } = at;
    for (const [pointer, data] of [
      [h, one.h],
      [gamma, one.gamma],
      [beta, one.beta],
      [dy, one.dy],
      [y, new Float32Array(columns)],
      [dgamma, new Float64Array(columns)],
      [dbeta, new Float64Array(columns)],
    ] as const)
      place(pointer, data);
    if (one.dh) place(dh, one.dh);
    const [means, rstds] = [statistics, statistics + 64];
    const common = { h, means, rstds, gamma, keep: 0, rows: 1, columns, scale: 1 };
    writeRecord(memory, record, NormField, { ...common, y, x: y, residual: h, bias: 0, beta, epsilon: one.epsilon, centred: 1 });
    kernels.norm.bytes.f32(record);
    const forward = { y: read(y, columns), mean: read(means, 1), rstd: read(rstds, 1) };
    writeRecord(memory, record, NormGradientField, {
      ...{ ...common, dx, dresidual: y, dgamma, dbeta, dy, dh: one.dh ? dh : 0 },
    });
    kernels.normGradient.bytes.f32(record);
    return {
      ...forward,
      dresidual: read(y, columns),
      dx: read(dx, columns),
      dgamma: read64(dgamma, columns),
      dbeta: read64(dbeta, columns),
    };
  });
}

/** A row around `offset`, with the other operands of ordinary size. */
function rowAround(columns: number, offset: number, spread: number, epsilon: number, salt = 0): NormCase {
  return {
    h: numbers(columns, salt, spread, offset),
    gamma: numbers(columns, salt + 1, 1, 1),
    beta: new Float32Array(columns),
    dy: numbers(columns, salt + 2).map((v, i) => v * (i % 3 === 0 ? 2 : -1)) as Floats,
    epsilon,
  };
}

function expectRow(one: NormCase, what: string, bound = 1e-6): void {
  const got = normRow(one, what);
  const expected = reference(one);
  for (const name of ["y", "dresidual", "dgamma"] as const) {
    const error = errorOf(got[name], expected[name]);
    if (!(error <= bound)) throw new Error(`${what}: error of ${name} is ${error}`);
  }
  expectSame(got.dx, got.dresidual, `${what}, dx`);
  expectSame(got.dbeta, Float64Array.from(one.dy), `${what}, dbeta`);
}

describe("layer norm", () => {
  it("keeps what rounding takes from the mean", () => {
    const one = {
      ...rowAround(4, 0, 1, 1e-12),
      h: Float32Array.from([0, 1, 2, 3], (k) => 1e4 + k / 1024),
      gamma: new Float32Array(4).fill(1),
    };
    const expected = [-1.3416402, -0.4472134, 0.4472134, 1.3416402];
    normRow(one, "1e4").y.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i] as number, 5);
    });
    expectRow(one, "1e4");
  });

  it("is within 1e-6 of the largest result for means up to 1e7 times the spread, forward and back", () => {
    let salt = 0;
    for (const columns of [4, 5, 7, 8, 16, 17, 31, 64, 100, 768, 1023]) {
      for (const ratio of [0, 0.5, 0.99, 1.01, 3, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 3e6, 1e7]) {
        for (const [size, epsilon] of [
          [1, 1e-12],
          [1, 0],
          [1e-3, 1e-5],
          [2 ** -40, 0],
          [2 ** -120, 0],
          [2 ** 30, 1e-5],
          [2 ** 100, 1e-5],
        ] as const) {
          ++salt;
          const offset = (salt % 2 ? 1 : -1) * ratio * size;
          expectRow(rowAround(columns, offset, size, epsilon, salt % 7), `${columns} columns, ${offset} and ${size}, epsilon ${epsilon}`);
        }
      }
    }
  });

  it("is right on rows at both ends of f32", () => {
    const most = 3.4028234663852886e38;
    const rows: [string, number[], number][] = [
      ["huge", [most, -most, most, -most / 3, 0], 1e-5],
      ["huge and alike", [most, most * (1 - 2 ** -23), most * (1 - 2 ** -22), most * (1 - 2 ** -21), most], 1e-5],
      ["subnormal", [0, 1, 2, 3, 7].map((k) => k * 2 ** -149), 0],
      ["one unit", [0, 0, 0, 0, 1].map((k) => k * 2 ** -149), 0],
      ["subnormal, mean near 0", [-3, 1, 2, -1, 2].map((k) => k * 2 ** -149), 0],
      ["least normal", [1, 1.25, 1.5, -1, 3].map((k) => k * 2 ** -126), 0],
      ["small", [1, 1.25, 1.5, -1, 3].map((k) => k * 1e-20), 0],
      ["large", [1, 1.25, 1.5, -1, 3].map((k) => k * 1e20), 1e-5],
    ];
    for (const [what, row, epsilon] of rows) {
      // Gradients of small rows are large, and those of large rows small.
      for (const size of [1, 2 ** -30, 2 ** 60, 2 ** -100, 2 ** 100]) {
        const base = rowAround(row.length, 0, 1, epsilon, 3);
        const one = { ...base, h: Float32Array.from(row), dy: base.dy.map((v) => v * size) as Floats };
        const { dresidual } = reference(one);
        if (dresidual.some((v) => Math.abs(v) > most)) continue;
        expectRow(one, `${what}, dy ${size}`);
      }
    }
  });

  it("is right where subnormal rows meet an epsilon and a large gamma", () => {
    for (const units of [
      [0, 1, 2, 3],
      [0, 0, 0, 1],
      [-1, 1, 0, 0],
      [100, 101, 103, 100],
    ]) {
      const base = rowAround(4, 0, 1, 1e-5);
      const one = { ...base, h: Float32Array.from(units, (k) => k * 2 ** -149), gamma: base.gamma.map((v) => v * 1e30) as Floats };
      expectRow(one, `${units}`);
    }
  });

  it("passes gradients whose products with gamma leave f32 on the way", () => {
    const rows: [string, number, number, number][] = [
      ["large dy, large gamma", 2 ** 80, 2 ** 80, 2 ** 60],
      ["small dy, small gamma", 2 ** -80, 2 ** -80, 2 ** -60],
      ["large dy", 2 ** 120, 1, 2 ** 10],
      ["small dy", 2 ** -120, 2 ** -20, 2 ** -20],
    ];
    for (const [what, ofDy, ofGamma, size] of rows) {
      for (const columns of [5, 64]) {
        const base = rowAround(columns, 0, size, 0);
        const one = { ...base, dy: base.dy.map((v) => v * ofDy) as Floats, gamma: base.gamma.map((v) => v * ofGamma) as Floats };
        expectRow(one, `${what}, ${columns} columns`);
        expectRow({ ...one, dh: numbers(columns, 5, Math.abs(reference(one).dresidual[0] as number)) }, `${what}, ${columns} columns, dh`);
      }
    }
  });

  it("gives beta for equal elements, and NaN where epsilon is 0", () => {
    for (const value of [0, 1, -3e38, 2 ** -149, 12345.678]) {
      for (const columns of [1, 3, 8, 100]) {
        const base = rowAround(columns, 0, 1, 1e-12);
        const one = { ...base, h: new Float32Array(columns).fill(value), beta: numbers(columns, 9) };
        expectSame(normRow(one, "equal").y, one.beta, `${columns} of ${value}`);
        const { y, mean, rstd, dresidual } = normRow({ ...one, epsilon: 0 }, "equal");
        expect(mean[0]).toBe(Math.fround(value));
        expect(rstd[0]).toBe(Infinity);
        expect([...y, ...dresidual].every(Number.isNaN)).toBe(true);
      }
    }
  });

  it("takes a mean that is not that of the row as it is given", () => {
    for (const given of [0, 3, -100, 1e6]) {
      const dy = numbers(20, 1);
      const h = numbers(20, 2, 1, 50);
      const { dgamma } = both(`mean ${given}`, ({ at, kernels, memory, place, read64, record }) => {
        place(at.a, h);
        place(at.b, dy);
        place(at.c, new Float32Array(20).fill(1));
        place(at.d, Float32Array.of(given));
        place(at.e, Float32Array.of(2));
        place(at.f, new Float64Array(20));
        const addresses = {
          h: at.a,
          dy: at.b,
          gamma: at.c,
          means: at.d,
          rstds: at.e,
          dgamma: at.f,
          dbeta: at.g,
          dx: at.h,
          dresidual: at.h,
        };
        writeRecord(memory, record, NormGradientField, { ...addresses, dh: 0, keep: 0, rows: 1, columns: 20, scale: 1 });
        kernels.normGradient.bytes.f32(record);
        return { dgamma: read64(at.f, 20) };
      });
      const expected = Float64Array.from(dy, (v, c) => v * ((h[c] as number) - given) * 2);
      expect(errorOf(dgamma, expected)).toBeLessThan(3e-7);
    }
  });
});

/** P(N > x) for x >= 0: by the integral, and from 3 on by Laplace's continued fraction, as the integral's rest would cancel. */
function upperTail(x: number): number {
  if (x < 3) return 0.5 * (1 - erf(x / Math.SQRT2));
  let fraction = x;
  for (let k = 200; k > 0; --k) fraction = x + k / fraction;
  return density(x) / fraction;
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const below = (v: number) => (v < 0 ? upperTail(-v) : 1 - upperTail(v));
/** 1 / (1 + e^-z) and its derivative, without cancellation. */
const logistic = (z: number) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
const logisticSlope = (z: number) => Math.exp(-Math.abs(z)) / (1 + Math.exp(-Math.abs(z))) ** 2;
const inner = (v: number) => 2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
const innerSlope = (v: number) => 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * v * v);

// Relative errors. geluTanh has that of its exponent, of some 90 at most, three times rounded.
const ACTIVATIONS = {
  gelu: { value: (v: number) => v * below(v), slope: (v: number) => below(v) + v * density(v), zero: -0.7517916, error: 7e-7 },
  silu: {
    value: (v: number) => v * logistic(v),
    slope: (v: number) => logistic(v) + v * logisticSlope(v),
    zero: -1.2784645,
    error: 7e-7,
  },
  geluTanh: {
    value: (v: number) => v * logistic(inner(v)),
    slope: (v: number) => logistic(inner(v)) + v * logisticSlope(inner(v)) * innerSlope(v),
    zero: -0.7524614,
    error: 2e-5,
  },
} as const;
type Smooth = keyof typeof ACTIVATIONS;

/** The values of an activation, and its slopes times g. */
function activate(name: Smooth, x: Floats, g: number) {
  return both(name, ({ at, kernels, memory, place, read }) => {
    memory.writeParams({ seed: new Words(), stream: new Words(), start: 0, threshold: 0, scale: 1 }, 0);
    place(at.a, x);
    place(at.b, new Float32Array(x.length).fill(g));
    place(at.c + BIAS_RECORD, new Float32Array(32));
    const run = (kernel: Elementwise, from: number) => {
      kernel(at.d, from, at.a, at.c, 0, 16, x.length, PARAMS, 0);
      return read(at.d, x.length);
    };
    return { value: run(kernels[name].bytes.f32, at.a), slope: run(kernels[`${name}Gradient`].bytes.f32, at.b) };
  });
}

describe("activations", () => {
  const dense = Float32Array.from({ length: 4000 }, (_, i) => -100 + i / 20);
  const close = Float32Array.from({ length: 4000 }, (_, i) => -16 + i / 160);
  const tiny = Float32Array.from({ length: 290 }, (_, i) => (i % 2 ? 1 : -1) * 2 ** (-145 + i / 2));

  it.each(Object.keys(ACTIVATIONS) as Smooth[])("%s keeps its relative accuracy down to the least normal number", (name) => {
    const { value, slope, zero, error } = ACTIVATIONS[name];
    for (const x of [dense, close, tiny]) {
      for (const g of [1, -3e10]) {
        const got = activate(name, x, g);
        x.forEach((v, i) => {
          const what = `${name} at ${v}`;
          const e = value(v);
          // Below the normal numbers a result may be 0.
          const least = Math.abs(e) < 2 ** -126 ? Math.abs(e) + 2 ** -149 : 0;
          if (!(Math.abs((got.value[i] as number) - e) <= error * Math.abs(e) + least))
            throw new Error(`${what}: ${got.value[i]}, not ${e}`);
          const s = slope(v);
          const flat = Math.abs(s) < 2 ** -126 ? Math.abs(s * g) + Math.abs(g) * 2 ** -149 : 0;
          // The terms cancel where the slope passes through 0.
          const terms = Math.abs(v - zero) < 0.75 ? 1 : Math.abs(s);
          if (!(Math.abs((got.slope[i] as number) - g * s) <= error * terms * Math.abs(g) + flat))
            throw new Error(`slope of ${what}: ${got.slope[i]}, not ${g * s}`);
        });
      }
    }
  });

  it.each(Object.keys(ACTIVATIONS) as Smooth[])("%s has its limits at infinity, and passes NaN", (name) => {
    const x = Float32Array.of(-Infinity, Infinity, Number.NaN, -3e38, 3e38, 0);
    const { value, slope } = activate(name, x, 2);
    expect(Array.from(value, (v) => v + 0)).toEqual([0, Infinity, Number.NaN, 0, Math.fround(3e38), 0]);
    expect(Array.from(slope, (v) => v + 0)).toEqual([0, 2, Number.NaN, 0, 2, 1]);
  });
});

describe("softmax", () => {
  interface Attention {
    readonly logits: Floats;
    readonly columns: number;
    readonly mask?: Floats;
    readonly queries?: number;
    readonly dy?: Floats;
    readonly keep?: Uint8Array;
    readonly scale?: number;
  }

  /** Results of rows whose mask begins anew after its last row, and their gradient. */
  function attend({ logits, columns, mask, queries = 0, dy, keep, scale = 1 }: Attention) {
    const n = logits.length;
    return both("softmax", ({ at, kernels, memory, place, read, record }) => {
      place(at.a, logits);
      if (mask) place(at.b, mask);
      place(at.c, dy ?? numbers(n, 4));
      if (keep) place(at.d, keep);
      const fields = {
        ...{ logits: at.a, mask: mask ? at.b : 0, keep: keep ? at.d : 0, rows: n / columns, columns, maskRow: 0 },
        ...{ maskRows: mask ? mask.length / columns : 0, query: 0, queries, logitScale: scale, scale: keep ? 2 : 1, dy: at.c, row: at.g },
      };
      writeRecord(memory, record, SoftmaxField, { ...fields, result: at.e });
      kernels.softmax.bytes.f32(record);
      writeRecord(memory, record, SoftmaxField, { ...fields, result: at.f });
      kernels.softmaxGradient.bytes.f32(record);
      return { y: read(at.e, n), dlogits: read(at.f, n) };
    });
  }

  const NEVER = Number.NEGATIVE_INFINITY;

  it("is +0 where the mask is -Infinity and NaN elsewhere in a row with NaN", () => {
    const { y, dlogits } = attend({ logits: Float32Array.of(1, Number.NaN, 5, 2), columns: 4, mask: Float32Array.of(0, 0, NEVER, 0) });
    expect([...y]).toEqual([Number.NaN, Number.NaN, 0, Number.NaN]);
    expect([...dlogits]).toEqual([Number.NaN, Number.NaN, 0, Number.NaN]);
  });

  it.each([1, -0.5])("is +0, to the sign, for all that is left out, whatever stands where; scale %d", (scale) => {
    const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1e38];
    for (const columns of [1, 2, 3, 4, 5, 8, 15, 16, 17, 20, 37]) {
      for (const causal of [false, true]) {
        for (const dropping of [false, true]) {
          const rows = 12;
          const n = rows * columns;
          const mask = numbers(n, 1).map((v) => (v > 0.2 ? NEVER : v)) as Floats;
          const clean = { logits: numbers(n, 2, 3), dy: numbers(n, 3) };
          const keep = Uint8Array.from(numbers(n, 5), (v) => (v > 0 ? 1 : 0));
          const form = { columns, mask, scale, ...(causal ? { queries: rows } : {}), ...(dropping ? { keep } : {}) };
          const seen = (i: number) => mask[i] !== NEVER && (!causal || (i % columns) + rows - columns <= Math.floor(i / columns));
          const put = (x: Floats, where: (i: number) => boolean) =>
            x.map((v, i) => (where(i) ? (odd[i % odd.length] as number) : v)) as Floats;
          const expected = attend({ ...clean, ...form });
          // Positions that are left out matter to nothing.
          const hidden = attend({ ...form, logits: put(clean.logits, (i) => !seen(i)), dy: put(clean.dy, (i) => !seen(i)) });
          expectSame(hidden.y, expected.y, `${columns} columns, y`);
          expectSame(hidden.dlogits, expected.dlogits, `${columns} columns, dlogits`);
          const wild = attend({ ...form, logits: put(clean.logits, (i) => i % 3 === 0), dy: put(clean.dy, (i) => i % 5 === 0) });
          for (const [name, result] of Object.entries({ ...wild, y0: expected.y, dlogits0: expected.dlogits })) {
            result.forEach((v, i) => {
              if (!seen(i) && !Object.is(v, 0)) throw new Error(`${columns} columns, ${name}: ${v} at ${i}, which is left out`);
            });
          }
          // A row with a NaN that is seen has nothing but NaN elsewhere, apart from what dropout takes.
          const nan = attend({ ...form, ...clean, logits: clean.logits.map((v, i) => (i % columns === 0 ? Number.NaN : v)) as Floats });
          for (let row = 0; row < rows; ++row) {
            const some = seen(row * columns);
            for (let i = row * columns; i < (row + 1) * columns; ++i) {
              const numb = some && seen(i);
              const what = `${columns} columns, element ${i}`;
              if (Number.isNaN(nan.dlogits[i]) !== numb) throw new Error(`${what}: dlogits ${nan.dlogits[i]}`);
              if (Number.isNaN(nan.y[i]) !== (numb && (!dropping || keep[i] === 1))) throw new Error(`${what}: y ${nan.y[i]}`);
            }
          }
        }
      }
    }
  });
});
