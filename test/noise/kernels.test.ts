// Every kernel of noise, in both release builds, on raw addresses, against the oracle bit for bit: sizes around a vector and a step of 32 elements,
// starts within them, odd addresses, in place, and canaries around the output.

import { describe, expect, it } from "vitest";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import { PARAMS } from "../../src/engine/memory.js";
import { DTYPES, type Dtype } from "../../src/ground/dtypes.js";
import { Words } from "../../src/ground/words.js";
import { NOISE, type NoiseKernels } from "../../src/noise/kernels.js";
import { expectSame, sample } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import { asFloats, type Floats, numbers, plus, scaled, times } from "./oracle.js";

const SEED = 0x0123456789abcdefn;
const STREAM = 0xfedcba9876543210n;
const SPAN = 1200;
const SMALL = Array.from({ length: 100 }, (_, n) => n);
const LARGE = [127, 128, 129, 255, 1023, 1056];
const STARTS = [0, 1, 2, 3, 4, 7, 28, 31, 32, 33, 63];
const LARGE_STARTS = [0, 5, 30];
// Here the low word of the counter overflows.
const BORDER = 2 ** 32 - 64;
const DEVIATIONS = [0, 1e-60, 1 / 3, 1, 9.5e7];

const sizes = (): [start: number, n: number][] => [
  ...STARTS.flatMap((start) => SMALL.map((n): [number, number] => [start, n])),
  ...LARGE_STARTS.flatMap((start) => LARGE.map((n): [number, number] => [start, n])),
];

const near = { normal: numbers("normal", SEED, STREAM, 0, SPAN), uniform: numbers("uniform", SEED, STREAM, 0, SPAN) };
const far = { normal: numbers("normal", SEED, STREAM, BORDER, 128), uniform: numbers("uniform", SEED, STREAM, BORDER, 128) };

describe.each(BUILDS)("%s build", (build) => {
  const wasm = loadBuild(build, "noise");
  const kernels = bindKernels<NoiseKernels>(wasm.exports, NOISE);
  const regions = { out: wasm.region(8 * SPAN), data: wasm.region(8 * SPAN) };
  const seed = new Words().set(SEED, "seed");
  const stream = new Words().set(STREAM, "stream");
  const place = (start: number) => wasm.memory.writeParams({ seed, stream, start, threshold: 0, scale: 1 }, 0);

  it("exports the table and nothing else, and imports only memory", () => {
    const names = rowsOf(NOISE).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
    expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
    expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
  });

  function checkFill(source: "normal" | "uniform", z: Float32Array, start: number, offset: number, factor: number): void {
    const what = `${source}, start ${start}, n ${z.length}, ${offset} + ${factor} z`;
    const at = regions.out + (z.length % 16);
    place(start);
    const bytes = wasm.written(at, 4 * z.length, false, what, () => kernels.fill[source].f32(at, z.length, offset, factor, PARAMS));
    expectSame(new Float32Array(bytes.buffer), scaled(z, offset, factor), what);
  }

  it.each(["normal", "uniform"] as const)("%s_fill_f32", (source) => {
    for (const [start, n] of sizes()) checkFill(source, near[source].subarray(start, start + n), start, 0, 1);
    for (const [offset, factor] of [
      [5, 2],
      [-1e30, 1 / 3],
      [1e-40, 1e-42],
    ] as const) {
      checkFill(source, near[source].subarray(3, 103), 3, offset, factor);
    }
    for (const begin of [0, 31, 63, 64, 65]) checkFill(source, far[source].subarray(begin), BORDER + begin, 0, 1);
  });

  describe.each(DTYPES)("%s", (dtype) => {
    const size = dtype === "f32" ? 4 : 8;

    function check(verb: "times" | "plus", z: Float32Array, start: number, deviation: number, inPlace: boolean): void {
      const n = z.length;
      const what = `${verb}, start ${start}, n ${n}, deviation ${deviation}${inPlace ? ", in place" : ""}`;
      const x: Floats = sample(dtype, n, start + n);
      const out = regions.out + (n % 16);
      const src = inPlace ? out : regions.data + ((3 * n) % 16);
      wasm.place(src, x);
      place(start);
      const run = () => kernels[verb].normal[dtype](out, src, n, deviation, PARAMS);
      const y = asFloats(dtype as Dtype, wasm.written(out, size * n, inPlace, what, run));
      if (deviation === 0) expect(Buffer.compare(new Uint8Array(y.buffer), new Uint8Array(x.buffer)), what).toBe(0);
      expectSame(y, { times, plus }[verb](x, z, deviation), what);
    }

    it.each(["times", "plus"] as const)(`normal_%s_${dtype}`, (verb) => {
      for (const [start, n] of sizes()) {
        for (const inPlace of [false, true]) check(verb, near.normal.subarray(start, start + n), start, 1 / 3, inPlace);
      }
      for (const deviation of DEVIATIONS) {
        for (const n of [0, 1, 31, 64, 97]) {
          for (const inPlace of [false, true]) check(verb, near.normal.subarray(7, 7 + n), 7, deviation, inPlace);
        }
      }
      for (const begin of [0, 31, 63, 64, 65]) check(verb, far.normal.subarray(begin), BORDER + begin, 1 / 3, false);
    });
  });
});
