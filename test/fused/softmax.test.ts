// Softmax and dropout of attention scores: the kernels in both builds on raw addresses, and the API, against double precision. Some
// five seconds.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type DataOf, type Dropout, type WasmBuffer } from "../../src/core/index.js";
import { bindKernels } from "../../src/engine/kernels.js";
import { PIECE } from "../../src/engine/pieces.js";
import { createFused, type Fused, type SoftmaxOptions, type SoftmaxTicket } from "../../src/fused/index.js";
import { FUSED, type FusedKernels } from "../../src/fused/kernels.js";
import { SOFTMAX_RECORD, SoftmaxField } from "../../src/ground/abi.js";
import { expectSame, KINDS, PROBABILITIES } from "../support/oracle.js";
import { writeRecord } from "../support/record.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import {
  cancelling,
  decisions,
  drawn,
  dropped,
  expectNear,
  numbers,
  probabilities,
  type SoftmaxForm,
  softmaxGradient,
  sumInOrder,
} from "./rows-oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Floats = Float32Array<ArrayBuffer>;

// Against double precision, on top of what rounding the scores does: e^v within a unit in the last place, and some roundings.
const ERROR = 1.2e-7;

const COLUMNS = [...Array.from({ length: 70 }, (_, c) => c + 1), 127, 128, 129, 255, 256, 257, 1000, 1025, 2085];

/** An additive mask: mostly small numbers, some -Infinity, and some whole rows of that. */
function additive(rows: number, columns: number, salt: number): Floats {
  return numbers(rows * columns, salt, 2).map((v, i) => (v < -1.2 || Math.floor(i / columns) % 3 === 2 ? -Infinity : v)) as Floats;
}

describe("kernels", () => {
  const builds = BUILDS.map((build) => {
    const wasm = loadBuild(build, "fused");
    const region = () => wasm.region(4 * 30_000 + 64);
    const regions = { dst: region(), dy: region(), logits: region(), mask: region(), keep: region() };
    // As the allocator gives them.
    const record = wasm.memory.allocate("bytes", SOFTMAX_RECORD, "record");
    const row = wasm.memory.allocate("f32", 3000, "row");
    return { ...wasm, kernels: bindKernels<FusedKernels>(wasm.exports, FUSED), regions, record, row };
  });

  interface Case extends SoftmaxForm {
    readonly rows: number;
    readonly logits: Floats;
    readonly dy: Floats;
    /** null: nothing is dropped. */
    readonly keep: Uint8Array | null;
    readonly scale: number;
    readonly factor: number;
    /** The row of the mask and of the block of queries that the first row has. */
    readonly first: number;
  }

  /** Runs the kernel in both builds, the result where `to` says; gives what is the same in both. */
  function both(one: Case, gradient: boolean, to: "apart" | "logits" | "dy", what: string): Floats {
    const { rows, columns, mask, queries, keep, first } = one;
    const maskRows = mask === undefined ? 0 : mask.length / columns;
    const [simd, scalar] = builds.map((wasm) => {
      const odd = columns % 5;
      const at = { dst: wasm.regions.dst + odd, dy: wasm.regions.dy + 1, logits: wasm.regions.logits + 3, keep: wasm.regions.keep + odd };
      const masks = wasm.regions.mask + odd;
      wasm.place(at.logits, one.logits);
      wasm.place(at.dy, one.dy);
      if (mask) wasm.place(masks, mask);
      if (keep) wasm.place(at.keep, keep);
      const dst = to === "apart" ? at.dst : at[to];
      const bytes = wasm.written(dst, 4 * rows * columns, to !== "apart", what, () => {
        writeRecord(wasm.memory, wasm.record, SoftmaxField, {
          ...{ result: dst, logits: at.logits, mask: mask ? masks : 0, keep: keep ? at.keep : 0, rows, columns },
          ...{ maskRow: maskRows ? first % maskRows : 0, maskRows, query: queries ? first % queries : 0, queries },
          ...{ logitScale: one.scale, scale: one.factor, dy: at.dy, row: wasm.row },
        });
        wasm.kernels[gradient ? "softmaxGradient" : "softmax"].bytes.f32(wasm.record);
      });
      return new Float32Array(bytes.buffer);
    }) as [Floats, Floats];
    expectSame(simd, scalar, `${what}, builds`);
    return simd;
  }

  function* cases(): Generator<[what: string, Case]> {
    for (const columns of COLUMNS) {
      for (const [k, [rows, maskRows, queries, dropping]] of (
        [
          [1, 0, 0, true],
          [3, 0, 0, false],
          [5, 5, 0, true],
          [7, 3, 0, false],
          [6, 0, 3, true],
          [6, 0, columns + 2, false],
          [5, 2, 2, true],
        ] as const
      ).entries()) {
        const n = rows * columns;
        yield [
          `${rows} x ${columns}, mask ${maskRows}, queries ${queries}, dropping ${dropping}`,
          {
            rows,
            columns,
            logits: numbers(n, columns % 11, [4, 60, 0.01][k % 3]),
            dy: numbers(n, 2.5 + k),
            mask: maskRows ? additive(maskRows, columns, k) : undefined,
            queries,
            keep: dropping ? decisions(n, columns) : null,
            scale: Math.fround([1, 0.125, -2][k % 3] as number),
            factor: dropping ? Math.fround(1 / 0.7) : 1,
            first: columns % 4,
          },
        ];
      }
    }
  }

  /** The case as the oracle gets it: rows before the first, so that masks and queries stand where they do in the case. */
  function asked(one: Case) {
    const { columns, rows, first } = one;
    const skipped = first * columns;
    const behind = <A extends Float32Array | Uint8Array>(array: A): A => {
      const longer = new (array.constructor as new (n: number) => A)(skipped + rows * columns);
      longer.set(array, skipped);
      return longer;
    };
    const keep = one.keep ?? new Uint8Array(rows * columns).fill(1);
    return { skipped, logits: behind(one.logits), dy: behind(one.dy), how: { keep: behind(keep), scale: one.factor } };
  }

  it("softmax: close to double precision, the same bits from both builds", () => {
    for (const [what, one] of cases()) {
      const { skipped, logits, how } = asked(one);
      const { value, size } = dropped(probabilities(logits, one), how);
      const expected = { value: value.subarray(skipped), size: size.subarray(skipped) };
      const y = both(one, false, "apart", what);
      expectNear(y, expected, ERROR, what);
      // Positions that are left out or dropped are +0 to the bit.
      y.forEach((v, i) => {
        if (expected.value[i] === 0) expect(Object.is(v, 0), `${what}, element ${i}`).toBe(true);
      });
      expectSame(both(one, false, "logits", `${what}, in place`), y, `${what}, in place`);
    }
  });

  it("softmaxGradient: close to double precision, the same bits from both builds, rows sum to 0", () => {
    for (const [what, one] of cases()) {
      const { skipped, logits, dy, how } = asked(one);
      const { value, size } = softmaxGradient(dy, logits, one, how);
      const dlogits = both(one, true, "apart", what);
      expectNear(dlogits, { value: value.subarray(skipped), size: size.subarray(skipped) }, 3 * ERROR, what);
      for (let begin = 0; begin < dlogits.length; begin += one.columns) {
        const sum = dlogits.subarray(begin, begin + one.columns).reduce((a, v) => a + v, 0);
        expect(Math.abs(sum), what).toBeLessThan(1e-6 * Math.abs(one.scale));
      }
      for (const to of ["dy", "logits"] as const) expectSame(both(one, true, to, `${what}, on ${to}`), dlogits, `${what}, on ${to}`);
    }
  });

  it("sums are taken in the documented order", () => {
    for (let columns = 1; columns <= 70; ++columns) {
      const dy = cancelling(columns, 1);
      const form = { rows: 1, columns, queries: 0, mask: undefined, scale: 1, first: 0 };
      const one: Case = { ...form, dy, logits: new Float32Array(columns), keep: null, factor: 1 };
      const got = both(one, true, "apart", `${columns} columns`);
      // All probabilities are the same.
      const [p, mean] = [Math.fround(1 / columns), Math.fround(sumInOrder(dy) / columns)];
      expectSame(got, dy.map((v) => p * Math.fround(v - mean)) as Floats, `${columns} columns`);
    }
  });

  it("sums of powers are as near as those of f64", () => {
    const rowOf = (logits: Floats, factor: number) => {
      const form = { rows: 1, columns: logits.length, queries: 0, mask: undefined, scale: 1, first: 0, dy: logits };
      return both({ ...form, logits, keep: null, factor }, false, "apart", `${logits.length} columns, ${logits[1]}`);
    };
    for (const columns of [16, 17, 35, 1023, 1024, 1041, 7000])
      for (let k = 1; k <= 40; ++k) {
        const logits = new Float32Array(columns).fill(-k * 0.0417);
        logits[0] = 0;
        // Divided by their sum and multiplied by it, two powers are as they are.
        const power = rowOf(logits.slice(0, 2), 1 + Math.exp(logits[1] as number))[1] as number;
        const factor = Math.fround(1 / (1 + (columns - 1) * power));
        expectSame(rowOf(logits, 1), logits.map((v) => (v === 0 ? factor : power * factor)) as Floats, `${columns} columns, ${logits[1]}`);
      }
  });

  it("columns that causal order hides are not read", () => {
    for (const columns of [1, 2, 5, 16, 33, 100]) {
      const queries = columns + 1;
      const n = queries * columns;
      const base: Case = {
        rows: queries,
        columns,
        queries,
        mask: undefined,
        keep: decisions(n, columns),
        scale: 1,
        factor: 2,
        first: 0,
        logits: numbers(n, 1),
        dy: numbers(n, 2),
      };
      const hide = (a: Floats) => a.map((v, i) => (i % columns > Math.floor(i / columns) + columns - queries ? Number.NaN : v)) as Floats;
      const hidden = { ...base, logits: hide(base.logits), dy: hide(base.dy) };
      for (const gradient of [false, true]) {
        const got = both(hidden, gradient, "apart", `${columns}`);
        expectSame(got, both(base, gradient, "apart", `${columns}`), `${columns}, gradient ${gradient}`);
        // The first query sees nothing.
        expectSame(got.slice(0, columns), new Float32Array(columns), `${columns}, first row`);
      }
    }
  });
});

describe("softmaxDropout", () => {
  const SEED = 77n;
  const STREAM = 5;
  let dropout: Dropout;
  let fused: Fused;
  let slow: Fused;

  beforeAll(async () => {
    dropout = await createDropout({ seed: SEED });
    fused = await createFused(dropout);
    slow = await createFused(await createDropout({ seed: SEED, simd: false }), { simd: false });
  });

  const read = (data: DataOf<"f32">) => (data instanceof Float32Array ? data : data.array).slice() as Floats;
  const inWasm = (array: Float32Array) => dropout.from(array) as WasmBuffer<"f32">;

  interface Layer {
    readonly shape: readonly number[];
    readonly causal: boolean;
    /** Shape of an additive mask whose rows begin anew after its last. */
    readonly maskShape?: readonly number[];
  }

  /** Shapes around a piece and a tile, rows longer than a piece; masks of a row, of a block's rows, of more rows than a piece, of all. */
  const LAYERS: Layer[] = [
    { shape: [1], causal: false },
    { shape: [17], causal: false, maskShape: [17] },
    { shape: [5, 3], causal: false, maskShape: [5, 3] },
    { shape: [2, 3, 7, 9], causal: true, maskShape: [7, 9] },
    { shape: [3, 12, 5], causal: true },
    { shape: [2, 40, 300], causal: true, maskShape: [40, 300] },
    { shape: [2, 2, 30, 300], causal: false, maskShape: [2, 30, 300] },
    { shape: [6, 5, 2, 200], causal: true, maskShape: [2, 200] },
    { shape: [40, 512], causal: false, maskShape: [1, 512] },
    { shape: [3, PIECE + 1], causal: false, maskShape: [3, PIECE + 1] },
    { shape: [2, 2, PIECE + 808], causal: true, maskShape: [2, PIECE + 808] },
    { shape: [PIECE + 1, 1], causal: false },
  ];

  function run(
    on: Fused,
    x: Floats,
    mask: Floats | undefined,
    p: number,
    options: SoftmaxOptions,
    dy: Floats,
    take: (a: Floats) => DataOf<"f32">,
  ) {
    const [logits, added, gradient] = [take(x), mask === undefined ? undefined : take(mask), take(dy)];
    const { y, ticket } = on.softmaxDropout(logits, p, { ...options, attentionMask: added });
    const stored: SoftmaxTicket = JSON.parse(JSON.stringify(ticket));
    const { dlogits } = on.backward(gradient, stored, { logits, attentionMask: added });
    const values = { y: read(y as DataOf<"f32">), dlogits: read(dlogits as DataOf<"f32">) };
    for (const data of [logits, added, gradient, y, dlogits]) if (data && "free" in data) data.free();
    return values;
  }

  for (const kind of KINDS) {
    it(`${kind}: forward and back as the oracle says; the same bits from arrays, buffers and both builds`, () => {
      LAYERS.forEach(({ shape, causal, maskShape }, k) => {
        const n = shape.reduce((a, b) => a * b);
        const columns = shape.at(-1) as number;
        for (const p of k < 4 ? PROBABILITIES : [0.1]) {
          const start = [0, 3, 4096, 5000][k % 4] as number;
          const what = `[${shape}], causal ${causal}, mask [${maskShape}], p ${p}, start ${start}`;
          const how = drawn(kind, SEED, BigInt(STREAM), start, n, p);
          const logits = numbers(n, k, 5);
          const mask = maskShape ? additive(maskShape.reduce((a, b) => a * b) / columns, columns, k) : undefined;
          const dy = numbers(n, 6);
          const form = { columns, scale: 0.25, queries: causal ? (shape.at(-2) as number) : 0, mask };
          const options = { shape, scale: 0.25, causal, maskShape, kind, stream: STREAM, start };
          const got = run(fused, logits, mask, p, options, dy, (a) => a);
          expectNear(got.y, dropped(probabilities(logits, form), how), ERROR, what);
          expectNear(got.dlogits, softmaxGradient(dy, logits, form, how), 3 * ERROR, `${what}, back`);
          for (const [name, other] of [
            ["buffers", run(fused, logits, mask, p, options, dy, inWasm)],
            ["scalar build", run(slow, logits, mask, p, options, dy, (a) => a)],
          ] as const) {
            expectSame(other.y, got.y, `${what}, ${name}`);
            expectSame(other.dlogits, got.dlogits, `${what}, ${name}, back`);
          }
        }
      });
    });
  }

  it("rows sum to 1 without dropout, and to about that with it", () => {
    const [rows, keys] = [50, 1000];
    const logits = numbers(rows * keys, 1, 1);
    const sums = (y: Floats) => Array.from({ length: rows }, (_, r) => y.subarray(r * keys, (r + 1) * keys).reduce((a, v) => a + v, 0));
    for (const sum of sums(fused.softmaxDropout(logits, 0, { shape: [rows, keys] }).y)) expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
    for (const sum of sums(fused.softmaxDropout(logits, 0.1, { shape: [rows, keys], stream: 2 }).y))
      expect(Math.abs(sum - 1)).toBeLessThan(0.08);
  });

  it("writes the result over the logits, dy, or where it is wanted", () => {
    const shape = [3, 20, 300];
    const n = 18_000;
    const [logits, dy] = [numbers(n, 1, 3), numbers(n, 2)];
    const { y, ticket } = fused.softmaxDropout(logits, 0.2, { shape, stream: 4, causal: true });
    const { dlogits } = fused.backward(dy, ticket, { logits });
    for (const take of [(a: Floats): DataOf<"f32"> => a.slice() as Floats, inWasm]) {
      const x = take(logits);
      expect(fused.softmaxDropout(x, 0.2, { shape, stream: 4, causal: true, out: x, backward: false }).y).toBe(x);
      expectSame(read(x), y, "on the logits");
      for (const which of ["dy", "logits", "apart"] as const) {
        const given = { dy: take(dy), logits: take(logits), apart: take(new Float32Array(n)) };
        expect(fused.backward(given.dy, ticket, { logits: given.logits }, { dlogits: given[which], backward: false }).dlogits).toBe(
          given[which],
        );
        expectSame(read(given[which]), dlogits, `back, ${which}`);
      }
    }
  });

  it("the gradient is that of finite differences, the mask fixed", () => {
    const shape = [2, 3, 5];
    const n = 30;
    const [logits, dy, mask] = [numbers(n, 1, 2), numbers(n, 2), additive(3, 5, 1)];
    const { ticket } = fused.softmaxDropout(logits, 0.3, { shape, stream: 8, causal: true, attentionMask: mask, scale: 0.5 });
    const { dlogits } = fused.backward(dy, ticket, { logits, attentionMask: mask });
    const how = drawn("tile", SEED, 8n, 0, n, 0.3);
    const loss = (x: ArrayLike<number>) =>
      dropped(probabilities(x, { columns: 5, scale: 0.5, queries: 3, mask }), how).value.reduce((a, v, i) => a + v * (dy[i] as number), 0);
    dlogits.forEach((value, i) => {
      const moved = (by: number) => loss(Float64Array.from(logits, (v, k) => (k === i ? v + by : v)));
      expect(Math.abs(value - (moved(1e-5) - moved(-1e-5)) / 2e-5)).toBeLessThan(1e-6);
    });
  });

  it("rows that are left out entirely are +0, forward and back, and so is what -Infinity leaves out, NaN or not", () => {
    const columns = 37;
    const rows = 6;
    const n = rows * columns;
    const mask = new Float32Array(n).map((_, i) => (i < columns || i % 3 === 0 ? -Infinity : 0));
    const clean = numbers(n, 1);
    const logits = clean.map((v, i) => (mask[i] === -Infinity ? ([Number.NaN, Number.POSITIVE_INFINITY][i % 2] ?? 0) : v)) as Floats;
    // Of row 1 the logits leave all out themselves.
    for (const a of [clean, logits]) a.fill(-Infinity, columns, 2 * columns);
    const dy = numbers(n, 2).fill(Number.NaN, 0, 2 * columns);
    const got = fused.softmaxDropout(logits, 0.1, { shape: [rows, columns], attentionMask: mask, stream: 1 });
    expectSame(got.y, fused.softmaxDropout(clean, 0.1, { shape: [rows, columns], attentionMask: mask, stream: 1 }).y, "y");
    const { dlogits } = fused.backward(dy, got.ticket, { logits, attentionMask: mask });
    for (const [name, result] of [
      ["y", got.y],
      ["dlogits", dlogits],
    ] as const) {
      expectSame(result.slice(0, 2 * columns), new Float32Array(2 * columns), name);
      expect(result.subarray(2 * columns).every(Number.isFinite), name).toBe(true);
      result.forEach((v, i) => {
        if (mask[i] === -Infinity) expect(v === 0, `${name}[${i}]`).toBe(true);
      });
    }
  });

  it("a NaN or infinite logit is not hidden, but stays in its row", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const at of [0, 20, 40]) {
        const logits = numbers(3 * 41, 1);
        logits[41 + at] = bad;
        // Also where all else of the row is left out.
        for (const rest of [false, true]) {
          if (rest) for (let c = 0; c < 41; ++c) if (c !== at) logits[41 + c] = -Infinity;
          const { y } = fused.softmaxDropout(logits, 0, { shape: [3, 41] });
          expect(y.subarray(41, 82).every(Number.isNaN)).toBe(true);
          expect(y.subarray(0, 41).every(Number.isFinite) && y.subarray(82).every(Number.isFinite)).toBe(true);
        }
      }
    }
  });

  it("does not overflow, and a dropped NaN of dy shows nowhere", () => {
    const logits = Float32Array.of(3e38, 3e38, -3e38, 0, -3e38, -3e38, -3e38, -3e38);
    const { y } = fused.softmaxDropout(logits, 0, { shape: [2, 4] });
    expectSame(y, Float32Array.of(0.5, 0.5, 0, 0, 0.25, 0.25, 0.25, 0.25), "y");
    const n = 4 * 50;
    const x = numbers(n, 1);
    const { ticket } = fused.softmaxDropout(x, 0.5, { shape: [4, 50], stream: 3 });
    const { keep } = drawn("tile", SEED, 3n, 0, n, 0.5);
    const dy = Float32Array.from(keep, (k) => (k ? 1 : Number.NaN));
    const zeros = Float32Array.from(keep, (k) => (k ? 1 : 0));
    expectSame(fused.backward(dy, ticket, { logits: x }).dlogits, fused.backward(zeros, ticket, { logits: x }).dlogits, "dlogits");
    const all = fused.softmaxDropout(x, 1, { shape: [4, 50] });
    expectSame(all.y, new Float32Array(n), "p = 1");
    expect(fused.backward(dy, all.ticket, { logits: x }).dlogits.every((v) => v === 0)).toBe(true);
  });

  it("the last query and the last key belong together in causal order", () => {
    const logits = new Float32Array(4 * 6);
    expectSame(
      fused.softmaxDropout(logits.subarray(0, 12), 0, { shape: [2, 6], causal: true }).y,
      Float32Array.from([0.2, 0.2, 0.2, 0.2, 0.2, 0, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6]),
      "more keys",
    );
    expectSame(
      fused.softmaxDropout(logits.subarray(0, 8), 0, { shape: [4, 2], causal: true }).y,
      Float32Array.of(0, 0, 0, 0, 1, 0, 0.5, 0.5),
      "more queries",
    );
  });

  it("a slice of rows has the slice of the results", () => {
    const logits = numbers(40 * 300, 3);
    const { y } = fused.softmaxDropout(logits, 0.2, { shape: [40, 300], stream: 3, start: 100 });
    const part = fused.softmaxDropout(logits.subarray(2100), 0.2, { shape: [33, 300], stream: 3, start: 2200 });
    expectSame(part.y, y.subarray(2100), "y");
  });

  it("outside training drops nothing and uses up no stream number; in training takes the next", () => {
    const logits = numbers(100, 1);
    const before = dropout.state.nextStream;
    const { y, ticket } = fused.softmaxDropout(logits, 0.5, { shape: [10, 10], training: false });
    expect([dropout.state.nextStream, ticket.p]).toEqual([before, 0]);
    expectSame(y, fused.softmaxDropout(logits, 0, { shape: [10, 10], stream: 1 }).y, "y");
    expect(fused.softmaxDropout(logits, 0.5, { shape: [10, 10] }).ticket.stream).toBe(before);
    expect(BigInt(dropout.state.nextStream)).toBe(BigInt(before) + 1n);
  });

  it("a ticket holds the shape as it was", () => {
    const shape = [2, 5];
    const { ticket } = fused.softmaxDropout(numbers(10, 1), 0.5, { shape });
    shape[0] = 7;
    expect(ticket.shape).toEqual([2, 5]);
  });

  it("refuses, before anything is written or a stream number is used", () => {
    const x = new Float32Array(12);
    const before = dropout.state;
    const largest = 340282346638528860000000000000000000000;
    const calls: [Anything, Anything, Anything, string][] = [
      ["x", 0.1, { shape: [12] }, '"logits" expected Float32Array, Float64Array or buffer of f32 or f64, got string "x"'],
      [
        new Float64Array(12),
        0.1,
        { shape: [12], attentionMask: x },
        '"attentionMask" expected Float64Array or f64 buffer, got Float32Array(12)',
      ],
      [x, 0.1, { shape: [12], probabilities: 1 }, '"probabilities" expected Float32Array or f32 buffer, got 1'],
      [x, 0.1, { shape: [12], probabilities: new Float32Array(11) }, '"probabilities" expected length 12, got 11'],
      [x, 0.1, { shape: [12], probabilities: x }, '"probabilities" expected memory apart from "logits", which backward reads again'],
      [x, -1, { shape: [12] }, '"p" expected number in [0, 1], got -1'],
      [x, 0.1, undefined, '"options" expected object, got undefined'],
      [x, 0.1, {}, '"shape" expected array of 1 to 32 non-negative integers, got undefined'],
      [x, 0.1, { shape: [5, 2] }, '"shape" expected dimensions whose product is 12, got [5, 2]'],
      [x, 0.1, { shape: [-12, -1] }, '"shape[0]" expected integer in [0, 9007199254740991], got -12'],
      [x, 0.1, { shape: [12], causal: true }, '"shape" expected array of 2 to 32 non-negative integers, got [12]'],
      [x, 0.1, { shape: [12], causal: 1 }, '"causal" expected boolean, got 1'],
      [x, 0.1, { shape: [12], scale: "1" }, `"scale" expected number in [${-largest}, ${largest}], got string "1"`],
      [x, 0.1, { shape: [12], scale: Number.NaN }, `"scale" expected number in [${-largest}, ${largest}], got NaN`],
      [x, 0.1, { shape: [12], scale: 1e39 }, `"scale" expected number in [${-largest}, ${largest}], got 1e+39`],
      [x, 0.1, { shape: [12], training: "no" }, '"training" expected boolean, got string "no"'],
      [x, 0.1, { shape: [3, 4], attentionMask: new Float32Array(6) }, '"attentionMask" expected length that fits [3, 4], broadcast, got 6'],
      [x, 0.1, { shape: [3, 4], attentionMask: new Float32Array(8) }, '"attentionMask" expected length that fits [3, 4], broadcast, got 8'],
      [x, 0.1, { shape: [3, 4], attentionMask: new Float32Array(0) }, '"attentionMask" expected length that fits [3, 4], broadcast, got 0'],
      [
        x,
        0.1,
        { shape: [3, 4], attentionMask: new Float64Array(12) },
        '"attentionMask" expected Float32Array or f32 buffer, got Float64Array(12)',
      ],
      [x, 0.1, { shape: [3, 4], out: new Float32Array(11) }, '"out" expected length 12, got 11'],
      [
        x,
        0.1,
        { shape: [3, 4], attentionMask: x, out: x },
        '"out" expected memory apart from "attentionMask", got memory that overlaps it',
      ],
    ];
    for (const [data, p, options, message] of calls) expect(() => fused.softmaxDropout(data, p, options), message).toThrow(message);
    const { ticket } = fused.softmaxDropout(x, 0.1, { shape: [3, 4], stream: 1, attentionMask: new Float32Array(4) });
    const saved = { logits: x, attentionMask: new Float32Array(4) };
    const backs: [Anything, Anything, Anything, string, Anything?][] = [
      [x, { ...ticket, shape: [4, 4] }, saved, '"ticket.shape" expected dimensions whose product is 12, got [4, 4]'],
      [x, { ...ticket, causal: undefined }, saved, '"ticket.causal" expected boolean, got undefined'],
      [x, { ...ticket, scale: null }, saved, `"ticket.scale" expected number in [${-largest}, ${largest}], got null`],
      [
        x,
        { ...ticket, maskShape: [2, 4] },
        saved,
        '"ticket.maskShape" expected dimensions that are 1 or those of [3, 4], aligned at the last, got [2, 4]',
      ],
      [x, { ...ticket, maskKind: "bits" }, saved, '"ticket.maskKind" expected "additive" or "boolean", got string "bits"'],
      [x, { ...ticket, rescale: "none" }, saved, '"ticket.rescale" expected "train", got string "none"'],
      [new Float32Array(11), ticket, saved, '"dy" expected length 12, the ticket\'s, got 11'],
      [x, ticket, { attentionMask: saved.attentionMask }, '"saved.logits" expected Float32Array or f32 buffer, got undefined'],
      [x, ticket, { logits: x }, '"saved.attentionMask" expected Float32Array or f32 buffer, got undefined'],
      [x, ticket, { logits: x, attentionMask: new Float32Array(12) }, '"saved.attentionMask" expected length 4, got 12'],
      [x, ticket, saved, '"dlogits" expected length 12, got 1', { dlogits: new Float32Array(1) }],
    ];
    for (const [dy, stored, given, message, options] of backs) {
      expect(() => fused.backward(dy, stored, given, options), message).toThrow(message);
    }
    expect(dropout.state).toEqual(before);
    expect(x).toEqual(new Float32Array(12));
  });

  it("gives all memory back", () => {
    const shape = [60, 300];
    const [x, mask] = [numbers(18_000, 1), numbers(18_000, 2)];
    for (const take of [(a: Floats): DataOf<"f32"> => a, inWasm]) {
      let bytes = 0;
      for (let k = 0; k < 30; ++k) {
        run(fused, x, mask, 0.1, { shape }, x, take);
        expect(() => fused.softmaxDropout(x, 0.1, { shape, out: mask, attentionMask: mask })).toThrow(RangeError);
        if (k === 2) bytes = dropout.memory.buffer.byteLength;
      }
      expect(dropout.memory.buffer.byteLength).toBe(bytes);
    }
  });
});
