// The wasm backend: kernels over its own memory, without copies, whatever happens to memory, tensors and backends; and copies where it is not as expected.

import * as tf from "@tensorflow/tfjs-core";
import { beforeEach, describe, expect, it } from "vitest";
import { Dropout } from "../../src/core/index.js";
import { createTfjsDropout } from "../../src/tfjs/index.js";
import { chance, drop, expectSame, keepBytes, sample, uniforms } from "../support/oracle.js";
import { type Floats, take, useBackend } from "./setup.js";

interface Program {
  HEAPU8: Uint8Array;
  asm: { memory: WebAssembly.Memory };
  _malloc(bytes: number): number;
  _free(pointer: number): void;
}
interface Heap {
  wasm: Program;
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
}
const heap = () => tf.backend() as unknown as Heap;
const SEED = 42n;
const N = 5000;
const x = sample("f32", N) as Floats;
const expected = (stream: bigint) => {
  const p = chance("tile", 0.5);
  return drop(x, keepBytes(uniforms("tile", SEED, stream, 0, N), p), p);
};

/** Runs `body` and returns for each call of dropout the memory of its instance, and the buffer of its data. */
function watched(body: () => void): { memory: WebAssembly.Memory; buffers: unknown[] }[] {
  const calls: { memory: WebAssembly.Memory; buffers: unknown[] }[] = [];
  const { dropout } = Dropout.prototype;
  Dropout.prototype.dropout = function (this: Dropout, ...args: Parameters<typeof dropout>) {
    const [values, , options] = args as unknown as [Float32Array, number, { out: Float32Array }];
    calls.push({ memory: this.memory, buffers: [values.buffer, options.out.buffer] });
    return dropout.apply(this, args);
  } as typeof dropout;
  try {
    body();
  } finally {
    Dropout.prototype.dropout = dropout;
  }
  return calls;
}

beforeEach(() => useBackend("wasm"));

it("tensors are read and written where they lie, forward and gradient, and nothing else changes", async () => {
  const wd = await createTfjsDropout({ seed: SEED });
  const others = [1, 2, 3].map((k) => tf.fill([N], k));
  const [xs, dy] = [tf.tensor1d(x), tf.tensor1d(x)];
  const memory = heap().wasm.asm.memory;
  const calls = watched(() => {
    expectSame(take(wd.dropout(xs, 0.5)), expected(0n), "y");
    expectSame(take(tf.grad((input: tf.Tensor) => wd.dropout(input, 0.5))(xs, dy)), expected(1n), "dx");
  });
  expect(calls.length).toBeGreaterThanOrEqual(3);
  for (const call of calls) expect(call).toEqual({ memory, buffers: [memory.buffer, memory.buffer] });
  expectSame(Float32Array.from(xs.dataSync()), x, "x");
  expect(others.map((other) => [...new Set(other.dataSync())])).toEqual([[1], [2], [3]]);
  tf.dispose([xs, dy, ...others]);
});

it("all operations and layers leave the tensors around theirs alone", async () => {
  const wd = await createTfjsDropout({ seed: SEED });
  const results: Record<string, Floats[]> = {};
  for (const backend of ["cpu", "wasm"]) {
    await useBackend(backend);
    wd.restore({ ...wd.state, nextStream: "0" });
    const guards: tf.Tensor[] = [];
    const guard = () => guards.push(tf.fill([16], 7));
    guard();
    const xs = tf.reshape(tf.tensor1d(x.slice(0, 4800)), [12, 20, 20]);
    guard();
    const made: Floats[] = [];
    const operations = [
      (z: tf.Tensor) => wd.dropout(z, 0.3, [12, 1, 20]),
      (z: tf.Tensor) => wd.alphaDropout(z, 0.3),
      (z: tf.Tensor) => wd.alphaDropout(z, 0.3, [null, 1, null]),
      (z: tf.Tensor) => wd.gaussianDropout(z, 0.3),
      (z: tf.Tensor) => wd.gaussianNoise(z, 0.3),
      (z: tf.Tensor) => wd.layers.spatialDropout1d({ rate: 0.3, seed: 5, name: "s" }).apply(z, { training: true }) as tf.Tensor,
      (z: tf.Tensor) => wd.layers.dropPath({ rate: 0.3, seed: 5, name: "d" }).apply(z, { training: true }) as tf.Tensor,
    ];
    for (const operation of operations) {
      const y = operation(xs);
      guard();
      made.push(take(y), take(tf.grad(operation)(xs, xs)));
    }
    results[backend] = made;
    for (const one of guards) expect([...one.dataSync()]).toEqual(Array(16).fill(7));
    tf.dispose([xs, ...guards]);
  }
  results["wasm"]?.forEach((values, k) => {
    expectSame(values, results["cpu"]?.[k] as Floats, `result ${k}`);
  });
});

it("works on when the memory grows between calls and in the middle of one, and when tensors are freed", async () => {
  const wd = await createTfjsDropout({ seed: SEED });
  const xs = tf.tensor1d(x);
  take(wd.dropout(xs, 0.5));
  const { wasm } = heap();
  const size = () => wasm.asm.memory.buffer.byteLength;
  let before = size();
  const large = tf.fill([2 * before], 1);
  expect(size()).toBeGreaterThan(before);
  expectSame(take(wd.dropout(xs, 0.5)), expected(1n), "after growth");
  large.dispose();
  expectSame(take(wd.dropout(xs, 0.5)), expected(2n), "after the tensor was freed");
  // In the middle: when the result is made.
  before = size();
  const real = wasm._malloc;
  wasm._malloc = (bytes) => {
    wasm._malloc = real;
    wasm._free(real(Math.min(2 * size(), 2 ** 30)));
    return real(bytes);
  };
  expectSame(take(wd.dropout(xs, 0.5)), expected(3n), "grown when the result was made");
  expect(size()).toBeGreaterThan(before);
  xs.dispose();
  // Freed blocks hold other tensors now.
  for (let k = 0; k < 20; ++k) {
    const again = tf.tensor1d(x);
    expectSame(
      take(wd.dropout(again, 0.5, null, 9)),
      (() => {
        const p = chance("tile", 0.5);
        return drop(x, keepBytes(uniforms("tile", 9n, 0n, 0, N), p), p);
      })(),
      `again ${k}`,
    );
    again.dispose();
  }
});

it("a result that the backend has no room for is refused, and nothing is written", async () => {
  const wd = await createTfjsDropout({ seed: SEED });
  const xs = tf.tensor1d(x);
  take(wd.dropout(xs, 0.5));
  const { wasm } = heap();
  const low = wasm.HEAPU8.slice(0, 4 * N);
  const { numTensors } = tf.memory();
  const real = wasm._malloc;
  wasm._malloc = () => 0;
  try {
    expect(() => wd.dropout(xs, 0.5)).toThrow(/^"x" expected tensor for whose result the backend has room, got shape \[5000\]$/);
  } finally {
    wasm._malloc = real;
  }
  expect(wasm.HEAPU8.slice(0, 4 * N)).toEqual(low);
  expect(tf.memory().numTensors).toBe(numTensors);
  expectSame(take(wd.dropout(xs, 0.5)), expected(1n), "afterwards");
  xs.dispose();
});

it("follows a backend that is switched, removed and started again", async () => {
  const wd = await createTfjsDropout({ seed: SEED });
  const first = heap().wasm.asm.memory;
  const xs = tf.tensor1d(x);
  expectSame(take(wd.dropout(xs, 0.5)), expected(0n), "first");
  await useBackend("cpu");
  expectSame(take(wd.dropout(xs, 0.5)), expected(1n), "a tensor of wasm on cpu");
  const onCpu = tf.tensor1d(x);
  await useBackend("wasm");
  expectSame(take(wd.dropout(onCpu, 0.5)), expected(2n), "a tensor of cpu on wasm");
  tf.dispose([xs, onCpu]);
  const { factory } = (tf.engine().registryFactory as Record<string, { factory: () => tf.KernelBackend }>)["wasm"] as {
    factory: () => tf.KernelBackend;
  };
  tf.removeBackend("wasm");
  tf.registerBackend("wasm", factory, 2);
  await useBackend("wasm");
  const { memory } = heap().wasm.asm;
  expect(memory).not.toBe(first);
  const ys = tf.tensor1d(x);
  const [call] = watched(() => expectSame(take(wd.dropout(ys, 0.5)), expected(3n), "in the new memory"));
  expect(call?.memory).toBe(memory);
  ys.dispose();
});

describe("where the backend is not as expected, tensors are copied", () => {
  const program = () => heap().wasm as unknown as Record<string, unknown>;
  it.each<[string, (wasm: Record<string, unknown>) => Record<string, unknown>]>([
    ["without malloc", () => ({ _free: undefined })],
    ["without its memory", () => ({ asm: {}, wasmMemory: undefined })],
    ["with what is no memory", () => ({ asm: { memory: { buffer: new ArrayBuffer(8) } } })],
    ["with the memory of another program", () => ({ wasmMemory: new WebAssembly.Memory({ initial: 64 }) })],
  ])("%s", async (_, changed) => {
    const wd = await createTfjsDropout({ seed: SEED });
    const holder = tf.backend() as unknown as { wasm: object };
    const real = program();
    const xs = tf.tensor1d(x);
    holder.wasm = Object.assign(Object.create(real), changed(real));
    try {
      const [call] = watched(() => expectSame(Float32Array.from(wd.dropout(xs, 0.5).dataSync()), expected(0n), "copied"));
      expect(call?.memory).not.toBe((real["asm"] as Program["asm"]).memory);
    } finally {
      holder.wasm = real;
    }
    xs.dispose();
  });
});
