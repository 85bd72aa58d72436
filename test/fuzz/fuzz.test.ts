// A fixed number of cases of a fixed seed. `npm run fuzz` tries others, for as long as one likes.

import { beforeAll, describe, expect, it } from "vitest";
import { runCase } from "./fuzz.js";
import { ROWS } from "./rows.js";
import { makeWorld, type World } from "./world.js";

const SEED = 2026;
const CASES = 8000;
const PART = 2000;

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

describe("calls with arguments of every kind", () => {
  it.each(Array.from({ length: CASES / PART }, (_, k) => k * PART))("cases from %i on", async (first) => {
    for (let index = first; index < first + PART; ++index) await runCase(world, SEED, index);
  });

  it("cases with kernels in JavaScript", async () => {
    const plain = await makeWorld(true);
    for (let index = CASES; index < CASES + PART; ++index) await runCase(plain, SEED, index);
  });

  // Controls: without them a check that finds nothing would pass.
  const faults: [name: string, fault: (args: readonly unknown[], result: unknown) => unknown, message: RegExp][] = [
    ["a wrong result", (_, y) => (y instanceof Float32Array ? y.map((value) => value + 1) : y), /dropout\.dropout, sound: y\[\d+\] is /],
    ["an error that names no argument", () => fail(new TypeError("no")), /names no argument/],
    ["an error of another class", () => fail(new Error("no")), /threw Error: no/],
    ["a byte written beside x", ([x], y) => flip(x) ?? y, /changed outside the results/],
  ];
  it.each(faults)("%s is found", async (_name, fault, message) => {
    const { dropout } = world;
    const get = (target: World["dropout"], key: PropertyKey) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return key === "dropout" ? (...args: unknown[]) => fault(args, value.apply(target, args)) : value.bind(target);
    };
    const broken: World = { ...world, dropout: new Proxy(dropout, { get }) };
    const run = async () => {
      for (let index = 0; index < 40 * ROWS.length; ++index) await runCase(broken, SEED, index);
    };
    await expect(run()).rejects.toThrow(message);
  });
});

function fail(error: Error): never {
  throw error;
}

function flip(x: unknown): void {
  if (!ArrayBuffer.isView(x) || x.buffer.byteLength === 0) return;
  const bytes = new Uint8Array(x.buffer, 0, 1);
  bytes[0] = (bytes[0] as number) ^ 1;
}
