// Known answers in test/vectors, made by other programs: of the keep streams, through every way out of the package that a mask has,
// and of the generators under them.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { keep, philox, scale, threshold, xoshiro } from "../../docs/reference.js";
import { createDropout, type Dropout, type MaskFormat, type StreamKind, type WasmBuffer } from "../../src/core/index.js";
import { chance, expectBytes, expectSame, keepBits, keepBytes, philox as plainPhilox, uniforms } from "../support/oracle.js";

interface Draw {
  readonly stream_kind: StreamKind;
  readonly seed: string;
  readonly stream: string;
  readonly p: number;
  readonly start: number;
  readonly count: number;
}
interface Known extends Draw {
  /** Hexadecimal digits of the bit mask. */
  readonly bits: string;
}
interface Hashed extends Draw {
  /** SHA-256 of the bit mask. */
  readonly sha256: string;
}

const read = (name: string) => readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8");
const text = read("keep-streams.json");
const { cases, hashed } = JSON.parse(text) as { cases: Known[]; hashed: Hashed[] };

const title = ({ stream_kind, seed, stream, p, start, count }: Draw) =>
  `${stream_kind}, seed ${seed}, stream ${stream}, p ${p}, elements ${start} to ${start + count - 1}`;
const options = ({ stream_kind, seed, stream, start }: Draw) => ({ kind: stream_kind, seed: BigInt(seed), stream: BigInt(stream), start });
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The decisions of a bit mask, a byte an element. */
function unpack(bits: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; ++i) bytes[i] = ((bits[i >> 3] as number) >> (i & 7)) & 1;
  return bytes;
}

/** Writes the factor of each decision to `factors`: the loops of from() take ten times as long, and there are millions. */
function multipliers<A extends Float32Array | Float64Array>(factors: A, bytes: Uint8Array, scale: number): A {
  for (let i = 0; i < bytes.length; ++i) factors[i] = bytes[i] === 1 ? scale : 0;
  return factors;
}

/** Throws unless the mask of `draw` is `bits`, in every format and kind of output, and as the by-product of dropout. */
function expectEverywhere(dropout: Dropout, draw: Draw, bits: Uint8Array): void {
  const { p, count, stream_kind: kind } = draw;
  const bytes = unpack(bits, count);
  const expected = { bits, bytes, f32: multipliers(new Float32Array(count), bytes, scale(kind, p, 24)) };

  const same = (got: Uint8Array | Float32Array, format: MaskFormat, what: string) => {
    if (format === "f32") expectSame(got as Float32Array, expected.f32, what);
    else expectBytes(got as Uint8Array, expected[format], what);
  };
  for (const format of ["bits", "bytes", "f32"] as const) {
    const stream = { ...options(draw), format };
    same(dropout.mask(count, p, stream), format, `${format}, new array`);
    // Not zero before, so that every bit has to be written, those behind the last element too.
    const given = expected[format].slice().fill(format === "f32" ? Number.NaN : 0xa5);
    dropout.mask(count, p, { ...stream, out: given as never });
    same(given, format, `${format}, given array`);
    using buffer: WasmBuffer<MaskFormat> = dropout.alloc<MaskFormat>(format, count);
    buffer.array.fill(0xa5);
    dropout.mask(count, p, { ...stream, out: buffer as never });
    same(buffer.array, format, `${format}, buffer`);
  }

  const sources = [
    { x: new Float32Array(count).fill(1), y: expected.f32 },
    { x: new Float64Array(count).fill(1), y: multipliers(new Float64Array(count), bytes, scale(kind, p, 53)) },
  ];
  for (const { x, y } of sources) {
    const dtype = x instanceof Float32Array ? "f32" : "f64";
    const mask = new Uint8Array(bits.length).fill(0xa5);
    expectSame(dropout.dropout(x as Float32Array, p, { ...options(draw), mask }), y as Float32Array, `dropout of ${dtype}`);
    expectBytes(mask, bits, `mask beside dropout of ${dtype}`);
    using resident = dropout.from(x as Float32Array);
    using beside = dropout.alloc("bits", count);
    beside.array.fill(0xa5);
    dropout.dropout(resident, p, { ...options(draw), out: resident, mask: beside });
    expectSame(resident.array, y as Float32Array, `dropout of ${dtype} in a buffer`);
    expectBytes(beside.array, bits, `mask beside dropout of ${dtype} in a buffer`);
  }
}

describe("keep streams", () => {
  it("reads every case of the file", () => {
    expect(cases.length + hashed.length).toBe(text.match(/"stream_kind"/g)?.length);
    expect(cases.length).toBe(text.match(/"bits": "[0-9a-f]*"/g)?.length);
    expect(hashed.length).toBe(text.match(/"sha256": "[0-9a-f]{64}"/g)?.length);
    for (const list of [cases, hashed]) {
      for (const kind of ["tile", "philox"]) expect(list.filter((one) => one.stream_kind === kind).length).toBeGreaterThanOrEqual(3);
    }
    for (const { bits, count } of cases) expect(bits.length).toBe(2 * Math.ceil(count / 8));
  });

  it.each(cases.map((one) => [title(one), one] as const))(
    "reference and oracle: %s",
    (_, { stream_kind, seed, stream, p, start, count, bits }) => {
      const bytes = Uint8Array.from({ length: count }, (_, i) =>
        Number(keep(stream_kind, BigInt(seed), BigInt(stream), p, BigInt(start) + BigInt(i))),
      );
      expect(Buffer.from(keepBits(bytes)).toString("hex")).toBe(bits);
      const plain = keepBytes(uniforms(stream_kind, BigInt(seed), BigInt(stream), start, count), chance(stream_kind, p));
      expectBytes(plain, bytes, "oracle in plain numbers");
    },
  );

  for (const simd of [true, false]) {
    describe(simd ? "SIMD build" : "scalar build", () => {
      let dropout: Dropout;
      beforeAll(async () => {
        dropout = await createDropout({ simd });
      });

      it.each(cases.map((one) => [title(one), one] as const))("%s", (_, one) => {
        expectEverywhere(dropout, one, Uint8Array.from(Buffer.from(one.bits, "hex")));
      });

      it.each(hashed.map((one) => [title(one), one] as const))("%s", (_, one) => {
        const bits = dropout.mask(one.count, one.p, options(one));
        expect(sha256(bits)).toBe(one.sha256);
        expectEverywhere(dropout, one, bits);
        if (!simd) return;
        // The reference takes too long for all of them. Multiples of the golden ratio modulo 1 spread over the whole mask.
        for (let k = 0; k < 2000; ++k) {
          const i = Math.floor(((k * 0.6180339887498949) % 1) * one.count);
          const expected = keep(one.stream_kind, BigInt(one.seed), BigInt(one.stream), one.p, BigInt(one.start + i));
          if (((bits[i >> 3] as number) >> (i & 7)) % 2 !== Number(expected)) throw new Error(`element ${one.start + i}: not ${expected}`);
        }
      });
    });
  }
});

describe("generators", () => {
  const lines = read("random123.txt")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(/\s+/) as [string, ...string[]]);
  const philoxLines = lines.filter(([name]) => name === "philox4x32");
  const xoshiroLines = lines.filter(([name]) => name.startsWith("xoshiro128"));
  // Threefry is the other generator of Random123, which the file covers too; the keep streams are not made with it.
  const foreign = lines.filter(([name]) => name.startsWith("threefry"));

  it("knows every line of the file", () => {
    expect(philoxLines.length + xoshiroLines.length + foreign.length).toBe(lines.length);
    expect(new Set(philoxLines.map(([, rounds]) => rounds))).toEqual(new Set(["7", "10"]));
    expect(xoshiroLines.map(([name]) => name).sort()).toEqual(["xoshiro128**", "xoshiro128++"]);
  });

  it.each(philoxLines.map((line) => [line.slice(0, 8).join(" "), line] as const))("%s", (_, [, rounds, ...words]) => {
    expect(words.length).toBe(4 + 2 + 4);
    const values = words.map((word) => BigInt(`0x${word}`));
    expect(philox(values.slice(0, 4), values.slice(4, 6), Number(rounds))).toEqual(values.slice(6));
    if (rounds !== "10") return;
    const [c0, c1, c2, c3, k0, k1] = values.map(Number) as [number, number, number, number, number, number];
    expect(plainPhilox([c0, c1, c2, c3], [k0, k1]).map(BigInt)).toEqual(values.slice(6));
  });

  it.each(xoshiroLines.map((line) => [line[0], line.slice(1)] as const))("%s", (name, outputs) => {
    expect(outputs.length).toBe(5);
    let state = [1n, 2n, 3n, 4n];
    for (const output of outputs) {
      const { plusPlus, starStar, next } = xoshiro(state);
      expect(name === "xoshiro128++" ? plusPlus : starStar).toBe(BigInt(output));
      state = next;
    }
  });
});

describe("the worked example of docs/keep-streams.md", () => {
  const split = (x: bigint) => [x & 0xffffffffn, x >> 32n];

  it("element 77 of seed 42, stream 0, at p = 0.1", () => {
    expect(threshold("tile", 0.1)).toBe(0x19999999999an);
    let state = philox([3n, 0n, 0n, 0n], split(42n));
    expect(state).toEqual([0xbac70475n, 0xabaf0dabn, 0x961e5543n, 0x610e67f7n]);
    for (let step = 0; step < 4; ++step) state = xoshiro(state).next;
    expect(state).toEqual([0xe8440a7en, 0x7dff9480n, 0xf116defcn, 0x157be5a0n]);
    expect(xoshiro(state)).toMatchObject({ plusPlus: 0xc83c19fcn, starStar: 0xf68d420an });
    expect(philox([77n, 0x80000000n, 0n, 0n], split(42n))[0]).toBe(0x55cde721n);
    // U(77) is 0x194255cde721: kept with T = U(77), dropped with T one above.
    expect(keep("tile", 42n, 0n, 0x194255cde721 / 2 ** 48, 77n)).toBe(true);
    expect(keep("tile", 42n, 0n, 0x194255cde722 / 2 ** 48, 77n)).toBe(false);
    expect(keep("tile", 42n, 0n, 0.1, 77n)).toBe(false);
    expect(Number.parseInt((cases[0]?.bits ?? "").slice(18, 20), 16)).toBe(0xdf);
  });

  it("element 137535, which needs P", () => {
    expect(keep("tile", 42n, 0n, 0x19997acd3813 / 2 ** 48, 137535n)).toBe(true);
    expect(keep("tile", 42n, 0n, 0x19997acd3814 / 2 ** 48, 137535n)).toBe(false);
    expect(keep("tile", 42n, 0n, 0.1, 137535n)).toBe(false);
  });

  it("element 29 of philox", () => {
    expect(threshold("philox", 0.1)).toBe(0x1999999an);
    expect(philox([0n, 0n, 28n, 0n], split(42n))).toEqual([0xeedfc1bbn, 0x6af5b239n, 0xa3fbb7b8n, 0xfd6a9cf1n]);
    expect(keep("philox", 42n, 0n, 0x6af5b239 / 2 ** 32, 29n)).toBe(true);
    expect(keep("philox", 42n, 0n, 0x6af5b23a / 2 ** 32, 29n)).toBe(false);
  });
});
