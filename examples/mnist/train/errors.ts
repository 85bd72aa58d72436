// The number of examples that a network gets wrong, and the evaluation of an array of rows in parts.

import { tensor2d, tidy } from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import { CLASSES, type Examples, PIXELS } from "./data.js";
import { logitsOf } from "./model.js";

// Activations of so many images stay small.
const PART = 1000;

/** The logits of all examples, row by row. */
export function allLogits(model: Sequential, { values, count }: Examples, training: boolean): Float32Array {
  const logits = new Float32Array(count * CLASSES);
  for (let at = 0; at < count; at += PART) {
    tidy(() => {
      const rows = Math.min(PART, count - at);
      const part = tensor2d(values.subarray(at * PIXELS, (at + rows) * PIXELS), [rows, PIXELS]);
      logits.set(logitsOf(model, part, training).dataSync(), at * CLASSES);
    });
  }
  return logits;
}

/** Returns for each example true if the class most probable by its CLASSES `scores` is another than the label. */
export function mistakes(scores: ArrayLike<number>, labels: Uint8Array): boolean[] {
  return Array.from(labels, (label, row) => {
    let best = 0;
    for (let c = 1; c < CLASSES; ++c) if ((scores[row * CLASSES + c] as number) > (scores[row * CLASSES + best] as number)) best = c;
    return best !== label;
  });
}

/** Returns the numbers of the examples that the network, with its weights scaled as at test time, gets wrong. */
export function wrongOf(model: Sequential, examples: Examples): number[] {
  return mistakes(allLogits(model, examples, false), examples.labels).flatMap((wrong, number) => (wrong ? [number] : []));
}
