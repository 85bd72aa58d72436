// The computations of layers, one example at a time.

import type { Layer } from "./model.js";

/** The number of classes, the sizes of the layers before them, and that of an image. */
export const SIZES = [784, 256, 128, 10] as const;

/** The drop probability of both hidden layers in training. */
export const P = 0.25;

/** Writes biases + x weights to `y`. What is zero costs nothing: most of an image, and all that dropout and ReLU left nothing of. */
export function dense({ outputs, weights, biases }: Layer, x: Float32Array, y: Float32Array): void {
  y.set(biases);
  for (let i = 0; i < x.length; ++i) {
    const value = x[i];
    if (value === 0) continue;
    for (let o = 0, k = i * outputs; o < outputs; ++o, ++k) y[o] += value * weights[k];
  }
}

/** Sets what is not positive to 0, in place. */
export function relu(x: Float32Array): void {
  for (let i = 0; i < x.length; ++i) if (!(x[i] > 0)) x[i] = 0;
}

/** The index of the largest value. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let c = 1; c < values.length; ++c) if (values[c] > values[best]) best = c;
  return best;
}
