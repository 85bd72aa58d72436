// DropBlock: square blocks of neighbouring elements of a feature map are dropped together. Source: Ghiasi, Lin, Le, "DropBlock: a
// regularization method for convolutional networks", NeurIPS 2018, with gamma and normalisation as in timm's drop_block_2d.
// Invariant: whatever the format, decision k belongs to the seed at place k of [samples or 1, channels, rows, columns].

import { PIECE, parts } from "../engine/frame.js";
import { byteLength, type Dtype } from "../ground/dtypes.js";
import { noiseOf } from "./broadcast.js";
import type { ChannelFormat } from "./noise-shape.js";
import { CHUNK, isCertain, type Operation, type Pass, prepareCore, prepareWalk } from "./pass.js";
import type { BlockFields } from "./ticket.js";
import { walkOf } from "./walk.js";

interface Maps {
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

function mapsOf(shape: readonly number[], format: ChannelFormat): Maps {
  const [, a, b, c] = shape as [number, number, number, number];
  return format === "channelsFirst" ? { channels: a, rows: b, columns: c } : { rows: a, columns: b, channels: c };
}

/** Elements along a block's side that fit the map. */
function sideOf({ rows, columns }: Maps, blockSize: number): number {
  return Math.min(blockSize, rows, columns);
}

/**
 * Gamma: the probability to drop a seed so that about p of the elements are dropped, at most 1. Where a block is larger than the map, timm's
 * formula divides by zero or by a negative number of places; here the clipped size then stands in all of it.
 */
export function gammaOf(p: number, shape: readonly number[], format: ChannelFormat, blockSize: number, gammaScale: number): number {
  const maps = mapsOf(shape, format);
  const { rows, columns } = maps;
  const side = sideOf(maps, blockSize);
  return Math.min(1, (gammaScale * p * (columns * rows)) / side ** 2 / ((columns - side + 1) * (rows - side + 1)));
}

/** y = keep ? scale x : +0, scale being the number of elements of the mask over that of its kept ones; +0 where none is kept. */
export function dropBlock(fields: BlockFields): Operation<BlockFields> {
  const { shape, format, blockSize, batchwise } = fields;
  const maps = mapsOf(shape, format);
  const { noiseShape, decisions } = noiseOf(shape, batchwise ? [1, ...shape.slice(1)] : shape);
  return {
    shape,
    decisions,
    fields,
    prepare(pass) {
      const { context, frame, kernels, dtype } = pass;
      if (isCertain(context)) return prepareCore(pass);
      const seeds = frame.scratch(byteLength("bits", PIECE));
      const bits = frame.scratch(byteLength("bits", decisions));
      const kernel = kernels.broadcast.bits[dtype];
      let factor = 1;
      const apply = prepareWalk(pass, walkOf(shape, noiseShape), bits, (dst, src, mask, n, record) =>
        kernel(dst, src, mask, n, record, factor),
      );
      return () => {
        drawBlocks(pass, seeds, bits, decisions, maps, format, sideOf(maps, blockSize));
        factor = scaleOf(decisions, countKept(pass, bits, decisions), dtype);
        apply();
      };
    },
  };
}

/** Writes the mask of the blocks around dropped seeds, which are drawn piece by piece. */
function drawBlocks(
  { context, kernels }: Pass,
  seeds: number,
  bits: number,
  decisions: number,
  maps: Maps,
  format: ChannelFormat,
  side: number,
): void {
  const { call, memory } = context;
  const draw = context.kernels.mask[call.recipe.kind].bits;
  const channels = format === "channelsFirst" ? 1 : maps.channels;
  if (channels === 1) {
    for (const { at, count } of parts(decisions)) call.draw(draw, bits + at / 8, at, count);
  } else {
    const mask = memory.view("bits", bits, decisions).fill(0xff);
    if (decisions % 8 > 0) mask[mask.length - 1] = (1 << (decisions % 8)) - 1;
    for (const { at, count } of parts(decisions)) {
      call.draw(draw, seeds, at, count);
      kernels.scatter.bits.bits(bits, seeds, count, at, channels, maps.rows * maps.columns);
    }
  }
  // A seed counts only where its block lies wholly in the feature map.
  const [before, after] = [Math.floor(side / 2), Math.floor((side - 1) / 2)];
  kernels.dilate.bits.bits(bits, decisions, channels, maps.columns, before, after, 0);
  kernels.dilate.bits.bits(bits, decisions, channels * maps.columns, maps.rows, before, after, 0);
}

function countKept({ context }: Pass, bits: number, decisions: number): number {
  let kept = 0;
  for (const { at, count } of parts(decisions, CHUNK)) kept += context.kernels.popcount.bits.u32(bits + at / 8, count) >>> 0;
  return kept;
}

// A quotient of integers below 2^28, rounded to f64, is halfway between two f32 only if it was so before: rounding it again is rounding once.
function scaleOf(elements: number, kept: number, dtype: Dtype): number {
  return dtype === "f32" ? Math.fround(elements / kept) : elements / kept;
}
