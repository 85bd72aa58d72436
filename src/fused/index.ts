// Entry "wasm-dropout/fused".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { Fused } from "./fused.js";
import { load } from "./wasm.js";

export type {
  ActivationOptions,
  ActivationTicket,
  BiasBackwardOptions,
  BiasGradients,
  ResidualOptions,
  ResidualTicket,
} from "./bias.js";
export { Fused } from "./fused.js";
export type { Activation } from "./kernels.js";
export type { NormBackwardOptions, Normed, NormGradients, NormOptions, NormTicket } from "./norm.js";
export type { SoftmaxBackwardOptions, SoftmaxGradients, SoftmaxOptions, SoftmaxTicket } from "./softmax.js";

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
  (context, exports) => new Fused(context, exports),
);
