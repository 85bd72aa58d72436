// Entry "wasm-dropout/linear".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { LINEAR, type LinearKernels } from "./kernels.js";
import { Linear } from "./linear.js";
import { load } from "./wasm.js";

export type { InferenceActivation } from "./kernels.js";
export type { LayerShape } from "./layer.js";
export { type Gradient, Linear } from "./linear.js";
export type {
  DropConnectOptions,
  DropoutLevelOptions,
  InferenceOptions,
  LayerOptions,
  LinearBackwardOptions,
  MomentsOptions,
  SavedLayer,
  ScaleWeightsOptions,
  Wanted,
} from "./options.js";
export type { DropConnectTicket } from "./ticket.js";

/**
 * Linear layers over `dropout`: on its memory, with its streams.
 *
 * @throws TypeError if dropout is no instance of this package, or an option is of the wrong kind; what WebAssembly.compile throws if the engine
 * or a content security policy forbids it
 * @example
 * import { createLinear } from "wasm-dropout/linear";
 * const linear = await createLinear(dropout);
 */
export const createLinear: (dropout: Dropout, options?: ExtensionOptions) => Promise<Linear> = /* @__PURE__ */ extender(
  load,
  LINEAR,
  (engine, kernels: LinearKernels) => new Linear(engine, kernels),
);
