// The kernels in JavaScript: their memory, and what they do not mix with. Their bits are compared by the suite of engines.

import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Dropout } from "../../src/core/dropout.js";
import { createDropout } from "../../src/core/index.js";
import { load } from "../../src/core/plain.js";
import { PlainMemory } from "../../src/engine/plain.js";
import { createShapes } from "../../src/shapes/index.js";
import { load as loadShapes } from "../../src/shapes/plain.js";

const module = await load(false, false);

afterEach(() => vi.unstubAllGlobals());

describe("memory", () => {
  it("grows as that of WebAssembly does: by pages of zeros, with another buffer, the one before detached", () => {
    const memory = new PlainMemory(1);
    const renewed: unknown[] = [];
    memory.onGrow((stale) => renewed.push(stale));
    const { buffer } = memory;
    new Uint8Array(buffer)[7] = 9;
    expect(memory.grow(2)).toBe(1);
    expect(memory.grow(0)).toBe(3);
    expect([buffer.byteLength, memory.buffer.byteLength]).toEqual([0, 3 * 65536]);
    expect([...new Uint8Array(memory.buffer)].reduce((sum, byte) => sum + byte)).toBe(9);
    expect(renewed).toEqual([undefined, undefined]);
  });

  it("refuses what there is no room for, and stays as it is", () => {
    const memory = new PlainMemory(1);
    const { buffer } = memory;
    expect(() => memory.grow(2 ** 15)).toThrow(RangeError);
    expect(() => memory.grow(Number.NaN)).toThrow(RangeError);
    expect(memory.buffer).toBe(buffer);
    const dropout = new Dropout(module, { seed: 1 });
    expect(() => dropout.alloc("f64", 2 ** 28)).toThrow('"length" expected what fits');
    expect(dropout.dropout(Float32Array.of(1, 2), 0)).toEqual(Float32Array.of(1, 2));
  });

  it("makes arrays from before growth useless where the engine cannot detach them", () => {
    vi.stubGlobal("structuredClone", undefined);
    const dropout = new Dropout(module, { seed: 1 });
    const x = dropout.from(Float32Array.of(1, 2, 3, 4));
    const before = x.array;
    dropout.alloc("f64", 2 ** 16);
    expect([...before]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    expect(() => dropout.dropout(before, 0.5)).toThrow('"x" expected attached array');
    expect([...x.array]).toEqual([1, 2, 3, 4]);
    expect(dropout.dropout(x, 0).array).toEqual(Float32Array.of(1, 2, 3, 4));
    dropout.memory.grow(1);
    expect([...x.array]).toEqual([1, 2, 3, 4]);
  });
});

describe("kernels", () => {
  it("give the bits of the wasm, over memory that has grown since", async () => {
    const [own, wasm] = [new Dropout(module, { seed: 42 }), await createDropout({ seed: 42, simd: false })];
    const x = Float64Array.from({ length: 10_000 }, (_, i) => i / 7 - 500);
    for (const p of [0, 0.1, 0.5, 1]) {
      expect(own.dropout(x, p)).toEqual(wasm.dropout(x, p));
      own.alloc("f64", 2 ** 16);
    }
  });

  it("give them of masks that begin at any byte", async () => {
    const instances = [new Dropout(module, { seed: 42 }), await createDropout({ seed: 42, simd: false })];
    const x = Float32Array.from({ length: 317 }, (_, i) => i + 1);
    for (let offset = 0; offset < 9; ++offset) {
      const [own, wasm] = instances.map((dropout) => {
        const bits = dropout.alloc("bits", 8 * 64).array.subarray(offset, offset + 40);
        const bytes = dropout.alloc("bytes", 400).array.subarray(offset, offset + 317);
        dropout.mask(317, 0.3, { stream: 1, start: offset, out: bits });
        dropout.mask(317, 0.3, { stream: 1, start: 1, format: "bytes", out: bytes });
        const { y } = dropout.forward(x, 0.4, { stream: 2, start: 3, mask: bits });
        const { dx } = dropout.backward(x, { p: 0.4 }, { mask: bits });
        const { dx: ofBytes } = dropout.backward(x, { p: 0.3 }, { mask: bytes, format: "bytes" });
        return [y, dx, ofBytes, dropout.countKept(bits, 317), bits.slice(), bytes.slice()];
      });
      expect(own).toEqual(wasm);
    }
  });

  it("do not mix with wasm", async () => {
    const own = new Dropout(module, { seed: 42 });
    await expect(createShapes(own)).rejects.toThrow('"module" expected the kernels in JavaScript, as the instance has');
    const shapes = await loadShapes(false, false);
    await expect(createShapes(await createDropout(), { module: shapes })).rejects.toThrow(
      '"module" expected WebAssembly.Module, as the instance has',
    );
    const { y } = (await createShapes(own, { module: shapes })).dropPath(new Float32Array(8).fill(1), 0, { shape: [4, 2] });
    expect(y).toEqual(new Float32Array(8).fill(1));
  });
});

it("work in no memory of another program, by name", () => {
  const memory = new WebAssembly.Memory({ initial: 8 });
  const host = { memory, region: { start: 65_536, bytes: 262_144 } };
  expect(() => new Dropout(module, { host })).toThrow(/^"host" expected nothing: the kernels in JavaScript/);
});

it("is named where WebAssembly is missing", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  vi.resetModules();
  const fresh = await import("../../src/core/index.js");
  expect(fresh.simdSupported()).toBe(false);
  await expect(fresh.createDropout()).rejects.toThrow('"wasm-dropout/js"');
  await expect(fresh.createDropout({ bytes: new Uint8Array(8) })).rejects.toThrow('"wasm-dropout/js"');
});

it("draws a seed where there are no cryptographic random numbers", () => {
  vi.stubGlobal("crypto", undefined);
  const [a, b] = [new Dropout(module), new Dropout(module)];
  expect(a.seed).not.toBe(b.seed);
});

it("and all that they are used by call no method that Hermes lacks", () => {
  const folder = new URL("../../src/", import.meta.url);
  const calls = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/^(tfjs|onnx)|plain\.ts$/.test(path))
    .flatMap((path) => {
      const code = readFileSync(new URL(path, folder), "utf8").replaceAll(/^ *(\*|\/\/|\/\*).*/gm, "");
      return (code.match(/\.(at|replaceAll|to(Sorted|Reversed|Spliced)|findLast(Index)?|groupBy)\(|\bText(En|De)coder\b/g) ?? []).map(
        (call) => `${path}: ${call}`,
      );
    });
  expect(calls).toEqual([]);
});
