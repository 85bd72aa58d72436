// Input at the edges: arrays whose items change while they are read or have no end, no data at all, masks of whole words, tickets in the wrong hands.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { HALF_DTYPES } from "../../src/ground/dtypes.js";
import { createHalf } from "../../src/half/index.js";
import { createShapes, type Shapes } from "../../src/shapes/index.js";
import { chance, expectBytes, expectSame, keepBits, keepBytes, sample, uniforms } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

const SEED = 42n;
let dropout: Dropout;
let shapes: Shapes;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
  shapes = await createShapes(dropout);
});

const shape = [2, 3, 4, 5];
const x = sample("f32", 120) as Float32Array<ArrayBuffer>;

/** Every forward operation. */
const FORWARD: [name: string, act: (options: object, data?: Anything) => { y: Anything; ticket: Anything }][] = [
  ["broadcastDropout", (options, data = x) => shapes.broadcastDropout(data, 0.5, options as Anything)],
  ["spatialDropout", (options, data = x) => shapes.spatialDropout(data, 0.5, options as Anything)],
  ["dropPath", (options, data = x) => shapes.dropPath(data, 0.5, options as Anything)],
  ["dropBlock", (options, data = x) => shapes.dropBlock(data, 0.5, { blockSize: 2, ...options } as Anything)],
  ["alphaDropout", (options, data = x) => shapes.alphaDropout(data, 0.5, options as Anything)],
  ["featureAlphaDropout", (options, data = x) => shapes.featureAlphaDropout(data, 0.5, options as Anything)],
];

/** An array whose item k does something each time that it is read. */
function watched(items: readonly number[], k: number, onRead: () => number): number[] {
  const array = [...items];
  Object.defineProperty(array, k, { get: onRead, enumerable: true });
  return array;
}

describe("arrays of options and tickets are read once, before all else", () => {
  it.each(FORWARD)("%s: a getter that calls the same instance", (_, act) => {
    const plain = act({ shape, stream: 7, start: 3 });
    let reads = 0;
    const getter = watched(shape, 0, () => {
      ++reads;
      shapes.alphaDropout(new Float32Array(8), 0.9, { stream: 99, seed: 5, kind: "philox" });
      dropout.dropout(new Float64Array(8), 0.1, { stream: 98 });
      return 2;
    });
    const nested = act({ shape: getter, stream: 7, start: 3 });
    expect(reads).toBe(1);
    expect(nested).toEqual(plain);
    // Both are of one mind on which stream comes next, too.
    const { nextStream } = dropout.state;
    const counted = act({
      shape: watched(shape, 1, () => {
        shapes.alphaDropout(x, 0.5);
        return 3;
      }),
    });
    expect(counted.ticket.stream).toBe(String(BigInt(nextStream) + 1n));
  });

  it.each(FORWARD)("%s: items of a ticket that change", (_, act) => {
    const { ticket } = act({ shape, stream: 7 });
    const dx = shapes.backward(x, ticket).dx;
    for (const key of ["shape", "noiseShape"].filter((one) => one in ticket)) {
      for (let k = 0; k < 4; ++k) {
        let reads = 0;
        const value = ticket[key][k] as number;
        const lying = watched(ticket[key], k, () => (++reads > 1 ? -8 : value));
        expectSame(shapes.backward(x, { ...ticket, [key]: lying }).dx, dx, `${key}[${k}]`);
        expect(reads).toBe(1);
        const calling = watched(ticket[key], k, () => {
          shapes.backward(x, act({ shape, stream: 3 }).ticket);
          return value;
        });
        expectSame(shapes.backward(x, { ...ticket, [key]: calling }).dx, dx, `${key}[${k}], a call within`);
      }
    }
  });

  it("properties of options, tickets and what stands in their place are read once", () => {
    const counts = new Map<PropertyKey, number>();
    const counting = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(from, key, receiver) {
          if (key in from) counts.set(key, (counts.get(key) ?? 0) + 1);
          return Reflect.get(from, key, receiver);
        },
      });
    const once = (...except: string[]) => {
      for (const [key, count] of counts) if (!except.includes(String(key))) expect(count, String(key)).toBe(1);
      counts.clear();
    };
    const mask = new Uint8Array(3);
    const noise = { shape, noiseShape: [2, 3, 4, 1] };
    const { ticket } = shapes.broadcastDropout(x, 0.5, counting({ ...noise, mask, rescale: "none" as const, stream: 1, training: true }));
    once();
    shapes.dropBlock(x, 0.5, counting({ shape, blockSize: 2, batchwise: true, coupleChannels: true, batched: true, stream: 1 }));
    once();
    shapes.dropPath(x, 0.5, counting({ shape, scaleByKeep: true, stream: 1 }));
    once();
    // A ticket shows what it is by its version, before that is checked.
    shapes.backward(x, counting({ ...ticket }));
    once("version");
    shapes.backward(x, counting({ p: 0.5, kind: "tile" as const, ...noise }), counting({ mask }), counting({ dx: new Float32Array(120) }));
    once();
  });

  it.each(FORWARD)("%s: arrays without end are refused before they are copied", (name, act) => {
    for (const length of [33, 1000, 2 ** 32 - 1]) {
      for (const endless of [new Array(length), new Proxy([], { get: (_, key) => (key === "length" ? length : 1) })]) {
        expect(() => act({ shape: endless })).toThrow(/^"shape" expected array of .* non-negative integers, got \[.*, …\]$/);
        if (name === "broadcastDropout" || name === "alphaDropout") {
          expect(() => act({ shape, noiseShape: endless })).toThrow('"noiseShape" expected at most 4 dimensions, got [');
          expect(() => act({ shape, broadcastDims: endless })).toThrow('"broadcastDims" expected array of dimensions, got [');
        }
        const { ticket } = act({ shape, stream: 7 });
        expect(() => shapes.backward(x, { ...ticket, shape: endless })).toThrow('"ticket.shape" expected array of ');
      }
    }
    for (const length of [Number.NaN, -1, 1.5, "4", undefined, {}]) {
      const lying = new Proxy([], { get: (_, key) => (key === "length" ? length : 1) });
      expect(() => act({ shape: lying })).toThrow(RangeError);
    }
  });

  it.each(FORWARD)("%s: an option that does not exist is refused", (_, act) => {
    expect(() => act({ shape, trainning: false })).toThrow('"trainning" is no option; did you mean "training"?');
    expect(() => act({ shape, stram: 1 })).toThrow('"stram" is no option; did you mean "stream"?');
    const { ticket } = act({ shape, stream: 1 });
    expect(() => shapes.backward(x, ticket, {}, { out: x } as Anything)).toThrow('"out" is no option');
    expect(() => shapes.backward(x, ticket, { masks: x } as Anything)).toThrow('"saved.masks" is no option; did you mean "mask"?');
  });
});

describe("no data", () => {
  const EMPTY = [
    [0, 3, 4, 5],
    [2, 0, 4, 5],
    [2, 3, 0, 5],
    [2, 3, 4, 0],
    [0, 0, 0, 0],
  ];

  it.each(FORWARD)("%s: an empty result, and a stream number in training only", (_, act) => {
    for (const kind of ["tile", "philox"] as const) {
      for (const empty of EMPTY) {
        for (const data of [new Float32Array(0), new Float64Array(0), dropout.alloc("f32", 0), dropout.alloc("f64", 0)]) {
          const before = BigInt(dropout.state.nextStream);
          const { y, ticket } = act({ shape: empty, kind }, data);
          expect(y.length).toBe(0);
          expect(y.constructor).toBe(data.constructor);
          expect(BigInt(dropout.state.nextStream)).toBe(before + 1n);
          expect(shapes.backward(data, JSON.parse(JSON.stringify(ticket))).dx.length).toBe(0);
          const evaluated = act({ shape: empty, kind, training: false, out: data }, data);
          expect(evaluated.y).toBe(data);
          expect(BigInt(dropout.state.nextStream)).toBe(before + 1n);
          expect(() => act({ shape: empty }, x)).toThrow('"shape" expected dimensions whose product is 120, got [');
        }
      }
    }
  });

  it("alpha dropout without a shape", () => {
    const { y, ticket } = shapes.alphaDropout(new Float32Array(0), 0.5);
    expect(y).toEqual(new Float32Array(0));
    expect(ticket).toMatchObject({ shape: [0], noiseShape: [0], length: 0 });
    expect(dropout.replay(ticket)).toEqual(new Uint8Array(0));
  });

  it("decisions without data are drawn where the call writes the mask", () => {
    const mask = new Uint8Array(2);
    const data = new Float32Array(0);
    const { ticket } = shapes.broadcastDropout(data, 0.5, { shape: [0, 12], noiseShape: [1, 12], mask, stream: 3 });
    const bits = keepBits(keepBytes(uniforms("tile", SEED, 3n, 0, 12), chance("tile", 0.5)));
    expectBytes(mask, bits, "mask");
    expectBytes(dropout.replay(ticket), bits, "replay");
    expect(shapes.backward(data, ticket, { mask }).dx.length).toBe(0);
  });

  it("dimensions beside 0 are refused where their product has no exact double", () => {
    const huge = [0, 2 ** 30, 2 ** 30];
    expect(shapes.broadcastDropout(new Float32Array(0), 0.5, { shape: huge }).y.length).toBe(0);
    expectRefusal(
      () => shapes.broadcastDropout(new Float32Array(0), 0.5, { shape: huge, broadcastDims: [0] }),
      RangeError,
      '"broadcastDims" expected dimensions whose product is below 2^53, got [1, 1073741824, 1073741824]',
    );
    expect(
      shapes.broadcastDropout(new Float32Array(0), 0.5, {
        shape: new Array(32)
          .fill(2 ** 52)
          .concat()
          .fill(0, 31),
      }).y.length,
    ).toBe(0);
  });

  it("16-bit data", async () => {
    const own = await createShapes((await createHalf(dropout)).dropout);
    for (const dtype of HALF_DTYPES) {
      const { y, ticket } = own.dropBlock(new Uint16Array(0), 0.5, { shape: [0, 1, 9, 9], dtype });
      expect(y).toEqual(new Uint16Array(0));
      expect(own.backward(new Uint16Array(0), ticket, {}, { dtype }).dx).toEqual(new Uint16Array(0));
    }
  });
});

describe("masks of whole words", () => {
  it("forward and backward: Uint32Array, and bytes padded to words", () => {
    // 40 and 21 decisions: whole bytes that fill no word, and a byte that is not full.
    for (const channels of [20, 21, 32]) {
      const samples = channels === 20 ? 2 : 1;
      const wide = [samples, channels, 3];
      const data = sample("f32", samples * channels * 3, 1) as Float32Array<ArrayBuffer>;
      const decisions = samples * channels;
      const bits = keepBits(keepBytes(uniforms("tile", SEED, 5n, 0, decisions), chance("tile", 0.4)));
      const padded = new Uint8Array(4 * Math.ceil(decisions / 32));
      padded.set(bits);
      const words = new Uint32Array(padded.buffer.slice(0));
      const plain = shapes.spatialDropout(data, 0.4, { shape: wide, stream: 5 });
      const { dx } = shapes.backward(data, plain.ticket);
      for (const mask of [new Uint32Array(words.length).fill(0xffffffff), new Uint8Array(padded.length).fill(0xff)]) {
        const { y, ticket } = shapes.spatialDropout(data, 0.4, { shape: wide, stream: 5, mask });
        expectSame(y, plain.y, "y");
        expect(mask).toEqual(mask instanceof Uint32Array ? words : padded);
        expectSame(shapes.backward(data, ticket, { mask }).dx, dx, "backward");
        expectSame(shapes.backward(data, { p: 0.4, shape: wide, noiseShape: [null, null, 1] }, { mask }).dx, dx, "backward by rate");
      }
      // In wasm memory, where views may be padded too.
      const held = dropout.alloc("bytes", padded.length);
      held.array.fill(0xff);
      shapes.spatialDropout(data, 0.4, { shape: wide, stream: 5, mask: held.array });
      expectBytes(held.array, padded, "mask in wasm memory");
      expectSame(shapes.backward(data, plain.ticket, { mask: held.array }).dx, dx, "backward in wasm memory");
      held.free();
      expectRefusal(
        () => shapes.spatialDropout(data, 0.4, { shape: wide, mask: new Uint32Array(words.length + 1) }),
        RangeError,
        `"mask" expected length ${words.length}, got ${words.length + 1}`,
      );
    }
  });

  it("outside training all are kept, whatever p is", () => {
    for (const p of [0.5, 1]) {
      for (const rescale of ["train", "test", "none"] as const) {
        const mask = new Uint8Array(1);
        const { y, ticket } = shapes.spatialDropout(x, p, { shape, mask, rescale, training: false });
        expect(mask).toEqual(Uint8Array.of(0b111111));
        expectSame(shapes.backward(x, ticket, { mask }).dx, y, `${p}, ${rescale}`);
      }
    }
  });
});

describe("tickets in the wrong hands", () => {
  const ones = new Float32Array(120).fill(1);
  it("the core's backward and that of shapes refuse each other's by name, replay takes all", () => {
    for (const [name, act] of FORWARD) {
      const { ticket } = act({ shape, stream: 0 });
      expect(() => dropout.backward(x, ticket), name).toThrow(
        `"ticket.op" expected "dropout", got "${ticket.op}", whose backward is that of Shapes`,
      );
      expect(dropout.replay(ticket).length).toBe(Math.ceil(ticket.length / 8));
    }
    const { ticket } = dropout.forward(x, 0.5);
    expectRefusal(
      () => shapes.backward(x, ticket as Anything),
      RangeError,
      '"ticket.op" expected "broadcastDropout" or "alphaDropout" or "dropBlock", got "dropout", whose backward is that of Dropout',
    );
    const result = shapes.dropPath(x, 0.5, { shape });
    expect(() => shapes.backward(x, result as Anything)).toThrow(
      '"ticket" expected ticket: pass the .ticket of the forward call\'s result',
    );
  });

  it("the ticket of alpha dropout gives the gradient of alpha dropout", () => {
    const { ticket } = shapes.alphaDropout(ones.subarray(0, 4), 0.5, { stream: 0 });
    const { dx } = shapes.backward(ones.subarray(0, 4), ticket);
    const keep = keepBytes(uniforms("tile", SEED, 0n, 0, 4), chance("tile", 0.5));
    expect([...dx].map((value) => value.toFixed(3))).toEqual([...keep].map((kept) => (kept ? "0.886" : "0.000")));
  });

  it("a stored mask is for operations that write one", () => {
    const mask = new Uint8Array(15);
    for (const [name, act] of FORWARD.slice(3)) {
      const { ticket } = act({ shape, stream: 0 });
      expect(() => shapes.backward(x, ticket, { mask }), name).toThrow(`"saved.mask" expected nothing beside a ticket of "${ticket.op}"`);
    }
  });
});

describe("probabilities that 16 bits cannot scale by", () => {
  it("of f16 are refused by what scales by them, and taken by what does not", async () => {
    const own = await createShapes((await createHalf(dropout)).dropout);
    const data = new Uint16Array(64).fill(0x3c00);
    const p = 1 - 2 ** -17;
    const options = { shape: [4, 16], dtype: "f16", stream: 1 } as const;
    expect(() => own.dropPath(data, p, options)).toThrow('"p" expected 1, or below 1 - 1 / 65520 for f16');
    expect(own.dropPath(data, p, { ...options, rescale: "none" }).y.length).toBe(64);
    const { y, ticket } = own.alphaDropout(data, p, options);
    expect(y.every((bits) => (bits & 0x7c00) !== 0x7c00)).toBe(true);
    expect(own.backward(data, ticket, {}, { dtype: "f16" }).dx.length).toBe(64);
    expect(() => own.alphaDropout(data, 1 - 2 ** -48, options)).toThrow('"p" expected 1, or a value at which');
    expect(own.dropBlock(data, 1, { shape: [1, 1, 8, 8], dtype: "f16", blockSize: 1, stream: 1 }).y).toEqual(new Uint16Array(64));
  });
});

describe("DropBlock in time that does not grow with the block", () => {
  it("a ticket with almost all seeds dropped and huge blocks", () => {
    const side = 1024;
    const ticket = { version: 1, kind: "tile", seed: "1", stream: "1", start: 0, p: 0.999, length: side * side } as const;
    const places = { op: "dropBlock", shape: [1, 1, side, side], dataFormat: "channelsFirst", blockSize: 512, batchwise: false } as const;
    const { dx } = shapes.backward(new Float32Array(side * side).fill(1), { ...ticket, ...places } as Anything);
    // The seed in the middle is dropped, or one beside it: no element is kept.
    expect(dx.every((value) => value === 0)).toBe(true);
  });
});
