// The options of attention, what its backward reads, and what it gives.

import { FORWARD_KEYS, type ForwardOptions, type HalfOptions, type Like, type Result } from "../core/options.js";
import type { AnyDataOf, DataOf } from "../engine/operand.js";
import type { Gradient, KeyFlags, Statistics } from "../fused/options.js";
import type { HalfDtype } from "../ground/dtypes.js";
import { type Known, known } from "../ground/options.js";
import type { AttentionTicket } from "./ticket.js";

/** Data that attention computes with in f32. */
export type Rows = AnyDataOf<"f32" | HalfDtype>;

/**
 * Options of {@link Attention.forward}, with results of types Y and L. `out` is apart from q, k and v, or q itself where v has its columns and no
 * backward call follows.
 */
export interface AttentionOptions<Y extends Rows | undefined = undefined, L extends DataOf<"f32"> | undefined = undefined>
  extends ForwardOptions<Y> {
  /** The keys, of the dtype of q and of shape `kShape`. */
  k: Rows;
  /** The values, of the dtype of q and of shape `vShape`. */
  v: Rows;
  /** Shape of q: [batch, heads, queries, d], with any number of leading dimensions, or none: [heads, queries, d], [queries, d]. */
  shape: readonly number[];
  /**
   * Shape of k: [batch, heads, keys, d]. The heads of q may be a multiple of those of k and v: head h of q then attends to head floor(h / multiple), as in
   * grouped-query attention (Ainslie et al. 2023), with one head multi-query attention (Shazeer 2019). By default that of q.
   */
  kShape?: readonly number[] | undefined;
  /** Shape of v: that of k, but for the last dimension, which is that of y. By default that of k. */
  vShape?: readonly number[] | undefined;
  /** The factor of q . k: finite in f32, to which it is rounded; 1 / sqrt(d) by default. */
  scale?: number | undefined;
  /**
   * true: query i sees keys 0..i + keys - queries: itself and those before it, where the last query and the last key belong together, as when the keys of
   * earlier calls are kept. false by default.
   */
  causal?: boolean | undefined;
  /**
   * A mask of shape `maskShape`. Of the dtype of q: additive, added to the scores; -Infinity leaves a key out whatever the score is, NaN too. Of bytes: boolean,
   * 0 leaves a key out and anything else lets it be attended to. By default nothing is added.
   */
  attentionMask?: Rows | KeyFlags | undefined;
  /**
   * Shape of the mask, which is broadcast by NumPy's rules against that of the scores, [batch, heads, queries, keys]. Needed unless the mask has the shape
   * of the scores, or that of their last two dimensions or last one and cannot be read in another way.
   */
  maskShape?: readonly number[] | undefined;
  /** Numbers of keys that are not padding, integers in [0, keys]: one for each entry of the first dimension of the scores, or one for each query. */
  keyLengths?: ArrayLike<number> | undefined;
  /** The array to write the log-sum-exps to. By default a new array, or buffer, like q. */
  logSumExp?: L;
  /** false: no backward call follows, so that `out` may be q itself; its ticket is refused by backward then. By default the value of `training`. */
  backward?: boolean | undefined;
}
export const ATTENTION_KEYS: Known = /* @__PURE__ */ known(
  FORWARD_KEYS,
  "k",
  "v",
  "shape",
  "kShape",
  "vShape",
  "scale",
  "causal",
  "attentionMask",
  "maskShape",
  "keyLengths",
  "logSumExp",
  "backward",
);

/** Results of {@link Attention.forward}. */
export interface Attended<X extends Rows = Rows, Y extends Rows | undefined = undefined, L extends DataOf<"f32"> | undefined = undefined> {
  /** The shape of q, with the last dimension of v. */
  readonly y: Result<Like<X>, Y>;
  /** log of the sum of e^score over the keys that a query sees, before dropout, [..., heads, queries], f32; -Infinity where it sees none. */
  readonly logSumExp: Result<Statistics<X>, L>;
  readonly ticket: AttentionTicket;
}

/** The values that {@link Attention.backward} reads again. */
export interface AttentionSaved {
  /** The q, k and v of the forward call. */
  q: Rows;
  k: Rows;
  v: Rows;
  /** The log-sum-exps that it gave. */
  logSumExp: DataOf<"f32">;
  /** The y that it gave. Without it two more products of matrices are needed; for 16-bit data the gradients are then free of the rounding of y. */
  y?: Rows | undefined;
  /** The attention mask of the forward call, if it had one. */
  attentionMask?: Rows | KeyFlags | undefined;
}
export const ATTENTION_SAVED_KEYS: Known = /* @__PURE__ */ known("q", "k", "v", "logSumExp", "y", "attentionMask");

/** Options of {@link Attention.backward}, with gradients of types DQ, DK and DV: arrays apart from all that is read, or false. */
export interface AttentionBackwardOptions<
  DQ extends Rows | false | undefined = undefined,
  DK extends Rows | false | undefined = undefined,
  DV extends Rows | false | undefined = undefined,
> extends HalfOptions {
  /** The array to write dq to, or false for no such gradient. By default, as with the others, a new array, or buffer, like dy. */
  dq?: DQ;
  /** The array to write dk to, or false. */
  dk?: DK;
  /** The array to write dv to, or false. */
  dv?: DV;
}
export const ATTENTION_BACKWARD_KEYS: Known = /* @__PURE__ */ known("dq", "dk", "dv", "dtype");

/** Gradients with respect to q, k and v, each of the shape of what it belongs to. */
export interface AttentionGradients<X extends Rows = Rows, DQ = undefined, DK = undefined, DV = undefined> {
  readonly dq: Gradient<Like<X>, DQ>;
  readonly dk: Gradient<Like<X>, DK>;
  readonly dv: Gradient<Like<X>, DV>;
}
