// The operations of masks with shapes: each reads its arguments, takes its operands, and runs.

import { type ForwardPlan, readForward } from "../core/options.js";
import { WasmBuffer } from "../engine/buffer.js";
import type { AnyData, Taken, TakenData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import {
  checkAmount,
  checkChoice,
  checkFlag,
  checkProbability,
  isArray,
  isTypedArray,
  lengthOf,
  wrongKind,
  wrongValue,
} from "../ground/check.js";
import { checkOptions, type Known } from "../ground/options.js";
import { checkShape, MAX_RANK, takeShape } from "../ground/shape.js";
import { F16_OVERFLOW } from "../stream/draw.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { checkTicket, RESCALES, type Rescale } from "../stream/ticket.js";
import { alphaConstants } from "./alpha.js";
import { type Blocks, blockNoise, blockScale, gammaOf, readBlocks, takeBlockMask } from "./drop-block.js";
import type { ShapesKernels } from "./kernels.js";
import { channelNoise, isElementwise, type Noise, readDataFormat, resolveNoise, sampleNoise, takeChannels } from "./noise-shape.js";
import {
  ALPHA_KEYS,
  type AlphaDropoutOptions,
  BLOCK_KEYS,
  BROADCAST_KEYS,
  type BroadcastDropoutOptions,
  type DropBlockOptions,
  type DropPathOptions,
  FEATURE_ALPHA_KEYS,
  type FeatureAlphaDropoutOptions,
  NOISE_MASK_RATE_KEYS,
  type NoiseMaskRate,
  PATH_KEYS,
  SAVED_NOISE_MASK_KEYS,
  type SavedNoiseMask,
  SHAPES_BACKWARD_KEYS,
  type ShapesBackwardOptions,
  SPATIAL_KEYS,
  type SpatialDropoutOptions,
} from "./options.js";
import { blockTicket, noiseTicket, readTicket, type ShapesTicket, type TicketPlan } from "./ticket.js";
import { type Data, type Rule, takeCore, takeDrawn, takePieces, takeWalk, type Work } from "./work.js";

/** A forward call, as read. */
interface ShapedPlan {
  readonly common: ForwardPlan;
  /** The drop probability; of DropBlock, that of a seed. */
  readonly p: number;
  readonly x: AnyData;
  /** Shape of the data, and the decisions. */
  readonly noise: Noise;
}

interface DropPlan extends ShapedPlan {
  readonly rescale: Rescale;
  /** The array to write the mask to. */
  readonly mask: unknown;
}

interface BlockPlan extends ShapedPlan {
  readonly blocks: Blocks;
}

interface Forward {
  readonly y: unknown;
  readonly ticket: ShapesTicket;
}

type Arguments = [x: AnyData, p: number, options: unknown];

/** As readForward(); names the way to have several probabilities where they came in the place of one. */
function readCommon(p: unknown, options: unknown, keys: Known): ForwardPlan {
  if (isArray(p) || isTypedArray(p)) {
    const recipe = "for one for each sample, call once for each, with the same stream and start at its first decision";
    throw wrongKind("p", `one number in [0, 1] (${recipe})`, p);
  }
  return readForward(p, options, keys);
}

/** y = keep ? scale x : +0, by a mask that is broadcast over x. */
export function broadcastDropout(kernels: ShapesKernels): Operation<Arguments, DropPlan, Forward> {
  return {
    read(x, p, options) {
      const common = readCommon(p, options, BROADCAST_KEYS);
      const { shape: given, noiseShape, broadcastDims, rescale = "train", mask } = options as BroadcastDropoutOptions<AnyData>;
      checkChoice(rescale, "rescale", RESCALES);
      return { common, p, x, rescale, mask, noise: resolveNoise(takeShape(given, "shape"), noiseShape, broadcastDims) };
    },
    take: (pass, plan) => takeDrop(kernels, pass, plan),
  };
}

/** The same with a decision for each sample and channel. */
export function spatialDropout(kernels: ShapesKernels): Operation<Arguments, DropPlan, Forward> {
  return {
    read(x, p, options) {
      const common = readCommon(p, options, SPATIAL_KEYS);
      const { shape: given, dataFormat, batched, rescale = "train", mask } = options as SpatialDropoutOptions<AnyData>;
      checkChoice(rescale, "rescale", RESCALES);
      const shape = takeChannels(given, batched, [0, 3]);
      // Two dimensions are read in both ways by others: PyTorch's Dropout1d takes [channels, length], its Dropout2d [samples, channels].
      if (shape.length === 2 && batched === undefined)
        throw wrongKind("batched", "true for a shape of [samples, channels], or false for one of channels and places", batched);
      return { common, p, x, rescale, mask, noise: channelNoise(shape, readDataFormat(dataFormat), batched) };
    },
    take: (pass, plan) => takeDrop(kernels, pass, plan),
  };
}

/** The same with a decision for each sample. */
export function dropPath(kernels: ShapesKernels): Operation<Arguments, DropPlan, Forward> {
  return {
    read(x, p, options) {
      const common = readCommon(p, options, PATH_KEYS);
      const { shape, scaleByKeep, rescale: given, mask } = options as DropPathOptions<AnyData>;
      checkFlag(scaleByKeep, "scaleByKeep");
      if (scaleByKeep !== undefined && given !== undefined) throw wrongKind("rescale", "nothing beside scaleByKeep", given);
      const rescale = given ?? (scaleByKeep === false ? "none" : "train");
      checkChoice(rescale, "rescale", RESCALES);
      return { common, p, x, rescale, mask, noise: sampleNoise(takeShape(shape, "shape")) };
    },
    take: (pass, plan) => takeDrop(kernels, pass, plan),
  };
}

/** y = keep ? a x + b : dropped. */
export function alphaDropout(kernels: ShapesKernels): Operation<Arguments, ShapedPlan, Forward> {
  return {
    read(x, p, options) {
      const common = readCommon(p, options, ALPHA_KEYS);
      const { shape: given, noiseShape, broadcastDims } = options as AlphaDropoutOptions<AnyData>;
      const shape = given === undefined ? [elementsOf(x)] : takeShape(given, "shape");
      return { common, p, x, noise: resolveNoise(shape, noiseShape, broadcastDims) };
    },
    take: (pass, plan) => takeAlphaForward(kernels, pass, plan),
  };
}

/** The same with a decision for each sample and channel. */
export function featureAlphaDropout(kernels: ShapesKernels): Operation<Arguments, ShapedPlan, Forward> {
  return {
    read(x, p, options) {
      const common = readCommon(p, options, FEATURE_ALPHA_KEYS);
      const { shape, dataFormat, batched } = options as FeatureAlphaDropoutOptions<AnyData>;
      return { common, p, x, noise: channelNoise(takeChannels(shape, batched, [0, MAX_RANK - 2]), readDataFormat(dataFormat), batched) };
    },
    take: (pass, plan) => takeAlphaForward(kernels, pass, plan),
  };
}

/** y = keep ? scale x : +0, by blocks. */
export function dropBlock(kernels: ShapesKernels): Operation<Arguments, BlockPlan, Forward> {
  return {
    read(x, p, options) {
      const common = readCommon(p, options, BLOCK_KEYS);
      const { shape, dataFormat, batched, blockSize = 7, gammaScale = 1 } = options as DropBlockOptions<AnyData>;
      const { batchwise, coupleChannels, borderSeeds, scaleByKeep, withNoise } = options as DropBlockOptions<AnyData>;
      checkAmount(gammaScale, "gammaScale");
      const fields = { shape, batched, blockSize, batchwise, coupleChannels, borderSeeds, scaleByKeep, withNoise };
      const blocks = readBlocks(fields, readDataFormat(dataFormat));
      return { common, p: gammaOf(p, blocks, gammaScale), x, noise: blocks.noise, blocks };
    },
    take(pass, plan) {
      const { data } = takeForward(pass, plan, "train", undefined);
      const work = takeBlocks(kernels, pass, data, plan.blocks, plan.blocks.fields.withNoise);
      return (run) => {
        work(run);
        return { y: data.output.array, ticket: blockTicket(run.ticket("dropBlock"), plan.blocks.fields) };
      };
    },
  };
}

/** dx = dy times the factor of kept elements, +0 at dropped ones. */
export function shapesBackward(
  kernels: ShapesKernels,
): Operation<[dy: AnyData, ticket: unknown, saved: unknown, options: unknown], BackwardPlan, { dx: unknown }> {
  return {
    read(dy, ticket, saved, options) {
      checkOptions(saved, SAVED_NOISE_MASK_KEYS, "saved");
      checkOptions(options, SHAPES_BACKWARD_KEYS);
      const { mask } = saved as SavedNoiseMask;
      const { dx, dtype } = options as ShapesBackwardOptions<AnyData>;
      checkTicket(ticket);
      const decisions =
        mask === undefined || (ticket as Partial<ShapesTicket>).version !== undefined ? readTicket(ticket) : readRate(ticket);
      if (mask !== undefined && decisions.op !== "broadcastDropout")
        throw wrongKind("saved.mask", `nothing beside a ticket of ${JSON.stringify(decisions.op)}, from which the mask is drawn`, mask);
      return { dy, decisions, mask, dx, half: dtype };
    },
    take(pass, { dy, decisions, mask, dx, half }) {
      const { draw } = pass;
      const noise = decisions.op === "dropBlock" ? decisions.blocks.noise : decisions.noise;
      if ("ticket" in decisions) draw.read(decisions.ticket);
      else {
        draw.choose(decisions.kind, undefined, 0);
        draw.chance(decisions.p, decisions.rescale, true);
      }
      const input = pass.data(dy, "dy", half);
      const length = checkShape(noise.shape, "ticket.shape", "ticket" in decisions ? undefined : input.length);
      if (input.length !== length) throw wrongValue("dy", `length ${length}, the ticket's`, input.length);
      const stored = mask === undefined ? undefined : pass.input(mask, "saved.mask", "bits", noise.decisions);
      const data = { input, output: pass.output(dx, "dx", input.stored, length, dy, input) };
      let work: Work;
      if (decisions.op === "dropBlock") work = takeBlocks(kernels, pass, data, decisions.blocks, false);
      else if (decisions.op === "alphaDropout") work = takeAlpha(kernels, pass, data, noise, true);
      else work = stored === undefined ? takeBroadcast(kernels, pass, data, noise) : takeStored(kernels, pass, data, noise, stored);
      return (run) => {
        work(run);
        return { dx: data.output.array };
      };
    },
  };
}

interface BackwardPlan {
  readonly dy: AnyData;
  readonly decisions: TicketPlan | RatePlan;
  readonly mask: unknown;
  readonly dx: unknown;
  readonly half: unknown;
}

/** The description of a stored mask in place of a ticket, as read. */
interface RatePlan {
  readonly op: "broadcastDropout";
  readonly p: number;
  readonly rescale: Rescale;
  readonly kind: StreamKind | undefined;
  readonly noise: Noise;
}

function readRate(rate: object): RatePlan {
  checkOptions(rate, NOISE_MASK_RATE_KEYS, "ticket");
  const { p, rescale = "train", kind, shape, noiseShape, broadcastDims } = rate as NoiseMaskRate;
  checkProbability(p, "ticket.p");
  checkChoice(rescale, "ticket.rescale", RESCALES);
  if (kind !== undefined) checkChoice(kind, "ticket.kind", STREAM_KINDS);
  const noise = resolveNoise(takeShape(shape, "ticket.shape"), noiseShape, broadcastDims, "ticket.");
  return { op: "broadcastDropout", p, rescale, kind, noise };
}

/** Takes the draw, the data, and the array for the mask, if the call writes one. */
function takeForward(pass: Taking, plan: ShapedPlan, rescale: Rescale, mask: unknown): { data: Data; bits: Taken | undefined } {
  const { draw } = pass;
  const { common, p, x, noise } = plan;
  draw.choose(common.kind, common.seed, common.stream);
  const input = pass.data(x, "x", common.half);
  checkShape(noise.shape, "shape", input.length);
  draw.range(noise.decisions, common.start);
  const bits = mask === undefined ? undefined : pass.output(mask, "mask", "bits", noise.decisions, undefined);
  const output = pass.output(common.out, "out", input.stored, input.length, x, input);
  draw.chance(p, rescale, common.training);
  return { data: { input, output }, bits };
}

/** Returns the run of a forward call whose decisions have a noise shape. */
function answer({ output }: Data, op: "broadcastDropout" | "alphaDropout", { shape, noiseShape }: Noise, work: Work) {
  return (run: Running): Forward => {
    work(run);
    return { y: output.array, ticket: noiseTicket(run.ticket(op), shape, noiseShape) };
  };
}

function takeDrop(kernels: ShapesKernels, pass: Taking, plan: DropPlan) {
  const { data, bits } = takeForward(pass, plan, plan.rescale, plan.mask);
  return answer(data, "broadcastDropout", plan.noise, takeBroadcast(kernels, pass, data, plan.noise, bits));
}

function takeAlphaForward(kernels: ShapesKernels, pass: Taking, plan: ShapedPlan) {
  const { data } = takeForward(pass, plan, "train", undefined);
  return answer(data, "alphaDropout", plan.noise, takeAlpha(kernels, pass, data, plan.noise, false));
}

/** True if there are decisions to draw: not all are kept or all dropped, and there are data. */
function isRandom({ draw }: Taking, { computed, stored, length }: TakenData): boolean {
  draw.settle(computed, stored);
  return draw.random && length > 0;
}

function takeBroadcast(kernels: ShapesKernels, pass: Taking, data: Data, noise: Noise, mask?: Taken): Work {
  const random = isRandom(pass, data.input);
  if (mask === undefined && (!random || isElementwise(noise))) return takeCore(pass, data);
  return takeDrawn(pass, noise.decisions, mask, (bits) =>
    random ? takeWalk(pass, data, noise, bits, scaled(kernels, data, pass.draw.scale)) : takeCore(pass, data),
  );
}

/** y = keep ? scale x : +0, by a mask that was stored. */
function takeStored(kernels: ShapesKernels, pass: Taking, data: Data, noise: Noise, mask: Taken): Work {
  const { draw } = pass;
  draw.settle(data.input.computed, data.input.stored);
  // At probability 1 the promise is +0 whatever the mask says, and outside training the classic form drops nothing.
  if (draw.scale === Infinity || draw.rescale === "test") return takeCore(pass, data);
  const staged = pass.stage(mask, noise.decisions);
  return takeWalk(pass, data, noise, staged.enter(0, noise.decisions), scaled(kernels, data, draw.scale));
}

/** y = keep ? factor x : +0. */
function scaled(kernels: ShapesKernels, { input }: Data, factor: number): Rule {
  const kernel = kernels.broadcast.bits[input.computed];
  return (dst, src, bits, n, record) => kernel(dst, src, bits, n, record, factor);
}

function takeAlpha(kernels: ShapesKernels, pass: Taking, data: Data, noise: Noise, backward: boolean): Work {
  const { draw } = pass;
  const { computed, stored } = data.input;
  draw.scaled = false;
  if (!isRandom(pass, data.input)) return takeCore(pass, data);
  const { a, b, dropped } = alphaConstants(draw.p, draw.kind, computed);
  if (stored === "f16" && a >= F16_OVERFLOW)
    throw wrongValue("p", "1, or a value at which the factor a of alpha dropout is below 65520, infinity of f16", draw.p);
  const kernel = kernels.affine.bits[computed];
  const rule: Rule = backward ? scaled(kernels, data, a) : (dst, src, bits, n, record) => kernel(dst, src, bits, n, record, a, b, dropped);
  if (isElementwise(noise)) return takePieces(pass, data, rule);
  return takeDrawn(pass, noise.decisions, undefined, (bits) => takeWalk(pass, data, noise, bits, rule));
}

function takeBlocks(kernels: ShapesKernels, pass: Taking, data: Data, blocks: Blocks, noisy: boolean): Work {
  const { draw } = pass;
  const { noise } = blocks;
  const { computed, length } = data.input;
  draw.scaled = false;
  const random = isRandom(pass, data.input);
  // Noise is drawn where everything is dropped, too.
  if (!random && !(noisy && draw.threshold > 0 && length > 0)) return takeCore(pass, data);
  const { bits, draw: drawMask } = takeBlockMask(pass, kernels, blocks);
  const kernel = kernels.broadcast.bits[computed];
  const replace = blockNoise(kernels, blocks, computed);
  let factor = 1;
  let params = 0;
  const apply = takeWalk(pass, data, noise, bits, (dst, src, mask, n, record, at) => {
    kernel(dst, src, mask, n, record, factor);
    if (noisy) replace(dst, mask, n, at, params);
  });
  return (run) => {
    drawMask(run);
    if (noisy) params = run.params(0);
    if (blocks.fields.scaleByKeep) factor = blockScale(run, bits, noise.decisions, computed);
    apply(run);
  };
}

/** Returns the length of data, 0 for what is none, to be refused elsewhere. */
function elementsOf(x: unknown): number {
  if (WasmBuffer._is(x)) return WasmBuffer._lengthOf(x);
  return isTypedArray(x) ? lengthOf(x) : 0;
}
