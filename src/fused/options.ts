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
import type { AnyData, AnyDataOf, DataOf } from "../engine/operand.js";
import type { Arrays, HalfDtype } from "../ground/dtypes.js";
import { type Known, known } from "../ground/options.js";
import type { Activation } from "./kernels.js";
import type { NormTicket } from "./ticket.js";

/** Data of the operations that compute in f32. */
export type Rows = AnyDataOf<"f32" | HalfDtype>;

/** The statistics of X, an f32 a row: a buffer for a buffer, an ordinary typed array for a typed array. */
export type Statistics<X extends Rows> = X extends WasmBuffer ? WasmBuffer<"f32"> : Arrays<ArrayBuffer>["f32"];

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
export interface ActivationOptions<Y extends Rows | undefined = undefined> extends ForwardOptions<Y>, KeepingOptions {
  /** Added to every row: an array of the dtype of x, whose length divides that of x and is the number of columns. By default nothing is added. */
  bias?: Rows | undefined;
  /** The function between bias and dropout, "none" by default. */
  activation?: Activation | undefined;
}
export const ACTIVATION_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "bias", "activation", "backward");

/** The values that {@link Fused.backward} reads again for an {@link ActivationTicket}, nothing for activation "none". */
export interface ActivationSaved {
  /** The x of the forward call. */
  x?: Rows | undefined;
  /** The bias of the forward call, if it had one. */
  bias?: Rows | undefined;
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
export interface ActivationBackwardOptions<DX extends Rows | undefined = undefined, DB extends Wish<Rows> = undefined>
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

/** Options of {@link Fused.dropoutResidualLayerNorm}, with results of types Y, H, M and R. `out` may be x or the residual itself. */
export interface NormOptions<
  Y extends Rows | undefined = undefined,
  H extends Rows | undefined = undefined,
  M extends DataOf<"f32"> | undefined = undefined,
  R extends DataOf<"f32"> | undefined = undefined,
> extends ForwardOptions<Y> {
  /** The array that the result of dropout is added to: as long as x, and, as gamma, beta and bias, of its dtype. */
  residual: Rows;
  /** Added to every row of x: as long as gamma. By default nothing is added. */
  bias?: Rows | undefined;
  /** The factors of normalised rows: an array whose length is the number of columns and divides that of x. */
  gamma: Rows;
  /** Added to them: as long as gamma. */
  beta: Rows;
  /** Added to the variance: a number that is finite and not negative; 1e-5 by default. At 0 a row of equal elements gives NaN. */
  epsilon?: number | undefined;
  /** The array to write h to: x or residual itself or memory apart from them. By default, as with the other results, a new array, or buffer, like x. */
  h?: H;
  /** The array to write the means of the rows to. */
  mean?: M;
  /** The array to write the reciprocals of the rows' standard deviations to. */
  rstd?: R;
}
export const NORM_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "residual", "bias", "gamma", "beta", "epsilon", "h", "mean", "rstd");

/** Results of {@link Fused.dropoutResidualLayerNorm}. */
export interface Normed<
  X extends Rows = Rows,
  Y extends Rows | undefined = undefined,
  H extends Rows | undefined = undefined,
  M extends DataOf<"f32"> | undefined = undefined,
  R extends DataOf<"f32"> | undefined = undefined,
> {
  /** [rows, columns] */
  readonly y: Result<Like<X>, Y>;
  /** The new residual stream, [rows, columns]. */
  readonly h: Result<Like<X>, H>;
  /** [rows], f32 */
  readonly mean: Result<Statistics<X>, M>;
  /** 1 / sqrt(variance + epsilon), [rows], f32 */
  readonly rstd: Result<Statistics<X>, R>;
  readonly ticket: NormTicket;
}

/** The values that {@link Fused.backward} reads again for a {@link NormTicket}: three results of the forward call, and its gamma. */
export interface NormSaved {
  h: Rows;
  mean: DataOf<"f32">;
  rstd: DataOf<"f32">;
  gamma: Rows;
}
export const NORM_SAVED_KEYS: Known = /* @__PURE__ */ known("h", "mean", "rstd", "gamma");

/** Options of {@link Fused.backward} for a {@link NormTicket}, with gradients of types DX, DR and, for the parameters, DG, DE and DB. */
export interface NormBackwardOptions<
  DX extends Rows | undefined = undefined,
  DR extends Wish<Rows> = undefined,
  DG extends Wish<Rows> = undefined,
  DE extends Wish<Rows> = undefined,
  DB extends Wish<Rows> = undefined,
> extends HalfOptions,
    LastOptions {
  /** The gradient with respect to h from what else h goes into: as long as dy, and of its dtype. By default there is nothing else. */
  dh?: Rows | undefined;
  /** The array to write dx to: dy or dh itself or memory apart from them. By default, as with the other gradients, a new array, or buffer, like dy. */
  dx?: DX;
  /** The array to write dresidual to: dy or dh itself or memory apart from them; or false. */
  dresidual?: DR;
  /** The array to write dgamma to, or false. */
  dgamma?: DG;
  /** The array to write dbeta to, or false. */
  dbeta?: DE;
  /** The array to write dbias to, or false. */
  dbias?: DB;
}
export const NORM_BACKWARD_KEYS: Known = /* @__PURE__ */ known(BACKWARD_KEYS, "dh", "dresidual", "dgamma", "dbeta", "dbias", "backward");

/** Gradients with respect to x, the residual, gamma, beta and, if the forward call had one, the bias. */
export interface NormGradients<X extends Rows = Rows, DX = undefined, DR = undefined, DG = undefined, DE = undefined, DB = undefined> {
  /** [rows, columns] */
  readonly dx: Result<Like<X>, DX>;
  /** [rows, columns] */
  readonly dresidual: Gradient<Like<X>, DR>;
  /** [columns]; as dbeta and dbias, summed in f64 from row 0 on and rounded once. */
  readonly dgamma: Gradient<Like<X>, DG>;
  /** [columns] */
  readonly dbeta: Gradient<Like<X>, DE>;
  /** [columns]; undefined where there was no bias. */
  readonly dbias: Gradient<Like<X>, DB> | undefined;
}

/** Flags of keys, a byte each: 0 = left out, anything else = may be attended to. */
export type KeyFlags = Uint8Array | WasmBuffer<"bytes">;

/** Options of {@link Fused.softmaxDropout}, with an output of type Y. `out` is the logits themselves only where no backward call follows. */
export interface SoftmaxOptions<Y extends Rows | undefined = undefined> extends ForwardOptions<Y>, KeepingOptions {
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
  attentionMask?: Rows | KeyFlags | undefined;
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
}
export const SOFTMAX_KEYS: Known = /* @__PURE__ */ known(
  FORWARD_KEYS,
  "shape",
  "scale",
  "causal",
  "attentionMask",
  "maskShape",
  "keyLengths",
  "backward",
);

/** The values that {@link Fused.backward} reads again for a {@link SoftmaxTicket}. */
export interface SoftmaxSaved {
  /** The logits of the forward call. */
  logits: Rows;
  /** The attention mask of the forward call, if it had one. */
  attentionMask?: Rows | KeyFlags | undefined;
}
export const SOFTMAX_SAVED_KEYS: Known = /* @__PURE__ */ known("logits", "attentionMask");

/** Options of {@link Fused.backward} for a {@link SoftmaxTicket}, with a gradient of type DL. */
export interface SoftmaxBackwardOptions<DL extends Rows | undefined = undefined> extends HalfOptions, LastOptions {
  /** The array to write dlogits to: dy itself or memory apart from it. By default a new array, or buffer, like dy. */
  dlogits?: DL;
}
export const SOFTMAX_BACKWARD_KEYS: Known = /* @__PURE__ */ known("dlogits", "dtype", "backward");

/** The gradient with respect to the logits. */
export interface SoftmaxGradients<X extends Rows = Rows, DL = undefined> {
  readonly dlogits: Result<Like<X>, DL>;
}
