// The options of linear layers.

import { type HalfOptions, STREAM_KEYS, type StreamOptions } from "../core/options.js";
import type { AnyData, Data, DataOf } from "../engine/operand.js";
import type { Dtype } from "../ground/dtypes.js";
import { type Known, known } from "../ground/options.js";
import type { StreamKind } from "../stream/kinds.js";
import type { Rescale } from "../stream/ticket.js";
import type { InferenceActivation } from "./kernels.js";
import type { LayerShape } from "./layer.js";

/** The layer, for data of type D. */
export interface LayerOptions<D extends Data = DataOf<"f32">> {
  /** Weights [out, in], of the dtype of x. */
  w: D;
  /** Bias [out], of the dtype of x; none by default. */
  bias?: D | undefined;
  /** Sizes of the layer: any one of `batch`, `in` and `out`, unless a bias gives `out`. The others follow from the lengths of x and w. */
  shape?: Partial<LayerShape> | undefined;
}
const LAYER_KEYS: Known = /* @__PURE__ */ known("w", "bias", "shape");

/** Options of {@link Linear.dropConnect}, for data of type D and an output of type Y: undefined for one that the call makes. */
export interface DropConnectOptions<D extends Data = DataOf<"f32">, Y extends Data | undefined = undefined>
  extends LayerOptions<D>,
    StreamOptions {
  /** true (default): each example drops weights of its own, as in the paper. false: all examples of the batch drop the same. */
  perExample?: boolean | undefined;
  /** When kept weights are scaled: "train" (default, inverted dropout), "test" (classic dropout), or "none". */
  rescale?: Rescale | undefined;
  /** false gives the linear layer itself, its product times 1 - P(drop) if `rescale` is "test", and uses up no stream number; true by default. */
  training?: boolean | undefined;
  /** The array to write y to: memory apart from the operands. By default a new array, or buffer, like x. */
  out?: Y;
}
export const DROP_CONNECT_KEYS: Known = /* @__PURE__ */ known(LAYER_KEYS, STREAM_KEYS, "perExample", "rescale", "training", "out");

/** The operands of {@link Linear.dropConnect} that its gradients follow from. */
export interface SavedLayer<X extends Data = Data, W extends Data = Data> {
  /** The forward call's inputs [batch, in]. */
  x: X;
  /** The forward call's weights [out, in]. */
  w: W;
}
export const SAVED_LAYER_KEYS: Known = /* @__PURE__ */ known("x", "w");

/** A gradient: the array to write it to, true (default) for a new one, or false for none. */
export type Wanted<D extends Dtype> = boolean | DataOf<D> | undefined;

/** Options of {@link Linear.backward}. Arrays lie in memory apart from all else. */
export interface LinearBackwardOptions<DX = Wanted<Dtype>, DW = Wanted<Dtype>, DB = Wanted<Dtype>> {
  /** The array to write the gradient of x to, or false for none. By default a new array, or buffer, like x. */
  dx?: DX;
  /** The array to write the gradient of w to, or false for none. By default a new array, or buffer, like w. */
  dw?: DW;
  /** The array to write the gradient of the bias to, or false for none. By default a new array, or buffer, like dy. */
  dbias?: DB;
}
export const LINEAR_BACKWARD_KEYS: Known = /* @__PURE__ */ known("dx", "dw", "dbias");

/** The options that both computations of moments share, for data of type D. */
export interface MomentsBase<D extends Data = DataOf<"f32">> extends LayerOptions<D> {
  /** As in training: "train" (default) multiplies kept weights by 1 / (1 - P(drop)), the others leave them as they are. */
  rescale?: Rescale | undefined;
  /** The keep stream of training; gives the realised probability. The instance's by default. */
  kind?: StreamKind | undefined;
}
const MOMENTS_BASE_KEYS: Known = /* @__PURE__ */ known(LAYER_KEYS, "rescale", "kind");

/** Options of {@link Linear.dropConnectMoments}, for data of type D and outputs of types M and V: undefined for one that the call makes. */
export interface MomentsOptions<D extends Data = DataOf<"f32">, M extends Data | undefined = undefined, V extends Data | undefined = M>
  extends MomentsBase<D> {
  /** The array to write the means to: memory apart from all else. By default a new array, or buffer, like x. */
  mean?: M;
  /** The array to write the variances to: memory apart from all else. By default a new array, or buffer, like x. */
  variance?: V;
}
export const MOMENTS_KEYS: Known = /* @__PURE__ */ known(MOMENTS_BASE_KEYS, "mean", "variance");

/** Options of {@link Linear.dropConnectInference}, for data of type D and an output of type Y: undefined for one that the call makes. */
export interface InferenceOptions<D extends Data = DataOf<"f32">, Y extends Data | undefined = undefined> extends MomentsBase<D> {
  /** Number of draws to average a unit's activation over, a positive integer. */
  samples: number;
  /**
   * Returns standard normal numbers `index` to `index + length - 1` of a sequence, as a Float32Array, Float64Array or buffer of one of them: sample s of
   * unit u of y, counted through the batch, takes number s * batch * out + u. The same numbers give the same result. At most 16384 are asked for at
   * once. It must not free or detach the arrays of the call.
   */
  normal: (length: number, index: number) => Data;
  /** The function to average: "none" (default), the draws themselves, or "relu", max(z, 0). */
  activation?: InferenceActivation | undefined;
  /** The array to write y to: memory apart from the operands. By default a new array, or buffer, like x. */
  out?: Y;
}
export const INFERENCE_KEYS: Known = /* @__PURE__ */ known(MOMENTS_BASE_KEYS, "samples", "normal", "activation", "out");

/** Options of {@link Linear.scaleWeights}, with an output of type Y: undefined for one that the call makes. */
export interface ScaleWeightsOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /** The array to write the result to: w itself or memory apart from it. By default a new array, or buffer, like w. */
  out?: Y;
  /** The keep stream of training; gives the realised probability. The instance's by default. */
  kind?: StreamKind | undefined;
}
export const SCALE_WEIGHTS_KEYS: Known = /* @__PURE__ */ known("out", "kind", "dtype");

/** Options of {@link Linear.dropoutLevel}, with an output of type Y: undefined for one that the call makes. */
export interface DropoutLevelOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /** Seed, an integer in [0, 2^64): same seed and level, same mask. If left out, each call has a mask of its own, of the instance's sequence. */
  seed?: number | bigint | undefined;
  /** Keep stream; the instance's by default. */
  kind?: StreamKind | undefined;
  /** The array to write y to: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
}
export const DROPOUT_LEVEL_KEYS: Known = /* @__PURE__ */ known("seed", "kind", "out", "dtype");
