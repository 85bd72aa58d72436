// Buffers that nobody frees: scopes that free them, the garbage collector's part, and what the error says. In a file, so in a process, of its own:
// flags of the engine are set.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import type { WasmBuffer } from "../../src/engine/buffer.js";
import { census } from "../fuzz/world.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;
/** Rounds of collection: each lets the engine run its finalizers; far more than it needs. */
const ROUNDS = 1000;

const live = (dropout: Dropout) => Number(/buffers: (\d+) of/.exec(census(dropout))?.[1]);

/** Collects garbage until `done`, or throws. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let round = 0; !done(); ++round) {
    if (round === ROUNDS) throw new Error("never collected");
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("buffers that are unreachable", () => {
  it("are freed: a loop that forgets its results goes on in constant memory", async () => {
    const dropout = await createDropout({ seed: 1, maxBytes: 2 ** 21 });
    const x = dropout.alloc("f32", 32768);
    for (let k = 0; k < 100; ++k) {
      // 128 KiB each: no more than some ten fit.
      for (let j = 0; j < 8; ++j) dropout.dropout(x, 0.5);
      await collectUntil(() => live(dropout) === 1);
    }
    expect(x.freed).toBe(false);
  });

  it("are kept while a typed array or the address may still be in use", async () => {
    const dropout = await createDropout({ seed: 1 });
    const seen = (() => dropout.alloc("f32", 16).array.fill(7))();
    const address = (() => dropout.alloc("f32", 16).pointer)();
    (() => dropout.alloc("f32", 16))();
    await collectUntil(() => live(dropout) === 2);
    expect(dropout.alloc("f32", 16).pointer).not.toBe(address);
    expect(seen.every((value) => value === 7)).toBe(true);
  });
});

describe("the error", () => {
  it("says how many buffers live, what they hold, and what frees them", async () => {
    const dropout = await createDropout({ seed: 1, maxBytes: 2 ** 20 });
    const x = dropout.alloc("f32", 32768);
    let [error, held]: [unknown, number] = [undefined, 1];
    for (; error === undefined; ++held) error = thrownBy(() => dropout.dropout(x, 0.5));
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toContain(
      `(${held - 1} live buffers hold ${(held - 1) * 131072} bytes: free() or tidy() releases them)`,
    );
    expect((error as Error).message).toMatch(/^"out" expected .*, got 32768 elements of f32, 131072 bytes$/);
  });
});

describe("tidy", () => {
  it("frees what was made in it, but not what it returns, however deep", async () => {
    const dropout = await createDropout({ seed: 1 });
    const make = () => dropout.alloc("f32", 4);
    const forms: [name: string, wrap: (buffer: WasmBuffer) => unknown][] = [
      ["itself", (b) => b],
      ["an array", (b) => [b]],
      ["a result", (b) => ({ y: b, ticket: { version: 1 } })],
      ["nested", (b) => ({ layers: [{ dx: b }] })],
      ["a Map", (b) => new Map([["y", [b]]])],
      ["a Set", (b) => new Set([{ b }])],
      ["a key of a Map", (b) => new Map([[b, 1]])],
      [
        "a circle",
        (b) => {
          const circle: { b: WasmBuffer; self?: unknown } = { b };
          circle.self = circle;
          return circle;
        },
      ],
    ];
    for (const [name, wrap] of forms) {
      const made: WasmBuffer[] = [];
      dropout.tidy(() => {
        made.push(make(), make());
        return wrap(made[0] as WasmBuffer);
      });
      expect(
        made.map(({ freed }) => freed),
        name,
      ).toEqual([false, true]);
      made[0]?.free();
    }
    expect(live(dropout)).toBe(0);
  });

  it("leaves alone what was made before, and results of typed arrays of any size", async () => {
    const dropout = await createDropout({ seed: 1 });
    const before = dropout.alloc("f32", 4);
    const result = dropout.tidy(() => {
      dropout.dropout(before, 0.5);
      return new Float32Array(1_000_000);
    });
    expect(result.length).toBe(1_000_000);
    expect(before.freed).toBe(false);
    expect(live(dropout)).toBe(1);
  });

  it("nests: what an inner one returns belongs to the outer one", async () => {
    const dropout = await createDropout({ seed: 1 });
    let inner: WasmBuffer | undefined;
    const outer = dropout.tidy(() => {
      inner = dropout.tidy(() => dropout.alloc("f32", 4));
      expect(inner.freed).toBe(false);
      return dropout.dropout(inner as WasmBuffer<"f32">, 0.5);
    });
    expect([inner?.freed, outer.freed]).toEqual([true, false]);
    expect(live(dropout)).toBe(1);
  });

  it("frees where the body throws, at any depth, and scopes end in order", async () => {
    const dropout = await createDropout({ seed: 1 });
    const error = new Error("of the body");
    const thrown = thrownBy(() =>
      dropout.tidy(() => {
        dropout.alloc("f32", 4);
        dropout.tidy(() => {
          dropout.alloc("f32", 4);
          throw error;
        });
      }),
    );
    expect(thrown).toBe(error);
    expect(live(dropout)).toBe(0);
    const getter = {
      get y(): never {
        throw error;
      },
    };
    const body = () => {
      dropout.alloc("f32", 4);
      return getter;
    };
    expect(thrownBy(() => dropout.tidy(body))).toBe(error);
    expect(live(dropout)).toBe(0);
    dropout.alloc("f32", 4);
    expect(live(dropout)).toBe(1);
  });

  it("refuses promises, whose rejection is nobody's then, and what is no function", async () => {
    const dropout = await createDropout({ seed: 1 });
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const message = '"body" expected function that returns no promise, got ';
    expectRefusal(() => dropout.tidy(async () => dropout.alloc("f32", 4)), TypeError, `${message}Promise`);
    expectRefusal(() => dropout.tidy(() => Promise.reject(new Error("lost"))), TypeError, `${message}Promise`);
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library is what is tested
    expectRefusal(() => dropout.tidy(() => ({ then: () => dropout.alloc("f32", 4) })), TypeError, `${message}Object`);
    for (let k = 0; k < 10; ++k) await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
    expectRefusal(() => dropout.tidy(1 as never), TypeError, '"body" expected function, got 1');
  });

  it("covers the buffers of extensions, and those of refused calls", async () => {
    const { createNoise } = await import("../../src/noise/index.js");
    const dropout = await createDropout({ seed: 1 });
    const noise = await createNoise(dropout);
    const y = dropout.tidy(() => {
      const x = dropout.from(Float32Array.of(1, 2, 3, 4));
      expect(thrownBy(() => dropout.dropout(x, 0.5, { mask: new Uint8Array(9) }))).toBeInstanceOf(RangeError);
      return noise.gaussianNoise(x, 0.5);
    });
    expect(y.y.freed).toBe(false);
    expect(live(dropout)).toBe(1);
  });
});
