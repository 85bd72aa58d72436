// The ownership of bytes: buffers across growth and release, the 4 GiB limit, nothing leaked.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDropout, Dropout } from "../../src/core/index.js";
import { dropoutBytes } from "../../src/core/inline.js";
import { WasmBuffer } from "../../src/engine/buffer.js";
import { Engine } from "../../src/engine/engine.js";
import { instantiate } from "../../src/engine/instantiate.js";
import { bindKernels, CORE, type CoreKernels } from "../../src/engine/kernels.js";
import { MASK_SLOT, Memory, OWN_BYTES, PARAMS } from "../../src/engine/memory.js";
import { Pass } from "../../src/engine/pass.js";
import { OwnStore } from "../../src/engine/store.js";
import { PARAMS_BYTES } from "../../src/ground/abi.js";
import { Allocator } from "../../src/ground/allocator.js";
import { Sequence } from "../../src/stream/sequence.js";
import { expectSame, sample } from "../support/oracle.js";

describe("buffers", () => {
  it("keep their data and work on when the memory grows, by us or by others", async () => {
    const dropout = await createDropout({ seed: 1 });
    const x = dropout.from(sample("f32", 1000) as Float32Array);
    const mask = dropout.alloc("bits", 1000);
    const before = x.array;
    const y = dropout.dropout(x.array.slice(), 0.5, { stream: 1 });
    const grow = [() => dropout.alloc("f64", 1 << 20), () => dropout.memory.grow(16)];
    let last = before;
    for (const step of grow) {
      step();
      expect(last.length).toBe(0);
      last = x.array;
      expect(x.array).toBe(last);
      expectSame(last, sample("f32", 1000), "after growth");
      expectSame(dropout.dropout(x, 0.5, { stream: 1, mask }).array, y, "dropout after growth");
    }
    expect(() => dropout.dropout(before, 0.5)).toThrow(/"x" expected attached array/);
  });

  it("leave pages that others added to the others", async () => {
    const dropout = await createDropout({ seed: 1 });
    const bytes = 2 * 65536;
    const pointer = dropout.memory.grow(2) * 65536;
    new Uint8Array(dropout.memory.buffer, pointer, bytes).fill(0x5a);
    for (const length of [100_000, 1000, 300_000, 10]) {
      const buffer = dropout.alloc("f32", length);
      expect(buffer.array.every((v) => v === 0)).toBe(true);
      buffer.array.fill(-1);
      expect(buffer.pointer >= pointer + bytes || buffer.pointer + 4 * length <= pointer).toBe(true);
    }
    expect(new Uint8Array(dropout.memory.buffer, pointer, bytes).every((v) => v === 0x5a)).toBe(true);
  });

  it("result buffers may make the memory grow under the operands", async () => {
    const dropout = await createDropout({ seed: 1 });
    const x = dropout.from(sample("f64", 20_000) as Float64Array);
    const expected = dropout.dropout(x.array.slice(), 0.5, { stream: 3 });
    const mask = dropout.alloc("bits", 20_000);
    for (let k = 0; k < 40; ++k) {
      expectSame(dropout.dropout(x, 0.5, { stream: 3, mask: mask.array }).array, expected, `result ${k}`);
    }
  });

  it("can be copied from views of the same memory, which growth detaches", async () => {
    const dropout = await createDropout({ seed: 1 });
    const x = dropout.from(sample("f32", 10_000) as Float32Array);
    for (let k = 0; k < 20; ++k) expectSame(dropout.from(x.array).array, sample("f32", 10_000), `copy ${k}`);
  });

  it("begin at multiples of 64, are zero-filled, and can be freed twice but not used after", async () => {
    const dropout = await createDropout({ seed: 1 });
    const first = dropout.alloc("bytes", 100);
    first.array.fill(255);
    const { pointer } = first;
    first.free();
    first.free();
    first[Symbol.dispose]();
    expect(first.freed).toBe(true);
    expect(() => Object.assign(first, { length: 1000 })).toThrow(TypeError);
    expect(() => first.array).toThrow(TypeError);
    const again = dropout.alloc("bytes", 100);
    expect(again.pointer).toBe(pointer);
    expect(again.array.every((v) => v === 0)).toBe(true);
    for (const dtype of ["f32", "f64", "bits", "bytes"] as const) {
      for (const length of [0, 1, 7, 8, 9, 1000]) {
        const buffer = dropout.alloc(dtype, length);
        expect(buffer.pointer % 64).toBe(0);
        expect(buffer.length).toBe(length);
        expect(buffer.array.length).toBe(dtype === "bits" ? Math.ceil(length / 8) : length);
      }
    }
    {
      using scoped = dropout.alloc("f32", 4);
      expect(scoped.freed).toBe(false);
    }
  });

  it("never overlap, and what is freed is one piece again", () => {
    const end = 1 << 16;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(5000)), { maxLength: 200 }), (steps) => {
        const allocator = new Allocator();
        allocator.extend(0, end / 2);
        allocator.extend(end / 2, end);
        const live = new Map<number, number>();
        for (const [take, size] of steps) {
          if (take && allocator.shortage(size, end) === 0) {
            const at = allocator.take(size);
            for (const [other, otherSize] of live) {
              if (at < other + Math.max(otherSize, 1) && other < at + Math.max(size, 1)) throw new Error("overlap");
            }
            if (at % 64 || at + size > end) throw new Error("outside");
            live.set(at, size);
          } else if (live.size > 0) {
            const at = [...live.keys()][size % live.size] as number;
            allocator.release(at);
            live.delete(at);
          }
        }
        for (const at of live.keys()) allocator.release(at);
        if (allocator.shortage(end, end) !== 0) throw new Error("not whole again");
        expect(allocator.shortage(end + 1, end)).toBe(64);
        expect(allocator.take(end)).toBe(0);
      }),
    );
  });

  it("a million of them, freed, leave the memory as it was", async () => {
    const dropout = await createDropout({ seed: 1 });
    dropout.alloc("f32", 5000).free();
    const bytes = dropout.memory.buffer.byteLength;
    for (let k = 0; k < 1_000_000; ++k) dropout.alloc("f32", (k * 7919) % 5000).free();
    expect(dropout.memory.buffer.byteLength).toBe(bytes);
  });

  it("many alive in changing order take little more than they hold", async () => {
    const dropout = await createDropout({ seed: 1 });
    const bytes = dropout.memory.buffer.byteLength;
    const held: WasmBuffer[] = [];
    for (let k = 0; k < 300_000; ++k) {
      held.push(dropout.alloc("f32", (k * 7919) % 5000));
      if (held.length > 20) held.splice((k * 31) % 20, 1)[0]?.free();
    }
    expect(dropout.memory.buffer.byteLength - bytes).toBeLessThan(1.25 * 21 * 4 * 5000);
  });

  it("results of refused calls are not leaked", async () => {
    const dropout = await createDropout({ seed: 1, maxBytes: 2 ** 20 });
    const x = dropout.alloc("f32", 1000);
    const wrong = new Uint8Array(3);
    for (let k = 0; k < 5000; ++k) {
      expect(() => dropout.dropout(x, 0.5, { mask: wrong })).toThrow(RangeError);
      dropout.dropout(x, 0.5).free();
    }
  });
});

it("the parameter record and its workspace end before the staging slots", () => {
  expect(PARAMS + PARAMS_BYTES).toBeLessThanOrEqual(MASK_SLOT);
});

it("data in wasm memory longer than a kernel takes at once go through in pieces", () => {
  const memory = new Memory(new OwnStore(2 ** 20, OWN_BYTES));
  const module = new WebAssembly.Module(dropoutBytes());
  const kernels = bindKernels<CoreKernels>(instantiate(module, memory.wasm), CORE);
  const engine = new Engine(memory, new Sequence("tile"), kernels);
  const n = 20_001;
  const mask = new WasmBuffer(memory, "bits", memory.allocate("bits", n, "mask"), n);
  const drawing = new Pass(engine, 4096 - 8).begin();
  drawing.draw.choose("tile", 1, 0);
  drawing.draw.range(n, 5);
  drawing.draw.chance(0.3, "train", true);
  const written = drawing.stageFixed(drawing.output(mask, "mask", "bits", n, undefined));
  drawing.ready().elementwise(kernels.mask.tile.bits, written);
  drawing.end();
  const expected = new Dropout(module, { seed: 1 }).mask(n, 0.3, { stream: 0, start: 5 });
  expect(mask.array).toEqual(expected);
  const counting = new Pass(engine, 4096 - 8).begin();
  const read = counting.stageFixed(counting.input(mask, "mask", "bits", n));
  expect(counting.ready().elementwise(kernels.popcount.bits.u32, read)).toBe(
    expected.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0),
  );
});

describe("the limit", () => {
  it("refuses what does not fit and works on", async () => {
    const dropout = await createDropout({ seed: 1, maxBytes: 2 ** 20 });
    const x = dropout.alloc("f32", 150_000);
    const { state } = dropout;
    const expected = dropout.dropout(x.array.slice(), 0.5, { stream: 1 });
    const bytes = dropout.memory.buffer.byteLength;
    expect(() => dropout.alloc("f32", 200_000)).toThrow(
      /^"length" expected .* of at most 1048576 \(1 live buffer holds 600000 bytes: .*\), got 200000 elements of f32, 800000 bytes$/,
    );
    expect(() => dropout.dropout(x, 0.5)).toThrow(/^"out" expected/);
    expect(() => dropout.from(new Float64Array(200_000))).toThrow(/^"array" expected/);
    expect(dropout.state).toEqual(state);
    expect(dropout.memory.buffer.byteLength).toBe(bytes);
    expectSame(dropout.dropout(x, 0.5, { stream: 1, out: x }).array, expected, "after refusals");
    x.free();
    expect(dropout.alloc("f32", 200_000).length).toBe(200_000);
  });

  it("holds to the byte where it is no multiple of a page", async () => {
    const dropout = await createDropout({ seed: 1, maxBytes: 2 ** 20 - 1 });
    while (tryAlloc()) expect(dropout.memory.buffer.byteLength).toBeLessThan(2 ** 20);
    expect(dropout.memory.buffer.byteLength).toBe(2 ** 20 - 65536);
    function tryAlloc() {
      try {
        return dropout.alloc("bytes", 10_000);
      } catch {
        return undefined;
      }
    }
  });

  it("may also be the engine's", async () => {
    const dropout = await createDropout({ seed: 1 });
    const x = dropout.from(sample("f32", 1000) as Float32Array);
    const expected = dropout.dropout(x.array.slice(), 0.5, { stream: 1 });
    const cause = new RangeError("no memory");
    dropout.memory.grow = () => {
      throw cause;
    };
    expect(() => dropout.alloc("f64", 1 << 20)).toThrow(expect.objectContaining({ name: "RangeError", cause }));
    expectSame(dropout.dropout(x, 0.5, { stream: 1, out: x }).array, expected, "after the refusal");
  });

  it("is 4 GiB: kernels work up to the last byte, and one more is refused", async () => {
    const dropout = await createDropout({ seed: 1 });
    // Never written, so that the engine need not back it with memory.
    const filler = dropout.alloc("bytes", 2 ** 32 - 2 ** 24);
    const room = 2 ** 32 - (filler.pointer + filler.length);
    const n = 100_000;
    const x = dropout.alloc("f32", n);
    const rest = dropout.alloc("bytes", room - Math.ceil((4 * n) / 64) * 64 - 4 * n - Math.ceil(n / 512) * 64);
    const mask = dropout.alloc("bits", n);
    const last = dropout.alloc("f32", n);
    expect(last.pointer + 4 * n).toBe(2 ** 32);
    expect(dropout.memory.buffer.byteLength).toBe(2 ** 32);
    expect(() => dropout.alloc("bytes", 65)).toThrow(RangeError);
    x.array.set(sample("f32", n) as Float32Array);
    const plain = dropout.dropout(x.array.slice(), 0.3, { stream: 2 });
    expectSame(dropout.dropout(x, 0.3, { stream: 2, out: last, mask }).array, plain, "at the end of the memory");
    last.array.set(sample("f32", n) as Float32Array);
    expectSame(dropout.backward(last, { p: 0.3 }, { mask }, { dx: last }).dx.array, plain, "in place at the end of the memory");
    for (const p of [0, 1]) {
      const expected = dropout.dropout(x.array.slice(), p);
      expectSame(dropout.dropout(x, p, { out: last }).array, expected, `p = ${p} at the end of the memory`);
    }
    for (const buffer of [filler, rest]) buffer.free();
    expect(dropout.alloc("f32", 1000).length).toBe(1000);
  });
});

describe("arrays from outside", () => {
  it("run in constant wasm memory", async () => {
    const dropout = await createDropout({ seed: 1 });
    const { byteLength } = dropout.memory.buffer;
    for (const length of [1, 1000, 3_000_000]) {
      const x = new Float64Array(length).fill(1);
      const { ticket } = dropout.forward(x, 0.1, { mask: new Uint8Array(Math.ceil(length / 8)) });
      dropout.backward(x, ticket);
      dropout.mask(length, 0.1, { format: "f32" });
      dropout.countKept(dropout.replay(ticket), length);
    }
    expect(dropout.memory.buffer.byteLength).toBe(byteLength);
  });
});
