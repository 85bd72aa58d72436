// Entry "wasm-dropout/variants".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { VARIANTS, type VariantsKernels } from "./kernels.js";
import { Variants } from "./variants.js";
import { load } from "./wasm.js";

export type {
  ConcreteDropoutOptions,
  ExactDropoutOptions,
  OrderOptions,
  PatchDropoutOptions,
  RestoreOptions,
  SavedInput,
  VariantsBackwardOptions,
  ZoneoutOptions,
} from "./options.js";
export { type ConcreteTerm, concreteRegularizer, type DepthRule, depthRates, type Schedule, scheduledRate } from "./schedules.js";
export type { ConcreteDropoutTicket, ExactDropoutTicket, OrderKind, PatchDropoutTicket, VariantsTicket, ZoneoutTicket } from "./ticket.js";
export { Variants } from "./variants.js";

/**
 * Variants of dropout for sequences and tokens over `dropout`: on its memory, with its seed and its sequence of streams.
 *
 * @throws TypeError if dropout is no instance of this package, or an option is of the wrong kind; what WebAssembly.compile throws if the engine
 * or a content security policy forbids it
 * @example
 * import { createVariants } from "wasm-dropout/variants";
 * const variants = await createVariants(dropout);
 */
export const createVariants: (dropout: Dropout, options?: ExtensionOptions) => Promise<Variants> = /* @__PURE__ */ extender(
  load,
  VARIANTS,
  (engine, kernels: VariantsKernels) => new Variants(engine, kernels),
);
