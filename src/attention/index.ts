// Entry "wasm-dropout/attention".

import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { Attention } from "./attention.js";
import { ATTENTION, type AttentionKernels } from "./kernels.js";
import { load } from "./wasm.js";

export type { KeyFlags } from "../fused/options.js";
export type { MaskKind } from "../fused/ticket.js";
export { Attention } from "./attention.js";
export type { Attended, AttentionBackwardOptions, AttentionGradients, AttentionOptions, AttentionSaved } from "./options.js";
export type { AttentionTicket } from "./ticket.js";

/**
 * Attention with dropout over `dropout`: on its memory, with its streams.
 *
 * @throws TypeError if dropout is no instance of this package, or an option is of the wrong kind; what WebAssembly.compile throws if the engine
 * or a content security policy forbids it
 * @example
 * import { createAttention } from "wasm-dropout/attention";
 * const attention = await createAttention(dropout);
 */
export const createAttention: (dropout: Dropout, options?: ExtensionOptions) => Promise<Attention> = /* @__PURE__ */ extender(
  load,
  ATTENTION,
  (engine, kernels: AttentionKernels) => new Attention(engine, kernels),
);
