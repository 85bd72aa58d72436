// The options of fused operations on tensors.

import type { Tensor, TensorLike } from "@tensorflow/tfjs-core";
import type { Activation, GluActivation } from "../fused/index.js";
import { type Known, known } from "../ground/options.js";
import type { PassContext } from "../monte-carlo/pass.js";
import type { Seed, Stream } from "./draw.js";

/** A tensor, or what tfjs makes one of. */
export type Input = Tensor | TensorLike;

/** The option of all. */
export interface FusedDraw {
  /** As for {@link TfjsDropout.dropout}: by default the next mask of the sequence. The context of a pass has one mask for all, so one sample or shared masks. */
  seed?: Seed | Stream | PassContext | null | undefined;
}

/** Options of {@link TfjsFused.biasActivationDropout}. */
export interface BiasActivationOptions extends FusedDraw {
  /** [columns], as the last dimension of x; by default nothing is added. */
  bias?: Input | undefined;
  /** "none" by default, "relu", "gelu", "geluTanh" or "silu". */
  activation?: Activation | undefined;
}
export const ACTIVATION_KEYS: Known = /* @__PURE__ */ known("seed", "bias", "activation");

/** Options of {@link TfjsFused.biasDropoutResidual}. */
export interface JoinOptions extends FusedDraw {
  /** [columns], as the last dimension of x; by default nothing is added. */
  bias?: Input | undefined;
  /** Of the shape of x; by default nothing is added. */
  residual?: Input | undefined;
}
export const JOIN_KEYS: Known = /* @__PURE__ */ known("seed", "bias", "residual");

/** Options of {@link TfjsFused.dropoutResidualLayerNorm} and {@link TfjsFused.dropoutResidualRMSNorm}. */
export interface NormalisedOptions extends JoinOptions {
  /** [columns] */
  gamma: Input;
  /** [columns]; by default nothing is added. */
  beta?: Input | undefined;
  /** Added to the variance, or mean of squares: finite and not negative; 1e-5 by default. */
  epsilon?: number | undefined;
}
export const NORM_KEYS: Known = /* @__PURE__ */ known("seed", "bias", "residual", "gamma", "beta", "epsilon");

/** Options of {@link TfjsFused.gluDropout}. */
export interface GluOptions extends FusedDraw {
  /** The data that are gated, of the shape of x: x is the gate then. By default the halves of the last dimension of x are the gate and the value. */
  value?: Input | undefined;
  /** Without `value`: true: the gate is the first half, as in LLaMA's gate_up_proj; false: the second, as in torch.nn.functional.glu. true by default. */
  gateFirst?: boolean | undefined;
  /** The function of the gate: "silu" (SwiGLU), the default, "gelu" or "geluTanh" (GEGLU), or "relu" (ReGLU). */
  activation?: GluActivation | undefined;
}
export const GLU_KEYS: Known = /* @__PURE__ */ known("seed", "value", "gateFirst", "activation");

/** Options of {@link TfjsFused.softmaxDropout}. */
export interface ScoreOptions extends FusedDraw {
  /** The factor of the logits; 1 by default. */
  scale?: number | undefined;
  /** true: query i, of the last dimension but one, sees keys 0..i + keys - queries. false by default. */
  causal?: boolean | undefined;
  /** Added to the scores, f32; or of dtype "bool", false where a key is left out. Broadcast to the shape of the scores, [..., heads, queries, keys] in attention; it has no gradient. */
  attentionMask?: Tensor | undefined;
}
export const SCORE_KEYS: Known = /* @__PURE__ */ known("seed", "scale", "causal", "attentionMask");

/** Options of {@link TfjsFused.attention}. */
export interface AttendOptions extends ScoreOptions {
  /** The factor of q . k; 1 / sqrt(depth) by default. */
  scale?: number | undefined;
}
