// MNIST: a subset of the training images, and the test images; as tensors, batch by batch.

import { join } from "node:path";
import { oneHot, type Tensor2D, tensor1d, tensor2d } from "@tensorflow/tfjs-core";
import { type Images, mnistDirectory, readImages, readLabels, readTrainingSet } from "../idx.mjs";

/** Images as rows of values in [0, 1], and what they show. */
export interface Examples {
  readonly count: number;
  readonly values: Float32Array;
  readonly labels: Uint8Array;
}

/** A part of examples as tensors. */
export interface Batch {
  readonly images: Tensor2D;
  /** The labels as rows of probabilities. */
  readonly targets: Tensor2D;
}

export const PIXELS = 784;
export const CLASSES = 10;
const TEST_IMAGES = 10_000;

/** The training images with the numbers that `choose` picks from so many. */
export function trainingExamples(choose: (total: number) => Int32Array): Examples {
  const { images, labels } = readTrainingSet(mnistDirectory());
  return examplesOf(images, labels, choose(images.count));
}

/**
 * `count` test images, spread evenly over all: the first half was collected from other writers than the second, and is easier
 * (LeCun, Cortes, Burges 1998).
 */
export function testExamples(count: number): Examples {
  const file = (kind: string) => join(mnistDirectory(), `t10k-${kind}-ubyte`);
  const chosen = Int32Array.from({ length: count }, (_, i) => Math.floor((i * TEST_IMAGES) / count));
  return examplesOf(readImages(file("images-idx3")), readLabels(file("labels-idx1")), chosen);
}

function examplesOf({ rows, columns, pixels }: Images, labels: Uint8Array, chosen: Int32Array): Examples {
  const size = rows * columns;
  const values = new Float32Array(chosen.length * size);
  chosen.forEach((number, row) => {
    const image = pixels.subarray(number * size, (number + 1) * size);
    for (let i = 0; i < size; ++i) values[row * size + i] = (image[i] as number) / 255;
  });
  const shown = Uint8Array.from(chosen, (number) => labels[number] as number);
  return { count: chosen.length, values, labels: shown };
}

/** The examples with the numbers `chosen`; to be called in a tidy(). */
export function batchOf({ values, labels }: Examples, chosen: Int32Array): Batch {
  // Copied here, as the wasm backend's gather() takes ten times as long.
  const rows = new Float32Array(chosen.length * PIXELS);
  chosen.forEach((number, row) => {
    rows.set(values.subarray(number * PIXELS, (number + 1) * PIXELS), row * PIXELS);
  });
  const classes = Int32Array.from(chosen, (number) => labels[number] as number);
  return {
    images: tensor2d(rows, [chosen.length, PIXELS]),
    targets: oneHot(tensor1d(classes, "int32"), CLASSES) as Tensor2D,
  };
}

/** The first `count` of `examples`. */
export function firstOf({ values, labels }: Examples, count: number): Examples {
  return { count, values: values.subarray(0, count * PIXELS), labels: labels.subarray(0, count) };
}
