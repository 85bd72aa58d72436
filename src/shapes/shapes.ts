// The API of masks with shapes over one instance.

import type { DtypeOf, Like, Result } from "../core/options.js";
import type { Engine } from "../engine/engine.js";
import type { AnyData, AnyDataOf } from "../engine/operand.js";
import { perform } from "../engine/pass.js";
import type { ShapesKernels } from "./kernels.js";
import { alphaDropout, broadcastDropout, dropBlock, dropPath, featureAlphaDropout, shapesBackward, spatialDropout } from "./operations.js";
import type {
  AlphaDropoutOptions,
  BroadcastDropoutOptions,
  DropBlockOptions,
  DropPathOptions,
  FeatureAlphaDropoutOptions,
  NoiseMaskRate,
  SavedNoiseMask,
  ShapesBackwardOptions,
  SpatialDropoutOptions,
} from "./options.js";
import type { Probabilities, TicketOf } from "./rates.js";
import type { AlphaDropoutTicket, BroadcastDropoutTicket, DropBlockTicket, ShapesTicket } from "./ticket.js";

/** The results of a forward call on X with an output of type Y. */
export interface Forward<X extends AnyData, Y, T extends ShapesTicket = ShapesTicket> {
  /** `out`, or the new array. */
  y: Result<Like<X>, Y>;
  /** For {@link Shapes.backward}: plain JSON. */
  ticket: T;
}

const NO_OPTIONS = {};

/**
 * Dropout with decisions that several elements share, over a {@link Dropout} instance: its memory, its sequence of streams, its tickets. Made by
 * {@link createShapes}.
 *
 * Arrays are in row-major order, and may be empty. f16 and bf16 need {@link createHalf} of "wasm-dropout/half": they are computed with in f32, to which
 * constants are rounded, and results rounded once more. `p` is the probability to drop, in [0, 1]; what is dropped is +0, whatever it was, unless said
 * otherwise. p = 0 and `training: false` copy the bits of x. Every method throws a TypeError for a wrong kind of argument, an unknown option, a freed
 * buffer or a detached array, and a RangeError for a value out of range, lengths that do not agree, overlap or memory that cannot grow; then nothing was
 * written and no stream number used. A mask takes an eighth of a byte a decision while a call lasts.
 *
 * If decisions have a noise shape, `p` may be an array: one probability for each sample, the first dimension, or what `pShape` broadcasts against `shape`
 * by NumPy's rules. Each element is dropped and scaled as by a call with its probability alone, of the same stream. The ticket then has `pShape` instead of
 * p, and backward needs the probabilities again, as `saved.p`. While such a call lasts it takes 8 bytes a decision and 32 a probability, or little where
 * elements share neither.
 *
 * @example
 * import { createShapes } from "wasm-dropout/shapes";
 * const shapes = await createShapes(dropout);
 * const { y, ticket } = shapes.spatialDropout(new Float32Array(2 * 8 * 5 * 5).fill(1), 0.25, { shape: [2, 8, 5, 5] });
 * const { dx } = shapes.backward(y, ticket);
 */
export class Shapes {
  readonly #engine: Engine;
  readonly #operations;

  /** @internal */
  constructor(engine: Engine, kernels: ShapesKernels) {
    this.#engine = engine;
    this.#operations = {
      broadcastDropout: broadcastDropout(kernels),
      spatialDropout: spatialDropout(kernels),
      dropPath: dropPath(kernels),
      dropBlock: dropBlock(kernels),
      alphaDropout: alphaDropout(kernels),
      featureAlphaDropout: featureAlphaDropout(kernels),
      backward: shapesBackward(kernels),
    };
  }

  /**
   * Inverted dropout with a noise shape: y = keep(start + k) ? x / (1 - P(drop)) : +0, where k is the place, in row-major order, of the element of the
   * noise shape that broadcasts to the element of x. As noise_shape of tf.nn.dropout and Keras, or `broadcastDims` as broadcast_dims of Flax; without
   * either, each element has its own decision and y is that of {@link Dropout.dropout}.
   *
   * @param x data of f32, f64, f16 or bf16, of `options.shape`
   * @param p drop probability in [0, 1], or an array of them
   * @param options see {@link BroadcastDropoutOptions}
   * @returns `y`: `out`, or a new array, or buffer, like x; and `ticket` for {@link Shapes.backward}, which is plain JSON
   * @throws TypeError and RangeError as said of {@link Shapes}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const x = new Float32Array(4 * 10 * 16).fill(1); // [batch, time, features]
   * const { y, ticket } = shapes.broadcastDropout(x, 0.5, { shape: [4, 10, 16], noiseShape: [null, 1, null] }); // the same features at all times
   * const mask = dropout.replay(ticket, { format: "bytes" }); // of shape [4, 1, 16]
   */
  broadcastDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined, P extends number | Probabilities = number>(
    x: X,
    p: P,
    options: BroadcastDropoutOptions<Y>,
  ): Forward<X, Y, TicketOf<BroadcastDropoutTicket, P>> {
    return perform(this.#engine, this.#operations.broadcastDropout, x, p, options) as Forward<X, Y, TicketOf<BroadcastDropoutTicket, P>>;
  }

  /**
   * Spatial dropout: whole feature maps are dropped, one decision for each sample and channel. The same as {@link Shapes.broadcastDropout} with a noise
   * shape of 1 but for samples and channels, so that both formats drop the same maps (Tompson et al. 2015; Dropout1d to 3d of PyTorch, SpatialDropout1D
   * to 3D of Keras).
   *
   * Three to five dimensions are read as [samples, channels, ...] with one to three of places, as Keras does; PyTorch's Dropout1d to 3d also take one
   * sample without its dimension, which `batched: false` says here. Two are read either way, so `batched` must say which.
   *
   * @param x data of f32, f64, f16 or bf16, [samples, channels, ...] or [samples, ..., channels], without samples if `batched` is false
   * @param p drop probability in [0, 1], or an array of them
   * @param options see {@link SpatialDropoutOptions}
   * @returns as {@link Shapes.broadcastDropout}
   * @throws TypeError and RangeError as said of {@link Shapes}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const x = new Float32Array(2 * 9 * 9 * 3).fill(1);
   * const { y } = shapes.spatialDropout(x, 0.5, { shape: [2, 9, 9, 3], dataFormat: "channelsLast" });
   * const image = shapes.spatialDropout(new Float32Array(3 * 9 * 9).fill(1), 0.5, { shape: [3, 9, 9], batched: false });
   */
  spatialDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined, P extends number | Probabilities = number>(
    x: X,
    p: P,
    options: SpatialDropoutOptions<Y>,
  ): Forward<X, Y, TicketOf<BroadcastDropoutTicket, P>> {
    return perform(this.#engine, this.#operations.spatialDropout, x, p, options) as Forward<X, Y, TicketOf<BroadcastDropoutTicket, P>>;
  }

  /**
   * Drop path, or stochastic depth: whole samples of a residual branch are dropped, one decision for each sample (Huang et al. 2016; timm's drop_path).
   *
   * An array p has a probability for each sample, as for batches of layers at several depths.
   *
   * @param x data of f32, f64, f16 or bf16, [samples, ...]
   * @param p drop probability in [0, 1], or an array of them
   * @param options see {@link DropPathOptions}
   * @returns as {@link Shapes.broadcastDropout}
   * @throws TypeError and RangeError as said of {@link Shapes}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { y } = shapes.dropPath(new Float32Array(32 * 64).fill(1), 0.1, { shape: [32, 64] });
   * const p = Float64Array.from({ length: 32 }, (_, sample) => sample / 64);
   * const several = shapes.dropPath(y, p, { shape: [32, 64] });
   * const { dx } = shapes.backward(several.y, several.ticket, { p });
   */
  dropPath<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined, P extends number | Probabilities = number>(
    x: X,
    p: P,
    options: DropPathOptions<Y>,
  ): Forward<X, Y, TicketOf<BroadcastDropoutTicket, P>> {
    return perform(this.#engine, this.#operations.dropPath, x, p, options) as Forward<X, Y, TicketOf<BroadcastDropoutTicket, P>>;
  }

  /**
   * DropBlock: around each dropped seed, a block of a feature map of one to three dimensions is dropped; kept elements are multiplied by the number of the
   * mask's elements over that of its kept ones, rounded to the dtype, unless `scaleByKeep` is false (Ghiasi et al. 2018). A seed is dropped with probability
   *
   *     gamma = gammaScale p n / b / (places of a block in the map), at most 1,
   *
   * n and b being the elements of a map and of a block, whose side is blockSize, or the size of the map along an axis where that is smaller: for W x H
   * elements gamma = gammaScale p W H / (bw bh) / ((W - bw + 1) (H - bh + 1)). The block of a seed at column c is columns c - floor(bw / 2) to
   * c + floor((bw - 1) / 2), and so on along the other axes. A seed counts if its block lies in the map, or, with `borderSeeds`, always.
   *
   * This is DropBlock2d of torchvision and drop_block3d for blocks of odd sides that fit the map. `coupleChannels: true, borderSeeds: true` is
   * drop_block_2d of timm since 1.0.23.
   *
   * `withNoise` is with_noise of timm: y = keep ? x : z, and nothing is scaled. z is a standard normal number, {@link Noise.normal} at the same seed and
   * stream, its index that of the decision of the element's own place: `start` for the first place of the first map. Elements that share a mask get the
   * same numbers, and an element the same one in both data formats. Backward, dx = keep ? dy : +0.
   *
   * The share of elements that is dropped is p only where blocks do not overlap. On average it is the mean over all elements of
   * 1 - (1 - gamma)^(number of seeds that count and reach the element): for maps of 14 x 14 elements and blocks of 7 x 7, 0.09 at p = 0.1 and 0.355 at
   * p = 0.5, and 0.208 at p = 0.1 with `borderSeeds`, as gamma does not make up for the additional seeds.
   *
   * Maps of two dimensions have a shape of four, [samples, channels, H, W] or [samples, H, W, channels]; three are read as samples, channels and the places of
   * one axis, and one sample without its dimension needs `batched: false`. In f16 kept elements become infinite where fewer than one in 65520 is kept.
   *
   * @param x data of f32, f64, f16 or bf16, [samples, channels, ...] or [samples, ..., channels], without samples if `batched` is false
   * @param p drop probability in [0, 1]
   * @param options see {@link DropBlockOptions}
   * @returns as {@link Shapes.broadcastDropout}. `ticket.p` is gamma. Its decisions are those of the seeds, in the order
   * [samples or 1, channels or 1, ...places of a map] in both formats.
   * @throws TypeError and RangeError as said of {@link Shapes}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const x = new Float32Array(2 * 4 * 14 * 14).fill(1);
   * const { y, ticket } = shapes.dropBlock(x, 0.1, { shape: [2, 4, 14, 14], blockSize: 5 });
   * const timm = shapes.dropBlock(x, 0.1, { shape: [2, 4, 14, 14], coupleChannels: true, borderSeeds: true });
   */
  dropBlock<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: DropBlockOptions<Y>,
  ): Forward<X, Y, DropBlockTicket> {
    return perform(this.#engine, this.#operations.dropBlock, x, p, options) as Forward<X, Y, DropBlockTicket>;
  }

  /**
   * Alpha dropout, which keeps mean and variance of SELU's results: y = keep(start + k) ? a x + b : b - a α, α = 1.7580993408473766 being SELU's scale times
   * its alpha, q = P(drop), a = 1 / sqrt((α² q + 1)(1 - q)), b = a α q, each rounded once to the dtype. p = 1 gives +0. Backward, dx = keep ? a dy : +0.
   * (Klambauer et al. 2017; PyTorch's alpha_dropout.) The noise shape is that of {@link Shapes.broadcastDropout}.
   *
   * @param x data of f32, f64, f16 or bf16
   * @param p drop probability in [0, 1]; for f16 where a is below 65520, at most about 1 - 5.7e-11, or 1
   * @param options see {@link AlphaDropoutOptions}
   * @returns as {@link Shapes.broadcastDropout}
   * @throws TypeError and RangeError as said of {@link Shapes}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { y } = shapes.alphaDropout(Float32Array.of(-1.5, 0, 1, 2), 0.1);
   */
  alphaDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined, P extends number | Probabilities = number>(
    x: X,
    p: P,
    options: AlphaDropoutOptions<Y> = NO_OPTIONS,
  ): Forward<X, Y, TicketOf<AlphaDropoutTicket, P>> {
    return perform(this.#engine, this.#operations.alphaDropout, x, p, options) as Forward<X, Y, TicketOf<AlphaDropoutTicket, P>>;
  }

  /**
   * Alpha dropout of whole feature maps, one decision for each sample and channel (PyTorch's feature_alpha_dropout).
   *
   * @param x data of f32, f64, f16 or bf16, [samples, channels, ...] or [samples, ..., channels], without samples if `batched` is false
   * @param p drop probability, as in {@link Shapes.alphaDropout}
   * @param options see {@link FeatureAlphaDropoutOptions}
   * @returns as {@link Shapes.broadcastDropout}
   * @throws TypeError and RangeError as said of {@link Shapes}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { y } = shapes.featureAlphaDropout(new Float32Array(2 * 8 * 5 * 5).fill(1), 0.1, { shape: [2, 8, 5, 5] });
   */
  featureAlphaDropout<
    X extends AnyData,
    Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
    P extends number | Probabilities = number,
  >(x: X, p: P, options: FeatureAlphaDropoutOptions<Y>): Forward<X, Y, TicketOf<AlphaDropoutTicket, P>> {
    return perform(this.#engine, this.#operations.featureAlphaDropout, x, p, options) as Forward<X, Y, TicketOf<AlphaDropoutTicket, P>>;
  }

  /**
   * The gradient of any operation: dx = dy times the factor of kept elements in the forward call, and +0 at dropped ones, with the mask drawn again from a
   * ticket, or, of broadcast and spatial dropout and drop path, read from `saved`, where the forward call has written it.
   *
   * @param dy gradient with respect to y, f32, f64, f16 or bf16; as long as x was
   * @param ticket of the forward call, here or elsewhere; or, with `saved.mask`, a {@link NoiseMaskRate}
   * @param saved see {@link SavedNoiseMask}
   * @param options see {@link ShapesBackwardOptions}
   * @returns `dx`, in `options.dx` or a new array, or buffer, like dy
   * @throws TypeError and RangeError as said of {@link Shapes}, and for a ticket of another operation
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const mask = new Uint8Array(4);
   * const { ticket } = shapes.dropPath(new Float32Array(32 * 64), 0.1, { shape: [32, 64], mask });
   * const dy = new Float32Array(32 * 64).fill(1);
   * const { dx } = shapes.backward(dy, JSON.parse(JSON.stringify(ticket)));
   * shapes.backward(dy, { p: 0.1, shape: [32, 64], noiseShape: [null, 1] }, { mask }); // the same, from the stored mask
   */
  backward<X extends AnyData, DX extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    ticket: ShapesTicket | NoiseMaskRate,
    saved: SavedNoiseMask = NO_OPTIONS,
    options: ShapesBackwardOptions<DX> = NO_OPTIONS,
  ): { dx: Result<Like<X>, DX> } {
    return perform(this.#engine, this.#operations.backward, dy, ticket, saved, options) as { dx: Result<Like<X>, DX> };
  }
}
