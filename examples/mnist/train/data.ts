// MNIST as tensors: a subset of the training images, and the test images.

import { join } from "node:path";
import { oneHot, type Tensor1D, type Tensor2D, tensor1d, tensor2d } from "@tensorflow/tfjs-core";
import { type Images, mnistDirectory, readImages, readLabels, readTrainingSet } from "../idx.mjs";

/** Images as rows of values in [0, 1], and what they show. */
export interface Examples {
  readonly count: number;
  readonly images: Tensor2D;
  readonly labels: Uint8Array;
  /** The labels as rows of probabilities. */
  readonly targets: Tensor2D;
}

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
  const classes: Tensor1D = tensor1d(Int32Array.from(shown), "int32");
  const targets = oneHot(classes, CLASSES) as Tensor2D;
  classes.dispose();
  return { count: chosen.length, images: tensor2d(values, [chosen.length, size]), labels: shown, targets };
}
