// The stream that a mask of Monte-Carlo dropout is drawn from: one for each pass, layer and sample.
// Invariant: the number depends on nothing else, neither on the order in which passes run nor on where.

import { checkInteger, wrongKind } from "../ground/check.js";
import { Words } from "../ground/words.js";
import { addSample, DOMAINS, layerOfName, setDomainStream } from "../stream/domains.js";

/** Passes and samples are numbered in 24 bits, layers in 16, or by names in 31. */
export const MOST_PASSES = 2 ** 24;
export const MOST_LAYERS = 2 ** 16;
export const MOST_SAMPLES = 2 ** 24;

/** Sets `stream` to the number of a pass, layer and sample. */
export function setStream(stream: Words, pass: number, layer: number, sample: number): void {
  setDomainStream(stream, DOMAINS.monteCarlo, pass, layer);
  addSample(stream, sample);
}

/** Returns the number of a layer, given by number or name; throws TypeError or RangeError unless it is one. */
export function readLayer(layer: unknown): number {
  if (typeof layer === "string") return layerOfName(layer);
  if (typeof layer !== "number") throw wrongKind("layer", `name, or integer in [0, ${MOST_LAYERS - 1}]`, layer);
  checkInteger(layer, "layer", 0, MOST_LAYERS - 1);
  return layer;
}

/** Throws unless `value` is a number of samples. */
export function checkSamples(value: unknown, name: string): asserts value is number {
  checkInteger(value, name, 0, MOST_SAMPLES);
}

/** Throws unless `value` is the number of the first of `samples` samples. */
export function checkFirstSample(value: unknown, name: string, samples: number): asserts value is number {
  checkInteger(value, name, 0, MOST_SAMPLES - samples);
}

/**
 * Returns the stream number of the mask of a pass, layer and sample: that of the Monte-Carlo domain of the keep streams' specification, so that it meets
 * neither the streams that an instance counts nor those of training. The mask that a pass of {@link MonteCarlo.predict} uses is that of
 * `dropout.mask(features, p, { seed, stream: streamOf(pass, layer, sample) })`.
 *
 * @param pass number of the pass, an integer in [0, 2^24)
 * @param layer number of the layer, an integer in [0, 2^16), or its name
 * @param sample number of the sample, an integer in [0, 2^24); 0 (default) where all samples share a mask
 * @throws TypeError for a wrong kind of argument, RangeError for a number out of range
 * @example
 * import { streamOf } from "wasm-dropout/monte-carlo";
 * const mask = dropout.mask(128, 0.25, { stream: streamOf(49, 1) }); // the elements that the second layer keeps in the fiftieth pass
 */
export function streamOf(pass: number, layer: number | string, sample = 0): bigint {
  checkInteger(pass, "pass", 0, MOST_PASSES - 1);
  const number = readLayer(layer);
  checkInteger(sample, "sample", 0, MOST_SAMPLES - 1);
  const stream = new Words();
  setStream(stream, pass, number, sample);
  return stream.toBigInt();
}
