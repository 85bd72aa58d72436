// Bias, activation, dropout and residual by the API, against the oracle: ordinary arrays and buffers, in place, pieces of all kinds, tickets,
// slices, evaluation, refusals.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, type StreamKind, type Ticket, type WasmBuffer } from "../../src/core/index.js";
import { PIECE } from "../../src/engine/pieces.js";
import { ACTIVATIONS, type Activation, createFused, type Fused, type ResidualTicket } from "../../src/fused/index.js";
import { choices } from "../support/messages.js";
import { chance, drop, expectSame, KINDS, keepBytes, PROBABILITIES, sample, uniforms } from "../support/oracle.js";
import { thrownBy } from "../support/refusals.js";
import { ACTIVATION, ACTIVATION_ERROR, addResidual, biased, columnSums, derivative, expectClose, GRADIENT_ERROR } from "./oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const SEED = 77n;
const STREAM = 5;
const SPAN = 3 * PIECE;
const random = { tile: uniforms("tile", SEED, BigInt(STREAM), 0, SPAN), philox: uniforms("philox", SEED, BigInt(STREAM), 0, SPAN) };

let dropout: Dropout;
let fused: Fused;

beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
  fused = await createFused(dropout);
});

const keepOf = (kind: StreamKind, p: number, start: number, n: number) =>
  keepBytes(random[kind].subarray(start, start + n), chance(kind, p));
/** Values between -5 and 5. */
const wave = (n: number, salt = 0) => Float32Array.from({ length: n }, (_, i) => Math.sin(i + salt) * 5);
const buffers: WasmBuffer[] = [];
const inWasm = (array: Floats) => {
  const buffer = dropout.from(array as Float32Array);
  buffers.push(buffer);
  return buffer;
};
const freeAll = () => {
  for (const buffer of buffers.splice(0)) buffer.free();
};
const read = (data: object) => ("array" in data ? (data as WasmBuffer).array : (data as Floats)).slice() as Floats;

/** Shapes [rows, columns] around a step, a piece and a tile, and rows longer than a piece; 0 columns stand for no bias. */
const SHAPES = [
  [0, 3],
  [1, 1],
  [5, 3],
  [3, 17],
  [1000, 0],
  [64, 64],
  [PIECE - 1, 1],
  [PIECE, 0],
  [9, 911],
  [2, PIECE + 1],
  [1, 20_000],
  [6, 4096],
] as const;

describe("biasDropoutResidual", () => {
  for (const kind of KINDS) {
    it.each(["f32", "f64"] as const)(`${kind}, %s: forward and back as the oracle says, bit for bit`, (dtype) => {
      SHAPES.forEach(([rows, columns], k) => {
        const n = rows * (columns || 1);
        const x = sample(dtype, n, 1);
        const residual = sample(dtype, n, 2);
        const bias = columns ? sample(dtype, columns, 3) : undefined;
        const dy = sample(dtype, n, 4).map((v) => (Number.isFinite(v) && Math.abs(v) < 100 ? v : 1)) as Floats;
        for (const p of k < 6 ? PROBABILITIES : [0.1]) {
          const start = [0, 3, 4096, 5000][k % 4] as number;
          const what = `${rows} x ${columns}, p ${p}, start ${start}`;
          const drawn = chance(kind, p);
          const keep = keepOf(kind, p, start, n);
          const expected = addResidual(biased(x, bias), residual, keep, drawn);
          const dx = drop(dy, keep, drawn);
          const place = { kind, stream: STREAM, start };
          for (const take of [(a: Floats) => a.slice() as Floats, inWasm] as ((a: Floats) => Anything)[]) {
            const given = { ...place, bias: bias && take(bias), residual: take(residual) };
            const { y, ticket } = fused.biasDropoutResidual(take(x), p, given);
            expectSame(read(y), expected, what);
            expectSame(read(given.residual), residual, what);
            const stored: ResidualTicket = JSON.parse(JSON.stringify(ticket));
            const back = fused.backward(take(dy), stored);
            expectSame(read(back.dx), dx, `${what}, back`);
            if (columns) expectSame(read(back.dbias as Anything), columnSums(dx, columns), `${what}, dbias`);
            else expect(back.dbias).toBeUndefined();
            expectSame(read(back.dresidual as Anything), dy, `${what}, dresidual`);
            const onX = take(x);
            expect(fused.biasDropoutResidual(onX, p, { ...given, out: onX }).y).toBe(onX);
            expectSame(read(onX), expected, `${what}, on x`);
            expect(fused.biasDropoutResidual(take(x), p, { ...given, out: given.residual }).y).toBe(given.residual);
            expectSame(read(given.residual), expected, `${what}, on residual`);
            const onDy = take(dy);
            fused.backward(onDy, stored, {}, { dx: onDy, dresidual: false });
            expectSame(read(onDy), dx, `${what}, on dy`);
            if ("free" in y)
              buffers.push(y, back.dx as Anything, back.dresidual as Anything, ...(back.dbias ? [back.dbias as Anything] : []));
            freeAll();
          }
        }
      });
    });
  }

  it("takes buffers and ordinary arrays together", () => {
    const [x, residual, bias] = [wave(30), wave(30, 1), wave(10, 2)];
    const expected = fused.biasDropoutResidual(x, 0.5, { residual, bias, stream: 1 }).y;
    for (let k = 1; k < 8; ++k) {
      const [a, b, c] = [x, residual, bias].map((array, i) => ((k >> i) & 1 ? inWasm(array) : array)) as [Anything, Anything, Anything];
      expectSame(
        read(fused.biasDropoutResidual(a, 0.5, { residual: b, bias: c, stream: 1, out: new Float32Array(30) }).y),
        expected,
        `${k}`,
      );
    }
    freeAll();
  });

  it("hides NaN and infinities of x and the bias where they are dropped", () => {
    const x = new Float32Array(1000).map((_, i) => [Number.NaN, Number.POSITIVE_INFINITY, 1][i % 3] as number);
    const { y, ticket } = fused.biasDropoutResidual(x, 0.5, {
      bias: Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY),
      residual: new Float32Array(1000).fill(2),
    });
    dropout.replay(ticket, { format: "bytes" }).forEach((keep, i) => {
      if (!keep) expect(y[i]).toBe(2);
    });
    expect(y.some(Number.isNaN)).toBe(true);
    expect(fused.biasDropoutResidual(x, 1, { residual: wave(1000) }).y).toEqual(wave(1000));
  });
});

describe("biasActivationDropout", () => {
  for (const kind of KINDS) {
    it.each(ACTIVATIONS)(`${kind}, %s: forward and back as the oracle says`, (activation) => {
      SHAPES.forEach(([rows, columns], k) => {
        const n = rows * (columns || 1);
        const [x, dy, bias] = [wave(n, 1), wave(n, 4), columns ? wave(columns, 3) : undefined];
        const p = [0.1, 0, 0.5, 1][k % 4] as number;
        const start = [0, 4096, 3, 5000][k % 4] as number;
        const what = `${rows} x ${columns}, p ${p}, start ${start}`;
        const keep = keepOf(kind, p, start, n);
        const s = chance(kind, p).scale32;
        const v = biased(x, bias);
        const expected = Array.from(v, (value) => ACTIVATION[activation](value) * s);
        const slopes = Array.from(v, (value, i) => derivative(activation, value) * (dy[i] as number) * s);
        const options = { kind, stream: STREAM, start, activation, bias };
        const { y, ticket } = fused.biasActivationDropout(x, p, options);
        expectClose(
          y,
          expected,
          v.map((value) => Math.abs(value) * s),
          keep,
          ACTIVATION_ERROR,
          what,
        );
        const { dx, dbias } = fused.backward(dy, JSON.parse(JSON.stringify(ticket)) as typeof ticket, { x, bias });
        expectClose(
          dx,
          slopes,
          dy.map((value) => Math.abs(value) * s),
          keep,
          GRADIENT_ERROR,
          `${what}, back`,
        );
        if (columns) expectSame(dbias as Float32Array, columnSums(dx, columns), `${what}, dbias`);

        const [a, b, g] = [inWasm(x), bias && inWasm(bias), inWasm(dy)] as WasmBuffer<"f32">[] as Anything;
        expect(fused.biasActivationDropout(a as Anything, p, { ...options, bias: b, out: a, backward: false }).y).toBe(a);
        expectSame(read(a as Anything), y, `${what}, in place`);
        a.array.set(x);
        const back = fused.backward(g as Anything, ticket, { x: a, bias: b }, { dx: k % 2 ? a : g, backward: false });
        expectSame(read(back.dx as Anything), dx, `${what}, back in place`);
        if (columns) expectSame(read(back.dbias as Anything), dbias as Float32Array, `${what}, dbias of buffers`);
        if (back.dbias) buffers.push(back.dbias as Anything);
        freeAll();
      });
    });
  }

  it("applies no activation if none is named", () => {
    const x = wave(100);
    expect(fused.biasActivationDropout(x, 0.5, { stream: 1 }).y).toEqual(dropout.dropout(x, 0.5, { stream: 1 }));
    expect(fused.biasActivationDropout(x, 0.5, { stream: 1 }).ticket).toMatchObject({ activation: "none", op: "biasActivationDropout" });
  });

  it("hides what is dropped, forward and back, and shows NaN where it is kept", () => {
    const x = new Float32Array(999).map((_, i) => [Number.NaN, Number.POSITIVE_INFINITY, 3e38][i % 3] as number);
    for (const activation of ACTIVATIONS) {
      const { y, ticket } = fused.biasActivationDropout(x, 0.5, { activation });
      const { dx } = fused.backward(x, ticket, { x });
      dropout.replay(ticket, { format: "bytes" }).forEach((keep, i) => {
        if (!keep) for (const value of [y[i], dx[i]]) expect(value).toBe(0);
        else if (i % 3 === 0) expect(y[i]).toBeNaN();
        else if (i % 3 === 1) expect(y[i]).toBe(Number.POSITIVE_INFINITY);
      });
    }
  });

  it.each(ACTIVATIONS)("%s: is what it tends to at the largest numbers, and its slope 1 and 0", (activation) => {
    const huge = Float32Array.of(3e38, 1e30, 100, -200, -1e30, -3e38);
    const { y, ticket } = fused.biasActivationDropout(huge, 0, { activation });
    const { dx } = fused.backward(new Float32Array(6).fill(1), ticket, { x: huge });
    const rest = activation === "none" ? huge.slice(3) : [0, 0, 0];
    expect([...y].map((v) => v + 0)).toEqual([...huge.slice(0, 3), ...rest]);
    expect([...dx].map((v) => v + 0)).toEqual([1, 1, 1, ...(activation === "none" ? [1, 1, 1] : [0, 0, 0])]);
  });
});

describe("streams and tickets", () => {
  const x = wave(5000);
  const residual = wave(5000, 1);

  it("share the core's masks", () => {
    const { ticket } = fused.biasDropoutResidual(x, 0.3, { residual, stream: 9, seed: 3 });
    const { y } = fused.biasActivationDropout(new Float32Array(5000).fill(1), 0.3, { stream: 9, seed: 3 });
    expect(dropout.replay(ticket)).toEqual(dropout.mask(5000, 0.3, { stream: 9, seed: 3 }));
    expect(y).toEqual(dropout.mask(5000, 0.3, { stream: 9, seed: 3, format: "f32" }));
  });

  it("give slices that are slices of the whole", () => {
    const whole = fused.biasDropoutResidual(x, 0.3, { residual, bias: wave(100), stream: 9 });
    const part = fused.biasDropoutResidual(x.slice(1700, 4300), 0.3, {
      residual: residual.slice(1700, 4300),
      bias: wave(100),
      stream: 9,
      start: 1700,
    });
    expect(part.y).toEqual(whole.y.slice(1700, 4300));
    const ticket = { ...whole.ticket, start: 1700, length: 2600 };
    const dy = wave(5000, 7);
    expect(fused.backward(dy.slice(1700, 4300), ticket).dx).toEqual(fused.backward(dy, whole.ticket).dx.slice(1700, 4300));
  });

  it("use a number of the sequence in training, and none outside", () => {
    const next = () => Number(dropout.state.nextStream);
    const before = next();
    const out = new Float32Array(5000);
    fused.biasDropoutResidual(x, 0.3, { residual, out });
    fused.biasActivationDropout(x, 0, { out });
    expect(next()).toBe(before + 2);
    const { y, ticket } = fused.biasDropoutResidual(x, 0.3, { residual, training: false });
    expect(fused.biasActivationDropout(x, 0.3, { training: false, activation: "silu" }).ticket.p).toBe(0);
    fused.biasDropoutResidual(x, 0.3, { residual, stream: 1 });
    fused.backward(x, ticket);
    expect(next()).toBe(before + 2);
    expectSame(y, addResidual(x, residual, new Uint8Array(5000).fill(1), chance("tile", 0)), "evaluation");
    expect(fused.backward(x, ticket).dx).toEqual(x);
  });

  it("draw in inverted form whatever the last call of the core did", () => {
    const expected = fused.biasDropoutResidual(x, 0.3, { residual, stream: 9 });
    dropout.dropout(x, 0.3, { rescale: "none" });
    expect(fused.biasDropoutResidual(x, 0.3, { residual, stream: 9 })).toEqual(expected);
    dropout.dropout(x, 0.3, { rescale: "test", training: false });
    const ticket = { ...expected.ticket, op: "dropout" } as const;
    expect(fused.backward(x, expected.ticket).dx).toEqual(dropout.backward(x, ticket).dx);
  });

  it("give the same bits with and without SIMD", async () => {
    const scalar = await createFused(await createDropout({ seed: SEED, simd: false }), { simd: false });
    for (const activation of ACTIVATIONS) {
      const options = { activation, bias: wave(1250, 2), stream: 4 };
      const [a, b] = [fused, scalar].map((one) => {
        const { y, ticket } = one.biasActivationDropout(x, 0.3, options);
        return [y, one.backward(residual, ticket, { x, bias: options.bias })];
      });
      expect(b).toEqual(a);
    }
    const [a, b] = [fused, scalar].map((one) => one.biasDropoutResidual(x, 0.3, { residual, bias: wave(8), stream: 4 }));
    expect(b).toEqual(a);
  });
});

describe("memory", () => {
  it("stays as it is over any number of calls, and grows under buffers that are in use", async () => {
    const small = await createDropout({ seed: 1 });
    const f = await createFused(small);
    const x = small.from(wave(20_000));
    const array = wave(20_000, 1);
    const run = () => {
      const { y, ticket } = f.biasActivationDropout(x, 0.2, { bias: wave(2500), activation: "gelu" });
      const { dx, dbias } = f.backward(y, ticket, { x, bias: wave(2500) });
      f.biasDropoutResidual(array, 0.2, { residual: x });
      for (const buffer of [y, dx, dbias as WasmBuffer]) buffer.free();
    };
    run();
    const { byteLength } = small.memory.buffer;
    for (let k = 0; k < 50; ++k) run();
    expect(small.memory.buffer.byteLength).toBe(byteLength);
    // A row that is longer than what is kept for scratch.
    const [long, out] = [small.from(wave(200_000)), small.alloc("f32", 200_000)];
    const before = small.memory.buffer.byteLength;
    const { y } = f.biasDropoutResidual(long, 0.2, { residual: long, bias: wave(200_000), stream: 3, out });
    expect(small.memory.buffer.byteLength).toBeGreaterThan(before);
    const outside = f.biasDropoutResidual(long.array.slice(), 0.2, { residual: long.array.slice(), bias: wave(200_000), stream: 3 });
    expectSame(y.array, outside.y, "after growth");
  });

  it("may grow for dx while dbias is a view of it", async () => {
    const small = await createDropout({ seed: 1 });
    const f = await createFused(small);
    const dy = small.from(wave(30_000));
    const dbias = small.alloc("f32", 3);
    const { ticket } = f.biasDropoutResidual(dy, 0.2, { residual: dy, bias: wave(3), out: dy });
    const { byteLength } = small.memory.buffer;
    const { dx } = f.backward(dy, ticket, {}, { dbias: dbias.array });
    expect(small.memory.buffer.byteLength).toBeGreaterThan(byteLength);
    expectSame(dbias.array, columnSums(dx.array, 3), "dbias");
  });

  it("gives back what a call took that did not fit", async () => {
    const small = await createDropout({ seed: 1, maxBytes: 2 ** 18 });
    const f = await createFused(small);
    const [x, bias] = [wave(8000), wave(8000)];
    const { state } = small;
    const act = () => f.biasActivationDropout(x, 0.5, { bias, activation: "gelu" });
    expect(act).toThrow(/^"scratch" expected what fits beside the 262144 bytes in use or kept, of at most 262144, got /);
    expect(small.state).toEqual(state);
    expect(f.biasActivationDropout(x, 0.5, { activation: "gelu" }).y.length).toBe(8000);
    expect(act).toThrow(RangeError);
  });
});

describe("refusals", () => {
  const x = wave(12);
  const residual = wave(12, 1);
  const out = new Float32Array(12).fill(7);
  const shared = new Float32Array(24);
  const options = { residual, out };
  let ticket: ResidualTicket;
  let gelu: Ticket & { activation: Activation };

  beforeAll(() => {
    ticket = fused.biasDropoutResidual(x, 0.5, { residual, bias: wave(3), stream: 1 }).ticket;
    gelu = fused.biasActivationDropout(x, 0.5, { activation: "gelu", bias: wave(3), stream: 1 }).ticket;
  });

  const refusals: [name: string, act: () => unknown, type: typeof TypeError | typeof RangeError, message: string][] = [
    ["p", () => fused.biasDropoutResidual(x, 1.5, options), RangeError, '"p" expected number in [0, 1], got 1.5'],
    [
      "p of a wrong kind",
      () => fused.biasActivationDropout(x, "1" as Anything, { out }),
      TypeError,
      '"p" expected number in [0, 1], got string "1"',
    ],
    ["no options", () => fused.biasDropoutResidual(x, 0.5, undefined as Anything), TypeError, '"options" expected object, got undefined'],
    [
      "a residual that is none",
      () => fused.biasDropoutResidual(x, 0.5, { residual: null, out } as Anything),
      TypeError,
      '"residual" expected Float32Array or f32 buffer, got null',
    ],
    [
      "a short residual",
      () => fused.biasDropoutResidual(x, 0.5, { residual: wave(11), out }),
      RangeError,
      '"residual" expected length 12, got 11',
    ],
    [
      "a residual of another dtype",
      () => fused.biasDropoutResidual(x, 0.5, { residual: new Float64Array(12), out } as Anything),
      TypeError,
      '"residual" expected Float32Array or f32 buffer, got Float64Array(12)',
    ],
    [
      "x of bytes",
      () => fused.biasActivationDropout(new Uint8Array(4) as Anything, 0.5),
      TypeError,
      '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Uint8Array(4)',
    ],
    [
      "f64 for an activation",
      () => fused.biasActivationDropout(new Float64Array(4) as Anything, 0.5, { bias: new Float32Array(2) }),
      TypeError,
      '"bias" expected Float64Array or f64 buffer, got Float32Array(2)',
    ],
    [
      "a bias that does not divide",
      () => fused.biasDropoutResidual(x, 0.5, { ...options, bias: wave(5) }),
      RangeError,
      '"bias" expected length that divides 12, got 5',
    ],
    [
      "an empty bias",
      () => fused.biasDropoutResidual(x, 0.5, { ...options, bias: wave(0) }),
      RangeError,
      '"bias" expected length that divides 12, got 0',
    ],
    [
      "a bias of another dtype",
      () => fused.biasActivationDropout(x, 0.5, { bias: new Float64Array(3) as Anything, out }),
      TypeError,
      '"bias" expected Float32Array or f32 buffer, got Float64Array(3)',
    ],
    [
      "an unknown activation",
      () => fused.biasActivationDropout(x, 0.5, { activation: "tanh" as Anything, out }),
      RangeError,
      `"activation" expected ${choices(ACTIVATIONS)}, got string "tanh"`,
    ],
    [
      "training of a wrong kind",
      () => fused.biasActivationDropout(x, 0.5, { training: 1 as Anything, out }),
      TypeError,
      '"training" expected boolean, got 1',
    ],
    [
      "start",
      () => fused.biasActivationDropout(x, 0.5, { start: -1, out }),
      RangeError,
      `"start" expected integer in [0, ${2 ** 53 - 12}], got -1`,
    ],
    [
      "a short out",
      () => fused.biasActivationDropout(x, 0.5, { out: new Float32Array(11) }),
      RangeError,
      '"out" expected length 12, got 11',
    ],
    [
      "out over x",
      () => fused.biasActivationDropout(shared.subarray(0, 12), 0.5, { out: shared.subarray(4, 16) }),
      RangeError,
      '"out" expected "x" itself or memory apart from it, got memory that overlaps it',
    ],
    [
      "out over the residual",
      () => fused.biasDropoutResidual(x, 0.5, { residual: shared.subarray(0, 12), out: shared.subarray(4, 16) }),
      RangeError,
      '"out" expected "residual" itself or memory apart from it, got memory that overlaps it',
    ],
    [
      "out over the bias",
      () => fused.biasDropoutResidual(x, 0.5, { residual, bias: shared.subarray(0, 12), out: shared.subarray(0, 12) }),
      RangeError,
      '"out" expected memory apart from "bias", got memory that overlaps it',
    ],
    ["no ticket", () => fused.backward(x, undefined as Anything, {}, { dx: out }), TypeError, '"ticket" expected ticket, got undefined'],
    [
      "a ticket of the core",
      () => fused.backward(x, { ...ticket, op: undefined } as Anything, {}, { dx: out }),
      TypeError,
      '"ticket.op" expected "biasDropoutResidual"',
    ],
    [
      "another version",
      () => fused.backward(x, { ...ticket, version: 2 }, {}, { dx: out }),
      RangeError,
      '"ticket.version" expected 1, the only version of the specification so far, got 2',
    ],
    [
      "columns of a ticket",
      () => fused.backward(x, { ...ticket, columns: 5 }, {}, { dx: out }),
      RangeError,
      '"ticket.columns" expected divisor of 12, got 5',
    ],
    [
      "no columns of a ticket",
      () => fused.backward(x, { ...ticket, columns: 0 }, {}, { dx: out }),
      RangeError,
      `"ticket.columns" expected integer in [1, ${2 ** 53}], got 0`,
    ],
    [
      "the activation of a ticket",
      () => fused.backward(x, { ...gelu, activation: "tanh" } as Anything, {}, { dx: out }),
      RangeError,
      '"ticket.activation" expected "none" or "relu"',
    ],
    [
      "rescaling of a ticket",
      () => fused.backward(x, { ...ticket, rescale: "none" }, {}, { dx: out }),
      RangeError,
      '"ticket.rescale" expected "train", got string "none"',
    ],
    ["a short dy", () => fused.backward(wave(11), ticket), RangeError, '"dy" expected length 12, the ticket\'s, got 11'],
    [
      "f64 behind an activation",
      () => fused.backward(new Float64Array(12), gelu as Anything, { x: new Float32Array(12) }),
      TypeError,
      '"saved.x" expected Float64Array or f64 buffer, got Float32Array(12)',
    ],
    [
      "no x",
      () => fused.backward(x, gelu as Anything, {}, { dx: out }),
      TypeError,
      '"saved.x" expected Float32Array or f32 buffer, got undefined',
    ],
    [
      "no bias",
      () => fused.backward(x, gelu as Anything, { x }, { dx: out }),
      TypeError,
      '"saved.bias" expected Float32Array or f32 buffer, got undefined',
    ],
    [
      "a short dbias",
      () => fused.backward(x, ticket, {}, { dx: out, dbias: new Float32Array(4) }),
      RangeError,
      '"dbias" expected length 3, got 4',
    ],
    [
      "dbias over dx",
      () => fused.backward(x, ticket, {}, { dx: shared.subarray(0, 12), dbias: shared.subarray(9, 12) }),
      RangeError,
      '"dbias" expected memory apart from "dx", got memory that overlaps it',
    ],
  ];

  it.each(refusals)("%s", (_name, act, type, message) => {
    const { state } = dropout;
    const { byteLength } = dropout.memory.buffer;
    const error = thrownBy(act);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message.slice(0, message.length)).toBe(message);
    expect(out).toEqual(new Float32Array(12).fill(7));
    expect(shared).toEqual(new Float32Array(24));
    expect(dropout.state).toEqual(state);
    expect(dropout.memory.buffer.byteLength).toBe(byteLength);
  });

  it("of what is not an instance", async () => {
    await expect(createFused({} as Anything)).rejects.toThrow(new TypeError('"dropout" expected Dropout of this package, got Object'));
  });

  it("free the buffers that the call had made", () => {
    const a = dropout.from(x);
    const before = dropout.alloc("f32", 12);
    const address = before.pointer;
    before.free();
    expect(() => fused.backward(a, ticket, {}, { dbias: new Float32Array(4) as Anything })).toThrow(RangeError);
    const after = dropout.alloc("f32", 12);
    expect(after.pointer).toBe(address);
    after.free();
    a.free();
  });
});
