// The operations of masks with shapes: each reads its arguments, takes its operands, and runs.

import { type ForwardPlan, readForward } from "../core/options.js";
import { WasmBuffer } from "../engine/buffer.js";
import type { AnyData, Taken, TakenData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { checkAmount, checkChoice, checkFlag, checkProbability, isTypedArray, lengthOf, wrongKind, wrongValue } from "../ground/check.js";
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
import { takeRated } from "./rated.js";
import {
  alignShape,
  checkMask,
  checkOverflow,
  isSeveral,
  type Probabilities,
  type Rates,
  readRates,
  sampleShape,
  takeRates,
  type Use,
} from "./rates.js";
import { blockTicket, noiseTicket, ratesTicket, readTicket, type ShapesTicket, type TicketPlan } from "./ticket.js";
import { type Data, type Rule, takeCore, takeDrawn, takePieces, takeWalk, type Work } from "./work.js";

/** A forward call, as read. */
interface ShapedPlan {
  readonly common: ForwardPlan;
  /** The drop probability; of DropBlock, that of a seed. 0 where there are several. */
  readonly p: number;
  /** Several drop probabilities. */
  readonly rates?: Rates | undefined;
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

type Arguments = [x: AnyData, p: number | Probabilities, options: unknown];

/** Reads p, one probability or several, and the options that all operations share. */
function readCommon(p: unknown, options: unknown, keys: Known): { common: ForwardPlan; p: number; several: boolean } {
  const several = isSeveral(p);
  const common = readForward(several ? 0 : p, options, keys);
  return { common, p: common.p, several };
}

/** Reads several probabilities for data of `shape`; undefined where there is one. */
function readSeveral(
  x: unknown,
  p: unknown,
  several: boolean,
  shape: readonly number[],
  pShape: unknown,
  batched?: unknown,
): Rates | undefined {
  if (!several) {
    if (pShape !== undefined) throw wrongKind("pShape", "nothing beside one probability", pShape);
    return undefined;
  }
  const aligned = pShape === undefined ? sampleShape(shape, batched, "pShape") : alignShape(pShape, shape, "pShape");
  return readRates(p, aligned, elementsOf(x));
}

/** y = keep ? scale x : +0, by a mask that is broadcast over x. */
export function broadcastDropout(kernels: ShapesKernels): Operation<Arguments, DropPlan, Forward> {
  return {
    read(x, given, options) {
      const { common, p, several } = readCommon(given, options, BROADCAST_KEYS);
      const { shape: dims, noiseShape, broadcastDims, pShape, rescale = "train", mask } = options as BroadcastDropoutOptions<AnyData>;
      checkChoice(rescale, "rescale", RESCALES);
      const noise = resolveNoise(takeShape(dims, "shape"), noiseShape, broadcastDims);
      return { common, p, rates: readSeveral(x, given, several, noise.shape, pShape), x, rescale, mask, noise };
    },
    take: (pass, plan) => takeDrop(kernels, pass, plan),
  };
}

/** The same with a decision for each sample and channel. */
export function spatialDropout(kernels: ShapesKernels): Operation<Arguments, DropPlan, Forward> {
  return {
    read(x, given, options) {
      const { common, p, several } = readCommon(given, options, SPATIAL_KEYS);
      const { shape: dims, dataFormat, batched, pShape, rescale = "train", mask } = options as SpatialDropoutOptions<AnyData>;
      checkChoice(rescale, "rescale", RESCALES);
      const shape = takeChannels(dims, batched, [0, 3]);
      // Two dimensions are read in both ways by others: PyTorch's Dropout1d takes [channels, length], its Dropout2d [samples, channels].
      if (shape.length === 2 && batched === undefined)
        throw wrongKind("batched", "true for a shape of [samples, channels], or false for one of channels and places", batched);
      const noise = channelNoise(shape, readDataFormat(dataFormat), batched);
      return { common, p, rates: readSeveral(x, given, several, shape, pShape, batched), x, rescale, mask, noise };
    },
    take: (pass, plan) => takeDrop(kernels, pass, plan),
  };
}

/** The same with a decision for each sample. */
export function dropPath(kernels: ShapesKernels): Operation<Arguments, DropPlan, Forward> {
  return {
    read(x, given, options) {
      const { common, p, several } = readCommon(given, options, PATH_KEYS);
      const { shape, scaleByKeep, rescale: named, pShape, mask } = options as DropPathOptions<AnyData>;
      checkFlag(scaleByKeep, "scaleByKeep");
      if (scaleByKeep !== undefined && named !== undefined) throw wrongKind("rescale", "nothing beside scaleByKeep", named);
      const rescale = named ?? (scaleByKeep === false ? "none" : "train");
      checkChoice(rescale, "rescale", RESCALES);
      const noise = sampleNoise(takeShape(shape, "shape"));
      return { common, p, rates: readSeveral(x, given, several, noise.shape, pShape), x, rescale, mask, noise };
    },
    take: (pass, plan) => takeDrop(kernels, pass, plan),
  };
}

/** y = keep ? a x + b : dropped. */
export function alphaDropout(kernels: ShapesKernels): Operation<Arguments, ShapedPlan, Forward> {
  return {
    read(x, given, options) {
      const { common, p, several } = readCommon(given, options, ALPHA_KEYS);
      const { shape: dims, noiseShape, broadcastDims, pShape } = options as AlphaDropoutOptions<AnyData>;
      const shape = dims === undefined ? [elementsOf(x)] : takeShape(dims, "shape");
      return { common, p, rates: readSeveral(x, given, several, shape, pShape), x, noise: resolveNoise(shape, noiseShape, broadcastDims) };
    },
    take: (pass, plan) => takeAlphaForward(kernels, pass, plan),
  };
}

/** The same with a decision for each sample and channel. */
export function featureAlphaDropout(kernels: ShapesKernels): Operation<Arguments, ShapedPlan, Forward> {
  return {
    read(x, given, options) {
      const { common, p, several } = readCommon(given, options, FEATURE_ALPHA_KEYS);
      const { shape: dims, dataFormat, batched, pShape } = options as FeatureAlphaDropoutOptions<AnyData>;
      const shape = takeChannels(dims, batched, [0, MAX_RANK - 2]);
      const noise = channelNoise(shape, readDataFormat(dataFormat), batched);
      return { common, p, rates: readSeveral(x, given, several, shape, pShape, batched), x, noise };
    },
    take: (pass, plan) => takeAlphaForward(kernels, pass, plan),
  };
}

/** y = keep ? scale x : +0, by blocks. */
export function dropBlock(kernels: ShapesKernels): Operation<[x: AnyData, p: number, options: unknown], BlockPlan, Forward> {
  return {
    read(x, p, options) {
      if (isSeveral(p)) {
        const recipe = "for one for each sample, call once for each, with the same stream and start at its first decision";
        throw wrongKind("p", `one number in [0, 1] (${recipe})`, p);
      }
      const common = readForward(p, options, BLOCK_KEYS);
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
      const { mask, p } = saved as SavedNoiseMask;
      const { dx, dtype } = options as ShapesBackwardOptions<AnyData>;
      checkTicket(ticket);
      const decisions =
        mask === undefined || (ticket as Partial<ShapesTicket>).version !== undefined ? readTicket(ticket) : readRate(ticket);
      if (mask !== undefined && decisions.op !== "broadcastDropout")
        throw wrongKind("saved.mask", `nothing beside a ticket of ${JSON.stringify(decisions.op)}, from which the mask is drawn`, mask);
      return { dy, decisions, rates: readSaved(dy, p, decisions), mask, dx, half: dtype };
    },
    take(pass, { dy, decisions, rates, mask, dx, half }) {
      const { draw } = pass;
      const noise = decisions.op === "dropBlock" ? decisions.blocks.noise : decisions.noise;
      let use: Use | undefined;
      if ("ticket" in decisions) {
        draw.read(decisions.ticket);
        if (decisions.op === "alphaDropout") use = "alphaBackward";
        else if (decisions.op === "broadcastDropout") use = draw.rescale;
        if (decisions.op !== "dropBlock" && decisions.several?.unused) use = undefined;
      } else {
        draw.choose(decisions.kind, undefined, 0);
        draw.chance(decisions.p, decisions.rescale, true);
        use = useOf(decisions.rescale, true);
      }
      const input = pass.data(dy, "dy", half);
      const length = checkShape(noise.shape, "ticket.shape", "ticket" in decisions ? undefined : input.length);
      if (input.length !== length) throw wrongValue("dy", `length ${length}, the ticket's`, input.length);
      const stored = mask === undefined ? undefined : pass.input(mask, "saved.mask", "bits", noise.decisions);
      const values = rates === undefined ? undefined : takeRates(pass, rates);
      const data = { input, output: pass.output(dx, "dx", input.stored, length, dy, input) };
      let work: Work;
      if (rates !== undefined && values !== undefined && use !== undefined && length > 0) {
        if (input.stored === "f16") checkOverflow(values, rates, use, draw.kind);
        work = takeRated(pass, kernels, data, { noise, rates, values, use, stored });
      } else if (decisions.op === "dropBlock") work = takeBlocks(kernels, pass, data, decisions.blocks, false);
      else if (decisions.op === "alphaDropout") work = takeAlpha(kernels, pass, data, noise, true);
      else work = stored === undefined ? takeBroadcast(kernels, pass, data, noise) : takeStored(kernels, pass, data, noise, stored);
      return (run) => {
        work(run);
        return { dx: data.output.array };
      };
    },
  };
}

/** Reads the probabilities of `saved`, or of what stands in place of a ticket. Throws TypeError unless there are some if and only if there were several. */
function readSaved(dy: unknown, p: unknown, decisions: TicketPlan | RatePlan): Rates | undefined {
  if (!("ticket" in decisions)) {
    if (p !== undefined) throw wrongKind("saved.p", "nothing beside the p of a mask of other origin", p);
    return decisions.rates?.(dy);
  }
  if (decisions.op === "dropBlock" || decisions.several === undefined) {
    if (p !== undefined) throw wrongKind("saved.p", "nothing beside a ticket of one probability", p);
    return undefined;
  }
  const { pShape, unused } = decisions.several;
  if (p === undefined && unused) return undefined;
  if (!isSeveral(p)) throw wrongKind("saved.p", "array of probabilities that the forward call was given", p);
  return readRates(p, pShape, elementsOf(dy), "saved.p");
}

interface BackwardPlan {
  readonly dy: AnyData;
  readonly decisions: TicketPlan | RatePlan;
  readonly rates: Rates | undefined;
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
  /** Reads several probabilities for the gradient that comes with them. */
  readonly rates: ((dy: unknown) => Rates) | undefined;
}

function readRate(rate: object): RatePlan {
  checkOptions(rate, NOISE_MASK_RATE_KEYS, "ticket");
  const { p, pShape, rescale = "train", kind, shape, noiseShape, broadcastDims } = rate as NoiseMaskRate;
  const several = isSeveral(p);
  if (!several) checkProbability(p, "ticket.p");
  checkChoice(rescale, "ticket.rescale", RESCALES);
  if (kind !== undefined) checkChoice(kind, "ticket.kind", STREAM_KINDS);
  const noise = resolveNoise(takeShape(shape, "ticket.shape"), noiseShape, broadcastDims, "ticket.");
  if (!several) {
    if (pShape !== undefined) throw wrongKind("ticket.pShape", "nothing beside one probability", pShape);
    return { op: "broadcastDropout", p: p as number, rescale, kind, noise, rates: undefined };
  }
  const name = "ticket.pShape";
  const aligned = pShape === undefined ? sampleShape(noise.shape, undefined, name) : alignShape(pShape, noise.shape, name);
  return { op: "broadcastDropout", p: 0, rescale, kind, noise, rates: (dy) => readRates(p, aligned, elementsOf(dy), "ticket.p") };
}

interface ForwardOperands {
  readonly data: Data;
  readonly bits: Taken | undefined;
  readonly values: ArrayLike<number> | undefined;
}

/** Takes the draw, the data, several probabilities, and the array for the mask, if the call writes one. */
function takeForward(pass: Taking, plan: ShapedPlan, rescale: Rescale, mask: unknown): ForwardOperands {
  const { draw } = pass;
  const { common, p, rates, x, noise } = plan;
  draw.choose(common.kind, common.seed, common.stream);
  const input = pass.data(x, "x", common.half);
  checkShape(noise.shape, "shape", input.length);
  draw.range(noise.decisions, common.start);
  const values = rates === undefined ? undefined : takeRates(pass, rates);
  if (rates !== undefined) checkMask(mask, rates, noise.noiseShape);
  const bits = mask === undefined ? undefined : pass.output(mask, "mask", "bits", noise.decisions, undefined);
  const output = pass.output(common.out, "out", input.stored, input.length, x, input);
  draw.chance(p, rescale, common.training);
  return { data: { input, output }, bits, values };
}

/** Returns the use of probabilities in a call, or undefined where they have none. */
function useOf(rescale: Rescale, training: boolean): Rescale | undefined {
  if (!training) return rescale === "test" ? "test" : undefined;
  return rescale === "test" ? "none" : rescale;
}

/** Returns the run of a forward call whose decisions have a noise shape. */
function answer({ output }: Data, op: "broadcastDropout" | "alphaDropout", { shape, noiseShape }: Noise, work: Work) {
  return (run: Running): Forward => {
    work(run);
    return { y: output.array, ticket: noiseTicket(run.ticket(op), shape, noiseShape) };
  };
}

/** As answer(), of a call with several probabilities, which does what one without any does where they have no use. */
function answerSeveral(
  kernels: ShapesKernels,
  pass: Taking,
  { data, bits, values }: ForwardOperands,
  op: "broadcastDropout" | "alphaDropout",
  { noise, rates }: { readonly noise: Noise; readonly rates: Rates },
  use: Use | undefined,
  otherwise: () => Work,
) {
  let work: Work;
  // Without data there is nothing to draw for, however many decisions there are.
  if (use === undefined || (data.input.length === 0 && bits === undefined)) work = otherwise();
  else {
    const probabilities = values as ArrayLike<number>;
    if (data.input.stored === "f16") checkOverflow(probabilities, rates, use, pass.draw.kind);
    work = takeRated(pass, kernels, data, { noise, rates, values: probabilities, use, mask: bits });
  }
  return (run: Running): Forward => {
    work(run);
    return { y: data.output.array, ticket: ratesTicket(run.ticket(op), noise, rates.shape, use) };
  };
}

function takeDrop(kernels: ShapesKernels, pass: Taking, plan: DropPlan) {
  const operands = takeForward(pass, plan, plan.rescale, plan.mask);
  const { data, bits } = operands;
  const { noise, rates, rescale, common } = plan;
  const one = () => takeBroadcast(kernels, pass, data, noise, bits);
  if (rates === undefined) return answer(data, "broadcastDropout", noise, one());
  return answerSeveral(kernels, pass, operands, "broadcastDropout", { noise, rates }, useOf(rescale, common.training), one);
}

function takeAlphaForward(kernels: ShapesKernels, pass: Taking, plan: ShapedPlan) {
  const operands = takeForward(pass, plan, "train", undefined);
  const { data } = operands;
  const { noise, rates, common } = plan;
  const one = () => takeAlpha(kernels, pass, data, noise, false);
  if (rates === undefined) return answer(data, "alphaDropout", noise, one());
  return answerSeveral(kernels, pass, operands, "alphaDropout", { noise, rates }, common.training ? "alpha" : undefined, one);
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
