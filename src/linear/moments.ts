// DropConnect at inference: a unit's input is a sum over random weights, which moment matching replaces by a Gaussian of the same mean and
// variance. Wan et al., "Regularization of neural networks using DropConnect", ICML 2013, section 4 and algorithm 2.
// Invariant: with q = 1 - P(drop) as realised by the keep stream, masks drawn by dropConnect have exactly these moments, q = 0 included.

import { WasmBuffer } from "../engine/buffer.js";
import type { Engine } from "../engine/engine.js";
import type { Data } from "../engine/operand.js";
import type { Operation, Taking } from "../engine/pass.js";
import { PIECE, parts } from "../engine/pieces.js";
import { checkChoice, checkFunction, checkInteger, checkProbability, isPromise, wrongValue } from "../ground/check.js";
import { byteLength, DTYPES, type Dtype } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import type { StreamKind } from "../stream/kinds.js";
import { keepProbability } from "../stream/probability.js";
import { MAX_INDEX, RESCALES, type Rescale } from "../stream/ticket.js";
import { type LayerPlan, takeLayer } from "./drop-connect.js";
import { ACTIVATIONS, type InferenceActivation, type LinearKernels } from "./kernels.js";
import { checkSides, planOf } from "./layer.js";
import { INFERENCE_KEYS, type InferenceOptions, MOMENTS_KEYS, type MomentsOptions } from "./options.js";

/** A place for moments: an operand, or scratch. */
interface Target {
  enter(at: number, count: number): number;
  leave(at: number, count: number): void;
}

interface BasePlan extends LayerPlan {
  readonly p: number;
  readonly rescale: Rescale;
  readonly kind: StreamKind | undefined;
}

/** Returns the factors of W x and of (W∘W)(x∘x) in mean and variance. */
function factors(p: number, kind: StreamKind, rescale: Rescale): { mean: number; variance: number } {
  const q = keepProbability(p, kind);
  if (q === 0) return { mean: 0, variance: 0 };
  return rescale === "train" ? { mean: 1, variance: (1 - q) / q } : { mean: q, variance: (1 - q) * q };
}

/** Takes the operands. */
function take(pass: Taking, plan: BasePlan) {
  const { draw } = pass;
  draw.choose(plan.kind, undefined, 0);
  return { ...takeLayer(pass, plan), factor: factors(plan.p, draw.kind, plan.rescale) };
}

/** Stages the operands; the function that is returned computes the moments. */
function prepare(pass: Taking, kernels: LinearKernels, { dtype, input, weights, biases, layer, factor }: ReturnType<typeof take>) {
  const { chunk, rows: block } = planOf(layer);
  const size = byteLength(dtype, 1);
  const x = pass.stage(input, chunk * layer.in);
  const w = pass.stage(weights, block * layer.in);
  const bias = biases && pass.stage(biases, layer.out);
  const squares = { x: pass.scratch(size * chunk * layer.in), w: pass.scratch(size * block * layer.in) };
  const product = kernels.forward.bytes[dtype];
  const square = kernels.square.matrix[dtype];
  const inputsOf = (by: number) => (by === 0 ? 0 : layer.in);
  return (mean: Target, variance: Target): void => {
    const biasAt = bias?.enter(0, layer.out) ?? 0;
    for (const { at: n, count: examples } of parts(layer.batch, chunk)) {
      const xAt = x.enter(n * layer.in, examples * layer.in);
      square(squares.x, xAt, examples * layer.in);
      const meanAt = mean.enter(n * layer.out, examples * layer.out);
      const varianceAt = variance.enter(n * layer.out, examples * layer.out);
      for (const { at: o, count: rows } of parts(layer.out, block)) {
        const wAt = w.enter(o * layer.in, rows * layer.in);
        square(squares.w, wAt, rows * layer.in);
        const offset = size * o;
        product(meanAt + offset, layer.out, xAt, wAt, biasAt && biasAt + offset, 0, examples, rows, inputsOf(factor.mean), factor.mean);
        product(varianceAt + offset, layer.out, squares.x, squares.w, 0, 0, examples, rows, inputsOf(factor.variance), factor.variance);
      }
      mean.leave(n * layer.out, examples * layer.out);
      variance.leave(n * layer.out, examples * layer.out);
    }
  };
}

interface MomentsPlan extends BasePlan {
  readonly mean: unknown;
  readonly variance: unknown;
}

/** Mean and variance of every element of y. */
export function moments(
  kernels: LinearKernels,
): Operation<[x: Data, p: number, options: unknown], MomentsPlan, { mean: unknown; variance: unknown }> {
  return {
    read(x, p, options) {
      checkProbability(p, "p");
      checkOptions(options, MOMENTS_KEYS);
      const { w, bias, shape, rescale = "train", kind, mean, variance } = options as MomentsOptions<Data, Data>;
      checkChoice(rescale, "rescale", RESCALES);
      return { x, w, bias, sides: checkSides(shape, "shape"), p, rescale, kind, mean, variance };
    },
    take(pass, plan) {
      const taken = take(pass, plan);
      const { dtype, layer } = taken;
      const length = layer.batch * layer.out;
      const [mean, variance] = pass.outputs(plan.x, [
        { name: "mean", value: plan.mean, dtype, length },
        { name: "variance", value: plan.variance, dtype, length },
      ]);
      const { chunk } = planOf(layer);
      const targets = [pass.stage(mean, chunk * layer.out), pass.stage(variance, chunk * layer.out)] as const;
      const compute = prepare(pass, kernels, taken);
      return () => {
        compute(...targets);
        return { mean: mean.array, variance: variance.array };
      };
    },
  };
}

type Normal = InferenceOptions["normal"];

interface InferencePlan extends BasePlan {
  readonly samples: unknown;
  readonly normal: Normal;
  readonly activation: InferenceActivation;
  readonly out: unknown;
}

/** The average of the activations of draws of N(mean, variance). */
export function inference(kernels: LinearKernels): Operation<[x: Data, p: number, options: unknown], InferencePlan, { y: unknown }> {
  return {
    read(x, p, options) {
      checkProbability(p, "p");
      checkOptions(options, INFERENCE_KEYS);
      const {
        w,
        bias,
        shape,
        rescale = "train",
        kind,
        samples,
        normal,
        activation = "none",
        out,
      } = options as InferenceOptions<Data, Data>;
      checkChoice(rescale, "rescale", RESCALES);
      checkChoice(activation, "activation", ACTIVATIONS);
      checkFunction(normal, "normal");
      const sides = checkSides(shape, "shape");
      return { x, w, bias, sides, p, rescale, kind, samples, normal: normal as Normal, activation, out };
    },
    take(pass, plan) {
      const taken = take(pass, plan);
      const { dtype, layer } = taken;
      const units = layer.batch * layer.out;
      const { samples, normal, activation } = plan;
      checkInteger(samples, "samples", 1, Math.floor(MAX_INDEX / Math.max(1, units)));
      const output = pass.output(plan.out, "out", dtype, units, plan.x);
      const y = pass.stage(output);
      const compute = prepare(pass, kernels, taken);
      const [mean, variance, sum] = [0, 0, 0].map(() => pass.scratch(byteLength(dtype, units))) as [number, number, number];
      const normals = pass.scratch(byteLength(dtype, Math.min(PIECE, units)));
      const within = (base: number): Target => ({ enter: (at) => base + byteLength(dtype, at), leave() {} });
      return (run) => {
        const { engine } = run;
        compute(within(mean), within(variance));
        engine.memory.view(dtype, sum, units).fill(0);
        for (let s = 0; s < samples; ++s) {
          for (const { at, count } of parts(units, PIECE)) {
            readNormals(engine, normal(count, s * units + at), dtype, normals, count);
            const offset = byteLength(dtype, at);
            kernels.sample[activation][dtype](sum + offset, mean + offset, variance + offset, normals, count);
          }
        }
        // y is written when the last of the caller's numbers have been checked; the caller may have freed it by then.
        run.checkLive();
        for (const { at, count } of parts(units, PIECE)) {
          kernels.scale.matrix[dtype](y.enter(at, count), sum + byteLength(dtype, at), count, 1 / samples);
          y.leave(at, count);
        }
        return { y: output.array };
      };
    },
  };
}

/** Copies `count` numbers that the caller's source has returned to `pointer`, as `dtype`; throws unless they are that many numbers. */
function readNormals(engine: Engine, numbers: unknown, dtype: Dtype, pointer: number, count: number): void {
  const pass = engine.open();
  try {
    // Refused below; its own rejection would be one that nobody handles.
    if (isPromise(numbers)) Promise.resolve(numbers).catch(() => undefined);
    const { length } = pass.dataOf(numbers, "normal()", DTYPES);
    if (length !== count) throw wrongValue("normal()", `length ${count}`, length);
    const array = WasmBuffer._is(numbers) ? WasmBuffer._viewOf(numbers) : numbers;
    engine.memory.view(dtype, pointer, count).set(array as ArrayLike<number>);
  } finally {
    engine.close(pass);
  }
}
