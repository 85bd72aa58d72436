// Dropout, residual and layer norm: the kernels in both builds on raw addresses, and the API, against double precision. Some five seconds.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type DataOf, type Dropout, type WasmBuffer } from "../../src/core/index.js";
import { bindKernels } from "../../src/engine/kernels.js";
import { PIECE } from "../../src/engine/pieces.js";
import { createFused, type Fused, type LayerNormOptions, type NormTicket } from "../../src/fused/index.js";
import { FUSED, type FusedKernels } from "../../src/fused/kernels.js";
import { NormField, NormGradientField, ROW_RECORD } from "../../src/ground/abi.js";
import { KIND } from "../support/messages.js";
import { expectSame, KINDS, PROBABILITIES } from "../support/oracle.js";
import { writeRecord } from "../support/record.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import {
  cancelling,
  type Drawn,
  decisions,
  drawn,
  expectNear,
  layerNorm,
  layerNormGradient,
  type NormInput,
  numbers,
  residualStream,
  sumInOrder,
} from "./rows-oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Floats = Float32Array<ArrayBuffer>;

// Against double precision: mean and rstd are rounded once, an element of y some four times.
const ONCE = 1.2e-7;
const ERROR = 5e-7;

const COLUMNS = [...Array.from({ length: 70 }, (_, c) => c + 1), 127, 128, 129, 255, 256, 257, 768, 1023, 1024, 1025];

/** Operands of a call. */
function input(rows: number, columns: number, salt: number, withBias: boolean, how: Drawn): NormInput {
  const n = rows * columns;
  return {
    columns,
    x: numbers(n, salt, 3),
    residual: numbers(n, salt + 1, 2, 0.5),
    bias: withBias ? numbers(columns, salt + 2) : undefined,
    gamma: numbers(columns, salt + 3, 1, 1),
    beta: numbers(columns, salt + 4),
    epsilon: 1e-5,
    drawn: how,
  };
}

describe("kernels", () => {
  const builds = BUILDS.map((build) => {
    const wasm = loadBuild(build, "fused");
    const region = (bytes = 4 * 30_000) => wasm.region(bytes + 64);
    const names = ["y", "h", "mean", "rstd", "x", "residual", "bias", "gamma", "beta", "keep", "dh", "dgamma", "dbeta"] as const;
    const regions = Object.fromEntries(names.map((name) => [name, region()])) as Record<(typeof names)[number], number>;
    // As the allocator gives it.
    const record = wasm.memory.allocate("bytes", ROW_RECORD, "record");
    return { ...wasm, kernels: bindKernels<FusedKernels>(wasm.exports, FUSED), regions, record };
  });
  type Build = (typeof builds)[number];

  /**
   * Runs `call` in both builds, with canaries around each of `outputs` (address and bytes, which may depend on the build); gives results
   * that are the same.
   */
  function both(outputs: (wasm: Build) => [at: number, bytes: number][], what: string, call: (wasm: Build) => void): Floats[] {
    const [simd, scalar] = builds.map((wasm) => {
      const results: Uint8Array<ArrayBuffer>[] = [];
      let run = () => call(wasm);
      outputs(wasm).forEach(([at, bytes], k) => {
        const inner = run;
        run = () => {
          results[k] = wasm.written(at, bytes, true, what, inner);
        };
      });
      run();
      return results.map(({ buffer }) => new Float32Array(buffer));
    }) as [Floats[], Floats[]];
    for (const [k, one] of simd.entries()) expectSame(one, scalar[k] as Floats, `${what}, builds, result ${k}`);
    return simd;
  }

  it.each([
    ["dropout", true],
    ["no dropout", false],
  ])("norm, %s: h bit for bit, the rest close, the same bits from both builds", (_, dropping) => {
    for (const columns of COLUMNS) {
      for (const [rows, withBias, to] of [
        [1, true, "apart"],
        [3, false, "apart"],
        [7, true, "x"],
        [5, false, "residual"],
      ] as const) {
        const what = `${rows} x ${columns}, bias ${withBias}, h ${to}`;
        const n = rows * columns;
        const how = { keep: dropping ? decisions(n, columns) : new Uint8Array(n).fill(1), scale: dropping ? Math.fround(1 / 0.7) : 1 };
        const one = input(rows, columns, columns % 9, withBias, how);
        // Addresses that are no multiples of anything, but the same elements where results take an operand's place.
        const odd = columns % 5;
        const at = ({ regions }: Build) => ({
          x: regions.x + odd,
          residual: regions.residual + 3,
          h: { apart: regions.h + 1, x: regions.x + odd, residual: regions.residual + 3 }[to],
          y: to === "residual" ? regions.x + odd : regions.y + odd,
          mean: regions.mean + odd,
          rstd: regions.rstd + 2,
          bias: regions.bias + odd,
          gamma: regions.gamma + 1,
          beta: regions.beta + odd,
          keep: regions.keep + odd,
        });
        const [y, h, mean, rstd] = both(
          (wasm) => {
            const to = at(wasm);
            return [
              [to.y, 4 * n],
              [to.h, 4 * n],
              [to.mean, 4 * rows],
              [to.rstd, 4 * rows],
            ];
          },
          what,
          (wasm) => {
            const a = at(wasm);
            for (const name of ["x", "residual", "gamma", "beta"] as const) wasm.place(a[name], one[name]);
            if (one.bias) wasm.place(a.bias, one.bias);
            wasm.place(a.keep, how.keep);
            const bias = withBias ? a.bias : 0;
            const keep = dropping ? a.keep : 0;
            const { mean: means, rstd: rstds, ...rest } = a;
            writeRecord(wasm.memory, wasm.record, NormField, {
              ...{
                ...rest,
                means,
                rstds,
                bias,
                keep,
                rows,
                columns,
                epsilon: 1e-5,
                scale: how.scale,
                centred: 1,
                residualStep: 4 * columns,
              },
            });
            wasm.kernels.norm.bytes.f32(wasm.record);
          },
        ) as [Floats, Floats, Floats, Floats];
        const stream = residualStream(one);
        expectSame(h, stream, `${what}, h`);
        const expected = layerNorm(stream, columns, one.gamma, one.beta, 1e-5);
        expectNear(mean, expected.mean, ONCE, `${what}, mean`);
        expectNear(rstd, expected.rstd, ONCE, `${what}, rstd`);
        expectNear(y, expected.y, ERROR, `${what}, y`);
      }
    }
  });

  it.each([
    ["dropout", true],
    ["no dropout", false],
  ])("normGradient, %s: dx follows from dresidual bit for bit, the rest is close, the same bits from both builds", (_, dropping) => {
    for (const columns of COLUMNS) {
      for (const [rows, withStream, to] of [
        [1, true, "apart"],
        [3, false, "apart"],
        [7, true, "dh"],
        [5, false, "dy"],
      ] as const) {
        const what = `${rows} x ${columns}, dh ${withStream}, dresidual ${to}`;
        const n = rows * columns;
        const scale = dropping ? Math.fround(1 / 0.7) : 1;
        const keep = dropping ? decisions(n, columns) : new Uint8Array(n).fill(1);
        const h = numbers(n, columns % 7, 2, 0.25);
        const { mean, rstd } = layerNorm(h, columns, new Float32Array(columns), new Float32Array(columns), 1e-5);
        const [m, r] = [Float32Array.from(mean.value), Float32Array.from(rstd.value)];
        const [dy, gamma] = [numbers(n, 2.5), numbers(columns, 3, 1, 1)];
        const dh = withStream ? numbers(n, 4.5) : undefined;
        const odd = columns % 5;
        const at = ({ regions }: Build) => ({
          dy: regions.x + odd,
          h: regions.h + 1,
          dh: regions.dh + odd,
          dresidual: { apart: regions.residual + 3, dh: regions.dh + odd, dy: regions.x + odd }[to],
          dx: to === "dy" ? regions.h + 1 : regions.y + odd,
          mean: regions.mean + odd,
          rstd: regions.rstd + 2,
          gamma: regions.gamma + 1,
          keep: regions.keep + odd,
          dgamma: regions.dgamma + odd,
          dbeta: regions.dbeta + 1,
        });
        const [dx, dresidual, dgamma, dbeta] = both(
          (wasm) => {
            const to = at(wasm);
            return [
              [to.dx, 4 * n],
              [to.dresidual, 4 * n],
              [to.dgamma, 8 * columns],
              [to.dbeta, 8 * columns],
            ];
          },
          what,
          (wasm) => {
            const a = at(wasm);
            for (const [place, data] of [
              [a.dy, dy],
              [a.h, h],
              [a.mean, m],
              [a.rstd, r],
              [a.gamma, gamma],
              [a.keep, keep],
              [a.dgamma, new Float64Array(columns).fill(1)],
              [a.dbeta, new Float64Array(columns).fill(2)],
            ] as const)
              wasm.place(place, data);
            if (dh) wasm.place(a.dh, dh);
            const { mean: means, rstd: rstds, ...rest } = a;
            writeRecord(wasm.memory, wasm.record, NormGradientField, {
              ...{ ...rest, means, rstds, dh: dh ? a.dh : 0, keep: dropping ? a.keep : 0, rows, columns, scale },
            });
            wasm.kernels.normGradient.bytes.f32(wasm.record);
          },
        ) as [Floats, Floats, Floats, Floats];
        const expected = layerNormGradient(dy, h, m, r, gamma, dh);
        expectNear(dresidual, expected.dresidual, ERROR, `${what}, dresidual`);
        const passed = Float32Array.from(dresidual, (v, i) => (keep[i] ? v * scale : 0));
        expectSame(dx, passed, `${what}, dx`);
        // Added to what was there.
        for (const [sums, { value, size }, before, name] of [
          [dgamma, expected.dgamma, 1, "dgamma"],
          [dbeta, expected.dbeta, 2, "dbeta"],
        ] as const) {
          const added = { value: value.map((v) => v + before), size: size.map((s) => s + before) };
          expectNear(new Float64Array(sums.buffer), added, ERROR, `${what}, ${name}`);
        }
      }
    }
  });

  it("sums are taken in the documented order", () => {
    for (let columns = 1; columns <= 70; ++columns) {
      const h = cancelling(columns, 1);
      const [zeros, ones] = [new Float32Array(columns), new Float32Array(columns).fill(1)];
      const [mean, dresidual] = both(
        ({ regions }) => [
          [regions.mean, 4],
          [regions.dh, 4 * columns],
        ],
        `${columns} columns`,
        ({ regions: { y, h: to, mean: means, rstd, x, residual, gamma, beta, dh, dgamma, dbeta }, kernels, place, memory, record }) => {
          for (const [at, data] of [
            [x, zeros],
            [residual, h],
            [gamma, ones],
            [beta, zeros],
            [rstd, ones.subarray(0, 1)],
          ] as const)
            place(at, data);
          // The gradient where h, and with it xhat, is 0: dy less its mean.
          const common = { gamma, keep: 0, rows: 1, columns, scale: 1 };
          writeRecord(memory, record, NormGradientField, {
            ...{ ...common, dx: y, dresidual: dh, dgamma, dbeta, dy: residual, h: x, means: beta, rstds: rstd, dh: 0 },
          });
          kernels.normGradient.bytes.f32(record);
          writeRecord(memory, record, NormField, {
            ...{ ...common, y, h: to, means, rstds: rstd, x, residual, bias: 0, beta, epsilon: 1, centred: 1, residualStep: 4 * columns },
          });
          kernels.norm.bytes.f32(record);
        },
      ) as [Floats, Floats];
      const expected = Math.fround(sumInOrder(h) / columns);
      expectSame(mean, Float32Array.of(expected), `${columns} columns, mean`);
      expectSame(dresidual, h.map((v) => v - expected) as Floats, `${columns} columns, dresidual`);
    }
  });
});

describe("dropoutResidualLayerNorm", () => {
  const SEED = 77n;
  const STREAM = 5;
  let dropout: Dropout;
  let fused: Fused;
  let slow: Fused;

  beforeAll(async () => {
    dropout = await createDropout({ seed: SEED });
    fused = await createFused(dropout);
    slow = await createFused(await createDropout({ seed: SEED, simd: false }), { simd: false });
  });

  const read = (data: DataOf<"f32">) => (data instanceof Float32Array ? data : data.array).slice() as Floats;
  const inWasm = <X extends Float32Array>(array: X) => dropout.from(array as Float32Array) as WasmBuffer<"f32">;

  /** A call forward and back, all results read; operands are ordinary arrays, or buffers where `take` makes these of them. */
  function run(
    on: Fused,
    one: NormInput,
    p: number,
    place: object,
    dy: Floats,
    dh: Floats | undefined,
    take: (a: Float32Array) => DataOf<"f32">,
  ) {
    const taken: DataOf<"f32">[] = [];
    const given = <A extends Float32Array | undefined>(array: A): DataOf<"f32"> => {
      const data = take(array as Float32Array);
      taken.push(data);
      return data;
    };
    const gamma = given(one.gamma);
    const options: LayerNormOptions = {
      ...place,
      residual: given(one.residual),
      gamma,
      beta: given(one.beta),
      ...(one.bias ? { bias: given(one.bias) } : {}),
    };
    const { y, h, mean, rstd, ticket } = on.dropoutResidualLayerNorm(given(one.x), p, options);
    const stored: NormTicket<"dropoutResidualLayerNorm"> = JSON.parse(JSON.stringify(ticket));
    const back = on.backward(given(dy), stored, { h, mean, rstd, gamma }, dh ? { dh: given(dh) } : {});
    const { dx, dresidual, dgamma, dbeta, dbias } = back;
    const results = { y, h, mean, rstd, dx, dresidual, dgamma, dbeta, ...(dbias ? { dbias } : {}) };
    const values = Object.fromEntries(Object.entries(results).map(([name, data]) => [name, read(data as DataOf<"f32">)])) as Record<
      string,
      Floats
    >;
    for (const data of [...taken, ...Object.values(results)]) if (!(data instanceof Float32Array)) (data as WasmBuffer).free();
    return values;
  }

  /** Rows around a piece and a tile, rows longer than a piece, and one element. */
  const SHAPES = [
    [1, 1],
    [5, 3],
    [3, 17],
    [700, 12],
    [33, 512],
    [9, 911],
    [3, PIECE + 1],
    [1, 20_000],
    [2, PIECE],
    [PIECE + 1, 1],
  ] as const;

  for (const kind of KINDS) {
    it(`${kind}: forward and back as the oracle says; the same bits from arrays, buffers and both builds`, () => {
      SHAPES.forEach(([rows, columns], k) => {
        for (const p of k < 4 ? PROBABILITIES : [0.1]) {
          const n = rows * columns;
          const start = [0, 3, 4096, 5000][k % 4] as number;
          const what = `${rows} x ${columns}, p ${p}, start ${start}`;
          const how = drawn(kind, SEED, BigInt(STREAM), start, n, p);
          const one = input(rows, columns, k, k % 2 === 0, how);
          const [dy, dh] = [numbers(n, 6), k % 3 === 0 ? numbers(n, 7) : undefined];
          const place = { kind, stream: STREAM, start };
          const got = run(fused, one, p, place, dy, dh, (a) => a);
          const stream = residualStream(one);
          expectSame(got.h as Floats, stream, `${what}, h`);
          const expected = layerNorm(stream, columns, one.gamma, one.beta, one.epsilon);
          for (const name of ["y", "mean", "rstd"] as const) expectNear(got[name] as Floats, expected[name], ERROR, `${what}, ${name}`);
          const gradient = layerNormGradient(dy, stream, got.mean as Floats, got.rstd as Floats, one.gamma, dh);
          for (const name of ["dresidual", "dgamma", "dbeta"] as const)
            expectNear(got[name] as Floats, gradient[name], ERROR, `${what}, ${name}`);
          const dx = (got.dresidual as Floats).map((v, i) => (how.keep[i] ? v * how.scale : 0)) as Floats;
          expectSame(got.dx as Floats, dx, `${what}, dx`);
          if (one.bias) {
            const sums = new Float64Array(columns);
            dx.forEach((v, i) => {
              sums[i % columns] = (sums[i % columns] as number) + v;
            });
            expectSame(got.dbias as Floats, Float32Array.from(sums), `${what}, dbias`);
          } else expect(got.dbias).toBeUndefined();
          for (const [name, other] of [
            ["buffers", run(fused, one, p, place, dy, dh, inWasm)],
            ["scalar build", run(slow, one, p, place, dy, dh, (a) => a)],
          ] as const) {
            expect(Object.keys(other)).toEqual(Object.keys(got));
            for (const key of Object.keys(got)) expectSame(other[key] as Floats, got[key] as Floats, `${what}, ${name}, ${key}`);
          }
        }
      });
    });
  }

  it("writes results where they are wanted, over operands of their shape too", () => {
    const n = 20 * 600;
    const one = input(20, 600, 1, true, drawn("tile", SEED, 9n, 0, n, 0.3));
    const { residual, gamma, beta, bias } = one as { residual: Floats; gamma: Floats; beta: Floats; bias: Floats };
    const expected = fused.dropoutResidualLayerNorm(one.x, 0.3, { stream: 9, residual, gamma, beta, bias });
    const [dy, dh] = [numbers(n, 3), numbers(n, 4)];
    const { h, mean, rstd, ticket } = expected;
    const back = fused.backward(dy, ticket, { h, mean, rstd, gamma }, { dh });
    for (const take of [(a: Floats): DataOf<"f32"> => a.slice() as Floats, inWasm]) {
      const [x, r] = [take(one.x as Floats), take(residual)];
      const [m, s] = [take(new Float32Array(20)), take(new Float32Array(20))];
      const got = fused.dropoutResidualLayerNorm(x, 0.3, {
        stream: 9,
        residual: r,
        gamma: take(gamma),
        beta: take(beta),
        bias: take(bias),
        out: x,
        h: r,
        mean: m,
        rstd: s,
      });
      expect([got.y, got.h, got.mean, got.rstd]).toEqual([x, r, m, s]);
      for (const name of ["y", "h", "mean", "rstd"] as const) expectSame(read(got[name] as DataOf<"f32">), expected[name] as Floats, name);
      const [gradient, more] = [take(dy), take(dh)];
      const [a, b, c] = [take(gamma), take(gamma), take(gamma)];
      const saved = { h: r, mean: m, rstd: s, gamma: take(gamma) };
      const options = {
        dh: more,
        dx: gradient,
        dresidual: more,
        dgamma: a,
        dbeta: b,
        dbias: c,
      };
      const results = fused.backward(gradient, got.ticket, saved, options);
      expect([results.dx, results.dresidual, results.dgamma, results.dbeta, results.dbias]).toEqual([gradient, more, a, b, c]);
      for (const name of ["dx", "dresidual", "dgamma", "dbeta", "dbias"] as const)
        expectSame(read(results[name] as DataOf<"f32">), back[name] as Floats, name);
    }
  });

  it("gradients are those of finite differences, the mask fixed", () => {
    const [rows, columns] = [3, 7];
    const n = rows * columns;
    const one = input(rows, columns, 2, true, drawn("tile", SEED, 4n, 0, n, 0.4));
    const { x, residual, gamma, beta, bias } = one as { [K in "x" | "residual" | "gamma" | "beta" | "bias"]: Floats };
    const [dy, dh] = [numbers(n, 3), numbers(n, 4)];
    const { h, mean, rstd, ticket } = fused.dropoutResidualLayerNorm(x, 0.4, { stream: 4, residual, gamma, beta, bias });
    const got = fused.backward(dy, ticket, { h, mean, rstd, gamma }, { dh });
    /** sum y dy + sum h dh, in double precision. */
    const loss = (a: { [K in "x" | "residual" | "gamma" | "beta" | "bias"]: ArrayLike<number> }) => {
      const sum = Float64Array.from(
        { length: n },
        (_, i) =>
          (a.residual[i] as number) + (one.drawn.keep[i] ? ((a.x[i] as number) + (a.bias[i % columns] as number)) * one.drawn.scale : 0),
      );
      const { y } = layerNorm(sum, columns, a.gamma, a.beta, 1e-5);
      return y.value.reduce((l, v, i) => l + v * (dy[i] as number) + (sum[i] as number) * (dh[i] as number), 0);
    };
    const parameters = { x, residual, gamma, beta, bias };
    for (const [name, gradient] of [
      ["x", got.dx],
      ["residual", got.dresidual as Floats],
      ["gamma", got.dgamma],
      ["beta", got.dbeta as Floats],
      ["bias", got.dbias as Floats],
    ] as const) {
      gradient.forEach((value, i) => {
        const step = 1e-5;
        const moved = (by: number) => {
          const array = Float64Array.from(parameters[name]);
          array[i] = (array[i] as number) + by;
          return loss({ ...parameters, [name]: array });
        };
        const slope = (moved(step) - moved(-step)) / (2 * step);
        expect(Math.abs(value - slope), `d${name}[${i}]: ${value} instead of ${slope}`).toBeLessThan(3e-6 * Math.max(1, Math.abs(slope)));
      });
    }
    // y does not change where a constant is added to a row, nor, but for epsilon, where it is stretched about its mean.
    const dresidual = fused.backward(dy, ticket, { h, mean, rstd, gamma }).dresidual as Floats;
    for (let r = 0; r < rows; ++r) {
      const row = Array.from(dresidual.subarray(r * columns, (r + 1) * columns));
      expect(Math.abs(row.reduce((a, v) => a + v, 0))).toBeLessThan(2e-6);
      expect(Math.abs(row.reduce((a, v, c) => a + v * ((h[r * columns + c] as number) - (mean[r] as number)), 0))).toBeLessThan(1e-5);
    }
  });

  it("is exact to f32 for long rows far from zero, and for tiny and huge ones", () => {
    const columns = 100_000;
    const [zero, one] = [new Float32Array(columns), new Float32Array(columns).fill(1)];
    for (const [size, shift] of [
      [1, 1000],
      [1e-20, 0],
      [1e30, 0],
      [1e-3, -1],
    ] as const) {
      const x = numbers(columns, 1, size, shift);
      const epsilon = 1e-60;
      const { y, mean, rstd } = fused.dropoutResidualLayerNorm(x, 0, { residual: zero, gamma: one, beta: zero, epsilon });
      const expected = layerNorm(x, columns, one, zero, epsilon);
      const what = `${size} around ${shift}`;
      for (const [got, close] of [
        [mean, expected.mean],
        [rstd, expected.rstd],
        [y, expected.y],
      ] as const)
        expectNear(got, close, ERROR, what);
    }
  });

  it("a slice of rows has the slice of the results", () => {
    const [rows, columns] = [40, 300];
    const one = input(rows, columns, 3, false, drawn("tile", SEED, 0n, 0, 0, 0));
    const { residual, gamma, beta } = one;
    const whole = fused.dropoutResidualLayerNorm(one.x, 0.2, { stream: 3, start: 100, residual, gamma, beta });
    const from = 7 * columns;
    const part = fused.dropoutResidualLayerNorm(one.x.subarray(from), 0.2, {
      stream: 3,
      start: 100 + from,
      residual: residual.subarray(from),
      gamma,
      beta,
    });
    expectSame(part.y, whole.y.subarray(from), "y");
    expectSame(part.h, whole.h.subarray(from), "h");
  });

  it("drops what is NaN or infinite; p = 1 leaves the residual's own layer norm", () => {
    const columns = 64;
    const { keep } = drawn("tile", SEED, 6n, 0, 4 * columns, 0.5);
    const x = Float32Array.from(keep, (k, i) => (k ? 1 : i % 2 ? Number.NaN : Number.POSITIVE_INFINITY));
    const [residual, gamma, beta] = [numbers(4 * columns, 1), numbers(columns, 2), numbers(columns, 3)];
    const { y, h, mean, rstd, ticket } = fused.dropoutResidualLayerNorm(x, 0.5, { stream: 6, residual, gamma, beta });
    expect(y.every(Number.isFinite)).toBe(true);
    expect(fused.backward(x.map(() => 1) as Floats, ticket, { h, mean, rstd, gamma }).dx.every(Number.isFinite)).toBe(true);
    const bias = new Float32Array(columns).fill(Number.NaN);
    const all = fused.dropoutResidualLayerNorm(x, 1, { residual, gamma, beta, bias });
    expectSame(all.h, residual, "p = 1, h");
    const alone = fused.dropoutResidualLayerNorm(new Float32Array(4 * columns), 0, { residual, gamma, beta });
    expectSame(all.y, alone.y, "p = 1, y");
    const back = fused.backward(numbers(4 * columns, 5), all.ticket, { h: all.h, mean: all.mean, rstd: all.rstd, gamma });
    expectSame(back.dx, new Float32Array(4 * columns), "p = 1, dx");
    expectSame(back.dbias as Floats, new Float32Array(columns), "p = 1, dbias");
    expect((back.dresidual as Floats).every((v) => v !== 0)).toBe(true);
  });

  it("outside training drops nothing and uses up no stream number; in training takes the next", () => {
    const one = input(4, 32, 1, true, { keep: new Uint8Array(128).fill(1), scale: 1 });
    const { residual, gamma, beta } = one;
    const before = dropout.state.nextStream;
    const { y, h, ticket } = fused.dropoutResidualLayerNorm(one.x, 0.5, { residual, gamma, beta, training: false });
    expect(dropout.state.nextStream).toBe(before);
    expect(ticket.p).toBe(0);
    const kept = fused.dropoutResidualLayerNorm(one.x, 0, { residual, gamma, beta, stream: 1 });
    expectSame(h, kept.h, "h");
    expectSame(y, kept.y, "y");
    expect(fused.dropoutResidualLayerNorm(one.x, 0.5, { residual, gamma, beta }).ticket.stream).toBe(before);
    expect(BigInt(dropout.state.nextStream)).toBe(BigInt(before) + 1n);
  });

  it("takes no rows", () => {
    const gamma = Float32Array.of(1, 2);
    const none = new Float32Array(0);
    const { y, mean, ticket, h, rstd } = fused.dropoutResidualLayerNorm(none, 0.5, { residual: none, gamma, beta: gamma });
    expect([y.length, mean.length]).toEqual([0, 0]);
    expectSame(fused.backward(none, ticket, { h, mean, rstd, gamma }).dgamma, new Float32Array(2), "dgamma");
  });

  it("refuses, before anything is written or a stream number is used", () => {
    const good = () => ({ residual: new Float32Array(12), gamma: new Float32Array(4), beta: new Float32Array(4) });
    const x = new Float32Array(12);
    const before = dropout.state;
    const calls: [Anything, Anything, Anything, string | RegExp][] = [
      ["x", 0.1, good(), '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got string "x"'],
      [new Float64Array(12), 0.1, good(), '"residual" expected Float64Array or f64 buffer, got Float32Array(12)'],
      [x, 1.5, good(), '"p" expected number in [0, 1], got 1.5'],
      [x, 0.1, 7, '"options" expected object, got 7'],
      [x, 0.1, { ...good(), training: 1 }, '"training" expected boolean, got 1'],
      [x, 0.1, { ...good(), epsilon: -1 }, '"epsilon" expected finite number of at least 0, got -1'],
      [x, 0.1, { ...good(), epsilon: Number.POSITIVE_INFINITY }, '"epsilon" expected finite number of at least 0, got Infinity'],
      [x, 0.1, { ...good(), epsilon: "1" }, '"epsilon" expected finite number of at least 0, got string "1"'],
      [x, 0.1, { ...good(), residual: null }, '"residual" expected Float32Array or f32 buffer, got null'],
      [x, 0.1, { ...good(), gamma: undefined }, '"gamma" expected Float32Array or f32 buffer, got undefined'],
      [x, 0.1, { ...good(), layerScale: new Float32Array(3) }, '"layerScale" expected length 4, got 3'],
      [x, 0.1, { ...good(), rowScale: new Float32Array(2) }, '"rowScale" expected length that divides 3, the rows, got 2'],
      [x, 0.1, { ...good(), rowScale: new Float64Array(3) }, '"rowScale" expected Float32Array or f32 buffer, got Float64Array(3)'],
      [x, 0.1, { ...good(), parallel: new Float32Array(11) }, '"parallel" expected length 12, got 11'],
      [x, 0.1, { ...good(), parallel: x, h: x }, '"h" expected memory apart from "parallel", got memory that overlaps it'],
      [x, 0.1, { ...good(), dropPath: 1.5 }, '"dropPath" expected number in [0, 1], got 1.5'],
      [x, 0.1, { ...good(), dropPath: 0.5, samples: 2 }, '"samples" expected divisor of 3, the number of rows, got 2'],
      [x, 0.1, { ...good(), samples: 0 }, '"samples" expected integer in [1, '],
      [x, 0.1, { ...good(), dropPath: 0.5, start: 2 }, '"start" expected multiple of 4, the elements of a sample, with "dropPath", got 2'],
      [x, 0.1, { ...good(), dropPath: 0.5, start: 2 ** 52 }, '"start" expected at most 2^52 - 12 with "dropPath", got 4503599627370496'],
      [x, 0.1, { ...good(), rowscale: x }, '"rowscale" is no option; did you mean "rowScale"?'],
      [x, 0.1, { ...good(), layerScale: new Float32Array(4), out: x }, '"out" expected memory apart from "x", which backward reads again'],
      [x, 0.1, { ...good(), residual: new Float32Array(11) }, '"residual" expected length 12, got 11'],
      [x, 0.1, { ...good(), gamma: new Float32Array(5) }, '"gamma" expected length that divides 12, got 5'],
      [x, 0.1, { ...good(), gamma: new Float32Array(0) }, '"gamma" expected length that divides 12, got 0'],
      [x, 0.1, { ...good(), gamma: new Float64Array(4) }, '"gamma" expected Float32Array or f32 buffer, got Float64Array(4)'],
      [x, 0.1, { ...good(), beta: new Float32Array(3) }, '"beta" expected length 4, got 3'],
      [x, 0.1, { ...good(), bias: new Float32Array(3) }, '"bias" expected length 4, got 3'],
      [x, 0.1, { ...good(), out: new Float32Array(11) }, '"out" expected length 12, got 11'],
      [x, 0.1, { ...good(), mean: new Float32Array(4) }, '"mean" expected length 3, got 4'],
      [x, 0.1, { ...good(), out: x, h: x }, '"h" expected memory apart from "out", got memory that overlaps it'],
      [x, 0.1, { ...good(), kind: "dice" }, `"kind" expected ${KIND}, got string "dice"`],
      [x, 0.1, { ...good(), start: 2 ** 53 }, /^"start" expected integer in \[0, \d+\]/],
    ];
    for (const [data, p, options, message] of calls) {
      expect(() => fused.dropoutResidualLayerNorm(data, p, options), String(message)).toThrow(message);
    }
    const { h, mean, rstd, ticket } = fused.dropoutResidualLayerNorm(x, 0.1, { ...good(), stream: 1 });
    const saved = { h, mean, rstd, gamma: new Float32Array(4) };
    const backs: [Anything, Anything, Anything, string, Anything?][] = [
      [x, { ...ticket, op: "norm" }, saved, '"ticket.op" expected '],
      [x, { ...ticket, columns: 5 }, saved, '"ticket.columns" expected divisor of 12, got 5'],
      [x, { ...ticket, columns: 0 }, saved, '"ticket.columns" expected integer in [1, '],
      [x, { ...ticket, bias: undefined }, saved, '"ticket.bias" expected boolean, got undefined'],
      [x, { ...ticket, rescale: "none" }, saved, '"ticket.rescale" expected "train", got string "none"'],
      [new Float32Array(11), ticket, saved, '"dy" expected length 12, the ticket\'s, got 11'],
      [x, ticket, { ...saved, h: undefined }, '"saved.h" expected Float32Array or f32 buffer, got undefined'],
      [x, ticket, { ...saved, mean: new Float32Array(4) }, '"saved.mean" expected length 3, got 4'],
      [x, ticket, { ...saved, rstd: undefined }, '"saved.rstd" expected Float32Array or f32 buffer, got undefined'],
      [x, ticket, { ...saved, gamma: new Float32Array(3) }, '"saved.gamma" expected length 4, got 3'],
      [x, ticket, { ...saved }, '"dh" expected length 12, got 3', { dh: new Float32Array(3) }],
      [x, ticket, saved, '"dgamma" expected memory apart from "saved.gamma", got memory that overlaps it', { dgamma: saved.gamma }],
      [x, ticket, saved, '"dresidual" expected memory apart from "dx", got memory that overlaps it', { dx: x, dresidual: x }],
    ];
    for (const [dy, stored, given, message, options] of backs) {
      expect(() => fused.backward(dy, stored, given, options), message).toThrow(message);
    }
    expect(dropout.state).toEqual(before);
    expect(x).toEqual(new Float32Array(12));
  });

  it("results that the caller made are taken before others are, which may make the memory grow", async () => {
    const small = await createDropout({ seed: 1 });
    const op = await createFused(small);
    const n = 40_000;
    const [x, h] = [small.alloc("f32", n), small.alloc("f32", n)];
    const [one, zero] = [new Float32Array(100).fill(1), new Float32Array(100)];
    const bytes = small.memory.buffer.byteLength;
    const view = h.array;
    op.dropoutResidualLayerNorm(x, 0.1, { residual: x, gamma: one, beta: zero, h: view });
    expect(small.memory.buffer.byteLength).toBeGreaterThan(bytes);
  });

  it("gives all memory back", () => {
    const one = input(60, 300, 1, true, { keep: new Uint8Array(18_000).fill(1), scale: 1 });
    const { residual, bias, gamma, beta } = one;
    const dy = numbers(18_000, 1);
    for (const take of [(a: Float32Array): DataOf<"f32"> => a, inWasm]) {
      let bytes = 0;
      for (let k = 0; k < 30; ++k) {
        run(fused, one, 0.1, {}, dy, dy, take);
        expect(() => fused.dropoutResidualLayerNorm(one.x, 0.1, { residual, bias, gamma, beta, mean: dy })).toThrow(RangeError);
        if (k === 2) bytes = dropout.memory.buffer.byteLength;
      }
      expect(dropout.memory.buffer.byteLength).toBe(bytes);
    }
  });
});
