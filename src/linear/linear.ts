// The operations of linear layers over one instance: this class is their API, and the files beside it check and compute.

import type { DtypeOf, Like, Result } from "../core/options.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf, Data, DataOf } from "../engine/operand.js";
import { perform } from "../engine/pass.js";
import type { Ticket } from "../stream/ticket.js";
import { dropoutLevel, scaleWeights } from "./classic.js";
import { backward, dropConnect } from "./drop-connect.js";
import type { LinearKernels } from "./kernels.js";
import { inference, moments } from "./moments.js";
import type {
  DropConnectOptions,
  DropoutLevelOptions,
  InferenceOptions,
  LinearBackwardOptions,
  MomentsOptions,
  SavedLayer,
  ScaleWeightsOptions,
  Wanted,
} from "./options.js";
import type { DropConnectTicket } from "./ticket.js";

/** The gradient that an option of type G asks for: an array like Made, G itself, or undefined for `false`. */
export type Gradient<Made, G> = G extends false ? undefined : G extends true | undefined ? Made : G;

const NO_OPTIONS = {};

/**
 * Linear layers with dropped weights, and what the classic forms of dropout do to weights, over a {@link Dropout} instance. Made by
 * {@link createLinear}.
 *
 * Matrices are row-major: x [batch, in], w [out, in] as in PyTorch, bias [out], y [batch, out]; f32 or f64, one dtype a call, ordinary typed arrays or
 * {@link WasmBuffer}s. Every sum has one order, whatever the engine, the build or where the data lie: the same operands give the same bits. A dot
 * product of forward is summed in lanes: of its first in - in mod 8 terms, term i goes to lane i mod 4 (f32) or i mod 2 (f64), the lanes are added as
 * (l0 + l1) + (l2 + l3) or l0 + l1, then the terms left, one by one. Sums of backward run one by one, over outputs for dx, over examples for dw and dbias.
 *
 * @example
 * import { createLinear } from "wasm-dropout/linear";
 * const linear = await createLinear(dropout);
 * const x = Float32Array.of(1, 2, 3, 4, 5, 6); // [2, 3]
 * const w = Float32Array.of(1, 0, 1, 0, 1, 0); // [2, 3]
 * const bias = Float32Array.of(10, 20);
 * const { y, ticket } = linear.dropConnect(x, 0.5, { w, bias }); // [2, 2]
 * const { dx, dw, dbias } = linear.backward(y, ticket, { x, w });
 */
export class Linear {
  readonly #engine: Engine;
  readonly #operations;

  /** @internal */
  constructor(engine: Engine, kernels: LinearKernels) {
    this.#engine = engine;
    this.#operations = {
      dropConnect: dropConnect(kernels),
      backward: backward(kernels),
      moments: moments(kernels),
      inference: inference(engine, kernels),
    };
  }

  /**
   * DropConnect (Wan et al. 2013): y = s (W masked) x + b, each weight kept with probability 1 - P(drop), and s = 1 / (1 - P(drop)), or 1 if
   * `rescale` is not "train". The mask is drawn while multiplying and never stored.
   *
   * Weight (o, i) of example n is decided by index start + (n * out + o) * in + i of the stream, or start + o * in + i if the batch shares one mask.
   * A dropped weight is +0, even a NaN or infinite one. p = 0 and `training: false` give the linear layer; p = 1 gives y = b (0 without bias), whatever
   * x and w hold.
   *
   * @param x inputs [batch, in], f32 or f64
   * @param p drop probability in [0, 1]
   * @param options see {@link DropConnectOptions}: `w`, weights [out, in] of the same dtype, has to be given; without a `bias`, `shape` has to say
   * one of the sizes
   * @returns `y` [batch, out], and `ticket`, plain JSON, for {@link Linear.backward}
   * @throws TypeError for a wrong kind of argument, a freed buffer or a detached array; RangeError for a value out of range, lengths that do not fit,
   * overlap of `out` with an operand, or memory that cannot grow; in all cases nothing was written and no stream number used
   * @example
   * import { createLinear } from "wasm-dropout/linear";
   * const linear = await createLinear(dropout);
   * const x = new Float32Array(64 * 100).fill(1);
   * const w = new Float32Array(10 * 100).fill(0.1);
   * const { y } = linear.dropConnect(x, 0.5, { w, shape: { in: 100 }, stream: 7 }); // [64, 10], about 10
   */
  dropConnect<X extends Data, Y extends DataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: DropConnectOptions<DataOf<DtypeOf<X>>, Y>,
  ): { y: Result<Like<X>, Y>; ticket: DropConnectTicket } {
    return perform(this.#engine, this.#operations.dropConnect, x, p, options) as { y: Result<Like<X>, Y>; ticket: DropConnectTicket };
  }

  /**
   * The gradients of {@link Linear.dropConnect}, the mask drawn again from its ticket: with g = s dy rounded to the dtype, dx = g (W masked),
   * dw[o, i] = the sum over examples that keep (o, i) of g[n, o] x[n, i], and dbias[o] = the sum over examples of dy[n, o]. An element of dw that nobody
   * keeps is +0, whatever x and dy hold.
   *
   * @param dy gradient with respect to y [batch, out], f32 or f64
   * @param ticket of the forward call, here or elsewhere
   * @param saved the forward call's `x` [batch, in] and `w` [out, in], of the dtype of dy
   * @param options see {@link LinearBackwardOptions}: which gradients, and the arrays to write them to
   * @returns `dx` [batch, in], `dw` [out, in] and `dbias` [out]; undefined for what was not wanted
   * @throws TypeError and RangeError as {@link Linear.dropConnect} does
   * @example
   * import { createLinear } from "wasm-dropout/linear";
   * const linear = await createLinear(dropout);
   * const x = Float64Array.of(1, 2, 3);
   * const w = Float64Array.of(4, 5, 6);
   * const { y, ticket } = linear.dropConnect(x, 0.5, { w, shape: { batch: 1 } });
   * const { dw } = linear.backward(Float64Array.of(1), ticket, { x, w }, { dx: false, dbias: false }); // 2 * x where w was kept
   */
  backward<
    DY extends Data,
    X extends DataOf<DtypeOf<DY>>,
    W extends DataOf<DtypeOf<DY>>,
    DX extends Wanted<DtypeOf<DY>> = undefined,
    DW extends Wanted<DtypeOf<DY>> = undefined,
    DB extends Wanted<DtypeOf<DY>> = undefined,
  >(
    dy: DY,
    ticket: DropConnectTicket,
    saved: SavedLayer<X, W>,
    options: LinearBackwardOptions<DX, DW, DB> = NO_OPTIONS,
  ): { dx: Gradient<Like<X>, DX>; dw: Gradient<Like<W>, DW>; dbias: Gradient<Like<DY>, DB> } {
    return perform(this.#engine, this.#operations.backward, dy, ticket, saved, options) as {
      dx: Gradient<Like<X>, DX>;
      dw: Gradient<Like<W>, DW>;
      dbias: Gradient<Like<DY>, DB>;
    };
  }

  /**
   * Mean and variance of every element of y over all masks that {@link Linear.dropConnect} may draw in training (Wan et al. 2013, section 4). With
   * q = 1 - P(drop) as realised: mean = W x + b and variance = ((1 - q) / q) (W∘W)(x∘x) for `rescale` "train", mean = q W x + b and variance =
   * q (1 - q) (W∘W)(x∘x) for the others; b and 0 if q = 0, where nothing is kept.
   *
   * @param x inputs [batch, in], f32 or f64
   * @param p drop probability in [0, 1]
   * @param options see {@link MomentsOptions}: `w`, weights [out, in] of the same dtype, has to be given
   * @returns `mean` and `variance`, each [batch, out]
   * @throws TypeError and RangeError as {@link Linear.dropConnect} does
   * @example
   * import { createLinear } from "wasm-dropout/linear";
   * const linear = await createLinear(dropout);
   * const { mean, variance } = linear.dropConnectMoments(Float32Array.of(1, 2), 0.5, { w: Float32Array.of(3, 4), shape: { batch: 1 } }); // 11 and 73
   */
  dropConnectMoments<
    X extends Data,
    M extends DataOf<DtypeOf<X>> | undefined = undefined,
    V extends DataOf<DtypeOf<X>> | undefined = undefined,
  >(x: X, p: number, options: MomentsOptions<DataOf<DtypeOf<X>>, M, V>): { mean: Result<Like<X>, M>; variance: Result<Like<X>, V> } {
    return perform(this.#engine, this.#operations.moments, x, p, options) as { mean: Result<Like<X>, M>; variance: Result<Like<X>, V> };
  }

  /**
   * The layer's expected activation by sampling its Gaussian moments: y = the average over `samples` draws z of N(mean, variance) of the activation of z
   * (Wan et al. 2013, algorithm 2), the moments being those of {@link Linear.dropConnectMoments}. z = mean + sqrt(variance) * normal, summed in the order
   * of the samples.
   *
   * @param x inputs [batch, in], f32 or f64
   * @param p drop probability in [0, 1]
   * @param options see {@link InferenceOptions}: `w`, weights [out, in] of the same dtype, `samples` and `normal`, the source of normal numbers, have
   * to be given
   * @returns `y`: `out`, or a new array, or buffer, like x, [batch, out]
   * @throws TypeError and RangeError as {@link Linear.dropConnect} does, TypeError if `normal` frees an array of the call, and the errors of `normal`;
   * in all cases y was not written
   * @example
   * import { createLinear } from "wasm-dropout/linear";
   * import { createNoise } from "wasm-dropout/noise";
   * const linear = await createLinear(dropout);
   * const noise = await createNoise(dropout);
   * const normal = (length, index) => noise.normal(length, { stream: 7, start: index });
   * const [x, w] = [Float32Array.of(1, 2), Float32Array.of(3, -4)];
   * const options = { w, shape: { batch: 1 }, samples: 100, normal, activation: "relu" };
   * const { y } = linear.dropConnectInference(x, 0.5, options);
   */
  dropConnectInference<X extends Data, Y extends DataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: InferenceOptions<DataOf<DtypeOf<X>>, Y>,
  ): { y: Result<Like<X>, Y> } {
    return perform(this.#engine, this.#operations.inference, x, p, options) as { y: Result<Like<X>, Y> };
  }

  /**
   * The weights that go with a layer trained by classic dropout, which does not rescale in training: w * (1 - P(drop)), the factor as realised and rounded
   * once to the dtype it is computed in (Hinton et al. 2012; Srivastava et al. 2014, section 1). p = 0 copies the bits of w; p = 1 gives +0, whatever w holds.
   *
   * @param w weights of any shape, f32 or f64, or, with {@link createHalf} of "wasm-dropout/half", f16 or bf16, rounded once more
   * @param p drop probability in [0, 1]
   * @param options see {@link ScaleWeightsOptions}
   * @returns `out`, or a new array like w
   * @throws TypeError and RangeError as {@link Dropout.dropout} does
   * @example
   * import { createLinear } from "wasm-dropout/linear";
   * const linear = await createLinear(dropout);
   * const w = linear.scaleWeights(Float32Array.of(1, 2, 3, 4), 0.5); // 0.5, 1, 1.5, 2
   */
  scaleWeights<W extends AnyData, Y extends AnyDataOf<DtypeOf<W>> | undefined = undefined>(
    w: W,
    p: number,
    options: ScaleWeightsOptions<Y> = NO_OPTIONS,
  ): Result<Like<W>, Y> {
    return perform(this.#engine, scaleWeights, w, p, options) as Result<Like<W>, Y>;
  }

  /**
   * Inverted dropout under the name and with the rules of the backend function `dropout(x, level, seed)` of Keras up to version 2: the level, the
   * fraction to drop, lies in [0, 1), and a seed fixes the mask whatever came before.
   *
   * @param x data of f32, f64, f16 or bf16
   * @param level fraction to drop, in [0, 1)
   * @param options see {@link DropoutLevelOptions}
   * @returns `y`: `out`, or a new array, or buffer, like x; and `ticket` for {@link Dropout.backward}, which is plain JSON
   * @throws RangeError if level is outside [0, 1), and the errors of {@link Dropout.dropout}
   * @example
   * import { createLinear } from "wasm-dropout/linear";
   * const linear = await createLinear(dropout);
   * const { y, ticket } = linear.dropoutLevel(Float32Array.of(1, 2, 3, 4), 0.5, { seed: 1337 });
   * const { dx } = dropout.backward(Float32Array.of(1, 1, 1, 1), ticket);
   */
  dropoutLevel<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    level: number,
    options: DropoutLevelOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: Ticket<"dropout"> } {
    return perform(this.#engine, dropoutLevel, x, level, options) as { y: Result<Like<X>, Y>; ticket: Ticket<"dropout"> };
  }
}
