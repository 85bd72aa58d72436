// Gated linear units with dropout, and activations of f64, forward and backward against double precision.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { ACTIVATIONS, createFused, type Fused, type GluActivation } from "../../src/fused/index.js";
import { createHalf } from "../../src/half/index.js";
import { chance, expectSame, KINDS, keepBytes, uniforms } from "../support/oracle.js";
import { ACTIVATION, ACTIVATION_ERROR, derivative, expectClose, GRADIENT_ERROR } from "./oracle.js";
import { numbers } from "./rows-oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Floats = Float32Array<ArrayBuffer>;

const SEED = 19n;
const GATES = ACTIVATIONS.filter((name): name is GluActivation => name !== "none");

let dropout: Dropout;
let fused: Fused;
let slow: Fused;
beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
  fused = await createFused(dropout);
  slow = await createFused(await createDropout({ seed: SEED, simd: false }), { simd: false });
});

/** The rows of two matrices, one behind the other. */
function joined<A extends Float32Array | Float64Array | Uint16Array>(first: A, second: A, columns: number): A {
  const all = new (first.constructor as new (length: number) => A)(2 * first.length);
  for (let at = 0; at < first.length; at += columns) {
    all.set(first.subarray(at, at + columns) as never, 2 * at);
    all.set(second.subarray(at, at + columns) as never, 2 * at + columns);
  }
  return all;
}

/** Rows of one column, odd ones, many, and rows longer than a piece. */
const SHAPES = [
  [1, 1],
  [5, 3],
  [7, 16],
  [700, 37],
  [3, 17_001],
] as const;

describe("gluDropout", () => {
  it.each(GATES)("%s: as defined, in two arrays and in halves, and the same bits from both builds", (activation) => {
    for (const [k, [rows, columns]] of SHAPES.entries()) {
      const n = rows * columns;
      const kind = KINDS[k % 2] as (typeof KINDS)[number];
      const p = [0.3, 0.5, 0, 0.3, 0.9][k] as number;
      const c = chance(kind, p);
      const keep = p === 0 ? new Uint8Array(n).fill(1) : keepBytes(uniforms(kind, SEED, 3n, 40, n), c);
      const s = c.scale32;
      const [gate, value, dy] = [numbers(n, 1, 6), numbers(n, 2, 2), numbers(n, 3)];
      const options = { activation, kind, stream: 3, start: 40 };
      const what = `${rows} x ${columns}`;

      const { y, ticket } = fused.gluDropout(gate, p, { ...options, value });
      const { dx, dvalue } = fused.backward(dy, JSON.parse(JSON.stringify(ticket)) as typeof ticket, { x: gate, value });
      const expected = Float64Array.from(gate, (g, i) => ACTIVATION[activation](g) * (value[i] as number) * s);
      const size = Float64Array.from(gate, (g, i) => Math.abs(g * (value[i] as number) * s));
      expectClose(y, expected, size, keep, 2 * ACTIVATION_ERROR, `${what}, y`);
      const d = Float64Array.from(dy, (v) => v * s);
      const slopes = Float64Array.from(gate, (g, i) => (d[i] as number) * (value[i] as number) * derivative(activation, g));
      expectClose(
        dx,
        slopes,
        d.map((v, i) => Math.abs(v * (value[i] as number))),
        keep,
        2 * GRADIENT_ERROR,
        `${what}, dx`,
      );
      const values = Float64Array.from(gate, (g, i) => (d[i] as number) * ACTIVATION[activation](g));
      expectClose(
        dvalue as Floats,
        values,
        d.map((v, i) => Math.abs(v * (gate[i] as number))),
        keep,
        2 * ACTIVATION_ERROR,
        `${what}, dvalue`,
      );

      const other = slow.gluDropout(gate, p, { ...options, value });
      expectSame(other.y, y, `${what}, builds, y`);
      const back = slow.backward(dy, other.ticket, { x: gate, value });
      expectSame(back.dx, dx, `${what}, builds, dx`);
      expectSame(back.dvalue as Floats, dvalue as Floats, `${what}, builds, dvalue`);

      for (const gateFirst of [true, false]) {
        const order = <A extends Floats>(g: A, v: A) => (gateFirst ? joined(g, v, columns) : joined(v, g, columns));
        const x = order(gate, value);
        const halves = { ...options, columns, gateFirst };
        for (const put of [(a: Floats): Anything => a, (a: Floats): Anything => dropout.from(a)]) {
          const data = put(x);
          const packed = fused.gluDropout(data, p, halves) as Anything;
          expectSame((packed.y.array ?? packed.y).slice(), y, `${what}, halves, y`);
          const gradient = fused.backward(put(dy), packed.ticket, { x: data }) as Anything;
          expectSame((gradient.dx.array ?? gradient.dx).slice(), order(dx, dvalue as Floats), `${what}, halves, dx`);
          expect(gradient.dvalue).toBeUndefined();
        }
      }
    }
  });

  it.each(["f16", "bf16"] as const)("%s is computed with in f32 and rounded once more", async (dtype) => {
    const half = await createHalf(dropout);
    const sixteen = await createFused(half.dropout);
    const [gate, value, dy] = [1, 2, 3].map((salt) => half.fromFloat32(numbers(300, salt, 3), dtype)) as [
      Uint16Array,
      Uint16Array,
      Uint16Array,
    ];
    const wide = (a: Uint16Array) => half.toFloat32(a, dtype) as Floats;
    const options = { stream: 4, activation: "silu" } as const;
    const { y, ticket } = sixteen.gluDropout(gate, 0.25, { ...options, value, dtype });
    const plain = fused.gluDropout(wide(gate), 0.25, { ...options, value: wide(value) });
    expect(y).toEqual(half.fromFloat32(plain.y, dtype));
    const back = sixteen.backward(dy, ticket, { x: gate, value }, { dtype });
    const expected = fused.backward(wide(dy), plain.ticket, { x: wide(gate), value: wide(value) });
    expect(back.dx).toEqual(half.fromFloat32(expected.dx, dtype));
    const packed = sixteen.gluDropout(joined(gate, value, 30), 0.25, { ...options, columns: 30, dtype });
    expect(packed.y).toEqual(y);
    const gradient = sixteen.backward(dy, packed.ticket, { x: joined(gate, value, 30) }, { dtype });
    expect(gradient.dx).toEqual(joined(back.dx as Uint16Array, back.dvalue as Uint16Array, 30));
  });

  it("results may take the place of operands that are not needed again", () => {
    const [gate, value, dy] = [numbers(600, 1, 4), numbers(600, 2), numbers(600, 3)];
    const { y, ticket } = fused.gluDropout(gate, 0.3, { value, stream: 1 });
    const { dx, dvalue } = fused.backward(dy, ticket, { x: gate, value });
    for (const name of ["gate", "value"] as const) {
      const own = { gate: gate.slice(), value: value.slice() };
      expect(() => fused.gluDropout(own.gate, 0.3, { value: own.value, out: own[name] })).toThrow("which backward reads again");
      const last = fused.gluDropout(own.gate, 0.3, { value: own.value, out: own[name], backward: false, stream: 1 });
      expectSame(own[name], y, name);
      expect(() => fused.backward(dy, last.ticket, { x: gate, value })).toThrow("overwritten");
    }
    const own = { x: gate.slice(), value: value.slice() };
    expect(() => fused.backward(dy, ticket, own, { dx: own.value })).toThrow("which backward reads again");
    fused.backward(dy, ticket, own, { dx: own.value, dvalue: own.x, backward: false });
    expectSame(own.value, dx, "dx over value");
    expectSame(own.x, dvalue as Floats, "dvalue over x");
    const held = dy.slice();
    expectSame(fused.backward(held, ticket, { x: gate, value }, { dx: held }).dvalue as Floats, dvalue as Floats, "dx over dy");
    expectSame(held, dx, "dx over dy");
    const x = joined(gate, value, 20);
    const packed = fused.gluDropout(x, 0.3, { columns: 20, stream: 1 }).ticket;
    const gradient = fused.backward(dy, packed, { x }).dx;
    fused.backward(dy, packed, { x }, { dx: x, backward: false });
    expectSame(x, gradient, "dx over x");
  });

  it("drops whatever stands there, and takes no elements", () => {
    const bad = Float32Array.of(Number.NaN, Infinity, -Infinity, 1);
    const { y, ticket } = fused.gluDropout(bad, 1, { value: bad });
    expectSame(y, new Float32Array(4), "y");
    const { dx, dvalue } = fused.backward(bad, ticket, { x: bad, value: bad });
    expectSame(dx, new Float32Array(4), "dx");
    expectSame(dvalue as Floats, new Float32Array(4), "dvalue");
    const none = new Float32Array(0);
    const empty = fused.gluDropout(none, 0.5, { columns: 3 });
    expect(empty.y.length).toBe(0);
    expect(fused.backward(none, empty.ticket, { x: none }).dx.length).toBe(0);
    expect(fused.gluDropout(none, 0.5, { value: none }).y.length).toBe(0);
  });

  it("refuses, before anything is written or a stream number is used", () => {
    const x = new Float32Array(12);
    const before = dropout.state;
    const calls: [Anything, Anything, string][] = [
      [x, {}, '"columns" expected number of columns of a half, or "value", got undefined'],
      [x, { value: x, columns: 3 }, '"columns" expected undefined beside "value", got 3'],
      [x, { columns: 4 }, '"x" expected length that is a multiple of 8, two halves a row, got 12'],
      [x, { columns: 0 }, '"columns" expected integer in [1, '],
      [x, { value: new Float32Array(11) }, '"value" expected length 12, got 11'],
      [x, { value: new Float64Array(12) }, '"value" expected Float32Array or f32 buffer, got Float64Array(12)'],
      [x, { columns: 3, activation: "none" }, '"activation" expected "relu" or "gelu" or "geluTanh" or "silu", got string "none"'],
      [x, { columns: 3, gateFirst: 1 }, '"gateFirst" expected boolean, got 1'],
      [x, { columns: 3, bias: x }, '"bias" is no option'],
      [x, { columns: 3, out: x }, '"out" expected length 6, got 12'],
      [x, { columns: 3, out: x.subarray(0, 6) }, '"out" expected memory apart from "x"'],
    ];
    for (const [data, options, message] of calls) expect(() => fused.gluDropout(data, 0.5, options), message).toThrow(message);
    const { ticket } = fused.gluDropout(x, 0.5, { columns: 3, stream: 1 });
    const backs: [Anything, Anything, Anything, string, Anything?][] = [
      [x, ticket, { x }, '"dy" expected length 6, the ticket\'s, got 12'],
      [new Float32Array(6), { ...ticket, columns: 4 }, { x }, '"ticket.columns" expected divisor of 6, got 4'],
      [new Float32Array(6), { ...ticket, activation: "none" }, { x }, '"ticket.activation" expected '],
      [new Float32Array(6), ticket, {}, '"saved.x" expected Float32Array or f32 buffer, got undefined'],
      [new Float32Array(6), ticket, { x }, '"dvalue" expected undefined, as the forward call had no second array', { dvalue: x }],
      [new Float32Array(6), ticket, { x }, '"dx" expected Float32Array or f32 buffer, got false', { dx: false }],
    ];
    for (const [dy, stored, saved, message, options] of backs) {
      expect(() => fused.backward(dy, stored, saved, options), message).toThrow(message);
    }
    expect(dropout.state).toEqual(before);
  });
});

describe("activations of f64", () => {
  /** P(N > x), N normally distributed, for x >= 0: a series of positive terms, or a continued fraction (Abramowitz, Stegun, 7.1.6 and 7.1.14). */
  function tail(x: number): number {
    const z = x / Math.SQRT2;
    const factor = Math.exp(-z * z) / Math.sqrt(Math.PI);
    if (z < 1.5) {
      let sum = 1;
      for (let n = 1, term = 1; term > 1e-19 * sum; ++n) {
        term *= (2 * z * z) / (2 * n + 1);
        sum += term;
      }
      return 0.5 - z * factor * sum;
    }
    let fraction = 0;
    for (let k = 300; k > 0; --k) fraction = k / 2 / (z + fraction);
    return (0.5 * factor) / (z + fraction);
  }
  const logistic = (z: number) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
  const below = (v: number) => (v < 0 ? tail(-v) : 1 - tail(v));
  const z = (v: number) => Math.sqrt(8 / Math.PI) * (v + 0.044715 * v ** 3);
  const dz = (v: number) => Math.sqrt(8 / Math.PI) * (1 + 3 * 0.044715 * v * v);
  const gated = (v: number, of: number, slope: number) => logistic(of) + v * logistic(of) * logistic(-of) * slope;
  const EXACT = {
    relu: [(v: number) => Math.max(v, 0), (v: number) => (v > 0 ? 1 : 0)],
    gelu: [(v: number) => v * below(v), (v: number) => below(v) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI)],
    geluTanh: [(v: number) => v * logistic(z(v)), (v: number) => gated(v, z(v), dz(v))],
    silu: [(v: number) => v * logistic(v), (v: number) => gated(v, v, 1)],
  } as const satisfies Record<GluActivation, readonly [(v: number) => number, (v: number) => number]>;

  it.each(GATES)("%s: within some units in the last place, forward and back, also gated", (activation) => {
    const [value, slope] = EXACT[activation];
    const n = 3000;
    const x = Float64Array.from({ length: n }, (_, i) => (i - n / 2) / (n / 60));
    x.set([0, -0, 1e-300, -1e-300, 1e300, -1e300, Infinity, -Infinity, Number.NaN]);
    const ones = new Float64Array(n).fill(1);
    const near = (got: Float64Array, expected: Float64Array, what: string) => {
      got.forEach((g, i) => {
        const e = expected[i] as number;
        // Near its zero a slope has no relative accuracy.
        const bound = 2e-12 * Math.abs(e) + (what === "slope" ? 2e-13 * Math.min(1, Math.exp(-Math.abs(x[i] as number))) : 0) + 1e-290;
        if (!(Math.abs(g - e) <= bound) && !Object.is(g + 0, e + 0)) throw new Error(`${what} at ${x[i]}: ${g} instead of ${e}`);
      });
    };
    const limits = (f: (v: number) => number, at: readonly number[]) =>
      x.map((v) =>
        v === Infinity
          ? (at[0] as number)
          : v === -Infinity
            ? (at[1] as number)
            : Math.abs(v) === 1e300
              ? v > 0
                ? (at[2] as number)
                : 0
              : f(v),
      );
    const { y, ticket } = fused.biasActivationDropout(x, 0, { activation });
    near(y, limits(value, [Infinity, 0, 1e300]), "value");
    const { dx } = fused.backward(ones, ticket, { x });
    near(dx, limits(slope, [1, 0, 1]), "slope");
    const other = slow.biasActivationDropout(x, 0, { activation });
    expectSame(other.y, y, "builds, y");
    expectSame(slow.backward(ones, other.ticket, { x }).dx, dx, "builds, dx");
    const gatedCall = fused.gluDropout(x, 0, { activation, value: ones });
    expectSame(gatedCall.y, y, "gated, y");
    const back = fused.backward(ones, gatedCall.ticket, { x, value: ones });
    expectSame(back.dx, dx, "gated, dx");
    expectSame(back.dvalue as Float64Array<ArrayBuffer>, y, "gated, dvalue");
  });
});
