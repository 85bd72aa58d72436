// Models, signals and predictions that are not what they seem, and instances of several ranks.

import { beforeAll, describe, expect, it, vi } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createMonteCarlo, type MonteCarlo, type PassContext } from "../../src/monte-carlo/index.js";

let dropout: Dropout;
let monteCarlo: MonteCarlo;
beforeAll(async () => {
  dropout = await createDropout({ seed: 42 });
  monteCarlo = await createMonteCarlo(dropout);
});
const x = new Float32Array(6).fill(1);
const model = (input: Float32Array, context: PassContext) => context.dropout(input, 0.5);
const of = (output: unknown) => monteCarlo.predict(() => output as never, x, { passes: 1 });

describe("arrays as outputs", () => {
  it("have a number at every place, and are read in order until one has none", async () => {
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    await expect(of([1, , 3])).rejects.toThrow('"output[1]" expected number, got undefined');
    await expect(of(new Array(2 ** 32 - 1))).rejects.toThrow('"output[0]" expected number, got undefined');
    await expect(of([[1, 2], new Array(2 ** 32 - 1)])).rejects.toThrow('"output[2]" expected number, got undefined');
    expect([...(await of([[1, [2]], 3])).mean]).toEqual([1, 2, 3]);
  });

  it("that hold themselves are refused at once", async () => {
    const self: unknown[] = [];
    for (let k = 0; k < 12; ++k) self.push(self);
    await expect(of(self)).rejects.toThrow('"output[0]" expected number, got Array(12)');
  });
});

describe("predictions to merge", () => {
  it("are at every place of their array", async () => {
    const prediction = await monteCarlo.predict(model, x, { passes: 2 });
    const other = await monteCarlo.predict(model, x, { passes: 2, firstPass: 2 });
    expect(() => monteCarlo.merge(new Array(2 ** 32 - 1))).toThrow('"predictions[0]" expected prediction, got undefined');
    const sparse = [prediction, undefined, other] as (typeof prediction)[];
    delete sparse[1];
    expect(() => monteCarlo.merge(sparse)).toThrow('"predictions[1]" expected prediction, got undefined');
  });

  it("with arrays that lie about their length", async () => {
    const [a, b] = [await monteCarlo.predict(model, x, { passes: 2 }), await monteCarlo.predict(model, x, { passes: 2, firstPass: 2 })];
    const right = monteCarlo.merge([a, b]);
    const lying = { ...b, mean: Object.defineProperty(b.mean.slice(), "length", { value: 2 }) };
    expect(monteCarlo.merge([a, lying])).toEqual(right);
    expect(() => monteCarlo.merge([a, { ...b, mean: new Array(2 ** 32 - 1) as never }])).toThrow(/"predictions\[1\]/);
  });
});

describe("signals", () => {
  it("whose removeEventListener throws", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const signal = {
      aborted: false,
      addEventListener() {},
      removeEventListener() {
        throw new Error("no");
      },
    };
    const waiting = async (input: Float32Array, context: PassContext) => context.dropout(input, 0.5);
    const { passes } = await monteCarlo.predict(waiting, x, { passes: 3, signal: signal as unknown as AbortSignal });
    expect(passes).toBe(3);
    // Rejections without a handler are told once the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe("instances with a rank", () => {
  it("predict as those without: masks follow from pass, layer and sample", async () => {
    const ranked = await createMonteCarlo(await createDropout({ seed: 42, rank: 3 }));
    const options = { passes: 4, samples: 2, masks: "perExample" } as const;
    expect(await ranked.predict(model, x, options)).toEqual(await monteCarlo.predict(model, x, options));
  });
});
