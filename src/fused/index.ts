// Entry "wasm-dropout/fused" of browsers, Node, Deno, Bun and bundlers: the builds are in the code.

import { embedded } from "../core/create.js";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { Fused } from "./fused.js";
import { FUSED, type FusedKernels } from "./kernels.js";
import { SCALAR, SIMD } from "./wasm.js";

export * from "./api.js";

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
  /* @__PURE__ */ embedded(SIMD, SCALAR),
  FUSED,
  (engine, kernels: FusedKernels) => new Fused(engine, kernels),
);
