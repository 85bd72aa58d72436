// DropBlock with noise: kept elements as they are, dropped ones the normal numbers of their decisions, in every form of mask and wherever the data lie.

import { beforeAll, describe, expect, it } from "vitest";
import { normal } from "../../docs/normal-reference.js";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createHalf } from "../../src/half/index.js";
import { createNoise } from "../../src/noise/index.js";
import { createShapes, type Shapes } from "../../src/shapes/index.js";
import { FORMATS } from "../half/oracle.js";
import { chance, expectBytes, expectSame, KINDS, keepBytes, sample, uniforms } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";
import { blockMask, channelsLast, indexOf, placeOf, product } from "./oracle.js";

const SEED = 42n;
const STREAM = 3n;
// The step of the normal stream that this begins in is not the first, and not all of it.
const START = 21;

/** [samples, channels, ...] of maps, with the side of blocks; the last is longer than a piece. */
const MAPS: [shape: number[], blockSize: number][] = [
  [[1, 1, 1, 1], 7],
  [[2, 3, 4, 5], 2],
  [[2, 3, 1, 1], 3],
  [[3, 2, 9, 7], 3],
  [[1, 70, 2, 3], 2],
  [[2, 3, 17], 4],
  [[2, 2, 4, 5, 6], 3],
  [[3, 5, 33, 37], 5],
];
const FORMS = [false, true].flatMap((batchwise) => [false, true].map((coupleChannels) => ({ batchwise, coupleChannels })));

/** y and the mask, a byte an element. */
function expected<X extends Float32Array | Float64Array>(x: X, shape: readonly number[], seedShape: readonly number[], mask: Uint8Array) {
  const keep = new Uint8Array(x.length);
  const y = x.slice() as X;
  for (let i = 0; i < x.length; ++i) {
    const decision = indexOf(
      placeOf(i, shape).map((at, k) => (seedShape[k] === 1 ? 0 : at)),
      seedShape,
    );
    keep[i] = mask[decision] as number;
    if (!keep[i]) y[i] = normal(SEED, STREAM, BigInt(START + decision));
  }
  return { y, keep };
}

for (const simd of [true, false]) {
  describe(simd ? "SIMD build" : "scalar build", () => {
    let dropout: Dropout;
    let shapes: Shapes;
    beforeAll(async () => {
      dropout = await createDropout({ seed: SEED, simd });
      shapes = await createShapes((await createHalf(dropout, { simd })).dropout, { simd });
    });

    it.each(["f32", "f64"] as const)("%s, forward and backward, in both formats", (dtype) => {
      let turn = 0;
      for (const [shape, blockSize] of MAPS) {
        const [samples, channels, ...sizes] = shape as [number, number, ...number[]];
        for (const p of [0.2, 1]) {
          for (const forms of FORMS) {
            const kind = KINDS[++turn % 2] as (typeof KINDS)[number];
            const borderSeeds = turn % 3 === 0;
            const options = { kind, shape, blockSize, ...forms, borderSeeds, withNoise: true, stream: STREAM, start: START };
            const what = `${shape}, block ${blockSize}, p ${p}, ${kind}, ${JSON.stringify(forms)}`;
            const x = sample(dtype, product(shape), 7) as Float32Array<ArrayBuffer>;
            const { y, ticket } = shapes.dropBlock(x, p, options);
            const seedShape = [forms.batchwise ? 1 : samples, forms.coupleChannels ? 1 : channels, ...sizes];
            const seeds = keepBytes(uniforms(kind, SEED, STREAM, START, product(seedShape)), chance(kind, ticket.p));
            const { y: right, keep } = expected(x, shape, seedShape, blockMask(seeds, sizes, blockSize, borderSeeds));
            expectSame(y, right, what);
            expect(ticket).toMatchObject({ op: "dropBlock", withNoise: true, scaleByKeep: false });
            const gradient = x.map((value, i) => (keep[i] ? value : 0)) as typeof x;
            const posted = JSON.parse(JSON.stringify(ticket)) as typeof ticket;
            expectSame(shapes.backward(x, posted).dx, gradient, `${what}, backward`);
            const inside = dropout.from(x);
            expectSame(shapes.dropBlock(inside, p, { ...options, out: inside }).y.array, right, `${what}, in place`);
            inside.free();
            const last = { ...options, shape: [samples, ...sizes, channels], dataFormat: "channelsLast" } as const;
            const other = shapes.dropBlock(channelsLast(x, shape), p, last);
            expectSame(other.y, channelsLast(right, shape), `${what}, channels last`);
            expectSame(
              shapes.backward(channelsLast(x, shape), other.ticket).dx,
              channelsLast(gradient, shape),
              `${what}, channels last, backward`,
            );
          }
        }
      }
    });

    it.each(["f16", "bf16"] as const)("%s: the numbers of f32, rounded", (dtype) => {
      const shape = [2, 3, 9, 40];
      const { encode, decode } = FORMATS[dtype];
      const x = Uint16Array.from({ length: product(shape) }, (_, i) => encode(Math.sin(i)));
      const options = { shape, blockSize: 3, coupleChannels: true, withNoise: true, stream: STREAM };
      const { y, ticket } = shapes.dropBlock(x, 0.3, { ...options, dtype });
      const single = shapes.dropBlock(Float32Array.from(x, decode), 0.3, options).y;
      expectBytes(new Uint8Array(y.buffer), new Uint8Array(Uint16Array.from(single, encode).buffer), "y");
      const { dx } = shapes.backward(x, ticket, {}, { dtype });
      expect([...dx].some((bits) => bits === 0)).toBe(true);
      dx.forEach((bits, i) => {
        if (bits !== 0 && bits !== x[i]) throw new Error(`dx[${i}] is ${bits}`);
      });
    });

    it("the numbers of noise.normal(), for channels first", async () => {
      const noise = await createNoise(dropout, { simd });
      const shape = [2, 3, 8, 8];
      const { y } = shapes.dropBlock(new Float32Array(product(shape)), 1, {
        shape,
        gammaScale: 100,
        withNoise: true,
        stream: 5,
        start: 100,
      });
      expectSame(y, noise.normal(y.length, { stream: 5, start: 100 }), "all dropped");
    });

    it("keeps all without a probability, outside training and of nothing", () => {
      const shape = [2, 1, 6, 6];
      const x = sample("f32", product(shape)) as Float32Array<ArrayBuffer>;
      const bytes = (array: Float32Array) => new Uint8Array(array.slice().buffer);
      for (const [p, training] of [
        [0, true],
        [0.5, false],
      ] as const) {
        const { y, ticket } = shapes.dropBlock(x, p, { shape, withNoise: true, training });
        expectBytes(bytes(y), bytes(x), `p ${p}`);
        expectBytes(bytes(shapes.backward(x, ticket).dx), bytes(x), `p ${p}, backward`);
      }
      const none = shapes.dropBlock(new Float32Array(0), 1, { shape: [0, 3, 4, 4], withNoise: true });
      expect(none.y).toHaveLength(0);
      expect(shapes.backward(new Float32Array(0), none.ticket).dx).toHaveLength(0);
    });
  });
}

it("no scale stands beside noise, in options and in tickets", async () => {
  const shapes = await createShapes(await createDropout({ seed: 1 }));
  const x = new Float32Array(16).fill(1);
  const shape = [1, 1, 4, 4];
  expectRefusal(
    () => shapes.dropBlock(x, 0.5, { shape, withNoise: true, scaleByKeep: true }),
    RangeError,
    '"scaleByKeep" expected false beside withNoise, with which nothing is scaled, got true',
  );
  expectRefusal(() => shapes.dropBlock(x, 0.5, { shape, withNoise: 1 as never }), TypeError, '"withNoise" expected boolean, got 1');
  const { ticket } = shapes.dropBlock(x, 0.5, { shape, withNoise: true, scaleByKeep: false });
  expect(() => shapes.backward(x, { ...ticket, scaleByKeep: true })).toThrow('"ticket.scaleByKeep" expected false');
  // Tickets of calls without noise are complete without the field.
  const { withNoise: _, ...old } = shapes.dropBlock(x, 0.5, { shape }).ticket;
  expect(shapes.backward(x, old as never).dx).toHaveLength(16);
});
