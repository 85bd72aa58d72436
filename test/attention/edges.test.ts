// Attention at the edges: nothing kept, nothing seen, NaN and infinities, no elements, results in place, 16-bit data, memory, and what is refused.

import { beforeAll, describe, expect, it } from "vitest";
import { type Attention, type AttentionTicket, createAttention } from "../../src/attention/index.js";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createFused, type Fused } from "../../src/fused/index.js";
import { HALF_DTYPES } from "../../src/ground/dtypes.js";
import { createHalf } from "../../src/half/index.js";
import { numbers } from "../fused/rows-oracle.js";
import { FORMATS, numbersOf } from "../half/oracle.js";
import { expectBytes, expectSame } from "../support/oracle.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";
import { BUILDS } from "../support/wasm.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Floats = Float32Array<ArrayBuffer>;

let dropout: Dropout;
let fused: Fused;
let attention: Attention;
const attentions: Attention[] = [];

beforeAll(async () => {
  dropout = await createDropout({ seed: 8 });
  fused = await createFused(dropout);
  for (const build of BUILDS) attentions.push(await createAttention(dropout, { simd: build === "simd" }));
  attention = attentions[0] as Attention;
});

const bytesOf = (array: Uint16Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const ones = (length: number) => new Float32Array(length).fill(1);
const isZero = (array: Float32Array) => array.every((v) => Object.is(v, 0));

/** Operands of [queries, depth], [keys, depth] and [keys, depth]. */
function operands(queries: number, keys: number, depth: number) {
  const shapes = { shape: [queries, depth], kShape: [keys, depth] };
  return {
    q: numbers(queries * depth, 1),
    k: numbers(keys * depth, 2),
    v: numbers(keys * depth, 3),
    dy: numbers(queries * depth, 4),
    shapes,
  };
}

it("p = 1 drops everything: +0, with the log-sum-exps of the scores", () => {
  const { q, k, v, dy, shapes } = operands(9, 11, 5);
  const { y, logSumExp, ticket } = attention.forward(q, 1, { k, v, ...shapes });
  expect(isZero(y)).toBe(true);
  expectSame(logSumExp, attention.forward(q, 0, { k, v, ...shapes }).logSumExp, "lse");
  const { dq, dk, dv } = attention.backward(dy, ticket, { q, k, v, y, logSumExp });
  for (const gradient of [dq, dk, dv]) expect(gradient.every((value) => value === 0)).toBe(true);
});

describe("a query that sees no key", () => {
  it("gives +0 and -Infinity, and gradients of +0, whatever stands in k and v", () => {
    const { q, dy, shapes } = operands(4, 3, 2);
    const k = new Float32Array(6).fill(Number.NaN);
    const v = Float32Array.of(Infinity, NaN, NaN, 1, -Infinity, 0);
    for (const options of [
      { keyLengths: [0, 0, 0, 0] },
      { attentionMask: new Uint8Array(3) },
      { attentionMask: new Float32Array(3).fill(-Infinity) },
    ]) {
      for (const one of attentions) {
        const { y, logSumExp, ticket } = one.forward(q, 0.5, { k, v, ...shapes, ...options, stream: 1 });
        expect(isZero(y)).toBe(true);
        expect([...logSumExp]).toEqual([-Infinity, -Infinity, -Infinity, -Infinity]);
        const saved = { q, k, v, y, logSumExp, ...("attentionMask" in options ? options : {}) };
        const gradients = one.backward(dy, ticket, saved);
        for (const gradient of Object.values(gradients)) expect(isZero(gradient as Floats)).toBe(true);
      }
    }
  });

  it("comes of causal order where there are more queries than keys", () => {
    const { q, k, v, shapes } = operands(5, 2, 3);
    const { y, logSumExp } = attention.forward(q, 0, { k, v, ...shapes, causal: true });
    expect([...logSumExp].map(Number.isFinite)).toEqual([false, false, false, true, true]);
    expect(isZero(y.subarray(0, 9))).toBe(true);
    expectSame(y.slice(9, 12), v.slice(0, 3), "sees one key");
  });
});

it("NaN and infinities among the scores are those of softmaxDropout; v counts only where a key is seen and kept", () => {
  const [queries, keys, depth] = [24, 12, 3];
  const { q, k, v, shapes } = operands(queries, keys, depth);
  const dirty = q.map((value, i) => (i % 17 === 0 ? NaN : i % 23 === 0 ? Infinity : value)) as Floats;
  k[7] = Infinity;
  v[4] = NaN;
  v[30] = Infinity;
  const attentionMask = Float32Array.from({ length: queries * keys }, (_, i) => (i % 5 === 0 || i % keys === 2 ? -Infinity : 0));
  for (const p of [0, 0.5, 0.9]) {
    const logits = Float32Array.from({ length: queries * keys }, (_, i) => {
      let dot = 0;
      for (let t = 0; t < depth; ++t)
        dot = Math.fround(dot + Math.fround((dirty[Math.floor(i / keys) * depth + t] as number) * (k[(i % keys) * depth + t] as number)));
      return dot;
    });
    const scale = Math.fround(1 / Math.sqrt(depth));
    const weights = fused.softmaxDropout(logits, p, { shape: [queries, keys], scale, attentionMask, stream: 4 }).y;
    for (const one of attentions) {
      const { y } = one.forward(dirty, p, { k, v, ...shapes, attentionMask, stream: 4 });
      y.forEach((value, i) => {
        let sum = 0;
        for (let j = 0; j < keys; ++j) {
          const weight = weights[Math.floor(i / depth) * keys + j] as number;
          if (weight !== 0) sum += weight * (v[j * depth + (i % depth)] as number);
        }
        if (Number.isFinite(sum)) expect(Math.abs(value - sum)).toBeLessThan(1e-5);
        else expect(value).toBe(sum);
      });
    }
  }
});

it("keys that are left out give nothing to gradients and get none, whatever they are", () => {
  const { q, k, v, dy, shapes } = operands(10, 40, 6);
  const clean = attention.forward(q, 0.3, { k, v, ...shapes, keyLengths: Array(10).fill(33), stream: 2 });
  const expected = attention.backward(dy, clean.ticket, { q, k, v, y: clean.y, logSumExp: clean.logSumExp });
  const [wildK, wildV] = [k.slice(), v.slice()];
  wildK.fill(NaN, 33 * 6);
  wildV.fill(Infinity, 33 * 6);
  const attentionMask = Uint8Array.from({ length: 40 }, (_, j) => (j < 33 ? 1 : 0));
  for (const one of attentions) {
    const { y, logSumExp, ticket } = one.forward(q, 0.3, { k: wildK, v: wildV, ...shapes, attentionMask, stream: 2 });
    expectSame(y, clean.y, "y");
    const saved = { q, k: wildK, v: wildV, logSumExp, attentionMask };
    const got = one.backward(dy, ticket, { ...saved, y });
    for (const name of ["dq", "dk", "dv"] as const) expectSame(got[name], expected[name], name);
    expect(isZero(got.dk.subarray(33 * 6))).toBe(true);
    expect(one.backward(dy, ticket, saved).dq.every(Number.isFinite)).toBe(true);
  }
});

it.each([
  ["queries", [2, 3, 0, 4], [2, 3, 5, 4]],
  ["keys", [2, 3, 5, 4], [2, 3, 0, 4]],
  ["batch", [0, 3, 5, 4], [0, 3, 2, 4]],
  ["heads", [2, 0, 5, 4], [2, 0, 2, 4]],
  ["columns", [2, 3, 5, 0], [2, 3, 4, 0]],
])("takes no %s", (_, shape, kShape) => {
  const length = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  const vShape = [...kShape.slice(0, -1), 3];
  const [q, k, v] = [ones(length(shape)), ones(length(kShape)), ones(length(vShape))];
  for (const causal of [false, true]) {
    const { y, logSumExp, ticket } = attention.forward(q, 0.5, { k, v, shape, kShape, vShape, causal, training: false });
    expect(y.length).toBe(length(shape.slice(0, -1)) * 3);
    const keys = kShape[2] as number;
    expect(y.every((value) => (keys === 0 ? value === 0 : causal || Math.abs(value - 1) < 1e-6))).toBe(true);
    expect(logSumExp.length).toBe(length(shape.slice(0, -1)));
    const { dq, dk, dv } = attention.backward(ones(y.length), ticket, { q, k, v, y, logSumExp });
    expect([dq.length, dk.length, dv.length]).toEqual([q.length, k.length, v.length]);
    if (keys === 0) expect(isZero(dq)).toBe(true);
  }
});

it("takes shapes without leading dimensions, or with more of them", () => {
  const { q, k, v, dy, shapes } = operands(6, 7, 4);
  const options = { k, v, stream: 3 };
  const expected = attention.forward(q, 0.4, { ...options, ...shapes });
  for (const leading of [[1], [1, 1], [1, 1, 1, 1]]) {
    const shape = [...leading, 6, 4];
    const got = attention.forward(q, 0.4, { ...options, shape, kShape: [...leading, 7, 4] });
    expectSame(got.y, expected.y, `${shape}`);
    const saved = { q, k, v, y: got.y, logSumExp: got.logSumExp };
    expectSame(attention.backward(dy, got.ticket, saved).dq, attention.backward(dy, expected.ticket, saved).dq, `${shape}`);
  }
});

it("a ticket draws the mask of the whole matrix, and calls use up numbers as others do", () => {
  const { q, k, v, shapes } = operands(6, 50, 4);
  const before = BigInt(dropout.state.nextStream);
  attention.forward(q, 0.4, { k, v, ...shapes, training: false });
  expect(BigInt(dropout.state.nextStream)).toBe(before);
  const { ticket } = attention.forward(q, 0.4, { k, v, ...shapes });
  expect(BigInt(dropout.state.nextStream)).toBe(before + 1n);
  expect(ticket).toMatchObject({ op: "attention", length: 300, stream: String(before) });
  expectBytes(dropout.replay(ticket), dropout.mask(300, 0.4, { stream: before }), "mask");
  expectRefusal(
    () => fused.backward(ones(300), ticket as Anything, {} as Anything),
    RangeError,
    '"ticket.op" expected "biasDropoutResidual" or "biasActivationDropout" or "dropoutResidualLayerNorm" or "dropoutResidualRMSNorm" or "softmaxDropout" or "gluDropout", got "attention", whose backward is that of Attention',
  );
});

describe("results", () => {
  it("y takes the place of q where no backward call follows, on arrays and buffers", () => {
    const { q, k, v, dy, shapes } = operands(150, 30, 4);
    const { y } = attention.forward(q, 0.3, { k, v, ...shapes, stream: 1 });
    const copy = q.slice();
    const { ticket } = attention.forward(copy, 0.3, { k, v, ...shapes, stream: 1, out: copy, backward: false });
    expectSame(copy, y, "array");
    const held = dropout.from(q);
    attention.forward(held, 0.3, { k, v, ...shapes, stream: 1, out: held, backward: false });
    expectSame(Float32Array.from(held.array), y, "buffer");
    held.free();
    expectRefusal(
      () => attention.backward(dy, ticket, { q, k, v, logSumExp: new Float32Array(150) }),
      RangeError,
      '"ticket" expected ticket of a call that left its input as it was, got one whose result took the place of it ("overwritten")',
    );
    expectRefusal(
      () => attention.forward(q, 0.3, { k, v, ...shapes, out: q }),
      RangeError,
      '"out" expected memory apart from "q", which backward reads again, or the option "backward": false, got that very memory',
    );
    const thin = new Float32Array(30);
    expectRefusal(
      () => attention.forward(q, 0.3, { k, v: thin, ...shapes, vShape: [30, 1], out: q.subarray(0, 150) as Floats, backward: false }),
      RangeError,
      '"out" expected memory apart from "q", got memory that overlaps it',
    );
  });

  it("lie apart from all that is read", () => {
    const { q, k, v, dy, shapes } = operands(30, 30, 4);
    expectRefusal(
      () => attention.forward(q, 0.3, { k, v, ...shapes, out: k }),
      RangeError,
      '"out" expected memory apart from "k", got memory that overlaps it',
    );
    const { y, logSumExp, ticket } = attention.forward(q, 0.3, { k, v, ...shapes });
    const saved = { q, k, v, y, logSumExp };
    for (const options of [{ dq: q }, { dq: dy }, { dk: k }, { dv: y }, { dk: q }]) {
      const error = thrownBy(() => attention.backward(dy, ticket, saved, options as Anything));
      expect((error as Error).message).toMatch(/^"d[qkv]" expected memory apart from "/);
    }
    const shared = new Float32Array(120);
    expectRefusal(
      () => attention.backward(dy, ticket, saved, { dq: shared, dk: shared }),
      RangeError,
      '"dk" expected memory apart from "dq", got memory that overlaps it',
    );
  });

  it("are written where options say, and gradients that are not wanted are left out", () => {
    const { q, k, v, dy, shapes } = operands(70, 90, 4);
    const given = { out: new Float32Array(280), logSumExp: new Float32Array(70) };
    const { y, logSumExp, ticket } = attention.forward(q, 0.3, { k, v, ...shapes, ...given });
    expect(y).toBe(given.out);
    expect(logSumExp).toBe(given.logSumExp);
    const saved = { q, k, v, y, logSumExp };
    const all = attention.backward(dy, ticket, saved);
    for (const wanted of ["dq", "dk", "dv"] as const) {
      const array = new Float32Array(all[wanted].length);
      const got = attention.backward(dy, ticket, saved, { dq: false, dk: false, dv: false, [wanted]: array } as Anything) as Anything;
      expect(got[wanted]).toBe(array);
      expectSame(array, all[wanted], wanted);
      for (const other of ["dq", "dk", "dv"]) if (other !== wanted) expect(got[other]).toBe(undefined);
    }
  });
});

describe.each(HALF_DTYPES)("%s", (dtype) => {
  it("gives what f32 gives for the same numbers, rounded once, in arrays and buffers", async () => {
    const half = await createHalf(dropout);
    const wide = await createAttention(half.dropout);
    const { encode } = FORMATS[dtype];
    const sizes = operands(75, 300, 5);
    const bits = (array: Floats) => Uint16Array.from(array, encode);
    const [q, k, v, dy] = [bits(sizes.q), bits(sizes.k), bits(sizes.v), bits(sizes.dy)];
    const floats = (array: Uint16Array) => numbersOf(array, FORMATS[dtype]);
    const mask = bits(numbers(300, 9));
    const options = { ...sizes.shapes, stream: 6, causal: true };
    const expected = wide.forward(floats(q), 0.3, { k: floats(k), v: floats(v), ...options, attentionMask: floats(mask) });
    const wanted = wide.backward(floats(dy), expected.ticket, {
      q: floats(q),
      k: floats(k),
      v: floats(v),
      logSumExp: expected.logSumExp,
      attentionMask: floats(mask),
    });
    for (const held of [false, true]) {
      const place = (array: Uint16Array<ArrayBuffer>): Anything => {
        if (!held) return array;
        const buffer = half.dropout.alloc(dtype, array.length);
        (buffer.array as Uint16Array).set(array);
        return buffer;
      };
      const saved = { q: place(q), k: place(k), v: place(v) };
      const attentionMask = place(mask);
      const got = wide.forward(saved.q, 0.3, { k: saved.k, v: saved.v, ...options, attentionMask, dtype });
      const arrayOf = (result: Anything) => (held ? result.array : result);
      expectBytes(bytesOf(arrayOf(got.y)), bytesOf(bits(expected.y)), "y");
      expectSame(arrayOf(got.logSumExp), expected.logSumExp, "lse");
      const back = wide.backward(place(dy), got.ticket, { ...saved, logSumExp: got.logSumExp, attentionMask }, { dtype }) as Anything;
      for (const name of ["dq", "dk", "dv"] as const) expectBytes(bytesOf(arrayOf(back[name])), bytesOf(bits(wanted[name])), name);
    }
  });
});

it("takes no more memory for more queries and keys", () => {
  const small = operands(300, 300, 16);
  attention.forward(small.q, 0.1, { k: small.k, v: small.v, ...small.shapes });
  const run = ({ q, k, v, dy, shapes }: ReturnType<typeof operands>) => {
    const { y, logSumExp, ticket } = attention.forward(q, 0.1, { k, v, ...shapes });
    attention.backward(dy, ticket, { q, k, v, y, logSumExp });
    return dropout.memory.buffer.byteLength;
  };
  const before = run(small);
  // The matrix of these scores has 36 MB.
  expect(run(operands(3000, 3000, 16))).toBe(before);
});

describe("refuses", () => {
  const { q, k, v, dy, shapes } = operands(6, 7, 4);
  const base = { k, v, ...shapes };
  const cases: [string, object, typeof TypeError | typeof RangeError, string][] = [
    ["no k", { k: undefined }, TypeError, '"k" expected Float32Array or f32 buffer, got undefined'],
    ["v of another dtype", { v: new Float64Array(28) }, TypeError, '"v" expected Float32Array or f32 buffer, got Float64Array(28)'],
    ["a short v", { v: v.subarray(1) }, RangeError, '"v" expected length 28, got 27'],
    ["no shape", { shape: undefined }, TypeError, '"shape" expected array of 2 to 32 non-negative integers, got undefined'],
    ["a shape of one dimension", { shape: [24] }, RangeError, '"shape" expected array of 2 to 32 non-negative integers, got [24]'],
    ["a shape that does not fit", { shape: [5, 4] }, RangeError, '"shape" expected dimensions whose product is 24, got [5, 4]'],
    ["k of other columns", { kShape: [7, 3] }, RangeError, '"kShape" expected [keys, 4], got [7, 3]'],
    ["k of another rank", { kShape: [1, 7, 4] }, RangeError, '"kShape" expected [keys, 4], got [1, 7, 4]'],
    [
      "heads that do not divide",
      { shape: [3, 2, 4], kShape: [2, 7, 4] },
      RangeError,
      '"kShape" expected [heads that divide 3, keys, 4], got [2, 7, 4]',
    ],
    [
      "another batch",
      { shape: [1, 3, 2, 4], kShape: [2, 3, 7, 4] },
      RangeError,
      '"kShape" expected [1, heads that divide 3, keys, 4], got [2, 3, 7, 4]',
    ],
    ["v of other keys", { vShape: [6, 4] }, RangeError, '"vShape" expected that of k, [7, 4], but for the last dimension, got [6, 4]'],
    [
      "a scale that is infinite",
      { scale: Infinity },
      RangeError,
      '"scale" expected number in [-3.4028234663852886e+38, 3.4028234663852886e+38], got Infinity',
    ],
    ["lengths beyond the keys", { keyLengths: [1, 2, 3, 4, 5, 8] }, RangeError, '"keyLengths[5]" expected integer in [0, 7], got 8'],
    [
      "a mask of another length",
      { attentionMask: new Float32Array(8) },
      RangeError,
      '"attentionMask" expected length that fits [6, 7], broadcast, got 8',
    ],
    ["a shape without its mask", { maskShape: [7] }, TypeError, '"maskShape" expected undefined without "attentionMask", got Array(1)'],
    ["an unknown option", { isCausal: true }, TypeError, '"isCausal" is no option; did you mean "causal"?'],
    ["a short array for the log-sum-exps", { logSumExp: new Float32Array(5) }, RangeError, '"logSumExp" expected length 6, got 5'],
  ];
  it.each(cases)("%s", (_, options, type, message) => {
    const before = dropout.state.nextStream;
    const error = thrownBy(() => attention.forward(q, 0.5, { ...base, ...options } as Anything)) as Error;
    expect(error).toBeInstanceOf(type);
    expect(error.message).toBe(message);
    expect(dropout.state.nextStream).toBe(before);
  });

  it("tickets that do not fit", () => {
    const { ticket, y, logSumExp } = attention.forward(q, 0.5, base);
    const saved = { q, k, v, y, logSumExp };
    const back = (changes: Partial<AttentionTicket> | object) => () =>
      attention.backward(dy, { ...ticket, ...changes } as AttentionTicket, saved);
    expectRefusal(back({ length: 41 }), RangeError, '"ticket.length" expected 42, the scores of its shapes, got 41');
    expectRefusal(back({ kShape: [8, 4], length: 48, vShape: [8, 4] }), RangeError, '"saved.k" expected length 32, got 28');
    expectRefusal(back({ causal: 1 }), TypeError, '"ticket.causal" expected boolean, got 1');
    expectRefusal(
      back({ op: "dropout" }),
      RangeError,
      '"ticket.op" expected "attention", got "dropout", whose backward is that of Dropout',
    );
    expectRefusal(
      back({ maskShape: [7], maskKind: "none" }),
      RangeError,
      '"ticket.maskKind" expected "additive" or "boolean", got string "none"',
    );
    expectRefusal(
      () => attention.backward(dy, ticket, { ...saved, logsumexp: logSumExp } as Anything),
      TypeError,
      '"saved.logsumexp" is no option; did you mean "logSumExp"?',
    );
    expectRefusal(
      () => attention.backward(dy.subarray(1) as Floats, ticket, saved),
      RangeError,
      '"dy" expected length 24, the ticket\'s, got 23',
    );
  });
});
