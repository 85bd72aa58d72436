// From options about shared decisions to a noise shape: as many dimensions as the data, each the same or 1.
// Source of the semantics: noise_shape of tf.nn.dropout and Keras' Dropout, broadcast_dims of Flax' Dropout.

import { checkChoice, checkFlag, checkInteger, isArray, wrongKind, wrongValue } from "../ground/check.js";
import { checkShape, MAX_RANK, productOf, type Ranks, showShape, takeItems, takeShape } from "../ground/shape.js";

/** Place of the channels: "channelsFirst", behind the samples, as in PyTorch, or "channelsLast", at the end, as in Keras. */
export type DataFormat = (typeof DATA_FORMATS)[number];
export const DATA_FORMATS = ["channelsFirst", "channelsLast"] as const;

/** A data format, also as Keras spells it. */
export type DataFormatName = DataFormat | (typeof KERAS_FORMATS)[number];
const KERAS_FORMATS = ["channels_first", "channels_last"] as const;
const FORMAT_NAMES = [...DATA_FORMATS, ...KERAS_FORMATS] as const;

/** Returns the data format that an option names, "channelsFirst" by default. */
export function readDataFormat(value: unknown = "channelsFirst"): DataFormat {
  checkChoice(value, "dataFormat", FORMAT_NAMES);
  return value === "channelsLast" || value === "channels_last" ? "channelsLast" : "channelsFirst";
}

/** The elements that share a decision; at most one of the two. */
export interface NoiseShapeOptions {
  /**
   * Shape of the mask: for each dimension its size, which null or undefined also stand for, or 1, where all elements along it share a decision. If
   * it has fewer dimensions than the data, those in front are 1.
   */
  noiseShape?: readonly (number | null | undefined)[] | undefined;
  /** The dimensions along which all elements share a decision, integers in [-rank, rank); negative ones count from the end. */
  broadcastDims?: readonly number[] | undefined;
}

/** A noise shape over data of some shape, both copies that nobody changes, and the number of its decisions. */
export interface Noise {
  readonly shape: readonly number[];
  readonly noiseShape: readonly number[];
  readonly decisions: number;
}

/** Returns the noise of a noise shape that has been checked, called `name`; throws RangeError if it has too many decisions. */
export function noiseOf(shape: readonly number[], noiseShape: readonly number[], name = "noiseShape"): Noise {
  return { shape, noiseShape, decisions: checkShape(noiseShape, name) };
}

/** True if each element has a decision of its own. */
export function isElementwise({ shape, noiseShape }: Noise): boolean {
  return shape.every((size, k) => size === noiseShape[k]);
}

/**
 * Returns the noise over `shape`, which has been checked, that options ask for; without any, a decision for each element. Messages put `prefix` in
 * front of names.
 */
export function resolveNoise(shape: readonly number[], noiseShape: unknown, broadcastDims: unknown, prefix = ""): Noise {
  if (broadcastDims === undefined) {
    const name = `${prefix}noiseShape`;
    return noiseOf(shape, noiseShape === undefined ? [...shape] : fromNoiseShape(shape, noiseShape, name), name);
  }
  const name = `${prefix}broadcastDims`;
  if (noiseShape !== undefined) throw wrongKind(name, "nothing beside noiseShape", broadcastDims);
  const result = [...shape];
  takeItems(broadcastDims, name, "array of dimensions", [0, MAX_RANK]).forEach((dim, k) => {
    checkInteger(dim, `${name}[${k}]`, -shape.length, shape.length - 1);
    result[dim < 0 ? dim + shape.length : dim] = 1;
  });
  return noiseOf(shape, result, name);
}

function fromNoiseShape(shape: readonly number[], value: unknown, name: string): number[] {
  if (!isArray(value)) throw wrongKind(name, "array of dimensions", value);
  const noiseShape = takeItems(value, name, `at most ${shape.length} dimensions`, [0, shape.length]);
  const missing = shape.length - noiseShape.length;
  return shape.map((size, k) => (k < missing ? 1 : fits(noiseShape[k - missing] ?? size, size, `${name}[${k - missing}]`)));
}

/** Returns a dimension of a noise shape over one of `size`; throws unless it is that or 1. */
export function fits(value: unknown, size: number, name: string): number {
  if (value === size || value === 1) return value;
  const expected = size === 1 ? "1" : `1 or ${size}`;
  throw typeof value === "number" ? wrongValue(name, expected, value) : wrongKind(name, expected, value);
}

/** Returns the noise of a noise shape that a ticket names; throws unless it fits `shape` and has `length` decisions. */
export function checkNoise(shape: readonly number[], noiseShape: readonly number[], name: string, length: unknown): Noise {
  if (noiseShape.length !== shape.length) throw wrongValue(name, `array of ${shape.length} non-negative integers`, showShape(noiseShape));
  const decisions = productOf(noiseShape);
  if (decisions !== length) throw wrongValue(name, `dimensions whose product is the ticket's length`, showShape(noiseShape));
  shape.forEach((size, k) => {
    fits(noiseShape[k], size, `${name}[${k}]`);
  });
  return { shape, noiseShape, decisions };
}

/**
 * Returns a copy of the shape of data with channels and with some dimensions beside samples and channels; whether there are samples is `batched`, true by
 * default. Throws TypeError or RangeError that names the option.
 */
export function takeChannels(value: unknown, batched: unknown, [least, most]: Ranks, prefix = ""): number[] {
  checkFlag(batched, `${prefix}batched`);
  const others = batched === false ? 1 : 2;
  return takeShape(value, `${prefix}shape`, [least + others, most + others]);
}

/** Returns the noise with a decision for each channel, of each sample if the data are `batched`. */
export function channelNoise(shape: readonly number[], format: DataFormat, batched = true): Noise {
  const first = batched ? 1 : 0;
  const channel = format === "channelsFirst" ? first : shape.length - 1;
  return noiseOf(
    shape,
    shape.map((size, k) => (k < first || k === channel ? size : 1)),
    "shape",
  );
}

/** Returns the noise with a decision for each sample of data of `shape`. */
export function sampleNoise(shape: readonly number[]): Noise {
  return noiseOf(
    shape,
    shape.map((size, k) => (k === 0 ? size : 1)),
    "shape",
  );
}
