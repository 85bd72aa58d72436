// From what a caller says about shared decisions to a noise shape: as many dimensions as the data, each the same or 1.
// Source of the semantics: noise_shape of tf.nn.dropout and Keras' Dropout, broadcast_dims of Flax' Dropout.

import { checkInteger, wrongKind, wrongValue } from "../ground/check.js";
import { checkShape, showShape } from "../ground/shape.js";

/** Where the channels of [samples, channels, ...] data are: behind the samples, as in PyTorch, or last, as in Keras. */
export type ChannelFormat = (typeof CHANNEL_FORMATS)[number];
export const CHANNEL_FORMATS = ["channelsFirst", "channelsLast"] as const;

/** Which elements share a decision; at most one of the two. */
export interface NoiseShapeOptions {
  /**
   * Shape of the mask: for each dimension its size, which null or undefined also stand for, or 1, where all elements along it share a decision. If
   * it has fewer dimensions than the data, those in front are 1.
   */
  noiseShape?: readonly (number | null | undefined)[] | undefined;
  /** The dimensions along which all elements share a decision, integers in [-rank, rank); negative ones count from the end. */
  broadcastDims?: readonly number[] | undefined;
}

/** The noise shape over `shape`, which has been checked, that options ask for; without any, `shape`. Messages put `prefix` in front of names. */
export function resolveNoiseShape(shape: readonly number[], noiseShape: unknown, broadcastDims: unknown, prefix = ""): number[] {
  const name = `${prefix}broadcastDims`;
  if (broadcastDims === undefined) return noiseShape === undefined ? [...shape] : fromNoiseShape(shape, noiseShape, `${prefix}noiseShape`);
  if (noiseShape !== undefined) throw wrongKind(name, "nothing beside noiseShape", broadcastDims);
  if (!Array.isArray(broadcastDims)) throw wrongKind(name, "array of dimensions", broadcastDims);
  const result = [...shape];
  broadcastDims.forEach((dim: unknown, k) => {
    checkInteger(dim, `${name}[${k}]`, -shape.length, shape.length - 1);
    result[dim < 0 ? dim + shape.length : dim] = 1;
  });
  return result;
}

function fromNoiseShape(shape: readonly number[], noiseShape: unknown, name: string): number[] {
  if (!Array.isArray(noiseShape)) throw wrongKind(name, "array of dimensions", noiseShape);
  const missing = shape.length - noiseShape.length;
  if (missing < 0) throw wrongValue(name, `at most ${shape.length} dimensions`, showShape(noiseShape));
  return shape.map((size, k) => (k < missing ? 1 : fits(noiseShape[k - missing] ?? size, size, `${name}[${k - missing}]`)));
}

/** A dimension of a noise shape over one of `size`; throws unless it is that or 1. */
function fits(value: unknown, size: number, name: string): number {
  if (value === size || value === 1) return value;
  const expected = size === 1 ? "1" : `1 or ${size}`;
  throw typeof value === "number" ? wrongValue(name, expected, value) : wrongKind(name, expected, value);
}

/** Throws unless `value` is a noise shape over `shape` with `length` decisions. */
export function checkNoiseShape(
  value: unknown,
  name: string,
  shape: readonly number[],
  length: number,
): asserts value is readonly number[] {
  checkShape(value, name, length, [shape.length, shape.length]);
  shape.forEach((size, k) => {
    fits((value as unknown[])[k], size, `${name}[${k}]`);
  });
}

/** The noise shape with a decision for each sample and channel of data of `shape`. */
export function channelNoise(shape: readonly number[], format: ChannelFormat): number[] {
  const channel = format === "channelsFirst" ? 1 : shape.length - 1;
  return shape.map((size, k) => (k === 0 || k === channel ? size : 1));
}

/** The noise shape with a decision for each sample of data of `shape`. */
export function sampleNoise(shape: readonly number[]): number[] {
  return shape.map((size, k) => (k === 0 ? size : 1));
}
