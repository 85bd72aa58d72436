// The API of masks with shapes: what each method gives, wherever its arrays lie, and what it refuses.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { PIECE } from "../../src/engine/pieces.js";
import { createShapes, type Shapes } from "../../src/shapes/index.js";
import { chance, drop, expectBytes, expectSame, KINDS, keepBits, keepBytes, PROBABILITIES, sample, uniforms } from "../support/oracle.js";
import { blockMask, channelsLast, expand, map, product } from "./oracle.js";

const SEED = 42n;
const ALPHA = 1.7580993408473766;
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const bytesOf = (array: Float32Array | Float64Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();

/** The decisions of a noise shape, a byte each. */
function drawn(kind: "tile" | "philox", stream: bigint, p: number, count: number, start = 0): Uint8Array {
  return keepBytes(uniforms(kind, SEED, stream, start, count), chance(kind, p));
}

/** P(drop) as it was realised. */
const realised = (kind: "tile" | "philox", p: number) => chance(kind, p).threshold / (kind === "tile" ? 2 ** 48 : 2 ** 32);

function alphaConstants(kind: "tile" | "philox", p: number, round: (value: number) => number) {
  const q = realised(kind, p);
  const a = 1 / Math.sqrt((ALPHA ** 2 * q + 1) * (1 - q));
  const b = ALPHA * a * q;
  return { a: round(a), b: round(b), dropped: round(-ALPHA * a + b) };
}

for (const simd of [true, false]) {
  describe(simd ? "SIMD build" : "scalar build", () => {
    let dropout: Dropout;
    let shapes: Shapes;
    beforeAll(async () => {
      dropout = await createDropout({ seed: SEED, simd });
      shapes = await createShapes(dropout, { simd });
    });

    // Masks of every sort below, at and above the size of a piece, and runs longer than one.
    const FORMS: [shape: number[], noiseShape: number[]][] = [
      [[1], [1]],
      [
        [3, 5, 7],
        [3, 1, 7],
      ],
      [[PIECE - 1], [PIECE - 1]],
      [
        [2, PIECE],
        [2, PIECE],
      ],
      [[PIECE + 1], [1]],
      [
        [2, PIECE + 9],
        [2, 1],
      ],
      [
        [2, PIECE + 9],
        [1, PIECE + 9],
      ],
      [
        [3, 50, 61],
        [3, 1, 61],
      ],
      [
        [400, 3, 11],
        [400, 1, 11],
      ],
      [
        [5, 1000, 3],
        [5, 1000, 1],
      ],
    ];

    it.each(["f32", "f64"] as const)("dropout of %s with noise shapes, arrays inside and outside wasm memory", (dtype) => {
      for (const kind of KINDS) {
        for (const [shape, noiseShape] of FORMS) {
          const x = sample(dtype, product(shape), 3);
          const decisions = product(noiseShape);
          const keep = drawn(kind, 9n, 0.3, decisions, 77);
          const y = drop(x, expand(keep, shape, noiseShape), chance(kind, 0.3));
          const bits = keepBits(keep);
          const options = { kind, stream: 9, start: 77, shape, noiseShape };
          const what = `${shape} by ${noiseShape}`;
          const inside = dropout.from(x as Float32Array);
          const out = dropout.alloc(dtype as "f32", x.length);
          const mask = dropout.alloc("bits", decisions);
          const foreignMask = new Uint8Array(bits.length).fill(9);
          const outside = x.slice() as Float32Array;

          const { y: fresh, ticket } = shapes.broadcastDropout(x as Float32Array, 0.3, options);
          expectSame(fresh, y, `${what}, new array`);
          expect(ticket).toEqual({
            version: 1,
            kind,
            seed: "42",
            stream: "9",
            start: 77,
            p: 0.3,
            length: decisions,
            op: "broadcastDropout",
            shape,
            noiseShape,
          });
          expectBytes(dropout.replay(json(ticket)), bits, `${what}, the ticket's mask`);
          expect(shapes.broadcastDropout(inside, 0.3, { ...options, out, mask }).y).toBe(out);
          expectSame(out.array, y, `${what}, buffers`);
          expectBytes(mask.array, bits, `${what}, mask in a buffer`);
          expect(shapes.broadcastDropout(inside, 0.3, { ...options, out: outside, mask: foreignMask }).y).toBe(outside);
          expectSame(outside, y, `${what}, buffer to array`);
          expectBytes(foreignMask, bits, `${what}, mask in an array`);
          const made = shapes.broadcastDropout(inside, 0.3, options).y;
          expectSame(made.array, y, `${what}, new buffer`);

          expectSame(shapes.backward(x, json(ticket)).dx, y, `${what}, backward`);
          expectSame(shapes.backward(inside, ticket, {}, { dx: out }).dx.array, y, `${what}, backward of buffers`);
          const stored = { p: 0.3, kind, shape, noiseShape };
          expectSame(shapes.backward(x, stored, { mask: bits }).dx, y, `${what}, backward from a stored mask`);
          expectSame(shapes.backward(inside, stored, { mask }, { dx: out }).dx.array, y, `${what}, backward from a buffer`);
          expectSame(shapes.backward(inside, ticket, { mask: bits }, { dx: out }).dx.array, y, `${what}, backward by ticket and mask`);

          outside.set(x);
          shapes.broadcastDropout(outside, 0.3, { ...options, out: outside });
          expectSame(outside, y, `${what}, in place`);
          shapes.broadcastDropout(inside, 0.3, { ...options, out: inside });
          expectSame(inside.array, y, `${what}, in place in wasm memory`);
          for (const buffer of [inside, out, mask, made]) buffer.free();
        }
      }
    });

    it("every rank and pattern, in both spellings, at any p, seed and start", () => {
      const form = fc
        .array(fc.record({ size: fc.integer({ min: 1, max: 6 }), each: fc.boolean() }), { minLength: 1, maxLength: 6 })
        .map((dims) => ({
          shape: dims.map(({ size }) => size),
          noiseShape: dims.map(({ size, each }) => (each ? size : 1)),
          broadcastDims: dims.flatMap(({ each }, k) => (each ? [] : [k % 2 ? k : k - dims.length])),
        }));
      const probability = fc.oneof(fc.constantFrom(...PROBABILITIES), fc.double({ min: 0, max: 1, noNaN: true }));
      fc.assert(
        fc.property(
          form,
          fc.constantFrom(...KINDS),
          probability,
          fc.nat(2 ** 31),
          fc.constantFrom("f32" as const, "f64" as const),
          ({ shape, noiseShape, broadcastDims }, kind, p, start, dtype) => {
            const x = sample(dtype, product(shape), start);
            const keep = drawn(kind, 5n, p, product(noiseShape), start);
            const y = drop(x, expand(keep, shape, noiseShape), chance(kind, p));
            const options = { kind, stream: 5, start, shape };
            const first = shapes.broadcastDropout(x as Float32Array, p, { ...options, noiseShape });
            expectSame(first.y, y, "noise shape");
            expect(shapes.broadcastDropout(x as Float32Array, p, { ...options, broadcastDims })).toEqual(first);
            const entries = noiseShape.map((size, k) => (size === shape[k] ? (k % 2 ? null : undefined) : size));
            expect(shapes.broadcastDropout(x as Float32Array, p, { ...options, noiseShape: entries })).toEqual(first);
            // Without its leading ones.
            const short = noiseShape.slice(
              Math.max(
                0,
                noiseShape.findIndex((size) => size !== 1),
              ),
            );
            expect(shapes.broadcastDropout(x as Float32Array, p, { ...options, noiseShape: short })).toEqual(first);
            expectSame(shapes.backward(x, json(first.ticket)).dx, y, "backward");
          },
        ),
        { seed: 1, numRuns: simd ? 300 : 100 },
      );
    });

    it("is the core's dropout where each element has its own decision", () => {
      for (const p of PROBABILITIES) {
        for (const rescale of ["train", "test", "none"] as const) {
          for (const training of [true, false]) {
            const x = sample("f64", 9000, 1);
            const options = { stream: 4, start: 5, rescale, training };
            const core = dropout.forward(x, p, options);
            for (const more of [{}, { noiseShape: [10, 900] }, { broadcastDims: [] }]) {
              const mask = new Uint8Array(1125);
              const { y, ticket } = shapes.broadcastDropout(x, p, { ...options, ...more, shape: [10, 900] });
              expectSame(y, core.y, `p ${p}, ${rescale}, training ${training}`);
              expect(ticket).toEqual({ ...core.ticket, op: "broadcastDropout", shape: [10, 900], noiseShape: [10, 900] });
              expectSame(shapes.broadcastDropout(x, p, { ...options, ...more, shape: [10, 900], mask }).y, core.y, "with its mask");
              const keep = training ? drawn("tile", 4n, p, 9000, 5) : new Uint8Array(9000).fill(1);
              expectBytes(mask, keepBits(keep), "mask");
              expectSame(shapes.backward(x, ticket).dx, dropout.backward(x, core.ticket).dx, "backward");
              expectSame(shapes.backward(x, ticket, { mask }).dx, dropout.backward(x, core.ticket).dx, "backward from its mask");
            }
          }
        }
      }
    });

    it("the result of a slice of samples is the slice of the result", () => {
      const shape = [20, 6, 9];
      for (const noiseShape of [[20, 1, 9], [20, 6, 1], [20, 1, 1], shape]) {
        const x = sample("f32", product(shape)) as Float32Array<ArrayBuffer>;
        const { y } = shapes.broadcastDropout(x, 0.4, { shape, noiseShape, stream: 2, start: 11 });
        for (const [from, to] of [
          [0, 1],
          [3, 20],
          [7, 12],
        ] as const) {
          const part = { shape: [to - from, 6, 9], noiseShape: [to - from, ...noiseShape.slice(1)], stream: 2 };
          const start = 11 + from * product(noiseShape.slice(1));
          expectSame(shapes.broadcastDropout(x.slice(54 * from, 54 * to), 0.4, { ...part, start }).y, y.slice(54 * from, 54 * to), "slice");
        }
      }
    });

    it("rescales in training, at test time, or not at all", () => {
      const x = sample("f32", 60);
      const keep = expand(drawn("tile", 1n, 0.3, 12), [4, 5, 3], [4, 1, 3]);
      const places = { shape: [4, 5, 3], noiseShape: [null, 1, null] };
      const base = { ...places, stream: 1 };
      const kept = map(x, keep, (value) => value, 0);
      for (const rescale of ["test", "none"] as const) {
        const { y, ticket } = shapes.broadcastDropout(x as Float32Array, 0.3, { ...base, rescale });
        expectSame(y, kept, rescale);
        expectSame(shapes.backward(x, json(ticket)).dx, kept, `${rescale}, backward`);
        const mask = keepBits(drawn("tile", 1n, 0.3, 12));
        expectSame(shapes.backward(x, { p: 0.3, rescale, ...places }, { mask }).dx, kept, "stored");
      }
      const { y, ticket } = shapes.broadcastDropout(x as Float32Array, 0.3, { ...base, rescale: "test", training: false });
      const factor = Math.fround(1 - realised("tile", 0.3));
      const all = map(x, new Uint8Array(60).fill(1), (value) => value * factor, 0);
      expectSame(y, all, "test time");
      expectSame(shapes.backward(x, json(ticket)).dx, all, "test time, backward");
      expectBytes(dropout.replay(ticket), keepBits(new Uint8Array(12).fill(1)), "test time, mask");
      for (const rescale of ["train", "none"] as const) {
        expectBytes(
          bytesOf(shapes.broadcastDropout(x as Float32Array, 0.3, { ...base, rescale, training: false }).y),
          bytesOf(x),
          "evaluation",
        );
      }
    });

    it("spatial dropout and drop path are dropout with a noise shape, in both formats", () => {
      for (const shape of [
        [5, 7, 9],
        [3, 4, 5, 6],
        [2, 3, 4, 3, 2],
      ]) {
        const [samples, channels, ...rest] = shape as [number, number, ...number[]];
        const x = sample("f32", product(shape)) as Float32Array<ArrayBuffer>;
        const options = { stream: 6, start: 3 };
        const first = shapes.spatialDropout(x, 0.4, { ...options, shape });
        const noiseShape = [samples, channels, ...rest.map(() => 1)];
        expect(first).toEqual(shapes.broadcastDropout(x, 0.4, { ...options, shape, noiseShape }));
        const lastShape = [samples, ...rest, channels];
        const last = shapes.spatialDropout(channelsLast(x, shape), 0.4, { ...options, shape: lastShape, dataFormat: "channelsLast" });
        expectSame(last.y, channelsLast(first.y, shape), "channels last");
        expect(last.ticket).toMatchObject({ noiseShape: [samples, ...rest.map(() => 1), channels] });
        expectBytes(dropout.replay(last.ticket), dropout.replay(first.ticket), "mask");

        const path = shapes.dropPath(x, 0.4, { ...options, shape });
        expect(path).toEqual(shapes.broadcastDropout(x, 0.4, { ...options, shape, noiseShape: [samples, ...shape.slice(1).map(() => 1)] }));
        const unscaled = shapes.dropPath(x, 0.4, { ...options, shape, scaleByKeep: false });
        expect(unscaled).toEqual(shapes.dropPath(x, 0.4, { ...options, shape, rescale: "none" }));
        expectSame(
          unscaled.y,
          map(x, expand(drawn("tile", 6n, 0.4, samples, 3), shape, [samples, ...shape.slice(1).map(() => 1)]), (v) => v, 0),
          "unscaled",
        );
        expect(shapes.dropPath(x, 0.4, { ...options, shape, scaleByKeep: true })).toEqual(path);
      }
      expect(shapes.dropPath(new Float32Array(8), 0.4, { shape: [8] }).ticket).toMatchObject({ noiseShape: [8] });
    });

    it.each(["f32", "f64"] as const)("alpha dropout of %s, forward and backward", (dtype) => {
      for (const kind of KINDS) {
        for (const p of PROBABILITIES) {
          for (const [shape, noiseShape] of [
            ...FORMS.slice(0, 5),
            [
              [2, 3, 11],
              [2, 3, 1],
            ] as const,
          ]) {
            const x = sample(dtype, product(shape), 5);
            const round = dtype === "f32" ? Math.fround : (value: number) => value;
            const { a, b, dropped } = alphaConstants(kind, p, round);
            const keep = expand(drawn(kind, 8n, p, product(noiseShape), 9), [...shape], [...noiseShape]);
            const what = `${shape} by ${noiseShape}, p ${p}, ${kind}`;
            const options = { kind, stream: 8, start: 9 };
            const { y, ticket } = shapes.alphaDropout(x as Float32Array, p, { ...options, shape, noiseShape });
            const { dx } = shapes.backward(x, json(ticket));
            if (realised(kind, p) === 0) {
              expectBytes(bytesOf(y), bytesOf(x), what);
              expectBytes(bytesOf(dx), bytesOf(x), `${what}, backward`);
            } else if (realised(kind, p) === 1) {
              expectSame(y, x.slice().fill(0), what);
              expectSame(dx, x.slice().fill(0), what);
            } else {
              expectSame(
                y,
                map(x, keep, (value, to) => to(value * a) + b, dropped),
                what,
              );
              expectSame(
                dx,
                map(x, keep, (value) => value * a, 0),
                `${what}, backward`,
              );
            }
            const inside = dropout.from(x as Float32Array);
            expectSame(shapes.alphaDropout(inside, p, { ...options, shape, noiseShape, out: inside }).y.array, y, `${what}, in place`);
            inside.free();
            if (shape.length === 1 && noiseShape[0] === shape[0]) {
              const plain = shapes.alphaDropout(x as Float32Array, p, options);
              expectSame(plain.y, y, `${what}, without a shape`);
              expect(plain.ticket).toEqual(ticket);
            }
          }
        }
      }
    });

    it("feature alpha dropout has a decision a sample and channel, in both formats", () => {
      for (const shape of [
        [5, 7],
        [3, 4, 5, 6],
      ]) {
        const [samples, channels, ...rest] = shape as [number, number, ...number[]];
        const x = sample("f64", product(shape)) as Float64Array<ArrayBuffer>;
        const first = shapes.featureAlphaDropout(x, 0.4, { shape, stream: 6 });
        expect(first).toEqual(shapes.alphaDropout(x, 0.4, { shape, noiseShape: [samples, channels, ...rest.map(() => 1)], stream: 6 }));
        const last = { shape: [samples, ...rest, channels], dataFormat: "channelsLast", stream: 6 } as const;
        expectSame(shapes.featureAlphaDropout(channelsLast(x, shape), 0.4, last).y, channelsLast(first.y, shape), "channels last");
      }
    });

    // [samples, channels, ...] of maps of one to three dimensions, with blocks smaller and larger than them along some axes.
    const MAPS: [shape: number[], blockSize: number][] = [
      [[1, 1, 1, 1], 7],
      [[2, 3, 4, 5], 1],
      [[2, 3, 9, 8], 3],
      [[2, 2, 7, 7], 7],
      [[2, 3, 5, 12], 7],
      [[1, 2, 4, 8], 7],
      [[1, 2, 10, 11], 4],
      [[2, 5, 31, 33], 5],
      // Axes of one place, where every seed has a block.
      [[4, 2, 12, 1], 8],
      [[2, 2, 1, 9], 4],
      [[2, 2, 9, 1, 1], 4],
      [[2, 1, 6, 1, 5], 3],
      [[2, 3, 17], 4],
      [[1, 2, 130], 65],
      [[2, 2, 4, 5, 6], 3],
      [[1, 3, 2, 9, 7], 4],
    ];
    const CHANCES = [
      [0.1, 1],
      [0.3, 0.5],
      [1, 1],
      [0.9, 100],
      [0, 1],
      [2 ** -60, 1],
    ] as const;

    it.each(["f32", "f64"] as const)("DropBlock of %s, forward and backward, in both formats", (dtype) => {
      let turn = 0;
      for (const [shape, blockSize] of MAPS) {
        const [samples, channels, ...sizes] = shape as [number, number, ...number[]];
        for (const [p, gammaScale] of CHANCES) {
          for (const batchwise of [false, true]) {
            for (const coupleChannels of [false, true]) {
              const borderSeeds = ++turn % 2 === 0;
              const scaleByKeep = turn % 3 > 0;
              const sides = sizes.map((size) => Math.min(blockSize, size));
              const places = product(sizes.map((size, k) => size - (sides[k] as number) + 1));
              const gamma = Math.min(1, (gammaScale * p * product(sizes)) / product(sides) / places);
              const seedShape = [batchwise ? 1 : samples, coupleChannels ? 1 : channels, ...sizes];
              const seeds = drawn("tile", 3n, gamma, product(seedShape), 21);
              const mask = blockMask(seeds, sizes, blockSize, borderSeeds);
              const kept = mask.reduce((sum, k) => sum + k, 0);
              const scale = scaleByKeep || gamma === 0 ? (dtype === "f32" ? Math.fround : Number)(mask.length / kept) : 1;
              const x = sample(dtype, product(shape), 7);
              const y = map(x, expand(mask, shape, seedShape), (value) => value * scale, 0);
              const forms = { batchwise, coupleChannels, borderSeeds, scaleByKeep };
              const what = `${shape}, block ${blockSize}, p ${p}, gamma ${gamma}, ${JSON.stringify(forms)}`;
              const options = { shape, blockSize, gammaScale, ...forms, stream: 3, start: 21 };
              const first = shapes.dropBlock(x as Float32Array, p, options);
              expectSame(first.y, y, what);
              expect(first.ticket).toMatchObject({ op: "dropBlock", p: gamma, length: seeds.length, shape, blockSize, ...forms });
              expectBytes(dropout.replay(first.ticket), keepBits(seeds), `${what}, seeds`);
              expectSame(shapes.backward(x, json(first.ticket)).dx, y, `${what}, backward`);
              const inside = dropout.from(x as Float32Array);
              expectSame(shapes.dropBlock(inside, p, { ...options, out: inside }).y.array, y, `${what}, in place`);
              inside.free();
              const last = { ...options, shape: [samples, ...sizes, channels], dataFormat: "channelsLast" } as const;
              const other = shapes.dropBlock(channelsLast(x, shape) as Float32Array, p, last);
              expectSame(other.y, channelsLast(y, shape), `${what}, channels last`);
              expectSame(
                shapes.backward(channelsLast(x, shape), json(other.ticket)).dx,
                channelsLast(y, shape),
                `${what}, channels last, backward`,
              );
            }
          }
        }
      }
    });

    it("blocks that are wider than the map along one axis have timm's gamma", () => {
      const x = new Float32Array(32).fill(1);
      const { ticket } = shapes.dropBlock(x, 0.1, { shape: [1, 1, 4, 8] });
      expect(ticket.p).toBeCloseTo((0.1 / 7) * 4, 12);
      // A tenth of 32 elements, blocks of 4 x 7, and two places for them.
      expect(ticket.p).toBeCloseTo(3.2 / 28 / 2, 12);
    });

    it("one sample without a dimension of its own, by `batched`", () => {
      for (const shape of [[6], [6, 5], [6, 4, 5], [6, 3, 4, 5]]) {
        const [channels, ...sizes] = shape as [number, ...number[]];
        const x = sample("f32", product(shape)) as Float32Array<ArrayBuffer>;
        const options = { stream: 6, start: 3 };
        const one = { ...options, shape: [1, ...shape], batched: true };
        const single = { ...options, shape, batched: false };
        const lastShape = [...sizes, channels];
        const last = { ...options, shape: lastShape, batched: false, dataFormat: "channels_last" } as const;
        const reorder = (y: Float32Array<ArrayBuffer>) => channelsLast(y, [1, ...shape]);
        const spatial = shapes.spatialDropout(x, 0.4, one);
        const y = drop(x, expand(drawn("tile", 6n, 0.4, channels, 3), shape, [channels, ...sizes.map(() => 1)]), chance("tile", 0.4));
        expectSame(spatial.y, y, "oracle");
        const result = shapes.spatialDropout(x, 0.4, single);
        expectSame(result.y, y, `${shape}, spatial`);
        expect(result.ticket).toMatchObject({ shape, noiseShape: [channels, ...sizes.map(() => 1)], length: channels });
        expectSame(shapes.backward(x, json(result.ticket)).dx, y, `${shape}, spatial, backward`);
        expectSame(shapes.spatialDropout(reorder(x), 0.4, last).y, reorder(y), `${shape}, spatial, channels last`);
        const alpha = shapes.featureAlphaDropout(x, 0.4, one).y;
        expectSame(shapes.featureAlphaDropout(x, 0.4, single).y, alpha, `${shape}, alpha`);
        expectSame(shapes.featureAlphaDropout(reorder(x), 0.4, last).y, reorder(alpha), `${shape}, alpha, channels last`);
        if (sizes.length === 0) continue;
        const blocks = shapes.dropBlock(x, 0.2, { ...one, blockSize: 2 }).y;
        const { y: same, ticket } = shapes.dropBlock(x, 0.2, { ...single, blockSize: 2 });
        expectSame(same, blocks, `${shape}, blocks`);
        expectSame(shapes.backward(x, json(ticket)).dx, blocks, `${shape}, blocks, backward`);
        expectSame(shapes.dropBlock(reorder(x), 0.2, { ...last, blockSize: 2 }).y, reorder(blocks), `${shape}, blocks, channels last`);
      }
      // Two dimensions, both readings by name.
      const x = new Float32Array(12).fill(1);
      expect(shapes.spatialDropout(x, 0.5, { shape: [4, 3], batched: true, stream: 1 }).ticket.noiseShape).toEqual([4, 3]);
      expect(shapes.spatialDropout(x, 0.5, { shape: [4, 3], batched: false, stream: 1 }).ticket.noiseShape).toEqual([4, 1]);
      const image = shapes.spatialDropout(x, 0.5, { shape: [3, 2, 2], batched: false, stream: 1 });
      expect(image.ticket.noiseShape).toEqual([3, 1, 1]);
      expect(image.y.every((value, i) => value === image.y[i - (i % 4)])).toBe(true);
    });

    it("gives back all memory that it took, also of calls that fail", () => {
      const shape = [8, 40, 64];
      const x = new Float32Array(product(shape)).fill(1);
      const round = () => {
        const inside = dropout.from(x);
        const { y, ticket } = shapes.broadcastDropout(inside, 0.5, { shape, noiseShape: [8, 1, 64] });
        const { dx } = shapes.backward(y, ticket);
        const alpha = shapes.alphaDropout(inside, 0.5);
        const blocks = shapes.dropBlock(inside, 0.5, { shape: [8, 1, 40, 64] });
        expect(() => shapes.broadcastDropout(inside, 0.5, { shape, start: -1 })).toThrow(RangeError);
        expect(() => shapes.broadcastDropout(x, 0.5, { shape, out: new Float32Array(3) })).toThrow(RangeError);
        for (const buffer of [inside, y, dx, alpha.y, blocks.y]) buffer.free();
        shapes.spatialDropout(x, 0.5, { shape, mask: new Uint8Array(40) });
      };
      round();
      const { byteLength } = dropout.memory.buffer;
      for (let k = 0; k < 50; ++k) round();
      expect(dropout.memory.buffer.byteLength).toBe(byteLength);
    });

    it("works on while its own allocations make the memory grow", async () => {
      const small = await createDropout({ seed: SEED, simd });
      const own = await createShapes(small, { simd });
      const shape = [64, 32, 32];
      const x = sample("f32", product(shape)) as Float32Array<ArrayBuffer>;
      const inside = small.from(x);
      const expected = shapes.broadcastDropout(x, 0.5, { shape, noiseShape: [1, 32, 32], stream: 1 }).y;
      for (let k = 0; k < 5; ++k) {
        expectSame(own.broadcastDropout(inside, 0.5, { shape, noiseShape: [1, 32, 32], stream: 1 }).y.array, expected, `result ${k}`);
      }
    });
  });
}
