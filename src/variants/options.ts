// The options of variants.

import type { StreamOptions } from "../core/options.js";
import { BACKWARD_KEYS, type BackwardOptions, FORWARD_KEYS, type ForwardOptions, type HalfOptions } from "../core/options.js";
import type { AnyData } from "../engine/operand.js";
import { type Known, known } from "../ground/options.js";
import type { OrderKind } from "./ticket.js";

/** The order stream that a call draws from. As {@link StreamOptions}, but for the kind. */
export interface OrderOptions extends Omit<StreamOptions, "kind"> {
  /** There is one stream of orders, "order", for both kinds of the instance's masks. */
  kind?: OrderKind | undefined;
}

/** Options of {@link Variants.exactDropout}, with an output of type Y: undefined for one that the call makes. */
export interface ExactDropoutOptions<Y extends AnyData | undefined = undefined> extends Omit<ForwardOptions<Y>, "kind">, OrderOptions {
  /** Shape of x, [..., n]: of each row of n elements as many are dropped. One row by default. */
  shape?: readonly number[] | undefined;
}
export const EXACT_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "shape");

/** Options of {@link Variants.patchDropout}, with an output of type Y: undefined for one that the call makes. */
export interface PatchDropoutOptions<Y extends AnyData | undefined = undefined> extends Omit<ForwardOptions<Y>, "kind">, OrderOptions {
  /** Shape of x, [samples, tokens, features]. */
  shape: readonly number[];
  /** Number of tokens at the start of each sample that are always kept, such as a class token; 0 by default. */
  prefix?: number | undefined;
}
export const PATCH_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "shape", "prefix");

/** Options of {@link Variants.restore}, with an output of type Y: undefined for one that the call makes. */
export interface RestoreOptions<Y extends AnyData | undefined = undefined> extends HalfOptions {
  /** The array to write to, apart from y. By default a new array, or buffer, like y. */
  out?: Y;
}
export const RESTORE_KEYS: Known = /* @__PURE__ */ known("out", "dtype");

/** Options of {@link Variants.zoneout}, with an output of type Y: undefined for one that the call makes. */
export interface ZoneoutOptions<X extends AnyData = AnyData, Y extends AnyData | undefined = undefined> extends ForwardOptions<Y> {
  /** The state of the step before, as long as x and of its dtype. */
  previous: X;
}
export const ZONEOUT_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "previous");

/** Options of {@link Variants.concreteDropout}, with an output of type Y: undefined for one that the call makes. */
export interface ConcreteDropoutOptions<Y extends AnyData | undefined = undefined> extends Omit<ForwardOptions<Y>, "kind">, OrderOptions {
  /** Temperature in [2^-10, 2^10]: the lower, the nearer the decisions are to 0 and 1; 0.1 by default, as in the paper. */
  temperature?: number | undefined;
}
export const CONCRETE_KEYS: Known = /* @__PURE__ */ known(FORWARD_KEYS, "temperature");

/** The arrays that {@link Variants.backward} reads again: of Concrete dropout its input, of the others none. */
export interface SavedInput<X extends AnyData = AnyData> {
  /** x of the forward call. */
  x?: X | undefined;
}
export const SAVED_KEYS: Known = /* @__PURE__ */ known("x");

/** Options of {@link Variants.backward}, with gradients of type DX: undefined for those that the call makes. */
export interface VariantsBackwardOptions<DX extends AnyData | undefined = undefined> extends BackwardOptions<DX> {
  /** Of zoneout only: the array to write the gradient of the state before to. By default a new array, or buffer, like dy. */
  dprevious?: DX;
}
export const VARIANTS_BACKWARD_KEYS: Known = /* @__PURE__ */ known(BACKWARD_KEYS, "dprevious");
