// Arguments that lie, change under the call, or cannot be read: a right result or a refusal that names the argument, and nothing beside the results
// written.

import { inspect } from "node:util";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDropout, type Dropout, type Ticket } from "../../src/core/index.js";
import { WasmBuffer } from "../../src/engine/buffer.js";
import { createHalf } from "../../src/half/index.js";
import { createNoise, type Noise } from "../../src/noise/index.js";
import { resizable } from "../fuzz/world.js";
import { expectSame, sample } from "../support/oracle.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

const DATA = '"x" expected Float32Array, Float64Array or buffer of f32 or f64, got ';

let dropout: Dropout;
let noise: Noise;
let x: Float32Array<ArrayBuffer>;
let right: Float32Array<ArrayBuffer>;

beforeAll(async () => {
  dropout = await createDropout({ seed: 42 });
  noise = await createNoise(dropout);
});
beforeEach(() => {
  x = sample("f32", 100) as Float32Array<ArrayBuffer>;
  right = dropout.dropout(x, 0.5, { stream: 1 });
});

const revoked = (): Anything => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

describe("typed arrays", () => {
  it("that lie about length, buffer and offset are used where they are", () => {
    const neighbour = dropout.alloc("f32", 1000);
    neighbour.array.fill(7);
    const out = dropout.alloc("f32", 100);
    const lie = (array: object) =>
      Object.defineProperties(array, {
        length: { value: 1000 },
        byteLength: { value: 4000 },
        byteOffset: { value: neighbour.pointer },
        buffer: { value: dropout.memory.buffer },
        constructor: { value: Float64Array },
        [Symbol.toStringTag]: { value: "Float64Array" },
      }) as Float32Array<ArrayBuffer>;
    const place = out.pointer;
    dropout.dropout(lie(x), 0.5, { stream: 1, out: lie(out.array) as Anything });
    expectSame(new Float32Array(dropout.memory.buffer, place, 100), right, "out");
    expectSame(dropout.dropout(lie(sample("f32", 100)) as Float32Array<ArrayBuffer>, 0.5, { stream: 1 }), right, "a new array");
    expect(neighbour.array.every((value) => value === 7)).toBe(true);
    expectSame(dropout.from(lie(sample("f32", 100))).array, sample("f32", 100), "from");
    neighbour.free();
    out.free();
  });

  it("of subclasses with getters of their own are their elements", () => {
    class Longer extends Float32Array {
      override get length(): number {
        return 1000;
      }
      override get byteOffset(): number {
        return 64;
      }
      static get [Symbol.species](): Anything {
        throw new Error("no copies");
      }
    }
    const given = new Longer(x.buffer);
    const y = dropout.dropout(given, 0.5, { stream: 1, out: given });
    expect(y).toBe(given);
    expectSame(new Float32Array(x.buffer), right, "in place");
  });

  const others: [name: string, make: () => Anything, shown: string][] = [
    ["a Proxy of one", () => new Proxy(new Float32Array(4), {}), "object that cannot be read"],
    ["a revoked Proxy", revoked, "object that cannot be read"],
    ["a DataView", () => new DataView(new ArrayBuffer(8)), "DataView"],
    ["an ArrayBuffer", () => new ArrayBuffer(8), "ArrayBuffer"],
    ["a BigInt64Array", () => new BigInt64Array(4), "BigInt64Array(4)"],
    ["a Uint8ClampedArray", () => new Uint8ClampedArray(4), "Uint8ClampedArray(4)"],
    ["a tag alone", () => ({ [Symbol.toStringTag]: "Float32Array", length: 4, buffer: x.buffer }), "Float32Array(4)"],
    ["an object with a prototype", () => Object.create(Float32Array.prototype), "object that cannot be read"],
    ["a buffer without a block", () => Object.create(WasmBuffer.prototype), "object that cannot be read"],
    ["a long class name", () => Object.create({ constructor: { name: "n".repeat(100_000) } }), `${"n".repeat(40)}…`],
    ["a long tag", () => ({ [Symbol.toStringTag]: "t".repeat(100_000) }), `${"t".repeat(40)}…`],
  ];
  it.each(others)("%s is refused", (_name, make, shown) => {
    const { state } = dropout;
    expectRefusal(() => dropout.dropout(make(), 0.5), TypeError, DATA + shown);
    expectRefusal(() => noise.gaussianNoise(make(), 0.5), TypeError, DATA + shown);
    expect(thrownBy(() => dropout.dropout(x, 0.5, { out: make() }))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => dropout.dropout(x, 0.5, { mask: make() }))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => dropout.backward(make(), { p: 0.5 }, { mask: new Uint8Array(1) }))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => dropout.from(make()))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => dropout.countKept(make()))).toBeInstanceOf(TypeError);
    expect(dropout.state).toEqual(state);
  });

  it("whose buffer shrank are refused, and tracked ones have the length that is left", () => {
    const buffer = resizable(512);
    const fixed = new Float32Array(buffer, 8, 100);
    const tracking = new Float32Array(buffer, 8);
    const bits = new Uint32Array(buffer, 8, 4);
    const resize = (bytes: number) => (buffer as ArrayBuffer & { resize(bytes: number): void }).resize(bytes);
    expect(dropout.dropout(tracking, 0.5).length).toBe(126);
    resize(48);
    expect(dropout.dropout(tracking, 0.5).length).toBe(10);
    const message = "expected array within its buffer, which was made too short for it, got Float32Array(0)";
    expectRefusal(() => dropout.dropout(fixed, 0.5), TypeError, `"x" ${message}`);
    expectRefusal(() => dropout.dropout(x, 0.5, { out: fixed }), TypeError, `"out" ${message}`);
    expectRefusal(() => dropout.from(fixed), TypeError, `"array" ${message}`);
    resize(4);
    expectRefusal(() => dropout.dropout(tracking, 0.5), TypeError, `"x" ${message}`);
    expectRefusal(() => dropout.dropout(x, 0.5, { mask: bits }), TypeError, `"mask" ${message.replace("Float32", "Uint32")}`);
  });

  it("detached, of words too, are refused by name", () => {
    const mask = new Uint32Array(4);
    structuredClone(mask.buffer, { transfer: [mask.buffer] });
    expect((thrownBy(() => dropout.dropout(x, 0.5, { mask })) as Error).message).toMatch(/^"mask" expected attached array/);
    expect((thrownBy(() => dropout.countKept(mask, 100)) as Error).message).toMatch(/^"mask" expected attached array/);
  });

  it("over shared memory are used, and overlap is seen through two objects of one memory", () => {
    const first = new SharedArrayBuffer(1000);
    const second = structuredClone(first);
    expect(second).not.toBe(first);
    const given = new Float32Array(first, 0, 100);
    given.set(x);
    const overlap = '"out" expected "x" itself or memory apart from it, got memory that overlaps it';
    for (const offset of [4, 40, 396]) {
      expectRefusal(() => dropout.dropout(given, 0.5, { out: new Float32Array(second, offset, 100) }), RangeError, overlap);
      expectRefusal(() => dropout.dropout(new Float32Array(second, offset, 100), 0.5, { out: given }), RangeError, overlap);
    }
    const mask = new Uint8Array(second, 399, 13);
    expectRefusal(
      () => dropout.dropout(given, 0.5, { mask }),
      RangeError,
      '"mask" expected memory apart from "x", got memory that overlaps it',
    );
    expectSame(given.slice(), sample("f32", 100), "after refusals");
    expect(new Uint8Array(first, 400).every((byte) => byte === 0)).toBe(true);
    const apart = new Float32Array(second, 400, 100);
    dropout.dropout(given, 0.5, { stream: 1, out: apart });
    expectSame(apart.slice(), right, "behind x");
    dropout.dropout(given, 0.5, { stream: 1, out: new Float32Array(new SharedArrayBuffer(400)) });
    expectSame(given.slice(), sample("f32", 100), "another memory of equal bytes");
    dropout.dropout(given, 0.5, { stream: 1, out: new Float32Array(second, 0, 100) });
    expectSame(given.slice(), right, "in place through the other object");
  });

  it("of another instance's memory are copied, and refused once freed", async () => {
    const other = await createDropout({ seed: 1 });
    const [theirs, out] = [other.from(x), other.alloc("f32", 100)];
    dropout.dropout(theirs, 0.5, { stream: 1, out });
    expectSame(out.array, right, "another instance's buffers");
    expectSame(dropout.dropout(theirs.array, 0.5, { stream: 1 }), right, "a view of another instance's");
    const inside = theirs.array.subarray(1);
    expectRefusal(
      () => dropout.dropout(inside, 0.5, { out: theirs.array.subarray(0, 99) }),
      RangeError,
      '"out" expected "x" itself or memory apart from it, got memory that overlaps it',
    );
    theirs.free();
    expectRefusal(() => dropout.dropout(theirs, 0.5), TypeError, '"x" expected live buffer, got freed f32 buffer(100)');
  });
});

describe("options", () => {
  it("may be frozen, without prototype, or inherited; symbols are no options", () => {
    const forms = [
      Object.freeze({ stream: 1 }),
      Object.assign(Object.create(null), { stream: 1 }),
      Object.create({ stream: 1 }),
      { stream: 1, [Symbol("note")]: 1 },
      new Proxy({ stream: 1 }, {}),
    ];
    for (const options of forms) expectSame(dropout.dropout(x, 0.5, options), right, "y");
  });

  it("that cannot be read are refused by name", () => {
    const unlisted = new Proxy({}, { has: () => fail() });
    for (const options of [revoked(), unlisted]) {
      const error = thrownBy(() => dropout.dropout(x, 0.5, options)) as Error;
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^"options" expected object, got (Object|object that cannot be read)$/);
    }
    expectRefusal(() => dropout.backward(x, revoked()), TypeError, '"ticket" expected ticket, got object that cannot be read');
    expectRefusal(() => dropout.restore(revoked()), TypeError, '"state" expected saved state, got object that cannot be read');
    expectRefusal(() => noise.backward(x, revoked()), TypeError, '"ticket" expected ticket, got object that cannot be read');
  });

  it("do not come from what other code adds to Object.prototype", () => {
    const root = Object.prototype as Anything;
    try {
      root.each = () => 1;
      expectSame(dropout.dropout(x, 0.5, { stream: 1 }), right, "a key that is no option");
      expectRefusal(
        () => dropout.dropout(x, 0.5, { each: 1 } as Anything),
        TypeError,
        (thrownBy(() => dropout.dropout(x, 0.5, { each: 1 } as Anything)) as Error).message,
      );
      root.seed = 7;
      const message = '"seed" expected an option of the call, got a property of Object.prototype';
      expectRefusal(() => dropout.dropout(x, 0.5), TypeError, message);
      expectRefusal(() => dropout.dropout(x, 0.5, { stream: 1 }), TypeError, message);
      expectSame(dropout.dropout(x, 0.5, { stream: 1, seed: 42 }), right, "an option of the call's own");
    } finally {
      delete root.each;
      delete root.seed;
    }
  });

  it("of many thousand keys are refused in a short message", () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, k) => [`key${k}`, k]));
    const error = thrownBy(() => dropout.dropout(x, 0.5, many as Anything)) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^"key0" is no option; /);
    const long = thrownBy(() => dropout.dropout(x, 0.5, { ["k".repeat(1_000_000)]: 1 } as Anything)) as Error;
    expect(long.message.length).toBeLessThan(300);
  });

  it("whose getters free, detach or draw take effect before the call looks at its arrays", () => {
    const buffer = dropout.from(x);
    const get = () => void buffer.free();
    const options = Object.defineProperty({ stream: 1 }, "training", { get, enumerable: true });
    expectRefusal(() => dropout.dropout(buffer, 0.5, options), TypeError, '"x" expected live buffer, got freed f32 buffer(100)');
    const [out, next] = [dropout.alloc("f32", 100), dropout.alloc("f32", 1)];
    next.free();
    const freeing = Object.defineProperty({ stream: 1, out }, "start", { get: () => void out.free(), enumerable: true });
    expectRefusal(() => dropout.dropout(x, 0.5, freeing), TypeError, '"out" expected live buffer, got freed f32 buffer(100)');
    const array = new Float32Array(100);
    const detach = () => void structuredClone(array.buffer, { transfer: [array.buffer] });
    const detaching = Object.defineProperty({ stream: 1 }, "kind", { get: detach, enumerable: true });
    expect((thrownBy(() => dropout.dropout(array, 0.5, detaching)) as Error).message).toMatch(/^"x" expected attached array/);
    const growing = Object.defineProperty({ stream: 1 }, "kind", { get: () => void dropout.memory.grow(1), enumerable: true });
    const held = dropout.from(x);
    expect((thrownBy(() => dropout.dropout(held.array, 0.5, growing)) as Error).message).toMatch(/^"x" expected attached array/);
    expectSame(dropout.dropout(held, 0.5, growing).array, right, "a buffer when the memory grows");
    held.free();
  });

  it("of an instance are copied before anything is waited for", async () => {
    const state = { version: 1, kind: "tile", seed: "5", nextStream: "9" } as const;
    const given = { ...state };
    const made = createDropout({ state: given });
    Object.assign(given, { seed: "6", kind: "philox" });
    expect((await made).state).toEqual(state);
    for (const bytes of [{ [Symbol.toStringTag]: "Uint8Array" }, { [Symbol.toStringTag]: "ArrayBuffer" }, new SharedArrayBuffer(8)]) {
      await expect(createDropout({ bytes: bytes as Anything })).rejects.toThrow(/^"bytes" expected ArrayBuffer or Uint8Array, got /);
    }
  });
});

function fail(): never {
  throw new Error("a trap that throws");
}

describe("tickets and states", () => {
  let ticket: Ticket<"dropout">;
  beforeEach(() => {
    ({ ticket } = dropout.forward(x, 0.5, { stream: 1 }));
  });

  it("may have further, inherited and computed fields, each read once", () => {
    const reads = new Map<PropertyKey, number>();
    const counting = new Proxy(ticket, {
      get(target, key) {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key);
      },
    });
    for (const form of [{ ...ticket, layer: "a" }, Object.create(ticket), counting]) {
      expectSame(dropout.backward(x, form).dx, right, "dx");
    }
    expect([...reads.values()].every((count) => count === 1)).toBe(true);
  });

  it.each(["version", "op", "kind", "seed", "stream", "start", "p", "length"] as const)("without %s are refused", (field) => {
    const { [field]: _, ...rest } = ticket;
    const error = thrownBy(() => dropout.backward(x, rest as Anything)) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`^"ticket\\.${field}" expected .*, got undefined$`));
  });

  it("that change while they are read give the values that were read, or are refused", () => {
    let turn = 0;
    const values = [100, -100];
    const changing = Object.defineProperty({ ...ticket }, "length", { get: () => values[turn++], enumerable: true });
    expectSame(dropout.backward(x, changing).dx, right, "dx");
    expect(turn).toBe(1);
  });

  it("with digits without end are refused at once", () => {
    for (const digits of ["0".repeat(1_000_000), "9".repeat(1_000_000), "1".repeat(21)]) {
      const error = thrownBy(() => dropout.replay({ ...ticket, seed: digits })) as Error;
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe(
        `"ticket.seed" expected string of decimal digits below 2^64, got string "${digits.slice(0, 40)}${digits.length > 40 ? "…" : ""}"`,
      );
    }
    expect(dropout.replay({ ...ticket, seed: "00000000000000000042" })).toEqual(dropout.replay(ticket));
  });

  it("of states are read once, and a refused state changes nothing", () => {
    const before = dropout.state;
    const lies = [
      { ...before, nextStream: -1 },
      { ...before, nextStream: "1e3" },
      { ...before, seed: "18446744073709551616" },
      { ...before, kind: ["tile"] },
      { ...before, version: "1" },
    ];
    for (const state of lies) {
      expect((thrownBy(() => dropout.restore(state as Anything)) as Error).message).toMatch(/^"state\.\w+" expected /);
      expect(dropout.state).toEqual(before);
    }
    let reads = 0;
    const kinds = ["tile", "philox"];
    dropout.restore(Object.defineProperty({ ...before }, "kind", { get: () => kinds[reads++] }) as Anything);
    expect(reads).toBe(1);
    expect(dropout.state).toEqual(before);
  });

  it("cost at most maxLength", () => {
    const long = { ...ticket, length: 2 ** 50, start: 0 };
    expectRefusal(
      () => dropout.replay(long, { maxLength: 1000 }),
      RangeError,
      '"ticket.length" expected at most maxLength, 1000, got 1125899906842624',
    );
    expect(dropout.replay(ticket, { maxLength: 100 }).length).toBe(13);
    expectRefusal(() => dropout.replay(ticket, { maxLength: 99 }), RangeError, '"ticket.length" expected at most maxLength, 99, got 100');
    for (const maxLength of [-1, 1.5, Number.NaN, "1", null]) {
      expect((thrownBy(() => dropout.replay(ticket, { maxLength: maxLength as Anything })) as Error).message).toMatch(
        /^"maxLength" expected integer in /,
      );
    }
  });
});

describe("messages", () => {
  it("are short and made at once, whatever came", () => {
    const huge: Anything[] = [
      1n << 16_000_000n,
      -(1n << 16_000_000n),
      "s".repeat(10_000_000),
      Symbol("s".repeat(100_000)),
      new Array(2 ** 32 - 1),
    ];
    for (const value of huge) {
      const calls = [
        () => dropout.dropout(x, 0.5, { seed: value }),
        () => dropout.dropout(x, 0.5, { stream: value }),
        () => dropout.dropout(x, value),
        () => dropout.dropout(value, 0.5),
        () => dropout.dropout(x, 0.5, { kind: value }),
        () => dropout.mask(value, 0.5),
        () => dropout.alloc(value, 1),
        () => dropout.backward(x, value),
        () => noise.normal(10, { mean: value }),
        () => noise.normal(10, { start: value }),
      ];
      for (const call of calls) {
        const error = thrownBy(call) as Error;
        expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
        expect(error.message).toMatch(/^"[\w.]+" expected /);
        expect(error.message.length).toBeLessThan(250);
      }
    }
  });
});

describe("consoles", () => {
  it("show what an instance and a buffer are, and their prototypes", async () => {
    const one = await createDropout({ seed: 42, rank: 3 });
    expect(inspect(one)).toMatch(/^Dropout { kind: "tile", seed: 42, nextStream: 0, rank: 3, memory: \d+ bytes, buffers: 0 of 0 bytes }$/);
    const buffer = one.from(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
    expect(inspect(buffer)).toBe("f32 buffer(9) [1, 2, 3, 4, 5, 6, 7, 8, …]");
    expect(inspect(one)).toMatch(/buffers: 1 of 36 bytes }$/);
    buffer.free();
    expect(inspect(buffer)).toBe("freed f32 buffer(9)");
    const { dropout: half } = await createHalf(one);
    expect(inspect(half)).toBe(inspect(one));
    for (const prototype of [WasmBuffer.prototype, Object.getPrototypeOf(one), Object.create(WasmBuffer.prototype)])
      expect(inspect(prototype)).not.toBe("");
  });
});
