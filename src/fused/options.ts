// The options of fused operations, what their backward reads, and what it gives.

import {
  BACKWARD_KEYS,
  type DtypeOf,
  FORWARD_KEYS,
  type ForwardOptions,
  type HalfOptions,
  type Like,
  type Result,
} from "../core/options.js";
import type { WasmBuffer } from "../engine/buffer.js";
import type { AnyData, AnyDataOf, Data, DataOf } from "../engine/operand.js";
import type { Arrays } from "../ground/dtypes.js";
import { type Known, known } from "../ground/options.js";
import type { Activation, GluActivation } from "./kernels.js";
import type { NormTicket, SoftmaxTicket } from "./ticket.js";

/** An array for a gradient of dtype D: undefined for one that the call makes, false for a gradient that is not wanted. */
type Wish<D extends AnyData> = D | false | undefined;

/** The gradient that an option of type G gives. */
export type Gradient<Made, G> = [G] extends [false] ? undefined : Result<Made, Exclude<G, false>> | (false extends G ? undefined : never);

/** Options of {@link Fused.biasDropoutResidual}, with an output of type Y; `out` may be x or the residual itself. */
export interface ResidualOptions<X extends AnyData = AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>
  extends ForwardOptions<Y> {
  /** Added to every row: an array of the dtype of x, whose length divides that of x and is the number of columns. By default nothing is added. */
  bias?: AnyDataOf<DtypeOf<X>> | undefined;
  /** The array that the result of dropout is added to: as long as x, and of its dtype. By default it is added to nothing. */
  residual?: AnyDataOf<DtypeOf<X>> | undefined;
}
export const RESIDUAL_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "bias", "residual");

/** Option of the forward calls whose backward reads their input again. */
interface KeepingOptions {
  /**
   * false: no backward call follows, so that `out` may be the input itself, which backward reads again; its ticket is refused by backward then. By default
   * the value of `training`.
   */
  backward?: boolean | undefined;
}

/** Options of {@link Fused.biasActivationDropout}, with an output of type Y. With an activation, `out` is x itself only where no backward call follows. */
export interface ActivationOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y>, KeepingOptions {
  /** Added to every row: an array of the dtype of x, whose length divides that of x and is the number of columns. By default nothing is added. */
  bias?: AnyData | undefined;
  /** The function between bias and dropout, "none" by default. */
  activation?: Activation | undefined;
}
export const ACTIVATION_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "bias", "activation", "backward");

/** The values that {@link Fused.backward} reads again for an {@link ActivationTicket}, nothing for activation "none". */
export interface ActivationSaved {
  /** The x of the forward call. */
  x?: AnyData | undefined;
  /** The bias of the forward call, if it had one. */
  bias?: AnyData | undefined;
}
export const ACTIVATION_SAVED_KEYS: Known = /* @__PURE__ */ known("x", "bias");

/** Option of the backward calls that read what forward has read or given. */
interface LastOptions {
  /**
   * false: no other backward call reads the saved arrays, so that a gradient may take the place of one of its length and dtype. true by default.
   */
  backward?: boolean | undefined;
}

/** Options of {@link Fused.backward} for a {@link ResidualTicket}, with gradients of types DX, DB and DR. */
export interface ResidualBackwardOptions<
  X extends AnyData = AnyData,
  DX extends AnyDataOf<DtypeOf<X>> | undefined = undefined,
  DB extends Wish<AnyDataOf<DtypeOf<X>>> = undefined,
  DR extends Wish<AnyDataOf<DtypeOf<X>>> = undefined,
> extends HalfOptions {
  /** The array to write dx to: dy itself or memory apart from it. By default, as with the other gradients, a new array, or buffer, like dy. */
  dx?: DX;
  /** The array to write dbias to, or false. */
  dbias?: DB;
  /** The array to write dresidual, which is dy, to: dy itself, but not where dx takes its place; or false for no copy of dy. */
  dresidual?: DR;
}
export const RESIDUAL_BACKWARD_KEYS: Known = /* @__PURE__ */ known(BACKWARD_KEYS, "dbias", "dresidual");

/** Options of {@link Fused.backward} for an {@link ActivationTicket}, with gradients of types DX and DB. */
export interface ActivationBackwardOptions<DX extends AnyData | undefined = undefined, DB extends Wish<AnyData> = undefined>
  extends HalfOptions,
    LastOptions {
  /** The array to write dx to: dy itself or memory apart from it. By default, as with dbias, a new array, or buffer, like dy. */
  dx?: DX;
  /** The array to write dbias to, or false. */
  dbias?: DB;
}
export const ACTIVATION_BACKWARD_KEYS: Known = /* @__PURE__ */ known(BACKWARD_KEYS, "dbias", "backward");

/** Gradients with respect to x and, if the forward call had one, the bias. */
export interface ActivationGradients<X extends AnyData = AnyData, DX = undefined, DB = undefined> {
  readonly dx: Result<Like<X>, DX>;
  /** As long as the bias: the sums of dx by column, each summed in f64 from row 0 on and rounded once. undefined where there was no bias. */
  readonly dbias: Gradient<Like<X>, DB> | undefined;
}

/** Gradients with respect to x and, if the forward call had them, the residual and the bias. */
export interface ResidualGradients<X extends AnyData = AnyData, DX = undefined, DB = undefined, DR = undefined>
  extends ActivationGradients<X, DX, DB> {
  /** A copy of dy. undefined where there was no residual. */
  readonly dresidual: Gradient<Like<X>, DR> | undefined;
}

/** The dtype of statistics and factors of rows beside X: f64 of f64 data, else f32. */
type RowDtype<X extends AnyData> = DtypeOf<X> extends "f64" ? "f64" : "f32";

/** A number for each row of X: a buffer for a buffer, an ordinary typed array for a typed array. */
export type Statistics<X extends AnyData> = X extends WasmBuffer ? WasmBuffer<RowDtype<X>> : Arrays<ArrayBuffer>[RowDtype<X>];

/** An array like X of the dtype of A, which is that of X or f32. */
type OfDtype<X extends AnyData, A> =
  A extends DataOf<"f32"> ? (X extends WasmBuffer ? WasmBuffer<"f32"> : Arrays<ArrayBuffer>["f32"]) : Like<X>;

/**
 * Options of {@link Fused.dropoutResidualRMSNorm}, with results of types Y, H and R and a residual of type S.
 *
 * Beside x of f16 or bf16 the residual, and with it h, may be of f32, and so may gamma and what is of its dtype.
 */
export interface RMSNormOptions<
  Y extends AnyData | undefined = undefined,
  H extends AnyData | undefined = undefined,
  R extends Data | undefined = undefined,
  S extends AnyData | undefined = AnyData | undefined,
> extends ForwardOptions<Y>,
    KeepingOptions {
  /** The array that the result of dropout is added to, as long as x. By default it is added to nothing. */
  residual?: S;
  /** Added to every row of x: as long as gamma, and of its dtype. By default nothing is added. */
  bias?: AnyData | undefined;
  /** The factors of normalised rows: an array whose length is the number of columns and divides that of x. */
  gamma: AnyData;
  /** Added to them: as long as gamma, and of its dtype. By default nothing is added. */
  beta?: AnyData | undefined;
  /** Added to the variance, or the mean square: a number that is finite and not negative; 1e-5 by default. At 0 a row of equal elements, or of zeros, gives NaN. */
  epsilon?: number | undefined;
  /**
   * Factors of the columns of x + bias, in front of dropout (Touvron et al. 2021): as long as gamma, and of its dtype. With them backward reads x and bias
   * again.
   */
  layerScale?: AnyData | undefined;
  /** Factors of the rows of the branch: an f32 (of f64 data f64) for every so many rows, as its length divides their number. */
  rowScale?: Data | undefined;
  /**
   * Stochastic depth (Huang et al. 2016): the probability in [0, 1] that the branch of x is left out of a sample; where it is not, it is multiplied by
   * 1 / (1 - dropPath). By default, and outside training, none is left out.
   */
  dropPath?: number | undefined;
  /** The number of samples, which divides that of rows, for `dropPath`. By default each row is one. */
  samples?: number | undefined;
  /**
   * A second branch, as that of a block whose attention and feed-forward parts stand side by side (GPT-J): as long as x, and of its dtype. It is dropped by
   * decisions of its own and added to h as it is, without bias and factors.
   */
  parallel?: AnyData | undefined;
  /** The array to write h to: x or residual itself or memory apart from them. By default, as with the other results, a new array, or buffer, like x. */
  h?: H;
  /** The array to write the reciprocals of the rows' standard deviations, or root mean squares, to. */
  rstd?: R;
}
const NORM_KEYS = [
  ...["residual", "bias", "gamma", "beta", "epsilon", "layerScale", "rowScale", "dropPath", "samples", "parallel", "h", "rstd"],
  "backward",
] as const;
export const RMS_NORM_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, ...NORM_KEYS);

/** Options of {@link Fused.dropoutResidualLayerNorm}, with results of types Y, H, M and R and a residual of type S. */
export interface LayerNormOptions<
  Y extends AnyData | undefined = undefined,
  H extends AnyData | undefined = undefined,
  M extends Data | undefined = undefined,
  R extends Data | undefined = undefined,
  S extends AnyData | undefined = AnyData | undefined,
> extends RMSNormOptions<Y, H, R, S> {
  /** The array to write the means of the rows to. */
  mean?: M;
}
export const LAYER_NORM_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, ...NORM_KEYS, "mean");

/** Results of {@link Fused.dropoutResidualRMSNorm}. */
export interface RMSNormed<
  X extends AnyData = AnyData,
  Y extends AnyData | undefined = undefined,
  H extends AnyData | undefined = undefined,
  R extends Data | undefined = undefined,
  S = X,
> {
  /** [rows, columns] */
  readonly y: Result<Like<X>, Y>;
  /** The new residual stream, [rows, columns], of the dtype of the residual. Without one, of that of x, or of f32 where `h` is. */
  readonly h: Result<OfDtype<X, S>, H>;
  /** 1 / sqrt(mean square + epsilon), or 1 / sqrt(variance + epsilon): [rows], f32, of f64 data f64. */
  readonly rstd: Result<Statistics<X>, R>;
  readonly ticket: NormTicket<"dropoutResidualRMSNorm">;
}

/** Results of {@link Fused.dropoutResidualLayerNorm}. */
export interface LayerNormed<
  X extends AnyData = AnyData,
  Y extends AnyData | undefined = undefined,
  H extends AnyData | undefined = undefined,
  M extends Data | undefined = undefined,
  R extends Data | undefined = undefined,
  S = X,
> extends Omit<RMSNormed<X, Y, H, R, S>, "ticket"> {
  /** [rows], of the dtype of rstd. */
  readonly mean: Result<Statistics<X>, M>;
  readonly ticket: NormTicket<"dropoutResidualLayerNorm">;
}

/**
 * The values that {@link Fused.backward} reads again for the ticket of a norm: results of the forward call, its gamma, and more where it had a layer scale
 * or factors of rows.
 */
export interface RMSNormSaved<H extends AnyData = AnyData, G extends AnyData = AnyData> {
  h: H;
  rstd: Data;
  gamma: G;
  /** The x and bias of the forward call, if it had a layer scale whose gradient is wanted. */
  x?: AnyData | undefined;
  bias?: AnyData | undefined;
  layerScale?: AnyData | undefined;
  rowScale?: Data | undefined;
}
/** {@link RMSNormSaved} of layer norm. */
export interface LayerNormSaved<H extends AnyData = AnyData, G extends AnyData = AnyData> extends RMSNormSaved<H, G> {
  mean: Data;
}
const NORM_SAVED_KEYS = ["h", "rstd", "gamma", "x", "bias", "layerScale", "rowScale"] as const;
export const RMS_NORM_SAVED_KEYS: Known = /* @__PURE__ */ known(...NORM_SAVED_KEYS);
export const LAYER_NORM_SAVED_KEYS: Known = /* @__PURE__ */ known("mean", ...NORM_SAVED_KEYS);

/** Options of {@link Fused.backward} for a {@link NormTicket}, with gradients of types DX, DR and, for the parameters, DG, DE, DB, DL and DP. */
export interface NormBackwardOptions<
  DX extends AnyData | undefined = undefined,
  DR extends Wish<AnyData> = undefined,
  DG extends Wish<AnyData> = undefined,
  DE extends Wish<AnyData> = undefined,
  DB extends Wish<AnyData> = undefined,
  DL extends Wish<AnyData> = undefined,
  DP extends Wish<AnyData> = undefined,
> extends HalfOptions,
    LastOptions {
  /** The gradient with respect to h from what else h goes into: as long as dy, and of the dtype of h. By default there is nothing else. */
  dh?: AnyData | undefined;
  /** The array to write dx to: dy or dh itself or memory apart from them. By default, as with the other gradients, a new array, or buffer, like dy. */
  dx?: DX;
  /** The array to write dresidual, of the dtype of h, to: dy or dh itself or memory apart from them; or false. */
  dresidual?: DR;
  /** The array to write dgamma, of the dtype of gamma as those of the other parameters, to, or false. */
  dgamma?: DG;
  /** The array to write dbeta to, or false. */
  dbeta?: DE;
  /** The array to write dbias to, or false. */
  dbias?: DB;
  /** The array to write dlayerScale to, or false. */
  dlayerScale?: DL;
  /** The array to write dparallel to: dy or dh itself or memory apart from them; or false. */
  dparallel?: DP;
}
export const NORM_BACKWARD_KEYS: Known = /* @__PURE__ */ known(
  BACKWARD_KEYS,
  "dh",
  "dresidual",
  "dgamma",
  "dbeta",
  "dbias",
  "dlayerScale",
  "dparallel",
  "backward",
);

/** Gradients with respect to x, gamma and, if the forward call had them, the others. */
export interface NormGradients<
  X extends AnyData = AnyData,
  DX = undefined,
  DR = undefined,
  DG = undefined,
  DE = undefined,
  DB = undefined,
  DL = undefined,
  DP = undefined,
  H = X,
  G = X,
> {
  /** [rows, columns] */
  readonly dx: Result<Like<X>, DX>;
  /** [rows, columns]; undefined, as what follows, where there was nothing to have a gradient. */
  readonly dresidual: Gradient<OfDtype<X, H>, DR> | undefined;
  /** [columns]; as those of the other parameters, summed in f64 from row 0 on and rounded once. */
  readonly dgamma: Gradient<OfDtype<X, G>, DG>;
  /** [columns] */
  readonly dbeta: Gradient<OfDtype<X, G>, DE> | undefined;
  /** [columns] */
  readonly dbias: Gradient<OfDtype<X, G>, DB> | undefined;
  /** [columns] */
  readonly dlayerScale: Gradient<OfDtype<X, G>, DL> | undefined;
  /** [rows, columns] */
  readonly dparallel: Gradient<Like<X>, DP> | undefined;
}

/** Options of {@link Fused.gluDropout}, with an output of type Y. `out` is x or value itself only where no backward call follows. */
export interface GatedOptions<Y extends AnyData | undefined = undefined> extends ForwardOptions<Y>, KeepingOptions {
  /** The data that are gated, as long as x and of its dtype: x is the gate then. */
  value?: AnyData | undefined;
  /** Without `value`: x is [rows, 2 * columns], and the halves of its rows are the gate and the value. */
  columns?: number | undefined;
  /** true: the gate is the first half, as in LLaMA's gate_up_proj; false: the second, as in torch.nn.functional.glu. true by default. */
  gateFirst?: boolean | undefined;
  /** The function of the gate: "silu" (SwiGLU), the default, "gelu" or "geluTanh" (GEGLU), or "relu" (ReGLU). */
  activation?: GluActivation | undefined;
}
export const GATED_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "value", "columns", "gateFirst", "activation", "backward");

/** The values that {@link Fused.backward} reads again for a {@link GatedTicket}. */
export interface GatedSaved {
  /** The x of the forward call. */
  x: AnyData;
  /** The value of the forward call, if it had one. */
  value?: AnyData | undefined;
}
export const GATED_SAVED_KEYS: Known = /* @__PURE__ */ known("x", "value");

/** Options of {@link Fused.backward} for a {@link GatedTicket}, with gradients of types DX and DV. */
export interface GatedBackwardOptions<DX extends AnyData | undefined = undefined, DV extends AnyData | undefined = undefined>
  extends HalfOptions,
    LastOptions {
  /** The array to write dx to. By default, as with dvalue, a new array, or buffer, like dy. Where gate and value are two arrays it may be dy itself. */
  dx?: DX;
  /** The array to write dvalue to: dy itself or memory apart from it. */
  dvalue?: DV;
}
export const GATED_BACKWARD_KEYS: Known = /* @__PURE__ */ known(BACKWARD_KEYS, "dvalue", "backward");

/** Gradients with respect to x and, if the forward call had one, the value. */
export interface GatedGradients<X extends AnyData = AnyData, DX = undefined, DV = undefined> {
  /** As long as x. */
  readonly dx: Result<Like<X>, DX>;
  /** As long as the value; undefined where there was none. */
  readonly dvalue: Result<Like<X>, DV> | undefined;
}

/** Flags of keys, a byte each: 0 = left out, anything else = may be attended to. */
export type KeyFlags = Uint8Array | WasmBuffer<"bytes">;

/** Options of {@link Fused.softmaxDropout}, with an output of type Y and probabilities as P says. `out` is the logits themselves only where no backward call follows. */
export interface SoftmaxOptions<Y extends AnyData | undefined = undefined, P extends AnyData | boolean | undefined = undefined>
  extends ForwardOptions<Y>,
    KeepingOptions {
  /** Shape of the logits, such as [batch, heads, queries, keys]: rows lie along the last dimension. */
  shape: readonly number[];
  /** The factor of logits before softmax, such as 1 / sqrt(size of a head): finite in f32, to which it is rounded; 1 by default. */
  scale?: number | undefined;
  /**
   * true: query i, of the `queries` of the last dimension but one, sees keys 0..i + keys - queries: itself and those before it, where the
   * last query and the last key belong together. What it does not see is not read, and gives +0. false by default.
   */
  causal?: boolean | undefined;
  /**
   * A mask of shape `maskShape`. Of the dtype of the logits: additive, added to the multiplied logits; -Infinity leaves a key out whatever the logit is, NaN
   * too. Of bytes: boolean, 0 leaves a key out and anything else lets it be attended to, as in PyTorch's scaled_dot_product_attention. By default
   * nothing is added.
   */
  attentionMask?: AnyData | KeyFlags | undefined;
  /**
   * Shape of the mask, which is broadcast against that of the logits by NumPy's rules: aligned at the last dimension, each dimension 1 or equal. Needed
   * unless the mask has the shape of the logits, or that of their last two dimensions or last one and cannot be read in another way.
   */
  maskShape?: readonly number[] | undefined;
  /**
   * Numbers of keys that are not padding, integers in [0, keys]: one for each entry of the first dimension of the logits, or one for each row. Keys from
   * there on are left out, beside those that the mask or causal order leaves out.
   */
  keyLengths?: ArrayLike<number> | undefined;
  /** The array to write the probabilities before dropout to: as long as the logits, and of their dtype; true: a new one like them. By default there are none. */
  probabilities?: P;
}
export const SOFTMAX_KEYS: Known = /* @__PURE__ */ known(
  FORWARD_KEYS,
  "shape",
  "scale",
  "causal",
  "attentionMask",
  "maskShape",
  "keyLengths",
  "probabilities",
  "backward",
);

/** Results of {@link Fused.softmaxDropout}, with probabilities where P, the option's type, is not undefined or false. */
export interface Softmaxed<X extends AnyData = AnyData, Y = undefined, P = undefined> {
  readonly y: Result<Like<X>, Y>;
  /** The probabilities before dropout; undefined where the option is. */
  readonly probabilities: P extends AnyData ? NoInfer<P> : P extends true ? Like<X> : undefined;
  readonly ticket: SoftmaxTicket;
}

/** The values that {@link Fused.backward} reads again for a {@link SoftmaxTicket}. */
export interface SoftmaxSaved {
  /** The logits of the forward call. */
  logits: AnyData;
  /** The attention mask of the forward call, if it had one. */
  attentionMask?: AnyData | KeyFlags | undefined;
}
export const SOFTMAX_SAVED_KEYS: Known = /* @__PURE__ */ known("logits", "attentionMask");

/** Options of {@link Fused.backward} for a {@link SoftmaxTicket}, with a gradient of type DL. */
export interface SoftmaxBackwardOptions<DL extends AnyData | undefined = undefined> extends HalfOptions, LastOptions {
  /** The array to write dlogits to: dy itself or memory apart from it. By default a new array, or buffer, like dy. */
  dlogits?: DL;
}
export const SOFTMAX_BACKWARD_KEYS: Known = /* @__PURE__ */ known("dlogits", "dtype", "backward");

/** The gradient with respect to the logits. */
export interface SoftmaxGradients<X extends AnyData = AnyData, DL = undefined> {
  readonly dlogits: Result<Like<X>, DL>;
}
