// Entry "wasm-dropout/linear" of browsers, Node, Deno, Bun and bundlers: the builds are in the code.

import { embedded } from "../core/create.js";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { LINEAR, type LinearKernels } from "./kernels.js";
import { Linear } from "./linear.js";
import { SCALAR, SIMD } from "./wasm.js";

export * from "./api.js";

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
  /* @__PURE__ */ embedded(SIMD, SCALAR),
  LINEAR,
  (engine, kernels: LinearKernels) => new Linear(engine, kernels),
);
