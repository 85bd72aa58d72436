// The options of the core, and the parts of them that every operation shares.

import { WasmBuffer } from "../engine/buffer.js";
import type { HostMemory } from "../engine/host.js";
import type { AnyData } from "../engine/operand.js";
import { checkFlag, checkProbability, isArray, isTypedArray, wrongKind } from "../ground/check.js";
import type { Arrays, DataDtype, Float16, HalfDtype, MaskFormat, NewFloat16, StoredFormat } from "../ground/dtypes.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import type { StreamKind } from "../stream/kinds.js";
import type { DropoutState } from "../stream/sequence.js";
import type { Rescale } from "../stream/ticket.js";

/** The dtype of data X. */
export type DtypeOf<X extends AnyData> =
  X extends WasmBuffer<infer D extends DataDtype>
    ? D
    : X extends Float16
      ? "f16"
      : { [D in DataDtype]: X extends Arrays[D] ? D : never }[DataDtype];

/** An array like X for a result: a buffer for a buffer, an ordinary typed array for a typed array. */
export type Like<X extends AnyData> =
  X extends WasmBuffer<infer D extends DataDtype> ? WasmBuffer<D> : X extends Float16 ? NewFloat16 : Arrays<ArrayBuffer>[DtypeOf<X>];

/** The result of a call with an output of type Y: Made without one. Y follows from the options, never from the use of the result. */
export type Result<Made, Y> = undefined extends Y ? Made | NoInfer<Exclude<Y, undefined>> : NoInfer<Y>;

/** An array for a bit mask: a Uint32Array is read as little-endian words, and both may be padded to whole words, as ONNX Runtime's are. */
export type BitMask = Uint8Array | Uint32Array | WasmBuffer<"bits">;

/** An array for a mask of format F. */
export type MaskArray<F extends MaskFormat> = {
  bits: BitMask;
  bytes: Uint8Array | WasmBuffer<"bytes">;
  f32: Float32Array | WasmBuffer<"f32">;
}[F];

/** The array that a mask of format F is made in. */
export type NewMask<F extends MaskFormat> = Arrays<ArrayBuffer>[F];

/** The stream of random decisions that a call draws from. */
export interface StreamOptions {
  /** Keep stream; the instance's by default. */
  kind?: StreamKind | undefined;
  /** Seed, an integer in [0, 2^64); the instance's by default. */
  seed?: number | bigint | undefined;
  /**
   * Stream number, an integer in [0, 2^64): same seed and stream, same mask. If left out, the instance's counter gives the next number:
   * same seed, same sequence of masks.
   */
  stream?: number | bigint | undefined;
  /**
   * Index in the stream of the first element, an integer in [0, 2^53 - length]; by default 0, or `rank * length` of an instance with a `rank`. The mask
   * of a slice is the slice of the mask.
   */
  start?: number | undefined;
}
export const STREAM_KEYS: Known = /* @__PURE__ */ known("kind", "seed", "stream", "start");

/** The dtype of Uint16Arrays. */
export interface HalfOptions {
  /** The dtype of the call's Uint16Arrays, "f16" or "bf16". Both, as Float16Arrays, need the instance that {@link createHalf} of "wasm-dropout/half" gives. */
  dtype?: HalfDtype | undefined;
}

/** Options of every forward operation, with an output of type Y: undefined for one that the call makes. */
export interface ForwardOptions<Y = undefined> extends StreamOptions, HalfOptions {
  /** The array to write y to: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
  /** false drops nothing and uses up no stream number; true by default. */
  training?: boolean | undefined;
}
export const FORWARD_KEYS: Known = /* @__PURE__ */ known(STREAM_KEYS, "dtype", "out", "training");

/** Options of {@link Dropout.dropout} and {@link Dropout.forward}, with an output of type Y: undefined for one that the call makes. */
export interface DropoutOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y> {
  /** When kept values are scaled: "train" (default, inverted dropout), "test" (classic dropout), or "none". */
  rescale?: Rescale | undefined;
  /** The array to write the bit mask of the same pass to: a bit an element, least significant first, 1 = keep. Outside training all are kept. */
  mask?: BitMask | undefined;
}
export const DROPOUT_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "rescale", "mask");

/** Options of {@link Dropout.backward}, with a gradient of type DX: undefined for one that the call makes. */
export interface BackwardOptions<DX extends AnyData | undefined = undefined> extends HalfOptions {
  /** The array to write dx to: dy itself or memory apart from it. By default a new array, or buffer, like dy. */
  dx?: DX;
}
export const BACKWARD_KEYS: Known = /* @__PURE__ */ known("dx", "dtype");

/** The mask that {@link Dropout.backward} reads instead of drawing it again. */
export interface SavedMask {
  /** The mask, 0 = drop. */
  mask?: BitMask | Uint8Array | WasmBuffer<StoredFormat> | undefined;
  /**
   * "bits": a bit an element, least significant first; "bytes": a byte an element, anything but 0 = keep. By default the dtype of a buffer, and "bits"
   * for a typed array.
   */
  format?: StoredFormat | undefined;
}
export const SAVED_MASK_KEYS: Known = /* @__PURE__ */ known("mask", "format");

/** The description of a mask of other origin, in place of a ticket. */
export interface MaskRate {
  /** The drop probability that the mask was drawn with, in [0, 1]; gives the scale. 0 if it was drawn outside training. */
  p: number;
  /** As in the forward call, in training: "train" (default) multiplies by 1 / (1 - P(drop)), the others do not. */
  rescale?: Rescale | undefined;
  /** The keep stream that it was drawn from; gives the realised probability. The instance's by default. */
  kind?: StreamKind | undefined;
}
export const MASK_RATE_KEYS: Known = /* @__PURE__ */ known("p", "rescale", "kind");

/** Options of {@link Dropout.replay}: a mask of format F in an array of type M: undefined for one that the call makes. */
export interface ReplayOptions<F extends MaskFormat = MaskFormat, M extends MaskArray<F> | undefined = undefined> {
  /**
   * "bits" (default): a bit an element, least significant first, unused bits 0; "bytes": a byte an element; in both 1 = keep. "f32": the factor of each
   * element, 1 / (1 - P(drop)) or 0.
   */
  format?: F | undefined;
  /** The array to write the mask to. By default a new Uint8Array or Float32Array. */
  out?: M;
  /** The most elements to accept, an integer in [0, 2^53]: a ticket of unknown origin costs as much as its `length` says. No limit by default. */
  maxLength?: number | undefined;
}
export const REPLAY_KEYS: Known = /* @__PURE__ */ known("format", "out", "maxLength");

/** Options of {@link Dropout.mask}: a mask of format F in an array of type M: undefined for one that the call makes. */
export interface MaskOptions<F extends MaskFormat = MaskFormat, M extends MaskArray<F> | undefined = undefined>
  extends Omit<ReplayOptions<F, M>, "maxLength">,
    StreamOptions {}
export const MASK_KEYS: Known = /* @__PURE__ */ known(STREAM_KEYS, "format", "out");

/** Options of an instance. */
export interface InstanceOptions {
  /** Seed, an integer in [0, 2^64); drawn when it is first needed if left out, from the engine's cryptographic random numbers, or from Math.random() where there are none. */
  seed?: number | bigint | undefined;
  /** Keep stream: "tile" (default, fastest) or "philox" (element by element recomputable elsewhere). */
  kind?: StreamKind | undefined;
  /** Most bytes of wasm memory to use, an integer in [2^18, 2^32]; 4 GiB by default. */
  maxBytes?: number | undefined;
  /** A saved {@link Dropout.state} to go on from, instead of `seed` and `kind`. */
  state?: DropoutState | undefined;
  /**
   * Number of this worker, an integer in [0, 2^32), among those that train one model with one seed, each on an equal part of the batch; 0 by default.
   * A call on n decisions without `start` then starts at `rank * n`: the masks of ranks 0, 1, 2 ..., joined, are the mask of the whole batch. Where the
   * parts differ in length, give each call its `start`. Passes of Monte-Carlo dropout take no account of it: their masks follow from the numbers of pass,
   * layer and sample, so that workers share a prediction by `firstPass` or `firstSample`. The state does not contain it.
   */
  rank?: number | undefined;
  /** A memory of another program to work in, see {@link HostMemory}; by default the instance makes one of its own. Without `maxBytes`. */
  host?: HostMemory | undefined;
}
export const INSTANCE_KEYS: Known = /* @__PURE__ */ known("seed", "kind", "maxBytes", "state", "rank", "host");

/** Throws unless `p` is a probability; names the method that takes several where it is an array. */
export function checkRate(p: unknown): asserts p is number {
  if (typeof p !== "number" && (isArray(p) || isTypedArray(p) || WasmBuffer._is(p)))
    throw wrongKind("p", "one number in [0, 1] (broadcastDropout of wasm-dropout/shapes takes an array of them)", p);
  checkProbability(p, "p");
}

/** The options that every forward operation of an extension shares, as read: each property once. */
export interface ForwardPlan extends StreamOptions {
  readonly p: number;
  readonly training: boolean;
  readonly out: unknown;
  /** The dtype of Uint16Arrays. */
  readonly half: unknown;
}

/** Checks p and the keys of a forward operation's options, and reads those that all share. Throws TypeError or RangeError. */
export function readForward(p: unknown, options: unknown, keys: Known): ForwardPlan {
  checkRate(p);
  checkOptions(options, keys);
  const { training = true, out, dtype, kind, seed, stream, start } = options as ForwardOptions<unknown>;
  checkFlag(training, "training");
  return { p, training, out, half: dtype, kind, seed, stream, start };
}
