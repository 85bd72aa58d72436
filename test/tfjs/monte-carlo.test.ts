// Monte-Carlo dropout of LayersModels: the masks of seed, pass, layer and example; all else as in prediction, and computed once where it can be.

import * as tf from "@tensorflow/tfjs-core";
import {
  type LayersModel,
  layers,
  model as makeModel,
  input as modelInput,
  type SymbolicTensor,
  sequential,
} from "@tensorflow/tfjs-layers";
import { beforeEach, describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { createMonteCarlo, streamOf } from "../../src/monte-carlo/index.js";
import { createTfjsDropout, maskStates } from "../../src/tfjs/index.js";
import { chance, keepBytes, uniforms } from "../support/oracle.js";
import { BACKENDS, take, useBackend } from "./setup.js";

const SEED = 42n;
const data = (rows: number, columns: number) => tf.tidy(() => tf.sin(tf.reshape(tf.range(0, rows * columns), [rows, columns])));
const weightsOf = (model: LayersModel) => model.getWeights().map((weights) => [...weights.dataSync()]);

/** Returns the number of calls of a layer from now on. */
function callsOf(layer: layers.Layer): () => number {
  let calls = 0;
  const { call } = layer;
  layer.call = function (...args) {
    ++calls;
    return call.apply(this, args);
  };
  return () => calls;
}

describe.each(BACKENDS)("predict on %s", (backend) => {
  beforeEach(() => useBackend(backend));

  it.each(["tfjs", "ours"])("draws the masks of pass, layer and example: layers of %s", async (whose) => {
    const wd = await createTfjsDropout({ seed: SEED });
    const make = whose === "tfjs" ? layers.dropout : wd.layers.dropout;
    const w = Float32Array.from({ length: 20 }, (_, i) => Math.cos(i));
    const model = sequential({
      layers: [
        layers.activation({ activation: "linear", inputShape: [20] }),
        make({ rate: 0.25, name: "drop" }),
        layers.dense({ units: 1, useBias: false, weights: [tf.tensor2d(w, [20, 1])] }),
      ],
    });
    const x = data(3, 20);
    const values = x.dataSync();
    const p = chance("tile", 0.25);
    const passes = [4, 5, 6, 7, 8].map((pass) =>
      [0, 1, 2].map((row) => {
        const keep = keepBytes(uniforms("tile", 7n, streamOf(pass, "drop", row + 2), 0, 20), p);
        return w.reduce((sum, weight, i) => sum + (keep[i] ? (weight * (values[20 * row + i] as number)) / 0.75 : 0), 0);
      }),
    );
    const result = await wd.predict(model, x, { passes: 5, firstPass: 4, seed: 7, firstSample: 2 });
    expect([result.samples, result.passes, result.seedUsed, result.identicalPasses]).toEqual([3, 5, true, false]);
    [0, 1, 2].forEach((row) => {
      const mean = passes.reduce((sum, pass) => sum + (pass[row] as number), 0) / 5;
      const variance = passes.reduce((sum, pass) => sum + ((pass[row] as number) - mean) ** 2, 0) / 4;
      expect(result.mean[row]).toBeCloseTo(mean, 5);
      expect(result.variance[row]).toBeCloseTo(variance, 5);
    });
    x.dispose();
  });

  it("changes nothing, leaves nothing, and computes what is common once", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const model = sequential({
      layers: [
        layers.dense({ units: 16, inputShape: [6] }),
        layers.batchNormalization(),
        wd.layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 8, activation: "selu" }),
        layers.batchNormalization(),
        layers.alphaDropout({ rate: 0.1 }),
        wd.layers.gaussianNoise({ stddev: 0.1 }),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
    const [x, t] = [data(8, 6), tf.ones([8, 3])];
    await model.trainOnBatch(x, t);
    const [weights, states, before] = [weightsOf(model), maskStates(model), take(model.predict(x) as tf.Tensor)];
    const counts = model.layers.map(callsOf);
    await wd.predict(model, x, { passes: 2, output: "probabilities" });
    const { numTensors } = tf.memory();
    const result = await wd.predict(model, x, { passes: 10, output: "probabilities" });
    expect(tf.memory().numTensors).toBe(numTensors);
    // Passes run as one batch; one after another if asked to.
    expect(counts.map((calls) => calls())).toEqual([2, 2, 0, 2, 2, 0, 0, 2]);
    expect(await wd.predict(model, x, { passes: 10, output: "probabilities", batchPasses: 1 })).toEqual(result);
    expect(counts.map((calls) => calls())).toEqual([3, 3, 0, 12, 12, 0, 0, 12]);
    expect([result.classes, result.samples, result.mutualInformation.length]).toEqual([3, 8, 8]);
    expect(result.mutualInformation.every((value) => value > 0)).toBe(true);
    expect([weightsOf(model), maskStates(model)]).toEqual([weights, states]);
    expect(take(model.predict(x) as tf.Tensor)).toEqual(before);
    tf.dispose([x, t]);
  });
});

describe("predict", () => {
  beforeEach(() => useBackend("cpu"));

  /** Nested, shared and wrapped layers of every kind; outputs of 2. */
  function everything(): LayersModel {
    const inner = sequential({
      name: "inner",
      layers: [
        layers.dense({ units: 12, activation: "selu", inputShape: [12] }),
        layers.alphaDropout({ rate: 0.2 }),
        layers.gaussianNoise({ stddev: 0.2 }),
      ],
    });
    const shared = layers.dropout({ rate: 0.5, name: "shared" });
    const input = modelInput({ shape: [12] });
    const twice = inner.apply(inner.apply(input)) as SymbolicTensor;
    const [a, b] = [
      shared.apply(twice),
      shared.apply(layers.gaussianDropout({ rate: 0.2 }).apply(twice) as SymbolicTensor),
    ] as SymbolicTensor[];
    const sum = layers.add().apply([a, b] as SymbolicTensor[]) as SymbolicTensor;
    const steps = layers.reshape({ targetShape: [3, 4] }).apply(sum) as SymbolicTensor;
    const timed = layers.timeDistributed({ layer: layers.dropout({ rate: 0.3, name: "timed" }) }).apply(steps) as SymbolicTensor;
    const fixed = layers.dropout({ rate: 0.3, noiseShape: [1, 3, 1] }).apply(timed) as SymbolicTensor;
    const output = layers.dense({ units: 2 }).apply(layers.flatten().apply(fixed) as SymbolicTensor);
    return makeModel({ inputs: input, outputs: output as SymbolicTensor });
  }

  it("gives parts of a batch and of the passes what the whole has", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const model = everything();
    const x = data(6, 12);
    const whole = await wd.predict(model, x, { passes: 12 });
    const again = await (await createTfjsDropout({ seed: 1 })).predict(model, x, { passes: 12, seed: SEED });
    expect(again).toEqual(whole);
    const [first, rest] = [tf.slice(x, [0, 0], [2, 12]), tf.slice(x, [2, 0], [4, 12])];
    const parts = [await wd.predict(model, first, { passes: 12 }), await wd.predict(model, rest, { passes: 12, firstSample: 2 })];
    expect(parts.flatMap(({ mean }) => [...mean])).toEqual([...whole.mean]);
    expect(parts.flatMap(({ variance }) => [...variance])).toEqual([...whole.variance]);
    const halves = [await wd.predict(model, x, { passes: 5 }), await wd.predict(model, x, { passes: 7, firstPass: 5 })];
    const merged = (await createMonteCarlo(await createDropout())).merge(halves);
    merged.mean.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.mean[i] as number, 12);
    });
    expect(halves[0]?.mean).not.toEqual(halves[1]?.mean);
    tf.dispose([x, first, rest]);
  });

  it("draws other masks at each call of a shared, nested or wrapped layer, and leaves the layers as they were", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const shared = layers.dropout({ rate: 0.5, name: "shared" });
    const input = modelInput({ shape: [256] });
    const both = layers.concatenate().apply([shared.apply(input), shared.apply(input)] as SymbolicTensor[]) as SymbolicTensor;
    const model = makeModel({ inputs: input, outputs: both });
    const { mean } = await wd.predict(model, tf.ones([1, 256]), { passes: 1 });
    expect(mean.slice(0, 256)).not.toEqual(mean.slice(256));
    const wrapped = layers.dropout({ rate: 0.5, name: "wrapped" });
    const timed = sequential({ layers: [layers.timeDistributed({ layer: wrapped, inputShape: [2, 256] })] });
    const steps = await wd.predict(timed, tf.ones([1, 2, 256]), { passes: 1 });
    expect(steps.mean.slice(0, 256)).not.toEqual(steps.mean.slice(256));
    expect(new Set(steps.mean)).toEqual(new Set([0, 2]));
    expect(Object.hasOwn(wrapped, "call")).toBe(false);
    expect(take(timed.predict(tf.ones([1, 2, 256])) as tf.Tensor).every((value) => value === 1)).toBe(true);
  });

  it("shares a mask among the examples where the noise shape says so", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    for (const layer of [
      layers.dropout({ rate: 0.5, noiseShape: [1, 64], inputShape: [64] }),
      wd.layers.dropout({ rate: 0.5, noiseShape: [64], inputShape: [64] }),
    ]) {
      const { mean } = await wd.predict(sequential({ layers: [layer] }), tf.ones([2, 64]), { passes: 1 });
      expect(mean.slice(0, 64)).toEqual(mean.slice(64));
      expect(new Set(mean)).toEqual(new Set([0, 2]));
    }
    const own = sequential({ layers: [wd.layers.dropout({ rate: 0.5, noiseShape: [2, 64], batchInputShape: [2, 64] })] });
    const { mean } = await wd.predict(own, tf.ones([2, 64]), { passes: 1 });
    expect(mean.slice(0, 64)).not.toEqual(mean.slice(64));
  });

  it("takes rates by the names of layers", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const model = sequential({
      layers: [layers.dropout({ rate: 0.5, name: "a", inputShape: [1000] }), wd.layers.dropout({ rate: 0, name: "b" })],
    });
    const values = async (rates: Record<string, number>) =>
      new Set((await wd.predict(model, tf.ones([1, 1000]), { passes: 1, rates })).mean);
    expect(await values({ a: 0.75 })).toEqual(new Set([0, 4]));
    expect(await values({ a: 0, b: 0.75 })).toEqual(new Set([0, 4]));
    expect(await values({ b: 0.5 })).toEqual(new Set([0, 4]));
    expect([(model.layers[0] as unknown as { rate: number }).rate, (model.layers[1] as unknown as { rate: number }).rate]).toEqual([
      0.5, 0,
    ]);
    await expect(values({ c: 0.5 })).rejects.toThrow('"rates" expected names of layers with a rate, got "c"');
    await expect(values({ a: 1.5 })).rejects.toThrow('"rate" expected number in [0, 1], got 1.5');
  });

  it("refuses what would say nothing, by name", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const x = tf.ones([1, 4]);
    const refused = (model: unknown, message: string, options: object = {}, inputs: unknown = x) =>
      expect(wd.predict(model as never, inputs as never, { passes: 2, ...options })).rejects.toThrow(message);
    const dense = () => layers.dense({ units: 4, inputShape: [4] });
    const nothing = '"model" expected model with a dropout or noise layer that drops, got one in which nothing is random';
    await refused(sequential({ layers: [dense()] }), nothing);
    await refused(sequential({ layers: [dense(), layers.dropout({ rate: 0 }), wd.layers.gaussianNoise({ stddev: 0 })] }), nothing);
    const good = sequential({ layers: [dense(), layers.dropout({ rate: 0.5 })] });
    await refused(good, nothing, { rates: { [(good.layers[1] as layers.Layer).name]: 0 } });
    await refused({}, '"model" expected LayersModel that is built');
    await refused(good, '"samples" is no option', { samples: 3 });
    await refused(good, '"inputs" expected tensor, got string "x"', {}, "x");
    await refused(good, '"inputs" expected 1 tensors, got 2', {}, [x, x]);
    await refused(good, '"passes" expected integer', { passes: 0 });
    const input = modelInput({ shape: [4] });
    const y = layers.dropout({ rate: 0.5 }).apply(input) as SymbolicTensor;
    await refused(makeModel({ inputs: input, outputs: [y, input] }), '"model" expected model of one output, got 2 outputs');
    const lstm = sequential({
      layers: [
        layers.simpleRNN({ units: 2, stateful: true, recurrentInitializer: "zeros", batchInputShape: [1, 2, 2] }),
        layers.dropout({ rate: 0.5 }),
      ],
    });
    await refused(lstm, '"model" expected model without states', {}, tf.ones([1, 2, 2]));
    expect((await wd.predict(good, x, { passes: 2 })).passes).toBe(2);
  });
});
