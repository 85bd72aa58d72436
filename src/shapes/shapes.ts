// The API of masks with shapes: checks arguments, then has the operation make room and do its pass.
// Invariant: everything is checked and allocated before the first byte is written and before a stream number is used up.

import type { BackwardOptions, Context, DtypeOf, Like, Result, StreamOptions } from "../core/dropout.js";
import { type Frame, framed } from "../engine/frame.js";
import { bindKernels, STREAM_KINDS } from "../engine/kernels.js";
import type { AnyData, AnyDataOf, Operand } from "../engine/operand.js";
import {
  checkAmount,
  checkChoice,
  checkFlag,
  checkInteger,
  checkObject,
  checkProbability,
  wrongKind,
  wrongValue,
} from "../ground/check.js";
import { checkShape, MAX_RANK, productOf, takeShape } from "../ground/shape.js";
import { RESCALES, type Rescale } from "../stream/ticket.js";
import { alphaDropout } from "./alpha.js";
import { broadcastDropout, noiseOf, storedDropout } from "./broadcast.js";
import { dropBlock, gammaOf } from "./drop-block.js";
import { SHAPES, type ShapesKernels } from "./kernels.js";
import { CHANNEL_FORMATS, channelNoise, checkNoiseShape, resolveNoiseShape, sampleNoise } from "./noise-shape.js";
import type {
  AlphaDropoutOptions,
  DropBlockOptions,
  DropPathOptions,
  FeatureAlphaDropoutOptions,
  ForwardOptions,
  NoiseDropoutOptions,
  SpatialDropoutOptions,
  StoredNoiseMask,
} from "./options.js";
import type { Operation } from "./pass.js";
import { type BlockFields, type NoiseFields, OPS, type ShapesTicket } from "./ticket.js";

/** What a forward call on X with an `out` of type Y gives. */
export interface Forward<X extends AnyData, Y> {
  /** `out`, or the new array. */
  y: Result<Like<X>, Y>;
  /** For {@link Shapes.backward}: plain JSON. */
  ticket: ShapesTicket;
}

/** What forward calls have in common, as read from their options. */
interface Common extends StreamOptions {
  readonly p: number;
  readonly rescale?: Rescale;
  readonly training: boolean;
  readonly out: unknown;
  readonly half: unknown;
  readonly mask?: unknown;
}

type Input = ReturnType<Frame["data"]>;

const NO_OPTIONS = {};

/**
 * Dropout with decisions that several elements share, over a {@link Dropout} instance: its memory, its sequence of streams, its tickets. Made by
 * {@link createShapes}.
 *
 * Arrays are in row-major order. f16 and bf16 need {@link createHalf} of "wasm-dropout/half": they are computed with in f32, to which constants are
 * rounded, and results rounded once more. `p` is the probability to drop, in [0, 1]; what is dropped is +0, whatever it was, unless said otherwise. p = 0 and
 * `training: false` copy the bits of x. Every method throws a TypeError for a wrong kind of argument, a freed buffer or a detached array, and a
 * RangeError for a value out of range, lengths that do not agree, overlap or memory that cannot grow; then nothing was written and no stream
 * number used. A mask takes an eighth of a byte a decision while a call lasts.
 *
 * @example
 * import { createShapes } from "wasm-dropout/shapes";
 * const shapes = await createShapes(dropout);
 * const { y, ticket } = shapes.spatialDropout(new Float32Array(2 * 8 * 5 * 5).fill(1), 0.25, { shape: [2, 8, 5, 5] });
 * const dx = shapes.backward(y, ticket);
 */
export class Shapes {
  readonly #context: Context;
  readonly #kernels: ShapesKernels;

  /** @internal */
  constructor(context: Context, exports: WebAssembly.Exports) {
    this.#context = context;
    this.#kernels = bindKernels<ShapesKernels>(exports, SHAPES);
  }

  /**
   * Inverted dropout with a noise shape: y = keep(start + k) ? x / (1 - P(drop)) : +0, where k is the place, in row-major order, of the element of the
   * noise shape that broadcasts to the element of x. As noise_shape of tf.nn.dropout and Keras, or `broadcastDims` as broadcast_dims of Flax; without
   * either, each element has its own decision and y is that of {@link Dropout.dropout}.
   *
   * @param x data of f32, f64, f16 or bf16, of `options.shape`
   * @param p drop probability in [0, 1]
   * @param options see {@link NoiseDropoutOptions}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const x = new Float32Array(4 * 10 * 16).fill(1); // [batch, time, features]
   * const { y, ticket } = shapes.dropout(x, 0.5, { shape: [4, 10, 16], noiseShape: [null, 1, null] }); // the same features at all times
   * const mask = dropout.replay(ticket, { format: "bytes" }); // of shape [4, 1, 16]
   */
  dropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: NoiseDropoutOptions<Y>,
  ): Forward<X, Y> {
    const common = readCommon(p, options);
    const { noiseShape, broadcastDims, rescale = "train", mask } = options;
    const shape = takeShape(options.shape, "shape");
    return this.#drop(x, shape, resolveNoiseShape(shape, noiseShape, broadcastDims), { ...common, rescale, mask });
  }

  /**
   * Spatial dropout: whole feature maps are dropped, one decision a sample and channel. The same as {@link Shapes.dropout} with a noise shape of 1 but
   * for samples and channels, so that both formats drop the same maps (Tompson et al. 2015; Dropout1d to 3d of PyTorch, SpatialDropout1D to 3D of Keras).
   *
   * @param x data of f32, f64, f16 or bf16, [samples, channels, ...] or [samples, ..., channels] with one to three dimensions between
   * @param p drop probability in [0, 1]
   * @param options see {@link SpatialDropoutOptions}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const x = new Float32Array(2 * 9 * 9 * 3).fill(1);
   * const { y } = shapes.spatialDropout(x, 0.5, { shape: [2, 9, 9, 3], format: "channelsLast" });
   */
  spatialDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: SpatialDropoutOptions<Y>,
  ): Forward<X, Y> {
    const common = readCommon(p, options);
    const { format = "channelsFirst", rescale = "train", mask } = options;
    checkChoice(format, "format", CHANNEL_FORMATS);
    const shape = takeShape(options.shape, "shape", [3, 5]);
    return this.#drop(x, shape, channelNoise(shape, format), { ...common, rescale, mask });
  }

  /**
   * Drop path, or stochastic depth: whole samples of a residual branch are dropped, one decision a sample (Huang et al. 2016; timm's drop_path).
   *
   * @param x data of f32, f64, f16 or bf16, [samples, ...]
   * @param p drop probability in [0, 1]
   * @param options see {@link DropPathOptions}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { y } = shapes.dropPath(new Float32Array(32 * 64).fill(1), 0.1, { shape: [32, 64] });
   */
  dropPath<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: DropPathOptions<Y>,
  ): Forward<X, Y> {
    const common = readCommon(p, options);
    const { scaleByKeep, mask } = options;
    checkFlag(scaleByKeep, "scaleByKeep");
    const { rescale = scaleByKeep === false ? "none" : "train" } = options;
    if (scaleByKeep !== undefined && options.rescale !== undefined) throw wrongKind("rescale", "nothing beside scaleByKeep", rescale);
    const shape = takeShape(options.shape, "shape");
    return this.#drop(x, shape, sampleNoise(shape), { ...common, rescale, mask });
  }

  #drop<X extends AnyData, Y>(x: X, shape: readonly number[], noiseShape: readonly number[], common: Common): Forward<X, Y> {
    checkChoice(common.rescale, "rescale", RESCALES);
    return this.#forward(x, common, () => broadcastDropout(noiseOf(shape, noiseShape)));
  }

  /**
   * DropBlock: around each dropped seed, a square block of a feature map is dropped; what is kept is multiplied by the number of the mask's elements over that
   * of its kept ones, rounded to the dtype. About p of all elements are dropped, fewer at large p, where blocks overlap. A seed is dropped with probability
   *
   *     gamma = gammaScale p W H / b² / ((W - b + 1) (H - b + 1)), at most 1,   b = min(blockSize, W, H)
   *
   * and counts where its block, columns c - floor(b / 2) to c + floor((b - 1) / 2) and rows likewise, lies in the map. (Ghiasi et al. 2018; gamma and scale as in
   * timm's drop_block_2d, which however has blockSize in place of b in the last two factors, and so no use for blocks larger than the map.)
   *
   * @param x data of f32, f64, f16 or bf16, [samples, channels, H, W] or [samples, H, W, channels]
   * @param p drop probability in [0, 1]
   * @param options see {@link DropBlockOptions}
   * @returns `ticket.p` is gamma. Its decisions are those of the seeds, in the order [samples or 1, channels, H, W] in both formats.
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const x = new Float32Array(2 * 4 * 14 * 14).fill(1);
   * const { y, ticket } = shapes.dropBlock(x, 0.1, { shape: [2, 4, 14, 14], blockSize: 5 });
   */
  dropBlock<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: DropBlockOptions<Y>,
  ): Forward<X, Y> {
    const common = readCommon(p, options);
    const { format = "channelsFirst", blockSize = 7, gammaScale = 1, batchwise = false } = options;
    checkChoice(format, "format", CHANNEL_FORMATS);
    checkInteger(blockSize, "blockSize", 1, Number.MAX_SAFE_INTEGER);
    checkAmount(gammaScale, "gammaScale");
    checkFlag(batchwise, "batchwise");
    const shape = takeShape(options.shape, "shape", [4, 4]);
    const gamma = gammaOf(p, shape, format, blockSize, gammaScale);
    return this.#forward(x, { ...common, p: gamma }, () => dropBlock({ op: "dropBlock", shape, format, blockSize, batchwise }));
  }

  /**
   * Alpha dropout, which keeps mean and variance of what SELU gives: y = keep(start + k) ? a x + b : b - a α, α = 1.7580993408473766 being SELU's scale times
   * its alpha, q = P(drop), a = 1 / sqrt((α² q + 1)(1 - q)), b = a α q, each rounded once to the dtype. p = 1 gives +0. Backward, dx = keep ? a dy : +0.
   * (Klambauer et al. 2017; PyTorch's alpha_dropout.) The noise shape is that of {@link Shapes.dropout}.
   *
   * @param x data of f32, f64, f16 or bf16
   * @param p drop probability in [0, 1]
   * @param options see {@link AlphaDropoutOptions}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { y } = shapes.alphaDropout(Float32Array.of(-1.5, 0, 1, 2), 0.1);
   */
  alphaDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: AlphaDropoutOptions<Y> = NO_OPTIONS,
  ): Forward<X, Y> {
    const common = readCommon(p, options);
    const { shape: given, noiseShape, broadcastDims } = options;
    return this.#forward(x, common, (length) => {
      const shape = takeShape(given === undefined ? [length] : given, "shape");
      return alphaDropout(noiseOf(shape, resolveNoiseShape(shape, noiseShape, broadcastDims)));
    });
  }

  /**
   * Alpha dropout of whole feature maps, one decision a sample and channel (PyTorch's feature_alpha_dropout).
   *
   * @param x data of f32, f64, f16 or bf16, [samples, channels, ...] or [samples, ..., channels], of at least two dimensions
   * @param p drop probability in [0, 1]
   * @param options see {@link FeatureAlphaDropoutOptions}
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { y } = shapes.featureAlphaDropout(new Float32Array(2 * 8 * 5 * 5).fill(1), 0.1, { shape: [2, 8, 5, 5] });
   */
  featureAlphaDropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: FeatureAlphaDropoutOptions<Y>,
  ): Forward<X, Y> {
    const common = readCommon(p, options);
    const { format = "channelsFirst" } = options;
    checkChoice(format, "format", CHANNEL_FORMATS);
    const shape = takeShape(options.shape, "shape", [2, MAX_RANK]);
    return this.#forward(x, common, () => alphaDropout(noiseOf(shape, channelNoise(shape, format))));
  }

  #forward<X extends AnyData, Y>(x: X, common: Common, operationOn: (length: number) => Operation): Forward<X, Y> {
    const { p, rescale = "train", training, out, half, mask, kind, seed, stream, start } = common;
    const { call } = this.#context;
    return framed(this.#context, (frame) => {
      call.takeStream(kind, seed, stream);
      const input = frame.anyData(x, "x", half);
      const operation = operationOn(input.length);
      checkShape(operation.shape, "shape", input.length);
      call.takeRange(operation.decisions, start);
      call.recipe.use(p, rescale, training);
      const bits = mask === undefined ? undefined : frame.output(mask, "mask", "bits", operation.decisions, undefined).operand;
      const { array, run } = this.#prepare(frame, input, x, out, operation, false, bits);
      if (training) call.useStream(stream);
      run();
      return { y: array, ticket: { ...call.recipe.toTicket(), ...operation.fields } } as Forward<X, Y>;
    });
  }

  /**
   * The gradient of any operation: dx = dy times what the forward call multiplied kept elements by, and +0 at dropped ones, with the mask made
   * again from a ticket, or, of dropout, spatial dropout and drop path, read from where it was stored.
   *
   * @param dy gradient with respect to y, f32, f64, f16 or bf16; as long as x was
   * @param source the ticket of the forward call, or a {@link StoredNoiseMask}
   * @param options see {@link BackwardOptions}
   * @returns `out`, or a new array, or buffer, like dy
   * @example
   * import { createShapes } from "wasm-dropout/shapes";
   * const shapes = await createShapes(dropout);
   * const { ticket } = shapes.dropPath(new Float32Array(32 * 64), 0.1, { shape: [32, 64] });
   * const dx = shapes.backward(new Float32Array(32 * 64).fill(1), JSON.parse(JSON.stringify(ticket)));
   */
  backward<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    source: ShapesTicket | StoredNoiseMask,
    options: BackwardOptions<Y> = NO_OPTIONS,
  ): Result<Like<X>, Y> {
    checkObject(source, "source", "ticket or stored mask");
    checkObject(options, "options", "object");
    const { out, dtype } = options;
    const { mask } = source as Partial<StoredNoiseMask>;
    return framed(this.#context, (frame) => {
      const { operation, input } =
        mask === undefined
          ? this.#takeTicket(frame, dy, dtype, source)
          : this.#takeStored(frame, dy, dtype, mask, source as StoredNoiseMask);
      const { array, run } = this.#prepare(frame, input, dy, out, operation, true);
      run();
      return array as Result<Like<X>, Y>;
    });
  }

  #takeTicket(frame: Frame, dy: AnyData, half: unknown, ticket: object) {
    const operation = this.#operationOf(ticket);
    const input = frame.anyData(dy, "dy", half);
    const length = productOf(operation.shape);
    if (input.length !== length) throw wrongValue("dy", `length ${length}, the ticket's`, input.length);
    return { operation, input };
  }

  /** The operation that a ticket was made by; its recipe is then the present one. */
  #operationOf(ticket: object): Operation {
    const { op, shape: givenShape, ...fields } = { ...ticket } as { [K in keyof NoiseFields | keyof BlockFields]?: unknown };
    checkChoice(op, "ticket.op", OPS);
    const { recipe } = this.#context.call;
    recipe.read(ticket);
    // The other operations have no other form than that of training.
    if (op !== "dropout") checkChoice(recipe.rescale, "ticket.rescale", ["train"]);
    if (op === "dropBlock") {
      const shape = takeShape(givenShape, "ticket.shape", [4, 4]);
      const { format, blockSize, batchwise } = fields;
      checkChoice(format, "ticket.format", CHANNEL_FORMATS);
      checkInteger(blockSize, "ticket.blockSize", 1, Number.MAX_SAFE_INTEGER);
      if (typeof batchwise !== "boolean") throw wrongKind("ticket.batchwise", "boolean", batchwise);
      const operation = dropBlock({ op, shape, format, blockSize, batchwise });
      checkInteger(recipe.length, "ticket.length", operation.decisions, operation.decisions);
      return operation;
    }
    const shape = takeShape(givenShape, "ticket.shape");
    const noiseShape = takeShape(fields.noiseShape, "ticket.noiseShape");
    checkNoiseShape(noiseShape, "ticket.noiseShape", shape, recipe.length);
    return (op === "dropout" ? broadcastDropout : alphaDropout)(noiseOf(shape, noiseShape));
  }

  #takeStored(frame: Frame, dy: AnyData, half: unknown, mask: StoredNoiseMask["mask"], source: StoredNoiseMask) {
    const { call } = this.#context;
    const { p, rescale = "train", kind, shape: givenShape, noiseShape, broadcastDims } = source;
    checkProbability(p, "source.p");
    checkChoice(rescale, "source.rescale", RESCALES);
    if (kind !== undefined) checkChoice(kind, "source.kind", STREAM_KINDS);
    const shape = takeShape(givenShape, "source.shape");
    const noise = noiseOf(shape, resolveNoiseShape(shape, noiseShape, broadcastDims, "source."));
    call.takeStream(kind, undefined, undefined);
    call.recipe.use(p, rescale, true);
    const input = frame.anyData(dy, "dy", half);
    checkShape(shape, "source.shape", input.length);
    return { operation: storedDropout(noise, frame.input(mask, "source.mask", "bits", noise.decisions)), input };
  }

  /** Makes room for an operation on `input`, its result in `out` or a new array like `like`; returns that array and what does the work. */
  #prepare(frame: Frame, input: Input, like: AnyData, out: unknown, operation: Operation, backward: boolean, mask?: Operand) {
    const { dtype } = input;
    this.#context.call.setChance(dtype);
    const { operand: output, array } = frame.output(out, "out", input.stored, input.length, like, [input]);
    const run = operation.prepare({ context: this.#context, kernels: this.#kernels, frame, dtype, input, output, mask }, backward);
    return { array, run };
  }
}

/** Checks and reads what all forward calls take. */
function readCommon(p: unknown, options: ForwardOptions<AnyData | undefined>): Common {
  checkProbability(p, "p");
  checkObject(options, "options", "object");
  const { training = true, out, dtype: half, kind, seed, stream, start } = options;
  checkFlag(training, "training");
  return { p, training, out, half, kind, seed, stream, start };
}
