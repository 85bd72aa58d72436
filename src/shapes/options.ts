// Options of the operations with shapes.

import type { HalfOptions, StreamOptions } from "../core/dropout.js";
import type { WasmBuffer } from "../engine/buffer.js";
import type { AnyData } from "../engine/operand.js";
import type { Rescale } from "../stream/ticket.js";
import type { ChannelFormat, NoiseShapeOptions } from "./noise-shape.js";

/** Options of every forward operation, with an output of type Y; `start` counts decisions, not elements of x. */
export interface ForwardOptions<Y extends AnyData | undefined = undefined> extends StreamOptions, HalfOptions {
  /** Where to write y: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
  /** false gives x unchanged, or rescaled if `rescale` says so, and uses up no stream number; true by default. */
  training?: boolean | undefined;
}

interface ShapeOption {
  /** Shape of x in row-major order, the last dimension running fastest: positive integers whose product is the length of x. */
  shape: readonly number[];
}

interface FormatOption {
  /** Where the channels are: "channelsFirst" (default, as in PyTorch) behind the samples, "channelsLast" (as in Keras) at the end. */
  format?: ChannelFormat | undefined;
}

interface DropOptions<Y extends AnyData | undefined> extends ForwardOptions<Y>, ShapeOption {
  /** When to make up for what is dropped: in training (default), at test time, or not at all. */
  rescale?: Rescale | undefined;
  /** Where to write the mask that was drawn: a bit an element of the noise shape, least significant first, 1 = keep. */
  mask?: Uint8Array | WasmBuffer<"bits"> | undefined;
}

/** Options of {@link Shapes.dropout}. */
export interface NoiseDropoutOptions<Y extends AnyData | undefined = undefined> extends DropOptions<Y>, NoiseShapeOptions {}

/** Options of {@link Shapes.spatialDropout}. */
export interface SpatialDropoutOptions<Y extends AnyData | undefined = undefined> extends DropOptions<Y>, FormatOption {}

/** Options of {@link Shapes.dropPath}. */
export interface DropPathOptions<Y extends AnyData | undefined = undefined> extends DropOptions<Y> {
  /** Whether to divide kept samples by the keep probability: false says `rescale: "none"`. */
  scaleByKeep?: boolean | undefined;
}

/** Options of {@link Shapes.dropBlock}. */
export interface DropBlockOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y>, ShapeOption, FormatOption {
  /** Elements along each side of a block, an integer of at least 1; 7 by default. Where a feature map is smaller, so are its blocks. */
  blockSize?: number | undefined;
  /** Factor of gamma, at least 0; 1 by default. */
  gammaScale?: number | undefined;
  /** Whether all samples share a mask; false by default. */
  batchwise?: boolean | undefined;
}

/** Options of {@link Shapes.alphaDropout}. */
export interface AlphaDropoutOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y>, NoiseShapeOptions {
  /** Shape of x; by default [the length of x]. */
  shape?: ShapeOption["shape"] | undefined;
}

/** Options of {@link Shapes.featureAlphaDropout}. */
export interface FeatureAlphaDropoutOptions<Y extends AnyData | undefined = undefined>
  extends ForwardOptions<Y>,
    ShapeOption,
    FormatOption {}

/** A mask of a noise shape that was stored, for {@link Shapes.backward}. */
export interface StoredNoiseMask extends ShapeOption, NoiseShapeOptions {
  /** A bit an element of the noise shape, least significant first, 0 = drop. */
  mask: Uint8Array | WasmBuffer<"bits">;
  /** The drop probability that the mask was drawn with, in [0, 1]; gives the scale. 0 if it was drawn outside training. */
  p: number;
  /** As in the forward call, in training: "train" (default) multiplies by 1 / (1 - P(drop)), the others do not. */
  rescale?: Rescale | undefined;
  /** The keep stream that it was drawn from; gives the realised probability. The instance's by default. */
  kind?: StreamOptions["kind"];
}
