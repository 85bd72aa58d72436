// The kernels of bias, activation and residual in both release builds, on raw addresses, against the oracle: sizes around a vector, a step and
// a tile, starts in the middle of them, columns of all kinds, odd addresses, in place, and canaries around the output.

import { describe, expect, it } from "vitest";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import { PARAMS } from "../../src/engine/memory.js";
import { type Elementwise, FUSED, type FusedKernels } from "../../src/fused/kernels.js";
import { BIAS_RECORD } from "../../src/ground/abi.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { Words } from "../../src/ground/words.js";
import { type Chance, chance, expectSame, keepBytes, PROBABILITIES, sample, uniforms } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import {
  ACTIVATION,
  ACTIVATION_ERROR,
  type ActivationName,
  addResidual,
  biased,
  columnSums,
  derivative,
  expectClose,
  GRADIENT_ERROR,
} from "./oracle.js";

const SEED = 0x0123456789abcdefn;
const STREAM = 0xfedcba9876543210n;
const SPAN = 17_000;
const SMALL = [...Array.from({ length: 35 }, (_, n) => n), 47, 48, 49, 63, 64, 65, 100];
const LARGE = [4079, 4096, 4099, 8191, 8192, 8195];
const STARTS = [0, 1, 15, 16, 4081, 4095];
const COLUMNS = [16, 17, 24, 31, 64, 5000];
const EXACT = ["residual", "none", "relu", "reluGradient"];

const randoms = uniforms("tile", SEED, STREAM, 0, SPAN);
const values: Record<Dtype, Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>> = { f32: sample("f32", SPAN), f64: sample("f64", SPAN) };
/** Finite values where activations are neither linear nor 0, and some beyond. */
const finite = Float32Array.from({ length: SPAN }, (_, i) => Math.sin(i) * (i % 13 === 0 ? 30 : 4));
const sizeOf = (dtype: Dtype) => (dtype === "f32" ? 4 : 8);
const typed = (dtype: Dtype, bytes: Uint8Array<ArrayBuffer>) =>
  dtype === "f32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);

interface Case {
  readonly n: number;
  readonly start: number;
  readonly columns: number;
  readonly column: number;
  readonly chance: Chance;
  readonly keep: Uint8Array;
}

function* cases(probabilities: readonly number[], starts: readonly number[]): Generator<Case> {
  let salt = 0;
  for (const p of probabilities) {
    const drawn = chance("tile", p);
    const all = keepBytes(randoms, drawn);
    for (const start of starts) {
      for (const n of start % 5 ? SMALL : [...SMALL, ...LARGE]) {
        const columns = COLUMNS[++salt % COLUMNS.length] as number;
        yield { n, start, columns, column: (salt * 7) % columns, chance: drawn, keep: all.subarray(start, start + n) };
      }
    }
  }
}

/** One build with regions to run kernels on. */
function load(build: (typeof BUILDS)[number]) {
  const wasm = loadBuild(build, "fused");
  const size = 9 * SPAN;
  const regions = {
    out: wasm.region(size),
    data: wasm.region(size),
    other: wasm.region(size),
    row: wasm.region(size),
    keep: wasm.region(SPAN),
  };
  const seed = new Words().set(SEED, "seed");
  const stream = new Words().set(STREAM, "stream");
  const kernels = bindKernels<FusedKernels>(wasm.exports, FUSED);
  return {
    ...wasm,
    kernels,
    regions,
    /** Runs a kernel on x and other, and gives what it wrote to one of the regions. At probability 0 kernels that read bytes get none. */
    run(
      kernel: Elementwise,
      source: string,
      dtype: Dtype,
      one: Case,
      x: ArrayBufferView,
      other: ArrayBufferView,
      bias: Float32Array | Float64Array,
      to: "out" | "data" | "other",
      what: string,
    ) {
      const { n, start, columns, column, chance: drawn, keep } = one;
      const bytes = sizeOf(dtype);
      const at = (region: number, by: number) => region + bytes * by;
      const addresses = { out: at(regions.out, n % 5), data: at(regions.data, n % 7), other: at(regions.other, n % 3) };
      const row = regions.row + 4 * (n % 4);
      wasm.place(addresses.data, x);
      wasm.place(addresses.other, other);
      wasm.place(row + BIAS_RECORD, bias);
      wasm.place(row + BIAS_RECORD + bytes * columns, bias.subarray(0, 16));
      const mask = regions.keep + (n % 16);
      wasm.place(mask, keep);
      const scale = dtype === "f32" ? drawn.scale32 : drawn.scale64;
      wasm.memory.writeParams({ seed, stream, start, threshold: drawn.threshold, scale }, 0);
      const address = source === "bytes" && drawn.threshold > 0 ? mask : 0;
      const written = wasm.written(addresses[to], n * bytes, to !== "out", what, () =>
        kernel(addresses[to], addresses.data, addresses.other, row, column, columns, n, PARAMS, address),
      );
      return typed(dtype, written);
    },
  };
}

const builds = { simd: load("simd"), scalar: load("scalar") };
const rows = rowsOf(FUSED).filter(([verb]) => EXACT.includes(verb) || verb.replace("Gradient", "") in ACTIVATION);

for (const build of BUILDS) {
  describe(`${build} build`, () => {
    const wasm = builds[build];

    it("exports the table and nothing else, imports only memory", () => {
      const names = rowsOf(FUSED).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
      expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
      expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    });

    for (const [verb, source, dtype] of rows.filter(([name]) => EXACT.includes(name)) as [string, string, Dtype][]) {
      it(`${source}_${verb}_${dtype}, bit for bit`, () => {
        const kernel = kernelOf(wasm.kernels, verb, source, dtype);
        for (const one of cases(PROBABILITIES, STARTS)) {
          const { n, start, columns, column, chance: drawn, keep } = one;
          const x = values[dtype].slice(start, start + n);
          const other = values[dtype].slice(start + 3, start + 3 + n);
          const bias = values[dtype].slice(11, 11 + columns);
          const places = verb === "residual" && source === "tile" ? (["out", "data"] as const) : (["out", "data", "other"] as const);
          for (const to of places) {
            const what = `n ${n}, start ${start}, p ${drawn.p}, column ${column} of ${columns}, to ${to}`;
            const got = wasm.run(kernel, source, dtype, one, x, other, bias, to, what);
            expectSame(got, exactly(verb, dtype, x, other, bias, column, drawn, keep), what);
          }
        }
      });
    }

    for (const [verb, source] of rows.filter(([name, , dtype]) => !EXACT.includes(name) && dtype === "f32") as [string, string, Dtype][]) {
      it(`${source}_${verb}_f32, close to double precision, and the same bits from both builds`, () => {
        const name = verb.replace("Gradient", "") as ActivationName;
        for (const one of cases([0, 0.1, 0.5, 1], [0, 15])) {
          const { n, start, columns, column, chance: drawn, keep } = one;
          const x = finite.slice(start, start + n);
          const bias = finite.slice(11, 11 + columns);
          const dy = finite.slice(start + 3, start + 3 + n);
          const gradient = verb !== name;
          const v = biased(x, bias, column);
          const expected = Array.from(v, (value, i) =>
            keep[i] ? drawn.scale32 * (gradient ? derivative(name, value) * (dy[i] as number) : ACTIVATION[name](value)) : 0,
          );
          const size = (gradient ? dy : v).map((value) => Math.abs(value) * drawn.scale32);
          for (const to of gradient ? (["out", "data", "other"] as const) : (["out", "data"] as const)) {
            const what = `n ${n}, start ${start}, p ${drawn.p}, column ${column} of ${columns}, to ${to}`;
            const results = BUILDS.map((other) =>
              builds[other].run(
                kernelOf(builds[other].kernels, verb, source, "f32"),
                source,
                "f32",
                one,
                gradient ? dy : x,
                x,
                bias,
                to,
                what,
              ),
            );
            expectSame(results[0] as Float32Array, results[1] as Float32Array, what);
            expectClose(results[0] as Float32Array, expected, size, keep, gradient ? GRADIENT_ERROR : ACTIVATION_ERROR, what);
          }
        }
      });
    }

    it.each(["f32", "f64"] as const)("rows_sum_%s, whatever the pieces", (dtype) => {
      const bytes = sizeOf(dtype);
      for (const columns of [1, 2, 7, 8, 9, 16, 23, 100, 4000]) {
        for (const n of [0, 1, 5, 8, 31, 100, 997, 8100]) {
          const x = values[dtype].map((v) => (Number.isFinite(v) && Math.abs(v) < 100 ? v : 1)).subarray(0, n);
          for (const piece of [n, 64, 1000, 37]) {
            const what = `n ${n}, ${columns} columns, pieces of ${piece}`;
            wasm.place(wasm.regions.data + bytes, x);
            const sums = wasm.regions.out + 8;
            const written = wasm.written(sums, 8 * columns, false, what, () => {
              wasm.memory.view("f64", sums, columns).fill(0);
              for (let at = 0; at < n; at += piece) {
                const count = Math.min(piece, n - at);
                wasm.kernels.sum.rows[dtype](sums, wasm.regions.data + bytes * (1 + at), count, at % columns, columns);
              }
            });
            expectSame(new Float64Array(written.buffer), columnSums(Float64Array.from(x), columns), what);
          }
        }
      }
    });
  });
}

/** The result of an operation that is exactly defined. */
function exactly(
  verb: string,
  dtype: Dtype,
  x: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
  other: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
  bias: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
  column: number,
  drawn: Chance,
  keep: Uint8Array,
): Float32Array | Float64Array {
  if (verb === "residual") return addResidual(biased(x, bias, column), other, keep, drawn);
  const s = dtype === "f32" ? drawn.scale32 : drawn.scale64;
  const v = biased(verb === "reluGradient" ? other : x, bias, column);
  return x.map((value, i) => {
    const kept = verb === "reluGradient" ? ((v[i] as number) > 0 ? value : 0) : ACTIVATION[verb as ActivationName](v[i] as number);
    return keep[i] ? kept * s : 0;
  });
}

function kernelOf(kernels: FusedKernels, verb: string, source: string, dtype: string): Elementwise {
  return (kernels as unknown as Record<string, Record<string, Record<string, Elementwise>>>)[verb]?.[source]?.[dtype] as Elementwise;
}
