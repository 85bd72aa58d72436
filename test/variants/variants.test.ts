// Variants by their API: against the oracle, in both builds, for arrays and buffers, in place and in pieces, slices and tickets, gradients, and refusals that
// leave everything as it was.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createHalf } from "../../src/half/index.js";
import { concreteRegularizer, createVariants, depthRates, scheduledRate, type Variants } from "../../src/variants/index.js";
import { chance, drop, expectSame, keepBytes, sample, uniforms } from "../support/oracle.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";
import { exact, type Floats, marks, slope, soft, words } from "./oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

const SEED = 42n;
const DTYPES = ["f32", "f64"] as const;
const posted = <T>(value: T): T => JSON.parse(JSON.stringify(value));
const plain = (x: ArrayLike<number>) => Array.from(x);

let dropout: Dropout;
let variants: Variants;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
});

describe.each([true, false])("SIMD build: %s", (simd) => {
  beforeAll(async () => {
    variants = await createVariants(dropout, { simd });
  });

  describe.each(DTYPES)("exact dropout, %s", (dtype) => {
    it.each([
      [[1], 0.5],
      [[7], 0.3],
      [[16], 0.5],
      [[5, 33], 0.1],
      [[3, 2, 100], 0.9],
      [[2, 16384], 0.25],
      [[2, 20_001], 0.5],
      [[700, 31], 0.5],
      [[4, 8], 0],
      [[4, 8], 1],
    ] as [number[], number][])("of shape %j at %d", (shape, p) => {
      const columns = shape.at(-1) as number;
      const length = shape.reduce((a, b) => a * b, 1);
      const kept = columns - Math.round(p * columns);
      const x = sample(dtype, length) as Float32Array<ArrayBuffer>;
      const keep = marks(words(SEED, 7n, 3, length), columns, kept);
      const factor = kept === 0 ? 0 : columns / kept;
      const expected = exact(x, keep, factor);
      const options = { shape, stream: 7, start: 3 };
      const { y, ticket } = variants.exactDropout(x, p, options);
      expectSame(y, expected, "new array");
      expect(keep.filter(Boolean)).toHaveLength((kept * length) / columns);
      const out = x.slice();
      expect(variants.exactDropout(out, p, { ...options, out }).y).toBe(out);
      expectSame(out, expected, "in place");
      using buffer = dropout.from(x);
      using made = variants.exactDropout(buffer, p, options).y;
      expectSame(made.array as Floats, expected, "buffer");
      expectSame(variants.backward(x, posted(ticket)).dx, expected, "gradient");
      const odd = new (x.constructor as typeof Float32Array)(length + 1).subarray(1);
      variants.backward(x, ticket, {}, { dx: odd });
      expectSame(odd, expected, "gradient at an odd place");
      // Whole rows of a call are the rows of a call on them.
      if (shape.length > 1) {
        const last = variants.exactDropout(x.slice(-columns), p, { stream: 7, start: 3 + length - columns });
        expectSame(last.y, expected.slice(-columns), "last row");
      }
    });

    it("keeps what larger shares keep, and drops infinities", () => {
      const x = sample(dtype, 64).fill(Infinity) as Float32Array<ArrayBuffer>;
      let before = variants.exactDropout(x, 0, { stream: 1 }).y;
      expectSame(before, x, "nothing dropped");
      for (let dropped = 1; dropped <= 64; ++dropped) {
        const y = variants.exactDropout(x, dropped / 64, { stream: 1 }).y;
        expect(plain(y).filter((value) => value === 0)).toHaveLength(dropped);
        y.forEach((value, i) => {
          if (value !== 0) expect(before[i]).not.toBe(0);
        });
        before = y;
      }
    });
  });

  it("takes each set of k equally often", () => {
    const [n, k, rows] = [5, 2, 20_000];
    const { y } = variants.exactDropout(new Float32Array(n * rows).fill(1), 1 - k / n, { shape: [rows, n], stream: 9 });
    const counts = new Map<string, number>();
    for (let row = 0; row < rows; ++row) {
      const set = plain(y.subarray(row * n, (row + 1) * n).map(Math.sign)).join("");
      counts.set(set, (counts.get(set) ?? 0) + 1);
    }
    expect(counts.size).toBe(10);
    const expected = rows / 10;
    // Chi-square of 9 degrees of freedom is above 50 once in 10^7.
    expect([...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(50);
  });

  describe.each(DTYPES)("patch dropout, %s", (dtype) => {
    it.each([
      [[2, 5, 3], 0, 0.5],
      [[3, 197, 4], 1, 0.5],
      [[2, 10, 1], 2, 0.9],
      [[1, 1, 8], 0, 0.99],
      [[4, 6, 7], 6, 0.5],
      [[2, 3000, 11], 0, 0.25],
      [[2, 4, 0], 1, 0.5],
      [[0, 4, 3], 1, 0.5],
    ] as [number[], number, number][])("of shape %j, prefix %d, at %d", (shape, prefix, p) => {
      const [samples, tokens, features] = shape as [number, number, number];
      const n = tokens - prefix;
      const kept = Math.min(n, Math.max(1, Math.floor(n * (1 - p) + 1e-9)));
      const x = sample(dtype, samples * tokens * features) as Float32Array<ArrayBuffer>;
      const keep = marks(words(SEED, 5n, 10, samples * n), n, kept);
      const places = Array.from({ length: samples }, (_, s) => [
        ...Array.from({ length: prefix }, (_, k) => k),
        ...Array.from({ length: n }, (_, k) => k)
          .filter((k) => keep[s * n + k])
          .map((k) => prefix + k),
      ]);
      const rows = places.flatMap((list, s) => list.map((k) => s * tokens + k));
      const result = variants.patchDropout(x, p, { shape, prefix, stream: 5, start: 10 });
      expect(result.shape).toEqual([samples, prefix + kept, features]);
      expect(plain(result.indices)).toEqual(places.flat());
      const expected = rows.flatMap((row) => plain(x.slice(row * features, (row + 1) * features)));
      expect(plain(result.y)).toEqual(expected);
      const whole = x.slice().fill(0);
      for (const row of rows) whole.set(x.subarray(row * features, (row + 1) * features), row * features);
      expectSame(variants.backward(result.y, posted(result.ticket)).dx, whole, "gradient");
      expectSame(variants.restore(result.y, result.ticket), whole, "restored");
      using buffer = dropout.from(x);
      using y = variants.patchDropout(buffer, p, { shape, prefix, stream: 5, start: 10 }).y;
      expect(plain(y.array as Floats)).toEqual(expected);
      using again = dropout.alloc(dtype, x.length);
      (again.array as Floats).fill(7);
      variants.restore(result.y, result.ticket, { out: again } as Anything);
      expectSame(again.array as Floats, whole, "restored to a buffer that held other data");
    });

    it("keeps all outside training, in order", () => {
      const x = sample(dtype, 12) as Float32Array<ArrayBuffer>;
      const { y, indices, shape } = variants.patchDropout(x, 0.5, { shape: [2, 3, 2], training: false });
      expectSame(y, x, "copied");
      expect([plain(indices), shape]).toEqual([
        [0, 1, 2, 0, 1, 2],
        [2, 3, 2],
      ]);
    });
  });

  describe.each(DTYPES)("zoneout, %s", (dtype) => {
    it.each([0, 1, 17, 16384, 40_001])("length %d", (length) => {
      const x = sample(dtype, length) as Float32Array<ArrayBuffer>;
      const previous = sample(dtype, length, 5) as Float32Array<ArrayBuffer>;
      const p = 0.3;
      const keep = keepBytes(uniforms("tile", SEED, 4n, 9, length), chance("tile", p));
      const expected = x.map((value, i) => (keep[i] ? value : (previous[i] as number)));
      const options = { previous, stream: 4, start: 9 };
      const { y, ticket } = variants.zoneout(x, p, options);
      expectSame(y, expected, "new array");
      for (const which of ["x", "previous"]) {
        const [a, b] = [x.slice(), previous.slice()];
        const out = which === "x" ? a : b;
        variants.zoneout(a, p, { ...options, previous: b, out } as Anything);
        expectSame(out, expected, `in place of ${which}`);
      }
      using state = dropout.from(previous);
      using made = variants.zoneout(dropout.from(x), p, { ...options, previous: state } as Anything).y as Anything;
      expectSame(made.array, expected, "buffers");
      const dy = sample(dtype, length, 8) as Float32Array<ArrayBuffer>;
      const { dx, dprevious } = variants.backward(dy, posted(ticket));
      expectSame(
        dx,
        dy.map((value, i) => (keep[i] ? value : 0)),
        "dx",
      );
      expectSame(
        dprevious,
        dy.map((value, i) => (keep[i] ? 0 : value)),
        "dprevious",
      );
      const inPlace = dy.slice();
      const both = variants.backward(inPlace, ticket, {}, { dx: inPlace } as Anything) as Anything;
      expectSame(both.dx, dx, "dx in place of dy");
      expectSame(both.dprevious, dprevious, "dprevious beside it");
      expect(plain(dropout.replay(ticket as Anything, { format: "bytes" }))).toEqual(plain(keep));
    });

    it("is the mean of both states outside training, and its gradient the shares", () => {
      const x = sample(dtype, 50) as Float32Array<ArrayBuffer>;
      const previous = sample(dtype, 50, 5) as Float32Array<ArrayBuffer>;
      const round = dtype === "f32" ? Math.fround : (value: number) => value;
      const { y, ticket } = variants.zoneout(x, 0.25, { previous, training: false });
      expectSame(
        y,
        x.map((value, i) => round(value * 0.75) + round((previous[i] as number) * 0.25)),
        "mean",
      );
      const { dx, dprevious } = variants.backward(x, ticket);
      expectSame(
        dx,
        x.map((value) => value * 0.75 + 0),
        "dx",
      );
      expectSame(
        dprevious,
        x.map((value) => value * 0.25 + 0),
        "dprevious",
      );
      for (const [p, same] of [
        [0, x],
        [1, previous],
      ] as const) {
        expectSame(variants.zoneout(x, p, { previous, training: false }).y, same, `mean at ${p}`);
        expectSame(variants.zoneout(x, p, { previous }).y, same, `training at ${p}`);
      }
    });
  });

  describe("concrete dropout", () => {
    it.each([
      [1, 0.1, 0.1],
      [33, 0.5, 0.1],
      [20_003, 0.1, 0.1],
      [1000, 0.9, 1],
      [1000, 2 ** -20, 0.1],
      [1000, 1 - 2 ** -20, 0.5],
    ])("length %d, p = %d, temperature %d", (length, p, temperature) => {
      const x = sample("f32", length).map((value) => (Math.abs(value) < 100 ? value : 1)) as Float32Array<ArrayBuffer>;
      const w = words(SEED, 6n, 5, length);
      const { y, ticket } = variants.concreteDropout(x, p, { temperature, stream: 6, start: 5 });
      const rounded = Math.fround(p);
      const close = (actual: number, expected: number, unit: number) =>
        expect(Math.abs(actual - expected)).toBeLessThanOrEqual(2e-5 * (Math.abs(expected) + unit) + 2 ** -140);
      y.forEach((value, i) => {
        const bound = Math.abs(x[i] as number) / (1 - rounded);
        close(value, ((x[i] as number) * soft(w[i] as number, rounded, temperature)) / (1 - rounded), bound * 0.05);
      });
      const dy = sample("f32", length, 3).map((value) => (Math.abs(value) < 100 ? value : 1)) as Float32Array<ArrayBuffer>;
      const { dx, dp } = variants.backward(dy, posted(ticket), { x });
      dx.forEach((value, i) => {
        const bound = Math.abs(dy[i] as number) / (1 - rounded);
        close(value, ((dy[i] as number) * soft(w[i] as number, rounded, temperature)) / (1 - rounded), bound * 0.05);
      });
      const terms = w.map((one, i) => (dy[i] as number) * (x[i] as number) * slope(one, rounded, temperature));
      const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
      expect(Math.abs(dp - terms.reduce((sum, term) => sum + term, 0))).toBeLessThanOrEqual(1e-4 * size);
    });

    it("has the gradient of finite differences for p", () => {
      const x = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i));
      const w = words(SEED, 2n, 0, 400);
      const total = (p: number) => w.reduce((sum, one, i) => sum + ((x[i] as number) * soft(one, p, 0.5)) / (1 - p), 0);
      const { ticket } = variants.concreteDropout(x, 0.25, { temperature: 0.5, stream: 2 });
      const { dp } = variants.backward(x.slice().fill(1), ticket, { x });
      const difference = (total(0.25 + 1e-6) - total(0.25 - 1e-6)) / 2e-6;
      expect(Math.abs(dp - difference)).toBeLessThan(1e-3 * Math.abs(difference) + 1e-3);
    });

    it("gives the same bits in place, from buffers, and for a slice, and copies outside training", () => {
      const x = sample("f32", 20_000) as Float32Array<ArrayBuffer>;
      const options = { stream: 3, start: 1 };
      const { y } = variants.concreteDropout(x, 0.3, options);
      const out = x.slice();
      variants.concreteDropout(out, 0.3, { ...options, out });
      expectSame(out, y, "in place");
      using buffer = dropout.from(x);
      using made = variants.concreteDropout(buffer, 0.3, options).y;
      expectSame(made.array, y, "buffer");
      expectSame(variants.concreteDropout(x.slice(999), 0.3, { stream: 3, start: 1000 }).y, y.slice(999), "slice");
      const { y: same, ticket } = variants.concreteDropout(x, 0.3, { training: false });
      expectSame(same, x, "copied");
      const gradient = variants.backward(x, ticket, { x });
      expectSame(gradient.dx, x, "gradient");
      expect(gradient.dp).toBe(0);
    });
  });

  it("works on 16-bit data as on their f32, rounded once more", async () => {
    const half = await createHalf(dropout);
    const wide = await createVariants(half.dropout, { simd });
    const x = Float32Array.from({ length: 300 }, (_, i) => Math.cos(i));
    for (const dtype of ["f16", "bf16"] as const) {
      const narrow = half.fromFloat32(x, dtype);
      const single = half.toFloat32(narrow, dtype);
      const rounded = (y: Float32Array) => plain(half.fromFloat32(y, dtype));
      const options = { stream: 8, dtype };
      expect(plain(wide.exactDropout(narrow, 0.3, options).y)).toEqual(rounded(wide.exactDropout(single, 0.3, { stream: 8 }).y));
      const shape = [3, 10, 10];
      const tokens = wide.patchDropout(narrow, 0.5, { ...options, shape });
      expect(plain(tokens.y)).toEqual(rounded(wide.patchDropout(single, 0.5, { stream: 8, shape }).y));
      expect(wide.restore(tokens.y, tokens.ticket, { dtype })).toHaveLength(300);
      const previous = narrow.slice().reverse();
      const before = half.toFloat32(previous, dtype);
      expect(plain(wide.zoneout(narrow, 0.3, { ...options, previous }).y)).toEqual(
        rounded(wide.zoneout(single, 0.3, { stream: 8, previous: before }).y),
      );
      const soften = wide.concreteDropout(narrow, 0.3, options);
      expect(plain(soften.y)).toEqual(rounded(wide.concreteDropout(single, 0.3, { stream: 8 }).y));
      expect(wide.backward(narrow, soften.ticket, { x: narrow }, { dtype }).dx).toHaveLength(300);
    }
    expectRefusal(
      () => wide.exactDropout(new Uint16Array(70_000), 1 - 1 / 70_000, { dtype: "f16" }),
      RangeError,
      '"p" expected so many elements kept that n / k is below 65520 for f16, got 1 of 70000 kept',
    );
  });
});

describe("empty data", () => {
  it("give empty results and use up a number of the stream", () => {
    const before = dropout.state.nextStream;
    const none = new Float32Array(0);
    expect(variants.exactDropout(none, 0.5).y).toHaveLength(0);
    expect(variants.exactDropout(none, 0.5, { shape: [3, 0] }).y).toHaveLength(0);
    const { y, ticket } = variants.patchDropout(none, 0.5, { shape: [0, 5, 2] });
    expect([y.length, variants.backward(none, ticket).dx.length]).toEqual([0, 0]);
    const zoned = variants.zoneout(none, 0.5, { previous: none });
    expect(variants.backward(none, zoned.ticket).dprevious).toHaveLength(0);
    const concrete = variants.concreteDropout(none, 0.5);
    expect(variants.backward(none, concrete.ticket, { x: none }).dp).toBe(0);
    expect(BigInt(dropout.state.nextStream) - BigInt(before)).toBe(5n);
  });
});

describe("refusals", () => {
  const four = new Float32Array(4).fill(1);
  const cases: [string, (v: Anything) => unknown, typeof TypeError | typeof RangeError, string][] = [
    ["a share", (v) => v.exactDropout(four, 1.5), RangeError, '"p" expected number in [0, 1], got 1.5'],
    ["a shape", (v) => v.exactDropout(four, 0.5, { shape: [3] }), RangeError, '"shape" expected dimensions whose product is 4, got [3]'],
    ["a key", (v) => v.exactDropout(four, 0.5, { shapes: [4] }), TypeError, '"shapes" is no option; did you mean "shape"?'],
    ["a kind", (v) => v.exactDropout(four, 0.5, { kind: "tile" }), RangeError, '"kind" expected "order", got string "tile"'],
    ["no shape", (v) => v.patchDropout(four, 0.5, {}), TypeError, '"shape" expected array of 3 non-negative integers, got undefined'],
    ["all tokens", (v) => v.patchDropout(four, 1, { shape: [1, 4, 1] }), RangeError, '"p" expected number in [0, 1), got 1'],
    [
      "a prefix",
      (v) => v.patchDropout(four, 0.5, { shape: [1, 4, 1], prefix: 5 }),
      RangeError,
      '"prefix" expected integer in [0, 4], got 5',
    ],
    [
      "another length",
      (v) => v.patchDropout(four, 0.5, { shape: [1, 5, 1] }),
      RangeError,
      '"x" expected length 5, the product of shape, got 4',
    ],
    ["no state", (v) => v.zoneout(four, 0.5, {}), TypeError, '"previous" expected Float32Array or f32 buffer, got undefined'],
    ["another state", (v) => v.zoneout(four, 0.5, { previous: new Float32Array(3) }), RangeError, '"previous" expected length 4, got 3'],
    ["p = 0", (v) => v.concreteDropout(four, 0), RangeError, '"p" expected number in [2^-20, 1 - 2^-20], got 0'],
    [
      "a temperature",
      (v) => v.concreteDropout(four, 0.5, { temperature: 0 }),
      RangeError,
      '"temperature" expected number in [0.0009765625, 1024], got 0',
    ],
    ["f64", (v) => v.concreteDropout(new Float64Array(4), 0.5), TypeError, ""],
    ["a ticket of the core", (v) => v.backward(four, dropout.forward(four, 0.5, { stream: 1 }).ticket), RangeError, ""],
    ["x of another operation", (v) => v.backward(four, v.exactDropout(four, 0.5, { stream: 1 }).ticket, { x: four }), TypeError, ""],
    [
      "no x",
      (v) => v.backward(four, v.concreteDropout(four, 0.5, { stream: 1 }).ticket),
      TypeError,
      '"saved.x" expected Float32Array or f32 buffer, got undefined',
    ],
    ["dprevious", (v) => v.backward(four, v.exactDropout(four, 0.5, { stream: 1 }).ticket, {}, { dprevious: four }), TypeError, ""],
    [
      "a length",
      (v) => v.backward(new Float32Array(5), v.zoneout(four, 0.5, { previous: four, stream: 1 }).ticket),
      RangeError,
      '"dy" expected length 4, the ticket\'s, got 5',
    ],
  ];

  it.each(cases)("%s", (_, act, type, message) => {
    const state = dropout.state.nextStream;
    const error = thrownBy(() => act(variants)) as Error;
    expect(error).toBeInstanceOf(type);
    if (message !== "") expect(error.message).toBe(message);
    expect(dropout.state.nextStream).toBe(state);
  });

  it("tickets whose parts do not fit each other", () => {
    const { ticket } = variants.exactDropout(four, 0.5, { stream: 1, shape: [2, 2] });
    const patch = variants.patchDropout(four, 0.5, { stream: 1, shape: [1, 4, 1] }).ticket;
    const bad: [Anything, string][] = [
      [{ ...ticket, length: 5 }, "ticket.length"],
      [{ ...ticket, kept: 3 }, "ticket.kept"],
      [{ ...ticket, kept: -1 }, "ticket.kept"],
      [{ ...ticket, shape: [2, -2] }, "ticket.shape[1]"],
      [{ ...ticket, version: 2 }, "ticket.version"],
      [{ ...ticket, kind: "tile" }, "ticket.kind"],
      [{ ...ticket, seed: "x" }, "ticket.seed"],
      [{ ...ticket, start: 2 ** 53 }, "ticket.start"],
      [{ ...patch, prefix: 9 }, "ticket.prefix"],
      [{ ...patch, shape: [4, 1] }, "ticket.shape"],
      [{ ...variants.concreteDropout(four, 0.5, { stream: 1 }).ticket, p: 1 }, "ticket.p"],
      [{ ...variants.zoneout(four, 0.5, { stream: 1, previous: four }).ticket, share: 2 }, "ticket.share"],
    ];
    for (const [value, name] of bad) {
      const error = thrownBy(() => variants.backward(four, value, value.op === "concreteDropout" ? { x: four } : {})) as Error;
      expect(error).toBeInstanceOf(Error);
      expect(error.message).toContain(`"${name}"`);
    }
  });

  it("options and tickets that call the instance while they are read", () => {
    const shape = [2, 2] as Anything;
    Object.defineProperty(shape, 0, {
      get: () => {
        variants.exactDropout(four, 0.5);
        return 2;
      },
    });
    const outer = variants.exactDropout(four, 0.5, { shape, stream: 3 });
    expect(outer.ticket.stream).toBe("3");
    expectSame(outer.y, variants.exactDropout(four, 0.5, { shape: [2, 2], stream: 3 }).y, "the call's own stream");
  });
});

describe("drop of the same stream", () => {
  it("is what zoneout keeps", () => {
    const x = sample("f32", 100) as Float32Array<ArrayBuffer>;
    const zeros = new Float32Array(100);
    const c = chance("tile", 0.4);
    const keep = keepBytes(uniforms("tile", SEED, 12n, 0, 100), c);
    expectSame(dropout.dropout(x, 0.4, { stream: 12 }), drop(x, keep, c), "dropout");
    expectSame(
      variants.zoneout(x, 0.4, { stream: 12, previous: zeros }).y,
      x.map((value, i) => (keep[i] ? value : 0)),
      "zoneout",
    );
  });
});

describe("rates", () => {
  it("of depth, of schedules", () => {
    expect(depthRates(0.2, 4)).toEqual([0.05, 0.1, (0.2 * 3) / 4, 0.2]);
    expect(depthRates(0.3, 4, { rule: "timm" })).toEqual([0, 0.3 / 3, (0.3 * 2) / 3, 0.3]);
    expect([depthRates(0.3, 1, { rule: "timm" }), depthRates(0.3, 1), depthRates(0.3, 0)]).toEqual([[0], [0.3], []]);
    expect(scheduledRate(250, { from: 0.2, to: 0, steps: 1000 })).toBeCloseTo(0.15, 12);
    expect(scheduledRate(500, { to: 0.4, steps: 1000, curve: "cosine" })).toBeCloseTo(0.2, 12);
    expect(scheduledRate(100, { to: 0.5, steps: 1000, curve: "exponential" })).toBeCloseTo(0.5 * (1 - Math.exp(-1)), 12);
    for (const step of [1000, 5000]) expect(scheduledRate(step, { from: 0.1, to: 0.7, steps: 1000 })).toBe(0.7);
    expect(scheduledRate(0, { from: 0.1, to: 0.7, steps: 0 })).toBe(0.7);
  });

  it("the regularizer has the derivatives of finite differences", () => {
    const options = { squares: 12.5, inputs: 64, weightScale: 0.01, dropoutScale: 0.02 };
    const at = (p: number) => concreteRegularizer(p, options).loss;
    expect(concreteRegularizer(0.3, options).dp).toBeCloseTo((at(0.3 + 1e-6) - at(0.3 - 1e-6)) / 2e-6, 6);
    const more = concreteRegularizer(0.3, { ...options, squares: options.squares + 1 }).loss - at(0.3);
    expect(concreteRegularizer(0.3, options).dw / 2).toBeCloseTo(more, 12);
  });

  it("are refused by name", () => {
    expectRefusal(() => scheduledRate(-1, { to: 0.5, steps: 3 }), RangeError, '"step" expected integer in [0, 9007199254740991], got -1');
    expectRefusal(() => scheduledRate(1, { to: 2, steps: 3 }), RangeError, '"schedule.to" expected number in [0, 1], got 2');
    expectRefusal(() => depthRates(0.5, 3, { rules: "timm" } as Anything), TypeError, '"rules" is no option; did you mean "rule"?');
    expect(thrownBy(() => concreteRegularizer(0, { squares: 1, inputs: 1, weightScale: 1, dropoutScale: 1 }))).toBeInstanceOf(RangeError);
  });
});
