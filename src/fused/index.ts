// Entry "wasm-dropout/fused".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { Fused } from "./fused.js";
import { FUSED, type FusedKernels } from "./kernels.js";
import { load } from "./wasm.js";

export { Fused } from "./fused.js";
export { ACTIVATIONS, type Activation, type GluActivation } from "./kernels.js";
export type {
  ActivationBackwardOptions,
  ActivationGradients,
  ActivationOptions,
  ActivationSaved,
  GatedBackwardOptions,
  GatedGradients,
  GatedOptions,
  GatedSaved,
  KeyFlags,
  LayerNormed,
  LayerNormOptions,
  LayerNormSaved,
  NormBackwardOptions,
  NormGradients,
  ResidualBackwardOptions,
  ResidualGradients,
  ResidualOptions,
  RMSNormed,
  RMSNormOptions,
  RMSNormSaved,
  SoftmaxBackwardOptions,
  Softmaxed,
  SoftmaxGradients,
  SoftmaxOptions,
  SoftmaxSaved,
} from "./options.js";
export type { ActivationTicket, GatedTicket, MaskKind, NormTicket, ResidualTicket, SoftmaxTicket } from "./ticket.js";

/**
 * Fused operations over `dropout`: on its memory, with its streams.
 *
 * @throws TypeError if dropout is no instance of this package, or an option is of the wrong kind; what WebAssembly.compile throws if the engine
 * or a content security policy forbids it
 * @example
 * import { createFused } from "wasm-dropout/fused";
 * const fused = await createFused(dropout);
 */
export const createFused: (dropout: Dropout, options?: ExtensionOptions) => Promise<Fused> = /* @__PURE__ */ extender(
  load,
  FUSED,
  (engine, kernels: FusedKernels) => new Fused(engine, kernels),
);
