// Several probabilities in one call: every element is that of a call with its probability alone, forward and backward, in every dtype and place.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { PIECE } from "../../src/engine/pieces.js";
import { createHalf } from "../../src/half/index.js";
import { createShapes, type Probabilities, type Shapes } from "../../src/shapes/index.js";
import { bitsOf, FORMATS, numbersOf } from "../half/oracle.js";
import { chance, expectBytes, expectSame, KINDS, keepBits, PROBABILITIES, sample, uniforms } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";
import { indexOf, placeOf, product } from "./oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

const SEED = 42n;
const STREAM = 9n;
const START = 77;
const ALPHA = 1.7580993408473766;
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Shapes of data, of decisions and of probabilities, all of one rank: shared and not, in runs below, at and above a piece. */
const FORMS: [shape: number[], noiseShape: number[], pShape: number[]][] = [
  [[7], [7], [7]],
  [[7], [1], [7]],
  [[7], [7], [1]],
  [
    [3, 5],
    [3, 5],
    [3, 1],
  ],
  [
    [3, 5],
    [3, 1],
    [3, 1],
  ],
  [
    [3, 5],
    [3, 1],
    [1, 5],
  ],
  [
    [3, 1, 4, 5],
    [3, 1, 1, 5],
    [3, 1, 4, 1],
  ],
  [
    [4, 3, 2, 5],
    [4, 3, 1, 1],
    [1, 3, 1, 1],
  ],
  [
    [2, 3, 4, 5],
    [1, 3, 1, 5],
    [2, 1, 4, 1],
  ],
  [
    [5, 3 * 1111],
    [5, 3333],
    [5, 1],
  ],
  [[PIECE + 9], [PIECE + 9], [PIECE + 9]],
  [
    [2, PIECE + 9],
    [2, PIECE + 9],
    [1, PIECE + 9],
  ],
  [
    [3, 50, 121],
    [3, 50, 121],
    [1, 50, 1],
  ],
  [
    [3, 50, 121],
    [3, 1, 121],
    [3, 50, 121],
  ],
  [[0], [0], [0]],
  [
    [0, 5],
    [1, 5],
    [1, 1],
  ],
  [
    [4, 0],
    [4, 1],
    [4, 1],
  ],
];

/** Probabilities of all sorts, each at several places. */
function rates(length: number, salt: number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length }, (_, i) => {
    const k = (i * 5 + salt) % 11;
    return k < PROBABILITIES.length ? (PROBABILITIES[k] as number) : ((i * 7919 + salt) % 997) / 997;
  });
}

// The parts that the same forms need again in every dtype and build.
const INDICES = new Map<string, readonly number[]>();
const INTEGERS = new Map<string, Float64Array>();

/** For each element of `shape` the index of the one of `small` that is broadcast to it. */
function indicesOf(small: readonly number[], shape: readonly number[]): readonly number[] {
  const key = `${small} in ${shape}`;
  const known = INDICES.get(key);
  if (known !== undefined) return known;
  const indices = Array.from({ length: product(shape) }, (_, i) =>
    indexOf(
      placeOf(i, shape).map((at, k) => (small[k] === 1 ? 0 : at)),
      small,
    ),
  );
  INDICES.set(key, indices);
  return indices;
}

/** The value of each element of `small`, which is broadcast over `shape`. */
const spread = (small: ArrayLike<number>, smallShape: readonly number[], shape: readonly number[]): number[] =>
  indicesOf(smallShape, shape).map((at) => small[at] as number);

/** The first random integers of the stream of these tests. */
function integersOf(kind: (typeof KINDS)[number], count: number): Float64Array {
  const key = `${kind} ${count}`;
  const integers = INTEGERS.get(key) ?? uniforms(kind, SEED, STREAM, START, count);
  INTEGERS.set(key, integers);
  return integers;
}

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
type Use = "train" | "none" | "alpha" | "alphaBackward";

/** The result of each element by its own probability. */
function expected<X extends Floats>(x: X, u: readonly number[], p: readonly number[], kind: (typeof KINDS)[number], use: Use): X {
  const round = x instanceof Float32Array ? Math.fround : (value: number) => value;
  const range = kind === "tile" ? 2 ** 48 : 2 ** 32;
  const y = x.slice() as X;
  x.forEach((value, i) => {
    const c = chance(kind, p[i] as number);
    const q = c.threshold / range;
    const kept = (u[i] as number) >= c.threshold;
    if (q === 0 || (use === "none" && kept)) return;
    if (use === "train" || use === "none") {
      y[i] = kept ? value * (x instanceof Float32Array ? c.scale32 : c.scale64) : 0;
      return;
    }
    const a = 1 / Math.sqrt((ALPHA ** 2 * q + 1) * (1 - q));
    const b = ALPHA * a * q;
    if (q === 1) y[i] = 0;
    else if (use === "alpha") y[i] = kept ? round(value * round(a)) + round(b) : round(-ALPHA * a + b);
    else y[i] = kept ? value * round(a) : 0;
  });
  return y;
}

for (const simd of [true, false]) {
  describe(simd ? "SIMD build" : "scalar build", () => {
    let dropout: Dropout;
    let shapes: Shapes;
    beforeAll(async () => {
      const plain = await createDropout({ seed: SEED, simd });
      ({ dropout } = await createHalf(plain, { simd }));
      shapes = await createShapes(dropout, { simd });
    });

    it.each(["f32", "f64"] as const)("%s, forward and backward, of every broadcasting", (dtype) => {
      let salt = 0;
      for (const [shape, noiseShape, pShape] of FORMS) {
        for (const kind of KINDS) {
          const what = `${shape}, decisions ${noiseShape}, p ${pShape}, ${kind}`;
          const p = rates(product(pShape), ++salt);
          const decisions = integersOf(kind, product(noiseShape));
          const u = spread(decisions, noiseShape, shape);
          const each = spread(p, pShape, shape);
          const x = sample(dtype, product(shape), salt) as Float32Array<ArrayBuffer>;
          const options = { kind, stream: STREAM, start: START, shape, noiseShape, pShape };

          const right = expected(x, u, each, kind, "train");
          const { y, ticket } = shapes.broadcastDropout(x, p, options);
          expectSame(y, right, what);
          expect(ticket).toEqual({
            version: 1,
            op: "broadcastDropout",
            kind,
            seed: "42",
            stream: "9",
            start: START,
            length: product(noiseShape),
            shape,
            noiseShape,
            pShape,
          });
          expectSame(shapes.backward(x, json(ticket), { p: [...p] }).dx, right, `${what}, backward`);
          const inside = dropout.from(x);
          const held = dropout.from(p);
          expectSame(shapes.backward(inside, ticket, { p: held }).dx.array, right, `${what}, backward of buffers`);
          expectSame(shapes.broadcastDropout(inside, held, { ...options, out: inside }).y.array, right, `${what}, in place`);
          for (const buffer of [inside, held]) buffer.free();
          const none = shapes.broadcastDropout(x, p, { ...options, rescale: "none" });
          expectSame(none.y, expected(x, u, each, kind, "none"), `${what}, unscaled`);
          expectSame(shapes.backward(x, none.ticket, { p }).dx, none.y, `${what}, unscaled, backward`);

          const alpha = shapes.alphaDropout(x, p, options);
          expectSame(alpha.y, expected(x, u, each, kind, "alpha"), `${what}, alpha`);
          expectSame(
            shapes.backward(x, json(alpha.ticket), { p }).dx,
            expected(x, u, each, kind, "alphaBackward"),
            `${what}, alpha, backward`,
          );

          if (pShape.every((size, k) => size === 1 || noiseShape[k] === size)) {
            const mask = new Uint8Array(Math.ceil(decisions.length / 8)).fill(0xaa);
            expectSame(shapes.broadcastDropout(x, p, { ...options, mask }).y, right, `${what}, with a mask`);
            const rateOf = spread(p, pShape, noiseShape);
            const keep = Uint8Array.from(decisions, (value, k) => (value >= chance(kind, rateOf[k] as number).threshold ? 1 : 0));
            expectBytes(mask, keepBits(keep), `${what}, the mask`);
            const stored = { p, kind, shape, noiseShape, pShape };
            expectSame(shapes.backward(x, stored, { mask }).dx, right, `${what}, from the mask`);
            expectSame(shapes.backward(x, ticket, { mask, p }).dx, right, `${what}, from ticket and mask`);
          }
        }
      }
    });

    it.each(["f16", "bf16"] as const)("%s: the results of f32, rounded", (dtype) => {
      const [shape, pShape] = [
        [6, 700],
        [6, 1],
      ];
      const p = [0, 0.1, 0.5, 0.9, 0.99, 1];
      const numbers = numbersOf(
        bitsOf(
          Array.from({ length: 4200 }, (_, i) => Math.sin(i)),
          FORMATS[dtype],
        ),
        FORMATS[dtype],
      );
      const x = bitsOf(numbers, FORMATS[dtype]);
      const options = { shape, pShape, stream: STREAM };
      for (const operation of ["broadcastDropout", "alphaDropout"] as const) {
        const single = shapes[operation](numbers, p, options);
        const { y, ticket } = shapes[operation](x, p, { ...options, dtype });
        expect(y).toEqual(bitsOf(single.y, FORMATS[dtype]));
        const { dx } = shapes.backward(x, ticket, { p }, { dtype });
        expect(dx).toEqual(bitsOf(shapes.backward(numbers, single.ticket, { p }).dx, FORMATS[dtype]));
      }
      if (dtype === "bf16") return;
      expect(() => shapes.dropPath(x, [0, 0, 0, 1 - 2 ** -17, 0, 1], { shape, dtype })).toThrow(
        '"p[3]" expected 1, or below 1 - 1 / 65520 for f16',
      );
      expect(() => shapes.alphaDropout(x, [0, 1 - 2 ** -48, 0, 0, 0, 0], { shape, dtype })).toThrow(
        '"p[1]" expected 1, or a value at which',
      );
      expect(shapes.dropPath(x, [0, 0, 0, 1 - 2 ** -17, 0, 1], { shape, dtype, scaleByKeep: false }).y).toHaveLength(4200);
    });

    it("each method, one probability a sample by default, is its calls on single samples", () => {
      const shape = [4, 3, 2, 5];
      const x = sample("f32", product(shape), 3) as Float32Array<ArrayBuffer>;
      const p = [0, 0.25, 0.6, 1];
      const size = x.length / 4;
      for (const [name, decisions, own] of [
        ["broadcastDropout", size, {}],
        ["spatialDropout", 3, {}],
        ["spatialDropout", 5, { dataFormat: "channelsLast" }],
        ["dropPath", 1, {}],
        ["dropPath", 1, { scaleByKeep: false }],
        ["alphaDropout", size, {}],
        ["featureAlphaDropout", 3, {}],
      ] as const) {
        const call = (data: Float32Array, rate: number | Probabilities, options: object) =>
          (shapes as Anything)[name](data, rate, { ...own, stream: 4, ...options }) as { y: Float32Array; ticket: Anything };
        const all = call(x, p, { shape });
        const gradients = shapes.backward(x, all.ticket, { p: Float64Array.from(p) }).dx;
        p.forEach((rate, k) => {
          const part = x.slice(k * size, (k + 1) * size);
          const one = call(part, rate, { shape: [1, ...shape.slice(1)], start: k * decisions });
          expectSame(all.y.slice(k * size, (k + 1) * size), one.y, `${name}, sample ${k}`);
          expectSame(gradients.slice(k * size, (k + 1) * size), shapes.backward(part, one.ticket).dx, `${name}, backward of sample ${k}`);
        });
      }
    });

    it("are nested: what is dropped stays dropped at every larger probability", () => {
      const n = 5000;
      const x = new Float32Array(n).fill(1);
      const low = Float64Array.from({ length: n }, (_, i) => (i % 100) / 100);
      const high = low.map((p) => Math.min(1, p + 0.3));
      const options = { shape: [n], stream: 8 };
      const [a, b] = [low, high].map((p) => shapes.broadcastDropout(x, p, options).y) as [Float32Array, Float32Array];
      a.forEach((value, i) => {
        if (value === 0 && b[i] !== 0) throw new Error(`element ${i}`);
      });
    });

    it("outside training: nothing is dropped, and the classic form scales each by its own", () => {
      const x = sample("f32", 12) as Float32Array<ArrayBuffer>;
      const p = [0, 0.5, 1];
      const before = dropout.state;
      for (const rescale of ["train", "none"] as const) {
        const mask = new Uint8Array(1);
        const { y, ticket } = shapes.dropPath(x, p, { shape: [3, 4], training: false, rescale, mask });
        expectSame(y, x, rescale);
        expect(mask[0]).toBe(0b111);
        expect(ticket).toMatchObject({ p: 0, pShape: [3, 1] });
        for (const saved of [{}, { p }]) expectSame(shapes.backward(x, json(ticket), saved).dx, x, `${rescale}, backward`);
        expectBytes(dropout.replay(ticket as Anything), Uint8Array.of(0b111), "replayed");
      }
      const mask = new Uint8Array(1);
      const { y, ticket } = shapes.dropPath(x, p, { shape: [3, 4], training: false, rescale: "test", mask });
      expectSame(
        y,
        x.map((value, i) => (i < 4 ? value : i < 8 ? value * 0.5 : 0)),
        "test",
      );
      expect(mask[0]).toBe(0b111);
      expectSame(shapes.backward(x, json(ticket), { p }).dx, y, "test, backward");
      expect(dropout.state).toEqual(before);
      const alpha = shapes.alphaDropout(x, p, { shape: [3, 4], training: false });
      expectSame(alpha.y, x, "alpha");
      expectSame(shapes.backward(x, alpha.ticket).dx, x, "alpha, backward");
    });

    it("0 keeps all bits, also of NaN, and 1 leaves +0", () => {
      const bits = Uint32Array.of(0x7f800001, 0xffc12345, 0x80000000, 1, 0x7f800001, 0xffc12345, 0x80000000, 1);
      const x = new Float32Array(bits.buffer);
      const { y } = shapes.broadcastDropout(x, [0, 1], { shape: [2, 4] });
      expect([...new Uint32Array(y.buffer)]).toEqual([...bits.slice(0, 4), 0, 0, 0, 0]);
    });

    it("takes one stream number a training call, and gives back its memory", () => {
      const x = new Float32Array(4 * 6000).fill(1);
      const options = { shape: [4, 60, 100], noiseShape: [null, 1, null], pShape: [60, 1] };
      const p = rates(60, 1);
      const call = () => {
        const next = BigInt(dropout.state.nextStream);
        const { ticket } = shapes.broadcastDropout(x, p, options);
        shapes.backward(x, ticket, { p });
        expect(() => shapes.broadcastDropout(x, p, { ...options, start: -1 })).toThrow(RangeError);
        expect(() => shapes.broadcastDropout(x, p, { ...options, out: new Float32Array(3) })).toThrow(RangeError);
        expect(ticket.stream).toBe(String(next));
        expect(BigInt(dropout.state.nextStream)).toBe(next + 1n);
      };
      call();
      const { byteLength } = dropout.memory.buffer;
      for (let k = 0; k < 20; ++k) call();
      expect(dropout.memory.buffer.byteLength).toBe(byteLength);
    });
  });
}

describe("empty data", () => {
  it("take no memory, however many decisions their shape has", async () => {
    const small = await createDropout({ seed: SEED, maxBytes: 2 ** 20 });
    const extension = await createShapes(small);
    const none = new Float32Array(0);
    const shape = [2 ** 20, 0, 3];
    const options = { shape, noiseShape: [2 ** 20, 1, 3], pShape: [1, 1, 3], stream: STREAM };
    const { y, ticket } = extension.broadcastDropout(none, [0.1, 0.5, 0.9] as Anything, options);
    expect(y).toHaveLength(0);
    expect(extension.backward(none, json(ticket), { p: [0.1, 0.5, 0.9] } as Anything).dx).toHaveLength(0);
  });
});

describe("refusals", () => {
  let dropout: Dropout;
  let shapes: Shapes;
  const x = new Float32Array(12).fill(1);
  const shape = [3, 4];
  beforeAll(async () => {
    dropout = await createDropout({ seed: SEED });
    shapes = await createShapes(dropout);
  });

  const path = (p: unknown, options: object = {}) => shapes.dropPath(x, p as number[], { shape, ...options });
  const ALSO = ": one for each sample, or as many as pShape says";
  const NUMBERS = "number in [0, 1], or array, Float32Array, Float64Array or buffer of f32 or f64 of such numbers";
  const lying = () => Object.defineProperty(new Float32Array(3), "length", { value: 12 });

  it.each<[name: string, act: () => unknown, type: typeof TypeError | typeof RangeError, message: string]>([
    ["too few", () => path([0.1, 0.2]), RangeError, `"p" expected length 3${ALSO}, got 2`],
    ["too many", () => path(new Float32Array(4)), RangeError, `"p" expected length 3${ALSO}, got 4`],
    ["an array of 2^32 - 1", () => path(new Array(2 ** 32 - 1)), RangeError, `"p" expected length 3${ALSO}, got 4294967295`],
    ["one out of range", () => path([0, 1.5, 0]), RangeError, '"p[1]" expected number in [0, 1], got 1.5'],
    ["one that is no number", () => path([0, 0, "1"]), TypeError, '"p[2]" expected number in [0, 1], got string "1"'],
    ["one that is missing", () => path(new Array(3)), TypeError, '"p[0]" expected number in [0, 1], got undefined'],
    ["NaN in f32", () => path(Float32Array.of(0, Number.NaN, 0)), RangeError, '"p[1]" expected number in [0, 1], got NaN'],
    ["nested", () => path([[0], [0], [0]]), TypeError, '"p[0]" expected number in [0, 1], got Array(1)'],
    ["another dtype", () => path(new Uint16Array(3)), TypeError, `"p" expected ${NUMBERS}, got Uint16Array(3)`],
    ["an object", () => path({ length: 3 }), TypeError, '"p" expected number in [0, 1], got Object(3)'],
    ["a shape that does not fit", () => path([0, 0], { pShape: [2] }), RangeError, '"pShape[0]" expected 1 or 4, got 2'],
    [
      "more dimensions",
      () => path([0], { pShape: [1, 1, 1] }),
      RangeError,
      '"pShape" expected array of 0 to 2 non-negative integers, got [1, 1, 1]',
    ],
    [
      "a shape of one probability",
      () => path(0.5, { pShape: [1] }),
      TypeError,
      '"pShape" expected nothing beside one probability, got Array(1)',
    ],
    [
      "no samples",
      () => shapes.spatialDropout(x, [0, 0, 0], { shape, batched: false }),
      TypeError,
      '"pShape" expected shape of p, as data without samples have no probability for each, got undefined',
    ],
    [
      "a mask of decisions with several probabilities",
      () => path([0, 0, 0, 0], { pShape: [4], mask: new Uint8Array(1) }),
      TypeError,
      '"mask" expected nothing, as "p" differs among elements that share a decision, got Uint8Array(1)',
    ],
    [
      "several for DropBlock",
      () => shapes.dropBlock(x, [0.1] as Anything, { shape: [1, 1, 3, 4] }),
      TypeError,
      '"p" expected one number in [0, 1] (for one for each sample, call once for each, with the same stream and start at its first decision), got Array(1)',
    ],
    [
      "several in the core",
      () => dropout.dropout(x, [0.1] as Anything),
      TypeError,
      '"p" expected one number in [0, 1] (broadcastDropout of wasm-dropout/shapes takes an array of them), got Array(1)',
    ],
    [
      "several for a mask",
      () => dropout.mask(4, Float64Array.of(0.1) as Anything),
      TypeError,
      '"p" expected one number in [0, 1] (broadcastDropout of wasm-dropout/shapes takes an array of them), got Float64Array(1)',
    ],
  ])("%s", (_name, act, type, message) => {
    const before = dropout.state;
    expectRefusal(act, type, message);
    expect(dropout.state).toEqual(before);
  });

  it("of tickets and saved probabilities", () => {
    const { ticket } = path([0, 0.5, 1]);
    const { ticket: single } = shapes.dropPath(x, 0.5, { shape });
    const back = (given: object, saved: object) => () => shapes.backward(x, given as Anything, saved as Anything);
    const among = "array of probabilities that the forward call was given";
    expectRefusal(back(ticket, {}), TypeError, `"saved.p" expected ${among}, got undefined`);
    expectRefusal(back(ticket, { p: 0.5 }), TypeError, `"saved.p" expected ${among}, got 0.5`);
    expectRefusal(back(ticket, { p: [0.5] }), RangeError, `"saved.p" expected length 3${ALSO}, got 1`);
    expectRefusal(back(ticket, { p: [0, 2, 0] }), RangeError, '"saved.p[1]" expected number in [0, 1], got 2');
    expectRefusal(back(single, { p: [0.5] }), TypeError, '"saved.p" expected nothing beside a ticket of one probability, got Array(1)');
    expectRefusal(
      back({ ...ticket, p: 0.5 }, { p: [0, 0, 0] }),
      TypeError,
      '"ticket.p" expected nothing beside ticket.pShape, or 0, got 0.5',
    );
    expectRefusal(back({ ...ticket, pShape: [2, 1] }, { p: [0, 0] }), RangeError, '"ticket.pShape[0]" expected 1 or 3, got 2');
    expectRefusal(
      () => dropout.replay(ticket as Anything),
      TypeError,
      '"ticket.p" expected number in [0, 1]: a ticket with pShape has none, and only Shapes.backward takes it, with saved.p, got undefined',
    );
  });

  it("an output over the probabilities, which backward needs again", () => {
    const p = new Float32Array(12).fill(0.5);
    expectRefusal(
      () => path(p, { pShape: shape, out: p }),
      RangeError,
      '"out" expected memory apart from "p", got memory that overlaps it',
    );
    const { ticket } = path(p, { pShape: shape });
    expect(() => shapes.backward(x, ticket, { p }, { dx: p })).toThrow('"dx" expected memory apart from "saved.p"');
  });

  it("arrays that lie, change or call the instance when they are read", () => {
    expectSame(path(lying(), { stream: 1 }).y, path([0, 0, 0], { stream: 1 }).y, "own length");
    const p = [0.5, 0.5, 0.5];
    const reads = new Proxy(p, {
      get(target, key, receiver) {
        if (key === "1") dropout.dropout(x, 0.9, { stream: 100, kind: "philox", start: 5 });
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    expectSame(path(reads, { stream: 1 }).y, path(p, { stream: 1 }).y, "a proxy");
    const changing = [0.5, 0.5, 0.5];
    const options = {
      stream: 1,
      get rescale() {
        changing.length = 0;
        return "train" as const;
      },
    };
    expect(() => path(changing, options)).toThrow('"p" expected length 3');
    const held = dropout.from(Float64Array.of(0, 0.5, 1));
    held.free();
    expect(() => path(held)).toThrow('"p" expected live buffer');
    const gone = Float64Array.of(0, 0.5, 1);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(() => path(gone)).toThrow('"p" expected attached array');
  });
});
