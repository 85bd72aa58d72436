// Attention with dropout against the whole matrix of scores in double precision: shapes around blocks and panels, heads that share keys, causal order,
// masks and lengths, wherever the operands lie, on both builds.

import { beforeAll, describe, expect, it } from "vitest";
import { type Attention, createAttention } from "../../src/attention/index.js";
import { createDropout, type Dropout, type WasmBuffer } from "../../src/core/index.js";
import { createFused, type Fused } from "../../src/fused/index.js";
import { drawn, expectNear, numbers } from "../fused/rows-oracle.js";
import { expectSame, KINDS } from "../support/oracle.js";
import { BUILDS } from "../support/wasm.js";
import { attention as expected, leftOut } from "./oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: options of which types know only some
type Anything = any;
type Floats = Float32Array<ArrayBuffer>;

const ERROR = 1e-6;
const SEED = 5n;

let dropout: Dropout;
let fused: Fused;
const attentions = {} as Record<(typeof BUILDS)[number], Attention>;

beforeAll(async () => {
  dropout = await createDropout({ seed: SEED });
  fused = await createFused(dropout);
  for (const build of BUILDS) attentions[build] = await createAttention(dropout, { simd: build === "simd" });
});

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly size: number;
}

const sizesOf = (sizes: string): Sizes => {
  const [batch, heads, kvHeads, queries, keys, depth, size] = sizes.split(" ").map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { batch, heads, kvHeads, queries, keys, depth, size };
};

/** Operands and shapes of a call. */
function operands({ batch, heads, kvHeads, queries, keys, depth, size }: Sizes, spread = 1) {
  const [q, k] = [numbers(batch * heads * queries * depth, 1, spread), numbers(batch * kvHeads * keys * depth, 2, spread)];
  const [v, dy] = [numbers(batch * kvHeads * keys * size, 3), numbers(batch * heads * queries * size, 4)];
  const shapes = {
    shape: [batch, heads, queries, depth],
    kShape: [batch, kvHeads, keys, depth],
    vShape: [batch, kvHeads, keys, size],
  };
  return { q, k, v, dy, shapes };
}

/** Runs forward and backward in both builds, on arrays and on buffers; expects the same bits, and what the oracle says. */
function check(sizes: Sizes, options: Anything, added: Float64Array | undefined, p: number, spread = 1): void {
  const { q, k, v, dy, shapes } = operands(sizes, spread);
  const { kind = "tile", stream = 3, start = 0, scale = 1 / Math.sqrt(Math.max(1, sizes.depth)) } = options;
  const scores = sizes.batch * sizes.heads * sizes.queries * sizes.keys;
  const training = options.training ?? true;
  const decisions = training ? drawn(kind, SEED, BigInt(stream), start, scores, p) : { keep: new Uint8Array(scores).fill(1), scale: 1 };
  const wanted = expected({ ...sizes, q, k, v, dy, scale, added, drawn: decisions });
  const what = JSON.stringify({ ...sizes, ...options, attentionMask: undefined });

  let first: Floats[] | undefined;
  for (const build of BUILDS) {
    for (const held of [false, true]) {
      const place = <A extends Floats>(array: A) => (held ? dropout.from(array) : array) as Floats;
      const values = (result: unknown) => (held ? Float32Array.from((result as WasmBuffer<"f32">).array) : (result as Floats));
      const saved = { q: place(q), k: place(k), v: place(v) };
      const one = attentions[build].forward(saved.q, p, { k: saved.k, v: saved.v, ...shapes, ...options, stream });
      const { y, logSumExp, ticket } = one;
      const mask = options.attentionMask === undefined ? {} : { attentionMask: options.attentionMask };
      const back = attentions[build].backward(place(dy), JSON.parse(JSON.stringify(ticket)), { ...saved, y, logSumExp, ...mask });
      const other = attentions[build].backward(dy, ticket, { q, k, v, logSumExp: values(logSumExp), ...mask });
      const results = [y, logSumExp, back.dq, back.dk, back.dv, other.dq, other.dk, other.dv].map((result, i) =>
        i < 5 ? values(result) : result,
      ) as Floats[];
      for (const [i, result] of results.entries())
        if (first !== undefined) expectSame(result, first[i] as Floats, `${build}, held ${held}, result ${i}, ${what}`);
      first ??= results;
      if (held)
        for (const buffer of [...Object.values(saved), y, logSumExp, ...Object.values(back)]) (buffer as unknown as WasmBuffer).free();
    }
  }
  const [y, lse, dq, dk, dv, dq2, dk2, dv2] = first as [Floats, Floats, Floats, Floats, Floats, Floats, Floats, Floats];
  expectNear(y, wanted.y, ERROR, `y, ${what}`);
  expectNear(lse, wanted.lse, ERROR, `lse, ${what}`);
  for (const [got, name] of [
    [dq, "dq"],
    [dk, "dk"],
    [dv, "dv"],
    [dq2, "dq"],
    [dk2, "dk"],
    [dv2, "dv"],
  ] as const)
    expectNear(got, wanted[name], ERROR, `${name}, ${what}`);
}

// batch, heads, heads of k and v, queries, keys, columns of q and k, columns of v.
const SHAPES = [
  "1 1 1 1 1 1 1",
  "1 1 1 1 5 3 2",
  "2 1 1 7 9 4 8",
  "1 2 1 8 32 16 4",
  "2 4 2 9 33 5 7",
  "1 3 3 17 64 8 12",
  "1 6 1 5 31 1 3",
  "1 1 1 65 63 9 9",
  "1 1 1 130 140 3 5",
  "1 1 1 2 1100 9 5",
  "1 8 2 1 257 24 24",
  "1 1 1 2 2100 3 4",
  "1 1 1 3 40 700 6",
  "1 1 1 3 40 6 600",
];

describe.each(SHAPES)("of sizes %s", (text) => {
  const sizes = sizesOf(text);

  it.each(KINDS)("is that of the whole matrix, kind %s", (kind) => {
    check(sizes, { kind }, undefined, 0.3);
    check(sizes, { kind, causal: true, start: 4093, scale: 0.7 }, leftOut(sizes, true), 0.1);
    check(sizes, { kind, training: false }, undefined, 0.3);
  });

  it("leaves keys out by lengths, of entries and of queries", () => {
    const { batch, heads, queries, keys } = sizes;
    const entries = Array.from({ length: batch }, (_, b) => (b * 7 + keys - 1) % (keys + 1));
    const perEntry = heads * queries;
    check(
      sizes,
      { keyLengths: entries },
      leftOut(sizes, false, (row) => entries[Math.floor(row / perEntry)] as number),
      0.2,
    );
    const each = Array.from({ length: batch * perEntry }, (_, r) => (r * 5) % (keys + 1));
    check(
      sizes,
      { keyLengths: each, causal: true },
      leftOut(sizes, true, (row) => each[row] as number),
      0.2,
    );
  });

  it("adds and leaves out by masks of all shapes", () => {
    const { batch, heads, queries, keys } = sizes;
    const scores = [batch, heads, queries, keys];
    for (const [k, maskShape] of [[keys], [queries, keys], [batch, 1, 1, keys], [heads, 1, keys], scores, [queries, 1], [1]].entries()) {
      const strides = maskShape.map((_, i) => maskShape.slice(i + 1).reduce((a, b) => a * b, 1));
      const source = (i: number) => {
        let [rest, at] = [i, 0];
        for (let d = 3; d >= 0; --d) {
          const own = d - (4 - maskShape.length);
          const index = rest % (scores[d] as number);
          rest = Math.floor(rest / (scores[d] as number));
          if (own >= 0 && maskShape[own] !== 1) at += index * (strides[own] as number);
        }
        return at;
      };
      const values = numbers(
        maskShape.reduce((a, b) => a * b, 1),
        k + 3,
        2,
      );
      const additive = values.map((value) => (value < -1 ? -Infinity : value)) as Floats;
      const boolean = Uint8Array.from(values, (value) => (value < -1 ? 0 : 1 + (k % 2) * 200));
      const causal = k % 2 === 1;
      check(
        sizes,
        { attentionMask: additive, maskShape, causal },
        leftOut(sizes, causal, undefined, (i) => additive[source(i)] as number),
        0.25,
      );
      const flags = leftOut(sizes, causal, undefined, (i) => (boolean[source(i)] === 0 ? -Infinity : 0));
      check(sizes, { attentionMask: boolean, maskShape, causal }, flags, 0.25);
    }
  });
});

it("draws the decisions of softmaxDropout on the whole matrix, of which few are kept", () => {
  const [queries, keys] = [40, 4500];
  const ones = new Float32Array(keys).fill(1);
  for (const kind of KINDS) {
    for (const start of [0, 2 ** 53 - queries * keys, 2 ** 47 + 4095]) {
      const options = { kind, start, stream: 9 };
      // All scores are 0 and all of v is 1: y counts the kept keys.
      const { y } = attentions.simd.forward(new Float32Array(queries), 0.999, {
        ...options,
        k: ones.map(() => 0) as Floats,
        v: ones,
        shape: [queries, 1],
        kShape: [keys, 1],
      });
      const logits = new Float32Array(queries * keys);
      const unfused = fused.softmaxDropout(logits, 0.999, { ...options, shape: [queries, keys] }).y;
      for (let i = 0; i < queries; ++i) {
        const sum = unfused.subarray(i * keys, (i + 1) * keys).reduce((a, b) => a + b, 0);
        expect(Math.abs((y[i] as number) - sum)).toBeLessThan(1e-5 * Math.max(1, sum));
      }
    }
  }
});
