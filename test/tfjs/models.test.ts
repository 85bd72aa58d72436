// Models that come and go: layers of tfjs and Keras replaced by ours in place, Keras's names, and models saved for where this package is absent.

import * as tf from "@tensorflow/tfjs-core";
import {
  type LayersModel,
  layers,
  loadLayersModel,
  model as makeModel,
  input as modelInput,
  type SymbolicTensor,
  sequential,
} from "@tensorflow/tfjs-layers";
import { beforeEach, describe, expect, it } from "vitest";
import { createTfjsDropout, maskStates, restoreMasks, toStandard } from "../../src/tfjs/index.js";
import { chance, drop, expectSame, keepBytes, uniforms } from "../support/oracle.js";
import { take, useBackend } from "./setup.js";

beforeEach(() => useBackend("cpu"));

const classes = (model: { layers: object[] }): string[] =>
  model.layers.flatMap((layer) => {
    const { layers: inner, layer: wrapped } = layer as { layers?: object[]; layer?: object };
    if (inner) return classes({ layers: inner });
    return wrapped ? classes({ layers: [wrapped] }) : [(layer as layers.Layer).getClassName()];
  });
const weightsOf = (model: LayersModel) => model.getWeights().map((weights) => [...weights.dataSync()]);

/** A model with every layer that is replaced: nested, shared, wrapped. */
function loaded(): LayersModel {
  const inner = sequential({
    name: "inner",
    layers: [
      layers.dense({ units: 12, activation: "selu", inputShape: [12] }),
      layers.alphaDropout({ rate: 0.1 }),
      layers.gaussianNoise({ stddev: 0.1 }),
    ],
  });
  const shared = layers.dropout({ rate: 0.5, name: "shared" });
  const input = modelInput({ shape: [12] });
  const h = inner.apply(input) as SymbolicTensor;
  const [a, b] = [shared.apply(h), shared.apply(layers.gaussianDropout({ rate: 0.2 }).apply(h) as SymbolicTensor)] as SymbolicTensor[];
  const sum = layers.add().apply([a, b] as SymbolicTensor[]) as SymbolicTensor;
  const steps = layers.reshape({ targetShape: [3, 4] }).apply(sum) as SymbolicTensor;
  const spatial = (layers as unknown as { spatialDropout1d(args: object): layers.Layer }).spatialDropout1d({ rate: 0.25 });
  const timed = layers.timeDistributed({ layer: layers.dropout({ rate: 0.3 }) }).apply(spatial.apply(steps) as SymbolicTensor);
  const output = layers.dense({ units: 1 }).apply(layers.flatten().apply(timed as SymbolicTensor) as SymbolicTensor);
  return makeModel({ inputs: input, outputs: output as SymbolicTensor });
}

async function save(model: LayersModel): Promise<tf.io.ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = { ...artifacts, modelTopology: JSON.parse(JSON.stringify(artifacts.modelTopology)) };
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  return saved as tf.io.ModelArtifacts;
}

describe("replaceDropout", () => {
  it("replaces nested, shared and wrapped layers in place, and no weight", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    const model = loaded();
    model.compile({ optimizer: tf.train.sgd(0.01), loss: "meanSquaredError" });
    const before = classes(model);
    const [weights, names, variables] = [weightsOf(model), model.layers.map(({ name }) => name), model.getWeights()];
    const x = tf.tidy(() => tf.sin(tf.reshape(tf.range(0, 48), [4, 12])));
    const predicted = take(model.predict(x) as tf.Tensor);
    expect(wd.replaceDropout(model)).toBe(model);
    const after = classes(model);
    expect(after).toEqual(before.map((name) => (/Dropout|Noise/.test(name) ? `Wasm${name}` : name)));
    expect(after.filter((name) => name.startsWith("Wasm")).length).toBe(6);
    expect(model.layers.map(({ name }) => name)).toEqual(names);
    expect(model.getWeights().every((weight, k) => weight === variables[k])).toBe(true);
    expect(weightsOf(model)).toEqual(weights);
    expectSame(take(model.predict(x) as tf.Tensor), predicted, "prediction");

    const draws = () => maskStates(model).map(({ nextStream }) => Number(BigInt(nextStream) % 2n ** 32n));
    expect(draws()).toEqual([0, 0, 0, 0, 0, 0]);
    await model.trainOnBatch(x, tf.ones([4, 1]));
    // The shared layer draws twice, the wrapped one at each of three steps.
    expect(draws().sort()).toEqual([1, 1, 1, 1, 2, 3]);
    expect(weightsOf(model)).not.toEqual(weights);

    const copy = await loadLayersModel(tf.io.fromMemory(await save(model)));
    expect(classes(copy)).toEqual(after);
    expect(maskStates(copy)).toEqual(maskStates(model));
    // Nothing is left to replace.
    const states = maskStates(model);
    wd.replaceDropout(model);
    expect(maskStates(model)).toEqual(states);
    x.dispose();
  });

  it("draws the masks of the layer's number at its rate, and goes on in a model that trains", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    const model = sequential({ layers: [layers.dropout({ rate: 0.75, inputShape: [1000], noiseShape: [1, 1000] })] });
    const x = tf.ones([2, 1000]);
    take(model.predict(x) as tf.Tensor);
    wd.replaceDropout(model);
    const keep = keepBytes(uniforms("tile", 42n, 2n ** 32n, 0, 1000), chance("tile", 0.75));
    const row = [...drop(new Float32Array(1000).fill(1), keep, chance("tile", 0.75))];
    expectSame(take(model.apply(x, { training: true }) as tf.Tensor), Float32Array.from([...row, ...row]), "y");
    const seeded = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [64], seed: 7, name: "d" })] });
    wd.replaceDropout(seeded);
    const same = wd.layers.dropout({ rate: 0.5, seed: 7, name: "d" });
    const ones = tf.ones([1, 64]);
    expectSame(
      take(seeded.apply(ones, { training: true }) as tf.Tensor),
      take(same.apply(ones, { training: true }) as tf.Tensor),
      "of one seed and name",
    );
    tf.dispose([x, ones]);
  });

  it("refuses what has no counterpart, and changes nothing", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    const model = sequential({ layers: [layers.dropout({ rate: 0.5, inputShape: [4] }), layers.gaussianDropout({ rate: 1 })] });
    expect(() => wd.replaceDropout(model)).toThrow('"rate" expected number in [0, 1), got 1');
    expect(classes(model)).toEqual(["Dropout", "GaussianDropout"]);
    expect(wd.state.layers).toBe(0);
    expect(() => wd.replaceDropout({} as never)).toThrow('"model" expected model with layers, got Object');
  });
});

describe("a model of Keras", () => {
  // As Keras 2 writes it: the names of its layers and arguments.
  const topology = (layer: object) => ({
    class_name: "Sequential",
    config: { name: "m", layers: [layer] },
    keras_version: "2.15.0",
    backend: "tensorflow",
  });
  const config = {
    name: "s",
    trainable: true,
    batch_input_shape: [null, 3, 5, 4],
    dtype: "float32",
    rate: 0.25,
    noise_shape: null,
    seed: null,
  };

  it.each([
    ["SpatialDropout2D", { ...config, data_format: "channels_last" }],
    ["SpatialDropout2D", { ...config, data_format: "channels_first" }],
    ["SpatialDropout2D", { ...config, data_format: null, seed: 3 }],
    ["SpatialDropout2D", { ...config, dtype: { module: "keras", class_name: "DTypePolicy", config: { name: "float32" } } }],
    ["SpatialDropout3D", { ...config, batch_input_shape: [null, 3, 5, 2, 4], data_format: "channels_last" }],
  ] as const)("loads with its %s %#", async (name, settings) => {
    await createTfjsDropout({ seed: 42 });
    const model = await loadLayersModel(tf.io.fromMemory({ modelTopology: topology({ class_name: name, config: settings }) }));
    const layer = model.layers[0] as layers.Layer;
    expect(layer.getClassName()).toBe(`Wasm${name}`);
    const shape = [2, ...settings.batch_input_shape.slice(1)] as number[];
    const y = take(model.apply(tf.ones(shape), { training: true }) as tf.Tensor);
    const first = (settings as { data_format?: unknown }).data_format === "channels_first";
    const inner = shape.slice(2).reduce((a, b) => a * b, 1);
    const channelOf = (i: number) => (first ? Math.floor(i / inner) : Math.floor(i / (y.length / 2)) * 100 + (i % 4));
    const values = new Map<number, number>();
    y.forEach((value, i) => {
      if (!values.has(channelOf(i))) values.set(channelOf(i), value);
      expect(value).toBe(values.get(channelOf(i)));
    });
    expect([0, Math.fround(1 / 0.75)]).toEqual(expect.arrayContaining([...new Set(y)]));
  });
});

describe("toStandard", () => {
  it("saves a model that loads without this package, and takes ours back", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    const model = sequential({
      layers: [
        layers.dense({ units: 24, inputShape: [5] }),
        wd.layers.dropout({ rate: 0.5, noiseShape: [24] }),
        wd.layers.alphaDropout({ rate: 0.1 }),
        wd.layers.gaussianDropout({ rate: 0.1 }),
        wd.layers.gaussianNoise({ stddev: 0.5 }),
        layers.reshape({ targetShape: [2, 3, 4] }),
        wd.layers.spatialDropout2d({ rate: 0.25, dataFormat: "channelsFirst" }),
        wd.layers.dropPath({ rate: 0.5 }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
    });
    const x = tf.ones([3, 5]);
    take(model.apply(x, { training: true }) as tf.Tensor);
    const [states, before, predicted] = [maskStates(model), classes(model), take(model.predict(x) as tf.Tensor)];
    const back = toStandard(model);
    const artifacts = await save(model);
    expect(JSON.stringify(artifacts.modelTopology)).not.toMatch(/"Wasm|wasm-dropout|next_stream/);
    const plain = await loadLayersModel(tf.io.fromMemory(artifacts));
    expect(classes(plain)).toEqual(before.map((name) => name.replace(/^Wasm(SpatialDropout2D|DropPath)$/, "Dropout").replace(/^Wasm/, "")));
    expectSame(take(plain.predict(x) as tf.Tensor), predicted, "prediction");
    const configs = plain.layers.filter((layer) => layer.getClassName() === "Dropout").map((layer) => layer.getConfig());
    expect(configs.map(({ rate, noiseShape }) => ({ rate, noiseShape }))).toEqual([
      { rate: 0.5, noiseShape: [1, 24] },
      { rate: 0.25, noiseShape: [null, null, 1, 1] },
      { rate: 0.5, noiseShape: [null, 1, 1, 1] },
    ]);
    // Trains: what it drops is dropped as named.
    const spatial = plain.layers[6] as layers.Layer;
    const maps = take(spatial.apply(tf.ones([2, 2, 3, 4]), { training: true }) as tf.Tensor);
    for (let map = 0; map < 4; ++map) expect(new Set(maps.subarray(12 * map, 12 * map + 12)).size).toBe(1);

    back();
    expect(classes(model)).toEqual(before);
    expect(maskStates(model)).toEqual(states);
    restoreMasks(model, states);
    expectSame(take(model.predict(x) as tf.Tensor), predicted, "prediction of ours");
    x.dispose();
  });

  it("refuses what tfjs has no layer for, and changes nothing", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    for (const [layer, what] of [
      [wd.layers.dropout({ rate: 1, name: "a", inputShape: [4] }), "a rate of 1"],
      [wd.layers.dropout({ rate: 0.5, name: "a", shareMask: true, inputShape: [4] }), "a shared mask"],
      [wd.layers.alphaDropout({ rate: 0.5, name: "a", noiseShape: [1, 4], inputShape: [4] }), "alpha dropout with a noise shape"],
    ] as const) {
      const model = sequential({ layers: [layer, wd.layers.dropout({ rate: 0.5 })] });
      const before = classes(model);
      expect(() => toStandard(model)).toThrow(`"model" expected layers that tfjs has too, got layer "a", which has ${what}`);
      expect(classes(model)).toEqual(before);
    }
  });
});
