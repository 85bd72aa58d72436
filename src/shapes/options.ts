// The options of operations with shapes.

import {
  BACKWARD_KEYS,
  type BackwardOptions,
  type BitMask,
  FORWARD_KEYS,
  type ForwardOptions,
  MASK_RATE_KEYS,
  type MaskRate,
} from "../core/options.js";
import type { AnyData } from "../engine/operand.js";
import { type Known, known } from "../ground/options.js";
import type { Rescale } from "../stream/ticket.js";
import type { DataFormatName, NoiseShapeOptions } from "./noise-shape.js";
import type { Probabilities } from "./rates.js";

/** Options of every operation with a shape, with an output of type Y: undefined for one that the call makes. `start` counts decisions, not elements of x. */
export interface ShapedOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y> {
  /** Shape of x in row-major order, the last dimension running fastest: non-negative integers whose product is the length of x. */
  shape: readonly number[];
}
const SHAPED_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "shape");

interface RatesOptions {
  /**
   * Shape of p where that is an array, broadcast against `shape` by NumPy's rules. By default that of one probability for each sample:
   * [samples, 1, 1, ...].
   */
  pShape?: readonly number[] | undefined;
}
const RATES_KEYS: Known = /* @__PURE__ */ known("pShape");

interface ChannelOptions {
  /** Place of the channels: "channelsFirst" (default, as in PyTorch) behind the samples, "channelsLast" (as in Keras) at the end. */
  dataFormat?: DataFormatName | undefined;
  /** True if the first dimension is that of samples; true by default. false: `shape` is that of one sample, such as [channels, rows, columns]. */
  batched?: boolean | undefined;
}
const CHANNEL_KEYS: Known = /* @__PURE__ */ known("dataFormat", "batched");

interface DropOptions<Y extends AnyData | undefined> extends ShapedOptions<Y>, RatesOptions {
  /** When kept values are scaled: "train" (default, inverted dropout), "test" (classic dropout), or "none". */
  rescale?: Rescale | undefined;
  /** The array to write the mask to: a bit an element of the noise shape, least significant first, 1 = keep. Outside training all are kept. */
  mask?: BitMask | undefined;
}
const DROP_KEYS: Known = /* @__PURE__ */ known(SHAPED_KEYS, RATES_KEYS, "rescale", "mask");

/** Options of {@link Shapes.broadcastDropout}, with an output of type Y: undefined for one that the call makes. */
export interface BroadcastDropoutOptions<Y extends AnyData | undefined = undefined> extends DropOptions<Y>, NoiseShapeOptions {}
export const BROADCAST_KEYS: Known = /* @__PURE__ */ known(DROP_KEYS, "noiseShape", "broadcastDims");

/** Options of {@link Shapes.spatialDropout}, with an output of type Y: undefined for one that the call makes. */
export interface SpatialDropoutOptions<Y extends AnyData | undefined = undefined> extends DropOptions<Y>, ChannelOptions {}
export const SPATIAL_KEYS: Known = /* @__PURE__ */ known(DROP_KEYS, CHANNEL_KEYS);

/** Options of {@link Shapes.dropPath}, with an output of type Y: undefined for one that the call makes. */
export interface DropPathOptions<Y extends AnyData | undefined = undefined> extends DropOptions<Y> {
  /** True if kept samples are divided by the keep probability: false says `rescale: "none"`. */
  scaleByKeep?: boolean | undefined;
}
export const PATH_KEYS: Known = /* @__PURE__ */ known(DROP_KEYS, "scaleByKeep");

/** Options of {@link Shapes.dropBlock}, with an output of type Y: undefined for one that the call makes. */
export interface DropBlockOptions<Y extends AnyData | undefined = undefined> extends ShapedOptions<Y>, ChannelOptions {
  /** Elements along each side of a block, an integer of at least 1; 7 by default. Along an axis where a feature map is smaller, so are its blocks. */
  blockSize?: number | undefined;
  /** Factor of gamma, at least 0; 1 by default. */
  gammaScale?: number | undefined;
  /** True if all samples share a mask; false by default. */
  batchwise?: boolean | undefined;
  /** True if all channels of a sample share a mask; false by default, as in torchvision, true in timm. */
  coupleChannels?: boolean | undefined;
  /**
   * True if seeds count whose blocks reach beyond the map, and drop the part within it; false by default, as in the paper and in torchvision, true in
   * timm.
   */
  borderSeeds?: boolean | undefined;
  /** True if kept elements are multiplied by the number of the mask's elements over that of its kept ones; true by default, but false `withNoise`. */
  scaleByKeep?: boolean | undefined;
  /** True if dropped elements become normal numbers, and kept ones stay as they are; false by default. */
  withNoise?: boolean | undefined;
}
export const BLOCK_KEYS: Known = /* @__PURE__ */ known(
  SHAPED_KEYS,
  CHANNEL_KEYS,
  "blockSize",
  "gammaScale",
  "batchwise",
  "coupleChannels",
  "borderSeeds",
  "scaleByKeep",
  "withNoise",
);

/** Options of {@link Shapes.alphaDropout}, with an output of type Y: undefined for one that the call makes. */
export interface AlphaDropoutOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y>, NoiseShapeOptions, RatesOptions {
  /** Shape of x; [the length of x] by default. */
  shape?: readonly number[] | undefined;
}
export const ALPHA_KEYS: Known = /* @__PURE__ */ known(SHAPED_KEYS, RATES_KEYS, "noiseShape", "broadcastDims");

/** Options of {@link Shapes.featureAlphaDropout}, with an output of type Y: undefined for one that the call makes. */
export interface FeatureAlphaDropoutOptions<Y extends AnyData | undefined = undefined>
  extends ShapedOptions<Y>,
    ChannelOptions,
    RatesOptions {}
export const FEATURE_ALPHA_KEYS: Known = /* @__PURE__ */ known(SHAPED_KEYS, CHANNEL_KEYS, RATES_KEYS);

/** Options of {@link Shapes.backward}, with a gradient of type DX: undefined for one that the call makes. */
export interface ShapesBackwardOptions<DX extends AnyData | undefined = undefined> extends BackwardOptions<DX> {}
export const SHAPES_BACKWARD_KEYS: Known = BACKWARD_KEYS;

/** The arrays that {@link Shapes.backward} reads beside the ticket. */
export interface SavedNoiseMask {
  /** The mask to read instead of drawing it again: a bit an element of the noise shape, least significant first, 0 = drop. */
  mask?: BitMask | undefined;
  /** The array of probabilities of the forward call, for a ticket with `pShape`. */
  p?: Probabilities | undefined;
}
export const SAVED_NOISE_MASK_KEYS: Known = /* @__PURE__ */ known("mask", "p");

/** The description of a mask of other origin and its noise shape, in place of a ticket. */
export interface NoiseMaskRate extends Omit<MaskRate, "p">, NoiseShapeOptions, RatesOptions {
  /** Shape of the data. */
  shape: readonly number[];
  /** The drop probability that the mask was drawn with, in [0, 1], or an array of them; gives the scale. 0 if it was drawn outside training. */
  p: number | Probabilities;
}
export const NOISE_MASK_RATE_KEYS: Known = /* @__PURE__ */ known(MASK_RATE_KEYS, RATES_KEYS, "shape", "noiseShape", "broadcastDims");
