// Monte-Carlo dropout of a genuine network, the one that examples/edge-worker trained on MNIST with dropout, on test images of MNIST:
// its mean converges to a limit of its own as 1 / sqrt(T), close to the prediction by weight scaling (Srivastava et al. 2014, section 10),
// which approximates that limit and stays a bias away from it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { mnistDirectory, readImages, readLabels } from "../../examples/mnist/idx.mjs";
import { createDropout } from "../../src/core/index.js";
import { type ClassPrediction, createMonteCarlo, type MonteCarlo, type PassContext } from "../../src/monte-carlo/index.js";
import { constantOf, type Tensor } from "../support/onnx/reference.js";

// Of the first test images those that the passes disagree about most.
const IMAGES = [3, 7, 8, 9, 15, 18, 20, 21];
const CLASSES = 10;
const P = 0.25;
const REFERENCE = 4000;
// Tens, hundreds and thousands are made of the same passes, by merging.
const TENS = 800;

interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly biases: Float32Array;
  /** inputs x outputs. */
  readonly weights: Float32Array;
}

/** The layers of model.onnx: "denseN.weight" [inputs, outputs] of int8, a scale for each output, and "denseN.bias". */
function readLayers(): Layer[] {
  const file = readFileSync(new URL("../../examples/edge-worker/model.onnx", import.meta.url));
  const constants = fromBinary(ModelProtoSchema, file).graph?.initializer.map((one) => [one.name, constantOf(one)] as const);
  const tensors = new Map(constants);
  const floats = (name: string) => Float32Array.from((tensors.get(name) as Tensor).data);
  return [1, 2, 3].map((l) => {
    const steps = tensors.get(`dense${l}.weight/int8`) as Tensor;
    const [inputs, outputs] = steps.dims as [number, number];
    const scales = floats(`dense${l}.weight/scale`);
    const weights = Float32Array.from(steps.data, (step, i) => step * (scales[i % outputs] as number));
    return { inputs, outputs, biases: floats(`dense${l}.bias`), weights };
  });
}

function dense({ inputs, outputs, biases, weights }: Layer, x: Float32Array, relu: boolean): Float32Array<ArrayBuffer> {
  const rows = x.length / inputs;
  const y = new Float32Array(rows * outputs);
  for (let r = 0; r < rows; ++r) {
    const row = y.subarray(r * outputs, (r + 1) * outputs);
    row.set(biases);
    for (let i = 0; i < inputs; ++i) {
      const value = x[r * inputs + i] as number;
      if (value === 0) continue;
      for (let o = 0, k = i * outputs; o < outputs; ++o, ++k) row[o] = (row[o] as number) + value * (weights[k] as number);
    }
  }
  return relu ? y.map((value) => Math.max(0, value)) : y;
}

/** Root of the mean over all elements of all pairs of squared differences. */
function distance(estimates: readonly ArrayLike<number>[], truth: ArrayLike<number>): number {
  let sum = 0;
  for (const estimate of estimates) for (let i = 0; i < truth.length; ++i) sum += ((estimate[i] as number) - (truth[i] as number)) ** 2;
  return Math.sqrt(sum / (estimates.length * truth.length));
}

describe("a network trained on MNIST", () => {
  const layers = readLayers() as [Layer, Layer, Layer];
  const { pixels } = readImages(join(mnistDirectory(), "t10k-images-idx3-ubyte"));
  const labels = readLabels(join(mnistDirectory(), "t10k-labels-idx1-ubyte"));
  const images = Float32Array.from(
    IMAGES.flatMap((image) => [...pixels.subarray(image * 784, (image + 1) * 784)]),
    (grey) => grey / 255,
  );
  // Nothing is dropped from the input: the first layer is the same in all passes.
  const hidden = dense(layers[0], images, true);
  const model = (h: Float32Array<ArrayBuffer>, { dropout }: PassContext) =>
    dense(layers[2], dropout(dense(layers[1], dropout(h, P), true), P), false);

  const options = { samples: IMAGES.length, classes: CLASSES, output: "logits", masks: "perExample", seed: 2016 } as const;
  let monteCarlo: MonteCarlo;
  /** Independent predictions by T passes, for each T. */
  const means = new Map<number, ClassPrediction[]>();
  let reference: ClassPrediction;
  let scaled: ClassPrediction;

  beforeAll(async () => {
    monteCarlo = await createMonteCarlo(await createDropout({ seed: 0 }));
    const tens: ClassPrediction[] = [];
    for (let k = 0; k < TENS; ++k) tens.push(await monteCarlo.predict(model, hidden, { ...options, passes: 10, firstPass: 10 * k }));
    const byTen = (parts: ClassPrediction[]) =>
      Array.from({ length: parts.length / 10 }, (_, k) => monteCarlo.merge(parts.slice(10 * k, 10 * k + 10)));
    const hundreds = byTen(tens);
    means.set(10, tens).set(100, hundreds).set(1000, byTen(hundreds));
    reference = await monteCarlo.predict(model, hidden, { ...options, passes: REFERENCE, firstPass: 10 * TENS });
    const unchanged = (h: Float32Array<ArrayBuffer>) => dense(layers[2], dense(layers[1], h, true), false);
    scaled = await monteCarlo.predict(unchanged, hidden, { ...options, passes: 1 });
  });

  /** Variance over single passes, the mean of all elements. */
  const spread = () => reference.variance.reduce((a, b) => a + b) / reference.variance.length;
  const errors = (truth: ClassPrediction) =>
    [10, 100, 1000].map((passes) => {
      const predictions = means.get(passes) as ClassPrediction[];
      expect(predictions.every((prediction) => prediction.passes === passes)).toBe(true);
      return distance(
        predictions.map(({ mean }) => mean),
        truth.mean,
      );
    }) as [number, number, number];

  it("converges to a limit of its own as 1 / sqrt(T)", () => {
    const [by10, by100, by1000] = errors(reference);
    // The distance that independent passes of the variance that they show lead to; the reference is a mean of passes itself.
    const expected = (passes: number) => Math.sqrt(spread() * (1 / passes + 1 / REFERENCE));
    expect(Math.abs(by10 / expected(10) - 1)).toBeLessThan(0.08);
    expect(Math.abs(by100 / expected(100) - 1)).toBeLessThan(0.2);
    expect(Math.abs(by1000 / expected(1000) - 1)).toBeLessThan(0.5);
  });

  it("comes as close to weight scaling as that is to the limit, and no closer", () => {
    const [by10, by100, by1000] = errors(scaled);
    const bias = Math.sqrt(distance([reference.mean], scaled.mean) ** 2 - spread() / REFERENCE);
    const expected = (passes: number) => Math.sqrt(bias ** 2 + spread() / passes);
    expect(Math.abs(by10 / expected(10) - 1)).toBeLessThan(0.05);
    expect(Math.abs(by100 / expected(100) - 1)).toBeLessThan(0.05);
    expect(Math.abs(by1000 / expected(1000) - 1)).toBeLessThan(0.05);
    expect(by10).toBeGreaterThan(by100);
    expect(by100).toBeGreaterThan(by1000);
    expect(Math.abs(by1000 / bias - 1)).toBeLessThan(0.05);
    // A bias it is, of a few hundredths: many times the standard error.
    expect(bias).toBeGreaterThan(10 * Math.sqrt(spread() / REFERENCE));
    expect(bias).toBeLessThan(0.05);
  });

  it("reads the digits, whichever way, and is sure of no more than weight scaling is", () => {
    const digits = ({ mean }: ClassPrediction) =>
      IMAGES.map((_, sample) => {
        const row = mean.subarray(sample * CLASSES, (sample + 1) * CLASSES);
        return row.indexOf(Math.max(...row));
      });
    expect(digits(reference)).toEqual(IMAGES.map((image) => labels[image]));
    expect(digits(scaled)).toEqual(digits(reference));
    const total = (entropies: Float64Array) => entropies.reduce((a, b) => a + b);
    expect(total(reference.predictiveEntropy)).toBeGreaterThan(total(scaled.predictiveEntropy));
    expect(reference.mutualInformation.every((information) => information > 0)).toBe(true);
    expect(scaled.mutualInformation).toEqual(new Float64Array(IMAGES.length));
  });
});
