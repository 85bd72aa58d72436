// Norms with every part that they may have or lack, in f32, f64 and 16 bits, forward and backward against double precision.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { createFused, type Fused } from "../../src/fused/index.js";
import { createHalf } from "../../src/half/index.js";
import { FORMATS } from "../half/oracle.js";
import { chance, KINDS } from "../support/oracle.js";
import { type Branches, branchesOf, drawn, numbers } from "./rows-oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: options are put together of what the rows of tables have
type Anything = any;

const SEED = 41n;
const STREAM = 7;
const [F32, F64] = [2 ** -24, 2 ** -53];

let fused: Fused;
let slow: Fused;
beforeAll(async () => {
  fused = await createFused((await createHalf(await createDropout({ seed: SEED }))).dropout);
  slow = await createFused((await createHalf(await createDropout({ seed: SEED, simd: false }), { simd: false })).dropout, { simd: false });
});

/** Parts in all ways that matter to the kernels, of which some have branches of their own. */
const PARTS: readonly (readonly string[])[] = [
  [],
  ["beta"],
  ["residual"],
  ["bias", "beta"],
  ["residual", "layerScale"],
  ["residual", "bias", "layerScale", "rowScale"],
  ["residual", "rowScale"],
  ["residual", "beta", "dropPath"],
  ["residual", "parallel"],
  ["parallel", "bias"],
  ["residual", "bias", "beta", "layerScale", "rowScale", "dropPath", "parallel", "dh"],
];
const SHAPES = [
  [1, 1],
  [6, 5],
  [4, 16],
  [12, 35],
  [2, 20_000],
  [9000, 2],
] as const;

const halved = (rows: number) => (rows % 2 === 0 ? rows / 2 : rows);

/** A call's operands, in f64. */
function operands(parts: readonly string[], rows: number, columns: number): Branches {
  const n = rows * columns;
  const has = <V>(name: string, value: V) => (parts.includes(name) ? value : undefined);
  return {
    rows,
    columns,
    x: Float64Array.from(numbers(n, 1, 2)),
    gamma: Float64Array.from(numbers(columns, 2, 1, 1.5)),
    residual: has("residual", Float64Array.from(numbers(n, 3, 1.5, 0.25))),
    bias: has("bias", Float64Array.from(numbers(columns, 4))),
    beta: has("beta", Float64Array.from(numbers(columns, 5))),
    layerScale: has("layerScale", Float64Array.from(numbers(columns, 6, 0.5, 1))),
    rowScale: has("rowScale", Float64Array.from(numbers(halved(rows), 7, 0.5, 1))),
    parallel: has("parallel", Float64Array.from(numbers(n, 8, 1))),
    dh: has("dh", Float64Array.from(numbers(n, 9, 0.5))),
    dy: Float64Array.from(numbers(n, 10, 1)),
    epsilon: 1e-3,
  };
}

/** The same values as arrays of a dtype, and what they hold after rounding. */
const FORMS = {
  f32: { main: (v: Float64Array) => Float32Array.from(v), side: (v: Float64Array) => Float32Array.from(v), unit: F32 },
  f64: { main: (v: Float64Array) => Float64Array.from(v), side: (v: Float64Array) => Float64Array.from(v), unit: F64 },
  "f16 and f32": {
    main: (v: Float64Array) => Uint16Array.from(v, (one) => FORMATS.f16.encode(one)),
    side: (v: Float64Array) => Float32Array.from(v),
    unit: 2 ** -11,
  },
  bf16: {
    main: (v: Float64Array) => Uint16Array.from(v, (one) => FORMATS.bf16.encode(one)),
    side: (v: Float64Array) => Uint16Array.from(v, (one) => FORMATS.bf16.encode(one)),
    unit: 2 ** -8,
  },
} as const;
type Form = keyof typeof FORMS;
const halfOf = (form: Form) => (form === "bf16" ? "bf16" : form === "f16 and f32" ? "f16" : undefined);

const MAIN = ["x", "parallel", "dy"];
const rowsOfF32 = ["rowScale"];

/** Values as a form holds them. */
function widened(data: Anything, form: Form): Float64Array {
  const half = halfOf(form);
  return half !== undefined && data instanceof Uint16Array
    ? Float64Array.from(data, (bits) => FORMATS[half].decode(bits))
    : Float64Array.from(data);
}

function given(all: Branches, form: Form) {
  const { main, side } = FORMS[form];
  const arrays: Record<string, Anything> = {};
  const values: Record<string, Float64Array> = {};
  for (const [name, value] of Object.entries(all)) {
    if (!(value instanceof Float64Array)) continue;
    arrays[name] = MAIN.includes(name) ? main(value) : rowsOfF32.includes(name) && form !== "f64" ? Float32Array.from(value) : side(value);
    values[name] = widened(arrays[name], form);
  }
  return { arrays, rounded: { ...all, ...values } as Branches };
}

function expectClose(got: Anything, { value, size }: { value: Float64Array; size: Float64Array }, error: number, form: Form, what: string) {
  const values = widened(got, form);
  if (values.length !== value.length) throw new Error(`${what}: length ${values.length} instead of ${value.length}`);
  value.forEach((v, i) => {
    const g = values[i] as number;
    if (!(Math.abs(g - v) <= error * (size[i] as number) + 1e-30)) throw new Error(`${what}: element ${i} is ${g} instead of ${v}`);
  });
}

function sameBits(a: Anything, b: Anything, what: string) {
  const bytes = (v: ArrayBufferView) => Buffer.from(v.buffer as ArrayBuffer, v.byteOffset, v.byteLength);
  if (a === undefined || b === undefined) expect(a, what).toBe(b);
  else expect(bytes(a).equals(bytes(b)), what).toBe(true);
}

const method = (op: "layer" | "rms") => (op === "layer" ? "dropoutResidualLayerNorm" : "dropoutResidualRMSNorm");

describe.each(Object.keys(FORMS) as Form[])("norms of %s", (form) => {
  it.each(["layer", "rms"] as const)("%s norm, with every part and without", (norm) => {
    for (const [k, parts] of PARTS.entries()) {
      for (const [rows, columns] of SHAPES) {
        if (rows * columns > 1000 && k < PARTS.length - 1 && k !== 2) continue;
        const what = `[${rows}, ${columns}] ${parts.join(" ")}`;
        const kind = KINDS[k % 2] as "tile" | "philox";
        const p = [0.3, 0, 1, 0.5][k % 4] as number;
        const all = operands(parts, rows, columns);
        const { arrays, rounded } = given(all, form);
        const { x, dy, dh, ...rest } = arrays;
        const samples = halved(rows);
        const path = parts.includes("dropPath") ? { dropPath: 0.4, samples } : {};
        const start = (rows / samples) * columns * (parts.includes("parallel") ? 2 : 1) * 3;
        const half = halfOf(form);
        const call = { ...rest, ...path, epsilon: all.epsilon, kind, stream: STREAM, start, ...(half ? { dtype: half } : {}) };
        const run = (on: Fused) => {
          const forward: Anything = (on as Anything)[method(norm)](x, p, call);
          const { h, mean, rstd, ticket } = forward;
          const saved = { h, ...(mean ? { mean } : {}), rstd, gamma: rest.gamma };
          if (rest.layerScale) Object.assign(saved, { x, bias: rest.bias, layerScale: rest.layerScale });
          if (rest.rowScale) Object.assign(saved, { rowScale: rest.rowScale });
          const options = { ...(half ? { dtype: half } : {}), ...(dh ? { dh } : {}) };
          return { ...forward, ...on.backward(dy, JSON.parse(JSON.stringify(ticket)), saved as Anything, options as Anything) } as Record<
            string,
            Anything
          >;
        };
        const got = run(fused);
        const also = run(slow);
        const results = ["y", "h", "mean", "rstd", "dx", "dresidual", "dgamma", "dbeta", "dbias", "dlayerScale", "dparallel"];
        for (const name of results) sameBits(got[name], also[name], `${what}, builds, ${name}`);
        expect(got.ticket).toEqual(also.ticket);

        const n = rows * columns;
        const decisions = drawn(kind, SEED, BigInt(STREAM), start, n, p);
        const second = drawn(kind, SEED, BigInt(STREAM), start + n, n, p);
        const each = (parts.includes("parallel") ? 2 * n : n) / samples;
        const paths = drawn(kind, SEED, BigInt(STREAM), 2 ** 52 + start / each, samples, 0.4);
        const { unit } = FORMS[form];
        const side = form === "f16 and f32" ? F32 : unit;
        const scaleOf = (q: number) => (q === 1 ? 1 : chance(kind, q).scale64);
        const s = scaleOf(p);
        // Statistics are those of h before it is rounded to 16 bits.
        const stored = got.h instanceof Uint16Array ? unit : Math.min(unit, F32);
        const kept = parts.includes("dropPath") ? { keep: paths.keep, scale: scaleOf(0.4) } : undefined;
        const expected = branchesOf(norm, rounded, decisions.keep, second.keep, s, kept, {
          h: widened(got.h, form),
          mean: got.mean && widened(got.mean, form),
          rstd: widened(got.rstd, form),
        });
        // In f64 the sums of the oracle are no better than those of the kernels.
        const few = form === "f64" ? 4096 : 16;
        expectClose(got.h, expected.h, few * stored, form, `${what}, h`);
        if (norm === "layer") expectClose(got.mean, expected.mean, few * stored, form, `${what}, mean`);
        else expect(got.mean).toBeUndefined();
        expectClose(got.rstd, expected.rstd, few * stored, form, `${what}, rstd`);
        expectClose(got.y, expected.y, few * unit, form, `${what}, y`);
        expectClose(got.dx, expected.dx, few * unit, form, `${what}, dx`);
        expectClose(got.dgamma, expected.dgamma, few * Math.max(side, stored), form, `${what}, dgamma`);
        for (const [name, part] of [
          ["dresidual", "residual"],
          ["dbeta", "beta"],
          ["dbias", "bias"],
          ["dlayerScale", "layerScale"],
          ["dparallel", "parallel"],
        ] as const) {
          if (parts.includes(part))
            expectClose(got[name], expected[name], few * (name === "dparallel" ? unit : Math.max(side, stored)), form, `${what}, ${name}`);
          else expect(got[name], `${what}, ${name}`).toBeUndefined();
        }
        if (form === "f16 and f32" && parts.includes("residual")) expect(got.h).toBeInstanceOf(Float32Array);
      }
    }
  });
});
