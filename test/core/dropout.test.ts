// The API: what each method gives, wherever its arrays lie and however the work is cut.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, keepProbability, type Ticket, type WasmBuffer } from "../../src/core/index.js";
import { chance, drop, expectBytes, expectSame, KINDS, keepBits, keepBytes, PROBABILITIES, sample, uniforms } from "../support/oracle.js";

const SEED = 42n;
const word64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const kinds = fc.constantFrom(...KINDS);
const probability = fc.oneof(fc.constantFrom(...PROBABILITIES), fc.double({ min: 0, max: 1, noNaN: true }));
const start = fc.oneof(
  fc.nat(20_000),
  fc.integer({ min: 2 ** 32 - 5000, max: 2 ** 32 + 5000 }),
  fc.integer({ min: 2 ** 53 - 20_000, max: 2 ** 53 - 10_000 }),
);

for (const simd of [true, false]) {
  describe(simd ? "SIMD build" : "scalar build", () => {
    let dropout: Dropout;
    beforeAll(async () => {
      dropout = await createDropout({ seed: SEED, simd });
    });

    const expected = (kind: "tile" | "philox", stream: bigint, p: number, x: Float32Array | Float64Array, from = 0) => {
      const drawn = chance(kind, p);
      const keep = keepBytes(uniforms(kind, SEED, stream, from, x.length), drawn);
      return { keep, y: drop(x, keep, drawn) };
    };

    // Around the number of elements that one piece of an array from outside holds.
    const LENGTHS = [0, 1, 100, 32767, 32768, 32769, 70_000];

    it.each(["f32", "f64"] as const)("forward and backward of %s, arrays inside and outside wasm memory, of any length", (dtype) => {
      for (const kind of KINDS) {
        for (const length of LENGTHS) {
          const x = sample(dtype, length);
          const { keep, y } = expected(kind, 9n, 0.3, x, 77);
          const bits = keepBits(keep);
          const options = { kind, stream: 9, start: 77 };
          const inside = dropout.from(x as Float32Array);
          const out = dropout.alloc(dtype as "f32", length);
          const mask = dropout.alloc("bits", length);
          const outside = x.slice() as Float32Array;
          const foreignMask = new Uint8Array(bits.length);

          expectSame(dropout.dropout(x, 0.3, options), y, "new array");
          expectSame(dropout.dropout(inside, 0.3, { ...options, out, mask }).array, y, "buffers");
          expectBytes(mask.array, bits, "mask in a buffer");
          expectSame(dropout.dropout(inside, 0.3, { ...options, out: outside, mask: foreignMask }), y, "buffer to array");
          expectBytes(foreignMask, bits, "mask in an array");
          out.array.fill(-1);
          expectSame(dropout.dropout(x as Float32Array, 0.3, { ...options, out, mask: foreignMask.fill(9) }).array, y, "array to buffer");
          expectBytes(foreignMask, bits, "mask in an array");
          expectSame(dropout.dropout(inside.array, 0.3, { ...options, out: out.array }), y, "views of wasm memory");
          expectSame(dropout.dropout(inside.array, 0.3, options), y, "view of wasm memory to new array");

          const { y: fresh, ticket } = dropout.forward(inside, 0.3, options);
          expectSame(fresh.array, y, "new buffer");
          for (const source of [ticket, JSON.parse(JSON.stringify(ticket)) as Ticket]) {
            expectSame(dropout.backward(x, source).dx, y, "backward from the ticket");
          }
          expectSame(dropout.backward(x, { p: 0.3, kind }, { mask: bits }).dx, y, "backward from bits");
          expectSame(dropout.backward(inside, { p: 0.3, kind }, { mask }, { dx: out }).dx.array, y, "backward from bits in a buffer");
          expectSame(dropout.backward(x, { p: 0.3, kind }, { mask: keep, format: "bytes" }).dx, y, "backward from bytes");
          expectBytes(dropout.replay(ticket), bits, "replayed mask");

          outside.set(x);
          expect(dropout.dropout(outside, 0.3, { ...options, out: outside })).toBe(outside);
          expectSame(outside, y, "in place, outside");
          expect(dropout.dropout(inside, 0.3, { ...options, out: inside })).toBe(inside);
          expectSame(inside.array, y, "in place, inside");
          for (const buffer of [inside, out, mask, fresh]) buffer.free();
        }
      }
    });

    it.each(["f32", "f64"] as const)("the classic form: kept %s as they are in training, all times 1 - P(drop) at test time", (dtype) => {
      const round = dtype === "f32" ? Math.fround : (x: number) => x;
      for (const kind of KINDS) {
        for (const p of PROBABILITIES) {
          const x = sample(dtype, 5000) as Float32Array;
          const drawn = { ...chance(kind, p), scale32: 1, scale64: 1 };
          const keep = keepBytes(uniforms(kind, SEED, 3n, 0, x.length), drawn);
          const mask = new Uint8Array(625);
          for (const rescale of ["test", "none"] as const) {
            const { y, ticket } = dropout.forward(x, p, { kind, stream: 3, rescale, mask });
            expectSame(y, drop(x, keep, drawn), `${rescale}, training, p ${p}`);
            expect(ticket.rescale).toBe(p === 0 ? undefined : "none");
            expectSame(dropout.backward(x, JSON.parse(JSON.stringify(ticket))).dx, y, "backward");
            expectSame(dropout.backward(x, { p, kind, rescale }, { mask }).dx, y, "backward from the mask");
            expectBytes(dropout.replay(ticket), mask, "replayed");
            expectSame(dropout.replay(ticket, { format: "f32" }), Float32Array.from(keep), "replayed multipliers");
          }
          const factor = round(keepProbability(p, kind));
          const expected = factor === 0 ? x.map(() => 0) : p === 0 ? x : x.map((v) => v * factor);
          const { y, ticket } = dropout.forward(x, p, { kind, stream: 3, rescale: "test", training: false, mask });
          expectSame(y, expected, `test time, p ${p}`);
          expectSame(dropout.backward(x, JSON.parse(JSON.stringify(ticket))).dx, expected, "backward at test time");
          expect(mask.every((byte) => byte === 255)).toBe(true);
          expectBytes(dropout.replay(ticket), mask, "replayed");
          expectSame(dropout.dropout(x, p, { kind, rescale: "none", training: false }), x, "never rescaled");
        }
      }
    });

    it("classes that extend typed arrays, with constructors of their own", () => {
      class Tensor extends Float32Array {
        constructor(readonly shape: number[]) {
          super(shape.reduce((product, size) => product * size, 1));
        }
      }
      class Bits extends Uint8Array {
        constructor(elements: number) {
          super(Math.ceil(elements / 8));
        }
      }
      const x = new Tensor([100, 700]);
      x.set(sample("f32", x.length) as Float32Array);
      const out = new Tensor([70_000]);
      const mask = new Bits(70_000);
      const { keep, y } = expected("tile", 4n, 0.2, Float32Array.from(x));
      expect(dropout.dropout(x, 0.2, { stream: 4, out, mask })).toBe(out);
      expectSame(Float32Array.from(out), y, "out");
      expectBytes(Uint8Array.from(mask), keepBits(keep), "mask");
      expectSame(dropout.dropout(x, 0.2, { stream: 4 }), y, "new array");
    });

    it("gives the same mask whatever the dtype and the format", () => {
      const options = { stream: 3, start: 5 };
      const n = 9999;
      const bits = dropout.mask(n, 0.4, options);
      const bytes = dropout.mask(n, 0.4, { ...options, format: "bytes" });
      expectBytes(keepBits(bytes), bits, "bytes");
      const s = Math.fround(1 / keepProbability(0.4));
      expectSame(
        dropout.mask(n, 0.4, { ...options, format: "f32" }),
        Float32Array.from(bytes, (k) => (k ? s : 0)),
        "multipliers",
      );
      for (const ones of [new Float32Array(n).fill(1), new Float64Array(n).fill(1)]) {
        const y = dropout.dropout(ones, 0.4, options);
        expectBytes(
          Uint8Array.from<number>(y, (v) => (v === 0 ? 0 : 1)),
          bytes,
          "dropout of ones",
        );
      }
    });

    it("the mask of a slice is the slice of the mask", () => {
      fc.assert(
        fc.property(kinds, word64, word64, probability, start, fc.nat(9000), fc.nat(9000), (kind, seed, stream, p, from, a, b) => {
          const [begin, end] = a < b ? [a, b] : [b, a];
          const whole = dropout.mask(9001, p, { kind, seed, stream, start: from, format: "bytes" });
          const slice = whole.subarray(begin, end);
          const options = { kind, seed, stream, start: from + begin };
          expectBytes(dropout.mask(end - begin, p, { ...options, format: "bytes" }), slice, "bytes");
          expectBytes(dropout.mask(end - begin, p, options), keepBits(slice), "bits");
          const ones = new Float32Array(end - begin).fill(1);
          expectBytes(Uint8Array.from(dropout.dropout(ones, p, options), Math.sign), slice, "dropout");
          const { ticket } = dropout.forward(new Float32Array(9001), p, { kind, seed, stream, start: from });
          const part = { ...ticket, start: ticket.start + begin, length: end - begin };
          expectBytes(dropout.replay(part, { format: "bytes" }), slice, "ticket");
        }),
        { numRuns: simd ? 300 : 60 },
      );
    });

    it("follows the oracle at any seed, stream, start and p", () => {
      fc.assert(
        fc.property(kinds, word64, word64, probability, start, fc.nat(300), (kind, seed, stream, p, from, n) => {
          const keep = keepBytes(uniforms(kind, seed, stream, from, n), chance(kind, p));
          expectBytes(dropout.mask(n, p, { kind, seed, stream, start: from, format: "bytes" }), keep, "mask");
        }),
        { numRuns: simd ? 150 : 50 },
      );
    });

    it("copies the bits of x at p = 0 and outside training, even of signalling NaNs", () => {
      const bits32 = Uint32Array.of(0x7f800001, 0xffc12345, 0x80000000, 1, 0x3f800000);
      const bits64 = BigUint64Array.of(0x7ff0000000000001n, 0xfff8000000abcdefn, 0x8000000000000000n, 1n);
      const x32 = new Float32Array(new Uint32Array(200).map((_, i) => bits32[i % 5] as number).buffer);
      const x64 = new Float64Array(new BigUint64Array(200).map((_, i) => bits64[i % 4] as bigint).buffer);
      const bytesOf = (array: Float32Array | Float64Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
      for (const x of [x32, x64]) {
        const want = bytesOf(x);
        const mask = new Uint8Array(25);
        for (const [p, training] of [
          [0, true],
          [0.7, false],
          [1, false],
        ] as const) {
          const buffer = dropout.from(x as Float32Array);
          expectBytes(bytesOf(dropout.dropout(x, p, { training, mask: mask.fill(0) })), want, "array");
          expectBytes(mask, new Uint8Array(25).fill(255), "mask");
          expectBytes(bytesOf(dropout.dropout(buffer, p, { training, out: buffer }).array), want, "in place");
          const { y, ticket } = dropout.forward(buffer, p, { training });
          expectBytes(bytesOf(y.array), want, "buffer");
          expect(ticket.p).toBe(0);
          expectBytes(bytesOf(dropout.backward(x, ticket).dx), want, "backward from the ticket");
          expectBytes(bytesOf(dropout.backward(x, { p: 0 }, { mask }).dx), want, "backward from the mask");
          y.free();
          buffer.free();
        }
      }
    });

    it("gives +0 everywhere at p = 1, whatever x holds", () => {
      for (const x of [sample("f32", 1000), sample("f64", 1000)]) {
        const mask = new Uint8Array(125).fill(7);
        const zero = x.slice().fill(0);
        expectSame(dropout.dropout(x, 1, { mask }), zero, "dropout");
        expectBytes(mask, new Uint8Array(125), "mask");
        expectSame(dropout.backward(x, { p: 1 }, { mask }).dx, zero, "backward");
        expectSame(dropout.backward(x, { p: 1 }, { mask: mask.fill(255) }).dx, zero, "backward, whatever the mask");
        expectSame(
          dropout.backward(x, { p: 1, kind: "philox" }, { mask: new Uint8Array(1000).fill(1), format: "bytes" }).dx,
          zero,
          "from bytes",
        );
      }
      expect(dropout.mask(9, 1, { format: "f32" })).toEqual(new Float32Array(9));
    });

    it("counts what a bit mask keeps", () => {
      const bytes = dropout.mask(100_003, 0.2, { stream: 8, format: "bytes" });
      const bits = keepBits(bytes);
      const kept = bytes.reduce((sum, k) => sum + k, 0);
      expect(dropout.countKept(bits, 100_003)).toBe(kept);
      expect(dropout.countKept(bits)).toBe(kept);
      expect(dropout.density(bits, 100_003)).toBe(kept / 100_003);
      const buffer = dropout.alloc("bits", 100_003);
      dropout.mask(100_003, 0.2, { stream: 8, out: buffer });
      expect(dropout.countKept(buffer)).toBe(kept);
      expect(dropout.density(buffer)).toBe(kept / 100_003);
      expect(dropout.countKept(new Uint8Array([255, 255]), 9)).toBe(9);
      expect(dropout.countKept(new Uint8Array())).toBe(0);
      expect(dropout.density(new Uint8Array())).toBeNaN();
      buffer.free();
    });
  });
}

describe("sequence and tickets", () => {
  const x = new Float32Array(4096).fill(1);

  it("same seed, same sequence; same seed and stream, same mask", async () => {
    const [a, b] = await Promise.all([createDropout({ seed: 7 }), createDropout({ seed: 7n })]);
    const masks = [0, 1, 2].map(() => a.mask(4096, 0.5));
    expect([0, 1, 2].map(() => b.mask(4096, 0.5))).toEqual(masks);
    expect(masks[0]).not.toEqual(masks[1]);
    expect(masks[1]).not.toEqual(masks[2]);
    masks.forEach((mask, stream) => {
      expect(a.mask(4096, 0.5, { stream })).toEqual(mask);
      expect(a.mask(4096, 0.5, { stream: BigInt(stream) })).toEqual(mask);
    });
    expect(a.state.nextStream).toBe("3");
    const other = await createDropout({ seed: 8 });
    expect(other.mask(4096, 0.5)).not.toEqual(masks[0]);
    expect(other.mask(4096, 0.5, { seed: 7, stream: 1 })).toEqual(masks[1]);
  });

  it("uses one stream number a training call, whatever p and length, and none for others", async () => {
    const dropout = await createDropout({ seed: 1 });
    const next = () => Number(dropout.state.nextStream);
    dropout.dropout(x, 0);
    dropout.dropout(x, 1);
    dropout.dropout(new Float32Array(0), 0.5);
    dropout.mask(10, 0.5);
    const { ticket } = dropout.forward(x, 0.5);
    expect(next()).toBe(5);
    expect(ticket.stream).toBe("4");
    dropout.dropout(x, 0.5, { training: false });
    dropout.forward(x, 0.5, { training: false });
    dropout.dropout(x, 0.5, { stream: 77 });
    dropout.backward(x, ticket);
    dropout.replay(ticket);
    dropout.backward(x, { p: 0.5 }, { mask: new Uint8Array(512) });
    expect(next()).toBe(5);
    expect(dropout.reserveStream()).toBe(5n);
    expect(next()).toBe(6);
  });

  it("goes on from a state stored as JSON", async () => {
    const first = await createDropout({ seed: 2n ** 63n + 1n, kind: "philox" });
    first.mask(10, 0.5);
    const saved = JSON.parse(JSON.stringify(first.state));
    expect(saved).toEqual({ version: 1, kind: "philox", seed: "9223372036854775809", nextStream: "1" });
    const after = [first.mask(999, 0.5), first.mask(999, 0.5)];
    const resumed = await createDropout({ state: saved });
    expect(resumed.kind).toBe("philox");
    expect(resumed.seed).toBe(2n ** 63n + 1n);
    expect([resumed.mask(999, 0.5), resumed.mask(999, 0.5)]).toEqual(after);
    first.restore(saved);
    expect([first.mask(999, 0.5), first.mask(999, 0.5)]).toEqual(after);
  });

  it("wraps stream numbers at 2^64 and carries at 2^32", async () => {
    const dropout = await createDropout({ state: { version: 1, kind: "tile", seed: "0", nextStream: "4294967295" } });
    dropout.mask(1, 0.5);
    expect(dropout.state.nextStream).toBe("4294967296");
    dropout.restore({ version: 1, kind: "tile", seed: "0", nextStream: "18446744073709551615" });
    dropout.mask(1, 0.5);
    expect(dropout.state.nextStream).toBe("0");
  });

  it("a ticket gives the same mask in another instance, of another build, seed and kind", async () => {
    const here = await createDropout({ seed: 5 });
    const there = await createDropout({ seed: 6, kind: "philox", simd: false });
    const data = sample("f64", 5000);
    const { y, ticket } = here.forward(data, 0.25, { start: 123 });
    expect(ticket).toEqual({ version: 1, op: "dropout", kind: "tile", seed: "5", stream: "0", start: 123, p: 0.25, length: 5000 });
    expectSame(there.backward(data, JSON.parse(JSON.stringify(ticket))).dx, y, "backward elsewhere");
    expectBytes(there.replay(ticket), here.replay(ticket), "replay elsewhere");
  });

  it("takes from a stored mask its buffer's format, and from the instance its kind", async () => {
    const philox = await createDropout({ seed: 5, kind: "philox" });
    // A p whose realised probabilities, and so scales, differ between the kinds.
    const p = 0.123456789;
    const data = sample("f64", 300);
    const bits = philox.alloc("bits", 300);
    const bytes = philox.alloc("bytes", 300);
    const { y, ticket } = philox.forward(data, p, { mask: bits });
    philox.replay(ticket, { format: "bytes", out: bytes });
    expectSame(philox.backward(data, { p }, { mask: bits }).dx, y, "bits");
    expectSame(philox.backward(data, { p }, { mask: bytes }).dx, y, "bytes");
    expectSame(philox.backward(data, { p, kind: "philox" }, { mask: bits }).dx, y, "kind given");
    expect(philox.backward(data, { p, kind: "tile" }, { mask: bits }).dx).not.toEqual(y);
  });

  it("draws a seed of its own if none is given", async () => {
    const seeds = await Promise.all([1, 2, 3].map(async () => (await createDropout()).seed));
    expect(new Set(seeds).size).toBe(3);
  });

  it("takes buffers of another instance as arrays from outside", async () => {
    const [a, b] = await Promise.all([createDropout({ seed: 5 }), createDropout({ seed: 5 })]);
    const mine: WasmBuffer<"f32"> = a.from(x);
    const out = b.alloc("f32", x.length);
    const y = a.dropout(x, 0.5, { stream: 1 });
    expectSame(b.dropout(mine, 0.5, { stream: 1 }).array, y, "their x");
    expectSame(a.dropout(mine, 0.5, { stream: 1, out }).array, y, "their out");
  });
});
