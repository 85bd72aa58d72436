// Monte-Carlo dropout by its API: statistics against naive ones over stored passes, masks against those of the core, runs cut in parts,
// other tasks in between, cancellation, failures and refusals.

import { mock } from "node:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { domainStream } from "../../docs/reference.js";
import { createDropout, type Data, type Dropout } from "../../src/core/index.js";
import { PIECE } from "../../src/engine/pieces.js";
import {
  type ClassPrediction,
  createMonteCarlo,
  type Model,
  type MonteCarlo,
  type PassContext,
  type Prediction,
  type PredictOptions,
  streamOf,
} from "../../src/monte-carlo/index.js";
import { nextTaskOf, type Scope, Slices } from "../../src/monte-carlo/tasks.js";
import { KIND } from "../support/messages.js";
import { expectBytes, expectSame } from "../support/oracle.js";

const SEED = 0x123456789abcdefn;
const BUILDS = [true, false] as const;

const made = async (simd = true, maxBytes = 2 ** 26): Promise<[Dropout, MonteCarlo]> => {
  const dropout = await createDropout({ seed: SEED, simd, maxBytes });
  return [dropout, await createMonteCarlo(dropout, { simd })];
};

const input = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i + 1) * 3);
const nap = () => new Promise((resolve) => setTimeout(resolve, 0));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Two layers with dropout before each, rows by rows: [samples, 6] to [samples, 4]. */
function network(x: Float32Array, { dropout }: PassContext): Float32Array {
  const weight = (i: number, o: number, salt: number) => Math.fround(Math.sin(i * 7 + o * 3 + salt));
  const layer = (rows: Float32Array, inputs: number, outputs: number, salt: number) =>
    Float32Array.from({ length: (rows.length / inputs) * outputs }, (_, k) => {
      const [r, o] = [Math.floor(k / outputs), k % outputs];
      let sum = 0;
      for (let i = 0; i < inputs; ++i) sum += (rows[r * inputs + i] as number) * weight(i, o, salt);
      return sum;
    });
  const hidden = layer(dropout(x, 0.25), 6, 5, 0).map((value) => Math.max(0, value));
  return layer(dropout(hidden, 0.5), 5, 4, 1);
}

/** Wraps a model so that its outputs are stored. */
function storing<I>(model: (input: I, context: PassContext) => Float32Array | Float64Array) {
  const outputs: Float64Array[] = [];
  const wrapped: Model<I> = (x, context) => {
    const y = model(x, context);
    outputs.push(Float64Array.from(y));
    return y;
  };
  return { outputs, wrapped };
}

const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const entropy = (p: readonly number[]) => p.reduce((sum, x) => (x > 0 ? sum - x * Math.log(x) : sum), 0);
const softmax = (logits: readonly number[]) => {
  const most = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((x) => x / sum);
};

function expectNear(got: ArrayLike<number>, expected: readonly number[], tolerance = 1e-12): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; ++i) {
    const difference = Math.abs((got[i] as number) - (expected[i] as number));
    if (!(difference <= tolerance * Math.max(1, Math.abs(expected[i] as number))))
      throw new Error(`${i}: ${got[i]} instead of ${expected[i]}`);
  }
}

/** Throws unless `prediction` says of stored outputs what they say when all are looked at together. */
function expectMoments(prediction: Prediction, outputs: readonly ArrayLike<number>[]): void {
  const elements = Array.from(prediction.mean, (_, i) => outputs.map((output) => output[i] as number));
  const means = elements.map(average);
  const sums = elements.map((values, i) => values.reduce((sum, x) => sum + (x - (means[i] as number)) ** 2, 0));
  expect(prediction.passes).toBe(outputs.length);
  expectNear(prediction.mean, means);
  expectNear(prediction.deviations, sums);
  expectNear(
    prediction.populationVariance,
    sums.map((sum) => sum / outputs.length),
  );
  if (outputs.length > 1)
    expectNear(
      prediction.variance,
      sums.map((sum) => sum / (outputs.length - 1)),
    );
}

function expectClasses(prediction: ClassPrediction, outputs: readonly ArrayLike<number>[]): void {
  const { classes, output, samples } = prediction;
  const row = (values: ArrayLike<number>, sample: number) =>
    Array.from({ length: classes }, (_, c) => values[sample * classes + c] as number);
  const chances = outputs.map((values) =>
    Array.from({ length: samples }, (_, s) => (output === "logits" ? softmax(row(values, s)) : row(values, s))),
  );
  expectMoments(
    prediction,
    chances.map((rows) => rows.flat()),
  );
  for (let s = 0; s < samples; ++s) {
    const passes = chances.map((rows) => rows[s] as number[]);
    const mean = Array.from({ length: classes }, (_, c) => average(passes.map((p) => p[c] as number)));
    const votes = new Array<number>(classes).fill(0);
    for (const p of passes) ++(votes[p.indexOf(Math.max(...p))] as number);
    const expected = average(passes.map(entropy));
    expectNear([prediction.predictiveEntropy[s] as number], [entropy(mean)]);
    expectNear([prediction.expectedEntropy[s] as number], [expected]);
    expectNear([prediction.mutualInformation[s] as number], [Math.max(0, entropy(mean) - expected)]);
    expect(prediction.mutualInformation[s]).toBeGreaterThanOrEqual(0);
    expect(row(prediction.votes, s)).toEqual(votes);
    expectNear([prediction.variationRatio[s] as number], [1 - Math.max(...votes) / passes.length]);
  }
}

describe("statistics", () => {
  it.each(BUILDS)("are those of all passes stored, simd %s", async (simd) => {
    const [, monteCarlo] = await made(simd);
    for (const masks of ["perPass", "perExample"] as const) {
      for (const passes of [1, 2, 3, 50]) {
        const { outputs, wrapped } = storing(network);
        const prediction = await monteCarlo.predict(wrapped, input(18), { passes, masks, samples: 3 });
        expectMoments(prediction, outputs);
        expect(outputs.length).toBe(passes);
        if (passes === 1) expect(prediction.variance).toEqual(new Float64Array(12).fill(Number.NaN));
      }
    }
  });

  it.each(BUILDS)("of classifiers, from logits and from probabilities, f32 and f64, simd %s", async (simd) => {
    const [, monteCarlo] = await made(simd);
    const chances = (x: Float32Array, context: PassContext) => {
      const logits = network(x, context);
      return Float64Array.from(
        { length: 12 },
        (_, i) => softmax(Array.from(logits.subarray(i - (i % 4), i - (i % 4) + 4)))[i % 4] as number,
      );
    };
    const single = (x: Float32Array, context: PassContext) => Float32Array.from(chances(x, context));
    const double = (x: Float32Array, context: PassContext) => Float64Array.from(network(x, context));
    for (const [model, output] of [
      [network, "logits"],
      [double, "logits"],
      [chances, "probabilities"],
      [single, undefined],
    ] as const) {
      const { outputs, wrapped } = storing(model as typeof network);
      const options = { passes: 60, samples: 3, classes: 4, masks: "perExample", output } as const;
      const prediction = await monteCarlo.predict(wrapped, input(18), options);
      expectClasses(prediction, outputs);
      expect(prediction.output).toBe(output ?? "probabilities");
    }
  });

  it("are the same bits in both builds", async () => {
    const [simd, scalar] = await Promise.all(
      BUILDS.map(async (build) => {
        const [, monteCarlo] = await made(build);
        return monteCarlo.predict(network, input(18), { passes: 40, samples: 3, classes: 4, output: "logits", masks: "perExample" });
      }),
    );
    expect(simd).toEqual(scalar);
  });

  it("of outputs longer than a piece, in ordinary arrays and in buffers, f32 and f64", async () => {
    const [dropout, monteCarlo] = await made();
    for (const length of [PIECE - 1, PIECE, PIECE + 1, 2.5 * PIECE + 1]) {
      const fill = (array: Float32Array | Float64Array, pass: number) => {
        for (let i = 0; i < length; ++i) array[i] = ((pass + 1) * (i % 97)) / 3;
        return array;
      };
      for (const [dtype, make] of [["f32", Float32Array] as const, ["f64", Float64Array] as const]) {
        using buffer = dropout.alloc(dtype, length);
        const inside: Model<undefined> = (_, { pass }) => {
          fill(buffer.array, pass);
          return buffer as Data;
        };
        const inBuffer = await monteCarlo.predict(inside, undefined, { passes: 3 });
        const outside = await monteCarlo.predict((_, { pass }) => fill(new make(length), pass), undefined, { passes: 3 });
        for (const key of ["mean", "deviations"] as const) expectSame(inBuffer[key], outside[key], key);
        const outputs = [0, 1, 2].map((pass) => fill(new make(length), pass));
        expectMoments(inBuffer, outputs);
      }
    }
  });

  it("of many classes, rows longer than a piece", async () => {
    const [, monteCarlo] = await made();
    const { outputs, wrapped } = storing((_: undefined, { pass }) =>
      Float32Array.from({ length: 2 * 10_000 }, (_, i) => Math.sin(i * (pass + 1)) * 4),
    );
    expectClasses(await monteCarlo.predict(wrapped, undefined, { passes: 3, samples: 2, classes: 10_000, output: "logits" }), outputs);
  });

  it("without spread have variance 0, without dropout no mutual information", async () => {
    const [, monteCarlo] = await made();
    const prediction = await monteCarlo.predict(() => Float32Array.of(0.1, 0.2, 0.7), undefined, { passes: 100, classes: 3 });
    expect(prediction.variance).toEqual(new Float64Array(3));
    expectNear(prediction.mutualInformation, [0], 1e-15);
    expect(prediction.mutualInformation[0]).toBeGreaterThanOrEqual(0);
    expect(prediction.variationRatio).toEqual(Float64Array.of(0));
  });

  it("know what uncertainty is: all of it common to the passes, or all of it theirs", async () => {
    const [, monteCarlo] = await made();
    const undecided = await monteCarlo.predict(() => Float32Array.of(0.5, 0.5), undefined, { passes: 8, classes: 2 });
    expectNear([undecided.predictiveEntropy[0] as number, undecided.mutualInformation[0] as number], [Math.LN2, 0], 1e-15);
    const atOdds = await monteCarlo.predict((_, { pass }) => Float32Array.of(pass % 2, 1 - (pass % 2)), undefined, {
      passes: 8,
      classes: 2,
    });
    expectNear([atOdds.expectedEntropy[0] as number, atOdds.mutualInformation[0] as number], [0, Math.LN2], 1e-15);
    expect(atOdds.variationRatio[0]).toBe(0.5);
  });

  it("take NaN and infinities as arithmetic says, element by element", async () => {
    const [, monteCarlo] = await made();
    const output = (pass: number) => Float32Array.of(1, pass === 2 ? Number.NaN : 1, pass === 2 ? Number.POSITIVE_INFINITY : 1, 2);
    const { mean, variance } = await monteCarlo.predict((_, { pass }) => output(pass), undefined, { passes: 5 });
    expect(mean).toEqual(Float64Array.of(1, Number.NaN, Number.NaN, 2));
    expect(variance).toEqual(Float64Array.of(0, Number.NaN, Number.NaN, 0));
  });

  it("of empty outputs are empty", async () => {
    const [, monteCarlo] = await made();
    const { mean, passes } = await monteCarlo.predict(() => new Float32Array(), undefined, { passes: 3 });
    expect([mean.length, passes]).toEqual([0, 3]);
  });

  it("of an empty batch are empty, also of classifiers, from JSON, merged and resumed", async () => {
    const [dropout, monteCarlo] = await made();
    for (const masks of ["perPass", "perExample"] as const) {
      const model: Model<Float32Array> = (x, context) => {
        const y = context.dropout(x, 0.5);
        expect([y.length, context.dropout(dropout.alloc("f64", 0), 0.5).length]).toEqual([0, 0]);
        return y;
      };
      for (const more of [{}, ...(["probabilities", "logits", "sigmoids"] as const).map((output) => ({ classes: 4, output }))]) {
        for (const axis of "classes" in more ? [{}, { classAxis: 0 }] : [{}]) {
          const options = { ...more, ...axis, passes: 2, samples: 0, masks };
          const a = await monteCarlo.predict(model, new Float32Array(), options);
          expect(a).toMatchObject({ passes: 2, samples: 0, identicalPasses: false });
          for (const value of Object.values(a)) if (ArrayBuffer.isView(value)) expect(value.byteLength).toBe(0);
          const b = await monteCarlo.predict(model, new Float32Array(), { ...options, firstPass: 2 });
          const posted = JSON.parse(JSON.stringify(a)) as Prediction;
          const merged = monteCarlo.merge([posted, b]);
          expect(merged.passes).toBe(4);
          expect(await monteCarlo.predict(model, new Float32Array(), { ...options, resume: posted })).toEqual(merged);
        }
      }
    }
  });

  it("take memory that does not depend on the number of passes, and give it back", async () => {
    const sizes = await Promise.all(
      [10, 1000].map(async (passes) => {
        const [dropout, monteCarlo] = await made();
        const x = input(20_000);
        const run = (passes: number) =>
          monteCarlo.predict((x: Float32Array, { dropout }) => dropout(x, 0.5, { out: x }), x, {
            passes,
            classes: 20,
            samples: 1000,
            output: "logits",
          });
        const prediction = await run(passes);
        const bytes = Object.values(prediction).reduce((sum, value) => sum + (ArrayBuffer.isView(value) ? value.byteLength : 0), 0);
        // The memory that the run took is free again, for buffers and for other runs.
        const { byteLength } = dropout.memory.buffer;
        dropout.alloc("f64", 20_000).free();
        for (let k = 0; k < 20; ++k) await run(2);
        expect(dropout.memory.buffer.byteLength).toBe(byteLength);
        return [bytes, byteLength];
      }),
    );
    expect(sizes[0]).toEqual(sizes[1]);
  });
});

describe("masks", () => {
  const kept = (y: Data) => Uint8Array.from(y as Float32Array, (value) => (value === 0 ? 0 : 1));

  it.each(["tile", "philox"] as const)("are those of streamOf(pass, layer, sample), %s", async (kind) => {
    const [dropout, monteCarlo] = await made();
    const seed = 77;
    for (const features of [1, 15, 128, PIECE, PIECE + 809]) {
      for (const samples of [1, 3]) {
        const expected = (pass: number, layer: number, sample: number) =>
          dropout.mask(features, 0.3, { kind, seed, stream: streamOf(pass, layer, sample), format: "bytes" });
        for (const masks of ["perPass", "perExample"] as const) {
          let calls = 0;
          await monteCarlo.predict(
            (_, context) => {
              const ones = new Float32Array(samples * features).fill(1);
              const layers = [undefined, undefined, 9, undefined].map((layer) => context.dropout(ones, 0.3, { layer }));
              layers.forEach((y, k) => {
                for (let s = 0; s < samples; ++s) {
                  const row = y.subarray(s * features, (s + 1) * features);
                  const sample = masks === "perPass" ? 0 : 5 + s;
                  expectBytes(
                    kept(row),
                    expected(context.pass, [0, 1, 9, 2][k] as number, sample),
                    `pass ${context.pass}, call ${k}, row ${s}`,
                  );
                  ++calls;
                }
              });
              return new Float32Array(1);
            },
            undefined,
            { passes: 2, firstPass: 1000, seed, kind, masks, samples, firstSample: 5 },
          );
          expect(calls).toBe(8 * samples);
        }
      }
    }
  });

  it("scale, dtypes, buffers, in place and options of the call are those of dropout", async () => {
    const [dropout, monteCarlo] = await made();
    const values = Float64Array.from(input(20));
    const checked = await monteCarlo.predict(
      (x: Float64Array<ArrayBuffer>, context) => {
        const y = context.dropout(x, 0.4, { sample: 3, samples: 2 });
        expect(y.subarray(10)).toEqual(dropout.dropout(x.slice(10), 0.4, { stream: streamOf(0, 0, 4) }));
        using buffer = dropout.from(x);
        const again = context.dropout(buffer, 0.4, { layer: 0, sample: 3, samples: 2, out: buffer });
        expect(again).toBe(buffer);
        expect(buffer.array).toEqual(y);
        using other = context.dropout(buffer, 0);
        expect(other.array).toEqual(y);
        expect(context.dropout(x, 1)).toEqual(new Float64Array(20));
        const own = x.slice();
        expect(context.dropout(own, 0.4, { layer: 0, sample: 3, samples: 2, out: own })).toBe(own);
        expect(own).toEqual(y);
        return y;
      },
      values,
      { passes: 1, masks: "perExample" },
    );
    expect(checked.passes).toBe(1);
  });

  it("of anything else come from stream()", async () => {
    const [dropout, monteCarlo] = await made();
    await monteCarlo.predict(
      (_, context) => {
        expect(context.stream()).toEqual({ kind: "tile", seed: SEED, stream: streamOf(4, 0) });
        expect(context.stream({ sample: 8 })).toEqual({ kind: "tile", seed: SEED, stream: streamOf(4, 1, 8) });
        expect(context.stream({ layer: 1 }).stream).toBe(streamOf(4, 1));
        const ones = new Float32Array(50).fill(1);
        expect(dropout.dropout(ones, 0.5, context.stream())).toEqual(context.dropout(ones, 0.5, { layer: 2 }));
        return ones;
      },
      undefined,
      { passes: 1, firstPass: 4 },
    );
  });

  it("use up no stream numbers, and are the same each time", async () => {
    const [dropout, monteCarlo] = await made();
    const before = dropout.state;
    const [a, b] = [await monteCarlo.predict(network, input(6), { passes: 5 }), await monteCarlo.predict(network, input(6), { passes: 5 })];
    expect(a).toEqual(b);
    expect(dropout.state).toEqual(before);
    const other = await monteCarlo.predict(network, input(6), { passes: 5, seed: 1 });
    expect(other.mean).not.toEqual(a.mean);
  });

  it("are not those that training with the same seed draws first", async () => {
    const [dropout, monteCarlo] = await made();
    const ones = new Float32Array(1000).fill(1);
    const first = Array.from({ length: 20 }, () => dropout.dropout(ones, 0.5));
    await monteCarlo.predict(
      (_, context) => {
        const y = context.dropout(ones, 0.5);
        for (const mask of first) expect(y).not.toEqual(mask);
        return y;
      },
      undefined,
      { passes: 20 },
    );
  });

  it("of layers with names are theirs, in whatever order branches come to them", async () => {
    const [dropout, monteCarlo] = await made();
    const x = new Float32Array(64).fill(1);
    const run = async (slow: string) => {
      const branches: Model<Float32Array> = async (input, context) => {
        const branch = async (layer: string) => {
          if (layer === slow) await nap();
          return context.dropout(input, 0.5, { layer });
        };
        const [a, b] = await Promise.all([branch("left"), branch("right")]);
        expect(a).toEqual(dropout.dropout(input, 0.5, { stream: streamOf(context.pass, "left") }));
        // Names use up no numbers.
        expect(context.stream().stream).toBe(streamOf(context.pass, 0));
        return Float32Array.of(...a, ...b);
      };
      return monteCarlo.predict(branches, x, { passes: 5 });
    };
    expect(await run("left")).toEqual(await run("right"));
  });

  it("of layers without names are refused where branches change places", async () => {
    const [, monteCarlo] = await made();
    const branches: Model<undefined> = async (_, { pass, dropout }) => {
      const branch = async (features: number, late: boolean) => {
        if (late) await nap();
        return dropout(new Float32Array(features), 0.5);
      };
      const [a, b] = await Promise.all([branch(6, pass === 1), branch(8, pass !== 1)]);
      return Float32Array.of(...a, ...b);
    };
    await expect(monteCarlo.predict(branches, undefined, { passes: 3 })).rejects.toThrow(
      new RangeError(
        '"layer" expected a name or number, as call 0 without one had 6 features in an earlier pass, got none, for 8 features',
      ),
    );
  });

  describe("of branches that run side by side, without names", () => {
    const SECOND =
      '"layer" expected a name or number, as other calls without one came before, after the model had waited, and branches that run side by side change ' +
      "places, got none";
    /** Two branches of as many features: in odd passes the first of them comes last. */
    const branches =
      (call: (context: PassContext, x: Float32Array<ArrayBuffer>) => unknown): Model<Float32Array<ArrayBuffer>> =>
      async (x, context) => {
        const branch = async (late: boolean) => {
          for (let k = 0; k < (late ? 2 : 1); ++k) await nap();
          call(context, x);
        };
        await Promise.all([branch(context.pass % 2 === 1), branch(context.pass % 2 === 0)]);
        return x;
      };

    it.each([
      ["dropout", ({ dropout }, x) => dropout(x, 0.5)],
      ["stream", ({ stream }) => stream()],
    ] as [string, (context: PassContext, x: Float32Array<ArrayBuffer>) => unknown][])("are refused: %s", async (_, call) => {
      const [, monteCarlo] = await made();
      const x = input(8) as Float32Array<ArrayBuffer>;
      await expect(monteCarlo.predict(branches(call), x, { passes: 3 })).rejects.toThrow(new RangeError(SECOND));
      expect((await monteCarlo.predict(network, input(6), { passes: 2 })).passes).toBe(2);
    });

    it("are refused where the second comes after a wait for a promise alone, or after that of the first", async () => {
      const [, monteCarlo] = await made();
      const hops =
        (late: number) =>
        async (x: Float32Array, { pass, dropout }: PassContext) => {
          const branch = async (waits: number) => {
            for (let k = 0; k < waits; ++k) await undefined;
            return dropout(x, 0.5);
          };
          const [a] = await Promise.all([branch(pass % 2 ? 1 : late), branch(pass % 2 ? late : 1)]);
          return a as Float32Array;
        };
      for (const late of [2, 3, 7]) await expect(monteCarlo.predict(hops(late), input(8), { passes: 3 })).rejects.toThrow(SECOND);
      const chain: Model<Float32Array> = async (x, { dropout }) => {
        await nap();
        const y = dropout(x, 0.5);
        await nap();
        return dropout(y, 0.5);
      };
      await expect(monteCarlo.predict(chain, input(8), { passes: 3 })).rejects.toThrow(SECOND);
    });

    it("are numbered where their order cannot change: before anything is waited for, and in one go after it", async () => {
      const [dropout, monteCarlo] = await made();
      const x = new Float32Array(64).fill(1);
      const drawn: Float32Array[] = [];
      const model: Model<Float32Array> = async (ones, context) => {
        const branch = async (wait: boolean) => {
          if (wait) await nap();
          drawn.push(context.dropout(ones, 0.5));
          if (wait) drawn.push(context.dropout(ones, 0.5));
        };
        await Promise.all([branch(true), branch(false), branch(false)]);
        context.dropout(ones, 0.5, { layer: "named" });
        return ones;
      };
      await monteCarlo.predict(model, x, { passes: 2 });
      const expected = [0, 1].flatMap((pass) => [0, 1, 2, 3].map((layer) => dropout.dropout(x, 0.5, { stream: streamOf(pass, layer) })));
      expect(drawn).toEqual(expected);
    });

    it("a call that is refused for its arguments uses up no number", async () => {
      const [dropout, monteCarlo] = await made();
      const x = new Float32Array(64).fill(1);
      const model: Model<Float32Array> = async (ones, context) => {
        await nap();
        expect(() => context.dropout(ones, 2)).toThrow(RangeError);
        return context.dropout(ones, 0.5);
      };
      const { mean } = await monteCarlo.predict(model, x, { passes: 1, seed: dropout.seed });
      expect(Float32Array.from(mean)).toEqual(dropout.dropout(x, 0.5, { stream: streamOf(0, 0) }));
    });
  });

  it("of two names with one number are refused", async () => {
    const [, monteCarlo] = await made();
    // A collision of 31 bits of FNV-1a, found by search.
    const [a, b] = ["layer 7", "layer 422410"];
    const model: Model<Float32Array> = (x, { dropout }) => dropout(dropout(x, 0.5, { layer: a }), 0.5, { layer: b });
    await expect(monteCarlo.predict(model, input(6), { passes: 1 })).rejects.toThrow(
      new RangeError(`"layer" expected a name whose number is not that of "${a}", got string "${b}"`),
    );
  });

  it("of a part of a batch are those of the batch", async () => {
    const [, monteCarlo] = await made();
    const x = input(36);
    const options = { passes: 12, masks: "perExample", classes: 4, output: "logits" } as const;
    const whole = await monteCarlo.predict(network, x, { ...options, samples: 6 });
    const [head, tail] = [
      await monteCarlo.predict(network, x.subarray(0, 12), { ...options, samples: 2 }),
      await monteCarlo.predict(network, x.subarray(12), { ...options, samples: 4, firstSample: 2 }),
    ];
    for (const key of ["mean", "variance", "predictiveEntropy", "mutualInformation", "votes"] as const) {
      expect(Float64Array.of(...head[key], ...tail[key])).toEqual(whole[key]);
    }
  });
});

describe("streamOf", () => {
  it("is that of the Monte-Carlo domain of the specification", () => {
    for (const [pass, layer, sample] of [
      [0, 0, 0],
      [1, 2, 3],
      [2 ** 24 - 1, 2 ** 16 - 1, 2 ** 24 - 1],
    ] as const) {
      expect(streamOf(pass, layer, sample)).toBe(domainStream(2n, BigInt(pass), BigInt(layer), BigInt(sample)));
    }
    expect(streamOf(7, 1)).toBe(streamOf(7, 1, 0));
  });

  it("has a stream of its own for every pass, layer and sample, far from those that instances count", () => {
    const seen = new Set<bigint>();
    for (let k = 0; k < 30_000; ++k) seen.add(streamOf(k % 100, Math.floor(k / 100) % 10, Math.floor(k / 1000)));
    expect(seen.size).toBe(30_000);
    for (const stream of seen) expect(stream > 2n ** 40n).toBe(true);
  });

  it("takes names of layers, which are no numbers", () => {
    // FNV-1a of "a" is 0xe40c292c, of "foobar" 0xbf9cf968: RFC 9923, appendix C, or the authors' test vectors.
    expect(streamOf(3, "a", 5)).toBe(domainStream(2n, 3n, 0xe40c292cn, 5n));
    expect(streamOf(3, "foobar")).toBe(domainStream(2n, 3n, 0xbf9cf968n, 0n));
    expect(streamOf(0, "0")).not.toBe(streamOf(0, 0));
  });

  it.each([
    [() => streamOf(2 ** 24, 0), RangeError, `"pass" expected integer in [0, 16777215], got 16777216`],
    [() => streamOf(0, 65536), RangeError, `"layer" expected integer in [0, 65535], got 65536`],
    [() => streamOf(0, 0, 2 ** 24), RangeError, `"sample" expected integer in [0, 16777215], got 16777216`],
    [() => streamOf(0, 0.5), RangeError, `"layer" expected integer in [0, 65535], got 0.5`],
    [() => streamOf(0, null as never), TypeError, `"layer" expected name, or integer in [0, 65535], got null`],
    [() => streamOf("0" as never, 0), TypeError, `"pass" expected integer in [0, 16777215], got string "0"`],
  ])("refuses %s", (call, kind, message) => {
    expect(call).toThrow(new kind(message));
    expect(call).toThrow(kind);
  });
});

describe("runs cut in parts", () => {
  const options = { samples: 3, classes: 4, output: "logits", masks: "perExample" } as const;

  function expectSameToRounding(parts: ClassPrediction, whole: ClassPrediction): void {
    for (const key of [
      "mean",
      "variance",
      "populationVariance",
      "deviations",
      "predictiveEntropy",
      "expectedEntropy",
      "mutualInformation",
    ] as const) {
      expectNear(parts[key], Array.from(whole[key]));
    }
    expect(parts).toMatchObject({ passes: whole.passes, ranges: whole.ranges, votes: whole.votes, variationRatio: whole.variationRatio });
  }

  it("over two instances, builds and threads, and merged", async () => {
    const [, first] = await made(true);
    const [, second] = await made(false);
    const whole = await first.predict(network, input(18), { ...options, passes: 100 });
    const a = await first.predict(network, input(18), { ...options, passes: 37 });
    const b = structuredClone(await second.predict(network, input(18), { ...options, passes: 63, firstPass: 37 }));
    expectSameToRounding(second.merge([a, b]), whole);
    expectSameToRounding(first.merge([b, a]), whole);
    expect(first.merge([a])).toEqual(a);
    const c = await first.predict(network, input(18), { ...options, passes: 1, firstPass: 500 });
    expect(first.merge([c, b, a]).ranges).toEqual([
      [0, 100],
      [500, 501],
    ]);
  });

  it("pass by pass, in any order", async () => {
    const [, monteCarlo] = await made();
    const whole = storing(network);
    const prediction = await monteCarlo.predict(whole.wrapped, input(18), { ...options, passes: 12 });
    const parts: ClassPrediction[] = [];
    for (const firstPass of [7, 0, 11, 3, 9, 1, 10, 2, 8, 4, 6, 5]) {
      const { outputs, wrapped } = storing(network);
      parts.push(await monteCarlo.predict(wrapped, input(18), { ...options, passes: 1, firstPass }));
      expect(outputs).toEqual([whole.outputs[firstPass]]);
    }
    expectSameToRounding(monteCarlo.merge(parts), prediction);
  });

  it("resumed give the bits of the run in one", async () => {
    const [, monteCarlo] = await made();
    const whole = await monteCarlo.predict(network, input(18), { ...options, passes: 30 });
    const half = structuredClone(await monteCarlo.predict(network, input(18), { ...options, passes: 11 }));
    const before = structuredClone(half);
    expect(await monteCarlo.predict(network, input(18), { ...options, passes: 19, resume: half })).toEqual(whole);
    expect(half).toEqual(before);
    const plain = await monteCarlo.predict(network, input(18), { passes: 2, samples: 3 });
    const more = await monteCarlo.predict(network, input(18), { passes: 3, samples: 3, firstPass: 10, resume: plain });
    expect(more).toMatchObject({
      passes: 5,
      ranges: [
        [0, 2],
        [10, 13],
      ],
    });
  });

  it("resumed do not change with the earlier prediction", async () => {
    const [, monteCarlo] = await made();
    const whole = await monteCarlo.predict(network, input(6), { passes: 6 });
    const half = await monteCarlo.predict(network, input(6), { passes: 3 });
    const rest = monteCarlo.predict(async (x: Float32Array, context) => network(x, context), input(6), { passes: 3, resume: half });
    structuredClone(half, { transfer: [half.mean.buffer, half.deviations.buffer] });
    expect(await rest).toEqual(whole);
  });

  it("at the end of what can be numbered", async () => {
    const [, monteCarlo] = await made();
    const { ranges } = await monteCarlo.predict(network, input(6), { passes: 2, firstPass: 2 ** 24 - 2 });
    expect(ranges).toEqual([[2 ** 24 - 2, 2 ** 24]]);
  });
});

describe("models", () => {
  it("may be asynchronous, and runs may overlap", async () => {
    const [, monteCarlo] = await made();
    const slow = async (x: Float32Array, context: PassContext) => {
      await nap();
      return network(x, context);
    };
    const expected = [
      await monteCarlo.predict(network, input(6), { passes: 9 }),
      await monteCarlo.predict(network, input(12), { passes: 7, samples: 2, seed: 5 }),
    ];
    const got = await Promise.all([
      monteCarlo.predict(slow, input(6), { passes: 9 }),
      monteCarlo.predict(slow, input(12), { passes: 7, samples: 2, seed: 5 }),
    ]);
    expect(got).toEqual(expected);
  });

  it("get context whose functions need no this, and number layers anew in each pass", async () => {
    const [, monteCarlo] = await made();
    const seen: unknown[] = [];
    await monteCarlo.predict(
      (_, { pass, passes, signal, stream }) => {
        seen.push([pass, passes, signal, stream().stream, stream().stream]);
        return new Float32Array(1);
      },
      undefined,
      { passes: 2, firstPass: 3 },
    );
    expect(seen).toEqual([3, 4].map((pass) => [pass, 2, undefined, streamOf(pass, 0), streamOf(pass, 1)]));
  });

  it("that fail, fail the run, and leave the instance as it was", async () => {
    const [dropout, monteCarlo] = await made(true, 2 ** 21);
    const failing = (at: number, fail: () => Data | Promise<Data>) =>
      monteCarlo.predict((_, { pass }) => (pass === at ? fail() : new Float32Array(30_000)), undefined, { passes: 5 });
    const error = new Error("mine");
    await monteCarlo.predict(() => new Float32Array(30_000), undefined, { passes: 2 });
    const { byteLength } = dropout.memory.buffer;
    for (let k = 0; k < 20; ++k) {
      await expect(
        failing(k % 5, () => {
          throw error;
        }),
      ).rejects.toBe(error);
      await expect(failing(k % 5, () => Promise.reject(error))).rejects.toBe(error);
      await expect(failing(3, () => new Float32Array(7))).rejects.toThrow(new RangeError(`"output" expected length 30000, got 7`));
      await expect(failing(2, () => undefined as never)).rejects.toThrow(
        new TypeError(`"output" expected Float32Array, Float64Array or buffer of f32 or f64, got undefined`),
      );
      await expect(failing(0, () => [1, "2"] as never)).rejects.toThrow(new TypeError(`"output[1]" expected number, got string "2"`));
    }
    expect(dropout.memory.buffer.byteLength).toBe(byteLength);
    const { passes } = await monteCarlo.predict(network, input(6), { passes: 3 });
    expect(passes).toBe(3);
  });

  it("whose statistics do not fit, are refused", async () => {
    const [dropout, monteCarlo] = await made(true, 2 ** 20);
    await expect(monteCarlo.predict(() => new Float32Array(2 ** 16), undefined, { passes: 2 })).rejects.toThrow(RangeError);
    const { byteLength } = dropout.memory.buffer;
    for (let k = 0; k < 10; ++k) await monteCarlo.predict(() => new Float32Array(2 ** 14), undefined, { passes: 2 });
    expect(dropout.memory.buffer.byteLength).toBe(byteLength);
  });

  it("that end onProgress with an error, fail the run", async () => {
    const [, monteCarlo] = await made();
    const error = new Error("mine");
    const onProgress = () => {
      throw error;
    };
    await expect(monteCarlo.predict(network, input(6), { passes: 3, onProgress })).rejects.toBe(error);
  });
});

describe("outputs of classifiers", () => {
  const predict = async (output: unknown, options: object) => {
    const [, monteCarlo] = await made();
    return monteCarlo.predict(() => output as Float32Array, undefined, { passes: 4, ...options } as PredictOptions & { classes: number });
  };
  const hint = ' (output: "logits" is for logits, "sigmoids" for labels that do not exclude each other)';

  it.each([
    [[2, 5, 1], `"output" expected probabilities in [0, 1]${hint}, got 2 for class 0 of row 0`],
    [[0.5, -0.1, 0.6], `"output" expected probabilities in [0, 1]${hint}, got -0.1 for class 1 of row 0`],
    [[0.5, Number.NaN, 0.5], `"output" expected probabilities in [0, 1]${hint}, got NaN for class 1 of row 0`],
    [[0.25, 0.25, 0.25], `"output" expected rows of probabilities whose sum is 1${hint}, got a sum of 0.75 in row 0`],
  ])("that are no probabilities are refused: %j", async (output, message) => {
    await expect(predict(Float64Array.from(output), { classes: 3 })).rejects.toThrow(new RangeError(message));
  });

  it("that are no probabilities are refused in whatever row, however long", async () => {
    const rows = Float64Array.from({ length: 3 * PIECE }, () => 1 / 3);
    rows[3 * (PIECE - 1)] = 0.5;
    await expect(predict(rows, { classes: 3, samples: PIECE })).rejects.toThrow(`in row ${PIECE - 1}`);
  });

  it("that say probabilities to three digits, or sums of f32, are taken", async () => {
    expect((await predict(Float32Array.of(0.333, 0.333, 0.333), { classes: 3 })).passes).toBe(4);
    expect((await predict(Float32Array.of(1.0000001, 0, 0), { classes: 3 })).passes).toBe(4);
  });

  it("that are logits are refused where softmax has no value, and taken with -Infinity for some", async () => {
    const logits = { classes: 3, output: "logits" };
    await expect(predict([1, Number.NaN, 2], logits)).rejects.toThrow(
      new RangeError('"output" expected logits below Infinity, got NaN for class 1 of row 0'),
    );
    await expect(predict([1, Infinity, 2], logits)).rejects.toThrow("got Infinity for class 1 of row 0");
    await expect(predict([-Infinity, -Infinity, -Infinity], logits)).rejects.toThrow(
      new RangeError('"output" expected a finite logit in each row, got -Infinity in all of row 0'),
    );
    expect((await predict([0, -Infinity, 0], logits)).mean).toEqual(Float64Array.of(0.5, 0, 0.5));
  });

  it("that were taken for probabilities have the entropies of logits by the right name", async () => {
    const [, monteCarlo] = await made();
    const model: Model<null> = (_, { pass }) => Float32Array.of(2 + pass, 5, 1);
    const { predictiveEntropy, mutualInformation } = await monteCarlo.predict(model, null, { passes: 4, classes: 3, output: "logits" });
    const chances = [0, 1, 2, 3].map((pass) => softmax([2 + pass, 5, 1]));
    const mean = [0, 1, 2].map((c) => average(chances.map((p) => p[c] as number)));
    expectNear(predictiveEntropy, [entropy(mean)]);
    expectNear(mutualInformation, [entropy(mean) - average(chances.map(entropy))]);
    expectNear(predictiveEntropy, [0.61], 1e-3);
    expectNear(mutualInformation, [0.085], 1e-3);
  });

  it("that are sigmoids are labels of their own, each with its entropies, votes and margin", async () => {
    const [, monteCarlo] = await made();
    for (const [labels, samples] of [
      [3, 2],
      [10_000, 2],
    ] as const) {
      const { outputs, wrapped } = storing((_: undefined, { pass }) =>
        Float32Array.from({ length: labels * samples }, (_, i) => 0.5 + 0.5 * Math.sin((i + 1) * (pass + 1))),
      );
      const prediction = await monteCarlo.predict(wrapped, undefined, { passes: 7, classes: labels, samples, output: "sigmoids" });
      expectMoments(prediction, outputs);
      for (let i = 0; i < labels * samples; i += labels === 3 ? 1 : 997) {
        const chances = outputs.map((output) => output[i] as number);
        const binary = (p: number) => entropy([p, 1 - p]);
        const mean = average(chances);
        const votes = chances.filter((p) => p >= 0.5).length;
        const of = (values: Float64Array) => [values[i] as number];
        expectNear(of(prediction.predictiveEntropy), [binary(mean)]);
        expectNear(of(prediction.expectedEntropy), [average(chances.map(binary))]);
        expectNear(of(prediction.mutualInformation), [Math.max(0, binary(mean) - average(chances.map(binary)))]);
        expect(of(prediction.votes)).toEqual([votes]);
        expectNear(of(prediction.variationRatio), [1 - Math.max(votes, 7 - votes) / 7]);
        expectNear(of(prediction.margin), [Math.abs(2 * mean - 1)]);
      }
      const [head, tail] = [
        await monteCarlo.predict(wrapped, undefined, { passes: 3, classes: labels, samples, output: "sigmoids" }),
        await monteCarlo.predict(wrapped, undefined, { passes: 4, firstPass: 3, classes: labels, samples, output: "sigmoids" }),
      ];
      const merged = monteCarlo.merge([head, tail]);
      expect(merged.votes).toEqual(prediction.votes);
      expectNear(merged.predictiveEntropy, [...prediction.predictiveEntropy]);
    }
    await expect(predict([0.5, 1.5], { classes: 2, output: "sigmoids" })).rejects.toThrow(RangeError);
  });

  it.each(["probabilities", "logits", "sigmoids"] as const)(
    "with classes along any axis equal those with classes last: %s",
    async (output) => {
      const [, monteCarlo] = await made();
      const classes = 3;
      for (const [shape, axis] of [
        [[3, 5], 0],
        [[5, 3], -1],
        [[2, 3, 2, 2], 1],
        [[2, 3, 70, 71], -3],
        [[3, 2, 2], 0],
      ] as const) {
        const at = (axis + shape.length) % shape.length;
        const inner = shape.slice(at + 1).reduce((a, b) => a * b, 1);
        const rows = shape.reduce((a, b) => a * b, 1) / classes;
        const place = (row: number, c: number) => (Math.floor(row / inner) * classes + c) * inner + (row % inner);
        const rowOf = (row: number, pass: number) => {
          const logits = Array.from({ length: classes }, (_, c) => Math.sin(1 + row * 3 + c * 7 + pass * 11) * 2);
          return output === "logits" ? logits : softmax(logits);
        };
        const last: Model<undefined> = (_, { pass }) => Array.from({ length: rows }, (_, row) => rowOf(row, pass));
        const own: Model<undefined> = (_, { pass }) => {
          const values = new Float64Array(rows * classes);
          for (let row = 0; row < rows; ++row)
            rowOf(row, pass).forEach((value, c) => {
              values[place(row, c)] = value;
            });
          return values;
        };
        const common = { classes, output, passes: 4 };
        const expected = await monteCarlo.predict(last, undefined, { ...common, samples: rows });
        const got = await monteCarlo.predict(own, undefined, { ...common, outputShape: shape, classAxis: axis });
        const moved = (values: Float64Array) =>
          Float64Array.from({ length: values.length }, (_, k) => values[place(Math.floor(k / classes), k % classes)] as number);
        for (const key of ["mean", "variance", "standardDeviation", "deviations", "votes"] as const)
          expectSame(moved(got[key]), expected[key], key);
        for (const key of ["predictiveEntropy", "expectedEntropy", "mutualInformation", "variationRatio", "margin"] as const) {
          expectSame(output === "sigmoids" ? moved(got[key]) : got[key], expected[key], key);
        }
        const half = await monteCarlo.predict(own, undefined, { ...common, passes: 2, outputShape: shape, classAxis: axis });
        const posted = JSON.parse(JSON.stringify(half)) as ClassPrediction;
        expect(
          await monteCarlo.predict(own, undefined, { ...common, passes: 2, outputShape: shape, classAxis: axis, resume: posted }),
        ).toEqual(got);
        if (shape.length === 2 && axis === 0) {
          expect((await monteCarlo.predict(own, undefined, { ...common, samples: 5, classAxis: 0 })).mean).toEqual(got.mean);
        }
      }
    },
  );

  it("have margins, standard deviations and standard errors", async () => {
    const [, monteCarlo] = await made();
    const model: Model<undefined> = (_, { pass }) => Float64Array.of(0.5 + pass / 8, 0.25, 0.25 - pass / 8);
    const { margin, variance, standardDeviation, standardError } = await monteCarlo.predict(model, undefined, { passes: 2, classes: 3 });
    expectNear(margin, [0.5625 - 0.25]);
    expectSame(standardDeviation, variance.map(Math.sqrt), "standard deviation");
    expectNear(
      standardError,
      Array.from(variance, (value) => Math.sqrt(value / 2)),
      1e-15,
    );
    const single = await monteCarlo.predict(() => [[1], [1]], undefined, { passes: 2, classes: 1, samples: 2 });
    expect(single.margin).toEqual(Float64Array.of(1, 1));
  });
});

describe("outputs of other libraries", () => {
  const values = [1, 2.5, -3];
  it.each<[string, () => unknown]>([
    ["arrays", () => [...values]],
    ["nested arrays", () => [[1, 2.5], [-3]]],
    ["promises of arrays", async () => [...values]],
    ["tensors with data()", () => ({ data: async () => Float32Array.from(values), dataSync: () => new Float32Array(1) })],
    ["tensors with data() that is no promise", () => ({ data: () => Float32Array.from(values) })],
    ["tensors with dataSync()", () => ({ dataSync: () => Float32Array.from(values) })],
    ["tensors with data", () => ({ data: Float32Array.from(values), dims: [3] })],
    ["promises of tensors", async () => ({ data: Float32Array.from(values), dims: [3] })],
  ])("%s", async (_, output) => {
    const [, monteCarlo] = await made();
    const { mean } = await monteCarlo.predict(() => output() as number[], undefined, { passes: 3 });
    expect([...mean]).toEqual(values);
  });

  it("are refused by name where they hold no numbers of a known dtype", async () => {
    const [, monteCarlo] = await made();
    const message = `"output" expected Float32Array, Float64Array or buffer of f32 or f64, got `;
    for (const [output, got] of [
      [{ data: BigInt64Array.of(1n) }, "BigInt64Array(1)"],
      [{ dataSync: () => Int32Array.of(1) }, "Int32Array(1)"],
      [{ logits: { data: Float32Array.of(1) } }, "Object"],
      [async () => 1, "function"],
      [null, "null"],
      ["abc", 'string "abc"'],
    ] as const) {
      await expect(monteCarlo.predict(() => output as never, undefined, { passes: 1 })).rejects.toThrow(new TypeError(message + got));
    }
    const failing = { data: () => Promise.reject(new Error("disposed")) };
    await expect(monteCarlo.predict(() => failing as never, undefined, { passes: 1 })).rejects.toThrow("disposed");
  });
});

describe("passes that say nothing of uncertainty", () => {
  it("are named where they are all the same", async () => {
    const [, monteCarlo] = await made();
    const run = (model: Model<Float32Array>, passes = 5) => monteCarlo.predict(model, input(6), { passes });
    expect((await run((x) => x)).identicalPasses).toBe(true);
    expect((await run((x, { dropout }) => dropout(x, 0))).identicalPasses).toBe(true);
    expect((await run(network)).identicalPasses).toBe(false);
    expect((await run((x) => x, 1)).identicalPasses).toBe(false);
    expect((await run(() => new Float32Array())).identicalPasses).toBe(false);
    // One element that differs, once.
    expect((await run((x, { pass }) => x.map((value, i) => value + Number(i === 5 && pass === 4)))).identicalPasses).toBe(false);
  });

  it("are known by whether a seed could reach the model", async () => {
    const [, monteCarlo] = await made();
    const used = async (model: Model<Float32Array>) => (await monteCarlo.predict(model, input(6), { passes: 2 })).seedUsed;
    expect(await used((x) => x)).toBe(false);
    expect(await used((x, { passes, signal }) => x.map((value) => value + passes + Number(signal?.aborted ?? 0)))).toBe(false);
    expect(await used((x, { pass }) => x.map((value) => value + pass))).toBe(true);
    expect(await used((x, context) => context.dropout(x, 0.5))).toBe(true);
    expect(await used((x, context) => x.map((value) => value + Number(context.stream().seed & 1n)))).toBe(true);
  });

  it("are neither merged nor resumed where no seed told them apart, unless they are independent", async () => {
    const [, monteCarlo] = await made();
    let state = 1;
    const own: Model<null> = () => {
      state = (state * 48271) % 2147483647;
      return Float32Array.of(state);
    };
    const [a, b] = [await monteCarlo.predict(own, null, { passes: 3 }), await monteCarlo.predict(own, null, { passes: 3, firstPass: 3 })];
    const expected = "true: a model that no seed reaches may give the same passes again (independent: true allows it), got false";
    expect(() => monteCarlo.merge([a, b])).toThrow(new RangeError(`"predictions[0].seedUsed" expected ${expected}`));
    const seeded = await monteCarlo.predict((_: null, { pass }) => Float32Array.of(pass), null, { passes: 3, firstPass: 6 });
    expect(() => monteCarlo.merge([seeded, b])).toThrow(new RangeError(`"predictions[1].seedUsed" expected ${expected}`));
    await expect(monteCarlo.predict(own, null, { passes: 3, resume: a })).rejects.toThrow(
      new RangeError(`"resume.seedUsed" expected ${expected}`),
    );
    expect(monteCarlo.merge([a, b], { independent: true })).toMatchObject({ passes: 6, seedUsed: false });
    expect(monteCarlo.merge([a])).toEqual(a);
    const more = await monteCarlo.predict(own, null, { passes: 3, resume: a, independent: true });
    expect(more).toMatchObject({ passes: 6, seedUsed: false });
    expect(() => monteCarlo.merge([a, b], { independant: true } as never)).toThrow(
      '"independant" is no option; did you mean "independent"?',
    );
  });
});

describe("predictions from JSON", () => {
  it("are merged and resumed as those that never left", async () => {
    const [, monteCarlo] = await made();
    for (const more of [{}, { classes: 4, output: "logits" }] as const) {
      const options = { samples: 3, ...more };
      const [a, b] = [
        await monteCarlo.predict(network, input(18), { ...options, passes: 5 }),
        await monteCarlo.predict(network, input(18), { ...options, passes: 4, firstPass: 5 }),
      ];
      const posted = (value: Prediction) => JSON.parse(JSON.stringify(value)) as Prediction;
      expect(monteCarlo.merge([posted(a), posted(b)])).toEqual(monteCarlo.merge([a, b]));
      expect(monteCarlo.merge([posted(a)])).toEqual(a);
      const resumed = { ...options, passes: 4 };
      expect(await monteCarlo.predict(network, input(18), { ...resumed, resume: posted(a) })).toEqual(
        await monteCarlo.predict(network, input(18), { ...resumed, resume: a }),
      );
      expect(() => monteCarlo.merge([a, posted(a)])).toThrow('"predictions[1].ranges" expected passes that those before do not have');
    }
  });

  it("have NaN where JSON has null", async () => {
    const [, monteCarlo] = await made();
    const nan = await monteCarlo.predict((_: null, { pass }) => Float32Array.of(pass, Number.NaN), null, { passes: 2 });
    expect(monteCarlo.merge([JSON.parse(JSON.stringify(nan)) as Prediction])).toEqual(nan);
  });
});

describe("a stopping rule", () => {
  // Deviations of 1 from 0: the variance over T passes is T / (T - 1), its standard error 1 / sqrt(T - 1).
  const model: Model<null> = (_, { pass }) => Float64Array.of(pass % 2 === 0 ? 1 : -1, 0);

  it("ends a run with the first pass that satisfies it, and says which passes it had", async () => {
    const [, monteCarlo] = await made();
    const told: number[] = [];
    const onProgress = ({ done }: { done: number }) => told.push(done);
    const until = { standardError: 0.2 };
    const got = await monteCarlo.predict(model, null, { passes: 1000, until, onProgress, progressMs: 1e9 });
    // 1 / sqrt(25) is 0.2, after 26 passes.
    expect(got).toMatchObject({ passes: 26, ranges: [[0, 26]] });
    expectNear(got.standardError, [0.2, 0], 1e-15);
    expect(told).toEqual([1, 26]);
    expect(got).toEqual(await monteCarlo.predict(model, null, { passes: 26 }));
    expect((await monteCarlo.predict(model, null, { passes: 7, until })).passes).toBe(7);
  });

  it("counts the passes of an earlier run, and waits for a least number", async () => {
    const [, monteCarlo] = await made();
    const resume = await monteCarlo.predict(model, null, { passes: 20 });
    expect((await monteCarlo.predict(model, null, { passes: 1000, until: { standardError: 0.2 }, resume })).ranges).toEqual([[0, 26]]);
    const same: Model<null> = () => [1];
    expect((await monteCarlo.predict(same, null, { passes: 1000, until: { standardError: 0 } })).passes).toBe(10);
    expect((await monteCarlo.predict(same, null, { passes: 1000, until: { standardError: 0, leastPasses: 2 } })).passes).toBe(2);
    const nan: Model<null> = () => [Number.NaN];
    expect((await monteCarlo.predict(nan, null, { passes: 30, until: { standardError: 1 } })).passes).toBe(30);
  });
});

describe("callbacks that return promises", () => {
  it("onProgress is waited for, and fails the run if it rejects", async () => {
    const [, monteCarlo] = await made();
    const events: string[] = [];
    const onProgress = async ({ done }: { done: number }) => {
      events.push(`begun ${done}`);
      await nap();
      events.push(`ended ${done}`);
    };
    await monteCarlo.predict(network, input(6), { passes: 2, onProgress });
    expect(events).toEqual(["begun 1", "ended 1", "begun 2", "ended 2"]);
    const error = new Error("mine");
    await expect(monteCarlo.predict(network, input(6), { passes: 3, onProgress: () => Promise.reject(error) })).rejects.toBe(error);
    const controller = new AbortController();
    const never = () => {
      setImmediate(() => controller.abort(error));
      return new Promise(() => {});
    };
    await expect(monteCarlo.predict(network, input(6), { passes: 3, onProgress: never, signal: controller.signal })).rejects.toBe(error);
  });
});

describe("other tasks", () => {
  const refuse = () => {
    throw new Error("not supported here");
  };

  /** Counts turns that a chain of timers or immediates gets while `run` is pending. */
  async function turnsDuring(run: Promise<unknown>): Promise<number> {
    let turns = 0;
    let over = false;
    const turn = () => {
      ++turns;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    await run;
    over = true;
    return turns;
  }

  it("have their turn after each pass where slices are empty, and none where a slice holds all passes", async () => {
    const [, monteCarlo] = await made();
    const run = (sliceMs: number) => monteCarlo.predict(network, input(6), { passes: 30, sliceMs });
    expect(await turnsDuring(run(0))).toBeGreaterThanOrEqual(28);
    expect(await turnsDuring(run(Number.POSITIVE_INFINITY))).toBeLessThanOrEqual(1);
  });

  it("have their turn where the clock stands still", () => {
    const ended = (length: number) => {
      const slices = new Slices(length, () => 5);
      return Array.from({ length: 200 }, () => slices.ended()).filter(Boolean).length;
    };
    expect(ended(10)).toBeGreaterThanOrEqual(5);
    expect(ended(Number.POSITIVE_INFINITY)).toBe(0);
  });

  it("have their turn as soon as a slice is over, and the next slice begins after them", async () => {
    let now = 0;
    let tasks = 0;
    const slices = new Slices(
      10,
      () => now,
      async () => {
        ++tasks;
        now += 100;
      },
    );
    now = 9;
    expect(slices.ended()).toBe(false);
    now = 10;
    expect(slices.ended()).toBe(true);
    await slices.pause();
    expect(tasks).toBe(1);
    now = 119;
    expect(slices.ended()).toBe(false);
    now = 120;
    expect(slices.ended()).toBe(true);
  });

  it.each<[string, Partial<Record<keyof Scope, unknown>>]>([
    ["immediates", { MessageChannel: refuse }],
    ["message channels", { setImmediate: undefined }],
    ["timers where there is nothing else", { setImmediate: undefined, MessageChannel: undefined }],
    [
      "timers in Vercel's edge runtime, whatever else there seems to be",
      { EdgeRuntime: "edge-runtime", setImmediate: refuse, MessageChannel: refuse },
    ],
    ["timers in workerd, whatever else there seems to be", { WebSocketPair: refuse, setImmediate: refuse, MessageChannel: refuse }],
  ])("are given way to by %s", async (_, globals) => {
    const nextTask = nextTaskOf({ setTimeout, setImmediate, MessageChannel, ...globals } as Scope);
    let turns = 0;
    const interval = setInterval(() => ++turns, 1);
    // Every turn of the loop serves timers that are due: the interval has its turn after some of them, however long they take.
    while (turns < 3) await nextTask();
    clearInterval(interval);
    expect(turns).toBe(3);
  });

  it("have their turn by the timers of the program's start, whatever fakes have replaced them", async () => {
    const [, monteCarlo] = await made();
    const expected = await monteCarlo.predict(network, input(6), { passes: 5 });
    mock.timers.enable();
    try {
      expect(await monteCarlo.predict(network, input(6), { passes: 5, sliceMs: 0 })).toEqual(expected);
    } finally {
      mock.timers.reset();
    }
    vi.useFakeTimers({ toFake: ["setTimeout", "setImmediate", "setInterval", "performance", "Date", "queueMicrotask"] });
    try {
      expect(await monteCarlo.predict(network, input(6), { passes: 5, sliceMs: 0 })).toEqual(expected);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("progress", () => {
  it("is told after each pass, or where that is less than a time ago not, and after the last", async () => {
    const [, monteCarlo] = await made();
    const told = async (options: Partial<PredictOptions>) => {
      const all: unknown[] = [];
      await monteCarlo.predict(network, input(6), { passes: 4, firstPass: 10, onProgress: (progress) => all.push(progress), ...options });
      return all;
    };
    const each = [1, 2, 3, 4].map((done) => ({ pass: 9 + done, done, passes: 4 }));
    expect(await told({})).toEqual(each);
    expect(await told({ progressMs: 1e9 })).toEqual([each[0], each[3]]);
  });
});

describe("cancellation", () => {
  const reason = new Error("enough");

  it("before the first pass", async () => {
    const [, monteCarlo] = await made();
    const model = vi.fn(network);
    await expect(monteCarlo.predict(model, input(6), { passes: 3, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(model).not.toHaveBeenCalled();
  });

  it.each([0, 4, 9])("by the model in pass %i of 10", async (at) => {
    const [, monteCarlo] = await made();
    const controller = new AbortController();
    let passes = 0;
    const model: Model<Float32Array> = (x, context) => {
      ++passes;
      if (context.pass === at) controller.abort(reason);
      return network(x, context);
    };
    await expect(monteCarlo.predict(model, input(6), { passes: 10, signal: controller.signal })).rejects.toBe(reason);
    expect(passes).toBe(at + 1);
  });

  it("by a timer, while passes are synchronous", async () => {
    const [, monteCarlo] = await made();
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 3);
    await expect(monteCarlo.predict(network, input(6), { passes: 2 ** 24, sliceMs: 1, signal: controller.signal })).rejects.toBe(reason);
  });

  it("while other tasks have their turn: at once, as the runtime of a request may not come back to it", async () => {
    const [, monteCarlo] = await made();
    const controller = new AbortController();
    let ended: unknown;
    monteCarlo.predict(network, input(6), { passes: 10, sliceMs: 0, signal: controller.signal }).catch((error) => {
      ended = error;
    });
    controller.abort(reason);
    // Promises alone, and no task.
    for (let k = 0; k < 20; ++k) await undefined;
    expect(ended).toBe(reason);
  });

  it("while a promise is pending that never settles, or rejects too late, or is pending as the signal aborts", async () => {
    const [dropout, monteCarlo] = await made();
    const { byteLength } = dropout.memory.buffer;
    for (const settles of [false, true]) {
      for (const synchronous of [true, false]) {
        const controller = new AbortController();
        const abort = () => controller.abort(reason);
        let fail: (late: Error) => void = () => {};
        const pending = new Promise<never>((_, reject) => {
          fail = reject;
        });
        const model = (x: Float32Array, context: PassContext) => {
          if (context.pass < 2) return network(x, context);
          if (synchronous) abort();
          else setImmediate(abort);
          return pending;
        };
        await expect(monteCarlo.predict(model, input(6), { passes: 5, signal: controller.signal })).rejects.toBe(reason);
        if (settles) fail(new Error("late"));
      }
    }
    await nap();
    await nap();
    expect(dropout.memory.buffer.byteLength).toBe(byteLength);
    expect((await monteCarlo.predict(network, input(6), { passes: 2 })).passes).toBe(2);
  });

  it("leaves no listeners on a signal that outlives the run", async () => {
    const [, monteCarlo] = await made();
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    await monteCarlo.predict(async (x: Float32Array, context) => network(x, context), input(6), { passes: 20, signal, sliceMs: 0 });
    // One for each pass, and for each turn of other tasks.
    expect(add.mock.calls.length).toBe(20 + 19);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
  });

  it("works with signals of other libraries, that cannot take a listener off or have no reason", async () => {
    const [, monteCarlo] = await made();
    const listeners: (() => void)[] = [];
    const signal = {
      aborted: false,
      addEventListener: (_: string, listener: () => void) => listeners.push(listener),
    } as unknown as AbortSignal;
    const slow: Model<Float32Array> = async (x, context) => network(x, context);
    expect((await monteCarlo.predict(slow, input(6), { passes: 3, signal })).passes).toBe(3);
    const endless = monteCarlo.predict(() => new Promise<Float32Array>(() => {}), input(6), { passes: 3, signal });
    await nap();
    for (const listener of listeners) listener();
    await expect(endless).rejects.toThrow("This operation was aborted");
    const broken = { aborted: false, addEventListener: () => refuseListener() } as unknown as AbortSignal;
    const refuseListener = () => {
      throw reason;
    };
    await expect(
      monteCarlo.predict(async () => Promise.reject(new Error("late")), input(6), { passes: 3, signal: broken }),
    ).rejects.toThrow();
    await nap();
  });

  it("gives the memory back, again and again", async () => {
    const [dropout, monteCarlo] = await made(true, 2 ** 21);
    const sizes = new Set<number>();
    for (let k = 0; k < 20; ++k) {
      const controller = new AbortController();
      const run = monteCarlo.predict(() => new Float32Array(40_000), undefined, {
        passes: 10,
        signal: controller.signal,
        onProgress: ({ done }) => done === 3 && controller.abort(reason),
      });
      await expect(run).rejects.toBe(reason);
      sizes.add(dropout.memory.buffer.byteLength);
    }
    expect(sizes.size).toBe(1);
  });
});

describe("refusals", () => {
  const model = (x: Float32Array, context: PassContext) => network(x, context);
  const refused: [Record<string, unknown>, ErrorConstructor, string][] = [
    [{ passes: 0 }, RangeError, `"passes" expected integer in [1, 16777216], got 0`],
    [{ passes: undefined }, TypeError, `"passes" expected integer in [1, 16777216], got undefined`],
    [{ passes: 2 ** 24 + 1 }, RangeError, `"passes" expected integer in [1, 16777216], got 16777217`],
    [{ firstPass: 2 ** 24 - 2 }, RangeError, `"firstPass" expected integer in [0, 16777213], got 16777214`],
    [{ firstPass: -1 }, RangeError, `"firstPass" expected integer in [0, 16777213], got -1`],
    [
      { seed: -1 },
      RangeError,
      `"seed" expected safe integer or bigint in [0, 2^64) (for a negative one, take BigInt.asUintN(64, BigInt(value))), got -1`,
    ],
    [{ kind: "xor" }, RangeError, `"kind" expected ${KIND}, got string "xor"`],
    [{ masks: "perBatch" }, RangeError, `"masks" expected "perPass" or "perExample", got string "perBatch"`],
    [{ masks: 1 }, TypeError, `"masks" expected "perPass" or "perExample", got 1`],
    [{ samples: -1 }, RangeError, `"samples" expected integer in [0, 16777216], got -1`],
    [{ samples: 0 }, RangeError, `"x" expected length that is a multiple of 0 samples, got 6`],
    [{ samples: 2, firstSample: 2 ** 24 - 1 }, RangeError, `"firstSample" expected integer in [0, 16777214], got 16777215`],
    [{ classes: 0 }, RangeError, `"classes" expected integer in [1, 9007199254740992], got 0`],
    [{ classes: 4, output: "odds" }, RangeError, `"output" expected "probabilities" or "logits" or "sigmoids", got string "odds"`],
    [{ output: "logits" }, TypeError, `"output" expected nothing without classes, got string "logits"`],
    [{ classes: 5 }, RangeError, `"output" expected length 5, samples * classes = 1 * 5, got 4`],
    [{ classes: 2 }, RangeError, `"output" expected length 2, samples * classes = 1 * 2, got 4 (samples: 2 would fit)`],
    [{ outputShape: [2, 2] }, TypeError, `"outputShape" expected nothing without classes, got Array(2)`],
    [{ classAxis: 0 }, TypeError, `"classAxis" expected nothing without classes, got 0`],
    [{ classes: 4, outputShape: [2, 2] }, RangeError, `"outputShape" expected 4 classes along axis 1, got 2`],
    [{ classes: 4, classAxis: 2 }, RangeError, `"classAxis" expected integer in [-2, 1], got 2`],
    [{ until: 0.1 }, TypeError, `"until" expected object, got 0.1`],
    [{ until: { standardError: -1 } }, RangeError, `"until.standardError" expected finite number of at least 0, got -1`],
    [{ until: { standarError: 1 } }, TypeError, `"until.standarError" is no option; did you mean "standardError"?`],
    [{ until: { standardError: 1, leastPasses: 1 } }, RangeError, `"until.leastPasses" expected integer in [2, 16777216], got 1`],
    [{ independent: 1 }, TypeError, `"independent" expected boolean, got 1`],
    [{ onProgress: 1 }, TypeError, `"onProgress" expected function, got 1`],
    [{ progressMs: -1 }, RangeError, `"progressMs" expected number of milliseconds, at least 0, got -1`],
    [{ sliceMs: Number.NaN }, RangeError, `"sliceMs" expected number of milliseconds, at least 0, got NaN`],
    [{ sliceMs: "1" }, TypeError, `"sliceMs" expected number of milliseconds, at least 0, got string "1"`],
    [{ signal: {} }, TypeError, `"signal" expected AbortSignal, got Object`],
    [{ signal: null }, TypeError, `"signal" expected AbortSignal, got null`],
    [{ pases: 3 }, TypeError, `"pases" is no option; did you mean "passes"?`],
    [{ resume: [] }, TypeError, `"resume" expected prediction, got Array(0)`],
    [{ samples: 4 }, RangeError, `"x" expected length that is a multiple of 4 samples, got 6`],
  ];

  it.each(refused)("of options %j", async (options, kind, message) => {
    const [dropout, monteCarlo] = await made();
    const { state } = dropout;
    const run = monteCarlo.predict(model, input(6), { passes: 3, ...options } as PredictOptions);
    await expect(run).rejects.toThrow(new kind(message));
    await expect(run).rejects.toBeInstanceOf(kind);
    expect(dropout.state).toEqual(state);
  });

  it("of a model that is none, and of options that are none", async () => {
    const [, monteCarlo] = await made();
    await expect(monteCarlo.predict({} as never, 1, { passes: 1 })).rejects.toThrow(new TypeError(`"model" expected function, got Object`));
    await expect(monteCarlo.predict(model, input(6), 5 as never)).rejects.toThrow(new TypeError(`"options" expected object, got 5`));
  });

  it("of predictions that do not belong to the run that resumes them", async () => {
    const [, monteCarlo] = await made();
    const resume = await monteCarlo.predict(model, input(6), { passes: 5 });
    const run = (options: Partial<PredictOptions>) => monteCarlo.predict(model, input(6), { passes: 5, resume, ...options });
    await expect(run({ seed: 7 })).rejects.toThrow(new RangeError(`"resume.seed" expected "7", got "${SEED}"`));
    await expect(run({ masks: "perExample" })).rejects.toThrow(new RangeError(`"resume.masks" expected "perExample", got "perPass"`));
    await expect(run({ classes: 4 })).rejects.toThrow(new RangeError(`"resume.classes" expected 4, got undefined`));
    await expect(run({ firstPass: 4 })).rejects.toThrow(new RangeError(`"firstPass" expected 5 passes that "resume" does not have, got 4`));
    await expect(monteCarlo.predict(() => new Float32Array(3), 1, { passes: 5, resume })).rejects.toThrow(
      new RangeError(`"output" expected length 4, got 3`),
    );
  });

  it("of predictions to merge that are none, or do not belong together", async () => {
    const [, monteCarlo] = await made();
    const options = { passes: 5, classes: 4, output: "logits" } as const;
    const a = await monteCarlo.predict(model, input(6), options);
    const b = await monteCarlo.predict(model, input(6), { ...options, firstPass: 5 });
    const merging = (second: object) => () => monteCarlo.merge([a, { ...b, ...second }]);
    expect(() => monteCarlo.merge([])).toThrow(new RangeError(`"predictions" expected at least one prediction, got 0`));
    expect(() => monteCarlo.merge(a as never)).toThrow(new TypeError(`"predictions" expected array of predictions, got Object`));
    expect(() => monteCarlo.merge([a, 1 as never])).toThrow(new TypeError(`"predictions[1]" expected prediction, got 1`));
    expect(() => monteCarlo.merge([a, a])).toThrow(
      new RangeError(`"predictions[1].ranges" expected passes that those before do not have, got [[0,5]]`),
    );
    expect(merging({ seed: "8" })).toThrow(new RangeError(`"predictions[1].seed" expected "${SEED}", got "8"`));
    expect(merging({ seed: 8 })).toThrow(TypeError);
    expect(merging({ kind: "philox" })).toThrow(new RangeError(`"predictions[1].kind" expected "tile", got "philox"`));
    expect(merging({ output: "probabilities" })).toThrow(new RangeError(`"predictions[1].output" expected "logits", got "probabilities"`));
    expect(merging({ passes: 6 })).toThrow(
      new RangeError(`"predictions[1].ranges" expected ascending ranges of 6 passes, got ranges of 5`),
    );
    expect(merging({ ranges: [[5, 5]] })).toThrow(RangeError);
    expect(
      merging({
        ranges: [
          [7, 10],
          [5, 7],
        ],
      }),
    ).toThrow(RangeError);
    expect(merging({ ranges: 5 })).toThrow(new TypeError(`"predictions[1].ranges" expected ascending ranges of 5 passes, got 5`));
    expect(merging({ ranges: [7] })).toThrow(TypeError);
    expect(merging({ mean: "1234" })).toThrow(
      new TypeError(`"predictions[1].mean" expected Float64Array, or numbers from JSON, got string "1234"`),
    );
    expect(merging({ mean: new Float32Array(4) })).toThrow(TypeError);
    expect(merging({ mean: [1, 2, 3] })).toThrow(RangeError);
    expect(merging({ mean: [1, 2, 3, "4"] })).toThrow(new TypeError(`"predictions[1].mean[3]" expected number, got string "4"`));
    expect(merging({ mean: { 0: 1, 1: 1, 2: 1, x: 1 } })).toThrow(new TypeError(`"predictions[1].mean[3]" expected number, got undefined`));
    expect(merging({ seedUsed: undefined })).toThrow(new TypeError(`"predictions[1].seedUsed" expected boolean, got undefined`));
    expect(merging({ votes: new Float64Array(3) })).toThrow(new RangeError(`"predictions[1].votes" expected length 4, got 3`));
    expect(merging({ deviations: new Float64Array(3) })).toThrow(RangeError);
    expect(merging({ expectedEntropy: new Float64Array(2) })).toThrow(RangeError);
    const [c, d] = [
      await monteCarlo.predict(() => new Float32Array(3), 1, { passes: 2 }),
      await monteCarlo.predict(() => new Float32Array(4), 1, { passes: 2, firstPass: 2 }),
    ];
    expect(() => monteCarlo.merge([c, d])).toThrow(new RangeError(`"predictions[1].mean" expected length 3, got 4`));
  });

  it("within a pass, which use up no layer", async () => {
    const [dropout, monteCarlo] = await made();
    let calls = 0;
    const within = (_: undefined, context: PassContext) => {
      const x = new Float32Array(6).fill(1);
      const bad: [() => unknown, string][] = [
        [() => context.dropout(x, 2), `"p" expected number in [0, 1], got 2`],
        [() => context.dropout([1] as never, 0.5), `"x" expected Float32Array, Float64Array or buffer of f32 or f64, got Array(1)`],
        [() => context.dropout(x, 0.5, 1 as never), `"options" expected object, got 1`],
        [() => context.dropout(x, 0.5, { seed: 1 } as never), `"seed" is no option; `],
        [() => context.stream({ samples: 1 } as never), `"samples" is no option; did you mean "sample"?`],
        [() => context.dropout(x, 0.5, { layer: 65536 }), `"layer" expected integer in [0, 65535], got 65536`],
        [() => context.dropout(x, 0.5, { samples: -1 }), `"samples" expected integer in [0, 16777216], got -1`],
        [() => context.dropout(x, 0.5, { samples: 0 }), `"x" expected length that is a multiple of 0 samples, got 6`],
        [() => context.dropout(x, 0.5, { sample: 2 ** 24 }), `"sample" expected integer in [0, 16777215], got 16777216`],
        [() => context.dropout(x, 0.5, { samples: 5 }), `"x" expected length that is a multiple of 5 samples, got 6`],
        [() => context.dropout(x, 0.5, { out: new Float32Array(5) }), `"out" expected length 6, got 5`],
        [
          () => context.dropout(x, 0.5, { out: new Float64Array(6) as never }),
          `"out" expected Float32Array or f32 buffer, got Float64Array(6)`,
        ],
        [
          () => context.dropout(x.subarray(0, 4), 0.5, { out: x.subarray(2, 6) }),
          `"out" expected "x" itself or memory apart from it, got memory that overlaps it`,
        ],
        [() => context.stream({ sample: -1 }), `"sample" expected integer in [0, 16777215], got -1`],
        [() => context.stream({ layer: -1 }), `"layer" expected integer in [0, 65535], got -1`],
      ];
      for (const [call, message] of bad) {
        expect(call).toThrow(message);
        ++calls;
      }
      expect(x).toEqual(new Float32Array(6).fill(1));
      expect(context.stream().stream).toBe(streamOf(0, 0));
      return x;
    };
    const { state } = dropout;
    await monteCarlo.predict(within, undefined, { passes: 1 });
    expect(calls).toBe(15);
    expect(dropout.state).toEqual(state);
  });

  it("of an instance that is none", async () => {
    await expect(createMonteCarlo({} as never)).rejects.toThrow(new TypeError(`"dropout" expected Dropout of this package, got Object`));
    const dropout = await createDropout({ seed: 1 });
    const core = new WebAssembly.Module((await import("../../src/core/inline.js")).dropoutBytes());
    await expect(createMonteCarlo(dropout, { module: core })).rejects.toThrow(
      new TypeError(`"module" expected a wasm-dropout module, got one without output_welford_f32`),
    );
  });
});
