// DropBlock: blocks of neighbouring elements of a feature map are dropped together. Sources: Ghiasi, Lin, Le, "DropBlock: a regularization
// method for convolutional networks", NeurIPS 2018; drop_block_2d of timm since 1.0.23 (timm/layers/drop.py) for blocks clipped axis by axis,
// border seeds, coupled channels and the scale; drop_block2d and drop_block3d of torchvision (torchvision/ops/drop_block.py) for maps of other ranks.
// Invariant: whatever the format, decision k belongs to the seed at place k of [samples or 1, channels or 1, ...places of a map].

import { CHUNK } from "../engine/memory.js";
import type { Running, Taking } from "../engine/pass.js";
import { parts } from "../engine/pieces.js";
import { BlockForm } from "../ground/abi.js";
import { checkFlag, checkInteger, wrongValue } from "../ground/check.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";
import { productOf } from "../ground/shape.js";
import type { ShapesKernels } from "./kernels.js";
import { type DataFormat, type Noise, noiseOf, takeChannels } from "./noise-shape.js";
import { fillKept } from "./work.js";

/** The parts of a ticket that name the blocks of DropBlock. */
export interface BlockFields {
  /** Shape of the data, in the order that `dataFormat` says. */
  readonly shape: readonly number[];
  /** Place of the channels. */
  readonly dataFormat: DataFormat;
  /** True if the first dimension is that of samples. */
  readonly batched: boolean;
  /** Elements along each side of a block, at least 1; where a feature map is smaller along an axis, so are the blocks. */
  readonly blockSize: number;
  /** True if all samples share a mask. */
  readonly batchwise: boolean;
  /** True if all channels of a sample share a mask. */
  readonly coupleChannels: boolean;
  /** True if seeds count whose blocks reach beyond the map. */
  readonly borderSeeds: boolean;
  /** True if kept elements are multiplied by the number of the mask's elements over that of its kept ones. */
  readonly scaleByKeep: boolean;
  /** True if dropped elements became normal numbers. */
  readonly withNoise: boolean;
}

/** The blocks of a call, and the noise shape of their mask. */
export interface Blocks {
  readonly fields: BlockFields;
  readonly noise: Noise;
  /** Channels that have a mask of their own. */
  readonly channels: number;
  /** Elements along the axes of a map, and along those of a block. */
  readonly sizes: readonly number[];
  readonly sides: readonly number[];
}

/** Options or parts of a ticket, unchecked. */
export type GivenBlocks = { readonly [K in Exclude<keyof BlockFields, "dataFormat">]?: unknown };

/** Reads and checks what names blocks; messages put `prefix` in front of names. */
export function readBlocks(given: GivenBlocks, dataFormat: DataFormat, prefix = ""): Blocks {
  const { batched = true, blockSize, batchwise = false, coupleChannels = false, borderSeeds = false, withNoise = false } = given;
  const { scaleByKeep = withNoise !== true } = given;
  const shape = takeChannels(given.shape, batched, [1, 3], prefix);
  checkInteger(blockSize, `${prefix}blockSize`, 1, Number.MAX_SAFE_INTEGER);
  // takeChannels() has checked it.
  const samples = batched as boolean;
  requireFlag(batchwise, `${prefix}batchwise`);
  requireFlag(coupleChannels, `${prefix}coupleChannels`);
  requireFlag(borderSeeds, `${prefix}borderSeeds`);
  requireFlag(scaleByKeep, `${prefix}scaleByKeep`);
  requireFlag(withNoise, `${prefix}withNoise`);
  if (withNoise && scaleByKeep) throw wrongValue(`${prefix}scaleByKeep`, "false beside withNoise, with which nothing is scaled", "true");
  return blocksOf({ shape, dataFormat, batched: samples, blockSize, batchwise, coupleChannels, borderSeeds, scaleByKeep, withNoise });
}

function requireFlag(value: unknown, name: string): asserts value is boolean {
  checkFlag(value, name);
}

function blocksOf(fields: BlockFields): Blocks {
  const { shape, dataFormat, blockSize, batched, batchwise, coupleChannels } = fields;
  const first = batched ? 1 : 0;
  const channel = dataFormat === "channelsFirst" ? first : shape.length - 1;
  const isMap = (k: number) => k >= first && k !== channel;
  const noiseShape = shape.map((size, k) => (isMap(k) || (k === channel ? !coupleChannels : !batchwise) ? size : 1));
  const sizes = shape.filter((_, k) => isMap(k));
  return {
    fields,
    noise: noiseOf(shape, noiseShape, "shape"),
    channels: noiseShape[channel] as number,
    sizes,
    sides: sizes.map((size) => Math.min(blockSize, size)),
  };
}

/** Returns gamma, the probability to drop a seed so that about p of the elements are dropped, at most 1; 0 where there is no element. */
export function gammaOf(p: number, { sizes, sides }: Blocks, gammaScale: number): number {
  if (sides.includes(0)) return 0;
  const places = productOf(sizes.map((size, k) => size - (sides[k] as number) + 1));
  return Math.min(1, (gammaScale * p * productOf(sizes)) / productOf(sides) / places);
}

// The kernels read and write whole words, up to so many bytes around a mask.
const MARGIN = 16;

/** Takes the scratch of a mask of blocks; returns its address, and what draws it. */
export function takeBlockMask(pass: Taking, kernels: ShapesKernels, blocks: Blocks): { bits: number; draw: (run: Running) => void } {
  const { fields, noise, channels, sizes, sides } = blocks;
  const { decisions } = noise;
  const { memory, kernels: core } = pass.engine;
  const kernel = core.mask[pass.draw.kind].bits;
  const take = () => pass.scratch(byteLength("bits", decisions) + 2 * MARGIN) + MARGIN;
  const interleaved = fields.dataFormat === "channelsLast" && channels > 1;
  const seeds = take();
  const bits = interleaved ? take() : seeds;
  const { dilate, scatter } = kernels;
  const draw = (run: Running) => {
    for (const { at, count } of parts(decisions, CHUNK)) kernel(seeds + at / 8, count, run.params(at));
    if (interleaved) {
      fillKept(memory, bits, decisions);
      scatter.bits.bits(bits, seeds, decisions, 0, channels, productOf(sizes));
    }
    let stride = interleaved ? channels : 1;
    for (let k = sizes.length - 1; k >= 0; --k) {
      const [size, side] = [sizes[k] as number, sides[k] as number];
      // The block around a seed is that of the paper, which for even sides has one more element in front.
      dilate.bits.bits(bits, decisions, stride, size, side >> 1, (side - 1) >> 1, fields.borderSeeds ? 1 : 0);
      stride *= size;
    }
  };
  return { bits, draw };
}

/** Returns what replaces, in data of `dtype` of which elements at..at+n-1 lie at dst, those that the mask at `bits` drops by normal numbers. */
export function blockNoise(kernels: ShapesKernels, blocks: Blocks, dtype: Dtype) {
  const { fields, sizes, channels: masks } = blocks;
  const { shape, batched, batchwise, dataFormat } = fields;
  const kernel = kernels.noise.bits[dtype];
  const area = productOf(sizes);
  const channels = shape[dataFormat === "channelsLast" ? shape.length - 1 : batched ? 1 : 0] as number;
  const form =
    (batchwise ? 0 : BlockForm.ownSamples) |
    (masks === channels ? BlockForm.ownChannels : 0) |
    (dataFormat === "channelsLast" ? BlockForm.channelsLast : 0);
  return (dst: number, bits: number, n: number, at: number, params: number) => kernel(dst, bits, n, at, channels, area, form, params);
}

/** Returns the number of elements of a mask over that of its kept ones, rounded to the dtype. */
export function blockScale({ engine }: Running, bits: number, elements: number, dtype: Dtype): number {
  let kept = 0;
  for (const { at, count } of parts(elements, CHUNK)) kept += engine.kernels.popcount.bits.u32(bits + at / 8, count) >>> 0;
  // A quotient of integers below 2^28, rounded to f64, is halfway between two f32 only if it was so before: rounding it again is rounding once.
  return dtype === "f32" ? Math.fround(elements / kept) : elements / kept;
}
