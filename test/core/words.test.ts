// Cases at the edges that users meet: the right value, or a message that says what to do instead.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createHalf, type Half } from "../../src/half/index.js";
import { createNoise } from "../../src/noise/index.js";
import { createShapes } from "../../src/shapes/index.js";
import { chance, keepBits, keepBytes, uniforms } from "../support/oracle.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

const one = (n: number) => new Float32Array(n).fill(1);
let dropout: Dropout;
let half: Half;

beforeAll(async () => {
  dropout = await createDropout({ seed: 42 });
  half = await createHalf(dropout);
});

describe("f16", () => {
  it("refuses the probabilities at which a kept 1 is infinite, and names the largest", () => {
    const x = new Uint16Array(64).fill(0x3c00);
    const message = (p: number) => `"p" expected 1, or below 1 - 1 / 65520 for f16, from where on a kept 1 is infinite, got ${p}`;
    for (const p of [1 - 2 ** -17, 1 - 2 ** -16, 1 - 1 / 65520, 1 - 2 ** -40]) {
      const { state } = half.dropout;
      expectRefusal(() => half.dropout.dropout(x, p, { dtype: "f16" }), RangeError, message(p));
      expectRefusal(() => half.dropout.backward(x, { p }, { mask: new Uint8Array(8) }, { dtype: "f16" }), RangeError, message(p));
      expect(half.dropout.state).toEqual(state);
    }
    const largest = 1 - 1 / 65519;
    const kept = half.dropout.backward(x, { p: largest }, { mask: new Uint8Array(8).fill(255) }, { dtype: "f16" }).dx;
    expect(kept).toEqual(new Uint16Array(64).fill(0x7bff));
    expect(half.dropout.dropout(x, 1, { dtype: "f16" })).toEqual(new Uint16Array(64));
    for (const p of [1 - 2 ** -17, 1 - 2 ** -47]) {
      const { dx } = half.dropout.backward(new Uint16Array(8).fill(0x3f80), { p }, { mask: Uint8Array.of(255) }, { dtype: "bf16" });
      expect(half.toFloat32(dx, "bf16")).toEqual(new Float32Array(8).fill(1 / (1 - p)));
    }
  });
});

describe("the classic form outside training at p = 1", () => {
  it("multiplies all by 0, keeps all, and its ticket says the same", () => {
    for (const mask of [new Uint8Array(5).fill(7), new Uint8Array(8).fill(7), new Uint32Array(2).fill(7), dropout.alloc("bits", 40)]) {
      const options = { training: false, rescale: "test", mask } as const;
      expect(dropout.dropout(one(40), 1, options)).toEqual(new Float32Array(40));
      expect(dropout.countKept(mask, 40)).toBe(40);
    }
    for (const p of [0.25, 1]) {
      const { ticket } = dropout.forward(one(40), p, { training: false, rescale: "test" });
      expect(dropout.replay(ticket)).toEqual(new Uint8Array(5).fill(255));
      expect(dropout.replay(ticket, { format: "bytes" })).toEqual(new Uint8Array(40).fill(1));
      expect(dropout.replay(ticket, { format: "f32" })).toEqual(new Float32Array(40).fill(1 - p));
      expect(dropout.backward(one(40), ticket).dx).toEqual(new Float32Array(40).fill(1 - p));
    }
  });
});

describe("bit masks of whole words", () => {
  it("are written with zeros behind the last element, and read without them", () => {
    const p = chance("tile", 0.5);
    for (const length of [0, 1, 8, 31, 32, 33, 100, 4097]) {
      const expected = keepBits(keepBytes(uniforms("tile", 42n, 3n, 0, length), p));
      const words = Math.ceil(length / 32);
      const filled = new Uint8Array(4 * words);
      filled.set(expected);
      const padded = new Uint8Array(4 * words).fill(255);
      const buffer = dropout.alloc("f32", words);
      const resident = new Uint32Array(dropout.memory.buffer, buffer.pointer, words).fill(-1);
      const masks = [padded, new Uint32Array(words).fill(-1), resident];
      for (const mask of masks) {
        const y = dropout.dropout(one(length), 0.5, { stream: 3, mask });
        const bytes = new Uint8Array(mask.buffer, mask.byteOffset, mask.byteLength);
        expect(bytes).toEqual(filled);
        // Bits behind the elements of a mask from elsewhere decide nothing.
        for (let i = length; i < 32 * words; ++i) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7));
        expect(dropout.backward(one(length), { p: 0.5 }, { mask }).dx).toEqual(y);
        expect(dropout.countKept(mask, length)).toBe(y.reduce((sum, value) => sum + value / 2, 0));
      }
      buffer.free();
    }
  });
});

describe("tickets of other operations", () => {
  it("are refused by name where they are not understood", async () => {
    const [shapes, noise] = [await createShapes(dropout), await createNoise(dropout)];
    const { ticket } = shapes.alphaDropout(one(4), 0.5, { stream: 0 });
    expectRefusal(
      () => dropout.backward(one(4), ticket as Anything),
      RangeError,
      '"ticket.op" expected "dropout", got "alphaDropout", whose backward is that of Shapes',
    );
    expect(dropout.replay(ticket)).toEqual(dropout.mask(4, 0.5, { stream: 0 }));
    const noisy = noise.gaussianNoise(one(4), 0.5).ticket;
    expect((thrownBy(() => dropout.backward(one(4), noisy as Anything)) as Error).message).toMatch(
      /"gaussianNoise", whose backward is that of Noise$/,
    );
    expect((thrownBy(() => dropout.replay(noisy as Anything)) as Error).message).toBe(
      '"ticket.kind" expected "tile" or "philox", got string "normal"',
    );
    const plain = dropout.forward(one(4), 0.5);
    expect((thrownBy(() => noise.backward(one(4), plain.ticket as Anything)) as Error).message).toMatch(
      /got "dropout", whose backward is that of Dropout$/,
    );
    for (const backward of [dropout.backward.bind(dropout), noise.backward.bind(noise)] as ((
      dy: Float32Array,
      ticket: Anything,
    ) => unknown)[]) {
      expectRefusal(
        () => backward(one(4), plain),
        TypeError,
        '"ticket" expected ticket: pass the .ticket of the forward call\'s result, got Object',
      );
    }
  });
});

describe("words", () => {
  it("of 16-bit data without createHalf name it", () => {
    expect((thrownBy(() => dropout.dropout(new Uint16Array(4) as Anything, 0.5)) as Error).message).toContain("wasm-dropout/half");
  });

  it("of negative seeds say what stands for them", () => {
    for (const seed of [-1, -5n, -(2 ** 40)]) {
      const error = thrownBy(() => dropout.dropout(one(4), 0.5, { seed })) as Error;
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toContain("(for a negative one, take BigInt.asUintN(64, BigInt(value)))");
      expect(dropout.mask(64, 0.5, { seed: BigInt.asUintN(64, BigInt(seed)), stream: 0 }).length).toBe(8);
    }
  });

  it("of options that do not exist name the nearest", async () => {
    expectRefusal(
      () => dropout.dropout(one(4), 0.5, { trainning: false } as Anything),
      TypeError,
      '"trainning" is no option; did you mean "training"?',
    );
    await expect(createDropout({ sed: 1 } as Anything)).rejects.toThrow('"sed" is no option; did you mean "seed"?');
  });
});

describe("ranks of workers", () => {
  it("draw the parts of the mask of the whole batch, in every call, and share one state", async () => {
    const [ranks, n] = [4, 100];
    const single = await createDropout({ seed: 42 });
    const workers = await Promise.all(Array.from({ length: ranks }, (_, rank) => createDropout({ seed: 42, rank })));
    const whole = Float32Array.from({ length: ranks * n }, (_, i) => i + 1);
    const parts = (act: (worker: Dropout, part: Float32Array) => Float32Array) =>
      Float32Array.from(workers.flatMap((worker, rank) => [...act(worker, whole.slice(rank * n, (rank + 1) * n))]));
    for (let step = 0; step < 3; ++step) expect(parts((worker, part) => worker.dropout(part, 0.5))).toEqual(single.dropout(whole, 0.5));
    expect(parts((worker, part) => worker.dropout(part, 0.5, { stream: 9 }))).toEqual(single.dropout(whole, 0.5, { stream: 9 }));
    expect(parts((worker) => worker.mask(n, 0.5, { format: "f32" }))).toEqual(single.mask(ranks * n, 0.5, { format: "f32" }));
    const [first, second] = workers as [Dropout, Dropout];
    expect(first.dropout(one(n), 0.5, { stream: 1 })).not.toEqual(second.dropout(one(n), 0.5, { stream: 1 }));
    expect(first.dropout(one(n), 0.5, { stream: 1, start: 7 })).toEqual(second.dropout(one(n), 0.5, { stream: 1, start: 7 }));
    for (const worker of workers) worker.restore(single.state);
    expect(workers.map((worker) => JSON.stringify(worker.state))).toEqual(workers.map(() => JSON.stringify(single.state)));
    expect(parts((worker, part) => worker.dropout(part, 0.5))).toEqual(single.dropout(whole, 0.5));
    const { y, ticket } = second.forward(one(n), 0.5);
    expect(ticket.start).toBe(n);
    expect(single.backward(one(n), ticket).dx).toEqual(y);
  });

  it("hold for noise, for decisions of shapes, and for 16-bit data", async () => {
    const single = await createDropout({ seed: 42 });
    const worker = await createDropout({ seed: 42, rank: 2 });
    const [a, b] = [await createNoise(single), await createNoise(worker)];
    expect(b.normal(10, { stream: 1 })).toEqual(a.normal(30, { stream: 1 }).slice(20));
    const [s, t] = [await createShapes(single), await createShapes(worker)];
    const whole = s.dropPath(one(30), 0.5, { shape: [6, 5], stream: 1 }).y;
    expect(t.dropPath(one(10), 0.5, { shape: [2, 5], stream: 1 }).y).toEqual(whole.slice(20));
    const { dropout: extended } = await createHalf(worker);
    const bits = new Uint16Array(10).fill(0x3c00);
    const all = half.dropout.dropout(new Uint16Array(30).fill(0x3c00), 0.5, { dtype: "f16", stream: 1 });
    expect(extended.dropout(bits, 0.5, { dtype: "f16", stream: 1 })).toEqual(all.slice(20));
  });

  it("are checked", async () => {
    for (const rank of [-1, 1.5, 2 ** 32, Number.NaN])
      await expect(createDropout({ rank })).rejects.toThrow(`"rank" expected integer in [0, 4294967295], got ${rank}`);
    await expect(createDropout({ rank: "1" as Anything })).rejects.toThrow('"rank" expected integer in [0, 4294967295], got string "1"');
    const far = await createDropout({ seed: 1, rank: 2 ** 32 - 1 });
    const message = `"start" expected integer in [0, ${2 ** 53 - 2 ** 22}], got ${(2 ** 32 - 1) * 2 ** 22}`;
    expectRefusal(() => far.mask(2 ** 22, 0.5), RangeError, message);
  });
});
