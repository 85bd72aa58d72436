// Every kernel of masks with shapes, in both release builds, on raw addresses, against the oracle: runs around vectors and gathered ones,
// walks cut anywhere, odd addresses, in place, canaries, and masks that end where the memory does.

import { describe, expect, it } from "vitest";
import { normal } from "../../docs/normal-reference.js";
import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import { PARAMS } from "../../src/engine/memory.js";
import { BlockForm } from "../../src/ground/abi.js";
import { DTYPES, type Dtype } from "../../src/ground/dtypes.js";
import { SHAPES, type ShapesKernels } from "../../src/shapes/kernels.js";
import { recordLength, walkOf, writeRecord } from "../../src/shapes/walk.js";
import { Draw } from "../../src/stream/draw.js";
import { STREAM_KINDS } from "../../src/stream/kinds.js";
import { Sequence } from "../../src/stream/sequence.js";
import { expectBytes, expectSame, keepBits, sample, uniforms } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import { blockMask, channelsLast, expand, grown, indexOf, map, placeOf, product } from "./oracle.js";

const SPAN = 20_000;

// Bytes on both sides of a mask that blocks grow in.
const AROUND = 16;

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
      expect(wasm.size).toBeLessThanOrEqual(20 * 1024);
    });

    for (const [verb, , dtype] of rowsOf(SHAPES)) {
      if (verb !== "broadcast" && verb !== "affine") continue;
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

    // Axes from the outermost; each size beside sizes of blocks on that axis.
    const MAPS: [axes: number[], blocks: number[]][] = [
      [
        [1, 1],
        [1, 1],
      ],
      [
        [1, 9],
        [1, 4],
      ],
      [
        [5, 1],
        [5, 1],
      ],
      [
        [7, 7],
        [7, 7],
      ],
      [
        [8, 13],
        [3, 5],
      ],
      [
        [8, 13],
        [8, 2],
      ],
      [
        [16, 16],
        [16, 1],
      ],
      [
        [3, 70],
        [3, 33],
      ],
      [
        [40, 33],
        [7, 7],
      ],
      [
        [40, 33],
        [39, 32],
      ],
      [
        [64, 200],
        [17, 128],
      ],
      [[300], [77]],
      [[1], [1]],
      [
        [5, 6, 70],
        [3, 2, 9],
      ],
      [
        [2, 3, 4, 5],
        [2, 2, 3, 4],
      ],
    ];

    it("bits_dilate_bits, axis after axis", () => {
      let salt = 0;
      for (const [axes, blocks] of MAPS) {
        for (const channels of [1, 3, 8]) {
          for (const q of [0, 0.5, 0.97, 0.999, 1]) {
            for (const clip of [false, true]) {
              ++salt;
              const shape = [2, ...axes, channels];
              const seeds = decisions(product(shape), q, salt);
              // In any order of axes.
              const steps = blocks.map((block, k) => ({
                stride: product(shape.slice(k + 2)),
                size: axes[k] as number,
                before: clip ? salt % (block + 2) : block >> 1,
                after: clip ? block : (block - 1) >> 1,
              }));
              if (salt % 2) steps.reverse();
              const expected = steps.reduce(
                (mask, { stride, size, before, after }) => grown(mask, stride, size, before, after, clip),
                seeds,
              );
              const want = keepBits(expected);
              const what = `${shape}, ${JSON.stringify(steps)}, kept ${q}, clip ${clip}`;
              // At any address, or as near to the end of the memory as may be. What lies around stays, even in the byte of the last element.
              const bits = keepBits(seeds);
              const last = bits.length - 1;
              const unused = (0xff << (seeds.length % 8 || 8)) & 0xff & (salt % 3 ? 0xff : 0);
              bits[last] = (bits[last] as number) | unused;
              want[last] = (want[last] as number) | unused;
              const run = (mask: number) => {
                wasm.place(mask, bits);
                for (const { stride, size, before, after } of steps) {
                  kernels.dilate.bits.bits(mask, seeds.length, stride, size, before, after, clip ? 1 : 0);
                }
              };
              const inside = regions.out + (salt % 7);
              expectBytes(
                wasm.written(inside, want.length, true, what, () => run(inside)),
                want,
                what,
              );
              const end = wasm.memory.buffer.byteLength - bits.length - AROUND;
              wasm.bytes(end + bits.length, AROUND).fill(salt);
              run(end);
              expectBytes(wasm.bytes(end, bits.length).slice(), want, `${what}, at the end of the memory`);
              expectBytes(wasm.bytes(end + bits.length, AROUND).slice(), new Uint8Array(AROUND).fill(salt), `${what}, behind the mask`);
            }
          }
        }
      }
      expect(salt).toBe(MAPS.length * 30);
    });

    it("bits_dilate_bits of no decisions", () => {
      for (const clip of [0, 1]) {
        for (const [stride, size] of [
          [1, 5],
          [1, 70],
          [1, 400],
          [0, 5],
          [5, 0],
        ] as const) {
          wasm.written(regions.out, 0, false, "none", () => kernels.dilate.bits.bits(regions.out, 0, stride, size, 1, 1, clip));
        }
      }
    });

    it("bits_dilate_bits, along one axis", () => {
      let salt = 0;
      for (const [outer, size, inner] of [
        [1, 1, 1],
        [3, 9, 1],
        [7, 9, 1],
        [2, 70, 1],
        [3, 70, 1],
        [3, 64, 1],
        [5, 64, 1],
        [2, 200, 1],
        [3, 200, 1],
        [20, 14, 1],
        // Lines that a word holds, one or several, and up to a few more bits, in numbers that fill many words.
        [700, 2, 1],
        [300, 7, 1],
        [130, 14, 1],
        [35, 28, 1],
        [37, 29, 1],
        [50, 57, 1],
        [34, 58, 1],
        [33, 63, 1],
        [40, 64, 1],
        [9, 65, 1],
        [9, 127, 1],
        [9, 128, 1],
        [9, 129, 1],
        [7, 255, 1],
        [7, 256, 1],
        [3, 400, 1],
        [40, 7, 8],
        [40, 7, 9],
        [11, 5, 38],
        [11, 5, 39],
        [2, 7, 5],
        [3, 13, 8],
        [2, 16, 64],
        [1, 40, 33],
        [2, 5, 130],
      ] as const) {
        for (const side of [1, 2, 3, 4, 5, 7, 8, 14, 16, 33, 64, 65, 130, 200]) {
          if (side > size) continue;
          for (const q of [0, 0.5, 0.97, 1]) {
            for (const border of [false, true]) {
              ++salt;
              const n = outer * size * inner;
              const seeds = decisions(n, q, salt);
              // One map a column, as the oracle knows no other order.
              const place = (i: number) => {
                const [line, r] = [Math.floor(i / inner), i % inner];
                return (Math.floor(line / size) * inner + r) * size + (line % size);
              };
              const columns = new Uint8Array(n);
              seeds.forEach((keep, i) => {
                columns[place(i)] = keep;
              });
              const spread = blockMask(columns, [size], side, border);
              const want = keepBits(Uint8Array.from(seeds, (_, i) => spread[place(i)] as number));
              const mask = regions.out + 64 + (salt % 7);
              // The bytes around it stay, even in the byte of the last element.
              const bits = keepBits(seeds);
              const unused = (0xff << (n % 8 || 8)) & 0xff & (salt % 3 ? 0xff : 0);
              const last = bits.length - 1;
              bits[last] = (bits[last] as number) | unused;
              want[last] = (want[last] as number) | unused;
              wasm.place(mask, bits);
              const what = `${[outer, size, inner]}, side ${side}, kept ${q}, border ${border}`;
              const [before, after] = [side >> 1, (side - 1) >> 1];
              const got = wasm.written(mask, want.length, true, what, () => {
                kernels.dilate.bits.bits(mask, n, inner, size, before, after, border ? 1 : 0);
              });
              expectBytes(got, want, what);
            }
          }
        }
      }
      expect(salt).toBeGreaterThan(1800);
    });

    it("bits_scatter_bits", () => {
      let salt = 0;
      for (const area of [1, 3, 7, 8, 32, 33, 49, 64, 200]) {
        for (const channels of [2, 3, 8, 21]) {
          for (const q of [0, 0.5, 0.97, 1]) {
            ++salt;
            const shape = [3, channels, area] as const;
            const seeds = decisions(product(shape), q, salt);
            const want = keepBits(channelsLast(seeds, shape));
            const mask = regions.out + (salt % 7);
            wasm.bytes(mask, want.length).set(keepBits(new Uint8Array(seeds.length).fill(1)));
            const what = `${shape}, kept ${q}`;
            const got = wasm.written(mask, want.length, true, what, () => {
              // Cut at multiples of 8 seeds, as pieces are; each piece is placed at the end of the memory.
              const step = salt % 2 ? seeds.length : 8 * (1 + (salt % 9));
              for (let from = 0; from < seeds.length; from += step) {
                const bits = keepBits(seeds.subarray(from, from + step));
                const at = wasm.memory.buffer.byteLength - bits.length;
                wasm.place(at, bits);
                kernels.scatter.bits.bits(mask, at, Math.min(step, seeds.length - from), from, channels, area);
              }
            });
            expectBytes(got, want, what);
          }
        }
      }
      expect(salt).toBeGreaterThan(100);
    });

    it.each(DTYPES)("bits_noise_%s, cut anywhere, at any address", (dtype) => {
      const size = dtype === "f32" ? 4 : 8;
      const draw = new Draw(new Sequence("tile"));
      draw.begin();
      draw.choose("tile", 42n, 7n);
      draw.range(2 ** 20, 77);
      let salt = 0;
      for (const [samples, channels, area] of [
        [1, 1, 1],
        [3, 1, 70],
        [2, 3, 45],
        [1, 33, 4],
        [2, 5, 1],
        [4, 2, 129],
      ] as const) {
        for (let form = 0; form < 8; ++form) {
          ++salt;
          const last = form & BlockForm.channelsLast;
          const [own, masks] = [form & BlockForm.ownSamples ? samples : 1, form & BlockForm.ownChannels ? channels : 1];
          const n = samples * channels * area;
          const keep = decisions(own * masks * area, salt % 5 === 0 ? 0 : 0.6, salt);
          const x = sample(dtype, n, salt);
          const expected = x.slice();
          for (let i = 0; i < n; ++i) {
            const [s, c, a] = last
              ? [Math.floor(i / (channels * area)), i % channels, Math.floor(i / channels) % area]
              : [Math.floor(i / (channels * area)), Math.floor(i / area) % channels, i % area];
            const map = (own > 1 ? s : 0) * masks + (masks > 1 ? c : 0);
            const bit = last ? ((own > 1 ? s : 0) * area + a) * masks + (masks > 1 ? c : 0) : map * area + a;
            if (!keep[bit]) expected[i] = normal(42n, 7n, BigInt(77 + map * area + a));
          }
          const bits = keepBits(keep);
          const mask = salt % 2 ? wasm.memory.buffer.byteLength - bits.length : regions.mask + (salt % 13);
          wasm.place(mask, bits);
          for (const pieces of [1, 2 + (salt % 5)]) {
            const dst = regions.out + size * (salt % 5);
            wasm.place(dst, x);
            const bytes = wasm.written(dst, n * size, true, `form ${form}`, () => {
              for (let k = 0; k < pieces; ++k) {
                const [from, to] = [Math.floor((n * k) / pieces), Math.floor((n * (k + 1)) / pieces)];
                wasm.memory.writeParams(draw, 0);
                kernels.noise.bits[dtype](dst + size * from, mask, to - from, from, channels, area, form, PARAMS);
              }
            });
            const got = dtype === "f32" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
            expectSame(got, expected, `[${samples}, ${channels}, ${area}], form ${form}, ${pieces} pieces`);
          }
        }
      }
    });

    it.each(STREAM_KINDS)("%s_integers_f64", (kind) => {
      for (const start of [0, 1, 15, 17, 4090, 4096 * 3 - 1, 2 ** 32 - 9, 2 ** 45 + 4095]) {
        for (const n of [0, 1, 7, 16, 33, 4096, 8200]) {
          if (n > 33 && start > 4096) continue;
          const draw = new Draw(new Sequence(kind));
          draw.begin();
          draw.choose(kind, 2n ** 63n + 5n, 7n);
          draw.range(n, start);
          const bytes = wasm.written(regions.data, 8 * n, false, `${start}, ${n}`, () => {
            wasm.memory.writeParams(draw, 0);
            kernels.integers[kind].f64(regions.data, n, PARAMS);
          });
          expectSame(new Float64Array(bytes.buffer), uniforms(kind, 2n ** 63n + 5n, 7n, start, n), `${start}, ${n}`);
        }
      }
    });

    it("bits_certain_f64", () => {
      const keep = decisions(1000, 0.5, 3);
      wasm.place(regions.mask, keepBits(keep));
      for (const [first, n] of [
        [0, 1000],
        [3, 14],
        [999, 1],
        [8, 0],
      ] as const) {
        const bytes = wasm.written(regions.data, 8 * n, false, `${first}, ${n}`, () =>
          kernels.certain.bits.f64(regions.data, regions.mask, first, n, 77),
        );
        const expected = Float64Array.from(keep.slice(first, first + n), (kept) => (kept ? 77 : -1));
        expectSame(new Float64Array(bytes.buffer), expected, `${first}, ${n}`);
      }
    });

    it.each(["f32", "f64", "bits"] as const)("integers_rated_%s, cut anywhere", (dtype) => {
      const shape = [3, 2, 5];
      const n = 30;
      const round = dtype === "f32" ? Math.fround : (value: number) => value;
      for (let pattern = 0; pattern < 64; ++pattern) {
        const [own, rateShape] = [0, 3].map((shift) => shape.map((size, k) => ((pattern >> (shift + k)) & 1 ? size : 1))) as [
          number[],
          number[],
        ];
        const integers = Float64Array.from({ length: product(own) }, (_, i) => (i * 37) % 101);
        const table = Float64Array.from(
          { length: 4 * product(rateShape) },
          (_, i) => [i % 90, 1.5, i % 3 ? 0.25 : -0, -7][i % 4] as number,
        );
        wasm.place(regions.mask, integers);
        wasm.place(regions.data, table);
        // A level for each dimension but the last, which is the run.
        const strides = (of: number[]) => of.map((size, k) => (size === 1 ? 0 : product(of.slice(k + 1))));
        const [steps, rateSteps] = [strides(own), strides(rateShape)];
        const record = [5, own[2] === 1 ? 0 : 1, rateShape[2] === 1 ? 0 : 1, 2, 0, 0, 0];
        for (const k of [1, 0]) record.push(shape[k] as number, steps[k] as number, rateSteps[k] as number, 0);
        const x = sample("f64", n, pattern).map(round);
        const src = dtype === "f32" ? Float32Array.from(x) : x;
        const keep = new Uint8Array(n);
        const expected = src.slice();
        for (let i = 0; i < n; ++i) {
          const place = placeOf(i, shape);
          const at = (small: number[]) =>
            indexOf(
              place.map((value, k) => (small[k] === 1 ? 0 : value)),
              small,
            );
          const [least, a, b, dropped] = table.slice(4 * at(rateShape), 4 * at(rateShape) + 4) as unknown as [
            number,
            number,
            number,
            number,
          ];
          keep[i] = (integers[at(own)] as number) >= least ? 1 : 0;
          expected[i] = keep[i] ? round(round((src[i] as number) * round(a)) + round(b)) : dropped;
        }
        wasm.place(regions.data + 8192, src);
        for (const cuts of [[30], [8, 22], [1, 7, 8, 14]]) {
          wasm.place(regions.record, Float64Array.from(record));
          const bits = dtype === "bits";
          const size = dtype === "f32" ? 4 : 8;
          const length = bits ? 4 : n * size;
          const got = wasm.written(regions.out, length, false, `pattern ${pattern}`, () => {
            if (bits) wasm.bytes(regions.out, length).fill(0);
            let from = 0;
            for (const count of bits ? [8, 16, 6] : cuts) {
              const [to, data] = bits ? [regions.out + from / 8, 0] : [regions.out + from * size, regions.data + 8192 + from * size];
              kernels.rated.integers[dtype](to, data, count, regions.mask, regions.data, regions.record);
              from += count;
            }
          });
          if (bits) expectBytes(got, keepBits(keep), `pattern ${pattern}`);
          else
            expectSame(
              dtype === "f32" ? new Float32Array(got.buffer) : new Float64Array(got.buffer),
              expected as Float32Array,
              `${pattern}, ${cuts}`,
            );
        }
      }
    });

    it("DropBlock's mask out of these, in both orders", () => {
      for (const [rows, columns, side] of [
        [7, 7, 3],
        [8, 13, 4],
        [3, 70, 3],
        [40, 33, 16],
      ] as const) {
        const shape = [2, 3, rows, columns] as const;
        const seeds = decisions(product(shape), 0.97, side);
        for (const [channels, clip] of [
          [1, false],
          [3, false],
          [1, true],
          [3, true],
        ] as const) {
          const expected = blockMask(seeds, [rows, columns], side, clip);
          const mask = regions.out;
          wasm.place(mask, keepBits(channels === 1 ? seeds : new Uint8Array(seeds.length).fill(1)));
          wasm.place(regions.mask, keepBits(seeds));
          if (channels > 1) kernels.scatter.bits.bits(mask, regions.mask, seeds.length, 0, channels, rows * columns);
          for (const [stride, size] of [
            [channels, columns],
            [channels * columns, rows],
          ] as const) {
            const fits = Math.min(side, size);
            kernels.dilate.bits.bits(mask, seeds.length, stride, size, fits >> 1, (fits - 1) >> 1, clip ? 1 : 0);
          }
          const want = keepBits(channels === 1 ? expected : channelsLast(expected, shape));
          expectBytes(
            wasm.bytes(mask, want.length).slice(),
            want,
            `${shape}, blocks of ${side}, ${channels} channels innermost, clip ${clip}`,
          );
        }
      }
    });
  });
}
