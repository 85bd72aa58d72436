// The API of Gaussian noise over one instance. The numbers are those of docs/normal-stream.md.

import type { DtypeOf, Like, Result } from "../core/options.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf } from "../engine/operand.js";
import { perform } from "../engine/pass.js";
import type { NoiseKernels } from "./kernels.js";
import { gaussianDropout, gaussianNoise, noiseBackward, normal, uniform } from "./operations.js";
import type { NoiseBackwardOptions, NoiseOptions, NormalOptions, Singles, UniformOptions } from "./options.js";
import type { GaussianDropoutTicket, GaussianNoiseTicket, NoiseTicket } from "./ticket.js";

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
 * const { dx } = noise.backward(Float32Array.of(1, 1, 1, 1), ticket);
 */
export class Noise {
  readonly #engine: Engine;
  readonly #operations;

  /** @internal */
  constructor(engine: Engine, kernels: NoiseKernels) {
    this.#engine = engine;
    this.#operations = {
      gaussianDropout: gaussianDropout(kernels),
      gaussianNoise: gaussianNoise(kernels),
      backward: noiseBackward(kernels),
      normal: normal(kernels),
      uniform: uniform(kernels),
    };
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
    return perform(this.#engine, this.#operations.gaussianDropout, x, p, options) as {
      y: Result<Like<X>, Y>;
      ticket: GaussianDropoutTicket;
    };
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
    return perform(this.#engine, this.#operations.gaussianNoise, x, stddev, options) as {
      y: Result<Like<X>, Y>;
      ticket: GaussianNoiseTicket;
    };
  }

  /**
   * Computes the gradient: dx[i] = dy[i] (1 + s z[i]) for Gaussian dropout, z drawn again and the same bits; dx = dy for additive noise.
   *
   * @param dy gradient with respect to y, f32, f64, f16 or bf16, as long as the ticket says
   * @param ticket of the forward call, here or elsewhere
   * @param saved nothing is needed again: {} or undefined
   * @param options see {@link NoiseBackwardOptions}
   * @returns `dx`, in `options.dx` or a new array, or buffer, like dy
   * @throws TypeError and RangeError as {@link Noise.gaussianDropout} does
   * @example
   * import { createNoise } from "wasm-dropout/noise";
   * const noise = await createNoise(dropout);
   * const { ticket } = noise.gaussianDropout(Float32Array.of(1, 2, 3, 4), 0.5);
   * const { dx } = noise.backward(Float32Array.of(1, 1, 1, 1), JSON.parse(JSON.stringify(ticket)));
   */
  backward<X extends AnyData, DX extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    ticket: NoiseTicket,
    saved: object = NO_OPTIONS,
    options: NoiseBackwardOptions<DX> = NO_OPTIONS,
  ): { dx: Result<Like<X>, DX> } {
    return perform(this.#engine, this.#operations.backward, dy, ticket, saved, options) as { dx: Result<Like<X>, DX> };
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
    return perform(this.#engine, this.#operations.normal, length, options) as Result<Float32Array<ArrayBuffer>, Y>;
  }

  /**
   * Independent uniform numbers: multiples of 2^-24 in [0, 1), as f32. Element i shares random bits with element i of {@link Noise.normal} of the same
   * seed and stream: use different streams if both must be independent.
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
    return perform(this.#engine, this.#operations.uniform, length, options) as Result<Float32Array<ArrayBuffer>, Y>;
  }
}
