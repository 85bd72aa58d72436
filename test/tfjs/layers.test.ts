// Layers in models of tfjs-layers: masks, gradients through a model, saving and loading, resumed training, and no tensor left behind.

import * as tf from "@tensorflow/tfjs-core";
import {
  initializers,
  type LayersModel,
  layers,
  loadLayersModel,
  model as makeModel,
  input as modelInput,
  sequential,
} from "@tensorflow/tfjs-layers";
import { beforeEach, describe, expect, it } from "vitest";
import { createTfjsDropout, maskStates, type RandomLayer, restoreMasks, type TfjsDropout, type TfjsLayers } from "../../src/tfjs/index.js";
import { numbers, plus } from "../noise/oracle.js";
import { expand } from "../shapes/oracle.js";
import { chance, drop, expectSame, keepBytes, sample, uniforms } from "../support/oracle.js";
import { BACKENDS, type Floats, leftBy, take, useBackend } from "./setup.js";

const SEED = 42n;

/** Every kind of layer, with the shape of a sample of its input, of 24 elements, and the noise shape of four samples if it is of dropout. */
const KINDS: readonly { name: keyof TfjsLayers; args: object; shape: number[]; noiseShape?: number[] }[] = [
  { name: "dropout", args: { rate: 0.5 }, shape: [24], noiseShape: [4, 24] },
  { name: "dropout", args: { rate: 0.5, noiseShape: [null, 1] }, shape: [24], noiseShape: [4, 1] },
  { name: "alphaDropout", args: { rate: 0.25 }, shape: [24] },
  { name: "alphaDropout", args: { rate: 0.25, noiseShape: [1, null] }, shape: [24] },
  { name: "gaussianDropout", args: { rate: 0.5 }, shape: [24] },
  { name: "gaussianNoise", args: { stddev: 0.5 }, shape: [24] },
  { name: "dropPath", args: { rate: 0.5 }, shape: [4, 6], noiseShape: [4, 1, 1] },
  { name: "spatialDropout1d", args: { rate: 0.5 }, shape: [4, 6], noiseShape: [4, 1, 6] },
  { name: "spatialDropout2d", args: { rate: 0.5 }, shape: [2, 3, 4], noiseShape: [4, 1, 1, 4] },
  { name: "spatialDropout2d", args: { rate: 0.5, dataFormat: "channelsFirst" }, shape: [4, 3, 2], noiseShape: [4, 4, 1, 1] },
  { name: "spatialDropout3d", args: { rate: 0.5 }, shape: [2, 2, 3, 2], noiseShape: [4, 1, 1, 1, 2] },
];

type Make = (args: object) => RandomLayer;
const maker = (wd: TfjsDropout, name: keyof TfjsLayers): Make => wd.layers[name] as Make;
const apply = (layer: RandomLayer, x: tf.Tensor, training: boolean) => take(layer.apply(x, { training }) as tf.Tensor);
const named = KINDS.map((kind) => ({ ...kind, title: `${kind.name} ${JSON.stringify(kind.args)}` }));

describe.each(BACKENDS)("layers on %s", (backend) => {
  beforeEach(() => useBackend(backend));

  it.each(named.filter(({ noiseShape }) => noiseShape))(
    "$title draws the streams of its number",
    async ({ name, args, shape, noiseShape }) => {
      const wd = await createTfjsDropout({ seed: SEED });
      const noise = noiseShape as number[];
      const layer = [1, 2].map(() => maker(wd, name)(args))[1] as RandomLayer;
      const x = sample("f32", 96) as Floats;
      const xs = tf.tensor(x, [4, ...shape]);
      for (const step of [0n, 1n, 2n]) {
        const decisions = uniforms(
          "tile",
          SEED,
          2n * 2n ** 32n + step,
          0,
          noise.reduce((a, b) => a * b),
        );
        const keep = expand(keepBytes(decisions, chance("tile", 0.5)), [4, ...shape], noise);
        expectSame(apply(layer, xs, true), drop(x, keep, chance("tile", 0.5)), `step ${step}`);
        expectSame(apply(layer, xs, false), x, "prediction");
      }
      expect(layer.state).toEqual({ version: 1, kind: "tile", seed: "42", nextStream: `${2n * 2n ** 32n + 3n}` });
      expect(wd.state.layers).toBe(2);
      xs.dispose();
    },
  );

  it("noise draws the streams of its number", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const layer = wd.layers.gaussianNoise({ stddev: 0.5 });
    const x = sample("f32", 96) as Floats;
    const xs = tf.tensor1d(x);
    for (const step of [0n, 1n]) {
      expectSame(apply(layer, xs, true), plus(x, numbers("normal", SEED, 2n ** 32n + step, 0, 96), 0.5), `step ${step}`);
    }
    xs.dispose();
  });

  // Two layers of weights with the layer between, in double precision: loss = mean (h w - t)^2, h = d x v + offset.
  it.each(named)("$title trains a model by its gradient", async ({ name, args, shape }) => {
    const [samples, inputs, hidden, rate] = [4, 3, 24, 0.1];
    const wd = await createTfjsDropout();
    const make = () => maker(wd, name)({ ...args, seed: 7, name: "same" });
    const ones = (value: number) => tf.tidy(() => tf.fill([samples, ...shape], value));
    const offset = apply(make(), ones(0), true);
    const d = apply(make(), ones(1), true).map((value, i) => value - (offset[i] as number));
    const numbersOf = (count: number, salt: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(3 * i + salt));
    const [x, v, w, t] = [samples * inputs, inputs * hidden, hidden, samples].map(numbersOf) as [Floats, Floats, Floats, Floats];

    const model = sequential({
      layers: [
        layers.dense({ units: hidden, useBias: false, inputShape: [inputs], weights: [tf.tensor2d(v, [inputs, hidden])] }),
        layers.reshape({ targetShape: shape }),
        make(),
        layers.reshape({ targetShape: [hidden] }),
        layers.dense({ units: 1, useBias: false, weights: [tf.tensor2d(w, [hidden, 1])] }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(rate), loss: "meanSquaredError" });
    await model.trainOnBatch(tf.tensor2d(x, [samples, inputs]), tf.tensor2d(t, [samples, 1]));
    const [gotV, gotW] = model.getWeights().map((weights) => weights.dataSync()) as [Float32Array, Float32Array];

    const at = (array: Float32Array, i: number) => array[i] as number;
    const sum = (count: number, term: (i: number) => number) => Array.from({ length: count }, (_, i) => term(i)).reduce((a, b) => a + b, 0);
    const h = Array.from({ length: samples * hidden }, (_, i) => {
      const [n, k] = [Math.floor(i / hidden), i % hidden];
      return at(d, i) * sum(inputs, (j) => at(x, n * inputs + j) * at(v, j * hidden + k)) + at(offset, i);
    });
    const error = Array.from({ length: samples }, (_, n) => {
      const y = sum(hidden, (k) => (h[n * hidden + k] as number) * at(w, k));
      return (2 / samples) * (y - at(t, n));
    }) as number[];
    gotW.forEach((value, k) => {
      const gradient = sum(samples, (n) => (error[n] as number) * (h[n * hidden + k] as number));
      expect(value).toBeCloseTo(at(w, k) - rate * gradient, 4);
    });
    gotV.forEach((value, i) => {
      const [j, k] = [Math.floor(i / hidden), i % hidden];
      const gradient = sum(samples, (n) => (error[n] as number) * at(w, k) * at(d, n * hidden + k) * at(x, n * inputs + j));
      expect(value).toBeCloseTo(at(v, i) - rate * gradient, 4);
    });
    model.dispose();
  });

  it("leave no tensor behind in a thousand steps of training", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const model = sequential({
      layers: [
        layers.dense({ units: 12, inputShape: [5], activation: "relu" }),
        ...KINDS.filter(({ shape }) => shape.length === 1).map(({ name, args }) => maker(wd, name)(args)),
        wd.layers.dropPath({ rate: 0.1 }),
        layers.reshape({ targetShape: [3, 4] }),
        wd.layers.spatialDropout1d({ rate: 0.1 }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(1e-6), loss: "meanSquaredError" });
    const [x, t] = [tf.ones([8, 5]), tf.ones([8, 1])];
    await model.trainOnBatch(x, t);
    const { numTensors, numDataBuffers } = tf.memory();
    for (let step = 0; step < 1000; ++step) await model.trainOnBatch(x, t);
    expect([tf.memory().numTensors, tf.memory().numDataBuffers]).toEqual([numTensors, numDataBuffers]);
    expect(leftBy(() => (model.predict(x) as tf.Tensor).dispose())).toBe(0);
    tf.dispose([x, t]);
    model.dispose();
  });
});

describe("in training", () => {
  beforeEach(() => useBackend("cpu"));

  it("a layer draws a fresh mask each step, where the seeded layer of tfjs draws the same", async () => {
    const x = tf.ones([64]);
    const steps = (layer: RandomLayer | layers.Layer) => [1, 2, 3].map(() => `${apply(layer as RandomLayer, x, true)}`);
    expect(new Set(steps(layers.dropout({ rate: 0.5, seed: 7 }))).size).toBe(1);
    const wd = await createTfjsDropout();
    const named = (seed: number | string) => wd.layers.dropout({ rate: 0.5, seed, name: "a" });
    const [first, again] = [1, 2].map(() => steps(named(7))) as [string[], string[]];
    expect(new Set(first).size).toBe(3);
    expect(again).toEqual(first);
    expect(steps(named("7"))).toEqual(first);
    const [other, another] = [1, 2].map(() => steps(wd.layers.dropout({ rate: 0.5 }))) as [string[], string[]];
    expect(new Set([...first, ...other, ...another]).size).toBe(9);
    x.dispose();
  });

  it("a layer that is used twice in a step draws two masks", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const layer = wd.layers.dropout({ rate: 0.5 });
    const shared = modelInput({ shape: [64] });
    const branches = [1, 2].map(() => layer.apply(shared)) as never[];
    const model = makeModel({ inputs: shared, outputs: branches });
    const x = tf.ones([1, 64]);
    const [a, b] = (model.apply(x, { training: true }) as tf.Tensor[]).map(take);
    expect(a).not.toEqual(b);
    x.dispose();
  });
});

const seeded = (seed: number) => initializers.glorotUniform({ seed });
const compile = (model: LayersModel) => model.compile({ optimizer: tf.train.sgd(0.05), loss: "meanSquaredError" });

/** A network whose weights and data depend on nothing but these numbers; its masks on `wd`. */
function network(wd: TfjsDropout): LayersModel {
  const model = sequential({
    layers: [
      layers.dense({ units: 16, activation: "tanh", inputShape: [6], kernelInitializer: seeded(1) }),
      wd.layers.dropout({ rate: 0.4 }),
      layers.dense({ units: 16, activation: "selu", kernelInitializer: seeded(2) }),
      wd.layers.alphaDropout({ rate: 0.1, noiseShape: [null, 16] }),
      wd.layers.gaussianDropout({ rate: 0.2 }),
      layers.dense({ units: 1, kernelInitializer: seeded(3) }),
    ],
  });
  compile(model);
  return model;
}

/** The part of a training of 12 steps, three a pass, that is given. */
async function train(model: LayersModel, passes: number): Promise<void> {
  const x = tf.tidy(() => tf.sin(tf.reshape(tf.range(0, 180), [30, 6])));
  const t = tf.tidy(() => tf.cos(tf.reshape(tf.range(0, 30), [30, 1])));
  await model.fit(x, t, { epochs: passes, batchSize: 10, shuffle: false });
  tf.dispose([x, t]);
}

const weightsOf = (model: LayersModel) => model.getWeights().map((weights) => [...weights.dataSync()]);

describe("drop-in", () => {
  beforeEach(() => useBackend("cpu"));
  const kept = (values: Floats) => values.filter((value) => value !== 0).length / values.length;

  it("layers of one seed draw different masks, by number or by name", async () => {
    const wd = await createTfjsDropout();
    const model = sequential({
      layers: [wd.layers.dropout({ rate: 0.5, seed: 7, inputShape: [40_000] }), wd.layers.dropout({ rate: 0.5, seed: 7 })],
    });
    const x = tf.ones([1, 40_000]);
    // Five standard deviations about 1/4, that of independent masks.
    expect(Math.abs(kept(take(model.apply(x, { training: true }) as tf.Tensor)) - 0.25)).toBeLessThan(
      5 * Math.sqrt((0.25 * 0.75) / 40_000),
    );
    const masks = ["a", "b", undefined, undefined].map(
      (name) => `${apply(wd.layers.dropout({ rate: 0.5, seed: 7, ...(name && { name }) }), x, true)}`,
    );
    expect(new Set(masks).size).toBe(4);
    // Nothing of another layer, of operations or of layers without a seed is met.
    const other = await createTfjsDropout({ seed: 7 });
    masks.push(`${apply(other.layers.dropout({ rate: 0.5 }), x, true)}`, `${take(other.dropout(x, 0.5, null, 7))}`);
    expect(new Set(masks).size).toBe(6);
    x.dispose();
  });

  it("takes the seeds of tf.dropout: integers as they are, all else by its FNV-1a hash", async () => {
    const wd = await createTfjsDropout();
    const x = tf.ones([64]);
    const mask = (seed: number | bigint | string) => take(wd.dropout(x, 0.5, null, seed));
    // "a" and "foobar" are test vectors of the hash's authors.
    for (const [seed, value] of [
      ["a", 0xaf63dc4c8601ec8cn],
      ["foobar", 0x85944171f73967e8n],
      ["007", 7n],
      [7, 7n],
      ["18446744073709551615", 2n ** 64n - 1n],
    ] as const) {
      expect(mask(seed), `${seed}`).toEqual(mask(value));
    }
    const others = [-3, 0.123, 2 ** 60, "abc", "18446744073709551616", 1e300, 3].map((seed) => `${mask(seed)}`);
    expect(new Set(others).size).toBe(7);
    expect(mask(-3)).toEqual(mask("-3"));
    expect(mask(0.123)).toEqual(mask("0.123"));
    x.dispose();
  });

  it.each(["abc", 0.123, -3, 7, 2n ** 60n])("keeps the seed %s in the configuration", async (seed) => {
    const wd = await createTfjsDropout();
    const layer = wd.layers.dropout({ rate: 0.5, seed });
    expect(layer.getConfig()["seed"]).toBe(typeof seed === "bigint" ? `${seed}` : seed);
    expect(wd.layers.dropout({ rate: 0.5 }).getConfig()["seed"]).toBeNull();
  });

  it("drops everything at rate 1, forward and gradient", async () => {
    const wd = await createTfjsDropout();
    const x = tf.fill([2, 3, 4], Number.NaN);
    for (const name of ["dropout", "alphaDropout", "dropPath", "spatialDropout1d"] as const) {
      const layer = maker(wd, name)({ rate: 1 });
      expectSame(apply(layer, x, true), new Float32Array(24), name);
      const run = (input: tf.Tensor) => layer.apply(input, { training: true }) as tf.Tensor;
      expectSame(take(tf.grad(run)(x, x)), new Float32Array(24), `d ${name}`);
    }
    x.dispose();
  });

  it("has a rate that can be set, checked", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const layer = wd.layers.dropout({ rate: 0.1 });
    layer.rate = 0.75;
    expect([layer.rate, layer.getConfig()["rate"]]).toEqual([0.75, 0.75]);
    const x = tf.ones([1000]);
    expectSame(
      apply(layer, x, true),
      drop(
        new Float32Array(1000).fill(1),
        keepBytes(uniforms("tile", SEED, 2n ** 32n, 0, 1000), chance("tile", 0.75)),
        chance("tile", 0.75),
      ),
      "y",
    );
    expect(() => {
      layer.rate = 1.5;
    }).toThrow('"rate" expected number in [0, 1], got 1.5');
    expect(layer.rate).toBe(0.75);
    const noise = wd.layers.gaussianNoise({ stddev: 1 });
    noise.stddev = 0;
    expectSame(apply(noise, x, true), new Float32Array(1000).fill(1), "noise");
    x.dispose();
  });

  it("has one mask for a list of inputs where it is shared", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    for (const layer of [wd.layers.dropout({ rate: 0.5, shareMask: true }), wd.layers.spatialDropout1d({ rate: 0.5, shareMask: true })]) {
      const inputs = [1, 2].map(() => modelInput({ shape: [5, 64] }));
      const model = makeModel({ inputs, outputs: layer.apply(inputs) as never[] });
      const xs = [1, 2].map((value) => tf.fill([3, 5, 64], value));
      const [a, b] = (model.apply(xs, { training: true }) as tf.Tensor[]).map(take) as [Floats, Floats];
      expectSame(
        b,
        a.map((value) => 2 * value),
        "twice the other",
      );
      expect(new Set(a)).toEqual(new Set([0, 2]));
      expect(() => layer.apply([xs[0] as tf.Tensor, tf.ones([3, 5, 63])], { training: true })).toThrow(
        '"inputs[1]" expected tensor of shape [3, 5, 64]',
      );
      const [c] = model.predict(xs) as tf.Tensor[];
      expectSame(take(c as tf.Tensor), new Float32Array(960).fill(1), "prediction");
    }
  });

  it("refuses a noise shape that does not fit when a model is made", async () => {
    const wd = await createTfjsDropout();
    const behind = (layer: RandomLayer) => () => sequential({ layers: [layers.dense({ units: 8, inputShape: [3] }), layer] });
    expect(behind(wd.layers.dropout({ rate: 0.5, noiseShape: [null, 7] }))).toThrow('"noiseShape[1]" expected 1 or 8, got 7');
    expect(behind(wd.layers.dropout({ rate: 0.5, noiseShape: [1, 1, 8] }))).toThrow(
      '"noiseShape" expected at most 2 dimensions, got [1, 1, 8]',
    );
    behind(wd.layers.dropout({ rate: 0.5, noiseShape: [1000, 1] }))();
  });

  it("takes both spellings of channel orders", async () => {
    const wd = await createTfjsDropout();
    for (const dataFormat of ["channelsFirst", "channels_first"] as const) {
      expect(wd.layers.spatialDropout2d({ rate: 0.5, dataFormat }).getConfig()["dataFormat"]).toBe("channelsFirst");
    }
  });
});

describe("saving and resuming", () => {
  beforeEach(() => useBackend("cpu"));

  const uninterrupted = async () => {
    const model = network(await createTfjsDropout({ seed: SEED }));
    await train(model, 4);
    return weightsOf(model);
  };

  /** The artifacts that a model's save hands to a handler. */
  async function artifactsOf(model: LayersModel): Promise<tf.io.ModelArtifacts> {
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
      }),
    );
    return JSON.parse(JSON.stringify({ ...saved, weightData: undefined }), (key, value) =>
      key === "" ? { ...value, weightData: saved?.weightData } : value,
    );
  }

  it("the same training from the same seed, another from another", async () => {
    const weights = await uninterrupted();
    expect(await uninterrupted()).toEqual(weights);
    const other = network(await createTfjsDropout({ seed: 43 }));
    await train(other, 4);
    expect(weightsOf(other)).not.toEqual(weights);
  });

  it("a training resumed with the states of its masks gives the weights of one that was not interrupted", async () => {
    const first = network(await createTfjsDropout({ seed: SEED }));
    await train(first, 2);
    const saved = JSON.stringify({ masks: maskStates(first), weights: weightsOf(first) });
    const { masks, weights } = JSON.parse(saved);

    const resumed = async (states: typeof masks) => {
      // The seed is that of the states.
      const model = network(await createTfjsDropout({ seed: 1 }));
      model.setWeights(model.getWeights().map(({ shape }, k) => tf.tensor(weights[k], shape)));
      restoreMasks(model, states);
      await train(model, 2);
      return weightsOf(model);
    };
    expect(await resumed(masks)).toEqual(await uninterrupted());
    const begun = masks.map((state: object, k: number) => ({ ...state, nextStream: `${BigInt(k + 1) * 2n ** 32n}` }));
    expect(await resumed(begun)).not.toEqual(await uninterrupted());
  });

  it("a model that was saved and loaded predicts the same and goes on with its masks", async () => {
    const first = network(await createTfjsDropout({ seed: SEED }));
    await train(first, 2);
    const artifacts = await artifactsOf(first);
    const loaded = await loadLayersModel(tf.io.fromMemory(artifacts));
    const x = tf.ones([3, 6]);
    expect(take(loaded.predict(x) as tf.Tensor)).toEqual(take(first.predict(x) as tf.Tensor));
    expect(maskStates(loaded)).toEqual(maskStates(first));
    compile(loaded);
    await train(loaded, 2);
    expect(weightsOf(loaded)).toEqual(await uninterrupted());
    x.dispose();
  });

  it.each(named)("$title keeps its configuration", async ({ name, args, shape }) => {
    const wd = await createTfjsDropout({ seed: SEED, kind: "philox" });
    const model = sequential({ layers: [maker(wd, name)({ ...args, inputShape: shape, name: "a_layer" })] });
    const x = tf.ones([4, ...shape]);
    const layer = model.layers[0] as RandomLayer;
    apply(layer, x, true);
    const loaded = await loadLayersModel(tf.io.fromMemory(await artifactsOf(model)));
    const copy = loaded.layers[0] as RandomLayer;
    expect(copy.getClassName()).toMatch(/^Wasm/);
    expect(copy.getConfig()).toEqual(layer.getConfig());
    expect(copy.getConfig()).toMatchObject({
      ...args,
      name: "a_layer",
      state: { kind: "philox", seed: "42", nextStream: `${2n ** 32n + 1n}` },
    });
    expect(apply(copy, x, true)).toEqual(apply(layer, x, true));
    x.dispose();
  });

  it("finds the layers in models and wrappers, each once", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const inner = sequential({ layers: [wd.layers.dropout({ rate: 0.5, inputShape: [4, 6] }), wd.layers.spatialDropout1d({ rate: 0.5 })] });
    const shared = wd.layers.dropout({ rate: 0.5 });
    const model = sequential({ layers: [inner, layers.timeDistributed({ layer: shared }), layers.flatten(), layers.dense({ units: 1 })] });
    const numbered = maskStates(model).map(({ nextStream }) => BigInt(nextStream) >> 32n);
    expect(numbered).toEqual([1n, 2n, 3n]);
  });
});

describe("refusals", () => {
  beforeEach(() => useBackend("cpu"));

  it("of arguments, which use up no number", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    for (const name of ["dropout", "alphaDropout", "gaussianDropout", "dropPath", "spatialDropout1d"] as const) {
      const [end, above] = name === "gaussianDropout" ? [")", 1] : ["]", 1.5];
      expect(() => maker(wd, name)({ rate: above })).toThrow(`"rate" expected number in [0, 1${end}, got ${above}`);
      expect(() => maker(wd, name)({ rate: -0.1 })).toThrow(`"rate" expected number in [0, 1${end}, got -0.1`);
      expect(() => maker(wd, name)({})).toThrow(`"rate" expected number in [0, 1${end}, got undefined`);
      expect(() => maker(wd, name)(undefined as never)).toThrow('"args" expected object, got undefined');
    }
    expect(() => wd.layers.gaussianNoise({ stddev: -1 })).toThrow('"stddev" expected number in [0, 3.4028234663852886e+38], got -1');
    const seed = '"seed" expected finite number, bigint in [0, 2^64) or string that is not empty';
    expect(() => wd.layers.dropout({ rate: 0.5, seed: Number.NaN })).toThrow(`${seed}, got NaN`);
    expect(() => wd.layers.dropout({ rate: 0.5, seed: "" })).toThrow(`${seed}, got an empty string`);
    expect(() => wd.layers.dropout({ rate: 0.5, seed: 2n ** 64n })).toThrow(`${seed}, got 18446744073709551616n`);
    expect(() => wd.layers.dropout({ rate: 0.5, seed: {} as never })).toThrow(`${seed}, got Object`);
    expect(() => wd.layers.dropout({ rate: 0.5, noiseShape: [1000, -45616] })).toThrow(
      '"noiseShape[1]" expected integer in [1, 9007199254740992], got -45616',
    );
    expect(() => wd.layers.alphaDropout({ rate: 0.5, noiseShape: [1.5] })).toThrow('"noiseShape[0]" expected integer in [1,');
    expect(() => wd.layers.dropout({ rate: 0.5, noiseShape: "ab" as never })).toThrow(
      '"noiseShape" expected array of dimensions, got string "ab"',
    );
    expect(() => wd.layers.dropout({ rate: 0.5, rtae: 1 } as never)).toThrow('"args.rtae" is no option; did you mean "rate"?');
    expect(() => wd.layers.dropout({ rate: 0.5, noise_shape: [1] } as never)).toThrow(
      '"args.noise_shape" is no option; did you mean "noiseShape"?',
    );
    expect(() => wd.layers.gaussianDropout({ rate: 0.5, noiseShape: [1] } as never)).toThrow('"args.noiseShape" is no option');
    expect(() => wd.layers.dropout({ rate: 0.5, shareMask: 1 as never })).toThrow('"shareMask" expected boolean, got 1');
    expect(() => wd.layers.spatialDropout2d({ rate: 0.5, dataFormat: "NHWC" as never })).toThrow(
      '"dataFormat" expected "channelsFirst" or "channelsLast" or "channels_first" or "channels_last", got string "NHWC"',
    );
    expect(wd.state.layers).toBe(0);
  });

  it("of inputs, which use up no stream", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const layer = wd.layers.dropout({ rate: 0.5, noiseShape: [2] });
    const before = layer.state;
    const x = tf.ones([4, 3]);
    const whole = tf.ones([4, 2], "int32");
    const run = (input: tf.Tensor | tf.Tensor[]) => () => layer.apply(input, { training: true });
    expect(leftBy(() => expect(run(x)).toThrow('"noiseShape[0]" expected 1 or 3, got 2'))).toBe(0);
    expect(run(whole)).toThrow('"x.dtype" expected "float32", got string "int32"');
    expect(run([x, x])).toThrow('"inputs" expected one tensor, got 2 tensors');
    expect(() => wd.layers.spatialDropout1d({ rate: 0.5 }).apply(x, { training: true })).toThrow("ndim=3");
    expect(layer.state).toEqual(before);
    tf.dispose([x, whole]);
  });

  it("of states, which change nothing", async () => {
    const wd = await createTfjsDropout({ seed: SEED });
    const model = sequential({ layers: [wd.layers.dropout({ rate: 0.5, inputShape: [4] }), wd.layers.dropPath({ rate: 0.5 })] });
    const before = maskStates(model);
    const [first, second] = before.map((state) => ({ ...state, nextStream: "9" })) as [(typeof before)[0], (typeof before)[0]];
    expect(() => restoreMasks(model, [first])).toThrow('"states" expected 2 states, got 1');
    expect(() => restoreMasks(model, first as never)).toThrow('"states" expected array of states, got Object');
    expect(() => restoreMasks(model, [first, { ...second, kind: "philox" }])).toThrow('"state.kind" expected "tile", got string "philox"');
    expect(() => restoreMasks({} as never, [])).toThrow('"model" expected model with layers, got Object');
    expect(maskStates(model)).toEqual(before);
    restoreMasks(model, [first, second]);
    expect(maskStates(model)).toEqual([first, second]);
  });
});
