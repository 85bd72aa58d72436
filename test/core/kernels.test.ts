// Every kernel of the table, in both release builds, on raw addresses, against the oracle: sizes around a vector and a tile, starts in
// the middle of them, odd addresses, in place, and canaries around the output.

import { describe, expect, it } from "vitest";
import { bindKernels, CORE, type CoreKernels, rowsOf } from "../../src/engine/kernels.js";
import { PARAMS } from "../../src/engine/memory.js";
import type { Dtype, StoredFormat } from "../../src/ground/dtypes.js";
import { Words } from "../../src/ground/words.js";
import type { StreamKind } from "../../src/stream/kinds.js";
import {
  type Chance,
  chance,
  drop,
  expectBytes,
  expectSame,
  KINDS,
  keepBits,
  keepBytes,
  PROBABILITIES,
  sample,
  uniforms,
} from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";

const SEED = 0x0123456789abcdefn;
const STREAM = 0xfedcba9876543210n;
const SPAN = 70_000;
const SMALL = Array.from({ length: 130 }, (_, n) => n);
const STARTS = [0, 1, 8, 15, 16, 17, 3000, 4081, 4095];
const LARGE = [4079, 4095, 4096, 4097, 4099, 8191, 8192, 12287, 12288];
const LARGE_STARTS = [0, 5, 8, 4093, 4096];
const LARGEST = [65521, 65537];
const LARGEST_STARTS = [0, 4093];

/** Sizes and the starts that they are tried from: few of the largest, which take the most time. */
const RANGES = [
  [STARTS, SMALL],
  [LARGE_STARTS, LARGE],
  [LARGEST_STARTS, LARGEST],
] as const;

const randoms = { tile: uniforms("tile", SEED, STREAM, 0, SPAN), philox: uniforms("philox", SEED, STREAM, 0, SPAN) };

interface Case {
  readonly n: number;
  readonly start: number;
  readonly chance: Chance;
  /** 1 for each kept element. */
  readonly keep: Uint8Array;
}

function* cases(kind: StreamKind): Generator<Case> {
  for (const p of PROBABILITIES) {
    const drawn = chance(kind, p);
    const all = keepBytes(randoms[kind], drawn);
    for (const [starts, sizes] of RANGES)
      for (const start of starts) for (const n of sizes) yield { n, start, chance: drawn, keep: all.subarray(start, start + n) };
  }
}

const samples = new Map<string, ReturnType<typeof sample>>();

/** The data of all cases of that size, which nothing writes into. */
function sampleOf(dtype: Dtype, n: number): ReturnType<typeof sample> {
  const key = `${dtype} ${n}`;
  const x = samples.get(key) ?? sample(dtype as "f32" | "f64", n, n);
  samples.set(key, x);
  return x;
}

/** One build with regions to run kernels on. */
function load(build: (typeof BUILDS)[number]) {
  const wasm = loadBuild(build);
  const regions = { out: wasm.region(9 * SPAN), data: wasm.region(9 * SPAN), mask: wasm.region(2 * SPAN) };
  const seed = new Words().set(SEED, "seed");
  const stream = new Words().set(STREAM, "stream");
  return {
    ...wasm,
    kernels: bindKernels<CoreKernels>(wasm.exports, CORE),
    regions,
    draw({ start, chance: drawn }: Case, dtype: string) {
      const scale = dtype === "f64" ? drawn.scale64 : drawn.scale32;
      wasm.memory.writeParams({ seed, stream, start, threshold: drawn.threshold, scale }, 0);
    },
  };
}

const float = (dtype: Dtype, bytes: Uint8Array<ArrayBuffer>) =>
  dtype === "f32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
const sizeOf = (dtype: Dtype) => (dtype === "f32" ? 4 : 8);

for (const build of BUILDS) {
  describe(`${build} build`, () => {
    const wasm = load(build);
    const { kernels, regions } = wasm;

    it.each(KINDS)("%s: decides exactly at the threshold, in whole steps and at the edges", (kind) => {
      const range = kind === "tile" ? 2 ** 48 : 2 ** 32;
      for (let i = 100; i < SPAN - 100; i += 97) {
        const u = randoms[kind][i] as number;
        for (const [threshold, kept] of [
          [u, 1],
          [Math.min(u + 1, range), 0],
        ] as const) {
          const drawn = { p: threshold / range, threshold, scale32: 1, scale64: 1 };
          for (const [start, n] of [
            [i, 1],
            [i - 3, 9],
            [i - 40, 90],
          ] as const) {
            wasm.draw({ start, n, chance: drawn, keep: new Uint8Array() }, "bytes");
            kernels.mask[kind].bytes(regions.out, n, PARAMS);
            if (wasm.bytes(regions.out, n)[i - start] !== kept)
              throw new Error(`element ${i}, T ${threshold}, start ${start}: not ${kept}`);
          }
        }
      }
    });

    it("tile: multiples of 1/256, which cannot tie, and the thresholds next to them", () => {
      for (const byte of [1, 64, 128, 192, 255]) {
        // Thresholds that differ from a multiple of 2^40 in the lowest bit, in its highest, or not at all.
        for (const beside of [-1, 0, 1, 2 ** 39]) {
          const threshold = byte * 2 ** 40 + beside;
          const drawn = { p: threshold / 2 ** 48, threshold, scale32: 1, scale64: 1 };
          for (const start of [0, 5]) {
            const n = SPAN - 2 * start - 3;
            const keep = keepBytes(randoms.tile, drawn).subarray(start, start + n);
            wasm.draw({ start, n, chance: drawn, keep }, "bytes");
            kernels.mask.tile.bytes(regions.out, n, PARAMS);
            expectBytes(wasm.bytes(regions.out, n).slice(), Uint8Array.from(keep), `bytes, T ${threshold}, start ${start}`);
            kernels.mask.tile.bits(regions.out, n, PARAMS);
            const bits = keepBits(keep);
            expectBytes(wasm.bytes(regions.out, bits.length).slice(), bits, `bits, T ${threshold}, start ${start}`);
          }
        }
      }
    });

    it("exports the table and nothing else, imports only memory, and is small", () => {
      const names = rowsOf(CORE).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
      expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
      expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
      expect(wasm.size).toBeLessThanOrEqual(24 * 1024);
    });

    for (const [verb, source, dtype] of rowsOf(CORE)) {
      it(`${source}_${verb}_${dtype}`, () => {
        let count = 0;
        for (const kind of KINDS) {
          if ((verb === "mask" || verb === "dropout" || verb === "dropoutbits") && source !== kind) continue;
          for (const one of cases(kind)) {
            check(one, kind);
            ++count;
          }
        }
        const each = RANGES.reduce((sum, [starts, sizes]) => sum + starts.length * sizes.length, 0);
        expect(count).toBeGreaterThanOrEqual(PROBABILITIES.length * each);
      });

      function check(one: Case, kind: StreamKind): void {
        const { n, keep } = one;
        const what = `n ${n}, start ${one.start}, p ${one.chance.p}, ${kind}`;
        wasm.draw(one, dtype);
        if (verb === "mask") checkMask(one, what);
        else if (verb === "popcount") {
          const mask = keepBits(keep);
          // Bits behind the n-th do not count.
          if (n % 8) mask[mask.length - 1] = (mask[mask.length - 1] as number) | (0xff << (n % 8));
          const at = regions.mask + (n % 16);
          wasm.place(at, mask);
          const kept = keep.reduce((sum, k) => sum + k, 0);
          if (kernels.popcount.bits.u32(at, n) !== kept) throw new Error(`${what}: ${kernels.popcount.bits.u32(at, n)} instead of ${kept}`);
        } else {
          checkDropout(one, dtype as Dtype, false, what);
          checkDropout(one, dtype as Dtype, true, `${what}, in place`);
        }
      }

      function checkMask({ n, chance: drawn, keep }: Case, what: string): void {
        const kernel = kernels.mask[source as StreamKind];
        const run = (format: "bits" | "bytes" | "f32", at: number, size: number) =>
          wasm.written(at, size, false, what, () => kernel[format](at, n, PARAMS));
        if (dtype === "bits") expectBytes(run("bits", regions.out + (n % 16), Math.ceil(n / 8)), keepBits(keep), what);
        else if (dtype === "bytes") expectBytes(run("bytes", regions.out + (n % 16), n), keep, what);
        else {
          // The iterators of from() take most of the time.
          const expected = new Float32Array(n);
          for (let i = 0; i < n; ++i) expected[i] = keep[i] ? drawn.scale32 : 0;
          expectSame(float("f32", run("f32", regions.out + 4 * (n % 16), 4 * n)), expected, what);
        }
      }

      function checkDropout({ n, chance: drawn, keep }: Case, type: Dtype, inPlace: boolean, what: string): void {
        const size = sizeOf(type);
        const x = sampleOf(type, n);
        const src = regions.data + size * (n % 7);
        const dst = inPlace ? src : regions.out + size * (n % 5);
        const mask = regions.mask + (n % 16);
        wasm.place(src, x);
        const maskBytes = keepBits(keep);
        const run = () => {
          if (verb === "dropout") kernels.dropout[source as StreamKind][type](dst, src, n, PARAMS);
          else if (verb === "dropoutbits") kernels.dropoutbits[source as StreamKind][type](dst, src, mask, n, PARAMS);
          else kernels.apply[source as StoredFormat][type](dst, src, mask, n, PARAMS);
        };
        if (verb === "apply") wasm.place(mask, source === "bits" ? maskBytes : keep.map((k, i) => (k ? 1 + (i % 255) : 0)));
        let got: Uint8Array<ArrayBuffer> | undefined;
        const runData = () => {
          got = wasm.written(dst, n * size, inPlace, what, run);
        };
        if (verb === "dropoutbits") expectBytes(wasm.written(mask, maskBytes.length, false, what, runData), maskBytes, what);
        else runData();
        expectSame(float(type, got as Uint8Array<ArrayBuffer>), drop(x, keep, drawn), what);
        if (!inPlace) expectSame(float(type, wasm.bytes(src, n * size).slice()), x, `${what}, input`);
      }
    }
  });
}
