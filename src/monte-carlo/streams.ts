// Which stream a mask of Monte-Carlo dropout is drawn from: one for each pass, layer and sample.
// Invariant: the numbering is one-to-one, so that no two of them share a mask, and depends on nothing else: neither on the order in which
// passes run nor on where.

import { checkInteger } from "../ground/check.js";
import type { Words } from "../ground/words.js";

/** Passes and samples are numbered in 24 bits, layers in 16: 64 in all. */
export const MOST_PASSES = 2 ** 24;
export const MOST_LAYERS = 2 ** 16;
export const MOST_SAMPLES = 2 ** 24;

/** Sets `stream` to number pass * 2^40 + layer * 2^24 + sample. */
export function setStream(stream: Words, pass: number, layer: number, sample: number): void {
  stream.high = pass * 2 ** 8 + (layer >> 8);
  stream.low = (layer & 0xff) * 2 ** 24 + sample;
}

/** Throws unless `layer` is the number of a layer. */
export function checkLayer(layer: unknown): asserts layer is number {
  checkInteger(layer, "layer", 0, MOST_LAYERS - 1);
}

/** Throws unless `value` is a number of samples. */
export function checkSamples(value: unknown, name: string): asserts value is number {
  checkInteger(value, name, 1, MOST_SAMPLES);
}

/** Throws unless `value` is the number of the first of `samples` samples. */
export function checkFirstSample(value: unknown, name: string, samples: number): asserts value is number {
  checkInteger(value, name, 0, MOST_SAMPLES - samples);
}

/**
 * The stream number of the mask of a pass, layer and sample: pass * 2^40 + layer * 2^24 + sample. The mask that a pass of
 * {@link MonteCarlo.predict} uses is that of `dropout.mask(features, p, { seed, stream: streamOf(pass, layer, sample) })`.
 *
 * @param pass number of the pass, an integer in [0, 2^24)
 * @param layer number of the layer, an integer in [0, 2^16)
 * @param sample number of the sample, an integer in [0, 2^24); 0 (default) where all samples share a mask
 * @throws TypeError for what is no number, RangeError for one out of range
 * @example
 * import { streamOf } from "wasm-dropout/monte-carlo";
 * const mask = dropout.mask(128, 0.25, { stream: streamOf(49, 1) }); // what the second layer keeps in the fiftieth pass
 */
export function streamOf(pass: number, layer: number, sample = 0): bigint {
  checkInteger(pass, "pass", 0, MOST_PASSES - 1);
  checkLayer(layer);
  checkInteger(sample, "sample", 0, MOST_SAMPLES - 1);
  return (BigInt(pass) << 40n) | (BigInt(layer) << 24n) | BigInt(sample);
}
