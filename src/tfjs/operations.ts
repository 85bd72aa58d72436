// Dropout and noise on tensors. Invariant: what is refused is refused before anything is computed.
// Each operation is a pure function of x and its draw: a gradient draws again, on whatever backend is current then.

import { add, mul, scalar, type Tensor, tensor } from "@tensorflow/tfjs-core";
import { checkBelowOne, wrongKind } from "../ground/check.js";
import { checkDeviation } from "../noise/amount.js";
import { alphaConstants } from "../shapes/alpha.js";
import { resolveNoise } from "../shapes/noise-shape.js";
import { scale, threshold } from "../stream/probability.js";
import { STREAM_VERSION } from "../stream/ticket.js";
import { diagonal, differentiable, identity } from "./differentiable.js";
import { type Draw, type Draws, eachDraw, isRows, kindOf } from "./draw.js";
import { generating } from "./generate.js";
import { checkReadable, type Decisions, type Run, type Selection } from "./gpu.js";
import type { Values } from "./heap.js";
import { kernels, type TfjsKernels } from "./kernels.js";
import { device } from "./self-check.js";
import { constantly, mapValues, ofBackend } from "./values.js";

/** For each dimension its size, which null also stands for, or 1, where all elements along it share a decision; if it has fewer, those in front are 1. */
export type NoiseShape = readonly (number | null)[];

/** Computes the values of a result by kernels that reach both. */
type Compute = (values: Values, out: Values, by: TfjsKernels) => void;

/** Of no elements, or with no noise: what no kernel is needed for. */
function isPlain(x: Tensor, amount: number): boolean {
  return amount === 0 || x.size === 0;
}

function checkInput(x: Tensor): void {
  if (x.dtype !== "float32") throw wrongKind("x.dtype", '"float32"', x.dtype);
  checkReadable(x);
}

/** Random decisions over a tensor: the draws, and the shapes of the data and of the mask of each. */
interface Masked {
  readonly rate: number;
  readonly draws: Draws;
  readonly shape: readonly number[];
  readonly noiseShape: readonly number[];
  /** true if each element has a decision of its own. */
  readonly own: boolean;
}

function masked(x: Tensor, rate: number, noiseShape: NoiseShape | null | undefined, draws: Draws): Masked {
  checkInput(x);
  checkBelowOne(rate, "rate");
  const shape = isRows(draws) ? [1, ...x.shape.slice(1)] : shapeOf(x);
  const names = isRows(draws) && noiseShape?.length === x.rank && noiseShape[0] === draws.length;
  // A noise shape may name the size of the batch, of which each row has one.
  const given = names ? [null, ...noiseShape.slice(1)] : (noiseShape ?? undefined);
  const noise = resolveNoise(shape, given, undefined).noiseShape;
  return { rate, draws, shape, noiseShape: noise, own: noiseShape === undefined || noiseShape === null };
}

/** Returns the decisions as bits, and their places: neighbouring dimensions that are alike count as one. */
function decisionsOf({ rate, draws, shape, noiseShape }: Masked): Decisions {
  const runs: Run[] = [];
  let decisions = 1;
  for (let k = shape.length - 1; k >= 0; --k) {
    const size = shape[k] as number;
    if (size === 1) continue;
    const stride = noiseShape[k] === 1 ? 0 : decisions;
    const last = runs.at(-1);
    if (last !== undefined && last.stride > 0 === stride > 0) runs[runs.length - 1] = { ...last, size: last.size * size };
    else runs.push({ size, stride });
    if (stride > 0) decisions *= size;
  }
  if (runs.length === 0) runs.push({ size: 1, stride: 1 });
  const count = Math.ceil(decisions / 32);
  const { core } = kernels();
  if (!isRows(draws)) {
    const words = new Uint32Array(count);
    core.mask(decisions, rate, { ...draws, out: words });
    return { words, runs };
  }
  // The bits of each row begin with a word.
  const words = new Uint32Array(count * draws.length);
  draws.forEach((draw, row) => {
    core.mask(decisions, rate, { ...draw, out: words.subarray(row * count, (row + 1) * count) });
  });
  return { words, runs: [...runs, { size: draws.length, stride: 32 * count }] };
}

/** Returns the result of a selection on the current backend's GPU, from what `before` makes of x; undefined if that computes on the CPU. */
function onGpu(x: Tensor, mask: Masked, selection: () => Selection, before: (x: Tensor) => Tensor = identical): Tensor | undefined {
  checkReadable(x);
  const gpu = device();
  if (gpu === undefined) return undefined;
  const { draws, rate, own } = mask;
  const generate = own ? generating(gpu, draws, rate, x.size) : undefined;
  return ofBackend(before(x), (flat) => generate?.(flat, selection()) ?? gpu.select(flat, decisionsOf(mask), selection()));
}

const identical = (x: Tensor) => x;

export function dropout(x: Tensor, rate: number, noiseShape: NoiseShape | null | undefined, draws: Draws): Tensor {
  const mask = masked(x, rate, noiseShape, draws);
  if (isPlain(x, rate)) return identity(x);
  const kind = kindOf(draws);
  const select = (): Selection => ({ operation: "*", value: scale(threshold(rate, kind), kind, "f32"), dropped: 0 });
  return diagonal(x, (input) => onGpu(input, mask, select) ?? mapValues(input, (values, out, by) => dropValues(values, out, by, mask)));
}

/** Returns keep ? x : +0, as it is, which is linear in x. */
export function select(x: Tensor, rate: number, draw: Draw): Tensor {
  const mask = masked(x, rate, null, draw);
  if (isPlain(x, rate)) return identity(x);
  const run: Compute = (values, out, { core }) => core.dropout(values(), rate, { ...draw, rescale: "none", out: out() });
  return diagonal(x, (input) => onGpu(input, mask, () => ({ operation: "*", value: 1, dropped: 0 })) ?? mapValues(input, run));
}

function dropValues(values: Values, out: Values, { core, shapes }: TfjsKernels, { rate, draws, shape, noiseShape, own }: Masked): void {
  eachDraw(draws, values, out, (values, out, draw) => {
    if (own) core.dropout(values, rate, { ...draw, out });
    else shapes.broadcastDropout(values, rate, { ...draw, shape, noiseShape, out });
  });
}

export function alphaDropout(x: Tensor, rate: number, noiseShape: NoiseShape | null | undefined, draws: Draws): Tensor {
  const mask = masked(x, rate, noiseShape, draws);
  if (isPlain(x, rate)) return identity(x);
  const { shape, noiseShape: noise } = mask;
  const { a, b, dropped } = alphaConstants(rate, kindOf(draws), "f32");
  const run: Compute = (values, out, by) =>
    eachDraw(draws, values, out, (values, out, draw) => {
      by.shapes.alphaDropout(values, rate, { ...draw, shape, noiseShape: noise, out });
    });
  const back: Compute = (values, out, by) =>
    eachDraw(draws, values, out, (values, dx, draw) => {
      by.shapes.backward(values, alphaTicket(mask, draw), {}, { dx });
    });
  const forward = (input: Tensor): Tensor =>
    // Two programs, as one may contract product and sum, which the CPU rounds one by one.
    onGpu(
      input,
      mask,
      () => ({ operation: "+", value: b, dropped }),
      (scaled) => mul(scaled, scalar(a, "float32")),
    ) ?? mapValues(input, run);
  const gradient = (dy: Tensor): Tensor =>
    diagonal(dy, (input) => onGpu(input, mask, () => ({ operation: "*", value: a, dropped: 0 })) ?? mapValues(input, back));
  return differentiable(x, forward, gradient);
}

function alphaTicket({ rate, shape, noiseShape }: Masked, draw: Draw) {
  return {
    version: STREAM_VERSION,
    op: "alphaDropout",
    kind: draw.kind,
    seed: `${draw.seed}`,
    stream: `${draw.stream}`,
    start: 0,
    p: rate,
    length: noiseShape.reduce((product, size) => product * size, 1),
    shape,
    noiseShape,
  } as const;
}

export function gaussianDropout(x: Tensor, rate: number, draws: Draws): Tensor {
  checkInput(x);
  checkBelowOne(rate, "rate");
  if (isPlain(x, rate)) return identity(x);
  const run: Compute = (values, out, by) =>
    eachDraw(draws, values, out, (values, out, { seed, stream }) => {
      by.noise.gaussianDropout(values, rate, { seed, stream, out });
    });
  return diagonal(x, (input) => factored(input, 1, run, mul));
}

export function gaussianNoise(x: Tensor, stddev: number, draws: Draws): Tensor {
  checkInput(x);
  checkDeviation(stddev, "stddev", "f32");
  if (isPlain(x, stddev)) return identity(x);
  const run: Compute = (values, out, by) =>
    eachDraw(draws, values, out, (values, out, { seed, stream }) => {
      by.noise.gaussianNoise(values, stddev, { seed, stream, out });
    });
  return differentiable(x, (input) => factored(input, -0, run, add), identity);
}

/** Returns what `run` makes of x; on a GPU it makes an operand of `neutral` values, which is uploaded and joined with x there. */
function factored(x: Tensor, neutral: number, run: Compute, join: (x: Tensor, operand: Tensor) => Tensor): Tensor {
  checkReadable(x);
  if (device() === undefined) return mapValues(x, run);
  const values = new Float32Array(x.size).fill(neutral);
  run(constantly(values), constantly(values), kernels());
  return join(x, tensor(values, x.shape, "float32"));
}

/** The shape of `x` as the kernels take it: a scalar is an array of one. */
function shapeOf({ shape }: Tensor): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}
