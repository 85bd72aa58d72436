// Predictions of LayersModels beyond their own dropout layers: dropout that is inserted or within recurrent layers, passes as batches, masks of a pass, and
// streams of the engine's in operations.

import * as tf from "@tensorflow/tfjs-core";
import {
  type LayersModel,
  layers,
  model as makeModel,
  input as modelInput,
  type SymbolicTensor,
  sequential,
} from "@tensorflow/tfjs-layers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { createMonteCarlo, type MonteCarlo, type Prediction, streamOf } from "../../src/monte-carlo/index.js";
import { createTfjsDropout, type TfjsDropout, type TfjsPredictOptions } from "../../src/tfjs/index.js";
import { chance, drop, keepBytes, uniforms } from "../support/oracle.js";
import { BACKENDS, take, useBackend } from "./setup.js";

const SEED = 42n;
const data = (...shape: number[]) =>
  tf.tidy(() =>
    tf.sin(
      tf.reshape(
        tf.range(
          0,
          shape.reduce((a, b) => a * b),
        ),
        shape,
      ),
    ),
  );
let wd: TfjsDropout;
let monteCarlo: MonteCarlo;
beforeAll(async () => {
  await useBackend("cpu");
  wd = await createTfjsDropout({ seed: SEED });
  monteCarlo = await createMonteCarlo(await createDropout({ seed: SEED }));
});

/** The elements that a site keeps of `length` in a pass, for an example. */
const kept = (site: string, pass: number, sample: number, length: number, rate: number) =>
  keepBytes(uniforms("tile", SEED, streamOf(pass, site, sample), 0, length), chance("tile", rate));

const linear = (units: number, inputShape?: number[]) =>
  layers.dense({ units, kernelInitializer: "ones", ...(inputShape && { inputShape }) });

describe.each(BACKENDS)("on %s", (backend) => {
  beforeEach(() => useBackend(backend));

  /** Steps of every kind: convolutions, recurrent layers, sums, norms, in and out of nested models. */
  function everything(): LayersModel {
    const input = modelInput({ shape: [4, 4, 2] });
    const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]) => layer.apply(x) as SymbolicTensor;
    const conv = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", activation: "relu" }), input);
    const dropped = apply(layers.dropout({ rate: 0.3, name: "maps", noiseShape: [null, 1, 1, 4] as never }), conv);
    const norm = apply(layers.batchNormalization(), apply(layers.depthwiseConv2d({ kernelSize: 3, padding: "same" }), dropped));
    // Both what is common to all passes and what is not.
    const sum = apply(layers.add(), [conv, norm]);
    const inner = sequential({
      name: "inner",
      layers: [
        layers.dense({ units: 4, activation: "selu", inputShape: [16, 4] }),
        layers.alphaDropout({ rate: 0.1 }),
        layers.gaussianNoise({ stddev: 0.1 }),
      ],
    });
    const steps = apply(inner as unknown as layers.Layer, apply(layers.reshape({ targetShape: [16, 4] }), sum));
    const memory = apply(layers.lstm({ units: 5, recurrentInitializer: "glorotNormal", dropout: 0.2, recurrentDropout: 0.2 }), steps);
    const timed = apply(
      layers.flatten(),
      apply(layers.timeDistributed({ layer: layers.gaussianDropout({ rate: 0.2, name: "timed" }) }), steps),
    );
    const joined = apply(layers.concatenate(), [memory, timed]);
    return makeModel({ inputs: input, outputs: apply(layers.dense({ units: 3, activation: "softmax" }), joined) });
  }

  it("passes give the same bits as one batch, in parts and one by one", async () => {
    const model = everything();
    const x = data(3, 4, 4, 2);
    const run = (options: Partial<TfjsPredictOptions>) =>
      wd.predict(model, x, { passes: 7, output: "probabilities", keepPasses: true, ...options });
    const one = await run({ batchPasses: 1 });
    const { numTensors } = tf.memory();
    for (const batchPasses of [undefined, 2, 3, 7, 100]) expect(await run({ batchPasses })).toEqual(one);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect((await run({ passes: 3, batchPasses: 3, resume: await run({ passes: 4, batchPasses: 4 }) })).passOutputs).toEqual(
      one.passOutputs,
    );
    const shared = await run({ masks: "perPass" });
    expect(await run({ masks: "perPass", batchPasses: 1 })).toEqual(shared);
    expect(shared.mean).not.toEqual(one.mean);
    x.dispose();
    model.dispose();
  });

  it("passes of masked sequences give the same bits as one batch", async () => {
    const model = sequential({
      layers: [
        layers.masking({ maskValue: 0, inputShape: [5, 3] }),
        layers.dropout({ rate: 0.4 }),
        layers.simpleRNN({ units: 4, recurrentInitializer: "ones", recurrentDropout: 0.5 }),
      ],
    });
    const x = tf.tidy(() => tf.mul(data(4, 5, 3), tf.cast(tf.greater(tf.reshape(tf.range(0, 5), [1, 5, 1]), 1), "float32")));
    const one = await wd.predict(model, x, { passes: 6, batchPasses: 1 });
    expect(await wd.predict(model, x, { passes: 6 })).toEqual(one);
    x.dispose();
  });

  it("drops after named layers as asked, the model being as before", async () => {
    const model = sequential({ layers: [layers.activation({ activation: "linear", name: "head", inputShape: [6, 4] }), layers.flatten()] });
    const ones = tf.ones([2, 6, 4]);
    const scaled = (keep: ArrayLike<number>, rate: number) => [
      ...drop(new Float32Array(keep.length).fill(1), Uint8Array.from(keep), chance("tile", rate)),
    ];
    const site = "head+dropout";
    const { mean } = await wd.predict(model, ones, { passes: 1, firstPass: 3, insert: { head: 0.25 } });
    expect([...mean]).toEqual([0, 1].flatMap((sample) => scaled(kept(site, 3, sample, 24, 0.25), 0.25)));
    const spatial = await wd.predict(model, ones, { passes: 1, insert: { head: { rate: 0.5, noiseShape: [null, 1, 4] } } });
    const maps = [0, 1].flatMap((sample) => {
      const row = kept(site, 0, sample, 4, 0.5);
      return Array.from({ length: 24 }, (_, i) => 2 * (row[i % 4] as number));
    });
    expect([...spatial.mean]).toEqual(maps);
    const pass = await wd.predict(model, ones, { passes: 1, insert: { head: 0.5 }, masks: "perPass" });
    expect([...pass.mean.subarray(0, 24)]).toEqual(scaled(kept(site, 0, 0, 24, 0.5), 0.5));
    expect(pass.mean.subarray(24)).toEqual(pass.mean.subarray(0, 24));
    expect(take(model.predict(ones) as tf.Tensor).every((value) => value === 1)).toBe(true);
    ones.dispose();
  });
});

describe("insertion", () => {
  beforeEach(() => useBackend("cpu"));

  it("beside layers that drop, in nested models, at inputs, and where a layer is called twice", async () => {
    const inner = sequential({ name: "inner", layers: [linear(4, [4]), layers.activation({ activation: "linear", name: "deep" })] });
    const input = modelInput({ shape: [4], name: "in" });
    const shared = layers.activation({ activation: "linear", name: "shared" });
    const twice = [shared.apply(inner.apply(input)), shared.apply(input)] as SymbolicTensor[];
    const model = makeModel({ inputs: input, outputs: layers.concatenate().apply(twice) as SymbolicTensor });
    const x = tf.ones([1, 4]);
    const run = async (insert: TfjsPredictOptions["insert"], pass = 0) => [
      ...(await wd.predict(model, x, { passes: 1, firstPass: pass, insert })).mean,
    ];
    const of = (site: string, value: number) => [...kept(site, 0, 0, 4, 0.5)].map((keep) => 2 * value * keep);
    expect(await run({ deep: 0.5 })).toEqual([...of("inner/deep+dropout", 4), 1, 1, 1, 1]);
    expect(await run({ inner: 0.5 })).toEqual([...of("inner+dropout", 4), 1, 1, 1, 1]);
    expect(await run({ shared: 0.5 })).toEqual([...of("shared+dropout", 4), ...of("shared#1+dropout", 1)]);
    const dropped = of("in+dropout", 1);
    const sum = dropped.reduce((a, b) => a + b);
    expect(await run({ in: 0.5 })).toEqual([sum, sum, sum, sum, ...dropped]);
    expect(await run({ in: 0.5, deep: 0 })).toEqual([sum, sum, sum, sum, ...dropped]);
    x.dispose();
  });

  it("is refused by name where there is nothing to drop from", async () => {
    const model = sequential({
      layers: [
        layers.timeDistributed({ layer: layers.dense({ units: 2, name: "inside" }), inputShape: [3, 2] }),
        layers.dropout({ rate: 0.5, name: "own" }),
      ],
    });
    const x = tf.ones([1, 3, 2]);
    const refused = (insert: unknown, message: string, more: object = {}) =>
      expect(wd.predict(model, x, { passes: 1, insert, ...more } as never)).rejects.toThrow(message);
    await refused({ other: 0.5 }, '"insert" expected names of layers in the graph, got "other"');
    await refused({ inside: 0.5 }, '"insert" expected names of layers in the graph, got "inside"');
    await refused({ own: 1.5 }, '"insert.own" expected number in [0, 1], got 1.5');
    await refused({ own: { rate: 0.5, shape: [1] } }, '"insert.own.shape" is no option');
    await refused({ own: { rate: "x" } }, '"insert.own.rate" expected number');
    await refused({ own: { rate: 0.5, noiseShape: [7] } }, '"noiseShape');
    await refused([0.5], '"insert" expected object of rates');
    await refused(undefined, '"batchPasses" expected integer', { batchPasses: 0 });
    await refused(undefined, '"masks" expected "perPass" or "perExample"', { masks: "perBatch" });
    const { numTensors } = tf.memory();
    await refused({ own: { rate: 0.5, noiseShape: [7] } }, '"noiseShape');
    expect(tf.memory().numTensors).toBe(numTensors);
    expect((await wd.predict(model, x, { passes: 1, insert: { own: 0.5 } })).passes).toBe(1);
    x.dispose();
  });

  it("runs one pass at a time through layers that may look at the whole batch", async () => {
    class Centred extends layers.Layer {
      static className = "CentredOverTheBatch";
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        const x = Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs;
        return tf.sub(x, tf.mean(x, 0, true));
      }
    }
    const model = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [8] }), new Centred({}) as layers.Layer] });
    const x = data(3, 8);
    const { passOutputs } = await wd.predict(model, x, { passes: 5, keepPasses: true });
    for (let pass = 0; pass < 5; ++pass) {
      for (let k = 0; k < 8; ++k) {
        const column = [0, 1, 2].reduce((sum, row) => sum + (passOutputs?.[pass * 24 + row * 8 + k] as number), 0);
        expect(Math.abs(column)).toBeLessThan(1e-6);
      }
    }
    await expect(wd.predict(model, x, { passes: 5, batchPasses: 2 })).rejects.toThrow(
      '"batchPasses" expected 1 for a model whose layers may look at the whole batch',
    );
    const along = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [8] }), layers.softmax({ axis: -2 })] });
    await expect(wd.predict(along, x, { passes: 5, batchPasses: 2 })).rejects.toThrow('"batchPasses" expected 1');
    x.dispose();
  });
});

describe("dropout within recurrent layers", () => {
  beforeEach(() => useBackend("cpu"));

  it("is live, by masks that a plain recurrent network of the same masks has too", async () => {
    const [steps, inputs, units] = [4, 3, 2];
    const rnn = layers.simpleRNN({
      units,
      dropout: 0.5,
      recurrentDropout: 0.25,
      recurrentInitializer: "glorotNormal",
      name: "rnn",
      inputShape: [steps, inputs],
    });
    const model = sequential({ layers: [rnn] });
    const x = data(2, steps, inputs);
    const [w, u, b] = model.getWeights().map((weights) => weights.dataSync()) as [Float32Array, Float32Array, Float32Array];
    const values = x.dataSync();
    const { passOutputs = [] } = await wd.predict(model, x, { passes: 3, keepPasses: true });
    for (let pass = 0; pass < 3; ++pass) {
      for (let sample = 0; sample < 2; ++sample) {
        const scaled = (mask: string, length: number, rate: number) =>
          [...kept(`rnn/${mask}`, pass, sample, length, rate)].map((keep) => keep / (1 - rate));
        const [of, back] = [scaled("0#0", inputs, 0.5), scaled("0#1", units, 0.25)];
        let h = new Array<number>(units).fill(0);
        for (let step = 0; step < steps; ++step) {
          h = h.map((_, o) => {
            let sum = b[o] as number;
            for (let i = 0; i < inputs; ++i)
              sum += (values[(sample * steps + step) * inputs + i] as number) * (of[i] as number) * (w[i * units + o] as number);
            for (let i = 0; i < units; ++i) sum += (h[i] as number) * (back[i] as number) * (u[i * units + o] as number);
            return Math.tanh(sum);
          });
        }
        h.forEach((value, o) => {
          expect(passOutputs[(pass * 2 + sample) * units + o]).toBeCloseTo(value, 5);
        });
      }
    }
    x.dispose();
  });

  const cells = { recurrentInitializer: "glorotNormal" as const, recurrentDropout: 0.3 };
  const kinds: [string, () => layers.Layer, number[]][] = [
    ["GRU", () => layers.gru({ units: 3, dropout: 0.3, recurrentInitializer: "glorotNormal", inputShape: [4, 2] }), [4, 2]],
    ["LSTM", () => layers.lstm({ units: 3, ...cells, inputShape: [4, 2] }), [4, 2]],
    ["LSTM of sequences", () => layers.lstm({ units: 3, ...cells, returnSequences: true, inputShape: [4, 2] }), [4, 2]],
    [
      "stacked cells",
      () =>
        layers.rnn({
          cell: [layers.gruCell({ units: 3, ...cells }), layers.lstmCell({ units: 2, ...cells, dropout: 0.2 })],
          inputShape: [4, 2],
        }),
      [4, 2],
    ],
    [
      "both directions",
      () => layers.bidirectional({ layer: layers.lstm({ units: 3, ...cells }) as never, mergeMode: "concat", inputShape: [4, 2] }),
      [4, 2],
    ],
    ["each step", () => layers.timeDistributed({ layer: layers.gru({ units: 3, ...cells }), inputShape: [2, 4, 2] }), [2, 4, 2]],
    [
      "convolutions",
      () => layers.convLstm2d({ filters: 2, kernelSize: 2, dropout: 0.3, ...cells, inputShape: [3, 4, 4, 1] } as never),
      [3, 4, 4, 1],
    ],
  ];

  it.each(kinds)("is live, seeded, and leaves the layer as it was: %s", async (_, make, shape) => {
    const model = sequential({ layers: [make()] });
    const x = data(3, ...shape);
    const before = take(model.predict(x) as tf.Tensor);
    const run = (options: object = {}): Promise<Prediction> => wd.predict(model, x, { passes: 4, keepPasses: true, ...options });
    const first = await run();
    const { numTensors } = tf.memory();
    expect(await run()).toEqual(first);
    expect(await run({ batchPasses: 1 })).toEqual(first);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(first.identicalPasses).toBe(false);
    expect(await run({ seed: 1 })).not.toEqual(first);
    const part = tf.slice(x, [1, ...shape.map(() => 0)], [2, ...shape]);
    expect([...(await wd.predict(model, part, { passes: 4, firstSample: 1 })).mean]).toEqual([
      ...first.mean.subarray(first.mean.length / 3),
    ]);
    expect(take(model.predict(x) as tf.Tensor)).toEqual(before);
    tf.dispose([x, part]);
  });

  it("is refused by name in cells of a program's own and in wrapped models", async () => {
    class Own extends layers.RNNCell {
      static className = "OwnCell";
      stateSize = 2;
      dropout = 0.5;
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
        const [x] = inputs as tf.Tensor[];
        return [x as tf.Tensor, x as tf.Tensor];
      }
    }
    const model = sequential({
      layers: [layers.rnn({ cell: new Own({}) as never, name: "r", inputShape: [3, 2] }), layers.dropout({ rate: 0.5 })],
    });
    await expect(wd.predict(model, tf.ones([1, 3, 2]), { passes: 1 })).rejects.toThrow(
      'got layer "r", OwnCell, which drops in a way of its own',
    );
    const inner = sequential({
      layers: [layers.gru({ units: 2, recurrentInitializer: "ones", dropout: 0.5, name: "g", inputShape: [3, 2] })],
    });
    const wrapped = sequential({ layers: [layers.timeDistributed({ layer: inner as never, name: "t", inputShape: [2, 3, 2] })] });
    await expect(wd.predict(wrapped, tf.ones([1, 2, 3, 2]), { passes: 1 })).rejects.toThrow(
      '"model" expected recurrent dropout in layers of the graph, got layer "g" in a model that "t" wraps',
    );
  });
});

describe("masks of a pass", () => {
  beforeEach(() => useBackend("cpu"));

  it("are one network for all examples, whose information gain can be computed", async () => {
    const model = sequential({
      layers: [
        layers.dense({ units: 16, activation: "relu", inputShape: [4] }),
        layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    const [pool, targets] = [data(5, 4), tf.tidy(() => tf.neg(data(2, 4)))];
    const options = { passes: 40, output: "probabilities", masks: "perPass", keepPasses: true } as const;
    const [a, b] = [await wd.predict(model, pool, options), await wd.predict(model, targets, options)];
    const gains = monteCarlo.epig(a, b);
    expect(gains.length).toBe(5);
    expect(Math.min(...gains)).toBeGreaterThan(0);
    const both = await wd.predict(model, tf.concat([pool, targets]), options);
    expect(monteCarlo.epig(both, 2)).toEqual(gains);
    const own = await wd.predict(model, pool, { ...options, masks: "perExample" });
    expect(() => monteCarlo.epig(own, b)).toThrow('"pool.masks" expected "perPass"');
    tf.dispose([pool, targets]);
  });
});

describe("operations by the engine's streams", () => {
  beforeEach(() => useBackend("cpu"));

  it("have the masks of a pass's context, row by row", async () => {
    const values = Float32Array.from({ length: 24 }, (_, i) => i + 1);
    for (const [samples, shape] of [
      [3, [3, 8]],
      [3, [3, 2, 4]],
      [1, [24]],
      [1, [3, 8]],
    ] as const) {
      for (const masks of ["perPass", "perExample"] as const) {
        const options = { passes: 3, samples, masks, firstSample: 5, firstPass: 2, keepPasses: true };
        const x = tf.tensor(values, [...shape]);
        const got = await monteCarlo.predict(
          (_, context) => take(wd.dropout(wd.dropout(x, 0.25, null, context), 0.5, null, context)),
          null,
          options,
        );
        const expected = await monteCarlo.predict((_, { dropout }) => dropout(dropout(values, 0.25), 0.5), null, options);
        expect(got).toEqual(expected);
        x.dispose();
      }
    }
  });

  it("have one mask for all rows where the noise shape says so", async () => {
    const model = (noiseShape: (number | null)[]) =>
      monteCarlo.predict((_, context) => take(wd.dropout(tf.ones([4, 64]), 0.5, noiseShape, context)), null, {
        passes: 1,
        samples: 4,
        masks: "perExample",
      });
    const row = (of: Prediction, k: number) => of.mean.subarray(64 * k, 64 * k + 64);
    for (const shape of [[1, null], [64], [null]]) {
      const shared = await model(shape);
      expect(row(shared, 3)).toEqual(row(shared, 0));
    }
    const own = await model([4, 64]);
    expect(row(own, 3)).not.toEqual(row(own, 0));
  });

  it("are those of a stream that is given, whatever the sequence", async () => {
    const { state } = wd;
    const x = tf.ones([64]);
    const of = (kind: "tile" | "philox") =>
      drop(new Float32Array(64).fill(1), keepBytes(uniforms(kind, 7n, 9n, 0, 64), chance(kind, 0.5)), chance(kind, 0.5));
    expect(take(wd.dropout(x, 0.5, null, { seed: 7, stream: 9n }))).toEqual(of("tile"));
    expect(take(wd.dropout(x, 0.5, null, { kind: "philox", seed: 7n, stream: 9 }))).toEqual(of("philox"));
    const normal = take(wd.gaussianNoise(x, 1, { seed: 7, stream: 9 }));
    expect(take(wd.gaussianNoise(x, 1, { seed: 7, stream: 9 }))).toEqual(normal);
    expect(wd.state).toEqual(state);
    for (const [given, message] of [
      [{ seed: 7 }, '"seed.stream" expected'],
      [{ seed: -1, stream: 0 }, '"seed.seed" expected'],
      [{ seed: 7, stream: 0, sed: 1 }, '"seed.sed" is no option; did you mean "seed"?'],
      [{ seed: 7, stream: 0, kind: "x" }, '"seed.kind" expected "tile" or "philox"'],
      [[7], '"seed" expected'],
    ] as const) {
      expect(() => wd.dropout(x, 0.5, null, given as never)).toThrow(message);
    }
    await expect(
      monteCarlo.predict((_, context) => take(wd.dropout(x, 0.5, null, context)), null, { passes: 1, samples: 3 }),
    ).rejects.toThrow('"x" expected tensor of 3 rows, the samples of the run, got 64 rows');
    x.dispose();
  });
});
