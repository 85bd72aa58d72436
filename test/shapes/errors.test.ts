// Bad input to operations with shapes: which error, with which message, and that nothing has happened: no byte written, no stream number
// used, no memory kept.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { checkShape } from "../../src/ground/shape.js";
import { createShapes, type Shapes } from "../../src/shapes/index.js";
import { KIND } from "../support/messages.js";
import { expectSame, sample } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

let dropout: Dropout;
let shapes: Shapes;
let tickets: Record<"noise" | "alpha" | "blocks", Anything>;
const x = sample("f32", 120) as Float32Array<ArrayBuffer>;
const out = new Float32Array(120).fill(7);
const mask = new Uint8Array(3).fill(7);
const shape = [2, 3, 4, 5];

beforeAll(async () => {
  dropout = await createDropout({ seed: 42, maxBytes: 2 ** 20 });
  shapes = await createShapes(dropout);
  tickets = {
    noise: shapes.broadcastDropout(x, 0.5, { shape, noiseShape: [2, 1, 4, 1] }).ticket,
    alpha: shapes.alphaDropout(x, 0.5, { shape }).ticket,
    blocks: shapes.dropBlock(x, 0.5, { shape, blockSize: 2 }).ticket,
  };
});

const freed = () => {
  const buffer = dropout.alloc("f32", 120);
  buffer.free();
  return buffer;
};
const from = (name: keyof typeof tickets, change: object) => () => shapes.backward(x, { ...tickets[name], ...change }, {}, { dx: out });
const drop = (options: object) => () => shapes.broadcastDropout(x, 0.5, { shape, out, ...options });
const blocks = (options: object) => () => shapes.dropBlock(x, 0.5, { shape, out, ...options } as Anything);
const stored = (change: object) => () =>
  shapes.backward(x, { p: 0.5, shape, noiseShape: [2, 3, 4, 1], ...change } as Anything, { mask }, { dx: out });

/** Each: what to do, the class of the error, its message. */
const refusals: [name: string, act: () => unknown, type: typeof TypeError | typeof RangeError, message: string][] = [
  ["p above 1", () => shapes.broadcastDropout(x, 1.5, { shape, out }), RangeError, '"p" expected number in [0, 1], got 1.5'],
  [
    "p of spatial dropout",
    () => shapes.spatialDropout(x, Number.NaN, { shape, out }),
    RangeError,
    '"p" expected number in [0, 1], got NaN',
  ],
  [
    "p of drop path",
    () => shapes.dropPath(x, "0.1" as Anything, { shape, out }),
    TypeError,
    '"p" expected number in [0, 1], got string "0.1"',
  ],
  ["p of DropBlock", () => shapes.dropBlock(x, -1, { shape, out }), RangeError, '"p" expected number in [0, 1], got -1'],
  ["p of alpha dropout", () => shapes.alphaDropout(x, 2, { out }), RangeError, '"p" expected number in [0, 1], got 2'],
  [
    "p of feature alpha dropout",
    () => shapes.featureAlphaDropout(x, 2, { shape, out }),
    RangeError,
    '"p" expected number in [0, 1], got 2',
  ],
  ["no options", () => shapes.broadcastDropout(x, 0.5, undefined as Anything), TypeError, '"options" expected object, got undefined'],
  ["no shape", drop({ shape: undefined }), TypeError, '"shape" expected array of 1 to 32 non-negative integers, got undefined'],
  [
    "shape a typed array",
    drop({ shape: Int32Array.of(120) }),
    TypeError,
    '"shape" expected array of 1 to 32 non-negative integers, got Int32Array(1)',
  ],
  ["shape empty", drop({ shape: [] }), RangeError, '"shape" expected array of 1 to 32 non-negative integers, got []'],
  [
    "shape of too many dimensions",
    drop({ shape: new Array(33).fill(1) }),
    RangeError,
    `"shape" expected array of 1 to 32 non-negative integers, got [${new Array(32).fill(1).join(", ")}, …]`,
  ],
  ["shape with 0", drop({ shape: [0, 120] }), RangeError, '"shape" expected dimensions whose product is 120, got [0, 120]'],
  ["shape negative", drop({ shape: [-2, -60] }), RangeError, '"shape[0]" expected integer in [0, 9007199254740991], got -2'],
  ["shape fractional", drop({ shape: [240, 0.5] }), RangeError, '"shape[1]" expected integer in [0, 9007199254740991], got 0.5'],
  ["shape of strings", drop({ shape: ["120"] }), TypeError, '"shape[0]" expected integer in [0, 9007199254740991], got string "120"'],
  ["shape with a hole", drop({ shape: new Array(1) }), TypeError, '"shape[0]" expected integer in [0, 9007199254740991], got undefined'],
  ["shape of another length", drop({ shape: [11, 11] }), RangeError, '"shape" expected dimensions whose product is 120, got [11, 11]'],
  [
    "shape beyond 2^53",
    drop({ shape: [3, 3002399751580331] }),
    RangeError,
    '"shape" expected dimensions whose product is below 2^53, got [3, 3002399751580331]',
  ],
  ["noise shape of no array", drop({ noiseShape: 1 }), TypeError, '"noiseShape" expected array of dimensions, got 1'],
  [
    "noise shape too long",
    drop({ noiseShape: [1, 2, 3, 4, 5] }),
    RangeError,
    '"noiseShape" expected at most 4 dimensions, got [1, 2, 3, 4, 5]',
  ],
  ["noise shape of another size", drop({ noiseShape: [2, 2, 4, 5] }), RangeError, '"noiseShape[1]" expected 1 or 3, got 2'],
  ["noise shape aligned right", drop({ noiseShape: [2, 3] }), RangeError, '"noiseShape[0]" expected 1 or 4, got 2'],
  ["noise shape of strings", drop({ noiseShape: ["1", 1, 1, 1] }), TypeError, '"noiseShape[0]" expected 1 or 2, got string "1"'],
  ["noise shape over size 1", drop({ shape: [1, 120], noiseShape: [2, 120] }), RangeError, '"noiseShape[0]" expected 1, got 2'],
  ["broadcast dims of no array", drop({ broadcastDims: 1 }), TypeError, '"broadcastDims" expected array of dimensions, got 1'],
  ["broadcast dims too large", drop({ broadcastDims: [0, 4] }), RangeError, '"broadcastDims[1]" expected integer in [-4, 3], got 4'],
  ["broadcast dims too small", drop({ broadcastDims: [-5] }), RangeError, '"broadcastDims[0]" expected integer in [-4, 3], got -5'],
  [
    "both spellings",
    drop({ noiseShape: [1], broadcastDims: [0] }),
    TypeError,
    '"broadcastDims" expected nothing beside noiseShape, got Array(1)',
  ],
  ["rescale unknown", drop({ rescale: "never" }), RangeError, '"rescale" expected "train" or "test" or "none", got string "never"'],
  ["training no boolean", drop({ training: 1 }), TypeError, '"training" expected boolean, got 1'],
  [
    "start too large",
    drop({ start: 2 ** 53 - 119 }),
    RangeError,
    '"start" expected integer in [0, 9007199254740872], got 9007199254740873',
  ],
  [
    "stream negative",
    drop({ stream: -1 }),
    RangeError,
    '"stream" expected safe integer or bigint in [0, 2^64) (for a negative one, take BigInt.asUintN(64, BigInt(value))), got -1',
  ],
  ["mask too short", drop({ noiseShape: [2, 3, 4, 1], mask: mask.subarray(1) }), RangeError, '"mask" expected length 3, got 2'],
  [
    "mask of floats",
    drop({ mask: new Float32Array(15) }),
    TypeError,
    '"mask" expected Uint8Array, Uint32Array or bits buffer, got Float32Array(15)',
  ],
  [
    "mask in x",
    drop({ noiseShape: [2, 3, 4, 1], mask: new Uint8Array(x.buffer, 8, 3) }),
    RangeError,
    '"mask" expected memory apart from "x", got memory that overlaps it',
  ],
  [
    "mask in out",
    drop({ noiseShape: [2, 3, 4, 1], mask: new Uint8Array(out.buffer, 8, 3) }),
    RangeError,
    '"out" expected memory apart from "mask", got memory that overlaps it',
  ],
  [
    "x freed",
    () => shapes.broadcastDropout(freed(), 0.5, { shape, out }),
    TypeError,
    '"x" expected live buffer, got freed f32 buffer(120)',
  ],
  [
    "x a list",
    () => shapes.alphaDropout([1] as Anything, 0.5),
    TypeError,
    '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Array(1)',
  ],
  [
    "x empty, of a shape that is not",
    () => shapes.alphaDropout(new Float32Array(0), 0.5, { shape: [1] }),
    RangeError,
    '"shape" expected dimensions whose product is 0, got [1]',
  ],
  ["out too short", drop({ out: out.subarray(1) }), RangeError, '"out" expected length 120, got 119'],
  [
    "out overlapping",
    () => shapes.broadcastDropout(x.subarray(0, 60), 0.5, { shape: [60], out: x.subarray(30, 90) }),
    RangeError,
    '"out" expected "x" itself or memory apart from it, got memory that overlaps it',
  ],
  [
    "spatial dropout of rank 2, samples or places",
    () => shapes.spatialDropout(x, 0.5, { shape: [2, 60], out }),
    TypeError,
    '"batched" expected true for a shape of [samples, channels], or false for one of channels and places, got undefined',
  ],
  [
    "spatial dropout of rank 1",
    () => shapes.spatialDropout(x, 0.5, { shape: [120], out }),
    RangeError,
    '"shape" expected array of 2 to 5 non-negative integers, got [120]',
  ],
  [
    "spatial dropout of one sample of rank 5",
    () => shapes.spatialDropout(x, 0.5, { shape: [1, 2, 3, 4, 5], batched: false, out }),
    RangeError,
    '"shape" expected array of 1 to 4 non-negative integers, got [1, 2, 3, 4, 5]',
  ],
  [
    "batched no boolean",
    () => shapes.spatialDropout(x, 0.5, { shape, batched: 1 as Anything, out }),
    TypeError,
    '"batched" expected boolean, got 1',
  ],
  [
    "format unknown",
    () => shapes.spatialDropout(x, 0.5, { shape, out, dataFormat: "NCHW" as Anything }),
    RangeError,
    '"dataFormat" expected "channelsFirst" or "channelsLast" or "channels_first" or "channels_last", got string "NCHW"',
  ],
  [
    "scaleByKeep no boolean",
    () => shapes.dropPath(x, 0.5, { shape, out, scaleByKeep: 1 as Anything }),
    TypeError,
    '"scaleByKeep" expected boolean, got 1',
  ],
  [
    "scaleByKeep beside rescale",
    () => shapes.dropPath(x, 0.5, { shape, out, scaleByKeep: true, rescale: "none" }),
    TypeError,
    '"rescale" expected nothing beside scaleByKeep, got string "none"',
  ],
  [
    "feature alpha dropout of rank 1",
    () => shapes.featureAlphaDropout(x, 0.5, { shape: [120], out }),
    RangeError,
    '"shape" expected array of 2 to 32 non-negative integers, got [120]',
  ],
  [
    "format of feature alpha dropout",
    () => shapes.featureAlphaDropout(x, 0.5, { shape, out, dataFormat: 1 as Anything }),
    TypeError,
    '"dataFormat" expected "channelsFirst" or "channelsLast" or "channels_first" or "channels_last", got 1',
  ],
  ["DropBlock of rank 2", blocks({ shape: [2, 60] }), RangeError, '"shape" expected array of 3 to 5 non-negative integers, got [2, 60]'],
  ["coupleChannels no boolean", blocks({ coupleChannels: 1 }), TypeError, '"coupleChannels" expected boolean, got 1'],
  ["borderSeeds no boolean", blocks({ borderSeeds: 1 }), TypeError, '"borderSeeds" expected boolean, got 1'],
  ["DropBlock's scaleByKeep no boolean", blocks({ scaleByKeep: 1 }), TypeError, '"scaleByKeep" expected boolean, got 1'],
  ["blocks of size 0", blocks({ blockSize: 0 }), RangeError, '"blockSize" expected integer in [1, 9007199254740991], got 0'],
  ["gamma negative", blocks({ gammaScale: -1 }), RangeError, '"gammaScale" expected finite number of at least 0, got -1'],
  [
    "gamma infinite",
    blocks({ gammaScale: Number.POSITIVE_INFINITY }),
    RangeError,
    '"gammaScale" expected finite number of at least 0, got Infinity',
  ],
  ["gamma no number", blocks({ gammaScale: null }), TypeError, '"gammaScale" expected finite number of at least 0, got null'],
  ["batchwise no boolean", blocks({ batchwise: "yes" }), TypeError, '"batchwise" expected boolean, got string "yes"'],
  [
    "DropBlock's format",
    blocks({ dataFormat: "last" }),
    RangeError,
    '"dataFormat" expected "channelsFirst" or "channelsLast" or "channels_first" or "channels_last", got string "last"',
  ],
  [
    "ticket missing",
    () => shapes.backward(x, undefined as Anything, {}, { dx: out }),
    TypeError,
    '"ticket" expected ticket, got undefined',
  ],
  [
    "ticket of the core",
    from("noise", { op: undefined }),
    TypeError,
    '"ticket.op" expected "broadcastDropout" or "alphaDropout" or "dropBlock", got undefined',
  ],
  [
    "ticket of another operation",
    from("noise", { op: "noise" }),
    RangeError,
    '"ticket.op" expected "broadcastDropout" or "alphaDropout" or "dropBlock", got string "noise"',
  ],
  [
    "ticket of another version",
    from("noise", { version: 2 }),
    RangeError,
    '"ticket.version" expected 1, the only version of the specification so far, got 2',
  ],
  [
    "ticket's shape missing",
    from("noise", { shape: undefined }),
    TypeError,
    '"ticket.shape" expected array of 1 to 32 non-negative integers, got undefined',
  ],
  [
    "ticket's noise shape missing",
    from("alpha", { noiseShape: undefined }),
    TypeError,
    '"ticket.noiseShape" expected array of 1 to 32 non-negative integers, got undefined',
  ],
  [
    "ticket's noise shape of another rank",
    from("noise", { noiseShape: [8] }),
    RangeError,
    '"ticket.noiseShape" expected array of 4 non-negative integers, got [8]',
  ],
  [
    "ticket's noise shape of another product",
    from("noise", { noiseShape: [2, 3, 4, 1] }),
    RangeError,
    '"ticket.noiseShape" expected dimensions whose product is the ticket\'s length, got [2, 3, 4, 1]',
  ],
  [
    "ticket's noise shape of another size",
    from("noise", { noiseShape: [8, 1, 1, 1] }),
    RangeError,
    '"ticket.noiseShape[0]" expected 1 or 2, got 8',
  ],
  [
    "ticket of data of another length",
    () => shapes.backward(x.subarray(1), tickets.noise),
    RangeError,
    '"dy" expected length 120, the ticket\'s, got 119',
  ],
  [
    "ticket of alpha dropout, rescaled",
    from("alpha", { rescale: "none" }),
    RangeError,
    '"ticket.rescale" expected "train", got string "none"',
  ],
  [
    "ticket of DropBlock, rescaled",
    from("blocks", { rescale: "test" }),
    RangeError,
    '"ticket.rescale" expected "train", got string "test"',
  ],
  [
    "ticket of DropBlock of another length",
    from("blocks", { length: 60 }),
    RangeError,
    '"ticket.length" expected 120, as many as seeds, got 60',
  ],
  [
    "ticket of DropBlock without format",
    from("blocks", { dataFormat: undefined }),
    TypeError,
    '"ticket.dataFormat" expected "channelsFirst" or "channelsLast", got undefined',
  ],
  [
    "ticket of DropBlock without a size",
    from("blocks", { blockSize: "2" }),
    TypeError,
    '"ticket.blockSize" expected integer in [1, 9007199254740991], got string "2"',
  ],
  ["ticket of DropBlock, batchwise or not", from("blocks", { batchwise: 0 }), TypeError, '"ticket.batchwise" expected boolean, got 0'],
  [
    "ticket of DropBlock of another rank",
    from("blocks", { shape: [120] }),
    RangeError,
    '"ticket.shape" expected array of 3 to 5 non-negative integers, got [120]',
  ],
  ["stored mask without p", stored({ p: undefined }), TypeError, '"ticket.p" expected number in [0, 1], got undefined'],
  ["stored mask of another length", stored({ noiseShape: [2, 1, 1, 1] }), RangeError, '"saved.mask" expected length 1, got 3'],
  [
    "stored mask without shape",
    stored({ shape: undefined }),
    TypeError,
    '"ticket.shape" expected array of 1 to 32 non-negative integers, got undefined',
  ],
  [
    "stored mask of another shape",
    stored({ shape: [2, 3, 4, 6] }),
    RangeError,
    '"ticket.shape" expected dimensions whose product is 120, got [2, 3, 4, 6]',
  ],
  ["stored mask's noise shape", stored({ noiseShape: [2, 3, 4, 2] }), RangeError, '"ticket.noiseShape[3]" expected 1 or 5, got 2'],
  [
    "stored mask's dims",
    stored({ noiseShape: undefined, broadcastDims: [7] }),
    RangeError,
    '"ticket.broadcastDims[0]" expected integer in [-4, 3], got 7',
  ],
  ["stored mask's kind", stored({ kind: "mt" }), RangeError, `"ticket.kind" expected ${KIND}, got string "mt"`],
  [
    "stored mask's rescale",
    stored({ rescale: "mt" }),
    RangeError,
    '"ticket.rescale" expected "train" or "test" or "none", got string "mt"',
  ],
  ["options of backward", () => shapes.backward(x, tickets.noise, {}, 5 as Anything), TypeError, '"options" expected object, got 5'],
];

describe("refused, with nothing done", () => {
  it.each(refusals)("%s", (_, act, type, message) => {
    const before = { x: x.slice(), state: dropout.state, bytes: dropout.memory.buffer.byteLength };
    expectRefusal(act, type, message);
    expectSame(x, before.x, "x");
    expect(out.every((v) => v === 7)).toBe(true);
    expect(mask.every((v) => v === 7)).toBe(true);
    expect(dropout.state).toEqual(before.state);
    expect(dropout.memory.buffer.byteLength).toBe(before.bytes);
    // The instance is as good as before.
    expectSame(shapes.backward(x, tickets.noise).dx, shapes.backward(x, tickets.noise).dx, "backward");
  });

  it("a mask larger than memory", () => {
    const { state } = dropout;
    const { byteLength } = dropout.memory.buffer;
    expect(() => shapes.broadcastDropout(new Float32Array(2 ** 24), 0.5, { shape: [2 ** 23, 2], noiseShape: [2 ** 23, 1] })).toThrow(
      `"scratch" expected what fits beside the ${byteLength} bytes in use or kept, of at most 1048576, got 1048576 elements of bytes`,
    );
    expect(dropout.state).toEqual(state);
    expect(dropout.memory.buffer.byteLength).toBe(byteLength);
  });

  it("an instance of something else", async () => {
    await expect(createShapes({} as Anything)).rejects.toThrow('"dropout" expected Dropout of this package, got Object');
    await expect(createShapes(dropout, { simd: 1 as Anything })).rejects.toThrow('"simd" expected boolean, got 1');
  });
});

describe("sequence", () => {
  it("uses one stream number a training call, and none for others", async () => {
    const instance = await createDropout({ seed: 1 });
    const own = await createShapes(instance);
    const next = () => Number(instance.state.nextStream);
    own.broadcastDropout(x, 0, { shape });
    own.broadcastDropout(x, 0.5, { shape });
    own.spatialDropout(x, 0.5, { shape });
    own.dropPath(x, 0.5, { shape });
    own.dropBlock(x, 0.5, { shape });
    own.alphaDropout(x, 1);
    const { ticket } = own.featureAlphaDropout(x, 0.5, { shape });
    expect(ticket.stream).toBe("6");
    expect(next()).toBe(7);
    for (const training of [false]) {
      own.broadcastDropout(x, 0.5, { shape, training, rescale: "test" });
      own.dropBlock(x, 0.5, { shape, training });
      own.alphaDropout(x, 0.5, { training });
    }
    own.broadcastDropout(x, 0.5, { shape, stream: 3 });
    own.backward(x, ticket);
    own.backward(x, { p: 0.5, shape, noiseShape: [] }, { mask: new Uint8Array(1) });
    expect(next()).toBe(7);
  });

  it("copies the bits of x outside training, even of signalling NaNs", () => {
    const bits = new Uint32Array(120).map((_, i) => [0x7f800001, 0xffc12345, 0x80000000, 1, 0x3f800000][i % 5] as number);
    const data = new Float32Array(bits.buffer.slice(0));
    const same = (y: Float32Array) => expect(new Uint32Array(y.slice().buffer)).toEqual(bits);
    for (const training of [true, false]) {
      const options = { shape, training };
      const p = training ? 0 : 0.7;
      const results = [
        shapes.broadcastDropout(data, p, { ...options, noiseShape: [2, 1, 4, 1] }),
        shapes.spatialDropout(data, p, options),
        shapes.dropPath(data, p, options),
        shapes.dropBlock(data, p, options),
        shapes.alphaDropout(data, p, options),
        shapes.featureAlphaDropout(data, p, options),
      ];
      for (const { y, ticket } of results) {
        same(y);
        expect(ticket.p).toBe(0);
        same(shapes.backward(data, ticket).dx);
      }
    }
  });

  it("a ticket gives the same in another instance, of another build, seed and kind", async () => {
    const there = await createShapes(await createDropout({ seed: 6, kind: "philox", simd: false }), { simd: false });
    for (const ticket of Object.values(tickets)) {
      expectSame(there.backward(x, JSON.parse(JSON.stringify(ticket))).dx, shapes.backward(x, ticket).dx, ticket.op);
    }
  });

  it("options whose getters change what was given before", () => {
    const given = [...shape];
    const options = {
      shape: given,
      noiseShape: [2, 1, 1, 1],
      out,
      get start() {
        given.fill(1);
        return 0;
      },
    };
    expect(() => shapes.broadcastDropout(x, 0.5, options)).toThrow('"noiseShape[0]" expected 1, got 2');
    expect(out.every((v) => v === 7)).toBe(true);
  });
});

describe("shapes of arrays", () => {
  it("have a product below 2^53", () => {
    expect(checkShape([2, 3, 4], "shape")).toBe(24);
    expect(checkShape([Number.MAX_SAFE_INTEGER], "shape")).toBe(Number.MAX_SAFE_INTEGER);
    expect(checkShape(new Array(32).fill(1), "shape", 1)).toBe(1);
    expect(() => checkShape([2 ** 30, 2 ** 30], "dims")).toThrow(
      '"dims" expected dimensions whose product is below 2^53, got [1073741824, 1073741824]',
    );
  });
});
