// The operations of noise: each reads its arguments, takes its operands, and runs.

import { type ForwardPlan, readForward } from "../core/options.js";
import { type AnyData, makeArray, type Taken, type TakenData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { checkBelowOne, checkChoice, checkInteger, wrongValue } from "../ground/check.js";
import type { DataDtype } from "../ground/dtypes.js";
import { checkOptions, NO_KEYS } from "../ground/options.js";
import { type Draw, F16_OVERFLOW } from "../stream/draw.js";
import { MAX_INDEX } from "../stream/ticket.js";
import { checkDeviation, checkMean, dropoutDeviation } from "./amount.js";
import type { NoiseKernels } from "./kernels.js";
import {
  NOISE_BACKWARD_KEYS,
  NOISE_KEYS,
  NORMAL_KEYS,
  type NoiseBackwardOptions,
  type NormalOptions,
  type Singles,
  UNIFORM_KEYS,
  type UniformOptions,
} from "./options.js";
import { NOISE_KINDS, type NoiseTicket, rangeOf, readTicket } from "./ticket.js";

/** The checked arguments of a forward call. */
interface NoisePlan {
  readonly x: AnyData;
  readonly common: ForwardPlan;
  readonly verb: "times" | "plus";
  readonly deviation: number;
  /** Returns the ticket of a draw. */
  readonly ticket: (draw: Draw) => NoiseTicket;
}

interface Forward {
  readonly y: unknown;
  readonly ticket: NoiseTicket;
}

/** y = x (1 + s z). */
export function gaussianDropout(kernels: NoiseKernels): Operation<[x: AnyData, p: number, options: unknown], NoisePlan, Forward> {
  return {
    read(x, p, options) {
      checkBelowOne(p, "p");
      const common = readNoise(options);
      const ticket = (draw: Draw) => ({ ...rangeOf(draw), op: "gaussianDropout", p: common.training ? p : 0 }) as const;
      return { x, common, verb: "times", deviation: dropoutDeviation(p), ticket };
    },
    take: (pass, plan) => takeNoise(kernels, pass, plan),
  };
}

/** y = x + stddev z. */
export function gaussianNoise(kernels: NoiseKernels): Operation<[x: AnyData, stddev: number, options: unknown], NoisePlan, Forward> {
  return {
    read(x, stddev, options) {
      checkDeviation(stddev, "stddev", "f64");
      const common = readNoise(options);
      const ticket = (draw: Draw) => ({ ...rangeOf(draw), op: "gaussianNoise", stddev: common.training ? stddev : 0 }) as const;
      return { x, common, verb: "plus", deviation: stddev, ticket };
    },
    take: (pass, plan) => takeNoise(kernels, pass, plan),
  };
}

/** Reads the options that both forward operations share. */
function readNoise(options: unknown): ForwardPlan {
  const common = readForward(0, options, NOISE_KEYS);
  checkKind(common.kind);
  return common;
}

/** Throws RangeError where noise of one standard deviation is infinite in the dtype of the results. */
function checkHalf(deviation: number, name: string, stored: DataDtype): void {
  if (stored === "f16" && deviation >= F16_OVERFLOW)
    throw wrongValue(name, "a value at which the standard deviation of noise is below 65520, infinity of f16", `one of ${deviation}`);
}

function takeNoise(kernels: NoiseKernels, pass: Taking, { x, common, verb, deviation, ticket }: NoisePlan) {
  const { training, out, half, seed, stream, start } = common;
  const { draw } = pass;
  // Masks have a kind of their own; noise has one kind only.
  draw.choose(undefined, seed, stream);
  const input = pass.data(x, "x", half);
  draw.range(input.length, start);
  checkDeviation(deviation, "stddev", input.computed);
  if (training) checkHalf(deviation, verb === "times" ? "p" : "stddev", input.stored);
  const output = pass.output(out, "out", input.stored, input.length, x, input);
  draw.chance(0, "train", training);
  const apply = prepare(kernels, pass, verb, training ? deviation : 0, input, output);
  return (run: Running): Forward => {
    apply(run);
    return { y: output.array, ticket: ticket(draw) };
  };
}

/** dx = dy (1 + s z), or dy. */
export function noiseBackward(
  kernels: NoiseKernels,
): Operation<[dy: AnyData, ticket: unknown, saved: unknown, options: unknown], BackwardPlan, { dx: unknown }> {
  return {
    read(dy, ticket, saved, options) {
      checkOptions(saved, NO_KEYS, "saved");
      checkOptions(options, NOISE_BACKWARD_KEYS);
      const { dx, dtype } = options as NoiseBackwardOptions<AnyData>;
      return { dy, ticket, dx, half: dtype };
    },
    take(pass, { dy, ticket, dx, half }) {
      const { draw } = pass;
      const deviation = readTicket(draw, ticket);
      const input = pass.data(dy, "dy", half);
      checkHalf(deviation, "ticket.p", input.stored);
      if (input.length !== draw.length) throw wrongValue("dy", `length ${draw.length}, the ticket's`, input.length);
      const output = pass.output(dx, "dx", input.stored, input.length, dy, input);
      const apply = prepare(kernels, pass, "times", deviation, input, output);
      return (run) => {
        apply(run);
        return { dx: output.array };
      };
    },
  };
}

interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: unknown;
  readonly dx: unknown;
  readonly half: unknown;
}

/** Prepares output = input (1 + deviation z) or input + deviation z. */
function prepare(kernels: NoiseKernels, pass: Taking, verb: "times" | "plus", deviation: number, input: TakenData, output: Taken) {
  const src = pass.stageFixed(input);
  const dst = pass.stageFixed(output);
  const kernel = kernels[verb].normal[src.dtype];
  return (run: Running) => run.elementwise((to = 0, from = 0, n = 0, params = 0) => kernel(to, from, n, deviation, params), dst, src);
}

interface FillPlan {
  readonly length: number;
  readonly offset: number;
  readonly factor: number;
  readonly out: unknown;
  readonly seed: unknown;
  readonly stream: unknown;
  readonly start: unknown;
}

/** mean + stddev z. */
export function normal(kernels: NoiseKernels): Operation<[length: number, options: unknown], FillPlan, unknown> {
  return {
    read(length, options) {
      checkOptions(options, NORMAL_KEYS);
      const { mean = 0, stddev = 1 } = options as NormalOptions<Singles>;
      checkMean(mean, "mean");
      checkDeviation(stddev, "stddev", "f32");
      return readFill(length, mean, stddev, options as UniformOptions<Singles>);
    },
    take: (pass, plan) => takeFill(kernels.fill.normal.f32, pass, plan),
  };
}

/** Multiples of 2^-24 in [0, 1). */
export function uniform(kernels: NoiseKernels): Operation<[length: number, options: unknown], FillPlan, unknown> {
  return {
    read(length, options) {
      checkOptions(options, UNIFORM_KEYS);
      return readFill(length, 0, 1, options as UniformOptions<Singles>);
    },
    take: (pass, plan) => takeFill(kernels.fill.uniform.f32, pass, plan),
  };
}

function readFill(length: unknown, offset: number, factor: number, options: UniformOptions<Singles | undefined>): FillPlan {
  checkInteger(length, "length", 0, MAX_INDEX);
  const { out, kind, seed, stream, start } = options;
  checkKind(kind);
  return { length, offset, factor, out, seed, stream, start };
}

function takeFill(
  kernel: NoiseKernels["fill"]["normal"]["f32"],
  pass: Taking,
  { length, offset, factor, out, seed, stream, start }: FillPlan,
) {
  pass.draw.choose(undefined, seed, stream);
  pass.draw.range(length, start);
  const array = out === undefined ? makeArray("f32", length, "length") : out;
  const dst = pass.stageFixed(pass.output(array, "out", "f32", length, undefined));
  return (run: Running) => {
    run.elementwise((to = 0, n = 0, params = 0) => kernel(to, n, offset, factor, params), dst);
    return array;
  };
}

function checkKind(kind: unknown = "normal"): void {
  checkChoice(kind, "kind", NOISE_KINDS);
}
