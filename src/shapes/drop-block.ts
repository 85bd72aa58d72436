// DropBlock: square blocks of neighbouring elements of a feature map are dropped together. Source: Ghiasi, Lin, Le, "DropBlock: a
// regularization method for convolutional networks", NeurIPS 2018, with gamma and normalisation as in timm's drop_block_2d.
// Invariant: whatever the format, decision k belongs to the seed at place k of [samples or 1, channels, rows, columns].

import { CHUNK } from "../engine/memory.js";
import type { Running } from "../engine/pass.js";
import { parts } from "../engine/pieces.js";
import type { Dtype } from "../ground/dtypes.js";
import type { StreamKind } from "../stream/kinds.js";
import type { ShapesKernels } from "./kernels.js";
import { type DataFormat, type Noise, noiseOf } from "./noise-shape.js";
import { fillKept } from "./work.js";

/** The parts of a ticket that name the blocks of DropBlock. */
export interface BlockFields {
  /** Shape of the data, in the order that `dataFormat` says. */
  readonly shape: readonly number[];
  /** Place of the channels. */
  readonly dataFormat: DataFormat;
  /** Elements along each side of a block, at least 1; where a feature map is smaller, so are the blocks. */
  readonly blockSize: number;
  /** Whether all samples share a mask. */
  readonly batchwise: boolean;
}

interface Maps {
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

/** The blocks of a call, and the noise shape of their mask. */
export interface Blocks {
  readonly fields: BlockFields;
  readonly noise: Noise;
  readonly maps: Maps;
  /** Elements along a block's side that fit the map. */
  readonly side: number;
}

export function blocksOf(fields: BlockFields): Blocks {
  const { shape, dataFormat, blockSize, batchwise } = fields;
  const maps = mapsOf(shape, dataFormat);
  const noise = noiseOf(shape, batchwise ? [1, ...shape.slice(1)] : shape, "shape");
  return { fields, noise, maps, side: Math.min(blockSize, maps.rows, maps.columns) };
}

function mapsOf(shape: readonly number[], format: DataFormat): Maps {
  const [, a, b, c] = shape as [number, number, number, number];
  return format === "channelsFirst" ? { channels: a, rows: b, columns: c } : { rows: a, columns: b, channels: c };
}

/**
 * Returns gamma: the probability to drop a seed so that about p of the elements are dropped, at most 1. Where a block is larger than the map, timm's
 * formula divides by zero or by a negative number of places; here the clipped size then stands in all of it.
 */
export function gammaOf(p: number, { maps: { rows, columns }, side }: Blocks, gammaScale: number): number {
  if (side === 0) return 0;
  return Math.min(1, (gammaScale * p * (columns * rows)) / side ** 2 / ((columns - side + 1) * (rows - side + 1)));
}

/** Writes the mask of the blocks around dropped seeds, which are drawn piece by piece into `seeds`. */
export function drawBlocks(run: Running, kernels: ShapesKernels, kind: StreamKind, blocks: Blocks, seeds: number, bits: number): void {
  const { fields, noise, maps, side } = blocks;
  const { kernels: core, memory } = run.engine;
  const draw = core.mask[kind].bits;
  const channels = fields.dataFormat === "channelsFirst" ? 1 : maps.channels;
  fillKept(memory, bits, noise.decisions);
  for (const { at, count } of parts(noise.decisions)) {
    draw(seeds, count, run.params(at));
    kernels.blocks.bits.bits(bits, seeds, count, at, channels, maps.rows, maps.columns, side);
  }
}

/** Returns the number of elements of a mask over that of its kept ones, rounded to the dtype. */
export function blockScale({ engine }: Running, bits: number, elements: number, dtype: Dtype): number {
  let kept = 0;
  for (const { at, count } of parts(elements, CHUNK)) kept += engine.kernels.popcount.bits.u32(bits + at / 8, count) >>> 0;
  // A quotient of integers below 2^28, rounded to f64, is halfway between two f32 only if it was so before: rounding it again is rounding once.
  return dtype === "f32" ? Math.fround(elements / kept) : elements / kept;
}
