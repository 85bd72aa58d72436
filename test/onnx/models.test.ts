// Networks in ONNX Runtime, rewritten and cut, beside the same files computed in plain JavaScript with the same masks.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "wasm-dropout";
import { createOnnxMonteCarlo, listDropouts, probeDropouts } from "wasm-dropout/onnx";
import { mnistDirectory, readImages } from "../../examples/mnist/idx.mjs";
import { Numbers } from "../support/onnx/build.js";
import { cnn, mlp, type Network, transformer } from "../support/onnx/networks.js";
import { expectSame, load, passesOf, RUNTIMES, SEED } from "../support/onnx/runtimes.js";

const NETWORKS: Readonly<Record<string, () => Network>> = { mlp: () => mlp(64), cnn: () => cnn(), transformer: () => transformer() };
const [PASSES, SAMPLES] = [5, 3];

describe.each(RUNTIMES)("%s", (name) => {
  const ort = load(name);
  let dropout: Dropout;
  beforeAll(async () => {
    dropout = await createDropout({ seed: SEED });
  });

  describe.each(Object.keys(NETWORKS))("%s", (which) => {
    const { bytes, input, rates } = (NETWORKS[which] as () => Network)();
    const dims = [SAMPLES, ...input];
    const data = new Numbers(9).take(dims.reduce((a, b) => a * b, 1));

    it.each([
      { batchPasses: 1, masks: "perExample" as const, firstSample: 11 },
      { batchPasses: 64, masks: "perExample" as const, firstSample: 11 },
      { batchPasses: 1, masks: "perPass" as const, firstSample: 0 },
      { batchPasses: 2, masks: "perPass" as const, firstSample: 0 },
    ])("equals the file in plain JavaScript: $masks, at most $batchPasses passes at once", async (options) => {
      const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
      expect(Object.fromEntries(onnx.dropouts.map(({ name, p }) => [name, Math.fround(p)]))).toEqual(
        Object.fromEntries(Object.entries(rates).map(([key, p]) => [key, Math.fround(p)])),
      );
      const [x = ""] = onnx.inputNames;
      const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: PASSES, ...options });
      expect(prediction.samples).toBe(SAMPLES);
      const { firstSample, masks } = options;
      const inputs = { [x]: { dims, data: [...data] } };
      expectSame(prediction, passesOf({ bytes, inputs, output: "logits", rates, firstSample, shared: masks === "perPass" }, PASSES));
      await onnx.release();
    });
  });

  it("equals the file in plain JavaScript: the digits of the example, trained on MNIST, weights of eight bits", async () => {
    const bytes = readFileSync(new URL("../../examples/edge-worker/model.onnx", import.meta.url));
    expect(listDropouts(bytes).dropouts.map(({ name: layer, p }) => [layer, p])).toEqual([
      ["hidden1", 0.25],
      ["hidden2", 0.25],
    ]);
    const { pixels } = readImages(join(mnistDirectory(), "t10k-images-idx3-ubyte"));
    const data = Float32Array.from(pixels.subarray(0, 2 * 784), (grey) => grey / 255);
    const dims = [2, 784];
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes });
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), { passes: 3 });
    const inputs = { image: { dims, data: [...data] } };
    expectSame(prediction, passesOf({ bytes, inputs, output: "logits", rates: { hidden1: 0.25, hidden2: 0.25 } }, 3));
    await onnx.release();
  });

  it("lists the shapes of a run, where the file has none", async () => {
    const { bytes, input } = transformer();
    const [name = ""] = listDropouts(bytes).inputs.map((one) => one.name);
    expect(listDropouts(bytes).dropouts.map(({ shape }) => shape)).toContain(undefined);
    const x = new ort.Tensor("float32", new Float32Array(2 * 6 * 16), [2, ...input]);
    for (const inputs of [x, { [name]: x }]) {
      const { dropouts, points, inputs: listed, outputs } = await probeDropouts(bytes, { ort, inputs });
      expect(Object.fromEntries(dropouts.map(({ name: layer, shape }) => [layer, shape]))).toEqual({
        embedding: [2, 6, 16],
        attention: [2, 4, 6, 6],
        projection: [2, 6, 16],
        feedForward: [2, 6, 16],
      });
      expect(points.every(({ shape }) => shape?.every((size) => typeof size === "number"))).toBe(true);
      expect([listed[0]?.shape, outputs[0]?.shape?.[0]]).toEqual([[2, 6, 16], 2]);
      // All else is as in the file.
      const { points: told } = listDropouts(bytes);
      expect(points.map(({ shape: _, ...rest }) => rest)).toEqual(told.map(({ shape: _, ...rest }) => rest));
    }
  });

  it("drops in a file from npm, whose exporter has left dropout out and fixed the batch at one", async () => {
    const bytes = readFileSync(new URL("../node_modules/openwakeword-js/models/hello_deepa.onnx", import.meta.url));
    const listing = listDropouts(bytes);
    expect(listing.dropouts).toEqual([]);
    expect(listing.inputs).toEqual([{ name: "onnx::Flatten_0", type: "float32", shape: [1, 25, 96] }]);
    const relus = listing.points.filter(({ kind }) => kind === "Relu").map(({ name }) => name);
    expect(relus).toHaveLength(2);
    const onnx = await createOnnxMonteCarlo(dropout, { ort, model: bytes, insert: [{ kinds: "Relu", p: 0.25 }] });
    const dims = [1, 25, 96];
    const data = new Numbers(4).take(25 * 96);
    const options = { passes: PASSES, classes: 1, output: "sigmoids" } as const;
    const prediction = await onnx.predict(new ort.Tensor("float32", data, dims), options);
    const after = new Map(relus.map((tensor) => [tensor, tensor]));
    const rates = Object.fromEntries(relus.map((tensor) => [tensor, 0.25]));
    const inputs = { "onnx::Flatten_0": { dims, data: [...data] } };
    expectSame(prediction, passesOf({ bytes, inputs, output: listing.outputs[0]?.name ?? "", rates, after }, PASSES));
    await onnx.release();
  });
});
