// DropConnect at inference: a unit's input is a sum over random weights, which moment matching replaces by a Gaussian of the same mean and
// variance. Wan et al., "Regularization of neural networks using DropConnect", ICML 2013, section 4 and algorithm 2.
// Invariant: with q = 1 - P(drop) as realised by the keep stream, masks drawn by dropConnect have exactly these moments, q = 0 included.

import type { Context } from "../core/dropout.js";
import { WasmBuffer } from "../engine/buffer.js";
import { type Frame, framed, PIECE, parts } from "../engine/frame.js";
import type { StreamKind } from "../engine/kernels.js";
import { type Data, type DataOf, Operand } from "../engine/operand.js";
import { checkChoice, checkInteger, checkObject, checkProbability, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import { keepProbability } from "../stream/probability.js";
import { MAX_INDEX, RESCALES, type Rescale } from "../stream/ticket.js";
import { type LayerOptions, takeLayer } from "./drop-connect.js";
import { ACTIVATIONS, type Activation, type LinearKernels } from "./kernels.js";
import { checkSides, planOf } from "./layer.js";

/** Options of all that computes moments, for data of type D. */
export interface MomentsBase<D extends Data = DataOf<"f32">> extends LayerOptions<D> {
  /** As in training: "train" (default) multiplies kept weights by 1 / (1 - P(drop)), the others leave them as they are. */
  rescale?: Rescale | undefined;
  /** The keep stream of training; gives the realised probability. The instance's by default. */
  kind?: StreamKind | undefined;
}

/** Options of {@link Linear.dropConnectMoments}, for data of type D and outputs of types M and V. */
export interface MomentsOptions<D extends Data = DataOf<"f32">, M extends Data | undefined = undefined, V extends Data | undefined = M>
  extends MomentsBase<D> {
  /** Where to write the means: memory apart from all else. By default a new array, or buffer, like x. */
  mean?: M;
  /** Where to write the variances: memory apart from all else. By default a new array, or buffer, like x. */
  variance?: V;
}

/** Options of {@link Linear.dropConnectInference}, for data of type D and an output of type Y. */
export interface InferenceOptions<D extends Data = DataOf<"f32">, Y extends Data | undefined = undefined> extends MomentsBase<D> {
  /** How many draws to average a unit's activation over, a positive integer. */
  samples: number;
  /**
   * Gives standard normal numbers `index` to `index + length - 1` of a sequence, as a Float32Array, Float64Array or buffer of one of them: sample s of
   * unit u of y, counted through the batch, takes number s * batch * out + u. The same numbers give the same result. At most 16384 are asked for at once.
   */
  normal: (length: number, index: number) => Data;
  /** What to average: "none" (default), the draws themselves, or "relu", max(z, 0). */
  activation?: Activation | undefined;
  /** Where to write y: memory apart from the operands. By default a new array, or buffer, like x. */
  out?: Y;
}

/** Where moments go: an operand, or scratch. */
interface Target {
  enter(at: number, count: number): number;
  leave(at: number, count: number): void;
}

/** The factors of W x and of (W∘W)(x∘x) in mean and variance. */
function factors(p: number, kind: StreamKind, rescale: Rescale): { mean: number; variance: number } {
  const q = keepProbability(p, kind);
  if (q === 0) return { mean: 0, variance: 0 };
  return rescale === "train" ? { mean: 1, variance: (1 - q) / q } : { mean: q, variance: (1 - q) * q };
}

/** Checks the options that all have and takes the operands. */
function take(context: Context, frame: Frame, x: Data, w: Data, p: number, options: MomentsBase<Data>) {
  const { bias, shape, rescale = "train", kind } = options;
  checkChoice(rescale, "rescale", RESCALES);
  const sides = checkSides(shape, "shape");
  context.call.takeStream(kind, undefined, undefined);
  return { ...takeLayer(frame, x, w, bias, sides), factor: factors(p, context.call.recipe.kind, rescale) };
}

/** Stages the operands; the function that is returned computes the moments. */
function prepare(frame: Frame, kernels: LinearKernels, { dtype, input, weights, biases, layer, factor }: ReturnType<typeof take>) {
  const plan = planOf(layer);
  const size = byteLength(dtype, 1);
  frame.stage(input, plan.chunk * layer.in);
  frame.stage(weights, plan.rows * layer.in);
  if (biases !== undefined) frame.stage(biases, layer.out);
  const squares = { x: frame.scratch(size * plan.chunk * layer.in), w: frame.scratch(size * plan.rows * layer.in) };
  const product = kernels.forward.bytes[dtype];
  const square = kernels.square.matrix[dtype];
  const inputsOf = (by: number) => (by === 0 ? 0 : layer.in);
  return (mean: Target, variance: Target): void => {
    const biasAt = biases?.enter(0, layer.out) ?? 0;
    for (const { at: n, count: examples } of parts(layer.batch, plan.chunk)) {
      const xAt = input.enter(n * layer.in, examples * layer.in);
      square(squares.x, xAt, examples * layer.in);
      const meanAt = mean.enter(n * layer.out, examples * layer.out);
      const varianceAt = variance.enter(n * layer.out, examples * layer.out);
      for (const { at: o, count: rows } of parts(layer.out, plan.rows)) {
        const wAt = weights.enter(o * layer.in, rows * layer.in);
        square(squares.w, wAt, rows * layer.in);
        const bias = biasAt && biasAt + size * o;
        product(meanAt + size * o, layer.out, xAt, wAt, bias, 0, examples, rows, inputsOf(factor.mean), factor.mean);
        product(varianceAt + size * o, layer.out, squares.x, squares.w, 0, 0, examples, rows, inputsOf(factor.variance), factor.variance);
      }
      mean.leave(n * layer.out, examples * layer.out);
      variance.leave(n * layer.out, examples * layer.out);
    }
  };
}

/** Mean and variance of {@link Linear.dropConnectMoments}. */
export function moments(
  context: Context,
  kernels: LinearKernels,
  x: Data,
  w: Data,
  p: number,
  options: MomentsOptions<Data, Data | undefined, Data | undefined>,
) {
  checkProbability(p, "p");
  checkObject(options, "options", "object");
  const { mean: meanOut, variance: varianceOut } = options;
  return framed(context, (frame) => {
    const taken = take(context, frame, x, w, p, options);
    const { dtype, layer } = taken;
    const units = layer.batch * layer.out;
    const mean = frame.output(meanOut, "mean", dtype, units, x);
    const variance = frame.output(varianceOut, "variance", dtype, units, x);
    const { chunk } = planOf(layer);
    frame.stage(mean.operand, chunk * layer.out);
    frame.stage(variance.operand, chunk * layer.out);
    prepare(frame, kernels, taken)(mean.operand, variance.operand);
    return { mean: mean.array as Data, variance: variance.array as Data };
  });
}

/** The averages of {@link Linear.dropConnectInference}. */
export function inference(
  context: Context,
  kernels: LinearKernels,
  x: Data,
  w: Data,
  p: number,
  options: InferenceOptions<Data, Data | undefined>,
): Data {
  checkProbability(p, "p");
  checkObject(options, "options", "object");
  const { samples, normal, activation = "none", out } = options;
  checkChoice(activation, "activation", ACTIVATIONS);
  if (typeof normal !== "function") throw wrongKind("normal", "function that gives normal numbers", normal);
  const { memory } = context;
  return framed(context, (frame) => {
    const taken = take(context, frame, x, w, p, options);
    const { dtype, layer } = taken;
    const units = layer.batch * layer.out;
    checkInteger(samples, "samples", 1, Math.floor(MAX_INDEX / units));
    const { operand: output, array: y } = frame.output(out, "out", dtype, units, x);
    frame.stage(output);
    const compute = prepare(frame, kernels, taken);
    const scratch = () => frame.scratch(byteLength(dtype, units));
    const [mean, variance, sum] = [scratch(), scratch(), scratch()];
    const given = new Operand(memory, -1);
    const normals = frame.scratch(byteLength(dtype, PIECE));
    const within = (base: number): Target => ({ enter: (at) => base + byteLength(dtype, at), leave() {} });
    compute(within(mean), within(variance));

    // y is written when the last of the caller's numbers have been checked.
    memory.view("bytes", sum, byteLength(dtype, units)).fill(0);
    for (let s = 0; s < samples; ++s) {
      for (const { at, count } of parts(units, PIECE)) {
        const numbers = normal(count, s * units + at);
        given.takeData(numbers, "normal()");
        if (given.length !== count) throw wrongValue("normal()", `length ${count}`, given.length);
        memory.view(dtype, normals, count).set(numbers instanceof WasmBuffer ? numbers.array : numbers);
        const offset = byteLength(dtype, at);
        kernels.sample[activation][dtype](sum + offset, mean + offset, variance + offset, normals, count);
      }
    }
    for (const { at, count } of parts(units, PIECE)) {
      kernels.scale.matrix[dtype](output.enter(at, count), sum + byteLength(dtype, at), count, 1 / samples);
      output.leave(at, count);
    }
    return y as Data;
  });
}
