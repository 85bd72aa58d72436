// Entry "wasm-dropout/monte-carlo" of Vercel's and Next's edge runtimes, where a wasm file is imported as a module by its suffix.

import scalar from "../../build/monte-carlo/scalar.wasm?module";
import simd from "../../build/monte-carlo/simd.wasm?module";
import type { Dropout } from "../core/dropout.js";
import { type ExtensionOptions, extender } from "../core/extension.js";
import { MONTE_CARLO, type MonteCarloKernels } from "./kernels.js";
import { MonteCarlo } from "./monte-carlo.js";

export * from "./api.js";

export const createMonteCarlo: (dropout: Dropout, options?: ExtensionOptions) => Promise<MonteCarlo> = /* @__PURE__ */ extender(
  (wanted) => (wanted ? simd : scalar),
  MONTE_CARLO,
  (engine, kernels: MonteCarloKernels) => new MonteCarlo(engine, kernels),
);
