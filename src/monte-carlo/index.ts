// Entry "wasm-dropout/monte-carlo" of browsers, Node, Deno, Bun and bundlers: the builds are in the code.

import { embedded } from "../core/create.js";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { MONTE_CARLO, type MonteCarloKernels } from "./kernels.js";
import { MonteCarlo } from "./monte-carlo.js";
import { SCALAR, SIMD } from "./wasm.js";

export * from "./api.js";

/**
 * Monte-Carlo dropout over an instance: shares its memory, its seed and kind by default, and none of its stream numbers.
 *
 * @throws (rejects with) TypeError for what is no instance or option, and what the engine throws where a policy forbids wasm
 * @example
 * import { createMonteCarlo } from "wasm-dropout/monte-carlo";
 * const monteCarlo = await createMonteCarlo(dropout);
 */
export const createMonteCarlo: (dropout: Dropout, options?: ExtensionOptions) => Promise<MonteCarlo> = /* @__PURE__ */ extender(
  /* @__PURE__ */ embedded(SIMD, SCALAR),
  MONTE_CARLO,
  (engine, kernels: MonteCarloKernels) => new MonteCarlo(engine, kernels),
);
