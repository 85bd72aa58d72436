// Every kernel of masks with shapes, in both release builds, on raw addresses, against the oracle: runs around vectors and gathered ones,
// walks cut anywhere, odd addresses, in place, canaries, and masks that end where the memory does.

import { describe, expect, it } from "vitest";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { SHAPES, type ShapesKernels } from "../../src/shapes/kernels.js";
import { recordLength, walkOf, writeRecord } from "../../src/shapes/walk.js";
import { expectBytes, expectSame, keepBits, sample } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import { blockMask, channelsLast, expand, map, placeOf, product } from "./oracle.js";

const SPAN = 20_000;

/** Bytes 0 and 1, 1 with probability q, always the same ones for a salt: a Weyl sequence, scrambled. */
function decisions(length: number, q: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    let h = Math.imul(i + 1 + salt * 7919, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32 < q ? 1 : 0;
  });
}

// All but the smallest of a size a little over or under what the kernels treat alike: 4, 16, 32, 128 elements and 512 gathered.
const FORMS: [shape: number[], noiseShape: number[]][] = [];
for (let n = 1; n <= 140; ++n)
  FORMS.push(
    [[n], [n]],
    [[n], [1]],
    [
      [5, n],
      [5, 1],
    ],
    [
      [5, n],
      [1, n],
    ],
    [
      [2, 3, n],
      [2, 1, n],
    ],
  );
for (const n of [511, 512, 513, 4097, 8191, 8192, 8193])
  FORMS.push(
    [[n], [n]],
    [[n], [1]],
    [
      [2, n],
      [2, 1],
    ],
    [
      [2, n],
      [1, n],
    ],
  );
for (const n of [1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33])
  FORMS.push(
    [
      [400, n],
      [400, 1],
    ],
    [
      [400, n],
      [1, n],
    ],
    [
      [30, 13, n],
      [30, 1, n],
    ],
  );
for (const shape of [
  [3, 2, 4, 5],
  [2, 1, 3, 40],
  [1, 1, 1],
  [7, 3, 3, 2, 2],
  [2, 2, 2, 2, 2, 3],
]) {
  for (let pattern = 0; pattern < 2 ** shape.length; ++pattern) {
    FORMS.push([shape, shape.map((size, k) => ((pattern >> k) & 1 ? size : 1))]);
  }
}

function load(build: (typeof BUILDS)[number]) {
  const wasm = loadBuild(build, "shapes");
  const kernels = bindKernels<ShapesKernels>(wasm.exports, SHAPES);
  const regions = { out: wasm.region(9 * SPAN), data: wasm.region(9 * SPAN), mask: wasm.region(SPAN), record: wasm.region(1024) };
  // A page that no region has: masks are laid at its end.
  wasm.memory.wasm.grow(1);
  return { ...wasm, kernels, regions };
}

const rules = {
  broadcast: [
    { constants: [1 / 0.9, 0, 0], q: 0.9 },
    { constants: [2, 0, 0], q: 0.5 },
    { constants: [1, 0, 0], q: 1 },
    { constants: [Number.POSITIVE_INFINITY, 0, 0], q: 0 },
  ],
  affine: [
    { constants: [1.1, 0.3, -1.6], q: 0.9 },
    { constants: [0.7, -0.2, 0.9], q: 0.4 },
    { constants: [0.7, -0.2, 0.9], q: 1 },
    { constants: [0.7, -0.2, 0.9], q: 0 },
  ],
} as const;

for (const build of BUILDS) {
  describe(`${build} build`, () => {
    const wasm = load(build);
    const { kernels, regions } = wasm;

    it("exports the table and nothing else, imports only memory, and is small", () => {
      const names = rowsOf(SHAPES).map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
      expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
      expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
      expect(wasm.size).toBeLessThanOrEqual(12 * 1024);
    });

    for (const [verb, , dtype] of rowsOf(SHAPES)) {
      if (verb === "lines" || verb === "spread" || verb === "interleave") continue;
      const type = dtype as Dtype;
      const size = type === "f32" ? 4 : 8;
      const round = type === "f32" ? Math.fround : (value: number) => value;
      const kernel = kernels[verb].bits[type];

      it(`bits_${verb}_${dtype}`, () => {
        let salt = 0;
        for (const [shape, noiseShape] of FORMS) {
          for (const { constants, q } of rules[verb]) {
            ++salt;
            const n = product(shape);
            const keep = decisions(product(noiseShape), q, salt);
            const [a, b, c] = constants.map(round) as [number, number, number];
            const kept = verb === "broadcast" ? (x: number) => x * a : (x: number, to: (v: number) => number) => to(x * a) + b;
            const x = sample(type, n, salt);
            const expected = map(x, expand(keep, shape, noiseShape), kept, c);
            const bits = keepBits(keep);
            // At the end of the memory, behind which there is nothing to read, or at any address with other bits around it.
            const mask = salt % 2 ? wasm.memory.buffer.byteLength - bits.length : regions.mask + (salt % 13);
            if (salt % 2 === 0) wasm.bytes(mask - 8, bits.length + 16).fill(salt % 4 ? 0xff : 0);
            wasm.place(mask, bits);
            const walk = walkOf(shape, noiseShape);
            const what = `${shape} by ${noiseShape}, salt ${salt}`;
            // Twice with the same record, which the first pass has brought back to its beginning; then in place and in pieces.
            for (const [pieces, inPlace] of [
              [1, false],
              [1, true],
              [1 + (salt % 6), salt % 3 === 0],
            ] as const) {
              const src = regions.data + size * (salt % 7);
              const dst = inPlace ? src : regions.out + size * (salt % 5);
              wasm.place(src, x);
              if (pieces > 1 || !inPlace) writeRecord(wasm.memory, regions.record, walk);
              const run = () => {
                for (let k = 0; k < pieces; ++k) {
                  const [from, to] = [Math.floor((n * k) / pieces), Math.floor((n * (k + 1)) / pieces)];
                  kernel(dst + size * from, src + size * from, mask, to - from, regions.record, a, b, c);
                }
              };
              const bytes = wasm.written(dst, n * size, inPlace, what, run);
              const got = type === "f32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
              expectSame(got, expected, `${what}, ${pieces} pieces, ${inPlace ? "in place" : "apart"}`);
              if (!inPlace) expectBytes(wasm.bytes(src, n * size).slice(), new Uint8Array(x.buffer), `${what}, input`);
            }
          }
        }
        expect(salt).toBeGreaterThanOrEqual(3500);
      });

      it(`bits_${verb}_${dtype} writes nothing outside its record`, () => {
        for (const [shape, noiseShape] of FORMS.slice(-64)) {
          const walk = walkOf(shape, noiseShape);
          writeRecord(wasm.memory, regions.record, walk);
          const run = () => kernel(regions.out, regions.data, regions.mask, product(shape), regions.record, 1, 0, 0);
          wasm.written(regions.record, 8 * recordLength(walk), true, `${shape} by ${noiseShape}`, run);
        }
      });

      it(`bits_${verb}_${dtype} of no elements`, () => {
        writeRecord(wasm.memory, regions.record, walkOf([5], [5]));
        wasm.written(regions.out, 0, false, "none", () => kernel(regions.out, regions.data, regions.mask, 0, regions.record, 1, 0, 0));
      });
    }

    it("bits_lines_bits", () => {
      let salt = 0;
      for (const [lines, size] of [
        [1, 1],
        [7, 9],
        [3, 64],
        [20, 14],
        [3, 70],
        [2, 200],
      ] as const) {
        for (const side of [1, 2, 3, 4, 7, 8, 14, 33, 64, 65, 200]) {
          if (side > size) continue;
          for (const q of [0, 0.5, 0.97, 1]) {
            for (const border of [false, true]) {
              ++salt;
              const n = lines * size;
              const keep = decisions(n, q, salt);
              const want = keepBits(blockMask(keep, [size], side, border));
              const [dst, src] = [regions.out + 64 + (salt % 7), regions.data + (salt % 5)];
              wasm.place(src, keepBits(keep));
              wasm.place(dst, keepBits(new Uint8Array(n).fill(1)));
              const what = `${lines} of ${size}, side ${side}, kept ${q}, border ${border}`;
              const got = wasm.written(dst, want.length, true, what, () => {
                kernels.lines.bits.bits(dst, src, n, size, side >> 1, (side - 1) >> 1, border ? 1 : 0);
              });
              expectBytes(got, want, what);
            }
          }
        }
      }
      expect(salt).toBeGreaterThan(200);
    });

    it("bits_spread_bits", () => {
      let salt = 0;
      for (const [outer, size, inner] of [
        [1, 1, 1],
        [3, 9, 1],
        [2, 70, 1],
        [5, 64, 1],
        [3, 200, 1],
        [2, 7, 5],
        [3, 13, 8],
        [2, 16, 64],
        [1, 40, 33],
        [2, 5, 130],
      ] as const) {
        for (const side of [1, 2, 3, 4, 5, 7, 8, 16, 33, 64, 130, 200]) {
          if (side > size) continue;
          for (const q of [0, 0.5, 0.97, 1]) {
            for (const border of [false, true]) {
              ++salt;
              const n = outer * size * inner;
              const seeds = decisions(n, q, salt);
              // One map a column, as the oracle knows no other order.
              const place = (i: number) => {
                const [o, s, r] = placeOf(i, [outer, size, inner]) as [number, number, number];
                return (o * inner + r) * size + s;
              };
              const columns = new Uint8Array(n);
              seeds.forEach((keep, i) => {
                columns[place(i)] = keep;
              });
              const spread = blockMask(columns, [size], side, border);
              const want = keepBits(Uint8Array.from(seeds, (_, i) => spread[place(i)] as number));
              const mask = regions.out + 64 + (salt % 7);
              // What lies around stays, even in the byte of the last element.
              const bits = keepBits(seeds);
              const unused = (0xff << (n % 8 || 8)) & 0xff & (salt % 3 ? 0xff : 0);
              const last = bits.length - 1;
              bits[last] = (bits[last] as number) | unused;
              want[last] = (want[last] as number) | unused;
              wasm.place(mask, bits);
              const what = `${[outer, size, inner]}, side ${side}, kept ${q}, border ${border}`;
              const [before, after] = [side >> 1, (side - 1) >> 1];
              const got = wasm.written(mask, want.length, true, what, () => {
                kernels.spread.bits.bits(mask, outer, size, inner, before, after, border ? 1 : 0);
              });
              expectBytes(got, want, what);
            }
          }
        }
      }
      expect(salt).toBeGreaterThan(400);
    });

    it("bits_interleave_bits", () => {
      for (const [samples, channels, size] of [
        [1, 1, 1],
        [2, 3, 5],
        [3, 2, 64],
        [1, 17, 63],
        [2, 8, 200],
      ] as const) {
        for (const q of [0, 0.5, 1]) {
          const n = samples * channels * size;
          const keep = decisions(n, q, n);
          const want = keepBits(channelsLast(keep, [samples, channels, size]));
          const what = `${[samples, channels, size]}, kept ${q}`;
          wasm.place(regions.data, keepBits(keep));
          const ones = keepBits(new Uint8Array(n).fill(1));
          wasm.place(regions.out, ones);
          const run = () => kernels.interleave.bits.bits(regions.out, regions.data, samples, channels, size);
          expectBytes(wasm.written(regions.out, want.length, true, what, run), want, what);
        }
      }
    });
  });
}
