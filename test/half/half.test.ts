// 16-bit data: every one of their values, rounding beside an oracle in doubles, and dropout of them in both builds.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, type HalfDtype, type Ticket } from "../../src/core/index.js";
import { bindKernels, HALF, type HalfKernels, rowsOf } from "../../src/engine/kernels.js";
import { PARAMS } from "../../src/engine/memory.js";
import { PIECE } from "../../src/engine/pieces.js";
import { HALF_DTYPES, type StoredFormat } from "../../src/ground/dtypes.js";
import { Words } from "../../src/ground/words.js";
import { createHalf, type Half } from "../../src/half/index.js";
import { CONVERT } from "../../src/half/kernels.js";
import type { StreamKind } from "../../src/stream/kinds.js";
import { DATA_OR_HALVES, HALF_DTYPE } from "../support/messages.js";
import { chance, expectBytes, KINDS, keepBits, keepBytes, PROBABILITIES, uniforms } from "../support/oracle.js";
import { BUILDS, loadBuild } from "../support/wasm.js";
import { FORMATS, type Format } from "./oracle.js";

const SEED = 42n;
const ALL = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** Throws unless two arrays hold the same bits. */
function expectBits(got: Uint16Array, expected: Uint16Array, what: string): void {
  expectBytes(new Uint8Array(got.slice().buffer), new Uint8Array(expected.slice().buffer), what);
}

/** Inverted dropout of 16-bit data by a mask of bytes. */
function drop(x: Uint16Array, keep: Uint8Array, scale: number, { decode, encode }: Format): Uint16Array<ArrayBuffer> {
  const y = new Uint16Array(x.length);
  // Loops: the iterators of from() take much of the time of these tests.
  for (let i = 0; i < y.length; ++i) if (keep[i]) y[i] = encode(Math.fround(decode(x[i] as number) * scale));
  return y;
}

/** Data in which all kinds of values come, from some place of the 65,536 on, in an order that mixes exponents. */
function sample(length: number, salt: number): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(length);
  for (let i = 0; i < length; ++i) bits[i] = ((i + salt) * 40503) & 0xffff;
  return bits;
}

for (const build of BUILDS) {
  describe(`${build} build`, () => {
    let dropout: Dropout;
    let half: Half;
    beforeAll(async () => {
      half = await createHalf(await createDropout({ seed: SEED, simd: build === "simd" }), { simd: build === "simd" });
      dropout = half.dropout;
    });

    it.each(HALF_DTYPES)("%s: every value as f32, and back", (dtype) => {
      const { decode, nan } = FORMATS[dtype];
      const wide = half.toFloat32(ALL, dtype);
      for (const bits of ALL) {
        if (!Object.is(wide[bits], decode(bits))) throw new Error(`${bits.toString(16)} is ${wide[bits]} instead of ${decode(bits)}`);
      }
      const back = half.fromFloat32(wide, dtype);
      expectBits(
        back,
        ALL.map((bits) => (Number.isNaN(decode(bits)) ? nan : bits)),
        "back",
      );
    });

    it.each(HALF_DTYPES)("%s: rounds every neighbourhood to nearest, ties to even", (dtype) => {
      const { decode, encode, infinity } = FORMATS[dtype];
      const words: number[] = [];
      const view = new DataView(new ArrayBuffer(4));
      const bitsOf = (x: number) => {
        view.setFloat32(0, x);
        return view.getUint32(0);
      };
      for (let bits = 0; bits < infinity; ++bits) {
        const low = decode(bits);
        const high = decode(bits + 1) === Number.POSITIVE_INFINITY ? low + (low - decode(bits - 1)) : decode(bits + 1);
        const middle = bitsOf(Math.min((low + high) / 2, 3.4028235677973366e38));
        for (const d of [-1, 0, 1]) words.push(middle + d, (middle + d) | 0x80000000);
      }
      for (let k = 0; k < 200_000; ++k) words.push(Math.imul(k, 0x9e3779b1) >>> 0);
      const x = new Float32Array(Uint32Array.from(words).buffer);
      expectBits(half.fromFloat32(x, dtype), Uint16Array.from(x, encode), "rounded");
    });

    it("the exports are the table", () => {
      const wasm = loadBuild(build, "half");
      const names = [...rowsOf(HALF), ...rowsOf(CONVERT)].map(([verb, source, dtype]) => `${source}_${verb}_${dtype}`);
      expect(Object.keys(wasm.exports).sort()).toEqual(names.sort());
      expect(WebAssembly.Module.imports(wasm.module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    });

    const wasm = loadBuild(build, "half");
    const kernels = bindKernels<HalfKernels>(wasm.exports, HALF);
    const regions = { out: wasm.region(40_000), data: wasm.region(40_000), mask: wasm.region(40_000) };
    const seed = new Words().set(SEED, "seed");
    const stream = new Words().set(9, "stream");
    const SPAN = 14_000;
    const randoms = { tile: uniforms("tile", SEED, 9n, 0, SPAN), philox: uniforms("philox", SEED, 9n, 0, SPAN) };
    const SIZES = [...Array.from({ length: 70 }, (_, n) => n), 4095, 4096, 4097, 8200];

    for (const [verb, source, dtype] of rowsOf(HALF)) {
      const format = FORMATS[dtype as HalfDtype];
      const type = dtype as HalfDtype;
      it(`${source}_${verb}_${dtype}`, () => {
        for (const kind of KINDS) {
          if (verb !== "apply" && source !== kind) continue;
          for (const p of PROBABILITIES) {
            const drawn = chance(kind, p);
            const all = keepBytes(randoms[kind], drawn);
            for (const start of [0, 5, 4090]) {
              for (const n of SIZES) for (const inPlace of [false, true]) check(n, start, drawn, all.subarray(start, start + n), inPlace);
            }
          }
        }
      });

      function check(n: number, start: number, drawn: ReturnType<typeof chance>, keep: Uint8Array, inPlace: boolean): void {
        const what = `n ${n}, start ${start}, p ${drawn.p}${inPlace ? ", in place" : ""}`;
        const x = sample(n, start + n);
        const src = regions.data + 2 * (n % 7);
        const dst = inPlace ? src : regions.out + 2 * (n % 5);
        const mask = regions.mask + (n % 16);
        wasm.memory.writeParams({ seed, stream, start, threshold: drawn.threshold, scale: drawn.scale32 }, 0);
        wasm.place(src, x);
        const bits = keepBits(keep);
        if (verb === "apply") wasm.place(mask, source === "bits" ? bits : keep.map((k, i) => (k ? 1 + (i % 255) : 0)));
        let got = new Uint8Array();
        const run = () => {
          if (verb === "dropout") kernels.dropout[source as StreamKind][type](dst, src, n, PARAMS);
          else if (verb === "dropoutbits") kernels.dropoutbits[source as StreamKind][type](dst, src, mask, n, PARAMS);
          else kernels.apply[source as StoredFormat][type](dst, src, mask, n, PARAMS);
        };
        const runData = () => {
          got = wasm.written(dst, 2 * n, inPlace, what, run);
        };
        if (verb === "dropoutbits") expectBytes(wasm.written(mask, bits.length, false, what, runData), bits, what);
        else runData();
        const expected = drawn.threshold === 0 ? x : drop(x, keep, drawn.scale32, format);
        expectBytes(got, new Uint8Array(expected.buffer), what);
      }
    }

    it.each(HALF_DTYPES)("dropout of %s: the decisions of every other dtype, wherever the data lie", (dtype) => {
      const format = FORMATS[dtype];
      for (const kind of KINDS) {
        for (const length of [0, 1, 1000, 32767, 32768, 70_000]) {
          const x = sample(length, 7);
          const options = { kind, stream: 4, start: 3, dtype };
          const drawn = chance(kind, 0.3);
          const keep = dropout.mask(length, 0.3, { kind, stream: 4, start: 3, format: "bytes" });
          const y = drop(x, keep, drawn.scale32, format);
          const { y: got, ticket } = dropout.forward(x, 0.3, options);
          expectBits(got, y, "array");
          expectBits(dropout.backward(x, JSON.parse(JSON.stringify(ticket)) as Ticket, {}, { dtype }).dx, y, "backward");
          const inside = dropout.from(x, dtype);
          const out = dropout.alloc(dtype, length);
          const mask = new Uint8Array(Math.ceil(length / 8));
          expect(dropout.dropout(inside, 0.3, { ...options, out, mask })).toBe(out);
          expectBits(out.array, y, "buffers");
          expectBytes(mask, keepBits(keep), "mask");
          expectBits(dropout.backward(inside, { p: 0.3, kind }, { mask }, { dx: inside }).dx.array, y, "stored mask, in place");
          expectBits(dropout.dropout(x, 0.3, { ...options, training: false }), x, "outside training");
          for (const buffer of [inside, out]) buffer.free();
        }
      }
    });

    it.each(HALF_DTYPES)("conversion of %s in buffers, of any length", (dtype) => {
      for (const length of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2.5 * PIECE + 1]) {
        const bits = sample(length, 1);
        const inside = dropout.from(bits, dtype);
        const wide = half.toFloat32(inside, dtype);
        expect(wide.dtype).toBe("f32");
        const narrow = half.fromFloat32(wide, dtype, { out: new Uint16Array(length) });
        expectBits(narrow, half.fromFloat32(half.toFloat32(bits, dtype), dtype), "narrow");
        for (const buffer of [inside, wide]) buffer.free();
      }
    });

    it("refuses what it cannot take", async () => {
      const x = new Uint16Array(8);
      const without = await createDropout({ seed: 1 });
      const expected =
        '"x" expected Float32Array, Float64Array or buffer of f32 or f64 (16-bit data need the instance of createHalf() of wasm-dropout/half), got ';
      expect(() => without.dropout(x, 0.5, { dtype: "bf16" })).toThrow(new TypeError(`${expected}Uint16Array(8)`));
      expect(() => without.dropout(without.alloc("f16", 8), 0.5)).toThrow(new TypeError(`${expected}f16 buffer(8)`));
      const either = `"x" expected ${DATA_OR_HALVES}, got `;
      expect(() => dropout.dropout(x, 0.5)).toThrow(new TypeError(`${either}Uint16Array(8)`));
      expect(() => dropout.dropout(new Uint8Array(8) as never, 0.5)).toThrow(new TypeError(`${either}Uint8Array(8)`));
      expect(() => dropout.dropout(x, 0.5, { dtype: "f8" as never })).toThrow(
        new RangeError(`"dtype" expected ${HALF_DTYPE}, got string "f8"`),
      );
      expect(() => dropout.dropout(x, 0.5, { dtype: "f16", out: new Float32Array(8) as never })).toThrow(
        new TypeError('"out" expected Uint16Array, Float16Array or f16 buffer, got Float32Array(8)'),
      );
      expect(() => dropout.from(x as never)).toThrow(
        new TypeError(
          '"array" expected Float32Array, Float64Array, Float16Array, Uint8Array, or Uint16Array with a dtype, got Uint16Array(8)',
        ),
      );
      expect(() => dropout.from(new Float32Array(8) as never, "f16")).toThrow(
        new TypeError('"array" expected Uint16Array, got Float32Array(8)'),
      );
      expect(() => half.toFloat32(x, "f32" as never)).toThrow(new RangeError(`"dtype" expected ${HALF_DTYPE}, got string "f32"`));
      expect(() => half.toFloat32(dropout.alloc("f16", 8), "bf16")).toThrow(
        new TypeError('"x" expected Uint16Array or bf16 buffer, got f16 buffer(8)'),
      );
      expect(() => half.fromFloat32(null as never, "f16")).toThrow(new TypeError('"x" expected Float32Array or f32 buffer, got null'));
      expect(() => half.fromFloat32(new Float32Array(8), "f16", { out: new Uint16Array(7) })).toThrow(
        new RangeError('"out" expected length 8, got 7'),
      );
      await expect(createHalf({} as never)).rejects.toThrow(new TypeError('"dropout" expected Dropout of this package, got Object'));
      const { state } = dropout;
      expect(() => dropout.dropout(x, 0.5, { dtype: "f16", out: new Uint16Array(9) })).toThrow(RangeError);
      expect(dropout.state).toEqual(state);
    });

    it("keeps to its memory", () => {
      const x = new Float32Array(50_000);
      half.fromFloat32(x, "f16");
      const bytes = dropout.memory.buffer.byteLength;
      for (let k = 0; k < 50; ++k) half.toFloat32(half.fromFloat32(x, "f16"), "f16");
      expect(dropout.memory.buffer.byteLength).toBe(bytes);
    });
  });
}
