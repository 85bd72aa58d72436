// Instances over memory of another program: its data used in place, blocks of its malloc or a region, growth by either side, refusals that leave nothing behind.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { main as asc } from "assemblyscript/asc";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { BUILDS, MODULES } from "../../modules.mjs";
import { compileDropout, createDropout, Dropout, type StreamKind } from "../../src/core/index.js";
import { dropoutBytes } from "../../src/core/inline.js";
import { forSharedMemory } from "../../src/core/shared-module.js";
import { OWN_BYTES } from "../../src/engine/memory.js";
import { createFused } from "../../src/fused/index.js";
import { createHalf } from "../../src/half/index.js";
import { createLinear } from "../../src/linear/index.js";
import { createMonteCarlo } from "../../src/monte-carlo/index.js";
import { createNoise } from "../../src/noise/index.js";
import { createShapes } from "../../src/shapes/index.js";
import { HostProgram } from "../support/host.js";
import { expectBytes, expectSame, sample } from "../support/oracle.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";

interface Known {
  readonly stream_kind: StreamKind;
  readonly seed: string;
  readonly stream: string;
  readonly p: number;
  readonly start: number;
  readonly count: number;
  readonly bits: string;
}
const { cases } = JSON.parse(readFileSync(new URL("../vectors/keep-streams.json", import.meta.url), "utf8")) as { cases: Known[] };
const f32 = (n: number) => sample("f32", n) as Float32Array<ArrayBuffer>;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SEED = 42;
const REGION = 2 ** 20;

/** A program and an instance over its memory, by malloc or in a region of it. */
async function made(shared: boolean, kind: "malloc" | "region", options: { simd?: boolean } = {}) {
  const program = new HostProgram({ shared });
  const { memory } = program;
  const host = kind === "malloc" ? program.host : { memory, region: { start: program.malloc(REGION), bytes: REGION } };
  return { program, memory, dropout: await createDropout({ seed: SEED, host, ...options }) };
}

const VARIANTS = [false, true].flatMap((shared) => (["malloc", "region"] as const).map((kind) => ({ shared, kind })));

describe.each(VARIANTS)("shared: $shared, $kind", ({ shared, kind }) => {
  it.each([true, false])("gives the known answers in place (simd: %s), and writes nowhere else", async (simd) => {
    const { program, memory, dropout } = await made(shared, kind, { simd });
    const plain = await createDropout({ seed: SEED, simd });
    expect(dropout.memory).toBe(memory);
    for (const { stream_kind, seed, stream, p, start, count, bits } of cases) {
      const options = { kind: stream_kind, seed: BigInt(seed), stream: BigInt(stream), start };
      const x = f32(count);
      const mask = new Uint8Array(Math.ceil(count / 8)).fill(0xa5);
      const [from, to, at] = [program.place(x), program.place(new Float32Array(count)), program.place(mask)];
      const expected = plain.dropout(x, p, options);
      const y = dropout.view("f32", to, count);
      expect(dropout.dropout(dropout.view("f32", from, count), p, { ...options, out: y, mask: dropout.view("bits", at, count) })).toBe(y);
      expectSame(new Float32Array(memory.buffer, to, count) as Float32Array<ArrayBuffer>, expected, "view");
      expectBytes(program.bytes(at, mask.length).slice(), Uint8Array.from(Buffer.from(bits, "hex")), "mask");
      expectSame(new Float32Array(memory.buffer, from, count) as Float32Array<ArrayBuffer>, x, "x is as it was");
      // The same through typed arrays, in place, and from outside.
      const [input, output] = [from, to].map((pointer) => new Float32Array(memory.buffer, pointer, count)) as [Float32Array, Float32Array];
      output.fill(Number.NaN);
      dropout.dropout(input, p, { ...options, out: output });
      expectSame(output as Float32Array<ArrayBuffer>, expected, "typed arrays");
      expectSame(dropout.dropout(x, p, options), expected, "from outside");
      dropout.dropout(input, p, { ...options, out: input });
      expectSame(input as Float32Array<ArrayBuffer>, expected, "in place");
      program.check();
    }
    dropout.dispose();
    program.check();
  });

  it("works on when either side makes the memory grow", async () => {
    const { program, memory, dropout } = await made(shared, kind);
    const plain = await createDropout({ seed: SEED });
    const n = 5000;
    const x = dropout.view("f32", program.place(f32(n)), n);
    const y = dropout.view("f32", program.malloc(4 * n), n);
    const before = memory.buffer;
    const old = new Float32Array(before, x.pointer, n);
    const { byteLength } = before;
    const expected = plain.dropout(f32(n), 0.3, { stream: 1 });
    const grow = [() => memory.grow(3), () => program.malloc(2 ** 22), ...(kind === "malloc" ? [() => dropout.alloc("f32", 2 ** 21)] : [])];
    for (const step of grow) {
      step();
      y.array.fill(0);
      dropout.dropout(x, 0.3, { stream: 1, out: y });
      expectSame(y.array, expected, "after growth");
      const high = program.place(f32(n));
      dropout.dropout(dropout.view("f32", high, n), 0.3, { stream: 1, out: new Float32Array(memory.buffer, high, n) });
      expectSame(new Float32Array(memory.buffer, high, n) as Float32Array<ArrayBuffer>, expected, "above the old end");
    }
    if (shared) {
      // Views of the shared buffer as it was still show the memory.
      expect(before.byteLength).toBe(byteLength);
      dropout.dropout(old, 0.3, { stream: 1, out: y });
      expectSame(y.array, expected, "through an old view");
      expect(() => dropout.dropout(x, 0.3, { out: old.subarray(1) as Float32Array<ArrayBuffer>, mask: new Uint8Array(1) })).toThrow(
        RangeError,
      );
      expect(() => dropout.dropout(x.array.subarray(1), 0.3, { out: old.subarray(0, n - 1) })).toThrow(/"out" expected .* overlaps it/);
      dropout.dropout(x, 0.3, { stream: 1, out: old });
      expectSame(x.array, expected, "in place through an old view");
    } else expect(() => dropout.dropout(old, 0.3)).toThrow(/"x" expected attached array/);
    program.check();
  });

  it("extensions give the bits of an instance with a memory of its own", async () => {
    const { program, dropout } = await made(shared, kind);
    const plain = await createDropout({ seed: SEED });
    const results: unknown[][] = [];
    for (const instance of [dropout, plain]) {
      const half = await createHalf(instance);
      const [fused, linear, noise, shapes, monteCarlo] = await Promise.all([
        createFused(instance),
        createLinear(instance),
        createNoise(instance),
        createShapes(instance),
        createMonteCarlo(instance),
      ]);
      const n = 40 * 256;
      const made: unknown[] = [];
      const place = (length: number) => {
        if (instance === plain) return instance.from(f32(length));
        return instance.view("f32", program.place(f32(length)), length);
      };
      const [x, dy, bias] = [place(n), place(n), place(256)];
      const take = (result: object) => {
        for (const value of Object.values(result)) if (typeof value === "object" && "array" in value) made.push(value.array.slice());
        return result;
      };
      const softmax = fused.softmaxDropout(x, 0.3, { shape: [40, 256] });
      take(softmax);
      take(fused.backward(dy, softmax.ticket, { logits: x }));
      const gelu = fused.biasActivationDropout(x, 0.3, { bias, activation: "gelu" });
      take(gelu);
      take(fused.backward(dy, gelu.ticket, { x, bias }));
      const norm = fused.dropoutResidualLayerNorm(x, 0.3, { residual: dy, bias, gamma: bias, beta: bias });
      take(norm);
      take(fused.backward(dy, norm.ticket, { h: norm.h, mean: norm.mean, rstd: norm.rstd, gamma: bias }));
      take(noise.gaussianDropout(x, 0.3));
      take(noise.gaussianNoise(x, 0.3));
      take(shapes.dropPath(x, 0.3, { shape: [40, 256] }));
      take(shapes.dropBlock(x, 0.3, { shape: [1, 40, 256, 1], blockSize: 3 }));
      take(shapes.alphaDropout(x, 0.3));
      take(linear.dropConnect(x, 0.3, { w: place(16 * 256), shape: { in: 256 } }));
      made.push(half.dropout.dropout(new Uint16Array(1000).fill(0x3f80), 0.5, { dtype: "bf16" }).slice());
      const model = (v: Float32Array, { dropout: drop }: { dropout: (x: Float32Array, p: number) => Float32Array }) => drop(v, 0.5);
      const { mean, variance } = await monteCarlo.predict(model as never, f32(64) as never, { passes: 5, seed: 7 });
      made.push(mean, variance);
      results.push(made);
    }
    expect(results[0]?.length).toBeGreaterThan(15);
    expect(results[0]).toEqual(results[1]);
    program.check();
  });

  it("gives all back on dispose, and refuses calls from then on", async () => {
    const { program, dropout } = await made(shared, kind);
    const blocks = program.blocks.size;
    const shapes = await createShapes(dropout);
    const half = await createHalf(dropout);
    const buffer = dropout.alloc("f32", 100);
    const view = dropout.view("f32", program.place(f32(10)), 10);
    const y = dropout.dropout(buffer, 0.5);
    expect(String(dropout)).not.toBe("");
    const { state } = dropout;
    dropout.dispose();
    dropout.dispose();
    expect(dropout.state).toEqual(state);
    expect([buffer.freed, view.freed, y.freed]).toEqual([true, true, true]);
    buffer.free();
    const gone = '"dropout" expected live instance, got one after dispose()';
    expectRefusal(() => dropout.dropout(f32(4), 0.5), TypeError, gone);
    expectRefusal(() => dropout.alloc("f32", 4), TypeError, gone);
    expectRefusal(() => dropout.from(f32(4)), TypeError, gone);
    expectRefusal(() => dropout.view("f32", 4096, 4), TypeError, gone);
    expectRefusal(() => dropout.mask(4, 0.5), TypeError, gone);
    expectRefusal(() => dropout.countKept(new Uint8Array(1)), TypeError, gone);
    expectRefusal(() => shapes.alphaDropout(f32(4), 0.5), TypeError, gone);
    expectRefusal(() => half.dropout.dropout(f32(4), 0.5), TypeError, gone);
    await expect(createNoise(dropout)).rejects.toThrow(gone);
    // The rest is the program's: the tensor, and the region.
    expect(program.blocks.size).toBe(kind === "malloc" ? blocks : blocks + 1);
    program.check();
  });
});

describe("blocks of malloc", () => {
  it("are one for the instance, one for each buffer and for scratch, and go back with them", async () => {
    const program = new HostProgram();
    const dropout = await createDropout({ seed: SEED, host: program.host });
    expect(program.blocks.size).toBe(1);
    const x = dropout.alloc("f32", 1000);
    expect([x.pointer % 64, program.blocks.size]).toEqual([0, 2]);
    expect(x.array.every((value) => value === 0)).toBe(true);
    dropout.tidy(() => void dropout.dropout(x, 0.5));
    expect(program.blocks.size).toBe(2);
    for (let k = 0; k < 100; ++k) expect(() => dropout.dropout(x, 0.5, { mask: new Uint8Array(3) })).toThrow(RangeError);
    expect(program.blocks.size).toBe(2);
    dropout.view("f32", program.place(f32(5)), 5).free();
    x.free();
    expect(program.blocks.size).toBe(2);
    await createFused(dropout);
    expect(program.blocks.size).toBe(3);
    dropout.dispose();
    expect(program.blocks.size).toBe(1);
  });

  it("may lie above 2 GiB, where exports of wasm return negative numbers", async () => {
    const memory = new WebAssembly.Memory({ initial: 40_000 });
    let next = 2 ** 31;
    const freed: number[] = [];
    const malloc = (size: number) => {
      const at = next;
      next += Math.ceil(size / 8) * 8 + 8;
      return at | 0;
    };
    const dropout = await createDropout({ seed: SEED, host: { memory, malloc, free: (pointer) => freed.push(pointer) } });
    const pointer = malloc(400);
    expect(pointer).toBeLessThan(0);
    const x = dropout.view("f32", pointer, 100);
    x.array.set(f32(100));
    const y = dropout.dropout(x, 0.5, { stream: 1 });
    expect(y.pointer).toBeGreaterThan(2 ** 31);
    expectSame(y.array, (await createDropout({ seed: SEED })).dropout(f32(100), 0.5, { stream: 1 }), "above 2 GiB");
    y.free();
    dropout.dispose();
    expect(freed.length).toBe(2);
    expect(freed.every((address) => address < 0)).toBe(true);
  });

  it("that are refused are named, and leave nothing behind", async () => {
    const program = new HostProgram({ most: OWN_BYTES + 100_000 });
    const { memory, malloc, free } = program;
    const cause = new Error("out of memory");
    const create = (given: object) => createDropout({ seed: SEED, host: { memory, malloc, free, ...given } as never });
    const none = `"host" expected what the host's malloc has room for, got ${OWN_BYTES} bytes of the instance's own`;
    await expect(create({ malloc: () => 0 })).rejects.toThrow(expect.objectContaining({ name: "RangeError", message: none }));
    const throws = () => {
      throw cause;
    };
    await expect(create({ malloc: throws })).rejects.toThrow(expect.objectContaining({ name: "RangeError", message: none, cause }));
    const kind = '"host.malloc" expected function that returns an address, an integer below 2^32, got ';
    for (const [given, shown] of [
      [undefined, "undefined"],
      [8.5, "8.5"],
      [Number.NaN, "NaN"],
      [2 ** 32, "4294967296"],
      [64n, "64n"],
      ["64", 'string "64"'],
      [null, "null"],
    ]) {
      await expect(create({ malloc: () => given })).rejects.toThrow(
        expect.objectContaining({ name: "TypeError", message: `${kind}${shown}` }),
      );
    }
    const { byteLength } = memory.buffer;
    await expect(create({ malloc: () => byteLength - 64 })).rejects.toThrow(
      /^"host.malloc" expected block within the \d+ bytes of host.memory, got/,
    );
    const low: number[] = [];
    await expect(create({ malloc: () => 512, free: (pointer: number) => low.push(pointer) })).rejects.toThrow(
      '"host.malloc" expected address of at least 1024, got 512',
    );
    expect(low).toEqual([512]);
    expect(program.blocks.size).toBe(0);
    const dropout = await create({});
    const { state } = dropout;
    const x = dropout.alloc("f32", 1000);
    const size = program.blocks.size;
    expectRefusal(
      () => dropout.alloc("f32", 100_000),
      RangeError,
      `"length" expected what the host's malloc has room for (1 live buffer holds 4000 bytes: free() or tidy() releases them), got 100000 elements of f32, 400000 bytes`,
    );
    expect(() => dropout.alloc("bytes", 2 ** 32 - 10)).toThrow(RangeError);
    program.most = 0;
    expect(() => dropout.dropout(x, 0.5)).toThrow(/^"out" expected/);
    expect(() => dropout.from(f32(10))).toThrow(/^"array" expected/);
    expect([program.blocks.size, dropout.state]).toEqual([size, state]);
    program.check();
  });

  it("are asked for by foreign code, which may call the instance, but not dispose of it within a call", async () => {
    const program = new HostProgram();
    const during: unknown[] = [];
    let act = () => {};
    const malloc = (size: number) => {
      const run = act;
      act = () => {};
      run();
      return program.malloc(size);
    };
    const dropout = await createDropout({ seed: SEED, host: { ...program.host, malloc } });
    const plain = await createDropout({ seed: SEED });
    const x = dropout.from(f32(100));
    act = () =>
      during.push(
        dropout.dropout(f32(50), 0.5, { stream: 2 }),
        thrownBy(() => dropout.dispose()),
      );
    const y = dropout.dropout(x, 0.5, { stream: 1 });
    expectSame(y.array, plain.dropout(f32(100), 0.5, { stream: 1 }), "outer");
    expectSame(during[0] as Float32Array<ArrayBuffer>, plain.dropout(f32(50), 0.5, { stream: 2 }), "inner");
    expect((during[1] as Error).message).toBe('"dropout" expected instance that no call or prediction uses, got dispose() within one');
    // Outside of calls it may, and the block that it was about to return goes back.
    act = () => dropout.dispose();
    expect(() => dropout.alloc("f32", 10)).toThrow("after dispose()");
    expect(program.blocks.size).toBe(0);
  });

  it("that free throws for are the host's fault, and all others still go back", async () => {
    const program = new HostProgram();
    let broken = false;
    const free = (pointer: number) => {
      program.free(pointer);
      if (broken) throw new Error("aborted");
    };
    const dropout = await createDropout({ seed: SEED, host: { ...program.host, free } });
    const x = dropout.alloc("f32", 10);
    dropout.alloc("f32", 10);
    broken = true;
    expect(() => x.free()).toThrow("aborted");
    expect(x.freed).toBe(true);
    expect(() => dropout.dispose()).toThrow("aborted");
    expect(program.blocks.size).toBe(0);
  });

  it("stay while a prediction runs", async () => {
    const program = new HostProgram();
    const dropout = await createDropout({ seed: SEED, host: program.host });
    const monteCarlo = await createMonteCarlo(dropout);
    const refused: unknown[] = [];
    const model = async () => {
      refused.push(thrownBy(() => dropout.dispose()));
      return f32(8);
    };
    await monteCarlo.predict(model as never, undefined as never, { passes: 2, seed: 1 });
    expect(refused.map((error) => (error as Error)?.name)).toEqual(["TypeError", "TypeError"]);
    dropout.dispose();
    expect(program.blocks.size).toBe(0);
  });
});

describe("option host", () => {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const [malloc, free] = [() => 0, () => {}];
  const region = { start: 4096, bytes: 2 ** 19 };
  it.each<[unknown, string]>([
    [7, '"host" expected object, got 7'],
    [null, '"host" expected object, got null'],
    [{}, '"host.memory" expected WebAssembly.Memory, got undefined'],
    [{ memory: { buffer: new ArrayBuffer(8) }, malloc, free }, '"host.memory" expected WebAssembly.Memory, got Object'],
    [{ memory }, '"host.malloc" expected function, got undefined'],
    [{ memory, malloc }, '"host.free" expected function, got undefined'],
    [{ memory, malloc: 8, free }, '"host.malloc" expected function, got 8'],
    [{ memory, malloc, region }, '"host.malloc" expected nothing beside region, got function'],
    [{ memory, free, region }, '"host.free" expected nothing beside region, got function'],
    [{ memory, allocate: malloc }, '"host.allocate" is no option; the options are "memory", "malloc", "free", "region"'],
    [{ memory, region: 8 }, '"host.region" expected object with start and bytes, got 8'],
    [{ memory, region: { start: 0, bytes: 2 ** 19 } }, '"host.region.start" expected integer in [1024, 4294967295], got 0'],
    [{ memory, region: { start: 4096 } }, '"host.region.bytes" expected integer in [0, 4294967296], got undefined'],
    [{ memory, region: { start: 4096, length: 5 } }, '"host.region.length" is no option; the options are "start", "bytes"'],
    [
      { memory, region: { start: 4096, bytes: 2 ** 20 } },
      '"host.region" expected part of the 1048576 bytes of the memory, got bytes 4096 to 1052672',
    ],
    [
      { memory, region: { start: 4096, bytes: OWN_BYTES - 1 } },
      `"host" expected what fits in host.region of ${OWN_BYTES - 1} bytes, got ${OWN_BYTES} bytes of the instance's own`,
    ],
  ])("%o is refused by name", async (host, message) => {
    await expect(createDropout({ host } as never)).rejects.toThrow(message);
    const module = await compileDropout();
    expect(() => new Dropout(module, { host } as never)).toThrow(message);
  });

  it("is read once, and copied before anything is waited for", async () => {
    const program = new HostProgram();
    const reads: string[] = [];
    const host = new Proxy(program.host, {
      get(target, key: keyof typeof program.host) {
        reads.push(key);
        return target[key];
      },
    });
    const given: { host: unknown } = { host };
    const making = createDropout({ seed: 1, ...(given as object) });
    expect(reads.sort()).toEqual(["free", "malloc", "memory", "region"]);
    (await making).dispose();
    expect(reads.length).toBe(4);
  });

  it("goes without maxBytes", async () => {
    await expect(createDropout({ host: new HostProgram().host, maxBytes: 2 ** 20 })).rejects.toThrow(
      '"maxBytes" expected nothing beside host, got 1048576',
    );
  });

  it("needs the form of the module that fits", async () => {
    const [own, shared] = [new HostProgram(), new HostProgram({ shared: true })];
    const [plain, forShared] = [await compileDropout(), await compileDropout({ shared: true })];
    expect(await compileDropout({ shared: true })).toBe(forShared);
    expect(() => new Dropout(plain, { host: shared.host })).toThrow(
      '"module" expected a wasm-dropout module for shared memory, as of compileDropout({ shared: true }), got WebAssembly.Module',
    );
    expect(() => new Dropout(forShared, { host: own.host })).toThrow('"module" expected a wasm-dropout module, got WebAssembly.Module');
    expect(() => new Dropout(forShared)).toThrow('"module" expected a wasm-dropout module, got WebAssembly.Module');
    expect([own.blocks.size, shared.blocks.size]).toEqual([0, 0]);
    expect(new Dropout(forShared, { seed: 1, host: shared.host }).mask(8, 0.5)).toEqual(new Dropout(plain, { seed: 1 }).mask(8, 0.5));
    const bytes = dropoutBytes({ simd: false });
    for (const given of [bytes, bytes.buffer, dropoutBytes({ simd: false, shared: true })]) {
      const dropout = await createDropout({ seed: 1, bytes: given, host: shared.host });
      expect(dropout.mask(8, 0.5)).toEqual(new Dropout(plain, { seed: 1 }).mask(8, 0.5));
    }
  });
});

describe("view", () => {
  it("refuses what is not there", async () => {
    const program = new HostProgram();
    const dropout = await createDropout({ seed: SEED, host: program.host });
    const { byteLength } = program.memory.buffer;
    const [own] = [...program.blocks.keys()] as [number];
    expectRefusal(
      () => dropout.view("i8" as never, 2048, 1),
      RangeError,
      '"dtype" expected "f32" or "f64" or "f16" or "bf16" or "bits" or "bytes", got string "i8"',
    );
    expectRefusal(
      () => dropout.view("f32", "8" as never, 1),
      TypeError,
      '"pointer" expected integer in [-2147483648, 4294967295], got string "8"',
    );
    expectRefusal(() => dropout.view("f32", 2050, 1), RangeError, '"pointer" expected multiple of 4, got 2050');
    expectRefusal(() => dropout.view("f64", 2052, 1), RangeError, '"pointer" expected multiple of 8, got 2052');
    expectRefusal(() => dropout.view("f32", 2048, -1), RangeError, '"length" expected integer in [0, 9007199254740992], got -1');
    expectRefusal(() => dropout.view("f32", 512, 4), RangeError, '"pointer" expected memory from address 1024 on, got address 512');
    expectRefusal(
      () => dropout.view("bytes", byteLength - 8, 9),
      RangeError,
      `"length" expected elements within the ${byteLength} bytes of the memory, got 9 bytes from ${byteLength - 8} on`,
    );
    const inside = own + 64;
    expect(() => dropout.view("bytes", inside, 8)).toThrow(
      /"pointer" expected memory of a buffer, got address \d+, which is the instance's own/,
    );
    const low = dropout.view("bytes", 2048, own - 2048);
    expect(() => dropout.view("bytes", 2048, inside + 64 - 2048)).toThrow(/instance's own/);
    expect(() => dropout.countKept(new Uint8Array(program.memory.buffer, inside, 8))).toThrow(/instance's own/);
    expect(() => dropout.countKept(new Uint8Array(program.memory.buffer, 0, 8))).toThrow(
      /"mask" expected memory from address 1024 on, got address 0/,
    );
    expect(dropout.view("f32", 0, 0).length).toBe(0);
    expect(low.length).toBe(own - 2048);
  });

  it("also shows parts of buffers of an ordinary instance", async () => {
    const dropout = await createDropout({ seed: SEED });
    const x = dropout.from(f32(100));
    const half = dropout.view("f32", x.pointer + 200, 50);
    expectSame(half.array, f32(100).slice(50), "half");
    expect(() => dropout.dropout(x, 0.5, { out: dropout.view("f32", x.pointer + 4, 99) })).toThrow(RangeError);
    expect(() => dropout.view("f32", 1024, 4)).toThrow(/instance's own/);
    half.free();
    expect(half.freed).toBe(true);
    expect(x.freed).toBe(false);
    dropout.dispose();
    expect(x.freed).toBe(true);
    expect(() => dropout.dropout(f32(3), 0.5)).toThrow("after dispose()");
  });
});

describe("several instances in one memory", () => {
  it("of one thread take each other's buffers where they lie, and see overlap", async () => {
    const program = new HostProgram();
    const [a, b] = [await createDropout({ seed: 1, host: program.host }), await createDropout({ seed: 2, host: program.host })];
    const x = a.from(f32(100));
    const y = b.alloc("f32", 100);
    const plain = await createDropout({ seed: 2 });
    b.dropout(x, 0.5, { stream: 1, out: y });
    expectSame(y.array, plain.dropout(f32(100), 0.5, { stream: 1 }), "of the other");
    expect(() => b.dropout(x, 0.5, { out: b.view("f32", x.pointer + 4, 99) })).toThrow(RangeError);
    expect(() => b.dropout(b.view("f32", x.pointer + 4, 96), 0.5, { out: a.view("f32", x.pointer, 96) })).toThrow(/overlaps it/);
    b.dropout(x, 0.5, { stream: 1, out: x });
    expectSame(x.array, y.array, "in place");
    a.dispose();
    expectSame(b.dropout(y, 0, { stream: 1 }).array, y.array, "after the other is gone");
    b.dispose();
    expect(program.blocks.size).toBe(0);
  });

  it("of several threads each work on a part of one tensor", async () => {
    const [n, workers] = [100_000, 3];
    const program = new HostProgram({ shared: true, pages: 64 });
    const module = await compileDropout({ shared: true });
    const x = program.place(f32(n * workers));
    const contents = `
      import { parentPort, workerData } from "node:worker_threads";
      import { Dropout } from "./src/core/index.ts";
      const { memory, module, start, x, n, rank } = workerData;
      const dropout = new Dropout(module, { seed: 9, rank, host: { memory, region: { start, bytes: 2 ** 19 } } });
      const part = dropout.view("f32", x + 4 * n * rank, n);
      for (let k = 0; k < 20; ++k) dropout.mask(4096, 0.5);
      dropout.dropout(part, 0.5, { stream: 3, out: part });
      parentPort.postMessage("done");`;
    const { outputFiles } = await build({ stdin: { contents, resolveDir: ROOT }, bundle: true, platform: "node", write: false });
    const code = (outputFiles[0] as { text: string }).text;
    await Promise.all(
      Array.from({ length: workers }, (_, rank) => {
        const start = program.malloc(2 ** 19);
        const workerData = { memory: program.memory, module, start, x, n, rank };
        const worker = new Worker(code, { eval: true, workerData });
        return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject)).finally(() => worker.terminate());
      }),
    );
    const whole = (await createDropout({ seed: 9 })).dropout(f32(n * workers), 0.5, { stream: 3 });
    expectSame(new Float32Array(program.memory.buffer, x, n * workers) as unknown as Float32Array<ArrayBuffer>, whole, "joined");
    program.check();
  });
});

describe("modules for shared memory", () => {
  const read = (path: string) => readFileSync(new URL(`../../build/${path}.wasm`, import.meta.url));

  it.each(MODULES.flatMap(({ name }) => BUILDS.map((build) => `${name}/${build}`)))(
    "%s: three bytes more, and no data of its own",
    (path) => {
      const bytes = read(path);
      const shared = forSharedMemory(bytes);
      expect(shared.length).toBe(bytes.length + 3);
      const module = new WebAssembly.Module(shared);
      const { memory } = new HostProgram({ shared: true });
      const before = new Uint8Array(memory.buffer).slice();
      new WebAssembly.Instance(module, { env: { memory } });
      expect(new Uint8Array(memory.buffer).every((byte, i) => byte === before[i])).toBe(true);
      expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
      expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === "function")).toBe(true);
      expect(forSharedMemory(shared)).toEqual(shared);
    },
  );

  it.each(["noise/simd", "noise/scalar"])("%s: the very bytes that asc makes", async (path) => {
    const [name, target] = path.split("/") as [string, string];
    const threads = ["--enable", target === "simd" ? "simd,threads" : "threads", "--sharedMemory", "--maximumMemory", "65536"];
    let made: unknown;
    const { error, stderr } = await asc(
      [
        `assembly/${name}/index.ts`,
        "--config",
        "asconfig.json",
        "--target",
        target,
        ...threads,
        "--outFile",
        "shared.wasm",
        "--baseDir",
        ROOT,
      ],
      {
        writeFile(_, contents) {
          made = contents;
        },
      },
    );
    expect(error, stderr.toString()).toBeNull();
    expect(forSharedMemory(read(path))).toEqual(made);
  });

  it("with other imports stay as they are", () => {
    const header = [0, 97, 115, 109, 1, 0, 0, 0];
    const name = [3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121];
    const types = [1, 4, 1, 96, 0, 0];
    for (const rest of [
      [],
      types,
      [1, 255],
      [2, 255],
      [...types, 2, 16, 1, ...name, 2, 1, 1, 9],
      [...types, 2, 14, 1, ...name, 0, 0],
      [...types, 2, 14, 1, 3, 101, 110, 118, 5, 109, 101, 109, 111, 114, 2, 0, 1],
    ]) {
      const bytes = Uint8Array.from([...header, ...rest]);
      expect(forSharedMemory(bytes)).toEqual(bytes);
    }
    const bytes = Uint8Array.from([...header, ...types, 2, 16, 1, ...name, 2, 0, 0x80, 0x01]);
    expect([...forSharedMemory(bytes)]).toEqual([...header, ...types, 2, 19, 1, ...name, 2, 3, 0x80, 0x01, 0x80, 0x80, 0x04]);
    expect(WebAssembly.validate(forSharedMemory(bytes))).toBe(true);
  });
});
