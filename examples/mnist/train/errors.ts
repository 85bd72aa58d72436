// The number of examples that a network gets wrong, and the evaluation of an array of rows in parts.

import { slice, tidy } from "@tensorflow/tfjs-core";
import type { Sequential } from "@tensorflow/tfjs-layers";
import { CLASSES, type Examples } from "./data.js";
import { logitsOf } from "./model.js";

// Activations of so many images stay small.
const PART = 1000;

/** The logits of all examples, row by row. */
export function allLogits(model: Sequential, { images, count }: Examples, training: boolean): Float32Array {
  const logits = new Float32Array(count * CLASSES);
  for (let at = 0; at < count; at += PART) {
    tidy(() => {
      const part = slice(images, at, Math.min(PART, count - at));
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

/** Returns the number of examples that the network, with its weights scaled as at test time, gets wrong. */
export function countWrong(model: Sequential, examples: Examples): number {
  return mistakes(allLogits(model, examples, false), examples.labels).filter(Boolean).length;
}
