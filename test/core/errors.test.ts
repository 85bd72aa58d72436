// Bad input: which error, with which message, and that nothing has happened: no byte written, no stream number used, the instance usable.

import { runInNewContext } from "node:vm";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { compileDropout, createDropout, Dropout, keepProbability, simdSupported, type Ticket } from "../../src/core/index.js";
import { dropoutBytes } from "../../src/core/inline.js";
import { BUFFER_DTYPES } from "../../src/ground/dtypes.js";
import { choices, KIND } from "../support/messages.js";
import { expectSame, sample } from "../support/oracle.js";
import { expectRefusal } from "../support/refusals.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

let dropout: Dropout;
let ticket: Ticket;
const x = sample("f32", 100) as Float32Array<ArrayBuffer>;
const out = new Float32Array(100).fill(7);
const mask = new Uint8Array(13).fill(7);

beforeAll(async () => {
  dropout = await createDropout({ seed: 42, maxBytes: 2 ** 22 });
  ({ ticket } = dropout.forward(x, 0.5));
});

const freed = () => {
  const buffer = dropout.alloc("f32", 100);
  buffer.free();
  return buffer;
};
const detached = () => {
  const array = new Float32Array(100);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
const half = (array: Float32Array, from: number) => array.subarray(from, from + 60);
const shared = new Float32Array(200);

/** Each: what to do, the class of the error, its message. */
const refusals: [name: string, act: () => unknown, type: typeof TypeError | typeof RangeError, message: string][] = [
  ["p not a number", () => dropout.dropout(x, "0.5" as Anything, { out }), TypeError, '"p" expected number in [0, 1], got string "0.5"'],
  ["p missing", () => dropout.dropout(x, undefined as Anything, { out }), TypeError, '"p" expected number in [0, 1], got undefined'],
  ["p NaN", () => dropout.dropout(x, Number.NaN, { out }), RangeError, '"p" expected number in [0, 1], got NaN'],
  ["p above 1", () => dropout.dropout(x, 1.5, { out }), RangeError, '"p" expected number in [0, 1], got 1.5'],
  ["p below 0", () => dropout.forward(x, -0.1, { out }), RangeError, '"p" expected number in [0, 1], got -0.1'],
  ["p of a mask", () => dropout.mask(100, 2, { out: mask }), RangeError, '"p" expected number in [0, 1], got 2'],
  [
    "p of a stored mask",
    () => dropout.backward(x, { p: 7 }, { mask }, { dx: out }).dx,
    RangeError,
    '"ticket.p" expected number in [0, 1], got 7',
  ],
  [
    "x a plain array",
    () => dropout.dropout([1, 2] as Anything, 0.5),
    TypeError,
    '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Array(2)',
  ],
  [
    "x of bytes",
    () => dropout.dropout(mask as Anything, 0.5),
    TypeError,
    '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Uint8Array(13)',
  ],
  [
    "x a mask buffer",
    () => dropout.dropout(dropout.alloc("bits", 8) as Anything, 0.5),
    TypeError,
    '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got bits buffer(8)',
  ],
  [
    "x null",
    () => dropout.dropout(null as Anything, 0.5),
    TypeError,
    '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got null',
  ],
  ["x freed", () => dropout.dropout(freed(), 0.5, { out }), TypeError, '"x" expected live buffer, got freed f32 buffer(100)'],
  [
    "x detached",
    () => dropout.dropout(detached(), 0.5),
    TypeError,
    '"x" expected attached array (growth of wasm memory detaches views of it: take buffer.array anew), got Float32Array(0)',
  ],
  ["out freed", () => dropout.dropout(x, 0.5, { out: freed() }), TypeError, '"out" expected live buffer, got freed f32 buffer(100)'],
  [
    "out of another dtype",
    () => dropout.dropout(x, 0.5, { out: new Float64Array(100) as Anything }),
    TypeError,
    '"out" expected Float32Array or f32 buffer, got Float64Array(100)',
  ],
  ["out too short", () => dropout.dropout(x, 0.5, { out: out.subarray(1) }), RangeError, '"out" expected length 100, got 99'],
  ["out too long", () => dropout.dropout(x, 0.5, { out: dropout.alloc("f32", 101) }), RangeError, '"out" expected length 100, got 101'],
  ["out null", () => dropout.dropout(x, 0.5, { out: null as Anything }), TypeError, '"out" expected Float32Array or f32 buffer, got null'],
  ["mask too short", () => dropout.dropout(x, 0.5, { out, mask: mask.subarray(1) }), RangeError, '"mask" expected length 13, got 12'],
  [
    "mask buffer of another length",
    () => dropout.dropout(x, 0.5, { out, mask: dropout.alloc("bits", 99) }),
    RangeError,
    '"mask" expected length 100, got 99',
  ],
  [
    "mask of bytes",
    () => dropout.dropout(x, 0.5, { out, mask: dropout.alloc("bytes", 100) as Anything }),
    TypeError,
    '"mask" expected Uint8Array, Uint32Array or bits buffer, got bytes buffer(100)',
  ],
  ["options no object", () => dropout.dropout(x, 0.5, 3 as Anything), TypeError, '"options" expected object, got 3'],
  [
    "options a buffer",
    () => dropout.dropout(x, 0.5, dropout.alloc("f32", 100) as Anything),
    TypeError,
    '"options" expected object, got f32 buffer(100)',
  ],
  ["options a list", () => dropout.mask(5, 0.5, [] as Anything), TypeError, '"options" expected object, got Array(0)'],
  [
    "mask null",
    () => dropout.backward(x, { p: 0.5 }, { mask: null as Anything }).dx,
    TypeError,
    '"saved.mask" expected Uint8Array, Uint32Array or bits buffer, got null',
  ],
  [
    "count of a null length",
    () => dropout.countKept(mask, null as Anything),
    TypeError,
    '"length" expected integer in [0, 9007199254740992], got null',
  ],
  [
    "count of an object",
    () => dropout.countKept({ length: "a" } as Anything),
    TypeError,
    '"mask" expected Uint8Array, Uint32Array or bits buffer, got Object',
  ],
  ["options an array", () => dropout.dropout(x, 0.5, out as Anything), TypeError, '"options" expected object, got Float32Array(100)'],
  ["training no boolean", () => dropout.dropout(x, 0.5, { out, training: 1 as Anything }), TypeError, '"training" expected boolean, got 1'],
  [
    "kind unknown",
    () => dropout.dropout(x, 0.5, { out, kind: "pcg" as Anything }),
    RangeError,
    `"kind" expected ${KIND}, got string "pcg"`,
  ],
  ["kind no string", () => dropout.mask(5, 0.5, { kind: 1 as Anything }), TypeError, `"kind" expected ${KIND}, got 1`],
  [
    "seed negative",
    () => dropout.dropout(x, 0.5, { out, seed: -1 }),
    RangeError,
    '"seed" expected safe integer or bigint in [0, 2^64) (for a negative one, take BigInt.asUintN(64, BigInt(value))), got -1',
  ],
  [
    "seed fractional",
    () => dropout.dropout(x, 0.5, { out, seed: 1.5 }),
    RangeError,
    '"seed" expected safe integer or bigint in [0, 2^64), got 1.5',
  ],
  [
    "seed unsafe",
    () => dropout.dropout(x, 0.5, { out, seed: 2 ** 53 }),
    RangeError,
    '"seed" expected safe integer or bigint in [0, 2^64), got 9007199254740992',
  ],
  [
    "stream too large",
    () => dropout.dropout(x, 0.5, { out, stream: 2n ** 64n }),
    RangeError,
    '"stream" expected safe integer or bigint in [0, 2^64), got 18446744073709551616n',
  ],
  [
    "stream a string",
    () => dropout.dropout(x, 0.5, { out, stream: "1" as Anything }),
    TypeError,
    '"stream" expected safe integer or bigint in [0, 2^64), got string "1"',
  ],
  [
    "start past the stream's end",
    () => dropout.dropout(x, 0.5, { out, start: 2 ** 53 - 99 }),
    RangeError,
    '"start" expected integer in [0, 9007199254740892], got 9007199254740893',
  ],
  [
    "start no number",
    () => dropout.mask(1, 0.5, { start: 1n as Anything }),
    TypeError,
    '"start" expected integer in [0, 9007199254740991], got 1n',
  ],
  [
    "x in memory that is not of a buffer",
    () => dropout.dropout(new Float32Array(dropout.memory.buffer, 1024, 8), 0.5),
    RangeError,
    '"x" expected memory of a buffer, got address 1024, which is the instance\'s own',
  ],
  [
    "out overlaps x",
    () => dropout.dropout(half(shared, 0), 0.5, { out: half(shared, 1) }),
    RangeError,
    '"out" expected "x" itself or memory apart from it, got memory that overlaps it',
  ],
  [
    "mask overlaps x",
    () => dropout.dropout(half(shared, 0), 0.5, { mask: new Uint8Array(shared.buffer, 0, 8) }),
    RangeError,
    '"mask" expected memory apart from "x", got memory that overlaps it',
  ],
  [
    "mask overlaps out",
    () => dropout.dropout(x, 0.5, { out: shared.subarray(0, 100), mask: new Uint8Array(shared.buffer, 399, 13) }),
    RangeError,
    '"out" expected memory apart from "mask", got memory that overlaps it',
  ],
  [
    "out overlaps a stored mask",
    () => dropout.backward(x, { p: 0.5 }, { mask: new Uint8Array(shared.buffer, 0, 13) }, { dx: shared.subarray(0, 100) }).dx,
    RangeError,
    '"dx" expected memory apart from "saved.mask", got memory that overlaps it',
  ],
  [
    "dy shorter than the ticket says",
    () => dropout.backward(x.subarray(1), ticket).dx,
    RangeError,
    '"dy" expected length 100, the ticket\'s, got 99',
  ],
  ["no ticket", () => dropout.backward(x, undefined as Anything).dx, TypeError, '"ticket" expected ticket, got undefined'],
  [
    "empty ticket",
    () => dropout.backward(x, {} as Anything).dx,
    TypeError,
    '"ticket.version" expected 1, the only version of the specification so far, got undefined',
  ],
  [
    "later version",
    () => dropout.replay({ ...ticket, version: 2 }),
    RangeError,
    '"ticket.version" expected 1, the only version of the specification so far, got 2',
  ],
  [
    "ticket of unknown kind",
    () => dropout.replay({ ...ticket, kind: "x" as Anything }),
    RangeError,
    `"ticket.kind" expected ${KIND}, got string "x"`,
  ],
  [
    "ticket with a number as seed",
    () => dropout.replay({ ...ticket, seed: 42 as Anything }),
    TypeError,
    '"ticket.seed" expected string of decimal digits below 2^64, got 42',
  ],
  ...["", "-1", "1e3", "0x10", " 1", "18446744073709551616", "99999999999999999999999999", "१"].map((text): (typeof refusals)[number] => [
    `ticket stream ${JSON.stringify(text)}`,
    () => dropout.replay({ ...ticket, stream: text }),
    RangeError,
    `"ticket.stream" expected string of decimal digits below 2^64, got string ${JSON.stringify(text)}`,
  ]),
  [
    "ticket with a very long seed",
    () => dropout.replay({ ...ticket, seed: "9".repeat(1000) }),
    RangeError,
    `"ticket.seed" expected string of decimal digits below 2^64, got string "${"9".repeat(40)}…"`,
  ],
  [
    "kind of a stored mask",
    () => dropout.backward(x, { p: 0.5, kind: "x" as Anything }, { mask }).dx,
    RangeError,
    `"kind" expected ${KIND}, got string "x"`,
  ],
  [
    "rescale unknown",
    () => dropout.dropout(x, 0.5, { out, rescale: "later" as Anything }),
    RangeError,
    '"rescale" expected "train" or "test" or "none", got string "later"',
  ],
  [
    "rescale of a stored mask",
    () => dropout.backward(x, { p: 0.5, rescale: 1 as Anything }, { mask }).dx,
    TypeError,
    '"ticket.rescale" expected "train" or "test" or "none", got 1',
  ],
  [
    "rescale of a ticket",
    () => dropout.replay({ ...ticket, rescale: null as Anything }),
    TypeError,
    '"ticket.rescale" expected "train" or "test" or "none", got null',
  ],
  ["ticket with p 2", () => dropout.replay({ ...ticket, p: 2 }), RangeError, '"ticket.p" expected number in [0, 1], got 2'],
  [
    "ticket of negative length",
    () => dropout.replay({ ...ticket, length: -1 }),
    RangeError,
    '"ticket.length" expected integer in [0, 9007199254740992], got -1',
  ],
  [
    "format unknown",
    () => dropout.mask(8, 0.5, { format: "u4" as Anything }),
    RangeError,
    '"format" expected "bits" or "bytes" or "f32", got string "u4"',
  ],
  [
    "format that is not stored",
    () => dropout.backward(x, { p: 0.5 }, { mask, format: "f32" as Anything }).dx,
    RangeError,
    '"saved.format" expected "bits" or "bytes", got string "f32"',
  ],
  ["length negative", () => dropout.mask(-1, 0.5), RangeError, '"length" expected integer in [0, 9007199254740992], got -1'],
  ["length fractional", () => dropout.mask(1.5, 0.5), RangeError, '"length" expected integer in [0, 9007199254740992], got 1.5'],
  [
    "length that no array has",
    () => dropout.mask(2 ** 52, 0.5),
    RangeError,
    '"length" expected an array that the engine can make, got 4503599627370496 elements of bits',
  ],
  [
    "out of another format",
    () => dropout.mask(8, 0.5, { format: "bytes", out: dropout.alloc("bits", 8) as Anything }),
    TypeError,
    '"out" expected Uint8Array or bytes buffer, got bits buffer(8)',
  ],
  ["dtype unknown", () => dropout.alloc("i8" as Anything, 1), RangeError, `"dtype" expected ${choices(BUFFER_DTYPES)}, got string "i8"`],
  [
    "alloc of a string",
    () => dropout.alloc("f32", "1" as Anything),
    TypeError,
    '"length" expected integer in [0, 9007199254740992], got string "1"',
  ],
  [
    "from a plain array",
    () => dropout.from([1] as Anything),
    TypeError,
    '"array" expected Float32Array, Float64Array, Float16Array, Uint8Array, or Uint16Array with a dtype, got Array(1)',
  ],
  [
    "from a detached array",
    () => dropout.from(detached()),
    TypeError,
    '"array" expected attached array (growth of wasm memory detaches views of it: take buffer.array anew), got Float32Array(0)',
  ],
  [
    "count of nothing",
    () => dropout.countKept(undefined as Anything),
    TypeError,
    '"mask" expected Uint8Array, Uint32Array or bits buffer, got undefined',
  ],
  ["count of a wrong length", () => dropout.countKept(mask, 105), RangeError, '"mask" expected length 14, got 13'],
  [
    "state of another kind",
    () => dropout.restore({ ...dropout.state, kind: "philox" }),
    RangeError,
    '"state.kind" expected "tile", got string "philox"',
  ],
  [
    "state without seed",
    () => dropout.restore({ ...dropout.state, seed: undefined as Anything }),
    TypeError,
    '"state.seed" expected string of decimal digits below 2^64, got undefined',
  ],
  [
    "state of another version",
    () => dropout.restore({ ...dropout.state, version: 0 }),
    RangeError,
    '"state.version" expected 1, the only version of the specification so far, got 0',
  ],
  [
    "state with a wrong stream",
    () => dropout.restore({ ...dropout.state, seed: "7", nextStream: "x" }),
    RangeError,
    '"state.nextStream" expected string of decimal digits below 2^64, got string "x"',
  ],
  ["no state", () => dropout.restore(null as Anything), TypeError, '"state" expected saved state, got null'],
];

describe("refused without effect", () => {
  beforeEach(() => {
    out.fill(7);
    mask.fill(7);
    shared.fill(7);
  });

  it.each(refusals)("%s", (_name, act, type, message) => {
    const { state } = dropout;
    expectRefusal(act, type, message);
    expect(dropout.state).toEqual(state);
    expect([...out, ...mask, ...shared].every((v) => v === 7)).toBe(true);
    const again = dropout.forward(x, 0.5, { stream: 1 });
    expectSame(dropout.backward(x, again.ticket).dx, again.y, "the instance after the refusal");
  });

  it("reading both operands from overlapping memory is no conflict", () => {
    const dy = new Float32Array(shared.buffer, 0, 100);
    expect(dropout.backward(dy, { p: 0.5 }, { mask: new Uint8Array(shared.buffer, 0, 13) }).dx.length).toBe(100);
  });

  it("each option is read once", () => {
    const before = dropout.state.nextStream;
    let reads = 0;
    const names = ["out", "mask", "training", "kind", "seed", "stream", "start"];
    const options = Object.defineProperties({}, Object.fromEntries(names.map((name) => [name, { get: () => void ++reads }])));
    dropout.forward(x, 0.5, options);
    expect(reads).toBe(names.length);
    expect(BigInt(dropout.state.nextStream) - BigInt(before)).toBe(1n);
    const read: string[] = [];
    dropout.backward(
      x,
      new Proxy(ticket, {
        get: (target, key) => {
          read.push(String(key));
          return Reflect.get(target, key);
        },
      }),
    );
    expect(read.filter((key) => key in ticket).sort()).toEqual(Object.keys(ticket).sort());
  });

  it("a getter that uses the instance does not disturb the call", () => {
    const expected = dropout.dropout(x, 0.5, { stream: 9 });
    const getters = Object.fromEntries(
      ["mask", "training", "kind", "seed", "start"].map((name) => [
        name,
        { get: () => void dropout.dropout(new Float64Array(5), 0.1, { stream: 1 }), enumerable: true },
      ]),
    );
    const options = Object.defineProperties({ stream: 9, out }, getters);
    expectSame(dropout.dropout(x, 0.5, options), expected, "in options");
    const { y, ticket: one } = dropout.forward(x, 0.5, { stream: 9 });
    const { length } = one;
    const get = () => {
      dropout.alloc("f32", 1 << 14);
      dropout.dropout(new Float64Array(5), 0.1, { stream: 1 });
      return length;
    };
    expectSame(dropout.backward(x, Object.defineProperty({ ...one }, "length", { get })).dx, y, "in a ticket");
  });

  it("no elements overlap nothing", () => {
    const inside = shared.subarray(50, 50);
    expect(dropout.dropout(shared.subarray(0, 0), 0.5, { out: inside }).length).toBe(0);
    expect(dropout.dropout(inside, 0.5, { out: shared.subarray(49, 49), mask: new Uint8Array(shared.buffer, 200, 0) }).length).toBe(0);
  });

  it("neighbours are not overlap", () => {
    expect(dropout.dropout(shared.subarray(0, 100), 0.5, { out: shared.subarray(100, 200) }).length).toBe(100);
  });
});

describe("making an instance", () => {
  it.each([
    ["options", 1, TypeError, '"options" expected object, got 1'],
    ["seed", { seed: "x" }, TypeError, '"seed" expected safe integer or bigint in [0, 2^64), got string "x"'],
    ["kind", { kind: "x" }, RangeError, `"kind" expected ${KIND}, got string "x"`],
    ["maxBytes", { maxBytes: 1 }, RangeError, '"maxBytes" expected integer in [262144, 4294967296], got 1'],
    ["maxBytes above 4 GiB", { maxBytes: 2 ** 33 }, RangeError, '"maxBytes" expected integer in [262144, 4294967296], got 8589934592'],
    ["simd", { simd: "yes" }, TypeError, '"simd" expected boolean, got string "yes"'],
    ["module", { module: {} }, TypeError, '"module" expected WebAssembly.Module, got Object'],
    [
      "state and seed",
      { seed: 1, state: { version: 1, kind: "tile", seed: "1", nextStream: "0" } },
      TypeError,
      '"state" expected no seed or kind beside it, got Object',
    ],
    [
      "state and kind",
      { kind: "tile", state: { version: 1, kind: "tile", seed: "1", nextStream: "0" } },
      TypeError,
      '"state" expected no seed or kind beside it, got Object',
    ],
    ["state", { state: {} }, TypeError, '"state.version" expected 1, the only version of the specification so far, got undefined'],
    [
      "kind of a state",
      { state: { version: 1, kind: "x", seed: "1", nextStream: "0" } },
      RangeError,
      `"state.kind" expected ${KIND}, got string "x"`,
    ],
    ["seed null", { seed: null }, TypeError, '"seed" expected safe integer or bigint in [0, 2^64), got null'],
    ["module null", { module: null }, TypeError, '"module" expected WebAssembly.Module, got null'],
    ["simd beside module", { module: {}, simd: true }, TypeError, '"simd" expected nothing beside module, got true'],
  ])("refuses a wrong %s", async (_name, options, type, message) => {
    const error = await createDropout(options as Anything).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toBe(message);
  });

  it("refuses a module of something else", () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    expect(() => new Dropout(empty)).toThrow(/^"module" expected a wasm-dropout module, got one without tile_mask_bits$/);
  });

  it("refuses a module that wants other imports", () => {
    // (module (import "env" "f" (func)))
    const other = new WebAssembly.Module(
      Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 9, 1, 3, 101, 110, 118, 1, 102, 0, 0),
    );
    expect(() => new Dropout(other)).toThrow(expect.objectContaining({ name: "TypeError", cause: expect.any(WebAssembly.LinkError) }));
  });

  it("reads options that are inherited or getters", async () => {
    class Options {
      get seed() {
        return 42;
      }
    }
    expect((await createDropout(new Options())).seed).toBe(42n);
    expect((await createDropout(Object.create({ seed: 42, kind: "philox" }))).state).toMatchObject({ seed: "42", kind: "philox" });
  });

  it("works synchronously, from bytes or a compiled module, in either build", async () => {
    const modules = [
      new WebAssembly.Module(dropoutBytes()),
      new WebAssembly.Module(dropoutBytes({ simd: false })),
      await compileDropout(),
      await compileDropout({ simd: false }),
    ];
    expect(await compileDropout()).toBe(modules[2]);
    expect(simdSupported()).toBe(true);
    const results = modules.map((module) => new Dropout(module, { seed: 3 }).dropout(x, 0.5));
    for (const result of results) expectSame(result, results[0] as Float32Array, "one build");
    expectSame((await createDropout({ module: modules[1], seed: 3 })).dropout(x, 0.5), results[0] as Float32Array, "given module");
  });

  it("takes the bytes of a build, in whatever form, and nothing else for them", async () => {
    const bytes = dropoutBytes();
    const expected = (await createDropout({ seed: 3 })).dropout(x, 0.5);
    const within = new Uint8Array(bytes.length + 3);
    within.set(bytes, 3);
    for (const form of [bytes, bytes.buffer, within.subarray(3), dropoutBytes({ simd: false })]) {
      expectSame((await createDropout({ bytes: form, seed: 3 })).dropout(x, 0.5), expected, "given bytes");
    }
    const module = await compileDropout();
    const refused: [options: Anything, message: string][] = [
      [{ bytes: "wasm" }, '"bytes" expected ArrayBuffer or Uint8Array, got string "wasm"'],
      [{ bytes: [0, 97] }, '"bytes" expected ArrayBuffer or Uint8Array, got Array(2)'],
      [{ bytes: bytes.subarray(1) }, `"bytes" expected a wasm module that this engine takes, got Uint8Array(${bytes.length - 1})`],
      [{ bytes, module }, `"bytes" expected nothing beside module, got Uint8Array(${bytes.length})`],
      [{ bytes, simd: true }, '"simd" expected nothing beside bytes, got true'],
      [{ module, simd: true }, '"simd" expected nothing beside module, got true'],
    ];
    for (const [options, message] of refused) await expect(createDropout(options)).rejects.toThrow(new TypeError(message));
  });

  it("compiles again after a compilation that failed", async () => {
    vi.resetModules();
    const fresh = await import("../../src/core/index.js");
    const compile = vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(new Error("forbidden"));
    await expect(fresh.compileDropout()).rejects.toThrow("forbidden");
    expect((await fresh.createDropout({ seed: 3 })).seed).toBe(3n);
    expect(compile).toHaveBeenCalledTimes(2);
    compile.mockRestore();
  });

  it("takes modules and arrays of another realm", () => {
    const realm = runInNewContext("({ Module: WebAssembly.Module, Float32Array, Uint8Array })");
    const foreign = new Dropout(new realm.Module(dropoutBytes()), { seed: 3 });
    const bits = new realm.Uint8Array(13);
    const y = foreign.dropout(new realm.Float32Array(x), 0.5, { mask: bits });
    expectSame(y as Float32Array, new Dropout(new WebAssembly.Module(dropoutBytes()), { seed: 3 }).dropout(x, 0.5), "realm");
    expect(foreign.countKept(bits, 100)).toBeGreaterThan(20);
  });

  it("keepProbability refuses what dropout refuses", () => {
    expect(() => keepProbability(1.5)).toThrow('"p" expected number in [0, 1], got 1.5');
    expect(() => keepProbability(0.5, "x" as Anything)).toThrow(`"kind" expected ${KIND}, got string "x"`);
  });
});
