// Multiplicative and additive Gaussian noise, and the numbers themselves, over one instance. The numbers are those of docs/normal-stream.md.
// Invariant: everything is checked and allocated before the first byte is written and before a stream number is used up.

import type { BackwardOptions, Context, DtypeOf, Like, Result } from "../core/dropout.js";
import { framed } from "../engine/frame.js";
import { bindKernels } from "../engine/kernels.js";
import { DATA_SLOT } from "../engine/memory.js";
import { type AnyData, type AnyDataOf, makeArray, type Operand } from "../engine/operand.js";
import { checkBelowOne, checkChoice, checkFlag, checkInteger, checkObject, wrongValue } from "../ground/check.js";
import type { Dtype } from "../ground/dtypes.js";
import { MAX_INDEX } from "../stream/ticket.js";
import { checkDeviation, checkMean, dropoutDeviation } from "./amount.js";
import { NOISE, type NoiseKernels } from "./kernels.js";
import type { NoiseOptions, NoiseStreamOptions, NormalOptions, Singles, UniformOptions } from "./options.js";
import { type GaussianDropoutTicket, type GaussianNoiseTicket, NOISE_KINDS, type NoiseTicket, rangeOf, readTicket } from "./ticket.js";

const NO_OPTIONS = {};

/**
 * Gaussian noise over a {@link Dropout} instance: on its memory, with its seed and its sequence of streams. Made by {@link createNoise}.
 *
 * Every number is a pure function of seed, stream number and index, the same bits on every engine and for every dtype. f16 and bf16 need
 * {@link createHalf} of "wasm-dropout/half": they are computed with in f32 and rounded once more.
 *
 * @example
 * import { createNoise } from "wasm-dropout/noise";
 * const noise = await createNoise(dropout);
 * const { y, ticket } = noise.gaussianDropout(Float32Array.of(1, 2, 3, 4), 0.5);
 * const dx = noise.backward(Float32Array.of(1, 1, 1, 1), ticket);
 */
export class Noise {
  readonly #context: Context;
  readonly #kernels: NoiseKernels;

  /** @internal */
  constructor(context: Context, exports: WebAssembly.Exports) {
    this.#context = context;
    this.#kernels = bindKernels<NoiseKernels>(exports, NOISE);
  }

  /**
   * Gaussian dropout: y[i] = x[i] (1 + s z[i]), z standard normal and s = sqrt(p / (1 - p)), so that y has the mean and the variance of inverted
   * dropout at p (Srivastava et al. 2014, section 10, whose p is the keep probability; Keras, GaussianDropout). p = 0 and `training: false` copy
   * the bits of x. Nothing is dropped: NaN and infinities stay.
   *
   * @param x data of f32, f64, f16 or bf16
   * @param p drop probability in [0, 1)
   * @param options see {@link NoiseOptions}
   * @returns `y`: `out`, or a new array, or buffer, like x; and `ticket` for {@link Noise.backward}, which is plain JSON
   * @throws TypeError for a wrong kind of argument, a freed buffer or a detached array; RangeError for a value out of range, unequal lengths, overlap
   * or memory that cannot grow; in all cases nothing was written and no stream number used
   * @example
   * import { createNoise } from "wasm-dropout/noise";
   * const noise = await createNoise(dropout);
   * const { y } = noise.gaussianDropout(Float32Array.of(1, 2, 3, 4), 0.1, { stream: 7 });
   */
  gaussianDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: NoiseOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: GaussianDropoutTicket } {
    checkBelowOne(p, "p");
    const { y, training, range } = this.#forward(x, "times", dropoutDeviation(p), options);
    return { y: y as Result<Like<X>, Y>, ticket: { ...range, op: "gaussianDropout", p: training ? p : 0 } };
  }

  /**
   * Additive Gaussian noise: y[i] = x[i] + stddev z[i], z standard normal (Keras, GaussianNoise). stddev = 0 and `training: false` copy the bits
   * of x.
   *
   * @param x data of f32, f64, f16 or bf16
   * @param stddev standard deviation, in the unit of x: not negative, and finite in the dtype of x
   * @param options see {@link NoiseOptions}
   * @returns as {@link Noise.gaussianDropout}
   * @throws TypeError and RangeError as {@link Noise.gaussianDropout} does
   * @example
   * import { createNoise } from "wasm-dropout/noise";
   * const noise = await createNoise(dropout);
   * const { y } = noise.gaussianNoise(Float64Array.of(1, 2, 3, 4), 0.1);
   */
  gaussianNoise<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    stddev: number,
    options: NoiseOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: GaussianNoiseTicket } {
    checkDeviation(stddev, "stddev", "f64");
    const { y, training, range } = this.#forward(x, "plus", stddev, options);
    return { y: y as Result<Like<X>, Y>, ticket: { ...range, op: "gaussianNoise", stddev: training ? stddev : 0 } };
  }

  // Here and below, all properties of options are read before an operand is taken: a getter may run anything.
  #forward(x: AnyData, verb: "times" | "plus", deviation: number, options: NoiseOptions<AnyData | undefined>) {
    checkObject(options, "options", "object");
    const { training = true, out, dtype, kind, seed, stream, start } = options;
    checkFlag(training, "training");
    const { call } = this.#context;
    this.#takeStream(kind, seed, stream);
    return framed(this.#context, (frame) => {
      const input = frame.anyData(x, "x", dtype);
      call.takeRange(input.length, start);
      checkDeviation(deviation, "stddev", input.dtype);
      const output = frame.output(out, "out", input.stored, input.length, x, [input]);
      if (training) call.useStream(stream);
      this.#apply(verb, training ? deviation : 0, output.operand, input);
      return { y: output.array, training, range: rangeOf(call.recipe) };
    });
  }

  /**
   * The gradient: dx[i] = dy[i] (1 + s z[i]) for Gaussian dropout, z drawn again and the same bits; dx = dy for additive noise.
   *
   * @param dy gradient with respect to y, f32, f64, f16 or bf16, as long as the ticket says
   * @param ticket of the forward call, here or elsewhere
   * @param options see {@link BackwardOptions}
   * @returns `out`, or a new array, or buffer, like dy
   * @throws TypeError and RangeError as {@link Noise.gaussianDropout} does
   * @example
   * import { createNoise } from "wasm-dropout/noise";
   * const noise = await createNoise(dropout);
   * const { ticket } = noise.gaussianDropout(Float32Array.of(1, 2, 3, 4), 0.5);
   * const dx = noise.backward(Float32Array.of(1, 1, 1, 1), JSON.parse(JSON.stringify(ticket)));
   */
  backward<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    ticket: NoiseTicket,
    options: BackwardOptions<Y> = NO_OPTIONS,
  ): Result<Like<X>, Y> {
    checkObject(options, "options", "object");
    const { out, dtype } = options;
    const { recipe } = this.#context.call;
    const deviation = readTicket(ticket, recipe);
    return framed(this.#context, (frame) => {
      const input = frame.anyData(dy, "dy", dtype);
      if (input.length !== recipe.length) throw wrongValue("dy", `length ${recipe.length}, the ticket's`, input.length);
      const output = frame.output(out, "out", input.stored, input.length, dy, [input]);
      this.#apply("times", deviation, output.operand, input);
      return output.array as Result<Like<X>, Y>;
    });
  }

  /**
   * Independent normal numbers: mean + stddev z[i], rounded to f32 after the product and after the sum. |z| is at most 6.764.
   *
   * @param length number of elements
   * @param options see {@link NormalOptions}
   * @returns `out`, or a new Float32Array
   * @throws TypeError and RangeError as {@link Noise.gaussianDropout} does
   * @example
   * import { createNoise } from "wasm-dropout/noise";
   * const noise = await createNoise(dropout);
   * const z = noise.normal(1000, { mean: 5, stddev: 2 });
   */
  normal<Y extends Singles | undefined = undefined>(
    length: number,
    options: NormalOptions<Y> = NO_OPTIONS,
  ): Result<Float32Array<ArrayBuffer>, Y> {
    checkObject(options, "options", "object");
    const { mean = 0, stddev = 1 } = options;
    checkMean(mean, "mean");
    checkDeviation(stddev, "stddev", "f32");
    return this.#fill("normal", length, mean, stddev, options) as Result<Float32Array<ArrayBuffer>, Y>;
  }

  /**
   * Independent uniform numbers: multiples of 2^-24 in [0, 1), as f32. Element i shares random bits with element i of {@link Noise.normal} of the same
   * seed and stream: take different streams where both are to be independent.
   *
   * @param length number of elements
   * @param options see {@link UniformOptions}
   * @returns `out`, or a new Float32Array
   * @throws TypeError and RangeError as {@link Noise.gaussianDropout} does
   * @example
   * import { createNoise } from "wasm-dropout/noise";
   * const noise = await createNoise(dropout);
   * const u = noise.uniform(1000, { stream: 3 });
   */
  uniform<Y extends Singles | undefined = undefined>(
    length: number,
    options: UniformOptions<Y> = NO_OPTIONS,
  ): Result<Float32Array<ArrayBuffer>, Y> {
    checkObject(options, "options", "object");
    return this.#fill("uniform", length, 0, 1, options) as Result<Float32Array<ArrayBuffer>, Y>;
  }

  #fill(source: "normal" | "uniform", length: number, offset: number, factor: number, options: UniformOptions<Singles | undefined>) {
    checkInteger(length, "length", 0, MAX_INDEX);
    const { out, kind, seed, stream, start } = options;
    const { call } = this.#context;
    this.#takeStream(kind, seed, stream);
    call.takeRange(length, start);
    return framed(this.#context, (frame) => {
      const given = out === undefined ? makeArray("f32", length, "length") : out;
      const { operand, array } = frame.output(given, "out", "f32", length, undefined);
      call.useStream(stream);
      operand.slot = DATA_SLOT;
      const kernel = this.#kernels.fill[source].f32;
      call.run((dst, n, params) => kernel(dst, n, offset, factor, params), operand);
      return array;
    });
  }

  #takeStream(kind: NoiseStreamOptions["kind"] = "normal", seed: unknown, stream: unknown): void {
    checkChoice(kind, "kind", NOISE_KINDS);
    // The kind of the instance's masks, which noise has no use for.
    this.#context.call.takeStream(undefined, seed, stream);
  }

  #apply(verb: "times" | "plus", deviation: number, output: Operand, input: Operand & { readonly dtype: Dtype }): void {
    const kernel = this.#kernels[verb].normal[input.dtype];
    this.#context.call.transform((dst = 0, src = 0, n = 0, params = 0) => kernel(dst, src, n, deviation, params), output, input);
  }
}
