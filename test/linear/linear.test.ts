// Linear layers as a user calls them: DropConnect against products in double precision with the oracle's masks, its gradients by finite
// differences, its moments by counting masks, weight scaling, and what is refused. Both builds must give the same bits throughout.

import { describe, expect, it } from "vitest";
import { createDropout, type Dropout, keepProbability, type WasmBuffer } from "../../src/core/index.js";
import { PIECE } from "../../src/engine/pieces.js";
import { createLinear, type DropConnectOptions, type DropConnectTicket, type Linear } from "../../src/linear/index.js";
import { createNoise } from "../../src/noise/index.js";
import { KIND } from "../support/messages.js";
import { chance, expectBytes, expectSame, KINDS, keepBytes, PROBABILITIES, sample, uniforms } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
type Name = "f32" | "f64";

const NAMES: readonly Name[] = ["f32", "f64"];
const SEED = 0x1234567890abcdefn;
const STREAM = 5n;
const SPAN = 30_000;
const randoms = { tile: uniforms("tile", SEED, STREAM, 0, SPAN), philox: uniforms("philox", SEED, STREAM, 0, SPAN) };

const at = (v: ArrayLike<number>, i: number): number => v[i] as number;
const zeros = (dtype: Name, length: number): Floats => (dtype === "f32" ? new Float32Array(length) : new Float64Array(length));
const numbers = (dtype: Name, length: number, salt: number): Floats =>
  zeros(dtype, length).map((_, i) => Math.sin(i * 1.3 + salt)) as Floats;
const epsilon = { f32: 2 ** -24, f64: 2 ** -53 };

interface Shape {
  readonly batch: number;
  readonly in: number;
  readonly out: number;
}

/** Sizes of 1 to 70 in each dimension, around vectors, steps and blocks of four. */
const SHAPES: readonly Shape[] = [
  ...Array.from({ length: 70 }, (_, k) => ({ batch: 2, in: k + 1, out: 3 })),
  ...Array.from({ length: 70 }, (_, k) => ({ batch: 2, in: 9, out: k + 1 })),
  ...Array.from({ length: 70 }, (_, k) => ({ batch: k + 1, in: 10, out: 5 })),
  { batch: 17, in: 33, out: 31 },
];

const builds = [
  { name: "simd", dropout: await createDropout({ seed: SEED, simd: true }) },
  { name: "scalar", dropout: await createDropout({ seed: SEED, simd: false }) },
].map(async ({ name, dropout }) => ({ name, dropout, linear: await createLinear(dropout, { simd: name === "simd" }) }));
const [simd, scalar] = (await Promise.all(builds)) as [Build, Build];
const { dropout, linear } = simd;

interface Build {
  readonly name: string;
  readonly dropout: Dropout;
  readonly linear: Linear;
}

/** Returns true if example n keeps weight (o, i). */
type Kept = (n: number, o: number, i: number) => boolean;

function keptBy(bytes: Uint8Array, shape: Shape, perExample: boolean): Kept {
  return (n, o, i) => bytes[((perExample ? n : 0) * shape.out + o) * shape.in + i] === 1;
}

/** y and the gradients in double precision, and bounds of their rounding errors: the sums of the sizes of their terms. */
function oracle(x: Floats, w: Floats, bias: Floats | undefined, dy: Floats, shape: Shape, kept: Kept, scale: number) {
  const { batch, in: inputs, out } = shape;
  const make = (length: number) => ({ value: new Float64Array(length), bound: new Float64Array(length) });
  const [y, dx, dw, dbias] = [make(batch * out), make(batch * inputs), make(out * inputs), make(out)] as const;
  const add = (to: ReturnType<typeof make>, i: number, term: number) => {
    to.value[i] = at(to.value, i) + term;
    to.bound[i] = at(to.bound, i) + Math.abs(term);
  };
  for (let n = 0; n < batch; ++n) {
    for (let o = 0; o < out; ++o) {
      const g = at(dy, n * out + o);
      for (let i = 0; i < inputs; ++i) {
        if (!kept(n, o, i)) continue;
        add(y, n * out + o, scale * at(w, o * inputs + i) * at(x, n * inputs + i));
        add(dx, n * inputs + i, scale * at(w, o * inputs + i) * g);
        add(dw, o * inputs + i, scale * at(x, n * inputs + i) * g);
      }
      if (bias !== undefined) add(y, n * out + o, at(bias, o));
      add(dbias, o, g);
    }
  }
  return { y, dx, dw, dbias };
}

/** Throws unless `got` is as near as sums of `terms` terms come, each term rounded up to four times besides. */
function expectNear(
  got: Floats,
  { value, bound }: { value: Float64Array; bound: Float64Array },
  terms: number,
  dtype: Name,
  what: string,
): void {
  expect(got.length, what).toBe(value.length);
  for (let i = 0; i < got.length; ++i) {
    const error = Math.abs(at(got, i) - at(value, i));
    if (!(error <= (terms + 4) * epsilon[dtype] * at(bound, i)))
      throw new Error(`${what}: element ${i} is ${got[i]} instead of ${value[i]}`);
  }
}

function operands(dtype: Name, shape: Shape, salt = 0) {
  return {
    x: numbers(dtype, shape.batch * shape.in, salt),
    w: numbers(dtype, shape.out * shape.in, salt + 1),
    bias: numbers(dtype, shape.out, salt + 2),
    dy: numbers(dtype, shape.batch * shape.out, salt + 3),
  };
}

/** Forward and backward of one build. */
function run({ linear: layer }: Build, { x, w, bias, dy }: ReturnType<typeof operands>, p: number, options: Partial<DropConnectOptions>) {
  const operands = { w: w as Float32Array, bias: bias as Float32Array };
  const { y, ticket } = layer.dropConnect(x as Float32Array, p, { ...operands, ...options });
  return { y: y as Floats, ticket, ...layer.backward(dy as Float32Array, ticket, { x: x as Float32Array, w: w as Float32Array }) };
}

describe("DropConnect", () => {
  it.each(NAMES)("%s: forward and backward equal the products with the masked weights, and the builds each other", (dtype) => {
    let count = 0;
    for (const kind of KINDS) {
      for (const perExample of [true, false]) {
        for (const [k, shape] of SHAPES.entries()) {
          const p = [0.5, 0.1, 1 / 256][k % 3] as number;
          const start = (k * 37) % 5000;
          const drawn = chance(kind, p);
          const span = (perExample ? shape.batch : 1) * shape.out * shape.in;
          const kept = keptBy(keepBytes(randoms[kind].subarray(start, start + span), drawn), shape, perExample);
          const data = operands(dtype, shape, k);
          const options = { kind, stream: STREAM, start, perExample };
          const got = run(simd, data, p, options);
          const same = run(scalar, data, p, options);
          const expected = oracle(data.x, data.w, data.bias, data.dy, shape, kept, dtype === "f32" ? drawn.scale32 : drawn.scale64);
          const what = `${kind}, ${perExample ? "per example" : "shared"}, ${JSON.stringify(shape)}`;
          const terms = { y: shape.in, dx: shape.out, dw: shape.batch, dbias: shape.batch };
          for (const name of ["y", "dx", "dw", "dbias"] as const) {
            expectNear(got[name] as Floats, expected[name], terms[name], dtype, `${name}: ${what}`);
            expectSame(same[name] as Floats, got[name] as Floats, `${name} of the scalar build: ${what}`);
          }
          ++count;
        }
      }
    }
    expect(count).toBe(4 * SHAPES.length);
  });

  it.each([
    { batch: 3, in: 10_000, out: 6 },
    { batch: 40, in: 5000, out: 5 },
    { batch: 70, in: 2, out: PIECE + 808 },
    { batch: 33, in: 300, out: 30 },
    { batch: 2, in: 70_000, out: 1 },
  ])("layers of many parts: $batch x $in x $out", (shape) => {
    for (const dtype of NAMES) {
      for (const perExample of [true, false]) {
        const data = operands(dtype, shape);
        const options = { stream: STREAM, start: 77, perExample };
        const got = run(simd, data, 0.3, options);
        // The mask itself is tested elsewhere.
        const kept = keptBy(dropout.replay(got.ticket, { format: "bytes" }), shape, perExample);
        const expected = oracle(data.x, data.w, data.bias, data.dy, shape, kept, 1 / keepProbability(0.3));
        const terms = { y: shape.in, dx: shape.out, dw: shape.batch, dbias: shape.batch };
        const same = run(scalar, data, 0.3, options);
        // In wasm memory, where nothing is staged.
        const [x, w, bias, dy] = [data.x, data.w, data.bias, data.dy].map((array) => dropout.from(array as Float32Array)) as [
          WasmBuffer<"f32">,
          WasmBuffer<"f32">,
          WasmBuffer<"f32">,
          WasmBuffer<"f32">,
        ];
        const { y, ticket } = linear.dropConnect(x, 0.3, { w, bias, ...options });
        const resident = { y, ...linear.backward(dy, ticket, { x, w }) };
        expect(ticket).toEqual(got.ticket);
        for (const name of ["y", "dx", "dw", "dbias"] as const) {
          expectNear(got[name] as Floats, expected[name], terms[name], dtype, name);
          expectSame(same[name] as Floats, got[name] as Floats, `${name} of the scalar build`);
          expectSame(resident[name].array, got[name] as Floats, `${name} in wasm memory`);
        }
        for (const buffer of [x, w, bias, dy, ...Object.values(resident)]) buffer.free();
      }
    }
  });

  it("the ticket's mask is the one that was used", () => {
    for (const perExample of [true, false]) {
      const shape = { batch: 3, in: 20, out: 7 };
      const x = new Float64Array(3 * 20).fill(1);
      const w = new Float64Array(7 * 20).fill(1);
      const { y, ticket } = linear.dropConnect(x, 0.4, { w, shape, perExample, rescale: "none" });
      expect(ticket).toMatchObject({ op: "dropConnect", perExample, shape, p: 0.4, rescale: "none", length: (perExample ? 3 : 1) * 140 });
      const bytes = dropout.replay(ticket, { format: "bytes" });
      y.forEach((count, unit) => {
        const from = perExample ? unit * 20 : (unit % 7) * 20;
        expect(count).toBe(bytes.subarray(from, from + 20).reduce((sum, k) => sum + k, 0));
      });
      // With ones behind it, the gradient of w counts the examples that keep an element.
      const { dw } = linear.backward(
        new Float64Array(21).fill(1),
        JSON.parse(JSON.stringify(ticket)),
        { x, w },
        { dx: false, dbias: false },
      );
      dw.forEach((count, k) => {
        expect(count).toBe(perExample ? [0, 1, 2].reduce((sum, n) => sum + at(bytes, n * 140 + k), 0) : 3 * at(bytes, k));
      });
    }
  });

  it("gradients are those of finite differences", () => {
    const shape = { batch: 3, in: 11, out: 6 };
    const { x, w, bias, dy } = operands("f64", shape) as Record<string, Float64Array<ArrayBuffer>>;
    if (!x || !w || !bias || !dy) throw new TypeError();
    for (const perExample of [true, false]) {
      for (const rescale of ["train", "none", "test"] as const) {
        const options = { stream: 9, perExample, rescale };
        const loss = () => linear.dropConnect(x, 0.4, { w, bias, ...options }).y.reduce((sum, v, k) => sum + v * at(dy, k), 0);
        const { ticket } = linear.dropConnect(x, 0.4, { w, bias, ...options });
        const { dx, dw, dbias } = linear.backward(dy, ticket, { x, w });
        for (const [operand, gradient] of [
          [x, dx],
          [w, dw],
          [bias, dbias],
        ] as const) {
          operand.forEach((value, k) => {
            // The loss is linear in each operand: any step does, and one of a power of two rounds least.
            operand[k] = value + 0.5;
            const above = loss();
            operand[k] = value - 0.5;
            const below = loss();
            operand[k] = value;
            expect(Math.abs(above - below - at(gradient, k))).toBeLessThan(1e-12);
          });
        }
      }
    }
  });

  it("one example drops the same alone as a batch of one, bit for bit, and examples n.. are a slice of the stream", () => {
    const shape = { batch: 5, in: 50, out: 9 };
    for (const dtype of NAMES) {
      const data = operands(dtype, shape);
      const { x, w } = data as unknown as { x: Float32Array<ArrayBuffer>; w: Float32Array<ArrayBuffer> };
      const all = linear.dropConnect(x, 0.3, { w, shape, stream: 3 }).y;
      for (let n = 0; n < 5; ++n) {
        const one = x.slice(n * 50, (n + 1) * 50);
        for (const perExample of [true, false]) {
          const { y } = linear.dropConnect(one, 0.3, { w, shape: { batch: 1 }, stream: 3, start: n * 450, perExample });
          expectSame(y, all.slice(n * 9, (n + 1) * 9), `example ${n}`);
        }
      }
    }
  });

  it("a dropped weight does not leak, whatever it holds, nor a dropped element of its gradient", () => {
    const shape = { batch: 2, in: 40, out: 5 };
    for (const dtype of NAMES) {
      for (const perExample of [true, false]) {
        const data = operands(dtype, shape);
        const clean = run(simd, data, 0.5, { perExample, stream: 1 });
        const bytes = dropout.replay(clean.ticket, { format: "bytes" });
        const nobody = (k: number) => bytes[k] === 0 && (!perExample || bytes[200 + k] === 0);
        const dirty = { ...data, w: data.w.map((v, k) => (nobody(k) ? at([Number.NaN, Infinity, -Infinity], k % 3) : v)) as Floats };
        expect(dirty.w.some(Number.isNaN)).toBe(true);
        const got = run(simd, dirty, 0.5, { perExample, stream: 1 });
        for (const name of ["y", "dx", "dw", "dbias"] as const) expectSame(got[name] as Floats, clean[name] as Floats, name);
        // An element that nobody keeps has the gradient +0, even of NaN.
        const nan = { ...data, x: data.x.map(() => Number.NaN) as Floats };
        const { dw } = run(simd, nan, 0.5, { perExample, stream: 1 });
        (dw as Floats).forEach((v, k) => {
          expect(Object.is(v, nobody(k) ? 0 : Number.NaN)).toBe(true);
        });
      }
    }
  });

  it("p = 1 gives the bias whatever the rest holds, and gradients of zeros", () => {
    for (const { linear: layer } of [simd, scalar]) {
      for (const perExample of [true, false]) {
        for (const rescale of ["train", "none"] as const) {
          const [x, w] = [new Float32Array(24).fill(Number.NaN), new Float32Array(36).fill(Infinity)];
          const bias = Float32Array.of(1, 2, 3);
          const options = { perExample, rescale };
          const { y, ticket } = layer.dropConnect(x, 1, { w, bias, ...options });
          expect([...y]).toEqual([1, 2, 3, 1, 2, 3]);
          expect([...layer.dropConnect(x, 1, { w, shape: { batch: 2 }, ...options }).y]).toEqual(new Array(6).fill(0));
          const { dx, dw, dbias } = layer.backward(new Float32Array(6).fill(Infinity), ticket, { x, w });
          expectSame(dx, new Float32Array(24), "dx");
          expectSame(dw, new Float32Array(36), "dw");
          expect([...dbias]).toEqual([Infinity, Infinity, Infinity]);
        }
      }
    }
  });

  it.each(KINDS)("%s: every probability", (kind) => {
    const shape = { batch: 3, in: 30, out: 8 };
    const data = operands("f64", shape);
    for (const p of PROBABILITIES) {
      const drawn = chance(kind, p);
      for (const perExample of [true, false]) {
        const kept = keptBy(keepBytes(randoms[kind], drawn), shape, perExample);
        const expected = oracle(data.x, data.w, data.bias, data.dy, shape, kept, drawn.scale64 === Infinity ? 1 : drawn.scale64);
        const got = run(simd, data, p, { kind, stream: STREAM, perExample });
        expectNear(got.y, expected.y, 30, "f64", `y at ${p}`);
        expectNear(got.dx as Floats, expected.dx, 8, "f64", `dx at ${p}`);
        expectNear(got.dw as Floats, expected.dw, 3, "f64", `dw at ${p}`);
      }
    }
  });

  it("outside training it is the linear layer, scaled where the classic form says so, and no stream number is used", () => {
    const shape = { batch: 2, in: 20, out: 4 };
    const data = operands("f32", shape);
    const plain = run(simd, data, 0, {});
    const before = dropout.state;
    for (const rescale of ["train", "none", "test"] as const) {
      for (const perExample of [true, false]) {
        const got = run(simd, data, 0.25, { training: false, rescale, perExample });
        const factor = rescale === "test" ? 0.75 : 1;
        const expected = oracle(data.x, data.w, data.bias, data.dy, shape, () => true, factor);
        expectNear(got.y, expected.y, 20, "f32", `y, ${rescale}`);
        expectNear(got.dx as Floats, expected.dx, 4, "f32", `dx, ${rescale}`);
        expectNear(got.dw as Floats, expected.dw, 2, "f32", `dw, ${rescale}`);
        if (rescale !== "test")
          for (const name of ["y", "dx", "dw", "dbias"] as const) expectSame(got[name] as Floats, plain[name] as Floats, name);
      }
    }
    expect(dropout.state).toEqual(before);
  });

  it("takes the sizes from any one of them, or the bias", () => {
    const [x, w, bias] = [numbers("f32", 6, 0), numbers("f32", 12, 1), new Float32Array(4)] as Float32Array[];
    if (!x || !w || !bias) throw new TypeError();
    for (const options of [
      { bias },
      { shape: { batch: 2 } },
      { shape: { in: 3 } },
      { shape: { out: 4 } },
      { shape: { batch: 2, in: 3, out: 4 }, bias },
    ]) {
      expect(linear.dropConnect(x, 0.5, { w, ...options }).ticket.shape).toEqual({ batch: 2, in: 3, out: 4 });
    }
  });

  it("writes where it is told, and gives only the gradients that are wanted", () => {
    const shape = { batch: 2, in: 10, out: 3 };
    const { x, w, bias, dy } = operands("f32", shape) as Record<string, Float32Array<ArrayBuffer>>;
    if (!x || !w || !bias || !dy) throw new TypeError();
    const expected = run(simd, { x, w, bias, dy }, 0.5, { stream: 2 });
    const out = new Float32Array(6);
    const { y, ticket } = linear.dropConnect(x, 0.5, { w, bias, stream: 2, out });
    expect(y).toBe(out);
    expectSame(y, expected.y, "y");
    using dw = dropout.alloc("f32", 30);
    dw.array.fill(Number.NaN);
    const dx = new Float32Array(20).fill(Number.NaN);
    const dbias = new Float32Array(3).fill(Number.NaN);
    const got = linear.backward(dy, ticket, { x, w }, { dx, dw, dbias });
    expect([got.dx === dx, got.dw === dw, got.dbias === dbias]).toEqual([true, true, true]);
    expectSame(dx, expected.dx as Floats, "dx");
    expectSame(dw.array, expected.dw as Floats, "dw");
    expectSame(dbias, expected.dbias as Floats, "dbias");
    for (const name of ["dx", "dw", "dbias"] as const) {
      const others = { dx: name === "dx", dw: name === "dw", dbias: name === "dbias" };
      const single = linear.backward(dy, ticket, { x, w }, others) as Record<typeof name, Float32Array | undefined>;
      for (const other of ["dx", "dw", "dbias"] as const) {
        if (other === name) expectSame(single[other] as Float32Array, expected[other] as Floats, other);
        else expect(single[other]).toBeUndefined();
      }
    }
  });

  it("takes stream numbers in turn, and gives back all memory", () => {
    const shape = { batch: 20, in: 500, out: 30 };
    const data = operands("f32", shape);
    run(simd, data, 0.5, {});
    const size = dropout.memory.buffer.byteLength;
    const { nextStream } = dropout.state;
    for (let k = 0; k < 20; ++k) {
      const { ticket } = run(simd, data, 0.5, { perExample: k % 2 === 0 });
      expect(ticket.stream).toBe(`${BigInt(nextStream) + BigInt(k)}`);
      linear.dropConnectMoments(data.x as Float32Array, 0.5, { w: data.w as Float32Array, shape });
      linear.dropConnectInference(data.x as Float32Array, 0.5, { w: data.w as Float32Array, shape, samples: 2, normal: zero });
      expect(() =>
        linear.dropConnect(data.x as Float32Array, 0.5, { w: data.w as Float32Array, shape, out: data.x as Float32Array }),
      ).toThrow();
    }
    expect(dropout.memory.buffer.byteLength).toBe(size);
  });

  it("grows the memory when its scratch needs it", async () => {
    const small = await createDropout({ seed: SEED });
    const layer = await createLinear(small);
    const shape = { batch: 4, in: 60_000, out: 5 };
    const data = operands("f64", shape);
    const before = small.memory.buffer.byteLength;
    const got = run({ name: "small", dropout: small, linear: layer }, data, 0.5, { stream: 8 });
    expect(small.memory.buffer.byteLength).toBeGreaterThan(before);
    const expected = run(simd, data, 0.5, { stream: 8 });
    for (const name of ["y", "dx", "dw", "dbias"] as const) expectSame(got[name] as Floats, expected[name] as Floats, name);
  });
});

/** A source of zeros in place of normal numbers. */
const zero = (length: number) => new Float32Array(length);

/** Standard normal numbers by index: Box-Muller on a hash of the index (Wellons, "Prospecting for hash functions", lowbias32). */
function normalAt(index: number): number {
  const hash = (value: number) => {
    let h = value >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
  };
  return Math.sqrt(-2 * Math.log(1 - hash(2 * index + 1))) * Math.cos(2 * Math.PI * hash(2 * index + 2 ** 31));
}

describe("moments", () => {
  const shape = { batch: 3, in: 37, out: 6 };

  it.each(KINDS)("%s: the formulas with the realised probability, and the same bits in both builds", (kind) => {
    for (const dtype of NAMES) {
      const { x, w, bias } = operands(dtype, shape) as unknown as Record<"x" | "w" | "bias", Float32Array<ArrayBuffer>>;
      for (const p of PROBABILITIES) {
        const q = keepProbability(p, kind);
        for (const rescale of ["train", "none", "test"] as const) {
          const options = { bias, rescale, kind };
          const { mean, variance } = linear.dropConnectMoments(x, p, { w, ...options });
          const a = rescale === "train" ? 1 : q;
          const b = rescale === "train" ? (1 - q) / q : (1 - q) * q;
          const none = q === 0;
          const expected = oracle(x, w, bias, numbers(dtype, 18, 0), shape, () => !none, none ? 0 : a);
          const square = (v: Floats) => v.map((value) => value * value) as Floats;
          const spread = oracle(
            square(Float64Array.from(x)),
            square(Float64Array.from(w)),
            undefined,
            numbers(dtype, 18, 0),
            shape,
            () => !none,
            b,
          );
          expectNear(mean, expected.y, 37, dtype, `mean at ${p}, ${rescale}`);
          expectNear(variance, spread.y, 37, dtype, `variance at ${p}, ${rescale}`);
          const same = scalar.linear.dropConnectMoments(x, p, { w, ...options });
          expectSame(same.mean, mean, "mean of the scalar build");
          expectSame(same.variance, variance, "variance of the scalar build");
        }
      }
    }
  });

  it("are those of many masks", () => {
    const { x, w, bias } = operands("f64", shape) as unknown as Record<"x" | "w" | "bias", Float64Array<ArrayBuffer>>;
    const draws = 20_000;
    for (const rescale of ["train", "none"] as const) {
      const { mean, variance } = linear.dropConnectMoments(x, 0.3, { w, bias, rescale });
      const [sum, squares] = [new Float64Array(18), new Float64Array(18)];
      using y = dropout.alloc("f64", 18);
      for (let k = 0; k < draws; ++k) {
        linear.dropConnect(x, 0.3, { w, bias, rescale, stream: k, perExample: k % 2 === 0, out: y });
        y.array.forEach((v, unit) => {
          sum[unit] = at(sum, unit) + v;
          squares[unit] = at(squares, unit) + (v - at(mean, unit)) ** 2;
        });
      }
      for (let unit = 0; unit < 18; ++unit) {
        // Five standard errors; the fourth moment of a sum of this many terms is close to a Gaussian's, 3 sigma^4.
        const sigma = Math.sqrt(at(variance, unit));
        expect(Math.abs(at(sum, unit) / draws - at(mean, unit))).toBeLessThan((5 * sigma) / Math.sqrt(draws));
        expect(Math.abs(at(squares, unit) / draws / sigma ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / draws));
      }
    }
  });

  it("sampling converges to the expectation of a rectified Gaussian, and is reproducible", async () => {
    const { x, w, bias } = operands("f64", shape) as unknown as Record<"x" | "w" | "bias", Float64Array<ArrayBuffer>>;
    const { mean, variance } = linear.dropConnectMoments(x, 0.5, { w, bias });
    const samples = 20_000;
    const asked: [number, number][] = [];
    const normal = (length: number, index: number) => {
      asked.push([length, index]);
      return Float64Array.from({ length }, (_, k) => normalAt(index + k));
    };
    const options = { bias, samples, normal };
    const { y: rectified } = linear.dropConnectInference(x, 0.5, { w, ...options, activation: "relu" });
    expect(asked.every(([length, index], s) => length === 18 && index === 18 * s)).toBe(true);
    const { y: plain } = linear.dropConnectInference(x, 0.5, { w, ...options });
    for (let unit = 0; unit < 18; ++unit) {
      const [mu, sigma] = [at(mean, unit), Math.sqrt(at(variance, unit))];
      const tolerance = (5 * sigma) / Math.sqrt(samples);
      expect(Math.abs(at(plain, unit) - mu)).toBeLessThan(tolerance);
      expect(Math.abs(at(rectified, unit) - rectifiedMean(mu, sigma))).toBeLessThan(tolerance);
    }
    expectSame(scalar.linear.dropConnectInference(x, 0.5, { w, ...options, activation: "relu" }).y, rectified, "the scalar build");
    // The numbers of this package's own noise do as well, and a seed and a stream make them the same again.
    const noise = await createNoise(dropout);
    const seeded = { ...options, normal: (length: number, start: number) => noise.normal(length, { seed: 3, stream: 7, start }) };
    const { y: noisy } = linear.dropConnectInference(x, 0.5, { w, ...seeded });
    noisy.forEach((v, unit) => {
      expect(Math.abs(v - at(mean, unit))).toBeLessThan((5 * Math.sqrt(at(variance, unit))) / Math.sqrt(samples));
    });
    expectSame(linear.dropConnectInference(x, 0.5, { w, ...seeded }).y, noisy, "again");
  });

  it("sampling asks for pieces of long layers, takes numbers of either type and buffers, and writes where it is told", () => {
    const long = { batch: 3, in: 4, out: Math.floor(PIECE / 3) + 100 };
    const { x, w } = operands("f32", long) as unknown as Record<"x" | "w", Float32Array<ArrayBuffer>>;
    const numbersOf = (length: number, index: number) => Float32Array.from({ length }, (_, k) => normalAt(index + k));
    const { mean, variance } = linear.dropConnectMoments(x, 0.2, { w, shape: long });
    const units = long.batch * long.out;
    const out = new Float32Array(units);
    const asked: number[] = [];
    const { y } = linear.dropConnectInference(x, 0.2, {
      w,
      shape: long,
      samples: 2,
      out,
      normal: (length, index) => {
        asked.push(index);
        return numbersOf(length, index);
      },
    });
    expect(y).toBe(out);
    expect(asked).toEqual([0, PIECE, units, units + PIECE]);
    const draw = (s: number, unit: number) =>
      Math.fround(at(mean, unit) + Math.fround(Math.fround(Math.sqrt(at(variance, unit))) * Math.fround(normalAt(s * units + unit))));
    const expected = y.map((_, unit) => Math.fround(Math.fround(0 + draw(0, unit)) + draw(1, unit)) * 0.5);
    expectSame(y, expected, "y");
    const wide = (length: number, index: number) => Float64Array.from(numbersOf(length, index));
    expectSame(linear.dropConnectInference(x, 0.2, { w, shape: long, samples: 2, normal: wide }).y, expected, "from f64");
    const buffers: { free(): void }[] = [];
    const inWasm = (length: number, index: number) => {
      // A source may use the instance itself.
      linear.dropConnect(x, 0.5, { w, shape: long });
      const buffer = dropout.from(numbersOf(length, index));
      buffers.push(buffer);
      return buffer;
    };
    expectSame(linear.dropConnectInference(x, 0.2, { w, shape: long, samples: 2, normal: inWasm }).y, expected, "from buffers");
    for (const buffer of buffers) buffer.free();
  });

  it("a source that fails leaves the output as it was", () => {
    const x = Float32Array.of(1, 2);
    const out = Float32Array.of(7);
    let calls = 0;
    const sources: [(length: number) => unknown, string][] = [
      [(length) => (calls++ === 3 ? new Float32Array(length + 1) : zero(length)), '"normal()" expected length 1, got 2'],
      [() => [0], '"normal()" expected Float32Array, Float64Array or buffer of f32, f64'],
      [
        () => {
          throw new Error("no numbers");
        },
        "no numbers",
      ],
    ];
    for (const [normal, message] of sources) {
      const options = { shape: { batch: 1 }, samples: 5, out, normal: normal as () => Float32Array };
      expect(() => linear.dropConnectInference(x, 0.5, { w: x, ...options })).toThrow(message.slice(0, 60));
      expect([...out]).toEqual([7]);
    }
  });
});

/** E max(z, 0) for z of N(mu, sigma²): mu Phi(mu / sigma) + sigma phi(mu / sigma). */
function rectifiedMean(mu: number, sigma: number): number {
  const t = mu / sigma;
  const density = Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  // Phi by the series of Marsaglia, "Evaluating the normal distribution", 2004.
  let [sum, term] = [t, t];
  for (let k = 3; sum + term !== sum; k += 2) {
    term *= (t * t) / k;
    sum += term;
  }
  return mu * (0.5 + sum * density) + sigma * density;
}

describe("weights", () => {
  it.each(KINDS)("%s: scaled by the realised keep probability, rounded once", (kind) => {
    for (const dtype of NAMES) {
      for (const length of [0, 1, 5, 16, 70, PIECE - 1, PIECE, PIECE + 1, 2.5 * PIECE]) {
        for (const p of [0, 2 ** -48, 1 / 256, 0.1, 0.5, 1]) {
          const w = sample(dtype, length, length) as Float32Array<ArrayBuffer>;
          const q = keepProbability(p, kind);
          const factor = dtype === "f32" ? Math.fround(q) : q;
          const expected = w.map((v) => (p === 1 ? 0 : v * factor));
          const what = `${length} at ${p}`;
          expectSame(linear.scaleWeights(w, p, { kind }), expected, what);
          expectSame(scalar.linear.scaleWeights(w, p, { kind }), expected, `${what}, scalar build`);
          using buffer = dropout.from(w);
          expect(linear.scaleWeights(buffer, p, { kind, out: buffer })).toBe(buffer);
          expectSame(buffer.array, expected, `${what}, in place`);
        }
      }
    }
    const bits = Uint32Array.of(0x7fa00001, 0xffc12345, 0x80000000);
    const w = new Float32Array(bits.buffer);
    const copy = linear.scaleWeights(w, 0, { kind });
    expectBytes(new Uint8Array(copy.buffer), new Uint8Array(bits.buffer), "p = 0 copies bits");
  });

  it("classic dropout in training and scaled weights outside have the same mean", () => {
    const x = new Float64Array(1000).fill(1);
    const w = linear.scaleWeights(Float64Array.of(3), 0.25);
    let sum = 0;
    for (let k = 0; k < 200; ++k) sum += dropout.dropout(x, 0.25, { rescale: "none", stream: k }).reduce((a, b) => a + b, 0);
    const deviation = Math.sqrt((0.25 * 0.75) / 200_000);
    expect(Math.abs((3 * sum) / 200_000 - at(w, 0))).toBeLessThan(3 * 5 * deviation);
  });

  it("dropout by level: inverted, the same mask for the same seed whatever came before", () => {
    const x = numbers("f32", 1000, 1) as Float32Array<ArrayBuffer>;
    const { y, ticket } = linear.dropoutLevel(x, 0.25, { seed: 1337 });
    expectSame(dropout.backward(x, ticket).dx, y, "its backward is the core's");
    expectSame(y, dropout.dropout(x, 0.25, { seed: 1337, stream: 0 }), "seeded");
    dropout.reserveStream();
    expectSame(linear.dropoutLevel(x, 0.25, { seed: 1337 }).y, y, "again");
    const { nextStream } = dropout.state;
    expectSame(linear.dropoutLevel(x, 0.25).y, dropout.dropout(x, 0.25, { stream: BigInt(nextStream) }), "unseeded");
    expect(BigInt(dropout.state.nextStream)).toBe(BigInt(nextStream) + 1n);
    const out = new Float32Array(1000);
    expect(linear.dropoutLevel(x, 0, { out }).y).toBe(out);
    expectSame(out, x, "level 0");
    const refused = (level: unknown) => () => linear.dropoutLevel(x, level as number);
    expect(refused(1)).toThrow(new RangeError('"level" expected number in [0, 1), got 1'));
    expect(refused(-0.1)).toThrow(new RangeError('"level" expected number in [0, 1), got -0.1'));
    expect(refused(Number.NaN)).toThrow(new RangeError('"level" expected number in [0, 1), got NaN'));
    expect(refused("0.5")).toThrow(new TypeError('"level" expected number in [0, 1), got string "0.5"'));
  });
});

describe("data of size 0", () => {
  const nothing = new Float32Array(0);
  const dirty = (length: number) => new Float32Array(length).fill(Number.NaN);

  it.each([true, false])(
    "an empty batch gives an empty result, zero gradients of w and bias, and takes its stream number, per example %s",
    (perExample) => {
      for (const { linear: layer, dropout: instance } of [simd, scalar]) {
        const [w, bias] = [numbers("f32", 12, 1), numbers("f32", 4, 2)] as Float32Array<ArrayBuffer>[] as [Float32Array, Float32Array];
        const before = BigInt(instance.state.nextStream);
        const { y, ticket } = layer.dropConnect(nothing, 0.5, { w, bias, perExample });
        expect(y).toEqual(nothing);
        expect(ticket).toMatchObject({ stream: `${before}`, shape: { batch: 0, in: 3, out: 4 }, length: perExample ? 0 : 12 });
        expect(BigInt(instance.state.nextStream)).toBe(before + 1n);
        layer.dropConnect(nothing, 0.5, { w, bias, perExample, training: false });
        expect(BigInt(instance.state.nextStream)).toBe(before + 1n);
        const posted = JSON.parse(JSON.stringify(ticket)) as DropConnectTicket;
        const given = layer.backward(nothing, posted, { x: nothing, w }, { dw: dirty(12), dbias: dirty(4) });
        expect(given).toEqual({ dx: nothing, dw: new Float32Array(12), dbias: new Float32Array(4) });
        // A new buffer is uninitialised memory.
        using dirtied = instance.from(dirty(64));
        dirtied.free();
        using weights = instance.from(w);
        const made = layer.backward(instance.alloc("f32", 0), posted, { x: instance.alloc("f32", 0), w: weights }, {});
        expect([...made.dw.array]).toEqual(new Array(12).fill(0));
        expect([...made.dbias.array]).toEqual(new Array(4).fill(0));
        const { mean, variance } = layer.dropConnectMoments(nothing, 0.5, { w, bias });
        expect([mean.length, variance.length]).toEqual([0, 0]);
        const normal = () => {
          throw new Error("there is nothing to sample");
        };
        expect(layer.dropConnectInference(nothing, 0.5, { w, bias, samples: 3, normal }).y).toEqual(nothing);
        expect(layer.scaleWeights(nothing, 0.5)).toEqual(nothing);
        expect(layer.dropoutLevel(nothing, 0.5).y).toEqual(nothing);
      }
    },
  );

  it("no outputs: the gradient of x is zero; no inputs: y is the bias, and its gradient the sum of dy", () => {
    for (const { linear: layer } of [simd, scalar]) {
      for (const perExample of [true, false]) {
        const x = numbers("f32", 6, 0) as Float32Array<ArrayBuffer>;
        const none = layer.dropConnect(x, 0.5, { w: nothing, shape: { batch: 2, out: 0 }, perExample });
        expect(none.y).toEqual(nothing);
        const back = layer.backward(nothing, none.ticket, { x, w: nothing }, { dx: dirty(6) });
        expect(back).toEqual({ dx: new Float32Array(6), dw: nothing, dbias: nothing });
        const bias = Float32Array.of(1, 2);
        const blind = layer.dropConnect(nothing, 0.5, { w: nothing, bias, shape: { batch: 3, in: 0 }, perExample });
        expect([...blind.y]).toEqual([1, 2, 1, 2, 1, 2]);
        const gradients = layer.backward(Float32Array.of(1, 2, 3, 4, 5, 6), blind.ticket, { x: nothing, w: nothing });
        expect(gradients).toEqual({ dx: nothing, dw: nothing, dbias: Float32Array.of(9, 12) });
      }
    }
  });
});

describe("careless callers", () => {
  const x = numbers("f32", 6, 0) as Float32Array<ArrayBuffer>;
  const w = numbers("f32", 12, 1) as Float32Array<ArrayBuffer>;

  it("a getter that calls the instance disturbs nothing", () => {
    const expected = linear.dropConnect(x, 0.5, { w, shape: { batch: 2 }, stream: 3 });
    const meddle = () => {
      linear.dropConnect(w, 0.9, { w: x, shape: { in: 2 }, stream: 99, start: 7 });
      dropout.mask(100, 0.1, { stream: 98, kind: "philox" });
    };
    const shape = {
      get batch() {
        meddle();
        return 2;
      },
    };
    const got = linear.dropConnect(x, 0.5, { w, shape, stream: 3 });
    expect(got).toEqual(expected);
    const dy = numbers("f32", 8, 3) as Float32Array<ArrayBuffer>;
    const ticket = {
      ...expected.ticket,
      get perExample() {
        meddle();
        return true;
      },
    };
    expect(linear.backward(dy, ticket, { x, w })).toEqual(linear.backward(dy, expected.ticket, { x, w }));
  });

  it("a size that changes from one reading to the next counts as first read", () => {
    const { ticket, y } = linear.dropConnect(x, 0.5, { w, shape: { batch: 2 } });
    const dy = new Float32Array(y.length).fill(1);
    let reads = 0;
    const shape = {
      in: 3,
      out: 4,
      get batch() {
        return reads++ === 0 ? 2 : -8;
      },
    };
    expect(linear.backward(dy, { ...ticket, shape }, { x, w })).toEqual(linear.backward(dy, ticket, { x, w }));
    expect(reads).toBe(1);
  });

  it("a source of numbers that frees the output is refused, and the next owner of its memory keeps its data", () => {
    for (const victim of ["out", "x"] as const) {
      const buffers = { x: dropout.from(x), out: dropout.alloc("f32", 8) };
      let next: WasmBuffer<"f32"> | undefined;
      const normal = (length: number) => {
        if (next === undefined) {
          buffers[victim].free();
          next = dropout.alloc("f32", buffers[victim].length);
          next.array.fill(7);
        }
        return new Float32Array(length);
      };
      const call = () => linear.dropConnectInference(buffers.x, 0.5, { w, shape: { batch: 2 }, samples: 2, normal, out: buffers.out });
      expect(call).toThrow(`"${victim}" expected live buffer or array, also after the callbacks of the call, got freed f32 buffer`);
      expect((next as WasmBuffer<"f32"> | undefined)?.array.every((value) => value === 7)).toBe(true);
      for (const buffer of [buffers.x, buffers.out, next]) buffer?.free();
    }
  });

  it("a source of numbers that detaches the output is refused by name", () => {
    const out = new Float32Array(8);
    const normal = (length: number) => {
      structuredClone(undefined, { transfer: out.buffer.byteLength > 0 ? [out.buffer] : [] });
      return new Float32Array(length);
    };
    const call = () => linear.dropConnectInference(x, 0.5, { w, shape: { batch: 2 }, samples: 2, normal, out });
    expect(call).toThrow(new TypeError('"out" expected live buffer or array, also after the callbacks of the call, got Float32Array(0)'));
  });

  it("a source of numbers that gives a promise is refused, its rejection handled", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listen);
    try {
      const normal = () => Promise.reject(new Error("no numbers")) as never;
      const call = () => linear.dropConnectInference(x, 0.5, { w, shape: { batch: 2 }, samples: 2, normal });
      expect(call).toThrow('"normal()" expected Float32Array, Float64Array or buffer of f32 or f64, got Promise');
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listen);
    }
  });
});

describe("refusals", () => {
  const x = new Float32Array(6);
  const w = new Float32Array(12);
  const bias = new Float32Array(4);
  const out = new Float32Array(8).fill(7);
  const normal = zero;
  const { ticket } = linear.dropConnect(x, 0.5, { w, bias });
  const dy = new Float32Array(8);
  const changed = (change: object) => ({ ...ticket, ...change }) as DropConnectTicket;
  // Calls are made as JavaScript would.
  type Loose = (...args: unknown[]) => unknown;
  const forward: Loose = (...args) => (linear.dropConnect as Loose).apply(linear, args);
  const back: Loose = (...args) => (linear.backward as Loose).apply(linear, args);
  const moments: Loose = (...args) => (linear.dropConnectMoments as Loose).apply(linear, args);
  const infer: Loose = (...args) => (linear.dropConnectInference as Loose).apply(linear, args);
  const scaleBy: Loose = (...args) => (linear.scaleWeights as Loose).apply(linear, args);

  const cases: [what: string, call: () => unknown, error: Error][] = [
    ["p", () => forward(x, 1.5, { w, bias, out }), new RangeError('"p" expected number in [0, 1], got 1.5')],
    ["options", () => forward(x, 0.5, null), new TypeError('"options" expected object, got null')],
    [
      "x",
      () => forward([1], 0.5, { w, bias, out }),
      new TypeError('"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Array(1)'),
    ],
    [
      "w",
      () => forward(x, 0.5, { w: new Float64Array(12), bias, out }),
      new TypeError('"w" expected Float32Array or f32 buffer, got Float64Array(12)'),
    ],
    ["no w", () => forward(x, 0.5, { w: undefined, bias, out }), new TypeError('"w" expected Float32Array or f32 buffer, got undefined')],
    ["bias", () => forward(x, 0.5, { w, bias: null, out }), new TypeError('"bias" expected Float32Array or f32 buffer, got null')],
    [
      "no sizes",
      () => forward(x, 0.5, { w, out }),
      new TypeError('"shape" expected object with batch, in or out, or a bias, which gives out, got undefined'),
    ],
    [
      "no sizes in shape",
      () => forward(x, 0.5, { w, shape: {}, out }),
      new TypeError('"shape" expected object with batch, in or out, or a bias, which gives out, got undefined'),
    ],
    [
      "shape",
      () => forward(x, 0.5, { w, shape: [2, 3, 4], out }),
      new TypeError('"shape" expected object with batch, in or out, got Array(3)'),
    ],
    [
      "in",
      () => forward(x, 0.5, { w, shape: { in: -1 }, out }),
      new RangeError(`"shape.in" expected integer in [0, ${Number.MAX_SAFE_INTEGER}], got -1`),
    ],
    [
      "in of x",
      () => forward(x, 0.5, { w, shape: { in: 4 }, out }),
      new RangeError('"x" expected a length that is a multiple of in, 4, got 6'),
    ],
    [
      "batch",
      () => forward(x, 0.5, { w, shape: { batch: 4 }, out }),
      new RangeError('"x" expected a length that is a multiple of batch, 4, got 6'),
    ],
    [
      "out",
      () => forward(x, 0.5, { w, shape: { out: 5 }, out }),
      new RangeError('"w" expected a length that is a multiple of out, 5, got 12'),
    ],
    [
      "batch beside in",
      () => forward(x, 0.5, { w, shape: { batch: 1, in: 3 }, out }),
      new RangeError('"x" expected length 3, batch * in = 1 * 3, got 6'),
    ],
    [
      "out beside in",
      () => forward(x, 0.5, { w, shape: { out: 3, in: 3 }, out }),
      new RangeError('"w" expected length 9, out * in = 3 * 3, got 12'),
    ],
    ["out beside bias", () => forward(x, 0.5, { w, bias, shape: { out: 6 }, out }), new RangeError('"bias" expected length 6, out, got 4')],
    [
      "an in of 0 beside inputs",
      () => forward(x, 0.5, { w, shape: { batch: 2, in: 0, out: 4 }, out }),
      new RangeError('"x" expected length 0, batch * in = 2 * 0, got 6'),
    ],
    [
      "an in of 0 alone",
      () => forward(new Float32Array(0), 0.5, { w: new Float32Array(0), shape: { in: 0 }, out }),
      new TypeError('"shape" expected object with batch and out beside an in of 0, got undefined'),
    ],
    [
      "a batch of 0 alone",
      () => forward(new Float32Array(0), 0.5, { w, shape: { batch: 0 }, out }),
      new TypeError('"shape" expected object with in, which a size of 0 leaves open, got undefined'),
    ],
    ["out of an empty batch", () => forward(new Float32Array(0), 0.5, { w, bias, out }), new RangeError('"out" expected length 0, got 8')],
    ["perExample", () => forward(x, 0.5, { w, bias, perExample: 1, out }), new TypeError('"perExample" expected boolean, got 1')],
    ["training", () => forward(x, 0.5, { w, bias, training: 0, out }), new TypeError('"training" expected boolean, got 0')],
    [
      "rescale",
      () => forward(x, 0.5, { w, bias, rescale: "all", out }),
      new RangeError('"rescale" expected "train" or "test" or "none", got string "all"'),
    ],
    ["kind", () => forward(x, 0.5, { w, bias, kind: "xor", out }), new RangeError(`"kind" expected ${KIND}, got string "xor"`)],
    [
      "start",
      () => forward(x, 0.5, { w, bias, start: 2 ** 53, out }),
      new RangeError(`"start" expected integer in [0, ${2 ** 53 - 24}], got ${2 ** 53}`),
    ],
    ["out's length", () => forward(x, 0.5, { w, bias, out: new Float32Array(7) }), new RangeError('"out" expected length 8, got 7')],
    [
      "out over w",
      () => forward(x, 0.5, { w, bias, out: w.subarray(2, 10) }),
      new RangeError('"out" expected memory apart from "w", got memory that overlaps it'),
    ],
    [
      "op",
      () => back(dy, changed({ op: "dropout" }), { x, w }),
      new RangeError('"ticket.op" expected "dropConnect", got "dropout", whose backward is that of Dropout'),
    ],
    ["no op", () => back(dy, changed({ op: undefined }), { x, w }), new TypeError('"ticket.op" expected "dropConnect", got undefined')],
    [
      "a ticket of the core",
      () => back(dy, dropout.forward(dy, 0.5, { stream: 1 }).ticket, { x, w }),
      new RangeError('"ticket.op" expected "dropConnect", got "dropout", whose backward is that of Dropout'),
    ],
    [
      "an option that is none",
      () => forward(x, 0.5, { w, bias, rescal: "none", out }),
      new TypeError('"rescal" is no option; did you mean "rescale"?'),
    ],
    [
      "an option of backward that is none",
      () => back(dy, ticket, { x, w }, { dbais: false }),
      new TypeError('"dbais" is no option; did you mean "dbias"?'),
    ],
    ["saved that is none", () => back(dy, ticket, { x, W: w }), new TypeError('"saved.W" is no option; did you mean "w"?')],
    ["no saved", () => back(dy, ticket), new TypeError('"saved" expected object, got undefined')],
    ["ticket", () => back(dy, null, { x, w }), new TypeError('"ticket" expected ticket, got null')],
    [
      "its perExample",
      () => back(dy, changed({ perExample: undefined }), { x, w }),
      new TypeError('"ticket.perExample" expected boolean, got undefined'),
    ],
    [
      "its shape",
      () => back(dy, changed({ shape: [2] }), { x, w }),
      new TypeError('"ticket.shape" expected object with batch, in and out, got Array(1)'),
    ],
    [
      "its in",
      () => back(dy, changed({ shape: { batch: 2, out: 4 } }), { x, w }),
      new TypeError('"ticket.shape" expected object with batch, in and out, got Object'),
    ],
    [
      "its length",
      () => back(dy, changed({ length: 12 }), { x, w }),
      new RangeError('"ticket.length" expected 24, the decisions of ticket.shape, got 12'),
    ],
    ["its p", () => back(dy, changed({ p: 2 }), { x, w }), new RangeError('"ticket.p" expected number in [0, 1], got 2')],
    ["dy", () => back(new Float32Array(7), ticket, { x, w }), new RangeError('"dy" expected length 8, the ticket\'s batch * out, got 7')],
    ["x of backward", () => back(dy, ticket, { x: new Float32Array(5), w }), new RangeError('"saved.x" expected length 6, got 5')],
    [
      "w of backward",
      () => back(dy, ticket, { x, w: new Float64Array(12) }),
      new TypeError('"saved.w" expected Float32Array or f32 buffer, got Float64Array(12)'),
    ],
    [
      "dx",
      () => back(dy, ticket, { x, w }, { dx: x }),
      new RangeError('"dx" expected memory apart from "saved.x", got memory that overlaps it'),
    ],
    ["dw", () => back(dy, ticket, { x, w }, { dx: false, dw: 1 }), new TypeError('"dw" expected Float32Array or f32 buffer, got 1')],
    ["dbias", () => back(dy, ticket, { x, w }, { dbias: new Float32Array(3) }), new RangeError('"dbias" expected length 4, got 3')],
    ["p of moments", () => moments(x, "half", { w, bias }), new TypeError('"p" expected number in [0, 1], got string "half"')],
    [
      "mean",
      () => moments(x, 0.5, { w, bias, mean: out, variance: out }),
      new RangeError('"variance" expected memory apart from "mean", got memory that overlaps it'),
    ],
    [
      "rescale of moments",
      () => moments(x, 0.5, { w, bias, rescale: 1 }),
      new TypeError('"rescale" expected "train" or "test" or "none", got 1'),
    ],
    [
      "samples",
      () => infer(x, 0.5, { w, bias, normal, samples: 0, out }),
      new RangeError(`"samples" expected integer in [1, ${2 ** 50}], got 0`),
    ],
    [
      "no samples",
      () => infer(x, 0.5, { w, bias, normal, out }),
      new TypeError(`"samples" expected integer in [1, ${2 ** 50}], got undefined`),
    ],
    ["normal", () => infer(x, 0.5, { w, bias, samples: 1, out }), new TypeError('"normal" expected function, got undefined')],
    [
      "activation",
      () => infer(x, 0.5, { w, bias, samples: 1, normal, activation: "gelu", out }),
      new RangeError('"activation" expected "none" or "relu", got string "gelu"'),
    ],
    ["no options", () => infer(x, 0.5), new TypeError('"options" expected object, got undefined')],
    [
      "weights",
      () => scaleBy(new Uint8Array(3), 0.5),
      new TypeError('"w" expected Float32Array, Float64Array or buffer of f32 or f64, got Uint8Array(3)'),
    ],
    [
      "weights over themselves",
      () => scaleBy(w.subarray(0, 6), 0.5, { out: w.subarray(1, 7) }),
      new RangeError('"out" expected "w" itself or memory apart from it, got memory that overlaps it'),
    ],
  ];

  it.each(cases)("%s", (_, call, error) => {
    const before = dropout.state;
    expectRefusal(call, error.constructor as typeof TypeError, error.message);
    expect(dropout.state).toEqual(before);
    expect([...out]).toEqual(new Array(8).fill(7));
  });

  it("memory that cannot grow", async () => {
    const small = await createDropout({ seed: 1, maxBytes: 2 ** 18 });
    const layer = await createLinear(small);
    const before = small.state;
    const [wide, weights] = [new Float32Array(40_000), new Float32Array(80_000)];
    expect(() => layer.dropConnect(wide, 0.5, { w: weights, shape: { batch: 1 } })).toThrow(/^"scratch" expected what fits/);
    expect(small.state).toEqual(before);
    const bytes = small.memory.buffer.byteLength;
    expect(layer.dropConnect(new Float32Array(4), 0.5, { w: new Float32Array(8), shape: { batch: 1 } }).y.length).toBe(2);
    expect(small.memory.buffer.byteLength).toBe(bytes);
  });

  it("an instance of something else", async () => {
    await expect(createLinear({} as Dropout)).rejects.toThrow(new TypeError('"dropout" expected Dropout of this package, got Object'));
  });
});
