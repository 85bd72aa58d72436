// Every kernel of linear layers, in both release builds, on raw addresses, against the same sums in plain numbers, bit for bit: sizes
// around a vector, a step of eight and four rows, odd addresses, strides, sums that go on, and canaries around the output.

import { describe, expect, it } from "vitest";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { LINEAR, type LinearKernels } from "../../src/linear/kernels.js";
import { expectSame } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const INPUTS = [...Array.from({ length: 41 }, (_, n) => n), 63, 64, 65, 70, 127, 130];
const SIZES: readonly (readonly [examples: number, outputs: number])[] = [
  [1, 1],
  [1, 4],
  [2, 4],
  [3, 3],
  [3, 5],
  [4, 8],
  [5, 9],
  [9, 2],
];

const sizeOf = (dtype: Dtype) => (dtype === "f32" ? 4 : 8);
const rounder = (dtype: Dtype) => (dtype === "f32" ? Math.fround : (v: number) => v);
const array = (dtype: Dtype, length: number): Floats => (dtype === "f32" ? new Float32Array(length) : new Float64Array(length));
const floats = (dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): Floats =>
  dtype === "f32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
const at = (v: Floats | Uint8Array, i: number): number => v[i] as number;

/** Numbers of mixed magnitude; with `wild`, some NaN and infinite. */
function numbers(dtype: Dtype, length: number, salt: number, wild = false): Floats {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
  return array(dtype, length).map((_, i) => {
    const k = (i * 11 + salt) % 37;
    return wild && k < special.length ? (special[k] as number) : Math.sin(i * 1.7 + salt) * 10 ** ((i % 5) - 2);
  }) as Floats;
}

/** Decisions, about a third dropped; undefined for none. */
const decisions = (length: number, salt: number) =>
  Uint8Array.from({ length }, (_, i) => ((Math.sin(i * 12.9898 + salt) * 43758.5453) % 1 > -0.3 ? 1 : 0));

/** A dot product in the order that is promised. */
function dot(dtype: Dtype, w: Floats, x: Floats, keep: Uint8Array | undefined, n: number): number {
  const round = rounder(dtype);
  const product = (i: number) => round((keep === undefined || keep[i] ? at(w, i) : 0) * at(x, i));
  const lanes = new Array(dtype === "f32" ? 4 : 2).fill(0);
  const whole = n - (n % 8);
  for (let i = 0; i < whole; ++i) lanes[i % lanes.length] = round(lanes[i % lanes.length] + product(i));
  let sum = dtype === "f32" ? round(round(lanes[0] + lanes[1]) + round(lanes[2] + lanes[3])) : lanes[0] + lanes[1];
  for (let i = whole; i < n; ++i) sum = round(sum + product(i));
  return sum;
}

for (const build of BUILDS) {
  describe(`${build} build`, () => {
    const wasm = loadBuild(build, "linear");
    const kernels = bindKernels<LinearKernels>(wasm.exports, LINEAR);
    const regions = {
      out: wasm.region(2 ** 16),
      a: wasm.region(2 ** 16),
      b: wasm.region(2 ** 16),
      c: wasm.region(2 ** 16),
      keep: wasm.region(2 ** 16),
    };
    const place = (pointer: number, data: ArrayBufferView) => {
      wasm.place(pointer, data);
      return pointer;
    };

    it("exports the table and nothing else, and imports only memory", () => {
      const names = rowsOf(LINEAR).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
      expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
      expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    });

    for (const [verb, source, dtype] of rowsOf(LINEAR)) {
      it(`${source}_${verb}_${dtype}`, () => {
        const type = dtype as Dtype;
        let count = 0;
        for (const inputs of INPUTS) {
          for (const [examples, outputs] of SIZES) {
            for (const wild of [false, true]) count += check(verb, source, type, examples, outputs, inputs, wild);
          }
        }
        expect(count).toBeGreaterThanOrEqual(2 * INPUTS.length * SIZES.length);
      });
    }

    function check(verb: string, source: string, dtype: Dtype, examples: number, outputs: number, inputs: number, wild: boolean): number {
      const size = sizeOf(dtype);
      const round = rounder(dtype);
      const salt = examples + outputs + inputs;
      const what = `${examples} x ${outputs} x ${inputs}${wild ? ", wild" : ""}`;
      const odd = size * (salt % 7);
      const masks = [undefined, decisions(examples * outputs * inputs, salt)];
      const row = (v: Floats, n: number) => v.subarray(n * inputs, (n + 1) * inputs) as Floats;
      const keepAt = (keep: Uint8Array | undefined) => (keep === undefined ? 0 : place(regions.keep + (salt % 16), keep));
      const kept = (keep: Uint8Array | undefined, n: number, o: number) =>
        keep?.subarray((n * outputs + o) * inputs, (n * outputs + o + 1) * inputs);
      const run = (length: number, before: Floats | undefined, kernel: (dst: number) => void): Floats => {
        const dst = regions.out + size * (salt % 5);
        if (before !== undefined) wasm.place(dst, before);
        return floats(
          dtype,
          wasm.written(dst, length * size, before !== undefined, what, () => kernel(dst)),
        );
      };

      if (verb === "forward") {
        const x = numbers(dtype, examples * inputs, salt, wild);
        const w = numbers(dtype, outputs * inputs, salt + 1, wild);
        const bias = numbers(dtype, outputs, salt + 2);
        const stride = outputs + (salt % 3);
        const [xAt, wAt, biasAt] = [place(regions.a + odd, x), place(regions.b + odd, w), place(regions.c + odd, bias)];
        for (const keep of masks) {
          for (const scale of [1, round(1.1)]) {
            for (const biased of [true, false]) {
              const before = array(dtype, examples * stride).fill(7) as Floats;
              const expected = before.slice() as Floats;
              for (let n = 0; n < examples; ++n) {
                for (let o = 0; o < outputs; ++o) {
                  const sum = round(dot(dtype, row(w, o), row(x, n), kept(keep, n, o), inputs) * scale);
                  expected[n * stride + o] = biased ? sum + at(bias, o) : sum;
                }
              }
              const got = run(expected.length, before, (y) =>
                kernels.forward.bytes[dtype](y, stride, xAt, wAt, biased ? biasAt : 0, keepAt(keep), examples, outputs, inputs, scale),
              );
              expectSame(got, expected, `${what}, ${keep === undefined ? "all" : "some"} kept`);
            }
          }
        }
        return 1;
      }

      if (verb === "inputgradient" || verb === "weightgradient") {
        const toInputs = verb === "inputgradient";
        const stride = outputs + (salt % 3);
        const g = numbers(dtype, examples * stride, salt, wild);
        const src = numbers(dtype, (toInputs ? outputs : examples) * inputs, salt + 1, wild);
        const [gAt, srcAt] = [place(regions.a + odd, g), place(regions.b + odd, src)];
        const rows = toInputs ? examples : outputs;
        for (const keep of masks) {
          for (const fresh of [true, false]) {
            const before = numbers(dtype, rows * inputs, salt + 3);
            const expected = (fresh ? array(dtype, rows * inputs) : before.slice()) as Floats;
            for (let n = 0; n < examples; ++n) {
              for (let o = 0; o < outputs; ++o) {
                const mask = kept(keep, n, o);
                const factor = at(g, n * stride + o);
                for (let i = 0; i < inputs; ++i) {
                  const keeps = mask === undefined || mask[i] === 1;
                  const to = (toInputs ? n : o) * inputs + i;
                  // A dropped weight is +0, a dropped element of its gradient too.
                  const term = toInputs
                    ? round((keeps ? at(src, o * inputs + i) : 0) * factor)
                    : keeps
                      ? round(at(src, n * inputs + i) * factor)
                      : 0;
                  expected[to] = at(expected, to) + term;
                }
              }
            }
            const got = run(expected.length, before, (dst) =>
              kernels[verb].bytes[dtype](dst, gAt, stride, srcAt, keepAt(keep), examples, outputs, inputs, Number(fresh)),
            );
            expectSame(got, expected, `${what}, ${keep === undefined ? "all" : "some"} kept, ${fresh ? "fresh" : "going on"}`);
          }
        }
        return 1;
      }

      if (verb === "biasgradient") {
        const dy = numbers(dtype, examples * inputs, salt, wild);
        const dyAt = place(regions.a + odd, dy);
        for (const fresh of [true, false]) {
          const before = numbers(dtype, inputs, salt + 3);
          const expected = (fresh ? array(dtype, inputs) : before.slice()) as Floats;
          for (let n = 0; n < examples; ++n) for (let o = 0; o < inputs; ++o) expected[o] = at(expected, o) + at(dy, n * inputs + o);
          const got = run(inputs, before, (db) => kernels.biasgradient.matrix[dtype](db, dyAt, examples, inputs, Number(fresh)));
          expectSame(got, expected, what);
        }
        return 1;
      }

      const a = numbers(dtype, inputs, salt, wild);
      const aAt = place(regions.a + odd, a);
      if (verb === "sample") {
        const variance = numbers(dtype, inputs, salt + 1).map(Math.abs) as Floats;
        const normals = numbers(dtype, inputs, salt + 2, wild);
        const before = numbers(dtype, inputs, salt + 3);
        const expected = before.map((sum, i) => {
          const z = round(at(a, i) + round(round(Math.sqrt(at(variance, i))) * at(normals, i)));
          return sum + (source === "relu" && z < 0 ? 0 : z);
        }) as Floats;
        const [varianceAt, normalsAt] = [place(regions.b + odd, variance), place(regions.c + odd, normals)];
        const kernel = kernels.sample[source as "none" | "relu"][dtype];
        expectSame(
          run(inputs, before, (sum) => kernel(sum, aAt, varianceAt, normalsAt, inputs)),
          expected,
          what,
        );
      } else if (verb === "scale") {
        const factor = round(1 / 3);
        const expected = a.map((v) => v * factor) as Floats;
        expectSame(
          run(inputs, undefined, (dst) => kernels.scale.matrix[dtype](dst, aAt, inputs, factor)),
          expected,
          what,
        );
      } else {
        const expected = a.map((v) => v * v) as Floats;
        expectSame(
          run(inputs, undefined, (dst) => kernels.square.matrix[dtype](dst, aAt, inputs)),
          expected,
          what,
        );
      }
      return 1;
    }
  });
}
